//! Photons on their ways between scatterings: one order of scattering after the other, in discrete directions.

use super::{
    cells::Cells,
    groups::{Band, GROUPS, Groups, SHIFTS},
};
use crate::{parallel::*, vectorised::vectorised};

/// Harmonics up to the second order.
pub(super) const HARMONICS: usize = 9;
/// A function of the direction in each group.
pub(super) type Harmonics = [Band; HARMONICS];
/// Order of each harmonic.
const ORDER: [usize; HARMONICS] = [0, 1, 1, 1, 2, 2, 2, 2, 2];

/// Orders of scattering that are followed, the last of which stands for all others.
const FOLLOWED: usize = 6;
/// Directions, and how many of them one thread takes.
const DIRECTIONS: usize = 50;
const CHUNK: usize = 5;

/// Harmonics of a direction, for which P_l(a·b) is the sum of the products of a's and b's of order l.
pub(super) fn harmonics([x, y, z]: [f32; 3]) -> [f32; HARMONICS] {
    const ROOT: f32 = 1.732_050_8;
    [1.0, x, y, z, 1.5 * z * z - 0.5, ROOT * x * z, ROOT * y * z, ROOT * x * y, 0.5 * ROOT * (x * x - y * y)]
}

/// Weights by which harmonics of the sources become the flux per 4π in a direction: 2l + 1 times the direction's own.
pub(super) fn towards(direction: [f32; 3]) -> [f32; HARMONICS] {
    let own = harmonics(direction);
    std::array::from_fn(|m| (2 * ORDER[m] + 1) as f32 * own[m])
}

/// Compton scattering of a flux in a cell: photons per mm³ by energies and directions behind it.
pub(super) fn scattered(groups: &Groups, compton: &Band, flux: &Harmonics) -> Harmonics {
    let mut source = [[0.0; GROUPS]; HARMONICS];
    for m in 0..HARMONICS {
        let mut padded = [0.0; GROUPS + SHIFTS];
        for group in 0..GROUPS {
            padded[group] = compton[group] * flux[m][group];
        }
        for (shift, share) in groups.legendre[ORDER[m]].iter().enumerate() {
            for group in 0..GROUPS {
                source[m][group] += share[group] * padded[group + shift];
            }
        }
    }
    source
}

/// Flux of the photons that have been scattered at least once, in harmonics; `first` are those that are scattered for the first time, per
/// mm³.
pub(super) fn collided(cells: &Cells, groups: &Groups, first: Vec<Harmonics>) -> Vec<Harmonics> {
    let directions = directions();
    let mut sources = first;
    let mut flux = vec![[[0.0; GROUPS]; HARMONICS]; sources.len()];
    let mut all = flux.clone();
    let mut before = [0.0_f64; GROUPS];
    for order in 0..FOLLOWED {
        let parts: Vec<Vec<Harmonics>> = directions
            .par_chunks(CHUNK)
            .map(|some| {
                let mut sums = vec![[[0.0; GROUPS]; HARMONICS]; flux.len()];
                some.iter().for_each(|direction| sweep(cells, &sources, direction, &mut sums));
                sums
            })
            .collect();
        flux.fill([[0.0; GROUPS]; HARMONICS]);
        for part in &parts {
            flux.par_iter_mut().zip(part.par_iter()).for_each(|(flux, part)| add(flux, part, &[1.0; GROUPS]));
        }
        let mut total = [0.0_f64; GROUPS];
        flux.iter().for_each(|flux| total.iter_mut().zip(&flux[0]).for_each(|(sum, flux)| *sum += f64::from(*flux)));
        let share: Band = std::array::from_fn(|group| {
            // Further orders fall as the last two do.
            let ratio = if before[group] > 0.0 { (total[group] / before[group]).min(MOST_RATIO) } else { 0.0 };
            if order + 1 == FOLLOWED { (1.0 / (1.0 - ratio)) as f32 } else { 1.0 }
        });
        all.par_iter_mut().zip(flux.par_iter()).for_each(|(all, flux)| add(all, flux, &share));
        before = total;
        let next = flux.par_iter().zip(cells.optics.par_iter()).map(|(flux, optics)| {
            let mut source = scattered(groups, &optics.compton, flux);
            for group in 0..GROUPS {
                source[0][group] += optics.turned[group] * flux[0][group];
            }
            source
        });
        sources = next.collect();
    }
    all
}

/// Most that an order is of the one before it.
const MOST_RATIO: f64 = 0.9;

fn add(sum: &mut Harmonics, part: &Harmonics, share: &Band) {
    for (sum, part) in sum.iter_mut().zip(part) {
        for group in 0..GROUPS {
            sum[group] += share[group] * part[group];
        }
    }
}

/// A direction along the axes of the cells, and its share of the sphere.
struct Direction {
    along: [f32; 3],
    weight: f32,
}

