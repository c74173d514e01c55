use std::borrow::Cow;

use super::{
    super::{Recorded, task::Values},
    EnhanceOptions, GivenMask, LaplacianOptions, Stage, TaskError, ToneOptions, foreground, given_mask,
    levels::{Levels, Meaning},
    region,
};
use crate::{
    data::{Image, ImageInfo, Sample, Unit},
    engine::{Buffer, Extent, Graph, Output, Outputs},
    kernels::{
        Mask, Pixels, clahe,
        histogram::{self, Tiles},
        mask::within,
        pointwise::{
            lookup, quantise,
            stretch::{self, NoRange},
            table::Table,
        },
        pyramid::{self, Arithmetic, Containment, Curve},
        threshold::rank,
    },
    parallel::*,
};

/// Parts in a whole, as ranks are counted.
const PARTS: f64 = 1e6;

/// Enhancement of one radiograph, as one graph.
///
/// ```text
/// values → grey levels → bright = dense, logarithmic → exposed field → histogram → triangle threshold → foreground
///        → CLAHE → Laplacian pyramid, each band through its curve → tone curve → black outside the field → values
/// ```
/// Grey levels are whole numbers of as many bits as the image's largest value needs; float images are spread over 16
/// bits, from 0 on where a logarithm is taken, and put back into their range at the end. The result has the spacing
/// and, unless asked for another, the bit depth of the image, and is bright where much was attenuated, whichever way
/// the image was (MONOCHROME2).
///
/// Only what is asked for comes back from the device: the result, the mask and some numbers, and the stages named.
pub struct Enhancement<'a> {
    graph: Graph<'a>,
    levels: Levels,
    like: Like,
    result: Output<[u16; 2]>,
    result_bits: u8,
    /// How the result is stored; other than the image where bits were asked for.
    result_sample: Sample,
    borders: Option<Output<u32>>,
    threshold: Option<Output<u32>>,
    /// Whether the last word of the threshold is the level found.
    is_limited: bool,
    /// None without a foreground; a given one needs no way back.
    mask: Option<Output<u32>>,
    given: Option<GivenMask>,
    noise: Vec<Output<f32>>,
    kept: Vec<(Stage, Kept)>,
}

/// What of the image the result takes over.
#[derive(Clone, Copy)]
struct Like {
    size: [usize; 2],
    spacing_mm: Option<[f64; 2]>,
    sample: Sample,
}

/// How a kept stage comes back.
#[derive(Clone, Copy)]
enum Kept {
    Pixels(Output<[u16; 2]>, u8),
    Band(Output<f32>, u8),
    Mask,
}

/// What an enhancement gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Enhanced {
    /// The enhanced image.
    pub image: Image,
    /// Grey level above which the foreground lies; none where no threshold was sought.
    pub threshold: Option<u32>,
    /// The same in the values of the image, as they are at the stage [`Stage::Prepared`].
    pub threshold_value: Option<f32>,
    /// The level found, where it was taken for one within the object; all above grey level 0 is foreground then.
    pub rejected_threshold: Option<u32>,
    /// The foreground as 0 and 255, if there is one.
    pub mask: Option<Image>,
    /// Borders of the exposed field between the collimator's blades: left, top, right, bottom in pixels, the last two
    /// exclusive; none where no blade was found or sought.
    pub field: Option<[u32; 4]>,
    /// Share of the pixels that are foreground.
    pub mask_share: Option<f64>,
    /// The stages that were asked for, in their order.
    pub kept: Vec<(Stage, Image)>,
    /// Noise of every contained band in grey levels, finest first: a standard deviation.
    pub band_noise: Vec<f32>,
    /// Bits of the grey levels.
    pub bits: u8,
    /// Bits of the enhanced image's grey levels: others only where asked for, or with OpenCV's convention.
    pub image_bits: u8,
}

