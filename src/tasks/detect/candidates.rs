use std::f64::consts::PI;

use glam::DVec3;

use crate::{
    body::mask::{Mask, Span},
    data::{Grid, Unit, Volume},
    metrics::froc::Mark,
    tasks::TaskError,
};

/// A voxel with a larger probability belongs to the nodule's volume.
const CORE: f32 = 0.5;
/// Whole numbers up to this one are exact in `f32`.
const MOST_LABELS: usize = 1 << 24;

/// What may be nodules.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidates {
    /// Best score first; of equal ones the first in raster order.
    pub marks: Vec<Mark>,
    /// On the grid of the probabilities: k in the voxels of the k-th mark, counted from 1, and 0 elsewhere.
    pub labels: Volume,
}

impl Candidates {
    /// Those whose score is above `least`, with all of their voxels.
    #[must_use]
    pub fn above(mut self, least: f64) -> Self {
        let kept = self.marks.partition_point(|mark| mark.score > least);
        self.marks.truncate(kept);
        self.labels.values_mut().iter_mut().filter(|label| **label > kept as f32).for_each(|label| *label = 0.0);
        self
    }
}

/// Connected voxels (by 26 neighbours) whose probability is above a threshold, each group a mark.
///
/// ```text
/// position = Σ p·x / Σ p,   score = max p,   d̂ = (6·V/π)^(1/3)
/// ```
/// where x are the voxels' centres in the world frame, in millimetres, and V is the volume of the voxels with p > 0.5, or of
/// all where none is so probable. `probability` is a volume `[z][y][x]` of numbers from 0 to 1; `threshold` is 0 or more and
/// below 1. No voxel above it is no candidate, and no error. Memory beside the labels: a bit for each voxel, and about 60
/// bytes for each run of voxels above the threshold.
///
/// # Errors
/// [`TaskError`] when a probability is not finite or not one, the threshold is out of its range, or there are more than 2²⁴
/// candidates, which no label tells apart.
pub fn candidates(probability: &Volume, threshold: f64) -> Result<Candidates, TaskError> {
    if !(0.0..1.0).contains(&threshold) {
        let (field, allowed) = ("threshold", "0 or more and below 1");
        return Err(TaskError::Range { field, allowed, got: threshold });
    }
    probability.check_finite()?;
    if let Some(&got) = probability.values().iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(TaskError::Range { field: "probability", allowed: "0 to 1", got: f64::from(got) });
    }
    let (grid, values) = (probability.grid(), probability.values());
    let spans = Mask::of(probability, |p| p > threshold as f32).parts();
    let mut parts = vec![Part::default(); spans.iter().map(|span| span.part + 1).max().unwrap_or(0)];
    if parts.len() > MOST_LABELS {
        let (field, got) = ("number of candidates", parts.len() as f64);
        return Err(TaskError::Range { field, allowed: "at most 16777216", got });
    }
    for span in &spans {
        parts[span.part].add(span, &values[index(grid, span)..]);
    }
    let mut order: Vec<usize> = (0..parts.len()).collect();
    // Stable: parts are numbered in raster order.
    order.sort_by(|&a, &b| parts[b].score.total_cmp(&parts[a].score));

    let mut number = vec![0; parts.len()];
    order.iter().zip(1..).for_each(|(&part, label)| number[part] = label);
    let mut labels = vec![0.0; values.len()];
    for span in &spans {
        let start = index(grid, span);
        labels[start..start + span.len()].fill(number[span.part] as f32);
    }
    let marks = order.iter().map(|&part| parts[part].mark(grid)).collect();
    Ok(Candidates { marks, labels: Volume::new(*grid, Unit::Arbitrary, labels)? })
}

/// Place of a span's first voxel among the values.
fn index(grid: &Grid, span: &Span) -> usize {
    let [nx, ny, _] = grid.size();
    (span.z * ny + span.y) * nx + span.x.start
}

/// Sums over the voxels of a candidate, in raster order.
#[derive(Clone, Debug, Default)]
struct Part {
    /// Σ p and Σ p·(i, j, k).
    weight: f64,
    moment: DVec3,
    score: f32,
    core_count: usize,
    count: usize,
}

impl Part {
    /// Adds a span; `values` begin at its first voxel.
    fn add(&mut self, span: &Span, values: &[f32]) {
        for (x, &p) in span.x.clone().zip(values) {
            let weight = f64::from(p);
            self.weight += weight;
            self.moment += weight * DVec3::new(x as f64, span.y as f64, span.z as f64);
            self.score = self.score.max(p);
            self.core_count += usize::from(p > CORE);
        }
        self.count += span.len();
    }

    fn mark(&self, grid: &Grid) -> Mark {
        let count = if self.core_count > 0 { self.core_count } else { self.count };
        let volume_mm3 = count as f64 * grid.spacing_mm().element_product();
        Mark {
            position_mm: grid.world_mm(self.moment / self.weight),
            score: f64::from(self.score),
            diameter_mm: Some((6.0 * volume_mm3 / PI).cbrt()),
        }
    }
}

#[cfg(test)]
mod tests {
    use glam::DMat3;

    use super::*;

    /// Probabilities from a function of world positions, on a grid that is turned, moved and not cubic.
    fn volume(of: impl Fn(DVec3) -> f64) -> Volume {
        let turned = DMat3::from_rotation_z(0.4);
        let grid = Grid::new([40, 24, 32], [1.5, 2.0, 1.25], [-30.0, 5.0, 11.0], turned).unwrap();
        let [nx, ny, _] = grid.size();
        let at = |i: usize| grid.world_mm(DVec3::new((i % nx) as f64, (i / nx % ny) as f64, (i / nx / ny) as f64));
        let values = (0..grid.voxel_count()).map(|i| of(at(i)) as f32).collect();
        Volume::new(grid, Unit::Arbitrary, values).unwrap()
    }

