//! Sixteen complex signals side by side and their transforms, by the operations of `shaders/fourier/eights.wgsl` in the same order.
//!
//! Eight numbers x_i, a stride apart, are taken at a time:
//! ```text
//! parted:       a_i = x_i + x_(i+4)     b_i = (x_i − x_(i+4))·e^(−πi·i/4)
//! halves:       sums and differences of numbers two apart, the last difference turned by −90°
//! pairs:        sums and differences of neighbours
//! ```
//! which gives frequencies 0 4 2 6 1 5 3 7; then each is multiplied by its twiddle. The way back is the mirror image.

use std::{f32::consts::FRAC_1_SQRT_2, ops::Range};

use crate::{
    kernels::prelude::*,
    vectorised::{Aligned, Vectors},
};

/// Sixteen complex numbers: real and imaginary parts.
type Complex<V> = (<V as Vectors>::Floats, <V as Vectors>::Floats);

/// Index, then lane.
pub(in crate::kernels) struct Signals {
    pub(in crate::kernels) re: Vec<Aligned<Lanes>>,
    pub(in crate::kernels) im: Vec<Aligned<Lanes>>,
}

impl Signals {
    pub(in crate::kernels) fn new(n: usize) -> Self {
        Self { re: vec![Aligned([0.0; LANES]); n], im: vec![Aligned([0.0; LANES]); n] }
    }

