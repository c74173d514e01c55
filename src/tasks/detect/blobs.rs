use std::{cmp::Ordering, f64::consts::PI};

use glam::DVec3;

use super::smooth::smoothed;
use crate::{
    body::mask::INSIDE,
    data::{Grid, Unit, Volume},
    metrics::froc::Mark,
    parallel::*,
    tasks::TaskError,
};

/// Ratio of the widths of the two Gaussians of a difference, and of a scale to the one before: a third of an octave.
const STEP: f64 = 1.259_921_049_894_873_2;
/// Largest diameter, in millimetres: what is larger is no nodule.
const MOST_MM: f64 = 60.0;

/// What [`blobs`] looks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlobOptions {
    /// Smallest and largest diameter, in millimetres; up to 60.
    pub diameters_mm: [f64; 2],
    /// Least score, in HU: contrast of the ball that would answer as much.
    pub least_hu: f64,
    /// Most marks; the best are kept.
    pub most: usize,
}

impl Default for BlobOptions {
    /// 4 to 20 mm, 50 HU, the 100 marks a scan that LUNA16 counts.
    fn default() -> Self {
        Self { diameters_mm: [4.0, 20.0], least_hu: 50.0, most: 100 }
    }
}

/// Bright balls in the lungs, by differences of Gaussians at several scales; best first.
///
/// ```text
/// R(x, σ) = (G_σ − G_kσ) ∗ f,   marks are maxima of R over x and σ,   d̂ = 2·σ·√(6·ln k / (1 − k⁻²)),   score = R / R₀
/// ```
/// where f is the CT less its mean in the lungs, 0 outside them; k = 2^(1/3), also the step from scale to scale; R₀ = 0.211 is the
/// answer to a ball of 1 HU of the diameter d̂, which is the one that a scale answers most to. Places and scales
/// are refined by parabolas. A mark whose centre lies in the ball of a better one is left out. The baseline of a network: vessels are
/// marked as well.
///
/// `ct` is in HU, `lungs` on the same grid and above 0.5 inside; a nodule that the mask leaves out is not found. Voxels should
/// be smaller than the smallest diameter. Eight volumes of memory.
///
/// # Errors
/// [`TaskError`] when the grids differ, a value is not finite, no voxel lies in the lungs, or an option is out of its range.
pub fn blobs(ct: &Volume, lungs: &Volume, options: &BlobOptions) -> Result<Vec<Mark>, TaskError> {
    options.check()?;
    let inner = contrast(ct, lungs)?;
    let [low, high] = options.diameters_mm;
    let scales = (high / low).log(STEP).ceil() as i32 + 1;
    let sigma_mm = |scale: i32| low / (2.0 * radius_in_widths()) * STEP.powi(scale);
    // Differences of three neighbouring scales at a time; one more at both ends, where maxima need neighbours.
    let mut gaussian = smoothed(&inner, sigma_mm(-1));
    let mut next = |scale: i32| {
        let wider = smoothed(&inner, sigma_mm(scale + 1));
        let narrower = std::mem::replace(&mut gaussian, wider);
        difference(narrower, &gaussian)
    };
    let mut three = [next(-1), next(0), next(1)];
    let mut marks = Vec::new();
    for scale in 0..scales {
        if scale > 0 {
            three.rotate_left(1);
            three[2] = next(scale + 1);
        }
        let diameter_mm = 2.0 * radius_in_widths() * sigma_mm(scale);
        marks.extend(maxima(&three, lungs, diameter_mm, options.least_hu));
    }
    Ok(best(marks, options.most))
}

impl BlobOptions {
    fn check(&self) -> Result<(), TaskError> {
        let [low, high] = self.diameters_mm;
        let refused = |field, allowed, got| Err(TaskError::Range { field, allowed, got });
        if !(low.is_finite() && low > 0.0) {
            return refused("smallest diameter", "positive and finite, in mm", low);
        }
        if !(high >= low && high <= MOST_MM && high <= 100.0 * low) {
            return refused("largest diameter", "1 to 100 times the smallest and at most 60 mm", high);
        }
        if !(self.least_hu.is_finite() && self.least_hu > 0.0) {
            return refused("least_hu", "positive and finite", self.least_hu);
        }
        Ok(())
    }
}

