use std::collections::HashMap;

use glam::{DMat3, DVec3};

use super::{Body, BodyError, Nodule};
use crate::{
    data::{Grid, Unit, Volume},
    physics::Material,
};

/// Parts of a voxel that its coverage is counted in.
pub const COVERAGE_STEPS: u8 = 64;
/// Points along each axis of a voxel that decide how much of it is covered: 4³ are the steps of coverage.
const POINTS: usize = 4;
/// The same where an insert is thinner than two voxels.
const FINE_POINTS: usize = 16;

/// Where an insert is, in the world frame and in millimetres.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// A ball, such as a nodule.
    Ball {
        /// Its centre.
        centre_mm: DVec3,
        /// Its diameter.
        diameter_mm: f64,
    },
    /// A flat cylinder.
    Disc {
        /// Its centre.
        centre_mm: DVec3,
        /// The direction of its axis, of any length but 0.
        axis: DVec3,
        /// Its diameter.
        diameter_mm: f64,
        /// Its extent along the axis.
        thickness_mm: f64,
    },
    /// All points near a straight line.
    Wire {
        /// Its one end.
        from_mm: DVec3,
        /// Its other end.
        to_mm: DVec3,
        /// Its diameter.
        diameter_mm: f64,
    },
    /// A rough ball that may fade towards its surface; its coverage of a voxel is the mean of its profile.
    Nodule(Box<Nodule>),
}

