use std::{
    fmt,
    io::{self, Write},
};

/// Number type of stored values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

/// Order of the bytes of one stored value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endian {
    Little,
    Big,
}

impl Endian {
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}

/// How stored bytes become values: `value = slope · stored + intercept`, in f64, rounded once to f32.
///
/// Integers beyond 2²⁴ and doubles lose digits in that last step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Encoding {
    pub(super) scalar: Scalar,
    pub(super) endian: Endian,
    pub(super) slope: f64,
    pub(super) intercept: f64,
}

impl Scalar {
    pub(super) fn byte_count(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.scalar {
            Scalar::U8 | Scalar::U16 | Scalar::U32 | Scalar::U64 => "unsigned integers",
            Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64 => "integers",
            Scalar::F32 | Scalar::F64 => "floats",
        };
        write!(f, "{kind} of {} bits", 8 * self.scalar.byte_count())?;
        if self.scalar.byte_count() > 1 {
            f.write_str(if self.endian == Endian::Little { ", little-endian" } else { ", big-endian" })?;
        }
        if (self.slope, self.intercept) != (1.0, 0.0) {
            write!(f, "; times {}, plus {}", self.slope, self.intercept)?;
        }
        Ok(())
    }
}

impl Encoding {
    pub(super) fn new(scalar: Scalar, endian: Endian) -> Self {
        Self { scalar, endian, slope: 1.0, intercept: 0.0 }
    }

    /// Appends the values in `bytes`, whose length is a multiple of the scalar's.
    pub(super) fn decode(&self, bytes: &[u8], values: &mut Vec<f32>) {
        self.decode_as(bytes, values, |value| value as f32);
    }

    /// Appends them in another type.
    pub(super) fn decode_as<T>(&self, bytes: &[u8], values: &mut Vec<T>, rounded: impl Fn(f64) -> T) {
        match self.scalar {
            Scalar::U8 => self.extend(bytes, values, |b: [u8; 1]| f64::from(b[0]), rounded),
            Scalar::I8 => self.extend(bytes, values, |b| f64::from(i8::from_le_bytes(b)), rounded),
            Scalar::U16 => self.extend(bytes, values, |b| f64::from(u16::from_le_bytes(b)), rounded),
            Scalar::I16 => self.extend(bytes, values, |b| f64::from(i16::from_le_bytes(b)), rounded),
            Scalar::U32 => self.extend(bytes, values, |b| f64::from(u32::from_le_bytes(b)), rounded),
            Scalar::I32 => self.extend(bytes, values, |b| f64::from(i32::from_le_bytes(b)), rounded),
            Scalar::U64 => self.extend(bytes, values, |b| u64::from_le_bytes(b) as f64, rounded),
            Scalar::I64 => self.extend(bytes, values, |b| i64::from_le_bytes(b) as f64, rounded),
            Scalar::F32 => self.extend(bytes, values, |b| f64::from(f32::from_le_bytes(b)), rounded),
            Scalar::F64 => self.extend(bytes, values, f64::from_le_bytes, rounded),
        }
    }

    fn extend<T, const N: usize>(
        &self,
        bytes: &[u8],
        values: &mut Vec<T>,
        parse: impl Fn([u8; N]) -> f64,
        rounded: impl Fn(f64) -> T,
    ) {
        let (words, _) = bytes.as_chunks::<N>();
        let rescale = |v: f64| rounded(v * self.slope + self.intercept);
        match self.endian {
            Endian::Little => values.extend(words.iter().map(|&w| rescale(parse(w)))),
            Endian::Big => values.extend(words.iter().map(|&w| {
                let mut w = w;
                w.reverse();
                rescale(parse(w))
            })),
        }
    }
}

/// Writes values as little-endian `f32`, the one way kerma stores volumes and stacks.
pub(super) fn write_f32(out: &mut dyn Write, values: &[f32]) -> io::Result<()> {
    const CHUNK: usize = 1 << 14;
    let mut bytes = Vec::with_capacity(4 * CHUNK.min(values.len()));
    for chunk in values.chunks(CHUNK) {
        bytes.clear();
        bytes.extend(chunk.iter().flat_map(|v| v.to_le_bytes()));
        out.write_all(&bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(scalar: Scalar, endian: Endian, bytes: &[u8]) -> Vec<f32> {
        let mut values = Vec::new();
        Encoding::new(scalar, endian).decode(bytes, &mut values);
        values
    }

    #[test]
    fn every_scalar_is_decoded_in_both_byte_orders() {
        let both = |scalar, little: &[u8], want: f32| {
            let big: Vec<u8> = little.iter().rev().copied().collect();
            assert_eq!(decoded(scalar, Endian::Little, little), [want]);
            assert_eq!(decoded(scalar, Endian::Big, &big), [want]);
            assert_eq!(little.len(), scalar.byte_count());
        };
        both(Scalar::U8, &[200], 200.0);
        both(Scalar::I8, &(-100i8).to_le_bytes(), -100.0);
        both(Scalar::U16, &60_000u16.to_le_bytes(), 60_000.0);
        both(Scalar::I16, &(-1024i16).to_le_bytes(), -1024.0);
        both(Scalar::U32, &3_000_000_000u32.to_le_bytes(), 3e9);
        both(Scalar::I32, &(-70_000i32).to_le_bytes(), -70_000.0);
        both(Scalar::U64, &(1u64 << 40).to_le_bytes(), (1u64 << 40) as f32);
        both(Scalar::I64, &(-5i64).to_le_bytes(), -5.0);
        both(Scalar::F32, &0.1f32.to_le_bytes(), 0.1);
        both(Scalar::F64, &0.1f64.to_le_bytes(), 0.1);
    }

    #[test]
    fn slope_and_intercept_apply_to_the_stored_number() {
        let mut values = Vec::new();
        let encoding = Encoding { slope: 2.0, intercept: -1024.0, ..Encoding::new(Scalar::I16, Endian::Little) };
        encoding.decode(&[1, 0, 0xFF, 0xFF], &mut values);
        assert_eq!(values, [-1022.0, -1026.0]);
    }
}
