//! Loops over all cores: rayon's, or with the feature `parallel` off the same names on one thread.

#[cfg(feature = "parallel")]
pub(crate) use rayon::{current_num_threads, prelude::*};

#[cfg(not(feature = "parallel"))]
pub(crate) use serial::*;

#[cfg(not(feature = "parallel"))]
mod serial {
    use std::{cmp::Ordering, iter, slice};

    pub(crate) fn current_num_threads() -> usize {
        1
    }

    /// An iterator with the methods of rayon's that kerma uses; those of another signature than the standard library's are
    /// the reason for a type of its own.
    #[derive(Clone)]
    pub(crate) struct Serial<I>(I);

    impl<I: Iterator> Serial<I> {
        pub(crate) fn map<T>(self, f: impl FnMut(I::Item) -> T) -> Serial<impl Iterator<Item = T>> {
            Serial(self.0.map(f))
        }

        pub(crate) fn copied<'a, T: Copy + 'a>(self) -> Serial<iter::Copied<I>>
        where
            I: Iterator<Item = &'a T>,
        {
            Serial(self.0.copied())
        }

        pub(crate) fn filter(self, f: impl FnMut(&I::Item) -> bool) -> Serial<impl Iterator<Item = I::Item>> {
            Serial(self.0.filter(f))
        }

        pub(crate) fn flat_map_iter<U: IntoIterator>(
            self,
            f: impl FnMut(I::Item) -> U,
        ) -> Serial<impl Iterator<Item = U::Item>> {
            Serial(self.0.flat_map(f))
        }

        pub(crate) fn enumerate(self) -> Serial<iter::Enumerate<I>> {
            Serial(self.0.enumerate())
        }

        pub(crate) fn skip(self, count: usize) -> Serial<iter::Skip<I>> {
            Serial(self.0.skip(count))
        }

        pub(crate) fn take(self, count: usize) -> Serial<iter::Take<I>> {
            Serial(self.0.take(count))
        }

        pub(crate) fn zip<J: Iterator>(self, other: Serial<J>) -> Serial<iter::Zip<I, J>> {
            Serial(self.0.zip(other.0))
        }

        pub(crate) fn for_each(self, f: impl FnMut(I::Item)) {
            self.0.for_each(f);
        }

        pub(crate) fn for_each_init<S>(self, init: impl FnOnce() -> S, mut f: impl FnMut(&mut S, I::Item)) {
            let mut state = init();
            self.0.for_each(|item| f(&mut state, item));
        }

        pub(crate) fn reduce(
            self,
            identity: impl FnOnce() -> I::Item,
            f: impl FnMut(I::Item, I::Item) -> I::Item,
        ) -> I::Item {
            self.0.fold(identity(), f)
        }

        pub(crate) fn min_by(self, f: impl FnMut(&I::Item, &I::Item) -> Ordering) -> Option<I::Item> {
            self.0.min_by(f)
        }

        pub(crate) fn all(mut self, f: impl FnMut(I::Item) -> bool) -> bool {
            self.0.all(f)
        }

        pub(crate) fn count(self) -> usize {
            self.0.count()
        }

        pub(crate) fn sum<S: iter::Sum<I::Item>>(self) -> S {
            self.0.sum()
        }

        pub(crate) fn collect<C: FromIterator<I::Item>>(self) -> C {
            self.0.collect()
        }
    }

    pub(crate) trait IntoParallelIterator {
        type Iter: Iterator<Item = Self::Item>;
        type Item;

        fn into_par_iter(self) -> Serial<Self::Iter>;
    }

    impl<T: IntoIterator> IntoParallelIterator for T {
        type Iter = T::IntoIter;
        type Item = T::Item;

        fn into_par_iter(self) -> Serial<T::IntoIter> {
            Serial(self.into_iter())
        }
    }

    pub(crate) trait ParallelSlice<T> {
        fn par_iter(&self) -> Serial<slice::Iter<'_, T>>;
        fn par_iter_mut(&mut self) -> Serial<slice::IterMut<'_, T>>;
        fn par_chunks(&self, size: usize) -> Serial<slice::Chunks<'_, T>>;
        fn par_chunks_mut(&mut self, size: usize) -> Serial<slice::ChunksMut<'_, T>>;
        fn par_sort_unstable_by(&mut self, compare: impl FnMut(&T, &T) -> Ordering);
    }

    impl<T> ParallelSlice<T> for [T] {
        fn par_iter(&self) -> Serial<slice::Iter<'_, T>> {
            Serial(self.iter())
        }

        fn par_iter_mut(&mut self) -> Serial<slice::IterMut<'_, T>> {
            Serial(self.iter_mut())
        }

        fn par_chunks(&self, size: usize) -> Serial<slice::Chunks<'_, T>> {
            Serial(self.chunks(size))
        }

        fn par_chunks_mut(&mut self, size: usize) -> Serial<slice::ChunksMut<'_, T>> {
            Serial(self.chunks_mut(size))
        }

        fn par_sort_unstable_by(&mut self, compare: impl FnMut(&T, &T) -> Ordering) {
            self.sort_unstable_by(compare);
        }
    }
}
