//! What an interaction does to a photon, and how directions turn: twin of `shaders/transport/scatter.wgsl`.

use super::{Bound, Photon, aimed, dot, drawn, node_of};
use crate::kernels::prelude::*;
use crate::kernels::transport::tables::{ANGLE_NODES, ANGLE_SHIFT, COSINES, FIRST_ANGLE_NODE};

/// 1/mc², in 1/eV.
const PER_REST_EV: f32 = 1.956_951e-6;

/// An interaction with a material: 0, absorption, 1, Compton or 2, Rayleigh scattering. What has no energy left has ended.
#[inline(always)]
pub(super) fn interact(bound: Bound<'_>, photon: &mut Photon, material: u32, rest: f32, part: f32) -> u32 {
    let Bound { kernel, numbers, .. } = bound;
    let shares = (photon.node * (1 + 3 * kernel.materials) + 1 + kernel.materials + 2 * material) as usize;
    if rest < part * numbers[shares] {
        photon.energy = 0;
        return 0;
    }
    let is_coherent = rest >= part * numbers[shares + 1];
    let words = drawn(kernel, photon);
    let energy = photon.energy as f32;
    let node = ((energy.to_bits() >> (ANGLE_SHIFT - 8)) + (words[0] & 0xff)) >> 8;
    let table = (u32::from(is_coherent) * kernel.materials + material) * ANGLE_NODES + node - FIRST_ANGLE_NODE;
    let at = (kernel.cosines_at + table * COSINES + (words[0] >> 24)) as usize;
    let along = ((words[0] >> 8) & 0xffff) as f32 * 1.525_878_9e-5;
    let cosine = numbers[at] + along * (numbers[at + 1] - numbers[at]);
    photon.class = if photon.class == 0 { 1 + u32::from(is_coherent) } else { 3 };
    if !is_coherent {
        let ratio = reciprocal(1.0 + energy * PER_REST_EV * (1.0 - cosine));
        let left = ((energy * ratio + 0.5) as u32).min(photon.energy);
        photon.energy = if left < kernel.cut_off { 0 } else { left };
    }
    if photon.energy > 0 {
        photon.direction = turned(photon.direction, cosine, words[1]);
        aimed(kernel, photon);
        photon.node = node_of(photon.energy, words[1]);
    }
    1 + u32::from(is_coherent)
}

/// A direction after scattering by an angle, at a random azimuth: the upper two bits say in which quarter, the next 24 where in it.
#[inline(always)]
fn turned([x, y, z]: [f32; 3], cosine: f32, word: u32) -> [f32; 3] {
    let square = ((1.0 - cosine) * (1.0 + cosine)).max(1e-30);
    let sine = square * inverse_square_root(square);
    // −π/4 to π/4: Taylor series.
    let angle = (((word >> 6) & 0xff_ffff) as i32 - 0x80_0000) as f32 * 9.362_675e-8;
    let s = angle * angle;
    let odd = (s * -1.984_127e-4 + 8.333_334e-3) * s - 1.666_666_7e-1;
    let even = ((s * 2.480_158_7e-5 - 1.388_888_9e-3) * s + 4.166_666_8e-2) * s - 0.5;
    let (mut c, mut s) = (s * even + 1.0, angle * s * odd + angle);
    if word & (1 << 30) != 0 {
        (c, s) = (-s, c);
    }
    if word & (1 << 31) != 0 {
        (c, s) = (-c, -s);
    }
    // Two vectors perpendicular to it (T. Duff et al., J. Comput. Graph. Tech. 6(1):1, 2017).
    let sign = if z < 0.0 { -1.0 } else { 1.0 };
    let a = -reciprocal(sign + z);
    let b = x * y * a;
    let first = [x * x * a * sign + 1.0, b * sign, -x * sign];
    let second = [b, y * y * a + sign, -y];
    let (c, s) = (c * sine, s * sine);
    let old = [x, y, z];
    let new: [f32; 3] = std::array::from_fn(|i| cosine * old[i] + (c * first[i] + s * second[i]));
    // One step towards length 1, so that errors do not grow.
    let scale = 1.5 - 0.5 * dot(new, new);
    new.map(|x| x * scale)
}

#[cfg(test)]
mod tests {
    use glam::{DMat3, DVec3};

    use super::super::{Histories, emitted, kernel, record};
    use super::*;
    use crate::{
        body::Body,
        data::Grid,
        engine::{Control, Device, Plan, Sums},
        kernels::transport::{Source, Tables},
        physics::{Material, Spectrum, klein_nishina},
    };

    /// Photons whose angles are sorted.
    const DRAWS: usize = 100_000;

    /// A slab of water of 400 × 400 × 200 mm before a source at 1 m that sends photons of 60 keV.
    fn slab() -> (Tables, Source) {
        let grid = Grid::new([4, 4, 2], [100.0; 3], [-150.0, -150.0, 1050.0], DMat3::IDENTITY).unwrap();
        let body = Body::new(grid, vec![Material::by_name("water").unwrap()], vec![0.0, 1.0], vec![1; 32]).unwrap();
        let source = Source {
            position_mm: DVec3::ZERO,
            corner_mm: DVec3::new(-150.0, -150.0, 1000.0),
            edges_mm: [DVec3::X * 300.0, DVec3::Y * 300.0],
            blades: Vec::new(),
            spectrum: Spectrum::new(vec![60.0], vec![1.0]).unwrap(),
        };
        (Tables::new(&body, None).unwrap(), source)
    }

