use burn::tensor::{self, Tensor};
use kerma::{
    data::{Image, Volume},
    engine::{Control, Device, Extent, Graph},
    kernels::noise::{Stream, normal, quanta},
    tasks::radiographs::{Curve, Radiographs, leaves},
};

use super::{DataOptions, NoiseKind, NoiseOptions};
use crate::{Error, filled, training::Draws};

/// Patches that share one view and one display curve; finding the bounds of a curve takes a look at the whole view.
const PATCHES_PER_VIEW: usize = 4;
/// Half the side of an unsharp mask's square, in pixels of a view.
const MASKS_PX: [f64; 2] = [2.0, 24.0];

/// Line integrals of all bodies in all views: what training images are cut from.
pub struct Pool {
    views: Vec<Image>,
    seed: u64,
    patch: usize,
    coarsest: usize,
    sharpened: f64,
}

/// Training images of one step, with values in \[0, 1\].
pub struct Batch {
    /// Number of images.
    pub count: usize,
    /// Rows and columns of each.
    pub side: usize,
    /// Clean values, `[count][row][column]`.
    pub clean: Vec<f32>,
    /// What else is drawn for the step.
    pub draws: Draws,
    /// Seed and number of the step as a stream of noise.
    pub stream: Stream,
}

impl Pool {
    /// Draws the views of all bodies, telling `progress` how many of how many bodies are done, and puts those behind them that were
    /// `simulated` before.
    ///
    /// # Errors
    /// What drawing says; a view that was simulated and is smaller than the largest patch.
    pub async fn draw(
        options: &DataOptions,
        volumes: Vec<Volume>,
        simulated: Vec<Image>,
        seed: u64,
        device: &Device,
        control: &Control<'_>,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Self, Error> {
        let bodies = options.radiographs.count + volumes.len() * options.bodies_per_volume;
        let size = options.radiographs.size;
        let radiographs = Radiographs::new(options.radiographs.clone(), volumes)?;
        let mut views = Vec::new();
        for body in 0..bodies {
            views.extend(radiographs.draw(device, control, body).await?);
            progress(body + 1, bodies);
        }
        let least = options.patch * options.coarsest;
        if let Some(small) = simulated.iter().find(|view| view.size().into_iter().any(|side| side < least)) {
            let [columns, rows] = small.size();
            return Err(Error::Recipe(format!(
                "data.simulated must have views of {least} × {least} pixels or more, got {columns} × {rows}"
            )));
        }
        views.extend(simulated);
        if let Some(options) = &options.leaves {
            views.extend((0..options.count).map(|index| leaves(options.seed, index, size)));
        }
        if views.is_empty() {
            return Err(Error::Recipe("data must have at least one body".to_owned()));
        }
        Ok(Self { views, seed, patch: options.patch, coarsest: options.coarsest, sharpened: options.sharpened })
    }

    /// Number of views.
    #[must_use]
    pub fn views(&self) -> usize {
        self.views.len()
    }

    /// The images of step `step`: patches at random places of random views, as they are or coarser, turned and mirrored,
    /// each view sharpened or not and displayed by a curve of its own. The same for the same seed and step.
    #[must_use]
    pub fn batch(&self, step: usize, count: usize) -> Batch {
        let mut draws = Draws::new(self.seed, step as u64);
        let side = self.patch;
        let mut clean = Vec::with_capacity(count * side * side);
        for first in (0..count).step_by(PATCHES_PER_VIEW) {
            let view = &self.views[draws.below(self.views.len())];
            let curve = Curve::seeded(draws.bits(), view);
            let mask = UnsharpMask::draw(self.sharpened, view, &mut draws);
            for _ in first..count.min(first + PATCHES_PER_VIEW) {
                let pixel = 1 + draws.below(self.coarsest);
                let [left, top] = view.size().map(|length| draws.below(length - pixel * side + 1));
                let turn = draws.below(8);
                for row in 0..side {
                    for column in 0..side {
                        let [x, y] = turned([column, row], side, turn);
                        let corner = [left + pixel * x, top + pixel * y];
                        let value = mean(view, corner, pixel);
                        clean.push(mask.as_ref().map_or(value, |mask| mask.sharpened(value, corner)));
                    }
                }
            }
            let start = first * side * side;
            for value in &mut clean[start..] {
                *value = curve.value(*value);
            }
        }
        let stream = Stream { seed: self.seed, stream: step as u32, origin: [0; 3] };
        Batch { count, side, clean, draws, stream }
    }
}

