/// What a pass spreads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// The set pixels.
    Dilate,
    /// The unset pixels.
    Erode,
}

impl Spread {
    /// What turns the pixels that spread into set ones, by exclusive or.
    pub(super) fn flip(self) -> u32 {
        match self {
            Self::Dilate => 0,
            Self::Erode => u32::MAX,
        }
    }

    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Dilate => "dilate",
            Self::Erode => "erode",
        }
    }
}