impl<'a> Enhancement<'a> {
    /// Records the enhancement of `image`.
    ///
    /// `info` is what its file says about it, `mask` a foreground made elsewhere, `keep` the stages wanted besides the
    /// result. A given mask that is empty counts as none. An image of one value keeps it, unless other bits are asked
    /// for.
    ///
    /// # Errors
    /// [`TaskError`] when a number of the options is not allowed, a value of the image is not finite, the mask is of
    /// another size, or a stage is asked for that the options leave out.
    pub fn new(
        image: impl Into<Cow<'a, Image>>,
        info: &ImageInfo,
        mask: Option<&GivenMask>,
        options: &EnhanceOptions,
        keep: &[Stage],
    ) -> Result<Self, TaskError> {
        let image = image.into();
        options.check()?;
        mask.map_or(Ok(()), |mask| mask.check(&image))?;
        check_stages(options, mask.is_some(), keep)?;
        let meaning = Meaning::of(&image, info, options);
        let (image, measured) = region::measured(image, info, meaning.is_exposure)?;
        let dense_sides = region::dense_sides(&image, meaning.is_exposure);
        let levels = Levels::of(&image, options.depth, meaning)?;
        let like = Like { size: image.size(), spacing_mm: image.spacing_mm(), sample: image.sample() };
        let mut kept = Keeper { keep, kept: Vec::new() };

        let mut graph = Graph::new();
        let (extent, count) = (Extent::new(1, like.size[1], like.size[0]), image.values().len());
        let values = Values::of(image, Image::values, Image::into_values);
        let values = values.upload(&mut graph, "enhance.values", extent, 0..count);
        let prepared = prepare(&mut graph, values, &levels, meaning);
        kept.pixels(&mut graph, Stage::Prepared, prepared);

        let sought = options.mask.as_ref().filter(|_| mask.is_none());
        let blades = sought.and_then(|mask| region::blades(mask.collimation, dense_sides));
        let region = region::record(&mut graph, prepared, measured.as_ref(), blades);
        let (foreground, threshold) = match (mask, &options.mask) {
            (Some(given), _) => (given_mask::record(&mut graph, given), None),
            (None, Some(options)) => {
                let (mask, threshold) = foreground::record(&mut graph, prepared, region.mask, options);
                (Some(mask), Some(threshold))
            }
            (None, None) => (None, None),
        };
        kept.mask();
        // The tables of tiles round differently: a flat image would become one of tiles.
        let equalised = match options.clahe.as_ref().filter(|_| !levels.is_flat) {
            Some(options) => {
                let clahe = options.parameters();
                clahe.check(prepared.size, prepared.bits)?;
                clahe::record(&mut graph, prepared, foreground, &clahe)
            }
            None => prepared,
        };
        kept.pixels(&mut graph, Stage::Clahe, equalised);
        let (sharpened, noise) = match &options.laplacian {
            Some(options) => sharpen(&mut graph, equalised, foreground, options, &mut kept),
            None => (equalised, Vec::new()),
        };
        kept.pixels(&mut graph, Stage::Laplacian, sharpened);
        let toned = match options.tone.as_ref().filter(|_| !levels.is_flat) {
            Some(options) => tone(&mut graph, sharpened, foreground, options),
            None => sharpened,
        };
        let (finished, result_sample) = match options.bits {
            Some(bits) => (deepen(&mut graph, toned, bits), Sample::Unsigned { bits }),
            None => (toned, like.sample),
        };
        let finished = region.mask.map_or(finished, |region| within::record(&mut graph, finished, region));

        let result = graph.result(finished.buffer);
        let borders = region.borders.map(|borders| graph.result(borders));
        let threshold = threshold.map(|threshold| graph.result(threshold));
        let mask_output = foreground.filter(|_| mask.is_none()).map(|mask| graph.result(mask.buffer));
        let noise = noise.into_iter().map(|noise| graph.result(noise)).collect();
        let (result_bits, given, kept) = (finished.bits, mask.cloned(), kept.kept);
        let is_limited = options.mask.as_ref().is_some_and(|mask| mask.highest < 1.0);
        Ok(Self {
            graph,
            levels,
            like,
            result,
            result_bits,
            result_sample,
            borders,
            threshold,
            is_limited,
            mask: mask_output,
            given,
            noise,
            kept,
        })
    }