/// r/σ of the ball to which G_σ − G_kσ answers most: √(6·ln k/(1 − k⁻²)).
///
/// G_σ at the centre of a ball is the share F(r/σ) of a normal distribution that lies within it, and F′(a) ∝ a²·exp(−a²/2):
/// the derivative by ln σ of F(r/σ) − F(r/kσ) is 0 where a³·exp(−a²/2) is the same for a = r/σ and a = r/kσ.
fn radius_in_widths() -> f64 {
    (6.0 * STEP.ln() / (1.0 - STEP.powi(-2))).sqrt()
}

/// The answer at the centre of that ball, of 1 HU.
fn peak() -> f64 {
    within(radius_in_widths()) - within(radius_in_widths() / STEP)
}

/// Share of a normal distribution in three dimensions within so many standard deviations, by Simpson's rule.
fn within(radius: f64) -> f64 {
    const STEPS: usize = 64;
    let density = |a: f64| (2.0 / PI).sqrt() * a * a * (-a * a / 2.0).exp();
    let width = radius / STEPS as f64;
    let weight = |i: usize| if i == 0 || i == STEPS { 1.0 } else { 2.0 + 2.0 * (i % 2) as f64 };
    (0..=STEPS).map(|i| weight(i) * density(i as f64 * width)).sum::<f64>() * width / 3.0
}

/// The CT less its mean in the lungs, and 0 outside them, so that their walls are no edges.
fn contrast(ct: &Volume, lungs: &Volume) -> Result<Volume, TaskError> {
    if !matches!(ct.unit(), Unit::Hounsfield | Unit::Arbitrary) {
        return Err(TaskError::Unit { what: "CT", expected: "HU", got: ct.unit() });
    }
    if ct.grid() != lungs.grid() {
        let [expected, got] = [ct, lungs].map(|volume| volume.grid().to_string());
        return Err(TaskError::Grid { what: "lungs", like: "CT", expected, got });
    }
    ct.check_finite()?;
    lungs.check_finite()?;
    let inside = || ct.values().iter().zip(lungs.values()).filter(|(_, lung)| **lung > INSIDE).map(|(hu, _)| *hu);
    let (sum, count) = inside().fold((0.0, 0_usize), |(sum, count), hu| (sum + f64::from(hu), count + 1));
    if count == 0 {
        return Err(TaskError::Range { field: "number of voxels in the lungs", allowed: "1 or more", got: 0.0 });
    }
    let mean = (sum / count as f64) as f32;
    let mut inner = ct.clone();
    let slice = ct.grid().size()[0] * ct.grid().size()[1];
    inner.values_mut().par_chunks_mut(slice).zip(lungs.values().par_chunks(slice)).for_each(|(values, lungs)| {
        values.iter_mut().zip(lungs).for_each(|(hu, lung)| *hu = if *lung > INSIDE { *hu - mean } else { 0.0 });
    });
    Ok(inner)
}

fn difference(mut narrower: Volume, wider: &Volume) -> Volume {
    let slice = wider.grid().size()[0] * wider.grid().size()[1];
    narrower.values_mut().par_chunks_mut(slice).zip(wider.values().par_chunks(slice)).for_each(|(a, b)| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a -= b);
    });
    narrower
}

/// Maxima of the middle scale among their 80 neighbours in place and scale, in raster order. Of equal neighbours the first is one.
fn maxima(scales: &[Volume; 3], lungs: &Volume, diameter_mm: f64, least_hu: f64) -> Vec<Mark> {
    let (grid, middle) = (scales[1].grid(), scales[1].values());
    let [nx, ny, nz] = grid.size();
    let least = (least_hu * peak()) as f32;
    let in_slice = |z: usize| {
        let mut marks = Vec::new();
        for y in 0..ny {
            for x in 0..nx {
                let at = (z * ny + y) * nx + x;
                let value = middle[at];
                if value >= least && lungs.values()[at] > INSIDE && is_maximum(scales, [x, y, z]) {
                    marks.push(refined(scales, [x, y, z], diameter_mm));
                }
            }
        }
        marks
    };
    let slices: Vec<Vec<Mark>> = (0..nz).into_par_iter().map(in_slice).collect();
    slices.concat()
}

fn is_maximum(scales: &[Volume; 3], [x, y, z]: [usize; 3]) -> bool {
    let [nx, ny, nz] = scales[1].grid().size();
    let place = (z * ny + y) * nx + x;
    let value = scales[1].values()[place];
    let around = |at: usize, count: usize| at.saturating_sub(1)..(at + 2).min(count);
    scales.iter().enumerate().all(|(scale, volume)| {
        around(z, nz).all(|z| {
            around(y, ny).all(|y| {
                around(x, nx).all(|x| {
                    let at = (z * ny + y) * nx + x;
                    let other = volume.values()[at];
                    match (scale, at).cmp(&(1, place)) {
                        Ordering::Less => value > other,
                        _ => value >= other,
                    }
                })
            })
        })
    })
}

