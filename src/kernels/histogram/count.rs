//! Histograms of tiles, each counted at once.
//!
//! On a device one workgroup counts one tile: in workgroup memory where the bins fit there, several copies of them side
//! by side so that equal pixels do not wait for each other; in the output itself where they do not. Pixels that two
//! neighbours of a word share are added at once. On the CPU even and odd pixels have counters of their own: a counter
//! that is read just after it was written costs several cycles, and neighbouring pixels are often equal.
//!
//! Shapes: `[tile row][tile column · levels + g]` ← packed pixels, mask. Tier E.

use super::{Axis, Tiles};
use crate::kernels::prelude::*;

/// Counters in workgroup memory: the 16 KiB that every device has.
const SHARED_BINS: u32 = 4096;

kernel! {
    /// Counting of pixels by tile and value.
    struct Count {
        /// Tiles across and down.
        across, down: Cuts,
        /// Columns and rows of the image; grey levels, a power of two.
        columns, rows, levels: u32,
        /// Words of a row of pixels, and of a row of the mask; 0 without one.
        words, mask_words: u32,
        /// First and last row that a row of tiles reads, relative to its beginning.
        first, last: i32,
    }
    shader histogram/count, Exact, [256, 1];
    structs Cuts;
    reads pixels[rows, words]: window(down.window(first, last)) of [u16; 2],
          mask[(if mask_words == 0 { 1 } else { rows }), (mask_words.max(1))]: window(down.window(first, last)) of u32;
    writes results[(down.count), (across.count * levels)]: u32 as "atomic<u32>";
    domain |_| Domain::groups(down.count, across.count, SHADER.workgroup[0], row_operations(across, down, levels));
}

shader_struct! {
    /// An [`Axis`] as the shader sees it.
    struct Cuts {
        /// Virtual pixel at which the first tile begins.
        offset: i32,
        /// Pixels in `denominator` tiles; tiles.
        numerator, denominator, count: u32,
    }
}

impl Cuts {
    fn of(Axis { offset, numerator, denominator, count, .. }: Axis) -> Self {
        Self { offset, numerator, denominator, count }
    }

    fn axis(self, length: u32) -> Axis {
        let Self { offset, numerator, denominator, count } = self;
        Axis { offset, numerator, denominator, count, length }
    }

    /// Rows from `first` to `last` about those where a tile begins.
    fn window(self, first: i32, last: i32) -> Window {
        Window { numerator: self.numerator, denominator: self.denominator, first, last }
    }

    /// Pixels of the longest tile.
    fn longest(self) -> f64 {
        f64::from(self.axis(0).lengths().1)
    }
}

/// Operations of a row of tiles: four per pixel, one per counter.
fn row_operations(across: Cuts, down: Cuts, levels: u32) -> f64 {
    let pixels = f64::from(across.count) * across.longest() * down.longest();
    4.0 * pixels + f64::from(levels) * f64::from(across.count)
}

/// Whether a workgroup counts so many grey levels in its own memory.
pub(super) fn fits_workgroup(levels: u32) -> bool {
    levels <= SHARED_BINS
}

/// Records the histograms of the `tiles`, one row of the result per row of tiles; the graph is refused when the tiles are
/// those of an image of another size.
pub fn record(graph: &mut Graph<'_>, pixels: Pixels, mask: Option<Mask>, tiles: &Tiles) -> Buffer<u32> {
    let [x, y] = tiles.axes;
    let ([columns, rows, words], levels) = (pixels.shape(), pixels.levels());
    if [x.length, y.length] != pixels.size {
        let reason = format!("tiles of {} × {} pixels are not those of {columns} × {rows} pixels", x.length, y.length);
        graph.refuse("count", reason);
    }
    let counts =
        graph.buffer::<u32>("histogram.counts", Extent { slices: 1, rows: y.count, columns: x.count * levels });
    let (first, last) = y.window();
    let mask_words = mask.map_or(0, |mask| Mask::row_words(mask.size));
    let mask = mask.map_or_else(|| graph.upload_table("histogram.no_mask", &[0_u32]), |mask| mask.buffer);
    let [across, down] = [x, y].map(Cuts::of);
    let kernel = Count { across, down, columns, rows, levels, words, mask_words, first, last };
    kernel.compute(graph, "count", pixels, mask, counts)
}

