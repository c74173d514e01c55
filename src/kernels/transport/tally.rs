use super::DetectorPlane;

/// Sums that every run has, before those of regions and pixels.
pub(super) const LEDGER: u32 = 8;
/// Batches whose spread tells the error of a region's energy: photons by the last four bits of their numbers.
pub(super) const BATCHES: u32 = 16;
/// Sums of a pixel: of the amounts and of their squares, for each [`Class`].
pub(super) const PIXEL_SUMS: u32 = 8;

/// What happened to a photon on its way to the detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nothing.
    Primary,
    /// It was scattered once, incoherently.
    Compton,
    /// It was scattered once, coherently.
    Rayleigh,
    /// It was scattered more than once.
    Multiple,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Primary, Self::Compton, Self::Rayleigh, Self::Multiple];
    /// Those of scattered photons.
    pub const SCATTER: [Self; 3] = [Self::Compton, Self::Rayleigh, Self::Multiple];
}

/// A mean and its standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Mean.
    pub mean: f64,
    /// Standard error of the mean.
    pub error: f64,
}

/// What happened, in numbers of times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// Photons whose ray meets the body's box.
    pub entered: u64,
    /// Photo-electric absorptions.
    pub absorbed: u64,
    /// Compton scatterings.
    pub compton: u64,
    /// Rayleigh scatterings.
    pub rayleigh: u64,
    /// Free paths, those that ended with no interaction among them.
    pub flights: u64,
}

/// What came of a number of photons, as whole numbers: the same for every device and division.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    pub(super) first: u64,
    pub(super) count: u64,
    pub(super) region_count: u32,
    /// Columns and rows of the detector, and response of an amount of 1.
    pub(super) detector: Option<([u32; 2], f64)>,
    pub(super) sums: Vec<u64>,
}

/// Number of sums.
pub(super) fn sum_count(region_count: u32, detector: Option<&DetectorPlane>) -> u32 {
    let pixels = detector.map_or(0, |plane| plane.size().into_iter().product());
    LEDGER + region_count * BATCHES + pixels * PIXEL_SUMS
}

impl Tally {
    /// The tally of these photons and of those that follow: what one run of both would have given.
    ///
    /// # Panics
    /// When the others do not begin where these end, or sums differ in number.
    #[must_use]
    pub fn joined(mut self, next: &Self) -> Self {
        assert_eq!(self.first + self.count, next.first, "photons follow each other");
        assert_eq!(self.sums.len(), next.sums.len(), "sums are of one body and detector");
        self.count += next.count;
        self.sums.iter_mut().zip(&next.sums).for_each(|(sum, more)| *sum += more);
        self
    }

    /// Photons that were sent, whether or not they met the body.
    #[must_use]
    pub fn histories(&self) -> u64 {
        self.count
    }

    /// Energy that was sent, in eV.
    #[must_use]
    pub fn emitted_ev(&self) -> u64 {
        self.sums[0]
    }

    /// Energy that left the body's box or never met it, in eV.
    #[must_use]
    pub fn escaped_ev(&self) -> u64 {
        self.sums[1]
    }

    /// Energy absorbed in all regions, in eV: with what escaped it is exactly what was sent.
    #[must_use]
    pub fn absorbed_ev(&self) -> u64 {
        (0..self.region_count).map(|region| self.batches(region).iter().sum::<u64>()).sum()
    }

    /// What happened.
    #[must_use]
    pub fn events(&self) -> Events {
        let [entered, absorbed, compton, rayleigh, flights] = std::array::from_fn(|i| self.sums[2 + i]);
        Events { entered, absorbed, compton, rayleigh, flights }
    }

    /// Energy absorbed in a region, in eV for each photon that was sent. The error is from the spread of 16 batches.
    ///
    /// # Panics
    /// When there is no such region.
    #[must_use]
    pub fn region_ev(&self, region: usize) -> Estimate {
        self.regions_ev([region])
    }