    /// The recorded graph, to be changed: what [`Recorded::finish`] would shape can be taken no more.
    #[must_use]
    pub fn into_graph(self) -> Graph<'a> {
        self.graph
    }

    /// Bits of the grey levels.
    #[must_use]
    pub fn bits(&self) -> u8 {
        self.levels.bits
    }

    /// Grey levels as an image of the size that was given. Only OpenCV's convention gives more bits than it takes.
    fn pixels(&self, words: Vec<[u16; 2]>, level_bits: u8, sample: Sample) -> Result<Image, TaskError> {
        let Like { size: [columns, rows], spacing_mm, .. } = self.like;
        let sample = match sample {
            Sample::Unsigned { bits } => Sample::Unsigned { bits: bits.max(level_bits) },
            Sample::Float => sample,
        };
        let Levels { low, step, .. } = self.levels;
        let mut values = vec![0.0; columns * rows];
        let row_words = columns.div_ceil(2);
        values.par_chunks_mut(columns).zip(words.par_chunks(row_words)).for_each(|(row, words)| {
            let levels: &[u16] = bytemuck::cast_slice(words);
            match sample {
                Sample::Unsigned { .. } => row.iter_mut().zip(levels).for_each(|(v, q)| *v = f32::from(*q)),
                Sample::Float => row.iter_mut().zip(levels).for_each(|(v, q)| *v = low + f32::from(*q) * step),
            }
        });
        Ok(Image::new([columns, rows], spacing_mm, sample, Unit::Arbitrary, values)?)
    }

    /// A band in the units of the image; its pixels are twice as large with every level.
    fn band(&self, mut values: Vec<f32>, number: u8) -> Result<Image, TaskError> {
        let halvings = u32::from(number) - 1;
        let size = (0..halvings).fold(self.like.size, |size, _| size.map(|n| n.div_ceil(2)));
        let spacing_mm = self.like.spacing_mm.map(|s| s.map(|mm| mm * f64::from(halvings).exp2()));
        if self.like.sample == Sample::Float {
            values.par_iter_mut().for_each(|v| *v *= self.levels.step);
        }
        Ok(Image::new(size, spacing_mm, Sample::Float, Unit::Arbitrary, values)?)
    }
}

impl Recorded for Enhancement<'_> {
    type Result = Enhanced;

    fn graph(&self) -> &Graph<'_> {
        &self.graph
    }

    fn finish(&self, mut outputs: Outputs) -> Result<Enhanced, TaskError> {
        let levels = self.threshold.map(|threshold| outputs.take(threshold)).transpose()?.unwrap_or_default();
        let (threshold, found) = (levels.first().copied(), levels.get(3).copied());
        let bits = self.mask.map(|mask| outputs.take(mask)).transpose()?;
        let words = bits.as_deref().or(self.given.as_ref().map(GivenMask::words));
        let mask = words.map(|words| given_mask::picture(words, self.like.size, self.like.spacing_mm)).transpose()?;
        let whole = self.like.size.map(|n| n as u32);
        let borders = self.borders.map(|borders| outputs.take(borders)).transpose()?;
        let field = borders.and_then(|borders| <[u32; 4]>::try_from(borders).ok());
        let field = field.filter(|&field| field != [0, 0, whole[0], whole[1]]);
        let image = self.pixels(outputs.take(self.result)?, self.result_bits, self.result_sample)?;
        let mut kept = Vec::with_capacity(self.kept.len());
        for &(stage, output) in &self.kept {
            let image = match output {
                Kept::Pixels(output, bits) => self.pixels(outputs.take(output)?, bits, self.like.sample)?,
                Kept::Band(output, number) => self.band(outputs.take(output)?, number)?,
                Kept::Mask => match &mask {
                    Some(mask) => mask.clone(),
                    None => continue,
                },
            };
            kept.push((stage, image));
        }
        let band_noise = self.noise.iter().map(|&noise| outputs.take(noise)).collect::<Result<Vec<_>, _>>()?.concat();
        Ok(Enhanced {
            image,
            threshold,
            threshold_value: threshold.map(|level| self.levels.low + level as f32 * self.levels.step),
            rejected_threshold: found.filter(|found| self.is_limited && Some(*found) != threshold),
            field,
            mask_share: words.map(|words| given_mask::share(words, self.like.size)),
            mask,
            kept,
            band_noise,
            bits: self.levels.bits,
            image_bits: self.result_bits,
        })
    }
}

/// Collects what is to be kept while the chain is recorded.
struct Keeper<'k> {
    keep: &'k [Stage],
    kept: Vec<(Stage, Kept)>,
}

impl Keeper<'_> {
    fn pixels(&mut self, graph: &mut Graph<'_>, stage: Stage, pixels: Pixels) {
        if self.keep.contains(&stage) {
            self.kept.push((stage, Kept::Pixels(graph.result(pixels.buffer), pixels.bits)));
        }
    }

    fn mask(&mut self) {
        if self.keep.contains(&Stage::Mask) {
            self.kept.push((Stage::Mask, Kept::Mask));
        }
    }

    fn band(&mut self, graph: &mut Graph<'_>, number: u8, band: Buffer<f32>) {
        if self.keep.contains(&Stage::Band(number)) {
            self.kept.push((Stage::Band(number), Kept::Band(graph.result(band), number)));
        }
    }
}