    /// Eight numbers of each from `at` on, real and imaginary parts in turns: one line for each part of a number.
    #[inline(always)]
    pub(in crate::kernels) fn interleaved(&self, at: usize) -> [Lanes; LANES] {
        let mut square = [[0.0; LANES]; LANES];
        for (i, lines) in square.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            *lines = [self.re[at + i].0, self.im[at + i].0];
        }
        square
    }

    /// The way back.
    #[inline(always)]
    pub(in crate::kernels) fn part_lines(&mut self, at: usize, square: &[Lanes; LANES]) {
        for (i, [re, im]) in square.as_chunks::<2>().0.iter().enumerate() {
            (self.re[at + i].0, self.im[at + i].0) = (*re, *im);
        }
    }

    /// Adds the products of their spectra, whose upper half is 0, and that of a filter to `sum`, or begins with them; with the last
    /// signals, transforms the sums back, the lower half of them alone.
    ///
    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    pub(in crate::kernels) unsafe fn filter<V: Vectors>(
        &mut self,
        sum: &mut Self,
        twiddles: &[[f32; 2]],
        spectrum: &[[f32; 2]],
        [is_first, is_last]: [bool; 2],
    ) {
        // SAFETY: the caller has the instruction set.
        unsafe {
            self.first_stage::<V>(twiddles);
            for span in spans(self.re.len()) {
                let block = self.descend::<V>(span.clone(), twiddles);
                for at in span.clone().step_by(8) {
                    self.middle::<V>(sum, at, block, &spectrum[at..], [is_first, is_last]);
                }
                if is_last {
                    sum.ascend::<V>(span, block, twiddles);
                }
            }
            if is_last {
                sum.last_stage::<V>(twiddles);
            }
        }
    }

    /// Transforms signals whose upper half is 0; frequencies come out in bit-reversed order.
    ///
    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    pub(in crate::kernels) unsafe fn forward<V: Vectors>(&mut self, twiddles: &[[f32; 2]]) {
        // SAFETY: the caller has the instruction set.
        unsafe {
            self.first_stage::<V>(twiddles);
            for span in spans(self.re.len()) {
                let block = self.descend::<V>(span.clone(), twiddles);
                for at in span.step_by(8) {
                    let x = self.ended::<V>(at, block);
                    self.put::<V>(at, 1, x.0);
                    self.put::<V>(at + 4, 1, x.1);
                }
            }
        }
    }

    /// Transforms frequencies in bit-reversed order back, but for a factor of their number: the lower half of the signals alone.
    ///
    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    pub(in crate::kernels) unsafe fn back<V: Vectors>(&mut self, twiddles: &[[f32; 2]]) {
        let block = smallest_block(self.re.len());
        // SAFETY: the caller has the instruction set.
        unsafe {
            for span in spans(self.re.len()) {
                for at in span.clone().step_by(8) {
                    let x = begun::<V>((self.four::<V>(at, 1), self.four::<V>(at + 4, 1)), block);
                    self.put::<V>(at, 1, x.0);
                    self.put::<V>(at + 4, 1, x.1);
                }
                self.ascend::<V>(span, block, twiddles);
            }
            self.last_stage::<V>(twiddles);
        }
    }

    /// First stage of signals whose upper half is 0.
    #[inline(always)]
    unsafe fn first_stage<V: Vectors>(&mut self, twiddles: &[[f32; 2]]) {
        let eighth = self.re.len() / 8;
        for k in 0..eighth {
            // SAFETY: the caller has the instruction set.
            unsafe {
                let low = self.four::<V>(k, eighth);
                self.put_twisted::<V>(k, eighth, transformed::<V>(low, turned::<V>(low)), &twiddles[k..]);
            }
        }
    }

    /// The stages that follow, of a span; gives the length of the blocks whose transform is left: two, four or eight.
    #[inline(always)]
    unsafe fn descend<V: Vectors>(&mut self, span: Range<usize>, twiddles: &[[f32; 2]]) -> usize {
        let n = self.re.len();
        let mut block = n / 8;
        while block > 8 {
            let part = block / 8;
            for begin in span.clone().step_by(block) {
                for k in 0..part {
                    let at = begin + k;
                    // SAFETY: the caller has the instruction set.
                    unsafe {
                        let x = (self.four::<V>(at, part), self.four::<V>(at + 4 * part, part));
                        let (low, high) = parted::<V>(x);
                        self.put_twisted::<V>(at, part, transformed::<V>(low, high), &twiddles[n - block + k..]);
                    }
                }
            }
            block = part;
        }
        block
    }

    /// The stages back but for the last one, of a span.
    #[inline(always)]
    unsafe fn ascend<V: Vectors>(&mut self, span: Range<usize>, smallest: usize, twiddles: &[[f32; 2]]) {
        let n = self.re.len();
        let mut block = smallest;
        while block < n / 8 {
            for begin in span.clone().step_by(8 * block) {
                for k in 0..block {
                    let at = begin + k;
                    // SAFETY: the caller has the instruction set.
                    unsafe {
                        let (low, high) = self.twisted_back::<V>(at, block, &twiddles[n - 8 * block + k..]);
                        self.put::<V>(at, block, sums::<V>(low, high));
                        self.put::<V>(at + 4 * block, block, differences::<V>(low, high));
                    }
                }
            }
            block *= 8;
        }
    }

    /// Last stage back: the lower half.
    #[inline(always)]
    unsafe fn last_stage<V: Vectors>(&mut self, twiddles: &[[f32; 2]]) {
        let eighth = self.re.len() / 8;
        for k in 0..eighth {
            // SAFETY: the caller has the instruction set.
            unsafe {
                let (low, high) = self.twisted_back::<V>(k, eighth, &twiddles[k..]);
                self.put::<V>(k, eighth, sums::<V>(low, high));
            }
        }
    }

    /// Multiplies eight neighbours by the filter's spectrum, between the last stage of one transform and the first of the other.
    #[inline(always)]
    unsafe fn middle<V: Vectors>(
        &self,
        sum: &mut Self,
        at: usize,
        block: usize,
        spectrum: &[[f32; 2]],
        [is_first, is_last]: [bool; 2],
    ) {
        // SAFETY: the caller has the instruction set.
        unsafe {
            let mut x = self.ended::<V>(at, block);
            for i in 0..4 {
                x.0[i] = product::<V>(x.0[i], spectrum[i]);
                x.1[i] = product::<V>(x.1[i], spectrum[i + 4]);
            }
            if !is_first {
                x.0 = sums::<V>(sum.four::<V>(at, 1), x.0);
                x.1 = sums::<V>(sum.four::<V>(at + 4, 1), x.1);
            }
            if is_last {
                x = begun::<V>(x, block);
            }
            sum.put::<V>(at, 1, x.0);
            sum.put::<V>(at + 4, 1, x.1);
        }
    }

    /// What is left of eight neighbours: blocks of two, four or eight numbers without twiddles.
    #[inline(always)]
    unsafe fn ended<V: Vectors>(&self, at: usize, block: usize) -> ([Complex<V>; 4], [Complex<V>; 4]) {
        // SAFETY: the caller has the instruction set.
        unsafe {
            let mut x = (self.four::<V>(at, 1), self.four::<V>(at + 4, 1));
            if block == 8 {
                x = parted::<V>(x);
            }
            if block >= 4 {
                x = (halves::<V>(x.0), halves::<V>(x.1));
            }
            (pairs::<V>(x.0), pairs::<V>(x.1))
        }
    }

    /// Four numbers, a stride apart.
    #[inline(always)]
    unsafe fn four<V: Vectors>(&self, at: usize, stride: usize) -> [Complex<V>; 4] {
        // SAFETY: the caller has the instruction set.
        unsafe {
            [
                self.number::<V>(at),
                self.number::<V>(at + stride),
                self.number::<V>(at + 2 * stride),
                self.number::<V>(at + 3 * stride),
            ]
        }
    }

    #[inline(always)]
    unsafe fn number<V: Vectors>(&self, at: usize) -> Complex<V> {
        // SAFETY: the caller has the instruction set.
        unsafe { (V::floats(&self.re[at].0), V::floats(&self.im[at].0)) }
    }

    #[inline(always)]
    unsafe fn put<V: Vectors>(&mut self, at: usize, stride: usize, x: [Complex<V>; 4]) {
        for (i, (re, im)) in x.into_iter().enumerate() {
            // SAFETY: the caller has the instruction set.
            unsafe {
                self.re[at + i * stride].0 = V::lanes(re);
                self.im[at + i * stride].0 = V::lanes(im);
            }
        }
    }

    /// Eight numbers, a stride apart, times their twiddles; the first one's is 1.
    #[inline(always)]
    unsafe fn put_twisted<V: Vectors>(
        &mut self,
        at: usize,
        stride: usize,
        (mut low, mut high): ([Complex<V>; 4], [Complex<V>; 4]),
        twiddles: &[[f32; 2]],
    ) {
        // SAFETY: the caller has the instruction set.
        unsafe {
            for i in 0..3 {
                low[i + 1] = product::<V>(low[i + 1], twiddles[i * stride]);
            }
            for i in 0..4 {
                high[i] = product::<V>(high[i], twiddles[(i + 3) * stride]);
            }
            self.put::<V>(at, stride, low);
            self.put::<V>(at + 4 * stride, stride, high);
        }
    }

    /// Eight numbers, a stride apart, and their inverse transform but for its last step.
    #[inline(always)]
    unsafe fn twisted_back<V: Vectors>(
        &self,
        at: usize,
        stride: usize,
        twiddles: &[[f32; 2]],
    ) -> ([Complex<V>; 4], [Complex<V>; 4]) {
        // SAFETY: the caller has the instruction set.
        unsafe {
            let (mut low, mut high) = (self.four::<V>(at, stride), self.four::<V>(at + 4 * stride, stride));
            for i in 0..3 {
                low[i + 1] = product::<V>(low[i + 1], conjugate(twiddles[i * stride]));
            }
            for i in 0..4 {
                high[i] = product::<V>(high[i], conjugate(twiddles[(i + 3) * stride]));
            }
            (halves_back::<V>(pairs::<V>(low)), turned_back::<V>(halves_back::<V>(pairs::<V>(high))))
        }
    }
}