/// Sharpens as the first computed radiographs were: value + gain · (value − mean of the square around it).
struct UnsharpMask {
    gain: f32,
    reach: usize,
    size: [usize; 2],
    /// Sums of all pixels above and to the left: `[row][column]`, a row and a column more than the view.
    sums: Vec<f64>,
}

impl UnsharpMask {
    /// A mask of some size and gain for half of the draws; none where no gain is allowed.
    fn draw(largest: f64, view: &Image, draws: &mut Draws) -> Option<Self> {
        if largest == 0.0 || draws.below(2) == 0 {
            return None;
        }
        let gain = (largest * draws.unit()) as f32;
        let [least, most] = MASKS_PX.map(f64::ln);
        let reach = (least + (most - least) * draws.unit()).exp() as usize;
        Some(Self::new(gain, reach, view))
    }

    fn new(gain: f32, reach: usize, view: &Image) -> Self {
        let size @ [columns, rows] = view.size();
        let mut sums = vec![0.0; (columns + 1) * (rows + 1)];
        for (row, values) in view.values().chunks_exact(columns).enumerate() {
            let mut line = 0.0;
            for (column, value) in values.iter().enumerate() {
                line += f64::from(*value);
                sums[(row + 1) * (columns + 1) + column + 1] = line + sums[row * (columns + 1) + column + 1];
            }
        }
        Self { gain, reach, size, sums }
    }

    /// `value` at a pixel, sharpened; at the edges the square is what lies within the view.
    fn sharpened(&self, value: f32, [x, y]: [usize; 2]) -> f32 {
        let [columns, rows] = self.size;
        let [left, right] = [x.saturating_sub(self.reach), (x + self.reach + 1).min(columns)];
        let [top, bottom] = [y.saturating_sub(self.reach), (y + self.reach + 1).min(rows)];
        let at = |column: usize, row: usize| self.sums[row * (columns + 1) + column];
        let sum = at(right, bottom) - at(left, bottom) - at(right, top) + at(left, top);
        let mean = sum / ((right - left) * (bottom - top)) as f64;
        value + self.gain * (value - mean as f32)
    }
}

/// Mean of the `side` × `side` pixels whose upper left one is given.
fn mean(view: &Image, [left, top]: [usize; 2], side: usize) -> f32 {
    let columns = view.size()[0];
    let sum: f32 = (top..top + side).flat_map(|row| &view.values()[row * columns + left..][..side]).sum();
    sum / (side * side) as f32
}

/// One of the eight ways to lay a square on itself.
fn turned([mut x, mut y]: [usize; 2], side: usize, turn: usize) -> [usize; 2] {
    if turn & 1 != 0 {
        x = side - 1 - x;
    }
    if turn & 2 != 0 {
        y = side - 1 - y;
    }
    if turn & 4 != 0 { [y, x] } else { [x, y] }
}

impl Batch {
    /// Standard normals, one per pixel: `[count, 1, side, side]`, drawn by `engine`, on `device`.
    ///
    /// # Errors
    /// What the devices say.
    pub async fn normals(&self, engine: &Device, device: &tensor::Device) -> Result<Tensor<4>, Error> {
        let mut graph = Graph::new();
        let noise = normal::record(&mut graph, Extent::new(self.count, self.side, self.side), &self.stream);
        let output = graph.output("train.noise", self.clean.len());
        graph.download(noise, output, 0);
        filled(&graph, output, self.shape(), engine, device).await
    }

