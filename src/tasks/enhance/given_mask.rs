use std::sync::Arc;

use super::TaskError;
use crate::{
    data::{Image, Sample, Unit},
    engine::{Graph, Shared},
    kernels::Mask,
    parallel::*,
};

/// Pixels per word of a mask.
const WORD_BITS: usize = 32;
/// Value of the foreground where a mask is shown as an image.
const FOREGROUND: f32 = 255.0;

/// A foreground made elsewhere, packed as kernels want it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenMask {
    size: [usize; 2],
    words: Arc<Vec<u32>>,
}

impl GivenMask {
    /// The pixels of `mask` that are not 0; its size must be that of `image`.
    ///
    /// # Errors
    /// [`TaskError::Size`] when it is not.
    pub fn new(mask: &Image, image: &Image) -> Result<Self, TaskError> {
        let got = mask.size();
        check_size(got, image)?;
        Ok(Self::of(mask, |&v| v != 0.0))
    }

    /// The pixels of an image that are wanted.
    pub(super) fn of(image: &Image, is_wanted: impl Fn(&f32) -> bool + Sync) -> Self {
        let word = |pixels: &[f32]| (0..).zip(pixels).fold(0, |word, (bit, v)| word | u32::from(is_wanted(v)) << bit);
        let rows = image.values().par_chunks(image.size()[0]);
        let words = rows.flat_map_iter(|row| row.chunks(WORD_BITS).map(word)).collect();
        Self { size: image.size(), words: Arc::new(words) }
    }

    /// Refuses an image of another size.
    pub(super) fn check(&self, image: &Image) -> Result<(), TaskError> {
        check_size(self.size, image)
    }

    /// Whether no pixel belongs to the foreground.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// Whether all pixels belong to the foreground.
    pub(super) fn is_full(&self) -> bool {
        self.words.par_iter().map(|word| word.count_ones() as usize).sum::<usize>() == self.size[0] * self.size[1]
    }

    /// The bits, a row of words per row of pixels.
    pub(super) fn words(&self) -> &[u32] {
        &self.words
    }

    pub(super) fn shared(&self) -> Shared<u32> {
        Shared::from(self.words.clone())
    }

    pub(super) fn size(&self) -> [usize; 2] {
        self.size
    }
}

/// Records a given mask, if it has any pixel.
pub(super) fn record(graph: &mut Graph<'_>, given: &GivenMask) -> Option<Mask> {
    if given.is_empty() {
        return None;
    }
    let size = given.size().map(|n| n as u32);
    let buffer = graph.upload_shared("enhance.mask", Mask::extent(size), given.shared());
    Some(Mask { buffer, size })
}

/// Refuses a mask of another size than the image.
fn check_size(got: [usize; 2], image: &Image) -> Result<(), TaskError> {
    let expected = image.size();
    if got == expected { Ok(()) } else { Err(TaskError::Size { what: "mask", like: "image", expected, got }) }
}

/// Share of the pixels of a mask of so many that belong to the foreground.
pub(super) fn share(words: &[u32], [columns, rows]: [usize; 2]) -> f64 {
    let count: u64 = words.par_iter().map(|word| u64::from(word.count_ones())).sum();
    count as f64 / (columns * rows) as f64
}

/// A mask as an image of 0 and 255.
pub(super) fn picture(words: &[u32], size: [usize; 2], spacing_mm: Option<[f64; 2]>) -> Result<Image, TaskError> {
    let row_words = Mask::row_words(size.map(|n| n as u32)) as usize;
    let mut values = vec![0.0; size[0] * size[1]];
    values.par_chunks_mut(size[0]).zip(words.par_chunks(row_words)).for_each(|(row, words)| {
        for (pixels, word) in row.chunks_mut(WORD_BITS).zip(words) {
            for (bit, pixel) in pixels.iter_mut().enumerate() {
                *pixel = if word >> bit & 1 == 1 { FOREGROUND } else { 0.0 };
            }
        }
    });
    Ok(Image::new(size, spacing_mm, Sample::Unsigned { bits: 8 }, Unit::Arbitrary, values)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(size: [usize; 2], values: Vec<f32>) -> Image {
        Image::new(size, None, Sample::Unsigned { bits: 8 }, Unit::Arbitrary, values).unwrap()
    }

    #[test]
    fn masks_are_packed_and_shown_again() {
        for size in [[1, 1], [31, 2], [32, 3], [33, 5], [70, 1]] {
            let values: Vec<f32> = (0..size[0] * size[1]).map(|i| if i % 3 == 0 { 255.0 } else { 0.0 }).collect();
            let foreground = values.iter().filter(|v| **v > 0.0).count() as f64;
            let mask = image(size, values);
            let given = GivenMask::new(&mask, &mask).unwrap();
            assert_eq!(given.words().len(), size[0].div_ceil(32) * size[1]);
            assert_eq!(share(given.words(), size), foreground / (size[0] * size[1]) as f64);
            assert_eq!(picture(given.words(), size, None).unwrap(), mask, "{size:?}");
            assert!(!given.is_empty());
        }
    }

    #[test]
    fn masks_of_another_size_are_refused() {
        let message = GivenMask::new(&image([2, 3], vec![0.0; 6]), &image([3, 2], vec![0.0; 6])).unwrap_err();
        assert_eq!(message.to_string(), "mask must be of 3x2 pixels like the image, got 2x3");
    }
}