/// Lebedev's points of degree 11 (V. I. Lebedev, *Zh. Vychisl. Mat. Mat. Fiz.* 16:293, 1976).
fn directions() -> Vec<Direction> {
    let mut all = Vec::with_capacity(DIRECTIONS);
    let (l, m) = (0.301_511_35_f32, 0.904_534_05_f32);
    let (half, third) = (std::f32::consts::FRAC_1_SQRT_2, 0.577_350_26_f32);
    for (point, weight) in [
        ([1.0, 0.0, 0.0], 4.0 / 315.0),
        ([0.0, 1.0, 0.0], 4.0 / 315.0),
        ([0.0, 0.0, 1.0], 4.0 / 315.0),
        ([half, half, 0.0], 64.0 / 2835.0),
        ([half, 0.0, half], 64.0 / 2835.0),
        ([0.0, half, half], 64.0 / 2835.0),
        ([third, third, third], 27.0 / 1280.0),
        ([l, l, m], 14_641.0 / 725_760.0),
        ([l, m, l], 14_641.0 / 725_760.0),
        ([m, l, l], 14_641.0 / 725_760.0),
    ] {
        for signs in 0..8_u32 {
            // A component of 0 has one sign.
            if (0..3).all(|axis| point[axis] > 0.0 || signs >> axis & 1 == 0) {
                let along = std::array::from_fn(|axis| if signs >> axis & 1 == 1 { -point[axis] } else { point[axis] });
                all.push(Direction { along, weight });
            }
        }
    }
    all
}

vectorised! {
    /// Adds the flux of one direction. Diamond differences: the flux in a cell is the mean of those at opposite faces.
    fn sweep(cells: &Cells, sources: &[Harmonics], direction: &Direction, sums: &mut [Harmonics]) {
        let [nx, ny, nz] = cells.size;
        let along = direction.along;
        let side = cells.side_mm.as_vec3().to_array();
        let slope: [f32; 3] = std::array::from_fn(|axis| 2.0 * along[axis].abs() / side[axis]);
        let (weights, own) = (towards(along), harmonics(along).map(|value| direction.weight * value));
        let slopes = slope[0] + slope[1] + slope[2];
        let place = |axis: usize, step: usize, count: usize| if along[axis] < 0.0 { count - 1 - step } else { step };
        let mut across_z = vec![[0.0_f32; GROUPS]; nx * ny];
        let mut across_y = vec![[0.0_f32; GROUPS]; nx];
        for k in 0..nz {
            let z = place(2, k, nz);
            across_y.fill([0.0; GROUPS]);
            for j in 0..ny {
                let y = place(1, j, ny);
                let mut across_x = [0.0_f32; GROUPS];
                for i in 0..nx {
                    let x = place(0, i, nx);
                    let cell = (z * ny + y) * nx + x;
                    let (source, removal) = (&sources[cell], &cells.optics[cell].removal);
                    let mut emitted = [0.0_f32; GROUPS];
                    for m in 0..HARMONICS {
                        for group in 0..GROUPS {
                            emitted[group] += weights[m] * source[m][group];
                        }
                    }
                    let (from_z, from_y) = (&mut across_z[y * nx + x], &mut across_y[x]);
                    let mut flux = [0.0_f32; GROUPS];
                    for group in 0..GROUPS {
                        let enters = slope[0] * across_x[group] + slope[1] * from_y[group] + slope[2] * from_z[group];
                        flux[group] = ((emitted[group] + enters) / (removal[group] + slopes)).max(0.0);
                    }
                    for group in 0..GROUPS {
                        across_x[group] = (2.0 * flux[group] - across_x[group]).max(0.0);
                        from_y[group] = (2.0 * flux[group] - from_y[group]).max(0.0);
                        from_z[group] = (2.0 * flux[group] - from_z[group]).max(0.0);
                    }
                    let sums = &mut sums[cell];
                    for m in 0..HARMONICS {
                        for group in 0..GROUPS {
                            sums[m][group] += own[m] * flux[group];
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::groups::ORDERS, *};

    #[test]
    fn directions_integrate_harmonics() {
        let all = directions();
        assert_eq!(all.len(), DIRECTIONS);
        // ∫ b_a·b_b over the sphere is 1/(2l + 1) where they are the same, and 0 else.
        for (a, order) in ORDER.into_iter().enumerate() {
            for b in 0..HARMONICS {
                let sum: f32 = all.iter().map(|d| d.weight * harmonics(d.along)[a] * harmonics(d.along)[b]).sum();
                let want = if a == b { 1.0 / (2 * order + 1) as f32 } else { 0.0 };
                assert!((sum - want).abs() < 1e-6, "{a} {b}: {sum}");
            }
        }
    }

    #[test]
    fn products_of_harmonics_are_legendre_polynomials() {
        let [a, b] = [[0.6_f32, -0.48, 0.64], [0.0, 0.8, -0.6]];
        let cosine: f32 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
        let mut sums = [0.0; ORDERS];
        harmonics(a).iter().zip(harmonics(b)).zip(ORDER).for_each(|((a, b), order)| sums[order] += a * b);
        for (got, want) in sums.into_iter().zip([1.0, cosine, 1.5 * cosine * cosine - 0.5]) {
            assert!((got - want).abs() < 1e-6, "{got} {want}");
        }
    }
}
