use std::f64::consts::PI;

use glam::DVec3;

use super::{Body, BodyError};
use crate::phantom::random::Random;

/// Room between a place that is drawn and the edge of its region, in millimetres.
const CLEARANCE_MM: f64 = 3.0;
/// Share of the ball about a place that must lie in the region: the rest is vessels.
const SHARE_IN_REGION: f64 = 0.9;
/// Places that are tried before there is none.
const TRIES: usize = 200_000;
/// Label of the stream that places are drawn from.
const PLACES: u64 = 3;

/// Centres for so many balls, drawn from a seed, where nearly all around them has a density within the range, in g/cm³: 0.05 to 0.6 is
/// lung, whatever the CT's scale. The balls keep clear of each other and of the region's edge.
///
/// # Errors
/// [`BodyError`] when a number is out of range, or there is no place for one of them.
pub fn seeded_places(
    body: &Body,
    density_g_cm3: [f64; 2],
    diameters_mm: &[f64],
    seed: u64,
) -> Result<Vec<DVec3>, BodyError> {
    let mut random = Random::of(seed, &[PLACES]);
    let clearance = Clearance { edge_mm: CLEARANCE_MM, between_mm: CLEARANCE_MM, own_share: 0.0 };
    let mut places = Places::new(body, density_g_cm3, clearance);
    for &diameter_mm in diameters_mm {
        if !(diameter_mm > 0.0 && diameter_mm.is_finite()) {
            return Err(BodyError::value("a length of an insert", "positive", format!("{diameter_mm} mm")));
        }
        places.draw(diameter_mm / 2.0, &mut random)?;
    }
    Ok(places.taken.into_iter().map(|(centre, _)| centre).collect())
}

/// What balls keep clear of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clearance {
    /// Distance around a ball of which nearly all lies in the region, too, in millimetres.
    pub(crate) edge_mm: f64,
    /// Distance of the surfaces of balls, in millimetres.
    pub(crate) between_mm: f64,
    /// Share of a ball itself that lies in the region at least; 0 where that of its surroundings is enough.
    pub(crate) own_share: f64,
}

/// Places for balls in the tissue of a density, one after another.
pub(crate) struct Places<'a> {
    body: &'a Body,
    density_g_cm3: [f64; 2],
    /// Whether a composition is of that density.
    is_in: Vec<bool>,
    /// Voxels of that density.
    voxels: usize,
    clearance: Clearance,
    /// Centres and radii.
    taken: Vec<(DVec3, f64)>,
}

impl<'a> Places<'a> {
    /// None is taken.
    pub(crate) fn new(body: &'a Body, density_g_cm3: [f64; 2], clearance: Clearance) -> Self {
        let [low, high] = density_g_cm3;
        let is_in: Vec<bool> = body.densities_g_cm3().iter().map(|density| (low..=high).contains(density)).collect();
        let voxels = body.voxels().iter().filter(|composition| is_in[**composition as usize]).count();
        Self { body, density_g_cm3, is_in, voxels, clearance, taken: Vec::new() }
    }

    /// A place for a ball where nearly all of it and of what is around it lies in the region.
    pub(crate) fn draw(&mut self, radius: f64, random: &mut Random) -> Result<DVec3, BodyError> {
        let tries = self.tries(radius);
        let found = (0..tries).map(|_| self.anywhere(random)).find(|centre| self.is_free(*centre, radius));
        self.take(found, radius)
    }

    /// A place for a ball that touches what is not of the region: from a place where a ball of `radius` does not, along a straight line,
    /// until `share` of a ball of `core` lies beyond.
    pub(crate) fn draw_touching(
        &mut self,
        [core, radius]: [f64; 2],
        share: f64,
        random: &mut Random,
    ) -> Result<DVec3, BodyError> {
        let spacing = self.body.grid().spacing_mm();
        let step_mm = spacing.min_element() / 2.0;
        // In a smaller ball than a voxel there would be no other voxel.
        let core = core.max(spacing.max_element());
        let way = |random: &mut Random| {
            let start = Some(self.anywhere(random)).filter(|centre| self.is_free(*centre, radius));
            (start, random.direction())
        };
        let touches = |(start, direction): (Option<DVec3>, DVec3)| {
            let on_the_way = (1..).map(|k| start.map(|start| start + f64::from(k) * step_mm * direction));
            let within = on_the_way.map_while(|at| at.filter(|at| self.holds(self.body.grid().index_of(*at))));
            // The first place that touches, and no farther one.
            let mut first = within.filter(|at| self.share_inside(*at, core, 0.0) <= 1.0 - share);
            first.next().filter(|at| self.is_apart(*at, radius))
        };
        let found = (0..self.tries(radius)).map(|_| way(random)).find_map(touches);
        self.take(found, radius)
    }