/// The mark of a maximum, at the vertex of the parabolas through it and its neighbours along each axis and over the scales.
fn refined(scales: &[Volume; 3], place: [usize; 3], diameter_mm: f64) -> Mark {
    let grid: &Grid = scales[1].grid();
    let size = grid.size();
    let at = |scale: usize, [x, y, z]: [usize; 3]| f64::from(scales[scale].values()[(z * size[1] + y) * size[0] + x]);
    let value = at(1, place);
    let along = |axis: usize| {
        let beside = |step: isize| {
            let mut beside = place;
            beside[axis] = place[axis].checked_add_signed(step).filter(|&to| to < size[axis])?;
            Some(at(1, beside))
        };
        let [before, behind] = [beside(-1)?, beside(1)?];
        Some(vertex(before, value, behind))
    };
    let shift = [0, 1, 2].map(|axis| along(axis).unwrap_or([0.0; 2]));
    let [scale, higher] = vertex(at(0, place), value, at(2, place));
    let index = DVec3::from_array([0, 1, 2].map(|axis| place[axis] as f64 + shift[axis][0]));
    let rise = higher + shift.iter().map(|[_, rise]| rise).sum::<f64>();
    Mark {
        position_mm: grid.world_mm(index),
        score: (value + rise) / peak(),
        diameter_mm: Some(diameter_mm * STEP.powf(scale)),
    }
}

/// Where a parabola through three values, of which the middle is the largest, is highest, and by how much higher than there.
fn vertex(before: f64, value: f64, behind: f64) -> [f64; 2] {
    let (slope, bend) = ((behind - before) / 2.0, 2.0 * value - before - behind);
    if bend <= 0.0 { [0.0; 2] } else { [slope / bend, slope * slope / (2.0 * bend)] }
}