    /// Cosines of free electrons in the place of those of Compton scattering.
    fn without_scattering_functions(mut tables: Tables) -> Tables {
        for node in 0..ANGLE_NODES {
            let energy = f64::from(f32::from_bits((FIRST_ANGLE_NODE + node) << ANGLE_SHIFT)) / 1000.0;
            let cosines: Vec<f64> = (0..=20_000).map(|i| 1.0 - f64::from(i) / 10_000.0).collect();
            let mut cumulative = vec![0.0];
            for pair in cosines.windows(2) {
                let density = klein_nishina::differential_cm2_sr(energy, 0.5 * (pair[0] + pair[1]));
                cumulative.push(cumulative[cumulative.len() - 1] + density);
            }
            let all = cumulative[cumulative.len() - 1];
            for i in 0..COSINES {
                let share = f64::from(i) / f64::from(COSINES - 1) * all;
                let place = cumulative.partition_point(|sum| *sum < share).min(cosines.len() - 1);
                tables.numbers[(tables.cosines_at + node * COSINES + i) as usize] = cosines[place] as f32;
            }
        }
        tables
    }

    /// Angles below which 10, 50 and 90 % of the photons of 60 keV are scattered, in degrees: Compton, Rayleigh.
    fn angles(tables: &Tables, source: &Source) -> [[f64; 3]; 2] {
        let kernel = kernel(tables, source, None, Histories { seed: 3, first: 0, count: 1 }, [1, 0]);
        let mut words = vec![0; 2 * kernel.sum_count as usize];
        let lists = source.energies();
        let bound = Bound {
            kernel: &kernel,
            voxels: &tables.voxels,
            numbers: &tables.numbers,
            lists: &lists,
            tallies: Sums::new(&mut words),
        };
        // Above all that is absorbed; and what is left for Rayleigh scattering.
        [0.5, 0.9999].map(|rest| {
            let mut degrees: Vec<f64> = (0..DRAWS)
                .map(|index| {
                    let mut photon = emitted(bound, index as u32);
                    let before = photon.direction;
                    interact(bound, &mut photon, 0, rest, 1.0);
                    assert!((dot(photon.direction, photon.direction) - 1.0).abs() < 1e-6);
                    f64::from(dot(before, photon.direction).clamp(-1.0, 1.0)).acos().to_degrees()
                })
                .collect();
            degrees.sort_by(f64::total_cmp);
            [1, 5, 9].map(|tenths| degrees[DRAWS * tenths / 10])
        })
    }

    #[test]
    fn angles_of_single_interactions_are_another_programs() {
        // xraylib 4.3.0, water at 60 keV.
        const WANT: [[f64; 3]; 2] = [[30.55, 83.75, 146.15], [3.1397, 13.872, 46.319]];
        // Four standard errors of quantiles of so many draws, for densities of 0.3 to 1 % for each degree.
        const TOLERANCES: [[f64; 3]; 2] = [[0.5, 0.8, 0.9], [0.1, 0.3, 1.4]];
        let (tables, source) = slab();
        let misses = |got: [[f64; 3]; 2]| {
            let all = got.into_iter().flatten().zip(WANT.into_iter().flatten()).zip(TOLERANCES.into_iter().flatten());
            all.filter(|((got, want), tolerance)| (got - want).abs() > *tolerance).count()
        };
        let got = angles(&tables, &source);
        println!("{got:?}");
        assert_eq!(misses(got), 0, "{got:?}");
        let free = angles(&without_scattering_functions(tables), &source);
        assert!(misses(free) > 0, "the control, free electrons: {free:?}");
    }

    #[test]
    fn energy_absorbed_tells_bound_electrons_from_free_ones() {
        let absorbed = |tables: &Tables, source: &Source| {
            let mut graph = Graph::new();
            let recorded = record(&mut graph, tables, source, None, Histories { seed: 3, first: 0, count: 1_000_000 });
            let output = recorded.result(&mut graph);
            let device = Device::cpu();
            let plan = Plan::new(&graph, device.limits()).unwrap();
            let mut outputs = pollster::block_on(device.run(&plan, &Control::default())).unwrap();
            recorded.tally(outputs.take(output).unwrap()).region_ev(0)
        };
        let (tables, source) = slab();
        let bound = absorbed(&tables, &source);
        let free = absorbed(&without_scattering_functions(tables), &source);
        println!("{bound:?}, {free:?}");
        assert!((bound.mean - free.mean).abs() > 4.0 * (bound.error + free.error), "{bound:?}, {free:?}");
    }

    #[test]
    fn azimuths_are_even_and_directions_stay_of_length_1() {
        for old in [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [0.6, -0.8, 0.0], [0.36, 0.48, -0.8]] {
            let (mut sum, count) = ([0.0_f64; 3], 4096);
            for i in 0..count {
                let new = turned(old, 0.25, (i * (u64::from(u32::MAX) + 1) / count) as u32);
                assert!((dot(new, new) - 1.0).abs() < 4e-7 && (dot(new, old) - 0.25).abs() < 1e-6);
                sum = std::array::from_fn(|axis| sum[axis] + f64::from(new[axis]));
            }
            for axis in 0..3 {
                assert!((sum[axis] / count as f64 - 0.25 * f64::from(old[axis])).abs() < 1e-6, "{old:?}: {sum:?}");
            }
        }
    }
}
