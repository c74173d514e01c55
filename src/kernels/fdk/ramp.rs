//! Ramp filter of detector rows by FFT.
//!
//! ```text
//! q[i] = Σ_m p[m] · h[i − m] / du
//! h[0] = 1/4,   h[n] = −1/(πn)² for odd n,   0 for even n
//! ```
//! where du is the pixel pitch in mm. The taps are the ramp |f| limited to the Nyquist frequency, sampled in space
//! (Kak & Slaney 1988, eq. 3.61); a ramp sampled in frequency would be wrong at zero frequency. With an apodising window they
//! are those of the ramp times the window. Taps, spectra and twiddles are computed in f64 on the host.
//!
//! Two rows of a view are one complex signal. Rows of up to 1024 columns are padded to n ≥ 2N and transformed at once.
//! Longer rows are cut into segments of 1024 and filtered by overlap-save, every output segment summing over the
//! input segments in the frequency domain.
//!
//! The transform takes eight numbers at a time, three levels of radix 2 in which turns by eighths of the circle need no twiddles:
//! decimation in frequency forward and in time back, so that no reordering is needed; spectra are stored in bit-reversed order.
//! What is left of the length, two, four or eight, is transformed, multiplied and transformed back at once. The first stage knows
//! that the upper half of a signal is 0, the last one computes the lower half alone.
//!
//! Shapes: `[view][row][column]` ← the same. Tier P: additions and multiplications only, in a fixed order.

use std::f64::consts::PI;

use crate::{
    kernels::{
        fourier::{
            signals::Signals,
            transform::{MAX_TRANSFORM, MIN_TRANSFORM, reversed, transform, twiddles},
        },
        prelude::*,
    },
    vectorised::{Aligned, Vectors, copy_lanes, transpose},
};

/// Columns that one workgroup filters; one per segment.
const MAX_SEGMENT: usize = MAX_TRANSFORM / 2;

kernel! {
    /// Convolution of rows with the filter's taps: columns, rows per view, columns per segment, number of segments, and
    /// length n of the transform.
    struct Ramp { columns, row_count, segment, segments, length: u32 }
    shader fdk/ramp + fourier/eights, Pinned, [MAX_SEGMENT as u32, 1];
    reads twiddles: whole of [f32; 2], spectra: whole of [f32; 2], rows_in[row_count, columns]: rows of f32;
    writes rows_out[row_count, columns]: f32;
    // One workgroup per segment: the planner counts workgroups in columns.
    domain |output| Domain {
        grain: row_count,
        ..Domain::rows(Extent { columns: segments * SHADER.workgroup[0], ..output }, row_operations(length, segments))
    };
}

/// A transform takes some 4·n·log₂ n operations; two rows share one, forward and back.
fn row_operations(length: u32, segments: u32) -> f64 {
    4.0 * f64::from(length) * f64::from(length.ilog2()) * f64::from(segments) * f64::from(segments + 1) / 2.0
}

/// Apodising window of the ramp filter, as a function of the frequency relative to the cut-off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Window {
    /// None: the plain band-limited ramp.
    #[default]
    RamLak,
    /// sin(πx/2)/(πx/2).
    SheppLogan,
    /// cos(πx/2).
    Cosine,
    /// 0.54 + 0.46·cos πx.
    Hamming,
    /// ½ + ½·cos πx.
    Hann,
}

impl Window {
    /// Names as they are written on a command line, with their windows.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("ram-lak", Self::RamLak),
        ("shepp-logan", Self::SheppLogan),
        ("cosine", Self::Cosine),
        ("hamming", Self::Hamming),
        ("hann", Self::Hann),
    ];

    /// Value at frequency `x`, 1 being the cut-off; zero beyond it.
    #[must_use]
    pub fn at(self, x: f64) -> f64 {
        let x = x.abs();
        if x > 1.0 {
            return 0.0;
        }
        match self {
            Self::RamLak => 1.0,
            Self::SheppLogan if x == 0.0 => 1.0,
            Self::SheppLogan => (PI * x / 2.0).sin() / (PI * x / 2.0),
            Self::Cosine => (PI * x / 2.0).cos(),
            Self::Hamming => 0.54 + 0.46 * (PI * x).cos(),
            Self::Hann => 0.5 + 0.5 * (PI * x).cos(),
        }
    }
}