fn check_stages(options: &EnhanceOptions, has_mask: bool, keep: &[Stage]) -> Result<(), TaskError> {
    let bands = options.laplacian.as_ref().map_or(0, |l| l.gains.len());
    for stage in keep {
        let reason = match stage {
            Stage::Mask if options.mask.is_none() && !has_mask => "there is no mask",
            Stage::Clahe if options.clahe.is_none() => "there is no clahe",
            Stage::Laplacian if bands == 0 => "there is no laplacian",
            Stage::Band(_) if bands == 0 => "there is no laplacian",
            Stage::Band(number) if usize::from(*number) > bands => "the laplacian has fewer bands",
            _ => continue,
        };
        return Err(TaskError::Absent { stage: stage.to_string(), reason });
    }
    Ok(())
}

/// Grey levels, bright where much was attenuated.
fn prepare(graph: &mut Graph<'_>, values: Buffer<f32>, levels: &Levels, meaning: Meaning) -> Pixels {
    // Flat images, and those whose range vanishes in single precision, have no step: all of them is level 0.
    let scale = Some(1.0 / levels.step).filter(|scale| scale.is_finite()).unwrap_or(0.0);
    let pixels = quantise::record(graph, values, scale, -levels.low * scale, levels.bits);
    match meaning.table(levels.bits) {
        None => pixels,
        Some(table) => {
            let buffer = table.record(graph);
            lookup::record(graph, pixels, buffer, table.bits_out())
        }
    }
}

/// Bands through their curves; the noise of each band that has one measured.
fn sharpen(
    graph: &mut Graph<'_>,
    pixels: Pixels,
    mask: Option<Mask>,
    options: &LaplacianOptions,
    kept: &mut Keeper<'_>,
) -> (Pixels, Vec<Buffer<f32>>) {
    let full_scale = (pixels.levels() - 1) as f32;
    let pyramid = pyramid::build_pixels(graph, pixels, options.gains.len(), Arithmetic::Real);
    let mut noise = Vec::new();
    let mut curves = Vec::with_capacity(options.gains.len());
    for (level, (&band, &gain)) in pyramid.bands.iter().zip(&options.gains).enumerate() {
        kept.band(graph, level as u8 + 1, band);
        let containment = (options.containment > 0.0).then(|| {
            let sigma = pyramid::noise(graph, band, level, mask, full_scale);
            noise.push(sigma);
            Containment { strength: options.containment as f32, noise: sigma }
        });
        curves.push(Curve {
            gain: gain as f32,
            power: options.power(level) as f32,
            ceiling: options.ceiling as f32,
            full_scale,
            containment,
        });
    }
    (pyramid::amplify(graph, pixels, &pyramid, &curves), noise)
}

/// The range first, then the curve.
fn tone(graph: &mut Graph<'_>, pixels: Pixels, mask: Option<Mask>, options: &ToneOptions) -> Pixels {
    let bits = pixels.bits;
    let ranged = match options.rank {
        Some(shares) => {
            let histogram = histogram::record(graph, pixels, mask, &Tiles::whole(pixels.size));
            let ranks = rank::record(graph, histogram, shares.map(|share| (share * PARTS).round() as u32));
            let table = stretch::record(graph, ranks, [bits, bits], NoRange::Keep);
            lookup::record(graph, pixels, table, bits)
        }
        None => pixels,
    };
    let top = f64::from(pixels.levels() - 1);
    let window = options.window.map(|[low, high]| Table::window(bits, bits, low * top, high * top));
    let curve = match (options.gamma, options.exponential) {
        (Some(gamma), _) => Some(Table::gamma(bits, bits, gamma)),
        (None, Some(rate)) => Some(Table::exponential(bits, bits, rate)),
        (None, None) => None,
    };
    let table = match (window, curve) {
        (Some(window), Some(curve)) => window.then(&curve),
        (Some(table), None) | (None, Some(table)) => table,
        (None, None) => return ranged,
    };
    let buffer = table.record(graph);
    lookup::record(graph, ranged, buffer, table.bits_out())
}

/// The range of grey levels spread over other bits, end to end.
fn deepen(graph: &mut Graph<'_>, pixels: Pixels, bits: u8) -> Pixels {
    if pixels.bits == bits {
        return pixels;
    }
    let buffer = Table::depth(pixels.bits, bits).record(graph);
    lookup::record(graph, pixels, buffer, bits)
}