    /// The images with noise of a dose of their own each, Poisson or Gaussian: `[count, 1, side, side]`, around values
    /// of 0 … 1.
    ///
    /// # Errors
    /// What the devices say.
    pub async fn noisy(
        &mut self,
        options: &NoiseOptions,
        engine: &Device,
        device: &tensor::Device,
    ) -> Result<Tensor<4>, Error> {
        let pixels = self.side * self.side;
        let [least, most] = options.doses.map(f64::ln);
        let mut graph = Graph::new();
        let output = graph.output("train.noisy", self.clean.len());
        for (index, clean) in self.clean.chunks(pixels).enumerate() {
            let dose = (least + (most - least) * self.draws.unit()).exp();
            let kind = if self.draws.below(2) == 0 { NoiseKind::Poisson } else { NoiseKind::Gaussian };
            let stream = Stream { origin: [0, 0, index as u32], ..self.stream };
            let clean = graph.upload("train.clean", Extent::new(1, self.side, self.side), clean);
            let noisy = quanta::record(&mut graph, clean, &kind.quanta(dose), &stream);
            graph.download(noisy, output, index * pixels);
        }
        filled(&graph, output, self.shape(), engine, device).await
    }

    fn shape(&self) -> [usize; 4] {
        [self.count, 1, self.side, self.side]
    }
}

#[cfg(test)]
mod tests {
    use kerma::data::{Sample, Unit};

    use super::*;

    #[test]
    fn coarse_pixels_are_means_of_their_blocks() {
        let values: Vec<f32> = (0..24).map(|i| (i * i) as f32).collect();
        let view = Image::new([6, 4], None, Sample::Float, Unit::LineIntegral, values).unwrap();
        // Columns 3 and 4 of rows 1 and 2: 9, 10, 15, 16 squared.
        assert_eq!(mean(&view, [3, 1], 2), (81.0 + 100.0 + 225.0 + 256.0) / 4.0);
        assert_eq!(mean(&view, [5, 3], 1), 529.0);
    }

    #[test]
    fn a_mask_adds_what_a_pixel_is_above_its_square() {
        let values: Vec<f32> = (0..24).map(|i| (i * i) as f32).collect();
        let view = Image::new([6, 4], None, Sample::Float, Unit::LineIntegral, values).unwrap();
        let mask = UnsharpMask::new(2.0, 1, &view);
        // Rows 1 to 3 of columns 2 to 4, whose numbers are 6·row + column.
        let mean = (64.0 + 81.0 + 100.0 + 196.0 + 225.0 + 256.0 + 400.0 + 441.0 + 484.0) / 9.0;
        assert!((mask.sharpened(225.0, [3, 2]) - (225.0 + 2.0 * (225.0 - mean))).abs() < 1e-3);
        // In the corner four pixels are left.
        assert!((mask.sharpened(0.0, [0, 0]) + 2.0 * (0.0 + 1.0 + 36.0 + 49.0) / 4.0).abs() < 1e-4);
    }

    #[test]
    fn a_coarser_pool_cuts_its_largest_patches_within_its_views() {
        let pool = |coarsest| {
            let values = (0..64).map(|i| (i % 8) as f32).collect();
            let view = Image::new([8, 8], None, Sample::Float, Unit::LineIntegral, values).unwrap();
            Pool { views: vec![view], seed: 5, patch: 4, coarsest, sharpened: 0.0 }
        };
        let coarse = pool(2).batch(0, 64).clean;
        assert_eq!(coarse.len(), 64 * 16);
        assert!(coarse.iter().all(|v| (0.0..=1.0).contains(v)));
        assert_ne!(coarse, pool(1).batch(0, 64).clean);
    }
}