impl Form {
    fn check(&self) -> Result<(), BodyError> {
        let (points, lengths) = match *self {
            Self::Ball { centre_mm, diameter_mm } => ([centre_mm, DVec3::X], [diameter_mm, diameter_mm]),
            Self::Disc { centre_mm, axis, diameter_mm, thickness_mm } => {
                ([centre_mm, axis], [diameter_mm, thickness_mm])
            }
            Self::Wire { from_mm, to_mm, diameter_mm } => ([from_mm, to_mm], [diameter_mm, diameter_mm]),
            Self::Nodule(ref nodule) => ([nodule.centre_mm(), DVec3::X], [nodule.diameter_mm(), nodule.diameter_mm()]),
        };
        if let Some(got) = lengths.into_iter().find(|length| !(*length > 0.0 && length.is_finite())) {
            return Err(BodyError::value("a length of an insert", "positive", format!("{got} mm")));
        }
        if let Some(got) = points.into_iter().find(|point| !point.is_finite()) {
            return Err(BodyError::value("a position of an insert", "finite", got.to_string()));
        }
        match self {
            Self::Disc { axis, .. } if axis.try_normalize().is_none() => {
                Err(BodyError::value("the axis of a disc", "longer than 0", axis.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// Share of the insert in all points of a ball about a place, where that is known without asking each.
    fn share_within(&self, middle: DVec3, reach_mm: f64, softness_mm: f64) -> Option<f64> {
        if let Self::Nodule(nodule) = self {
            return nodule.share_within(middle, reach_mm);
        }
        let (distance, reach) = (self.distance_mm(middle), reach_mm + softness_mm / 2.0);
        match distance {
            far if far > reach => Some(0.0),
            deep if deep < -reach => Some(1.0),
            _ => None,
        }
    }

    /// Share of the insert at a point, 0 to 1.
    fn share(&self, point: DVec3, softness_mm: f64) -> f64 {
        match self {
            Self::Nodule(nodule) => nodule.share(point),
            _ if softness_mm > 0.0 => (0.5 - self.distance_mm(point) / softness_mm).clamp(0.0, 1.0),
            _ => f64::from(u8::from(self.distance_mm(point) <= 0.0)),
        }
    }

    /// Distance of a point from the surface, negative inside; of a nodule, from the ball that holds it.
    fn distance_mm(&self, point: DVec3) -> f64 {
        match *self {
            Self::Nodule(ref nodule) => point.distance(nodule.centre_mm()) - nodule.outer_mm(),
            Self::Ball { centre_mm, diameter_mm } => point.distance(centre_mm) - diameter_mm / 2.0,
            Self::Disc { centre_mm, axis, diameter_mm, thickness_mm } => {
                let (from, axis) = (point - centre_mm, axis.normalize());
                let along = from.dot(axis);
                let (out, up) = ((from - along * axis).length() - diameter_mm / 2.0, along.abs() - thickness_mm / 2.0);
                out.max(up).min(0.0) + out.max(0.0).hypot(up.max(0.0))
            }
            Self::Wire { from_mm, to_mm, diameter_mm } => {
                let (along, from) = (to_mm - from_mm, point - from_mm);
                let share = (from.dot(along) / along.length_squared().max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
                (from - share * along).length() - diameter_mm / 2.0
            }
        }
    }

    /// Centre and half-extents along the world's axes of a box around it.
    fn bounds(&self) -> (DVec3, DVec3) {
        match *self {
            Self::Ball { centre_mm, diameter_mm } => (centre_mm, DVec3::splat(diameter_mm / 2.0)),
            Self::Disc { centre_mm, diameter_mm, thickness_mm, .. } => {
                (centre_mm, DVec3::splat(diameter_mm.hypot(thickness_mm) / 2.0))
            }
            Self::Wire { from_mm, to_mm, diameter_mm } => {
                (from_mm.midpoint(to_mm), (to_mm - from_mm).abs() / 2.0 + diameter_mm / 2.0)
            }
            Self::Nodule(ref nodule) => (nodule.centre_mm(), DVec3::splat(nodule.outer_mm())),
        }
    }

    fn thinnest_mm(&self) -> f64 {
        match *self {
            Self::Ball { diameter_mm, .. } | Self::Wire { diameter_mm, .. } => diameter_mm,
            Self::Disc { diameter_mm, thickness_mm, .. } => diameter_mm.min(thickness_mm),
            Self::Nodule(ref nodule) => nodule.diameter_mm(),
        }
    }
}

/// How much of its material an insert has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// This density in g/cm³ in place of what was there.
    Density(f64),
    /// As much more, beside what is there, as adds this CT number at this energy.
    Contrast {
        /// What it adds, in HU, above 0.
        hu: f64,
        /// Effective energy of the CT numbers, in keV.
        energy_kev: f64,
    },
}

/// Something put into a body: a nodule, a disc, a wire.
#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    /// Where it is.
    pub form: Form,
    /// What it is made of.
    pub material: Material,
    /// How much of it there is.
    pub amount: Amount,
    /// Width over which its margin runs from all to nothing, half of it on either side of the surface; 0 for a sharp one, and for nodules,
    /// which have a profile of their own.
    pub softness_mm: f64,
}

/// Which voxels an insert covers, and how far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inclusion {
    /// Places of voxels, ascending, and how much of each is covered: 1 to [`COVERAGE_STEPS`].
    pub voxels: Vec<(usize, u8)>,
}

impl Inclusion {
    /// Coverage of all voxels of the body's grid, 0 to 1.
    #[must_use]
    pub fn coverage(&self, grid: &Grid) -> Volume {
        let mut volume = Volume::zeros(*grid, Unit::Arbitrary);
        for &(at, covered) in &self.voxels {
            volume.values_mut()[at] = f32::from(covered) / f32::from(COVERAGE_STEPS);
        }
        volume
    }
}

/// Number of the inclusion of each voxel, from 1, or 0; `least` is the coverage from which on a voxel belongs to one, and later ones come
/// before earlier.
#[must_use]
pub fn inclusion_numbers(grid: &Grid, inclusions: &[Inclusion], least: u8) -> Volume {
    let mut volume = Volume::zeros(*grid, Unit::Arbitrary);
    for (number, inclusion) in inclusions.iter().enumerate() {
        for (at, _) in inclusion.voxels.iter().filter(|(_, covered)| *covered >= least) {
            volume.values_mut()[*at] = number as f32 + 1.0;
        }
    }
    volume
}

impl Insert {
    /// Puts it into a body. Voxels that it covers in part are mixed by volume,
    ///
    /// ```text
    /// f = (1 − c)·f_body + c·f_insert          density
    /// f = f_body + c·f_insert                  contrast,  f_insert = HU/1000 · µ_water(E)/µ_m(E)
    /// ```
    /// where c is the coverage in 64ths; what its rounding leaves goes to the next voxel, so that thin wires keep their mass.
    ///
    /// # Errors
    /// [`BodyError`] when a number is out of range or the insert lies outside the body's grid.
    pub fn put(&self, body: &mut Body) -> Result<Inclusion, BodyError> {
        self.form.check()?;
        if !(self.softness_mm >= 0.0 && self.softness_mm.is_finite()) {
            return Err(BodyError::value("softness of an insert", "0 or more", format!("{} mm", self.softness_mm)));
        }
        if matches!(self.form, Form::Nodule(_)) && self.softness_mm > 0.0 {
            return Err(BodyError::value("softness of a nodule", "0 mm", format!("{} mm", self.softness_mm)));
        }
        let (fraction, stays) = match self.amount {
            Amount::Density(density) => (density / self.material.density_g_cm3(), 0.0),
            Amount::Contrast { hu, energy_kev } => {
                let water = Material::by_name("water")?.attenuation_per_mm(energy_kev)?;
                (hu / 1000.0 * water / self.material.attenuation_per_mm(energy_kev)?, 1.0)
            }
        };
        if !(fraction > 0.0 && fraction.is_finite()) {
            let got = match self.amount {
                Amount::Density(density) => format!("{density} g/cm³"),
                Amount::Contrast { hu, .. } => format!("{hu} HU"),
            };
            return Err(BodyError::value(
                format!("the amount of {} in an insert", self.material.name()),
                "positive",
                got,
            ));
        }
        let inclusion = self.inclusion(body.grid());
        let (centre, _) = self.form.bounds();
        // What is less than half a step of the coverage of any voxel leaves nothing in large ones.
        let at = body.grid().index_of(centre) + 0.5;
        let is_there = at.cmpge(DVec3::ZERO).all() && at.cmplt(body.grid().size().map(|n| n as f64).into()).all();
        if inclusion.voxels.is_empty() && !is_there {
            return Err(BodyError::value(
                "an insert",
                format!("within {}", body.grid()),
                format!("one about {centre} mm"),
            ));
        }
        let place = body.places_of(std::slice::from_ref(&self.material))[0];
        let width = body.materials().len();
        let mut mixed: HashMap<(u32, u8), u32> = HashMap::new();
        for &(at, covered) in &inclusion.voxels {
            let old = body.voxels()[at];
            let number = *mixed.entry((old, covered)).or_insert_with(|| {
                let share = f64::from(covered) / f64::from(COVERAGE_STEPS);
                let mut row = body.compositions()[old as usize * width..][..width].to_vec();
                row.iter_mut().for_each(|f| *f = (f64::from(*f) * (1.0 - share * (1.0 - stays))) as f32);
                row[place] += (share * fraction) as f32;
                body.add(&row)
            });
            body.voxels_mut()[at] = number;
        }
        Ok(inclusion)
    }

    /// Which voxels of a grid it covers, and how far.
    pub(crate) fn inclusion(&self, grid: &Grid) -> Inclusion {
        let spacing = grid.spacing_mm();
        let margin = self.softness_mm / 2.0;
        let (centre, half) = self.form.bounds();
        let turn = grid.orientation().transpose();
        let turn = DMat3::from_cols(turn.x_axis.abs(), turn.y_axis.abs(), turn.z_axis.abs());
        let (middle, half) = (grid.index_of(centre), turn * (half + margin) / spacing + 0.5);
        let [xs, ys, zs] = [0, 1, 2].map(|axis| {
            let last = grid.size()[axis] as f64;
            let end = |at: f64| at.clamp(0.0, last) as usize;
            end((middle[axis] - half[axis]).ceil())..end((middle[axis] + half[axis]).floor() + 1.0)
        });
        let points = if self.form.thinnest_mm() < 2.0 * spacing.max_element() { FINE_POINTS } else { POINTS };
        let offset = |i: usize| (i as f64 + 0.5) / points as f64 - 0.5;
        // No point of a voxel is farther from its centre.
        let reach = spacing.length() / 2.0;
        let covered = |point: DVec3| self.form.share(point, self.softness_mm);
        let [nx, ny, _] = grid.size();
        let (mut voxels, mut rest) = (Vec::new(), 0.0);
        for z in zs {
            for y in ys.clone() {
                for x in xs.clone() {
                    let voxel = DVec3::new(x as f64, y as f64, z as f64);
                    let exact = match self.form.share_within(grid.world_mm(voxel), reach, self.softness_mm) {
                        Some(share) => share,
                        None => {
                            let point = |i: usize| {
                                let step = [i % points, i / points % points, i / points / points].map(offset);
                                grid.world_mm(voxel + DVec3::from_array(step))
                            };
                            (0..points.pow(3)).map(|i| covered(point(i))).sum::<f64>() / points.pow(3) as f64
                        }
                    };
                    if exact > 0.0 {
                        let steps = exact * f64::from(COVERAGE_STEPS) + rest;
                        let whole = steps.round().clamp(0.0, f64::from(COVERAGE_STEPS));
                        rest = steps - whole;
                        if whole > 0.0 {
                            voxels.push(((z * ny + y) * nx + x, whole as u8));
                        }
                    }
                }
            }
        }
        Inclusion { voxels }
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use glam::DQuat;

    use super::*;

    fn material(name: &str) -> Material {
        Material::by_name(name).unwrap()
    }

    /// A box of lung of 0.26 g/cm³ on a turned grid.
    fn lung() -> Body {
        let turn = DMat3::from_quat(DQuat::from_axis_angle(DVec3::new(1.0, 2.0, -1.0).normalize(), 0.4));
        let grid = Grid::new([60, 50, 40], [0.8, 1.0, 1.3], [5.0, -3.0, 2.0], turn).unwrap();
        Body::new(grid, vec![material("lung")], vec![0.0, 1.0], vec![1; grid.voxel_count()]).unwrap()
    }

    fn insert(form: Form, softness_mm: f64) -> Insert {
        Insert { form, material: material("muscle"), amount: Amount::Density(1.05), softness_mm }
    }

    #[test]
    fn inserts_have_their_volume_and_take_the_place_of_what_was_there() {
        let body = lung();
        let centre_mm = body.grid().centre_mm() + DVec3::new(0.3, -0.2, 0.1);
        let axis = DVec3::new(1.0, 1.0, 0.5);
        let ends = [-1.0, 1.0].map(|side| centre_mm + side * 9.0 * axis.normalize());
        for (form, softness, want, tolerance) in [
            (Form::Ball { centre_mm, diameter_mm: 12.0 }, 0.0, PI / 6.0 * 12.0_f64.powi(3), 0.01),
            // A soft margin adds (s/d)² of the volume.
            (Form::Ball { centre_mm, diameter_mm: 12.0 }, 3.0, PI / 6.0 * 12.0_f64.powi(3) * (1.0 + 9.0 / 144.0), 0.01),
            (Form::Disc { centre_mm, axis, diameter_mm: 14.0, thickness_mm: 3.0 }, 0.0, PI / 4.0 * 196.0 * 3.0, 0.01),
            (
                Form::Wire { from_mm: ends[0], to_mm: ends[1], diameter_mm: 0.2 },
                0.0,
                PI * 0.01 * (18.0 + 4.0 / 3.0 * 0.1),
                0.1,
            ),
        ] {
            let mut body = body.clone();
            let [lung_before] = body.mass_g()[..] else { panic!("lung alone") };
            let inclusion = insert(form.clone(), softness).put(&mut body).unwrap();
            let [lung, muscle] = body.mass_g()[..] else { panic!("lung and muscle") };
            assert!((muscle / (1.05e-3 * want) - 1.0).abs() < tolerance, "{form:?}: {muscle} g");
            let gone = (lung_before - lung) / 0.26e-3;
            assert!((gone / want - 1.0).abs() < tolerance, "{form:?}: {gone} mm³");
            let coverage = inclusion.coverage(body.grid());
            let sum: f64 = coverage.values().iter().map(|&c| f64::from(c)).sum();
            assert!((sum * body.grid().spacing_mm().element_product() / want - 1.0).abs() < tolerance);
            assert!(inclusion.voxels.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }

    #[test]
    fn contrast_adds_its_ct_number_to_what_is_there() {
        let mut body = lung();
        let form = Form::Ball { centre_mm: body.grid().centre_mm(), diameter_mm: 10.0 };
        let before = body.attenuation_volume(65.0).unwrap();
        let amount = Amount::Contrast { hu: 150.0, energy_kev: 65.0 };
        let inclusion = Insert { amount, ..insert(form, 0.0) }.put(&mut body).unwrap();
        let after = body.attenuation_volume(65.0).unwrap();
        let water = material("water").attenuation_per_mm(65.0).unwrap();
        let coverage = inclusion.coverage(body.grid());
        for ((before, after), c) in before.values().iter().zip(after.values()).zip(coverage.values()) {
            let hu = 1000.0 * f64::from(after - before) / water;
            assert!((hu - 150.0 * f64::from(*c)).abs() < 0.01, "{hu} HU at {c}");
        }
        let numbers = inclusion_numbers(body.grid(), &[Inclusion::default(), inclusion.clone()], COVERAGE_STEPS / 2);
        let count = numbers.values().iter().filter(|&&number| number == 2.0).count();
        assert!(count > 0 && count < inclusion.voxels.len());
    }

    #[test]
    fn inserts_that_cannot_be_are_refused_in_one_line() {
        let mut body = lung();
        let centre_mm = body.grid().centre_mm();
        let ball = |diameter_mm| Form::Ball { centre_mm, diameter_mm };
        let mut refused = |insert: Insert| insert.put(&mut body).unwrap_err().to_string();
        assert_eq!(refused(insert(ball(0.0), 0.0)), "a length of an insert must be positive, got 0 mm");
        assert_eq!(refused(insert(ball(5.0), -1.0)), "softness of an insert must be 0 or more, got -1 mm");
        let amount = Amount::Density(-1.0);
        let message = refused(Insert { amount, ..insert(ball(5.0), 0.0) });
        assert_eq!(message, "the amount of muscle in an insert must be positive, got -1 g/cm³");
        let amount = Amount::Contrast { hu: -100.0, energy_kev: 70.0 };
        assert!(refused(Insert { amount, ..insert(ball(5.0), 0.0) }).ends_with("got -100 HU"));
        let far = Form::Ball { centre_mm: DVec3::splat(1e4), diameter_mm: 5.0 };
        assert!(refused(insert(far, 0.0)).starts_with("an insert must be within 60x50x40@"));
        let flat = Form::Disc { centre_mm, axis: DVec3::ZERO, diameter_mm: 5.0, thickness_mm: 1.0 };
        assert!(refused(insert(flat, 0.0)).starts_with("the axis of a disc must be longer than 0"));
    }
}
