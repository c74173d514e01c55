//! Histograms of tiles, each counted at once.
//!
//! On a device one workgroup counts one tile: in workgroup memory where the bins fit there, several copies of them side
//! by side so that equal pixels do not wait for each other; in the output itself where they do not. Pixels that two
//! neighbours of a word share are added at once. On the CPU even and odd pixels have counters of their own: a counter
//! that is read just after it was written costs several cycles, and neighbouring pixels are often equal.
//!
//! Shapes: `[tile row][tile column · levels + g]` ← packed pixels, mask. Tier E.

use super::Tiles;
use crate::{
    engine::{Block, Buffer, Domain, Extent, Graph, Kernel, Read, Shader, StructText, Tier, Window},
    kernels::{Mask, Pixels},
    shader_struct,
};

shader_struct! {
    /// Parameters of the counting.
    pub struct CountParams {
        /// Columns and rows of the image, grey levels, tiles across.
        pub size: [u32; 4],
        /// Tiles across: offset (signed), numerator, denominator; words of a row of pixels.
        pub across: [u32; 4],
        /// Tiles down: offset (signed), numerator, denominator; words of a row of the mask, 0 without one.
        pub down: [u32; 4],
    }
}

/// Counters in workgroup memory: the 16 KiB that every device has.
const SHARED_BINS: u32 = 4096;

/// The shader.
pub static SHADER: Shader = Shader {
    name: "histogram.count",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/histogram/count.wgsl"),
    structs: &[StructText::of::<CountParams>()],
    reads: 2,
    writes: 1,
    workgroup: [256, 1],
};

/// Whether a workgroup counts so many grey levels in its own memory.
pub(super) fn fits_workgroup(levels: u32) -> bool {
    levels <= SHARED_BINS
}

/// Records the histograms of the `tiles`, one row of the result per row of tiles; the graph is refused when the tiles are
/// those of an image of another size.
pub fn record(graph: &mut Graph<'_>, pixels: Pixels, mask: Option<Mask>, tiles: &Tiles) -> Buffer<u32> {
    let [x, y] = tiles.axes;
    let (levels, row_words) = (pixels.levels(), Pixels::row_words(pixels.size));
    let mask_words = mask.map_or(0, |m| Mask::row_words(m.size));
    let params = CountParams {
        size: [x.length, y.length, levels, x.count],
        across: [x.offset.cast_unsigned(), x.numerator, x.denominator, row_words],
        down: [y.offset.cast_unsigned(), y.numerator, y.denominator, mask_words],
    };
    if [x.length, y.length] != pixels.size {
        let [columns, rows] = pixels.size;
        let reason = format!("tiles of {} × {} pixels are not those of {columns} × {rows} pixels", x.length, y.length);
        graph.refuse("count", reason);
    }
    let counts = graph.buffer("histogram.counts", Extent { slices: 1, rows: y.count, columns: x.count * levels });
    let (first, last) = y.window();
    let window = Window { numerator: y.numerator, denominator: y.denominator, first, last };
    let mask: Read = match mask {
        Some(mask) => mask.buffer.window(window),
        None => graph.upload_table::<u32>("histogram.no_mask", &[0]).whole(),
    };
    let kernel = Count { params, tiles: *tiles };
    graph.compute("count", kernel, [pixels.buffer.window(window), mask], [counts.replace()]);
    counts
}

struct Count {
    params: CountParams,
    tiles: Tiles,
}

impl Kernel for Count {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        let [x, y] = self.tiles.axes;
        let [.., levels, across] = self.params.size;
        let pixels = f64::from(x.count) * f64::from(x.lengths().1) * f64::from(y.lengths().1);
        // One workgroup per tile: the planner counts invocations in columns.
        let extent = Extent { slices: 1, rows: y.count, columns: across * SHADER.workgroup[0] };
        Domain::rows(extent, 4.0 * pixels + f64::from(levels) * f64::from(across))
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        let [_, rows, levels, across] = self.params.size;
        let mask = match self.params.down[3] {
            0 => [1, 1],
            words => [rows, words],
        };
        vec![[rows, self.params.across[3]], mask, [self.tiles.axes[1].count, across * levels]]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let image = Image {
            pixels: bytemuck::cast_slice(reads[0]),
            stride: 2 * self.params.across[3] as usize,
            mask: reads[1],
            mask_words: self.params.down[3] as usize,
        };
        let twin = match self.params.size[2] {
            ..=256 => twin::<256>,
            257..=1024 => twin::<1024>,
            1025..=4096 => twin::<4096>,
            4097..=16_384 => twin::<16_384>,
            _ => twin::<65_536>,
        };
        twin(&self.tiles, self.params.size[2] as usize, block, &image, writes[0]);
    }
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
fn twin<const BINS: usize>(tiles: &Tiles, levels: usize, block: &Block, image: &Image<'_>, out: &mut [u32]) {
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