/// What the filter is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RampFilter {
    /// Distance between the pixels of a row, in mm.
    pub pitch_mm: f64,
    /// Apodising window.
    pub window: Window,
    /// Frequency at which the window ends, relative to the Nyquist frequency, in (0, 1].
    pub cutoff: f64,
    /// Frequency at which a second window ½ + ½·cos πx ends, relative to the Nyquist frequency: that of a slice's profile.
    pub profile: Option<f64>,
}

impl RampFilter {
    /// Taps `h[n]/du` for |n| < `reach`, from the most negative n on: integrals over the frequencies f up to L, the lesser of
    /// F = cutoff/2 and P = profile/2.
    ///
    /// ```text
    /// h[n] = 2·∫ f·W(f/F)·(½ + ½·cos(πf/P))·cos(2πn·f) df
    /// 2·∫ f·cos(πb·f/L)·cos(2πn·f) df = L²·(m(2Ln + b) + m(2Ln − b))      m(x) = sinc x − ½·sinc²(x/2)
    /// ```
    /// With the window sampled instead, the cut-off would move to the nearest sample, and zero frequency not be 0. The profile's
    /// cosine is a shift of n by ±1/(2P).
    #[must_use]
    pub fn taps(&self, reach: usize) -> Vec<f64> {
        let (end, shifts) = match self.profile {
            None => (self.cutoff, vec![(1.0, 0.0)]),
            Some(profile) => {
                (self.cutoff.min(profile), vec![(0.5, 0.0), (0.25, 1.0 / profile), (0.25, -1.0 / profile)])
            }
        };
        // The window's own cosines, per L instead of F.
        let part = end / self.cutoff;
        let tap = |n: f64| {
            let x = end * n;
            let ramp = |b: f64| [x + b, x - b].map(|x| sinc(x) - sinc(x / 2.0).powi(2) / 2.0).iter().sum::<f64>();
            match self.window {
                Window::RamLak => ramp(0.0),
                // The sine of the window takes the place of f.
                Window::SheppLogan => {
                    [0.5 * part + x, 0.5 * part - x].map(|x| x / part * sinc(x / 2.0).powi(2)).iter().sum()
                }
                Window::Cosine => ramp(0.5 * part),
                Window::Hamming => 0.54 * ramp(0.0) + 0.46 * ramp(part),
                Window::Hann => 0.5 * ramp(0.0) + 0.5 * ramp(part),
            }
        };
        let scale = (end / 2.0).powi(2) / self.pitch_mm;
        let sum = |n: i64| shifts.iter().map(|(share, shift)| share * tap(n as f64 + shift)).sum::<f64>();
        (1 - reach as i64..reach as i64).map(|n| scale * sum(n)).collect()
    }

    /// Spectrum of the taps within half a period of `length` pixels, which is real since they are even.
    #[must_use]
    pub fn spectrum(&self, length: usize) -> Vec<f64> {
        let reach = length / 2;
        let mut signal = vec![(0.0, 0.0); length];
        for (n, tap) in (1 - reach as i64..).zip(self.taps(reach)) {
            signal[n.rem_euclid(length as i64) as usize].0 = tap;
        }
        transform(&mut signal, -1.0);
        signal.into_iter().map(|(re, _)| re).collect()
    }
}

/// sin(πx)/(πx), with x first brought to where the sine is right to its last digits.
pub(in crate::kernels) fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * (x % 2.0)).sin() / (PI * x) }
}

/// How rows of a length are cut and transformed.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    columns: usize,
    segment: usize,
    transform: usize,
    segments: usize,
}

