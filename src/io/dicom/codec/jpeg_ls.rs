use super::{Cells, Fault, complete, damaged};

/// Lossless and near-lossless, of one component; sections are those of ITU-T T.87 of 1998.
pub(super) fn decode(frame: &[u8], cells: Cells) -> Result<Vec<u8>, Fault> {
    let (header, data) = Header::of(frame)?;
    cells.check("JPEG-LS", header.size, header.components, header.bits)?;
    if !(2..=16).contains(&header.bits) {
        return Err(Fault::Damaged(format!("a JPEG-LS frame has 2 to 16 bits, not {}", header.bits)));
    }
    let coding = header.coding()?;
    let [columns, rows] = cells.size;
    let mut bytes = Vec::with_capacity(cells.count() * cells.bytes);
    let mut bits = Bits::new(data);
    let interval = if header.restart_rows == 0 { rows } else { header.restart_rows };
    for first in (0..rows).step_by(interval) {
        if first > 0 {
            bits = bits.after_restart(first / interval - 1)?;
        }
        // Samples of a row, between the one to the left of the first and the one to the right of the last.
        let mut above = vec![0; columns + 2];
        let mut row = above.clone();
        let mut state = State::new(&coding);
        for _ in first..rows.min(first + interval) {
            row[0] = above[1];
            above[columns + 1] = above[columns];
            state.row(&coding, &mut bits, &above, &mut row)?;
            row[1..=columns].iter().for_each(|&v| cells.push(&mut bytes, v));
            (above, row) = (row, above);
        }
    }
    complete(bytes, cells)
}

/// What a frame says of itself and of its only scan.
#[derive(Default)]
struct Header {
    size: [usize; 2],
    components: usize,
    bits: usize,
    /// MAXVAL, T1, T2, T3 and RESET; 0 stands for the default.
    presets: [i32; 5],
    /// Rows between two restarts; 0 without.
    restart_rows: usize,
    /// Largest difference between a sample and what is decoded.
    near: i32,
}

impl Header {
    /// Reads the marker segments (T.87, annex C) up to the scan, and gives what follows its header.
    fn of(frame: &[u8]) -> Result<(Self, &[u8]), Fault> {
        const FRAME: u8 = 0xF7;
        const PRESETS: u8 = 0xF8;
        const RESTART_INTERVAL: u8 = 0xDD;
        const SCAN: u8 = 0xDA;
        let cut = || damaged("the header of the JPEG-LS frame is damaged");
        let mut rest = frame.strip_prefix(b"\xFF\xD8").ok_or_else(|| damaged("the JPEG-LS frame has no header"))?;
        let mut header = Self::default();
        loop {
            let &[0xFF, marker, high, low] = rest.first_chunk().ok_or_else(cut)? else {
                return Err(cut());
            };
            let length = usize::from(u16::from_be_bytes([high, low]));
            let segment = rest.get(4..2 + length).ok_or_else(cut)?;
            rest = &rest[2 + length..];
            let word = |at: usize| Some(u16::from_be_bytes(*segment.get(at..)?.first_chunk()?));
            match (marker, segment) {
                (FRAME, &[bits, _, _, _, _, components, ..]) => {
                    let [rows, columns] = [1, 3].map(|at| word(at).unwrap_or(0).into());
                    (header.size, header.components, header.bits) = ([columns, rows], components.into(), bits.into());
                }
                (PRESETS, &[1, ..]) => {
                    let presets = [1, 3, 5, 7, 9].map(|at| word(at).map(i32::from));
                    if presets.contains(&None) {
                        return Err(cut());
                    }
                    header.presets = presets.map(Option::unwrap_or_default);
                }
                (PRESETS, _) => return Err(Fault::Unsupported("JPEG-LS with mapping tables or oversize rows".into())),
                (RESTART_INTERVAL, number) if number.len() <= 4 => {
                    header.restart_rows = number.iter().fold(0, |n, &byte| n << 8 | usize::from(byte));
                }
                (SCAN, &[components, _, table, near, _, shift]) => {
                    if (components, table, shift & 15) != (1, 0, 0) {
                        return Err(Fault::Unsupported("JPEG-LS with mapping tables or shifted samples".into()));
                    }
                    header.near = near.into();
                    return Ok((header, rest));
                }
                (0xC0..=0xC3, _) => return Err(damaged("the frame is JPEG, not JPEG-LS")),
                (SCAN | RESTART_INTERVAL, _) => return Err(cut()),
                _ => {}
            }
        }
    }