    /// Places to try for a ball; none where it and its surroundings take more voxels than the region has.
    fn tries(&self, radius: f64) -> usize {
        let spacing = self.body.grid().spacing_mm();
        // Each point of a ball that is smaller by half a diagonal lies in a voxel whose centre is within the radius.
        let inner = (radius + self.clearance.edge_mm - spacing.length() / 2.0).max(0.0);
        let least = SHARE_IN_REGION * 4.0 / 3.0 * PI * inner.powi(3) / spacing.element_product();
        if least > self.voxels as f64 { 0 } else { TRIES }
    }

    fn take(&mut self, found: Option<DVec3>, radius: f64) -> Result<DVec3, BodyError> {
        let (insert, density_g_cm3) = (self.taken.len() + 1, self.density_g_cm3);
        let place = found.ok_or(BodyError::NoPlace { insert, diameter_mm: 2.0 * radius, density_g_cm3 })?;
        self.taken.push((place, radius));
        Ok(place)
    }

    fn anywhere(&self, random: &mut Random) -> DVec3 {
        let grid = self.body.grid();
        let at = grid.size().map(|n| random.within(-0.5, n as f64 - 0.5));
        grid.world_mm(DVec3::from_array(at))
    }

    fn is_apart(&self, centre: DVec3, radius: f64) -> bool {
        self.taken.iter().all(|(other, of)| centre.distance(*other) > radius + of + self.clearance.between_mm)
    }

    fn is_free(&self, centre: DVec3, radius: f64) -> bool {
        let Clearance { edge_mm, own_share, .. } = self.clearance;
        let has = |radius, share| self.share_inside(centre, radius, share) >= share;
        self.is_apart(centre, radius) && has(radius, own_share) && has(radius + edge_mm, SHARE_IN_REGION)
    }

    /// Whether the voxel at a place of the grid is of the density.
    fn holds(&self, at: DVec3) -> bool {
        let [nx, ny, nz] = self.body.grid().size();
        let [x, y, z] = at.round().as_i64vec3().to_array();
        let is_voxel = (0..nx as i64).contains(&x) && (0..ny as i64).contains(&y) && (0..nz as i64).contains(&z);
        is_voxel && self.is_in[self.body.voxels()[(z as usize * ny + y as usize) * nx + x as usize] as usize]
    }

    /// Share of the voxels within a radius of a point that are of the density; 0 where its own is not, or as soon as it is below `least`.
    fn share_inside(&self, centre: DVec3, radius: f64, least: f64) -> f64 {
        let grid = self.body.grid();
        let middle = grid.index_of(centre);
        if !self.holds(middle) {
            return 0.0;
        }
        let spacing = grid.spacing_mm();
        let half = (DVec3::splat(radius) / spacing).ceil().as_i64vec3();
        // No ball of this radius has more voxels.
        let most = 4.0 / 3.0 * PI * (radius + spacing.length()).powi(3) / spacing.element_product();
        let (mut inside, mut all) = (0_usize, 0_usize);
        for k in -half.z..=half.z {
            for j in -half.y..=half.y {
                for i in -half.x..=half.x {
                    let step = DVec3::new(i as f64, j as f64, k as f64);
                    if (step * spacing).length() <= radius {
                        all += 1;
                        inside += usize::from(self.holds(middle + step));
                    }
                }
                if (all - inside) as f64 > (1.0 - least) * most {
                    return 0.0;
                }
            }
        }
        inside as f64 / all as f64
    }
}

#[cfg(test)]
mod tests {
    use glam::{DMat3, DQuat};
    use proptest::prelude::*;

    use super::*;
    use crate::{
        body::{Amount, Form, Insert},
        data::Grid,
        physics::Material,
    };