    #[test]
    fn the_best_are_kept_with_all_of_their_voxels() {
        let grid: Grid = "9x1x1@1x1x1".parse().unwrap();
        let values = vec![0.3, 0.9, 0.3, 0.0, 0.6, 0.3, 0.0, 0.4, 0.0];
        let found = candidates(&Volume::new(grid, Unit::Arbitrary, values).unwrap(), 0.2).unwrap();
        assert_eq!(found.clone().above(0.0), found);
        let best = found.clone().above(0.5);
        assert_eq!(best.marks, found.marks[..2]);
        assert_eq!(best.labels.values(), [1.0, 1.0, 1.0, 0.0, 2.0, 2.0, 0.0, 0.0, 0.0]);
        assert!(found.above(0.95).labels.values().iter().all(|label| *label == 0.0));
    }

    #[test]
    fn balls_are_found_where_they_are_with_their_size_and_score() {
        let grid = *volume(|_| 0.0).grid();
        let centres = [[10.0, 8.0, 12.0], [28.0, 14.0, 20.0]].map(|at| grid.world_mm(DVec3::from_array(at)));
        // 0.9 within 5 mm with a rim of 0.3 up to 7 mm; and 0.4 within 6 mm.
        let found = candidates(
            &volume(|at| match [at.distance(centres[0]), at.distance(centres[1])] {
                [a, _] if a < 5.0 => 0.9,
                [a, _] if a < 7.0 => 0.3,
                [_, b] if b < 6.0 => 0.4,
                _ => 0.1,
            }),
            0.2,
        )
        .unwrap();
        let [first, second] = found.marks[..] else { panic!("{:?}", found.marks) };
        for (mark, centre, score, diameter_mm) in [(first, centres[0], 0.9, 10.0), (second, centres[1], 0.4, 12.0)] {
            assert!(mark.position_mm.distance(centre) < 0.1, "{mark:?}");
            assert!((mark.score - score).abs() < 1e-6 && (mark.diameter_mm.unwrap() - diameter_mm).abs() < 0.3);
        }
        let count = |label: f32| found.labels.values().iter().filter(|&&v| v == label).count() as f64;
        let ball = |radius_mm: f64| 4.0 / 3.0 * PI * radius_mm.powi(3) / 3.75;
        assert!((count(1.0) / ball(7.0) - 1.0).abs() < 0.08 && (count(2.0) / ball(6.0) - 1.0).abs() < 0.08);
        assert_eq!(count(0.0) + count(1.0) + count(2.0), grid.voxel_count() as f64);
        assert_eq!(found.labels.grid(), &grid);
        // The rim pulls the place to where it is heavier.
        let dipped = |at: DVec3| match at.distance(centres[0]) {
            a if a < 5.0 => {
                if at.x > centres[0].x {
                    0.9
                } else {
                    0.45
                }
            }
            _ => 0.0,
        };
        // Half balls have their centroids 3/8 r away: (2/3 − 1/3)·15/8 mm.
        let shift = candidates(&volume(dipped), 0.2).unwrap().marks[0].position_mm - centres[0];
        assert!(shift.distance(DVec3::X * 0.625) < 0.2, "{shift}");
    }

    #[test]
    fn voxels_that_touch_by_a_corner_belong_together_and_scores_are_in_order() {
        let grid = Grid::centred([6, 5, 4], [1.0; 3]).unwrap();
        let mut values = vec![0.0; grid.voxel_count()];
        let mut set = |[x, y, z]: [usize; 3], p| values[(z * 5 + y) * 6 + x] = p;
        for (at, p) in [
            ([0, 0, 0], 0.3),
            ([1, 1, 1], 0.4),
            ([0, 2, 2], 0.35),
            ([3, 3, 0], 0.4),
            ([5, 3, 0], 0.8),
            ([4, 1, 3], 0.2),
        ] {
            set(at, p);
        }
        let probability = Volume::new(grid, Unit::Arbitrary, values).unwrap();
        let found = candidates(&probability, 0.2).unwrap();
        assert_eq!(found.marks.iter().map(|mark| mark.score as f32).collect::<Vec<_>>(), [0.8, 0.4, 0.4]);
        let label = |[x, y, z]: [usize; 3]| found.labels.values()[(z * 5 + y) * 6 + x];
        let labels = [[5, 3, 0], [0, 0, 0], [1, 1, 1], [0, 2, 2], [3, 3, 0], [4, 1, 3]].map(label);
        assert_eq!(labels, [1.0, 2.0, 2.0, 2.0, 3.0, 0.0]);
        let volume = PI / 6.0 * found.marks[1].diameter_mm.unwrap().powi(3);
        assert!((volume - 3.0).abs() < 1e-12, "{volume}");
        assert_eq!(candidates(&probability, 0.8).map(|found| found.marks.len()), Ok(0));
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        let grid = Grid::centred([2, 1, 1], [1.0; 3]).unwrap();
        let message = |p, threshold| {
            let volume = Volume::new(grid, Unit::Arbitrary, vec![0.5, p]).unwrap();
            candidates(&volume, threshold).unwrap_err().to_string()
        };
        assert_eq!(message(0.5, 1.0), "threshold must be 0 or more and below 1, got 1");
        assert!(message(0.5, f64::NAN).starts_with("threshold must be"));
        assert_eq!(message(f32::NAN, 0.2), "1 of the values of the volume are not finite, the first at index 1");
        assert_eq!(message(-3.5, 0.2), "probability must be 0 to 1, got -3.5");
    }
}
