/// Sizes of a batch of images in planes: `[count, channels, rows, columns]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Planes {
    pub(super) count: usize,
    pub(super) channels: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Planes {
    pub(super) fn new([count, channels, rows, columns]: [usize; 4]) -> Self {
        Self { count, channels, rows, columns }
    }

    pub(super) fn pixels(&self) -> usize {
        self.rows * self.columns
    }
}