impl Lengths {
    fn new(columns: usize) -> Self {
        let transform = (2 * columns).next_power_of_two().clamp(MIN_TRANSFORM, MAX_TRANSFORM);
        let segment = if columns <= MAX_SEGMENT { columns } else { MAX_SEGMENT };
        Self { columns, segment, transform, segments: columns.div_ceil(segment) }
    }
}

/// Spectra of the taps between any two segments, by shift from the most negative one, bit-reversed and divided by n.
fn spectra(filter: &RampFilter, lengths: Lengths) -> Vec<[f32; 2]> {
    let Lengths { segment, transform: n, segments, .. } = lengths;
    let reach = segments * segment;
    let taps = filter.taps(reach);
    let bits = n.trailing_zeros();
    let mut tables = Vec::with_capacity((2 * segments - 1) * n);
    for shift in 1 - segments as i64..segments as i64 {
        let mut signal = vec![(0.0, 0.0); n];
        for m in 1 - segment as i64..segment as i64 {
            let tap = shift * segment as i64 + m + reach as i64 - 1;
            let value = usize::try_from(tap).ok().and_then(|t| taps.get(t)).copied().unwrap_or(0.0);
            signal[m.rem_euclid(n as i64) as usize].0 = value;
        }
        transform(&mut signal, -1.0);
        tables.extend((0..n).map(|k| {
            let (re, im) = signal[reversed(k, bits)];
            [(re / n as f64) as f32, (im / n as f64) as f32]
        }));
    }
    tables
}

/// Twiddles and spectra of a filter for rows of one length: computed and uploaded once, for any number of stacks.
#[derive(Clone, Copy, Debug)]
pub struct Tables {
    twiddles: Buffer<[f32; 2]>,
    spectra: Buffer<[f32; 2]>,
    lengths: Lengths,
}

impl Tables {
    /// Records the upload of the tables for rows of `columns`.
    pub fn record(graph: &mut Graph<'_>, filter: &RampFilter, columns: usize) -> Self {
        let lengths = Lengths::new(columns);
        let twiddles = graph.upload_table("ramp.twiddles", &twiddles(lengths.transform));
        let spectra = graph.upload_table("ramp.spectra", &spectra(filter, lengths));
        Self { twiddles, spectra, lengths }
    }
}

/// Records the filtering of `rows` (views × rows × columns) into a buffer of the same extent.
///
/// The graph is refused when the `tables` are for rows of another number of columns.
pub fn record(graph: &mut Graph<'_>, tables: &Tables, rows: Buffer<f32>) -> Buffer<f32> {
    let extent = graph.extent(rows);
    let Tables { twiddles, spectra, lengths } = *tables;
    if extent.columns as usize != lengths.columns {
        let (needed, got) = (extent.columns, lengths.columns);
        graph.refuse("ramp", format!("tables must be for rows of {needed} columns, got those for {got}"));
    }
    let [segment, segments, length] = [lengths.segment, lengths.segments, lengths.transform].map(|n| n as u32);
    let kernel = Ramp { columns: extent.columns, row_count: extent.rows, segment, segments, length };
    kernel.compute(graph, "ramp", twiddles, spectra, rows, "ramp.filtered")
}

vectorised! {
    fn twin(
        kernel: &Ramp,
        block: &Block,
        twiddles: &[[f32; 2]],
        spectra: &[[f32; 2]],
        rows_in: &[f32],
        rows_out: &mut [f32],
    ) {
        let [columns, rows] = [kernel.columns, kernel.row_count].map(|n| n as usize);
        let [segment, segments, n] = [kernel.segment, kernel.segments, kernel.length].map(|n| n as usize);
        let mut signal = Signals::new(n);
        let mut sum = Signals::new(n);
        // Blocks are whole views. Lane l of a group holds rows 2l and 2l + 1 of sixteen pairs.
        for view in (0..block.rows.len()).step_by(rows) {
            for pair in (0..rows).step_by(2 * LANES) {
                let count = (rows - pair).min(2 * LANES);
                for out_segment in 0..segments {
                    for in_segment in 0..segments {
                        load::<V>(&mut signal, rows_in, [view + pair, count], columns, segment, in_segment);
                        let spectrum = &spectra[(out_segment + segments - 1 - in_segment) * n..][..n];
                        let of = [in_segment == 0, in_segment + 1 == segments];
                        // SAFETY: `V` is what the caller is built for.
                        unsafe { signal.filter::<V>(&mut sum, twiddles, spectrum, of) };
                    }
                    store::<V>(&sum, rows_out, [view + pair, count], columns, segment, out_segment);
                }
            }
        }
    }
}

