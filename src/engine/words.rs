//! Host data on their way to a device: words that a graph borrows, or holds together with others.

use std::{borrow::Cow, marker::PhantomData, ops::Deref, ops::Range, sync::Arc};

use bytemuck::Pod;

use super::buffer::WORD_BYTES;

/// Host data that a graph shares with its caller and with other graphs; none of them borrows, and no value is copied.
///
/// What is made of owned data is `'static`: it may go to another thread or outlive the caller.
#[derive(Clone, Debug)]
pub struct Shared<T> {
    words: Arc<Vec<u32>>,
    /// In words.
    range: Range<usize>,
    element: PhantomData<T>,
}

impl<T: Pod> Shared<T> {
    /// Takes the data over; elements that are not words of memory are copied.
    #[must_use]
    pub fn new(data: Vec<T>) -> Self {
        let words = bytemuck::try_cast_vec(data).unwrap_or_else(|(_, data)| bytemuck::pod_collect_to_vec(&data));
        Self { range: 0..words.len(), words: Arc::new(words), element: PhantomData }
    }

    /// A part of the same data.
    ///
    /// # Panics
    /// When the range ends beyond the data.
    #[must_use]
    pub fn part(&self, elements: Range<usize>) -> Self {
        let words = words_of::<T>() as usize;
        let range = self.range.start + elements.start * words..self.range.start + elements.end * words;
        assert!(range.start <= range.end && range.end <= self.range.end, "a part of {} words", self.range.len());
        Self { range, ..self.clone() }
    }
}

impl From<Arc<Vec<u32>>> for Shared<u32> {
    fn from(words: Arc<Vec<u32>>) -> Self {
        Self { range: 0..words.len(), words, element: PhantomData }
    }
}

/// Words of an upload.
pub(crate) enum Words<'a> {
    Plain(Cow<'a, [u32]>),
    Shared { words: Arc<Vec<u32>>, range: Range<usize> },
}

impl Deref for Words<'_> {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        match self {
            Self::Plain(words) => words,
            Self::Shared { words, range } => &words[range.clone()],
        }
    }
}

impl<'a> Words<'a> {
    /// Borrowed data; what does not lie at a whole word of memory is copied.
    pub(crate) fn borrowed<T: Pod>(data: &'a [T]) -> Self {
        Self::Plain(words_of_data(data))
    }
}

impl<T> From<Shared<T>> for Words<'_> {
    fn from(shared: Shared<T>) -> Self {
        Self::Shared { words: shared.words, range: shared.range }
    }
}

pub(crate) fn words_of_data<T: Pod>(data: &[T]) -> Cow<'_, [u32]> {
    match bytemuck::try_cast_slice(data) {
        Ok(words) => Cow::Borrowed(words),
        Err(_) => Cow::Owned(bytemuck::pod_collect_to_vec(data)),
    }
}

/// Words of one element. Element types are shader types, whose sizes are multiples of a word.
pub(crate) fn words_of<T: Pod>() -> u64 {
    const { assert!(size_of::<T>() > 0 && size_of::<T>().is_multiple_of(WORD_BYTES as usize)) };
    size_of::<T>() as u64 / WORD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_of_the_same_memory() {
        let data: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let place = data.as_ptr().addr();
        let shared = Shared::new(data);
        let part = shared.part(2..10).part(1..3);
        let words = Words::from(part);
        assert_eq!(words.as_ptr().addr(), place + 3 * 4);
        assert_eq!(*words, [3.0_f32, 4.0].map(f32::to_bits));
        // Elements of other sizes than a word.
        let pairs = Words::from(Shared::new(vec![[1_u16, 2], [3, 4]]).part(1..2));
        assert_eq!(*pairs, [3 | 4 << 16]);
    }
}