    /// A box of lung of 0.26 g/cm³ on a turned grid, with a wall of muscle through its middle, 4 mm thick.
    fn lung() -> (Body, Vec<usize>) {
        let turn = DMat3::from_quat(DQuat::from_axis_angle(DVec3::new(1.0, 2.0, -1.0).normalize(), 0.4));
        let grid = Grid::new([60, 50, 40], [0.8, 1.0, 1.3], [5.0, -3.0, 2.0], turn).unwrap();
        let lung = Material::by_name("lung").unwrap();
        let mut body = Body::new(grid, vec![lung], vec![0.0, 1.0], vec![1; grid.voxel_count()]).unwrap();
        let (centre_mm, axis) = (grid.centre_mm(), DVec3::X);
        let wall = Form::Disc { centre_mm, axis, diameter_mm: 200.0, thickness_mm: 4.0 };
        let wall = insert(wall).put(&mut body).unwrap().voxels.into_iter().map(|(at, _)| at).collect();
        (body, wall)
    }

    fn insert(form: Form) -> Insert {
        let material = Material::by_name("muscle").unwrap();
        Insert { form, material, amount: Amount::Density(1.05), softness_mm: 0.0 }
    }

    /// Share of a ball's voxels that are among others.
    fn share_among(others: &[usize], body: &Body, centre_mm: DVec3, diameter_mm: f64) -> f64 {
        let ball = insert(Form::Ball { centre_mm, diameter_mm }).put(&mut body.clone()).unwrap();
        let hits = ball.voxels.iter().filter(|(at, _)| others.binary_search(at).is_ok()).count();
        hits as f64 / ball.voxels.len() as f64
    }

    #[test]
    fn balls_larger_than_their_region_are_refused_without_a_try() {
        // 48 × 50 × 52 mm less the wall hold a ball of 124,800 mm³ at most.
        let body = lung().0;
        let clearance = Clearance { edge_mm: 0.0, between_mm: 0.0, own_share: 0.0 };
        let places = Places::new(&body, [0.05, 0.6], clearance);
        assert_eq!((places.tries(20.0), places.tries(60.0)), (TRIES, 0));
        let message = seeded_places(&body, [0.05, 0.6], &[500.0], 1).unwrap_err().to_string();
        assert_eq!(message, "no place for insert 1 of 500 mm in tissue of 0.05 to 0.6 g/cm³");
    }

    #[test]
    fn there_is_no_place_in_tissue_that_is_not_there() {
        let message = seeded_places(&lung().0, [0.9, 1.0], &[5.0], 1).unwrap_err().to_string();
        assert_eq!(message, "no place for insert 1 of 5 mm in tissue of 0.9 to 1 g/cm³");
        let message = seeded_places(&lung().0, [0.05, 0.6], &[-1.0], 1).unwrap_err().to_string();
        assert_eq!(message, "a length of an insert must be positive, got -1 mm");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn drawn_places_lie_in_their_region_and_apart(seed in any::<u64>()) {
            let (body, wall) = lung();
            let diameters = [6.0, 4.0, 5.0];
            let places = seeded_places(&body, [0.05, 0.6], &diameters, seed).unwrap();
            prop_assert_eq!(&places, &seeded_places(&body, [0.05, 0.6], &diameters, seed).unwrap());
            for (i, (a, d)) in places.iter().zip(diameters).enumerate() {
                prop_assert!(places[..i].iter().zip(diameters).all(|(b, other)| a.distance(*b) > (d + other) / 2.0));
                let share = share_among(&wall, &body, *a, d);
                prop_assert!(share < 0.2, "{}", share);
            }
        }

        #[test]
        fn places_that_touch_reach_into_what_is_beyond(seed in any::<u64>()) {
            let (body, _) = lung();
            let mut random = Random::new(seed);
            let clearance = Clearance { edge_mm: 2.0, between_mm: 1.0, own_share: 1.0 };
            let mut places = Places::new(&body, [0.05, 0.6], clearance);
            let grid = body.grid();
            for radius in [4.0, 3.0] {
                let at = places.draw_touching([radius, radius], 0.1, &mut random).unwrap();
                let share = places.share_inside(at, radius, 0.0);
                // In one step all voxels of the ball may pass a boundary at once, along each axis. Where a tenth of a ball of 3 mm lay
                // beyond three planes together, layers of 0.8, 1 and 1.3 mm more make it caps of 0.15, 0.19 and 0.25.
                prop_assert!((0.4..=0.9).contains(&share), "{} of {} about {}", share, grid, at);
            }
            let [(a, _), (b, _)] = places.taken[..] else { panic!("two places") };
            prop_assert!(a.distance(b) > 8.0);
        }
    }
}