/// Takes segment `s` of `count` rows from the `first` on: even ones are real, odd ones imaginary parts.
#[inline(always)]
fn load<V: Vectors>(
    signal: &mut Signals,
    rows_in: &[f32],
    [first, count]: [usize; 2],
    columns: usize,
    segment: usize,
    s: usize,
) {
    let range = s * segment..columns.min((s + 1) * segment);
    // The upper half is never read.
    let half = signal.re.len() / 2;
    for (odd, part) in [&mut signal.re, &mut signal.im].into_iter().enumerate() {
        for (column, lines) in range.clone().step_by(LANES).zip(part[..range.len()].chunks_mut(LANES)) {
            let mut square = [[0.0; LANES]; LANES];
            for (values, row) in square.iter_mut().zip((odd..count).step_by(2)) {
                copy_lanes(&rows_in[(first + row) * columns + column..][..lines.len()], values);
            }
            // SAFETY: `V` is what the caller is built for.
            unsafe { transpose::<V>(&mut square) };
            lines.iter_mut().zip(&square).for_each(|(line, values)| line.0 = *values);
        }
        part[range.len()..half].fill(Aligned([0.0; LANES]));
    }
}

/// The way back.
#[inline(always)]
fn store<V: Vectors>(
    signal: &Signals,
    rows_out: &mut [f32],
    [first, count]: [usize; 2],
    columns: usize,
    segment: usize,
    s: usize,
) {
    let range = s * segment..columns.min((s + 1) * segment);
    for (odd, part) in [&signal.re, &signal.im].into_iter().enumerate() {
        for (column, lines) in range.clone().step_by(LANES).zip(part[..range.len()].chunks(LANES)) {
            let mut square = [[0.0; LANES]; LANES];
            square.iter_mut().zip(lines).for_each(|(values, line)| *values = line.0);
            // SAFETY: `V` is what the caller is built for.
            unsafe { transpose::<V>(&mut square) };
            for (values, row) in square.iter().zip((odd..count).step_by(2)) {
                copy_lanes(values, &mut rows_out[(first + row) * columns + column..][..lines.len()]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    #[test]
    fn taps_with_a_profile_are_the_integrals_of_both_windows() {
        // By the midpoint rule over the frequencies of both windows, in cycles per pixel.
        const STEPS: usize = 20_000;
        for (_, window) in Window::NAMES {
            for (cutoff, profile) in [(1.0, 0.3), (0.7, 0.9), (0.8, 0.8), (1.0, 7.0)] {
                let filter = RampFilter { pitch_mm: 0.4, window, cutoff, profile: Some(profile) };
                let end: f64 = cutoff.min(profile) / 2.0;
                let taps = filter.taps(40);
                for n in [0, 1, 2, 7, 39] {
                    let at = |k: usize| {
                        let f = (k as f64 + 0.5) / STEPS as f64 * end;
                        let both = window.at(2.0 * f / cutoff) * Window::Hann.at(2.0 * f / profile);
                        2.0 * f * both * (TAU * n as f64 * f).cos()
                    };
                    let want = (0..STEPS).map(at).sum::<f64>() * end / STEPS as f64 / 0.4;
                    let got = taps[39 + n];
                    assert!((got - want).abs() < 1e-8, "{window:?} {cutoff} {profile} tap {n}: {got}, want {want}");
                    assert!((got - taps[39 - n]).abs() < 1e-12, "{window:?}: taps are even");
                }
            }
        }
    }
}