/// The best marks, none of which lies in the ball of a better one. Of equal ones the first is the better.
fn best(mut marks: Vec<Mark>, most: usize) -> Vec<Mark> {
    marks.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Mark> = Vec::new();
    for mark in marks {
        if kept.len() == most {
            break;
        }
        let covers = |better: &Mark| {
            let radius_mm = better.diameter_mm.unwrap_or_default() / 2.0;
            better.position_mm.distance_squared(mark.position_mm) < radius_mm * radius_mm
        };
        if !kept.iter().any(covers) {
            kept.push(mark);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::random::Random;

    /// Centre, diameter and contrast of balls.
    type Balls = [([f64; 3], f64, f64)];

    /// A lung of −800 HU within a wall of 40 HU, with balls; and the lung.
    fn lung(balls: &Balls, noise_hu: f64) -> [Volume; 2] {
        let grid: Grid = "56x40x48@2x2.5x2+5,-7,11".parse().unwrap();
        let mut random = Random::new(4);
        let [mut ct, mut lungs] = [const { Vec::new() }; 2];
        for at in 0..grid.voxel_count() {
            let index = [at % 56, at / 56 % 40, at / (56 * 40)].map(|i| i as f64);
            let place = grid.world_mm(DVec3::from_array(index));
            let is_lung = (place - grid.centre_mm()).length() < 44.0;
            // Coverage of a voxel by a ball, about.
            let share = |(centre, diameter_mm, hu): &([f64; 3], f64, f64)| {
                hu * (0.5 + (diameter_mm / 2.0 - place.distance(DVec3::from_array(*centre))) / 2.2).clamp(0.0, 1.0)
            };
            let hu = -800.0 + balls.iter().map(share).sum::<f64>() + random.within(-1.0, 1.0) * noise_hu;
            ct.push(if is_lung { hu as f32 } else { 40.0 });
            lungs.push(f32::from(u8::from(is_lung)));
        }
        [(Unit::Hounsfield, ct), (Unit::Arbitrary, lungs)].map(|(unit, v)| Volume::new(grid, unit, v).unwrap())
    }

    #[test]
    fn balls_in_the_lung_are_found_with_size_and_contrast_and_its_wall_is_not() {
        let balls =
            [([5.0, -10.0, 20.0], 16.0, 700.0), ([20.0, -20.0, 0.0], 10.0, 400.0), ([-15.0, 5.0, 5.0], 6.0, 600.0)];
        let [ct, lungs] = lung(&balls, 20.0);
        let found = blobs(&ct, &lungs, &BlobOptions { least_hu: 150.0, ..BlobOptions::default() }).unwrap();
        assert_eq!(found.len(), 3, "{found:?}");
        for (centre, diameter_mm, hu) in balls {
            let mark = found.iter().find(|mark| mark.position_mm.distance(DVec3::from_array(centre)) < 0.8).unwrap();
            let [size, score] = [mark.diameter_mm.unwrap() / diameter_mm, mark.score / hu];
            assert!((0.85..1.2).contains(&size) && (0.75..1.15).contains(&score), "{diameter_mm}: {size} {score}");
        }
        assert!(found.is_sorted_by(|a, b| a.score >= b.score));
        let one = blobs(&ct, &lungs, &BlobOptions { most: 1, ..BlobOptions::default() }).unwrap();
        assert_eq!(one, found[..1]);
        // A nodule that the mask leaves out is not there.
        let mut without = lungs.clone();
        let hole = |at: usize| {
            let index = [at % 56, at / 56 % 40, at / (56 * 40)].map(|i| i as f64);
            ct.grid().world_mm(DVec3::from_array(index)).distance(DVec3::from_array(balls[0].0)) < 12.0
        };
        without.values_mut().iter_mut().enumerate().filter(|(at, _)| hole(*at)).for_each(|(_, v)| *v = 0.0);
        let options = BlobOptions { least_hu: 150.0, ..BlobOptions::default() };
        assert_eq!(blobs(&ct, &without, &options).unwrap().len(), 2);
    }

    #[test]
    fn the_widths_answer_most_to_their_ball() {
        let radius = radius_in_widths();
        let answer = |radius: f64| within(radius) - within(radius / STEP);
        assert!(answer(radius) > answer(radius * 1.001) && answer(radius) > answer(radius / 1.001));
        assert!((peak() - 0.211).abs() < 5e-4, "{}", peak());
        // Of a normal distribution in three dimensions, 19.87 % lie within one standard deviation.
        assert!((within(1.0) - 0.198_748).abs() < 1e-6 && (within(6.0) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn what_cannot_be_searched_is_refused() {
        let [ct, lungs] = lung(&[], 0.0);
        let message = |ct: &Volume, lungs: &Volume, options| blobs(ct, lungs, &options).unwrap_err().to_string();
        let sizes = |low, high| BlobOptions { diameters_mm: [low, high], ..BlobOptions::default() };
        assert!(message(&ct, &lungs, sizes(0.0, 9.0)).starts_with("smallest diameter must be positive"));
        assert!(message(&ct, &lungs, sizes(4.0, 3.0)).starts_with("largest diameter must be 1 to 100 times"));
        assert!(message(&ct, &lungs, sizes(4.0, f64::NAN)).starts_with("largest diameter"));
        let faint = BlobOptions { least_hu: 0.0, ..BlobOptions::default() };
        assert_eq!(message(&ct, &lungs, faint), "least_hu must be positive and finite, got 0");
        let options = BlobOptions::default();
        let none = Volume::zeros(*lungs.grid(), Unit::Arbitrary);
        assert_eq!(message(&ct, &none, options), "number of voxels in the lungs must be 1 or more, got 0");
        let other = Volume::zeros("3x3x3@1x1x1".parse().unwrap(), Unit::Arbitrary);
        let got = message(&ct, &other, options);
        assert_eq!(got, "lungs must be on the CT's grid of 56x40x48@2x2.5x2+5,-7,11, got 3x3x3@1x1x1");
        let mut holed = ct.clone();
        holed.values_mut()[9] = f32::NAN;
        assert!(message(&holed, &lungs, options).contains("not finite, the first at index 9"));
        assert!(
            message(&ct.clone().with_unit(Unit::PerMillimetre), &lungs, options).contains("must be in HU, got mm⁻¹")
        );
        assert_eq!(blobs(&ct, &lungs, &options), Ok(vec![]));
    }

    #[cfg(feature = "parallel")]
    #[test]
    fn marks_have_the_same_bits_for_any_number_of_threads() {
        let [ct, lungs] = lung(&[([5.0, -10.0, 20.0], 16.0, 700.0)], 300.0);
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let marks = blobs(&ct, &lungs, &BlobOptions::default()).unwrap();
                (marks, crate::tasks::detect::candidates(&lungs, 0.2).unwrap())
            })
        };
        let one = with(1);
        assert!(one.0.len() > 20, "{}", one.0.len());
        assert!([2, 5].iter().all(|&threads| with(threads) == one));
    }
}