    /// The parameters of the code (T.87, C.2.4.1.1 and A.2.1).
    fn coding(&self) -> Result<Coding, Fault> {
        let (near, deepest) = (self.near, (1 << self.bits) - 1);
        let [max, t1, t2, t3, reset] = self.presets;
        let max = if max == 0 { deepest } else { max };
        let or = |preset: i32, default: i32, least: i32| match preset {
            0 if (least..=max).contains(&default) => default,
            0 => least,
            preset => preset,
        };
        let (a, b, c) = if max >= 128 {
            let factor = (max.min(4095) + 128) / 256;
            (factor + 2 + 3 * near, 4 * factor + 3 + 5 * near, 17 * factor + 4 + 7 * near)
        } else {
            let factor = 256 / (max + 1);
            ((3 / factor + 3 * near).max(2), (7 / factor + 5 * near).max(3), (21 / factor + 7 * near).max(4))
        };
        let t1 = or(t1, a, near + 1);
        let t2 = or(t2, b, t1);
        let t3 = or(t3, c, t2);
        let reset = if reset == 0 { 64 } else { reset };
        let ordered = near < t1 && t1 <= t2 && t2 <= t3 && t3 <= max;
        if max > deepest || near > max / 2 || !ordered || reset < 3 {
            return Err(Fault::Damaged(format!(
                "the JPEG-LS frame's parameters contradict each other: {} bits, values up to {max}, thresholds {t1}, \
                 {t2} and {t3}, error {near}, reset after {reset}",
                self.bits
            )));
        }
        let step = 2 * near + 1;
        let range = (max + 2 * near) / step + 1;
        let depth = bits_of(max + 1).max(2);
        Ok(Coding {
            max,
            near,
            step,
            range,
            error_bits: bits_of(range),
            limit: 2 * (depth + depth.max(8)),
            thresholds: [t1, t2, t3],
            reset,
        })
    }
}

/// Fewest bits that tell so many values apart.
fn bits_of(values: i32) -> u32 {
    (values as u32).next_power_of_two().trailing_zeros()
}

/// Parameters of the code, the same for all samples.
struct Coding {
    /// MAXVAL: the largest sample.
    max: i32,
    /// NEAR.
    near: i32,
    /// Between two levels of the quantised error: 2 NEAR + 1.
    step: i32,
    /// RANGE: levels of the quantised error.
    range: i32,
    /// qbpp: bits of an error that is written as it is.
    error_bits: u32,
    /// LIMIT: most bits of a code word.
    limit: u32,
    /// T1, T2 and T3, between the five sizes of a gradient.
    thresholds: [i32; 3],
    /// RESET: samples after which a context's sums are halved.
    reset: i32,
}

impl Coding {
    /// A gradient's size with its sign (A.3.3).
    fn quantised(&self, gradient: i32) -> i32 {
        let size = gradient.abs();
        let level = i32::from(size > self.near) + self.thresholds.iter().filter(|&&t| size >= t).count() as i32;
        level * gradient.signum()
    }

    /// The sample at a quantised error from its prediction (A.4.5 and A.8).
    fn sample(&self, prediction: i32, error: i32) -> i32 {
        let mut sample = prediction + error * self.step;
        let turn = self.range * self.step;
        if sample < -self.near {
            sample += turn;
        } else if sample > self.max + self.near {
            sample -= turn;
        }
        sample.clamp(0, self.max)
    }
}