/// Eighths of signals of length n, each of which goes through the inner stages while it is in the first-level cache; of the shortest
/// signals several.
fn spans(n: usize) -> impl Iterator<Item = Range<usize>> {
    let span = (n / 8).max(8);
    (0..n).step_by(span).map(move |start| start..start + span)
}

/// Length of the blocks that have no twiddles.
fn smallest_block(n: usize) -> usize {
    let mut block = n / 8;
    while block > 8 {
        block /= 8;
    }
    block
}

/// The way back of eight neighbours, through blocks of two, four or eight.
#[inline(always)]
unsafe fn begun<V: Vectors>(x: ([Complex<V>; 4], [Complex<V>; 4]), block: usize) -> ([Complex<V>; 4], [Complex<V>; 4]) {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let mut x = (pairs::<V>(x.0), pairs::<V>(x.1));
        if block >= 4 {
            x = (halves_back::<V>(x.0), halves_back::<V>(x.1));
        }
        if block == 8 {
            let high = turned_back::<V>(x.1);
            x = (sums::<V>(x.0, high), differences::<V>(x.0, high));
        }
        x
    }
}

fn conjugate([re, im]: [f32; 2]) -> [f32; 2] {
    [re, -im]
}

#[inline(always)]
unsafe fn plus<V: Vectors>(a: Complex<V>, b: Complex<V>) -> Complex<V> {
    // SAFETY: the caller has the instruction set.
    unsafe { (V::add(a.0, b.0), V::add(a.1, b.1)) }
}

#[inline(always)]
unsafe fn minus<V: Vectors>(a: Complex<V>, b: Complex<V>) -> Complex<V> {
    // SAFETY: the caller has the instruction set.
    unsafe { (V::sub(a.0, b.0), V::sub(a.1, b.1)) }
}

/// Turned by 90°.
#[inline(always)]
unsafe fn quarter<V: Vectors>(a: Complex<V>) -> Complex<V> {
    // SAFETY: the caller has the instruction set.
    unsafe { (negative::<V>(a.1), a.0) }
}

/// Turned by −90°.
#[inline(always)]
unsafe fn quarter_back<V: Vectors>(a: Complex<V>) -> Complex<V> {
    // SAFETY: the caller has the instruction set.
    unsafe { (a.1, negative::<V>(a.0)) }
}