fn twin(kernel: &Count, block: &Block, pixels: &[[u16; 2]], mask: &[u32], results: &mut [u32]) {
    let image = Image {
        pixels: pixels.as_flattened(),
        stride: 2 * kernel.words as usize,
        mask,
        mask_words: kernel.mask_words as usize,
    };
    let counted = match kernel.levels {
        ..=256 => counted::<256>,
        257..=1024 => counted::<1024>,
        1025..=4096 => counted::<4096>,
        4097..=16_384 => counted::<16_384>,
        _ => counted::<65_536>,
    };
    let tiles = Tiles { axes: [kernel.across.axis(kernel.columns), kernel.down.axis(kernel.rows)] };
    counted(&tiles, kernel.levels as usize, block, &image, results);
}

struct Image<'a> {
    pixels: &'a [u16],
    /// Pixels from row to row.
    stride: usize,
    mask: &'a [u32],
    /// 0 without a mask.
    mask_words: usize,
}

/// `BINS`, a power of two, is at least `levels`, so that a counter is found without a check.
fn counted<const BINS: usize>(tiles: &Tiles, levels: usize, block: &Block, image: &Image<'_>, out: &mut [u32]) {
    let [x, y] = tiles.axes;
    let mut counters = Counters::<BINS>::new();
    let slots = out.chunks_exact_mut(levels);
    let places = block.rows.clone().flat_map(|row| (0..x.count).map(move |column| (row as u32, column)));
    for ((row, column), slot) in places.zip(slots) {
        let across = x.range(column);
        let end = x.length as i32;
        let inside = across.start.clamp(0, end) as usize..across.end.clamp(0, end) as usize;
        for pixel_row in y.range(row).map(|p| y.mirrored(p) as usize) {
            let pixels = &image.pixels[pixel_row * image.stride..][..x.length as usize];
            let mask = &image.mask[pixel_row * image.mask_words..][..image.mask_words];
            if image.mask_words == 0 {
                counters.all(&pixels[inside.clone()]);
            } else {
                counters.masked(pixels, mask, inside.start, inside.end);
            }
            let before = across.start..across.end.min(0);
            let beyond = across.start.max(end)..across.end;
            for place in before.chain(beyond).map(|p| x.mirrored(p) as usize) {
                if image.mask_words == 0 || mask[place / 32] >> (place % 32) & 1 == 1 {
                    counters.one(pixels[place]);
                }
            }
        }
        counters.take(slot);
    }
}

/// Two sets of counters, for even and odd pixels.
struct Counters<const BINS: usize> {
    even: Box<[u32; BINS]>,
    odd: Box<[u32; BINS]>,
}

impl<const BINS: usize> Counters<BINS> {
    fn new() -> Self {
        Self { even: zeroed(), odd: zeroed() }
    }

    #[inline(always)]
    fn one(&mut self, pixel: u16) {
        add(&mut self.even, pixel);
    }

    #[inline(always)]
    fn all(&mut self, pixels: &[u16]) {
        let (fours, rest) = pixels.as_chunks::<4>();
        for &[a, b, c, d] in fours {
            add(&mut self.even, a);
            add(&mut self.odd, b);
            add(&mut self.even, c);
            add(&mut self.odd, d);
        }
        for &pixel in rest {
            add(&mut self.even, pixel);
        }
    }

    /// Pixels `start..end` of a row that are in the mask, a word of it at a time.
    fn masked(&mut self, pixels: &[u16], mask: &[u32], start: usize, end: usize) {
        let words = start / 32..end.div_ceil(32);
        for (first, word) in words.clone().map(|w| w * 32).zip(&mask[words]) {
            let mut bits = word & !0 << start.saturating_sub(first);
            if first + 32 > end {
                bits &= !0 >> (first + 32 - end);
            }
            match bits {
                0 => {}
                u32::MAX => self.all(&pixels[first..first + 32]),
                _ => {
                    while bits != 0 {
                        self.one(pixels[first + bits.trailing_zeros() as usize]);
                        bits &= bits - 1;
                    }
                }
            }
        }
    }

    /// Leaves the sums in `slot` and all counters at zero.
    fn take(&mut self, slot: &mut [u32]) {
        for ((sum, even), odd) in slot.iter_mut().zip(self.even.iter_mut()).zip(self.odd.iter_mut()) {
            *sum = even.wrapping_add(*odd);
            (*even, *odd) = (0, 0);
        }
    }
}

fn zeroed<const BINS: usize>() -> Box<[u32; BINS]> {
    bytemuck::zeroed_box()
}

#[inline(always)]
fn add<const BINS: usize>(counters: &mut [u32; BINS], pixel: u16) {
    let counter = &mut counters[pixel as usize & (BINS - 1)];
    *counter = counter.wrapping_add(1);
}