/// What is known of the errors in one context.
#[derive(Clone, Copy)]
struct Context {
    /// A: sum of their sizes.
    sizes: i32,
    /// B: their sum, as far as the correction does not make up for it; in interrupted runs Nn, the negative ones' count.
    bias: i32,
    /// C: what corrects the prediction.
    correction: i32,
    /// N: how many there were.
    count: i32,
}

impl Context {
    fn new(coding: &Coding) -> Self {
        Self { sizes: ((coding.range + 32) / 64).max(2), bias: 0, correction: 0, count: 1 }
    }

    /// The code's parameter k for errors of such a sum.
    fn parameter(&self, sizes: i32) -> u32 {
        (0..24).find(|&k| i64::from(self.count) << k >= sizes.into()).unwrap_or(24)
    }

    fn halve(&mut self, coding: &Coding) {
        if self.count == coding.reset {
            self.sizes >>= 1;
            self.bias >>= 1;
            self.count >>= 1;
        }
        self.count += 1;
    }

    /// Decodes a quantised error (A.5) and takes note of it (A.6).
    fn error(&mut self, coding: &Coding, bits: &mut Bits<'_>) -> Result<i32, Fault> {
        let k = self.parameter(self.sizes);
        let word = bits.word(k, coding.limit, coding)?;
        let mut error = (word >> 1) ^ -(word & 1);
        if coding.near == 0 && k == 0 && 2 * self.bias <= -self.count {
            error = !error;
        }
        self.sizes = self.sizes.saturating_add(error.abs());
        self.bias += error * coding.step;
        self.halve(coding);
        if self.bias <= -self.count {
            self.bias = (self.bias + self.count).max(1 - self.count);
            self.correction = (self.correction - 1).max(-128);
        } else if self.bias > 0 {
            self.bias = (self.bias - self.count).min(0);
            self.correction = (self.correction + 1).min(127);
        }
        Ok(error)
    }

    /// The same where a run is interrupted, by a sample as those around it (`alike`) or another (A.7.2).
    fn interruption(&mut self, coding: &Coding, bits: &mut Bits<'_>, alike: bool, limit: u32) -> Result<i32, Fault> {
        let k = self.parameter(self.sizes.saturating_add(if alike { self.count >> 1 } else { 0 }));
        let word = bits.word(k, limit, coding)?;
        let twice = word + i32::from(alike);
        let is_odd = twice & 1 == 1;
        let size = (twice + 1) / 2;
        let mostly_negative = k != 0 || 2 * self.bias >= self.count;
        let error = if is_odd == mostly_negative { -size } else { size };
        self.bias += i32::from(error < 0);
        self.sizes = self.sizes.saturating_add((word + 1 - i32::from(alike)) >> 1);
        self.halve(coding);
        Ok(error)
    }
}

/// What decoding one sample leaves to the next.
struct State {
    regular: Vec<Context>,
    /// Of interrupted runs: a sample unlike those around it, and one alike.
    interrupted: [Context; 2],
    /// RUNindex: how well runs go.
    run: usize,
}

impl State {
    fn new(coding: &Coding) -> Self {
        // Triples of quantised gradients, of which a negative one is its opposite's.
        const TRIPLES: usize = 9 * 9 * 9 / 2 + 1;
        let context = Context::new(coding);
        Self { regular: vec![context; TRIPLES], interrupted: [context; 2], run: 0 }
    }