#[inline(always)]
unsafe fn product<V: Vectors>((re, im): Complex<V>, by: [f32; 2]) -> Complex<V> {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let (c, s) = (V::splat(by[0]), V::splat(by[1]));
        (V::sub(V::mul(re, c), V::mul(im, s)), V::add(V::mul(re, s), V::mul(im, c)))
    }
}

#[inline(always)]
unsafe fn sums<V: Vectors>(a: [Complex<V>; 4], b: [Complex<V>; 4]) -> [Complex<V>; 4] {
    // SAFETY: the caller has the instruction set.
    unsafe { [plus::<V>(a[0], b[0]), plus::<V>(a[1], b[1]), plus::<V>(a[2], b[2]), plus::<V>(a[3], b[3])] }
}

#[inline(always)]
unsafe fn differences<V: Vectors>(a: [Complex<V>; 4], b: [Complex<V>; 4]) -> [Complex<V>; 4] {
    // SAFETY: the caller has the instruction set.
    unsafe { [minus::<V>(a[0], b[0]), minus::<V>(a[1], b[1]), minus::<V>(a[2], b[2]), minus::<V>(a[3], b[3])] }
}

#[inline(always)]
unsafe fn negative<V: Vectors>(a: V::Floats) -> V::Floats {
    // SAFETY: the caller has the instruction set.
    unsafe { V::sub(V::splat(-0.0), a) }
}

/// Turned by −45°.
#[inline(always)]
unsafe fn eighth_back<V: Vectors>((re, im): Complex<V>) -> Complex<V> {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let root = V::splat(FRAC_1_SQRT_2);
        (V::mul(root, V::add(re, im)), V::mul(root, V::sub(im, re)))
    }
}

/// Number i turned by −i/8 of the circle.
#[inline(always)]
unsafe fn turned<V: Vectors>([a, b, c, d]: [Complex<V>; 4]) -> [Complex<V>; 4] {
    // SAFETY: the caller has the instruction set.
    unsafe { [a, eighth_back::<V>(b), quarter_back::<V>(c), quarter_back::<V>(eighth_back::<V>(d))] }
}

/// Number i turned by i/8 of the circle.
#[inline(always)]
unsafe fn turned_back<V: Vectors>([a, b, c, d]: [Complex<V>; 4]) -> [Complex<V>; 4] {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let d = eighth_back::<V>(d);
        [a, quarter::<V>(eighth_back::<V>(b)), quarter::<V>(c), (negative::<V>(d.0), negative::<V>(d.1))]
    }
}

/// Sums and differences of numbers two apart; the last difference is turned by −90°.
#[inline(always)]
unsafe fn halves<V: Vectors>([a, b, c, d]: [Complex<V>; 4]) -> [Complex<V>; 4] {
    // SAFETY: the caller has the instruction set.
    unsafe { [plus::<V>(a, c), plus::<V>(b, d), minus::<V>(a, c), quarter_back::<V>(minus::<V>(b, d))] }
}

/// The inverse of that, but for a factor of 2.
#[inline(always)]
unsafe fn halves_back<V: Vectors>([a, b, c, d]: [Complex<V>; 4]) -> [Complex<V>; 4] {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let d = quarter::<V>(d);
        [plus::<V>(a, c), plus::<V>(b, d), minus::<V>(a, c), minus::<V>(b, d)]
    }
}

/// Sums and differences of neighbours.
#[inline(always)]
unsafe fn pairs<V: Vectors>([a, b, c, d]: [Complex<V>; 4]) -> [Complex<V>; 4] {
    // SAFETY: the caller has the instruction set.
    unsafe { [plus::<V>(a, b), minus::<V>(a, b), plus::<V>(c, d), minus::<V>(c, d)] }
}

/// First step: what the even and what the odd frequencies are made of.
#[inline(always)]
unsafe fn parted<V: Vectors>((low, high): ([Complex<V>; 4], [Complex<V>; 4])) -> ([Complex<V>; 4], [Complex<V>; 4]) {
    // SAFETY: the caller has the instruction set.
    unsafe { (sums::<V>(low, high), turned::<V>(differences::<V>(low, high))) }
}

/// The other steps.
#[inline(always)]
unsafe fn transformed<V: Vectors>(low: [Complex<V>; 4], high: [Complex<V>; 4]) -> ([Complex<V>; 4], [Complex<V>; 4]) {
    // SAFETY: the caller has the instruction set.
    unsafe { (pairs::<V>(halves::<V>(low)), pairs::<V>(halves::<V>(high))) }
}