    /// Energy absorbed in some regions together, in eV for each photon that was sent. A photon may leave energy in several of them, so
    /// that their errors do not add up as those of independent numbers: the error is from the spread of the 16 batches of the sum.
    ///
    /// # Panics
    /// When there is no such region.
    #[must_use]
    pub fn regions_ev(&self, regions: impl IntoIterator<Item = usize>) -> Estimate {
        let mut batches = [0; BATCHES as usize];
        for region in regions {
            batches.iter_mut().zip(self.batches(region as u32)).for_each(|(sum, more)| *sum += more);
        }
        let mean = batches.iter().sum::<u64>() as f64 / self.count as f64;
        let of_batch = |batch: u64| {
            let below = |number: u64| (number + u64::from(BATCHES) - 1 - batch) / u64::from(BATCHES);
            batches[batch as usize] as f64 / (below(self.first + self.count) - below(self.first)).max(1) as f64
        };
        let spread: f64 = (0..BATCHES.into()).map(|batch| (of_batch(batch) - mean).powi(2)).sum();
        Estimate { mean, error: (spread / f64::from(BATCHES * (BATCHES - 1))).sqrt() }
    }

    /// Response of the pixels to the photons of some classes, for each photon that was sent, row by row; nothing without a detector.
    #[must_use]
    pub fn image(&self, classes: &[Class]) -> Vec<Estimate> {
        let Some((_, unit)) = self.detector else { return Vec::new() };
        let count = self.count as f64;
        let pixels = self.sums[(LEDGER + self.region_count * BATCHES) as usize..].chunks_exact(PIXEL_SUMS as usize);
        let estimate = |sums: &[u64]| {
            // A photon arrives once. What is expected of it comes in parts, of which hardly two fall into one pixel.
            let [sum, squares] = [0, 1].map(|i| classes.iter().map(|c| sums[2 * *c as usize + i] as f64).sum::<f64>());
            let mean = sum / count;
            let variance = (squares / count - mean * mean).max(0.0);
            Estimate { mean: unit * mean, error: unit * (variance / count).sqrt() }
        };
        pixels.map(estimate).collect()
    }

    /// The same image through a Gaussian of a standard deviation in pixels: scatter is smooth over centimetres, and neighbours share
    /// what they know. At the rim the Gaussian is cut off and scaled. Errors are those of the weighted sums.
    #[must_use]
    pub fn smooth_image(&self, classes: &[Class], sigma_pixels: f64) -> Vec<Estimate> {
        let Some(([columns, rows], _)) = self.detector else { return Vec::new() };
        let [columns, rows] = [columns, rows].map(|n| n as usize);
        let along_rows = smoothed(&self.image(classes), [rows, columns], [columns, 1], sigma_pixels);
        smoothed(&along_rows, [columns, rows], [1, columns], sigma_pixels)
    }

    /// Columns and rows of the detector.
    #[must_use]
    pub fn detector_size(&self) -> Option<[u32; 2]> {
        self.detector.map(|(size, _)| size)
    }

    fn batches(&self, region: u32) -> &[u64] {
        assert!(region < self.region_count, "there is no region {region}");
        let first = (LEDGER + region * BATCHES) as usize;
        &self.sums[first..first + BATCHES as usize]
    }
}

/// Lines of pixels through a Gaussian: how many lines of how many pixels there are, and the steps from each to the next.
fn smoothed(image: &[Estimate], [lines, length]: [usize; 2], steps: [usize; 2], sigma: f64) -> Vec<Estimate> {
    // Beyond four standard deviations less than 10⁻⁴ is left.
    let reach = (4.0 * sigma).ceil() as usize;
    let weight = |distance: usize| (-0.5 * (distance as f64 / sigma.max(1e-9)).powi(2)).exp();
    let mut smooth = vec![Estimate::default(); image.len()];
    for line in 0..lines {
        for i in 0..length {
            let near = i.saturating_sub(reach)..length.min(i + reach + 1);
            let all: f64 = near.clone().map(|j| weight(i.abs_diff(j))).sum();
            let mut sum = Estimate::default();
            for j in near {
                let (w, pixel) = (weight(i.abs_diff(j)) / all, image[line * steps[0] + j * steps[1]]);
                sum.mean += w * pixel.mean;
                sum.error += (w * pixel.error).powi(2);
            }
            smooth[line * steps[0] + i * steps[1]] = Estimate { error: sum.error.sqrt(), ..sum };
        }
    }
    smooth
}