    /// Decodes a row; both have a sample before the first and one after the last (A.2.1).
    fn row(&mut self, coding: &Coding, bits: &mut Bits<'_>, above: &[i32], row: &mut [i32]) -> Result<(), Fault> {
        let columns = row.len() - 2;
        let mut at = 1;
        while at <= columns {
            let [c, b, d] = [above[at - 1], above[at], above[at + 1]];
            let a = row[at - 1];
            let [g1, g2, g3] = [d - b, b - c, c - a].map(|gradient| coding.quantised(gradient));
            let triple = 81 * g1 + 9 * g2 + g3;
            if triple == 0 {
                at = self.run(coding, bits, above, row, at)?;
                continue;
            }
            let context = &mut self.regular[triple.unsigned_abs() as usize];
            let (sign, least, most) = (triple.signum(), a.min(b), a.max(b));
            // The median of a, b and a + b - c.
            let edge = (a + b - c).clamp(least, most);
            let prediction = (edge + sign * context.correction).clamp(0, coding.max);
            row[at] = coding.sample(prediction, sign * context.error(coding, bits)?);
            at += 1;
        }
        Ok(())
    }

    /// Decodes a run of the sample before `start` and what interrupts it, and gives where it goes on (A.7).
    fn run(
        &mut self,
        coding: &Coding,
        bits: &mut Bits<'_>,
        above: &[i32],
        row: &mut [i32],
        start: usize,
    ) -> Result<usize, Fault> {
        /// Exponents of the runs' lengths, J.
        const LENGTHS: [u32; 32] =
            [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];
        let end = row.len() - 1;
        let a = row[start - 1];
        let mut at = start;
        while bits.take(1)? == 1 {
            let length = 1 << LENGTHS[self.run];
            if at + length <= end {
                self.run = (self.run + 1).min(LENGTHS.len() - 1);
            }
            let from = at;
            at = (at + length).min(end);
            row[from..at].fill(a);
            if at == end {
                return Ok(end);
            }
        }
        let exponent = LENGTHS[self.run];
        let length = bits.take(exponent)? as usize;
        if at + length >= end {
            return Err(damaged("a run of the JPEG-LS frame is longer than its row"));
        }
        row[at..at + length].fill(a);
        at += length;
        let b = above[at];
        let alike = (a - b).abs() <= coding.near;
        let limit = coding.limit - exponent - 1;
        let error = self.interrupted[usize::from(alike)].interruption(coding, bits, alike, limit)?;
        row[at] = match alike {
            true => coding.sample(a, error),
            false => coding.sample(b, if a > b { -error } else { error }),
        };
        self.run = self.run.saturating_sub(1);
        Ok(at + 1)
    }
}

/// Reads bits, the highest of a byte first; of the byte after an FF the highest is left out (A.1).
struct Bits<'a> {
    rest: &'a [u8],
    /// Bits that were read ahead, at the lower end.
    ahead: u64,
    count: u32,
    after_ff: bool,
}

impl<'a> Bits<'a> {
    fn new(rest: &'a [u8]) -> Self {
        Self { rest, ahead: 0, count: 0, after_ff: false }
    }

    /// Reads ahead, up to the next marker.
    fn fill(&mut self) {
        while self.count < 56 {
            let Some((&byte, rest)) = self.rest.split_first() else { break };
            if byte == 0xFF && rest.first().is_none_or(|next| next & 0x80 != 0) {
                break;
            }
            let bits = if self.after_ff { 7 } else { 8 };
            self.ahead = self.ahead << bits | u64::from(byte);
            self.count += bits;
            self.after_ff = byte == 0xFF;
            self.rest = rest;
        }
    }

    fn take(&mut self, count: u32) -> Result<u32, Fault> {
        if self.count < count {
            self.fill();
        }
        let left = self.count.checked_sub(count).ok_or_else(Self::end)?;
        self.count = left;
        Ok((self.ahead >> left) as u32 & ((1 << count) - 1))
    }

    fn end() -> Fault {
        damaged("the JPEG-LS frame ends early")
    }

