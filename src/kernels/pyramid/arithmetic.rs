/// How levels and expansions are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// To whole numbers, ⌊x + ½⌋; images hold whole numbers of at most 16 bits.
    ///
    /// Everything but a curve is exact then, whatever a device fuses or reorders: with weights that are whole numbers,
    /// a level is a sum of at most 256·65,535 < 2²⁴ in magnitude, an expansion one of 64·65,535, and so is each of
    /// their partial sums; division by 256 or 64 and the ½ leave at most 24 bits. A band is the difference of two
    /// whole numbers. So collapsing what was built gives the image again, to the bit, on every device.
    ///
    /// Expanding stays exact as long as the collapsed levels are below 2²⁴/64 = 2¹⁸ in magnitude, whatever the curves.
    Whole,
    /// To single precision after every operation, in the written order: tier P.
    Real,
}

impl Arithmetic {
    /// As shaders see it.
    pub(super) fn code(self) -> u32 {
        u32::from(self.is_whole())
    }

    pub(super) fn is_whole(self) -> bool {
        self == Self::Whole
    }
}