    /// A Golomb-Rice code word of limited length (A.5.3), mapped error or error as it is.
    fn word(&mut self, k: u32, limit: u32, coding: &Coding) -> Result<i32, Fault> {
        let most = limit - coding.error_bits - 1;
        let mut zeros = 0;
        loop {
            if self.count == 0 {
                self.fill();
            }
            let unread = self.ahead.checked_shl(64 - self.count).ok_or_else(Self::end)?;
            let run = unread.leading_zeros().min(self.count);
            zeros += run;
            if zeros > most {
                return Err(damaged("a code word of the JPEG-LS frame is too long"));
            }
            if run < self.count {
                self.count -= run + 1;
                break;
            }
            self.count = 0;
        }
        let word = if zeros < most { zeros << k | self.take(k)? } else { self.take(coding.error_bits)? + 1 };
        // Errors are half of the range at most, to either side.
        match word as i32 {
            word if word <= coding.range => Ok(word),
            _ => Err(damaged("an error of the JPEG-LS frame is beyond its range")),
        }
    }

    /// What follows the restart marker of that number.
    fn after_restart(self, number: usize) -> Result<Self, Fault> {
        let marker = [0xFF, 0xD0 + (number % 8) as u8];
        let at = self.rest.windows(2).position(|pair| pair == marker);
        let at = at.ok_or_else(|| damaged(format!("restart {number} of the JPEG-LS frame is missing")))?;
        Ok(Self::new(&self.rest[at + 2..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELLS: Cells = Cells { size: [4, 4], bytes: 1 };
    const HEADER: [u8; 15] = [0xFF, 0xD8, 0xFF, 0xF7, 0, 11, 8, 0, 4, 0, 4, 1, 1, 0x11, 0];
    const SCAN: [u8; 10] = [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0, 0];
    /// The example of T.87, H.3.
    const DATA: [u8; 30] = [
        0xC0, 0x00, 0x00, 0x6C, 0x80, 0x20, 0x8E, 0x01, 0xC0, 0x00, 0x00, 0x57, 0x40, 0x00, 0x00, 0x6E, 0xE6, 0x00,
        0x00, 0x01, 0xBC, 0x18, 0x00, 0x00, 0x05, 0xD8, 0x00, 0x00, 0x91, 0x60,
    ];
    const SAMPLES: [u8; 16] = [0, 0, 90, 74, 68, 50, 43, 205, 64, 145, 145, 145, 100, 145, 145, 145];
    const END: [u8; 2] = [0xFF, 0xD9];

    #[test]
    fn the_example_of_the_standard_is_decoded() {
        assert_eq!(decode(&[&HEADER[..], &SCAN, &DATA, &END].concat(), CELLS), Ok(SAMPLES.to_vec()));
    }

    #[test]
    fn what_follows_a_restart_does_not_depend_on_what_was_before() {
        let header = [HEADER[..8].to_vec(), vec![8], HEADER[9..].to_vec()].concat();
        let interval = [0xFF, 0xDD, 0, 4, 0, 4];
        let cells = Cells { size: [4, 8], bytes: 1 };
        let of = |restart: &[u8]| decode(&[&header[..], &interval, &SCAN, &DATA, restart, &DATA, &END].concat(), cells);
        assert_eq!(of(&[0xFF, 0xD0]), Ok([SAMPLES, SAMPLES].concat()));
        let missing = damaged("restart 0 of the JPEG-LS frame is missing");
        assert_eq!(of(&[0xFF, 0xD1]), Err(missing));
    }

    #[test]
    fn parameters_that_contradict_each_other_are_named() {
        let of = |numbers: [u16; 5]| {
            let presets = [vec![0xFF, 0xF8, 0, 13, 1], numbers.map(u16::to_be_bytes).concat()].concat();
            decode(&[&HEADER[..], &presets, &SCAN, &DATA, &END].concat(), CELLS)
        };
        assert_eq!(of([0; 5]), Ok(SAMPLES.to_vec()));
        assert_eq!(of([255, 3, 7, 21, 64]), Ok(SAMPLES.to_vec()));
        for numbers in [[256, 0, 0, 0, 0], [0, 8, 7, 0, 0], [0, 0, 0, 256, 0], [0, 0, 0, 0, 2]] {
            assert!(matches!(of(numbers), Err(Fault::Damaged(reason)) if reason.contains("contradict")), "{numbers:?}");
        }
    }
}
