//! Nodules of the lung: rough balls, with or without spicules, whose density falls off towards their surface.

use std::f64::consts::{PI, SQRT_2, TAU};

use glam::DVec3;

use super::BodyError;
use crate::phantom::random::Random;

/// Orders of the spherical harmonics of a surface. Order 1 moves a shape and changes nothing else as long as it is small.
const ORDERS: [usize; 2] = [2, 8];
/// Variances of the orders fall with this power: lobes, and few corners.
const POWER: i32 = 3;
/// Numbers of directions at which a volume is taken: heights, and angles for each.
const QUADRATURE: [usize; 2] = [24, 48];
/// Length of a spicule beyond the surface, over the radius of the ball of the same volume.
const SPICULE_LENGTH: [f64; 2] = [0.3, 1.0];
/// Radius of a spicule at the surface, over the same.
const SPICULE_RADIUS: [f64; 2] = [0.08, 0.16];
/// Largest standard deviation of the logarithm of the radius: beyond, shapes fall to pieces.
pub const MOST_ROUGHNESS: f64 = 0.5;
/// Most spicules.
pub const MOST_SPICULES: usize = 100;
/// Largest power of the fall-off.
pub const MOST_FALLOFF: f64 = 10.0;

/// What a nodule looks like, before anything is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoduleLook {
    /// Diameter of the ball of the same volume, spicules left aside, in millimetres.
    pub diameter_mm: f64,
    /// Standard deviation of the logarithm of its radius over the directions; 0 for a ball.
    pub roughness: f64,
    /// Number of its spicules.
    pub spicules: usize,
    /// The power n of its fall-off: 0 for the same density throughout, 1.5 for ground glass.
    pub falloff: f64,
}

/// A nodule: a Gaussian random sphere with spicules.
///
/// ```text
/// r(u) = r₀·exp(Σ a_lm·Y_lm(u))         l = 2 … 8,   var a_lm = 4π·C_l/(2l + 1),   C_l ∝ l⁻³,   Σ C_l = roughness²
/// C(x) = (1 − ρ²)ⁿ                      ρ = |x − c|/r(u)
/// ```
/// where u is the direction from the centre c, and Y_lm are real and orthonormal. r₀ is such that the volume ∫ r³/3 dΩ is that of the
/// ball of the diameter. C is the share of the nodule's amount that there is at a place: its mean over the nodule is 1 for n = 0 and
/// 3π/32 for n = 1.5. Spicules are cones about rays from the centre, which begin at its surface, are as dense as its middle, and do not
/// count for volume and diameter.
///
/// Gaussian random spheres: K. Muinonen et al., J. Quant. Spectrosc. Radiat. Transf. 55:577 (1996); as lesions with spicules: L. de
/// Sisternes et al., Med. Phys. 42:1098 (2015). The fall-off is the form of J. Solomon and E. Samei, Phys. Med. Biol. 59:6637 (2014).
#[derive(Clone, Debug, PartialEq)]
pub struct Nodule {
    centre_mm: DVec3,
    diameter_mm: f64,
    falloff: f64,
    /// r₀.
    radius_mm: f64,
    /// a_lm, by l and then by m = −l … l.
    modes: Vec<f64>,
    spicules: Vec<Spicule>,
    /// Bounds of the radius, without spicules.
    bounds_mm: [f64; 2],
    /// The largest radius of those that its volume is taken from.
    widest_mm: f64,
}

/// A cone.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spicule {
    direction: DVec3,
    /// Distance of its tip from the centre.
    tip_mm: f64,
    /// Its length from the surface to the tip.
    length_mm: f64,
    /// Its radius at the surface.
    radius_mm: f64,
}

impl Nodule {
    /// A nodule of this look, drawn from a seed.
    ///
    /// # Errors
    /// [`BodyError`] when a number is out of range.
    pub fn new(centre_mm: DVec3, look: &NoduleLook, seed: u64) -> Result<Self, BodyError> {
        let NoduleLook { diameter_mm, roughness, spicules, falloff } = *look;
        if !(diameter_mm > 0.0 && diameter_mm.is_finite()) {
            return Err(BodyError::value("the diameter of a nodule", "positive", format!("{diameter_mm} mm")));
        }
        let ranges = [
            ("the roughness of a nodule", roughness, MOST_ROUGHNESS),
            ("the number of a nodule's spicules", spicules as f64, MOST_SPICULES as f64),
            ("the fall-off of a nodule", falloff, MOST_FALLOFF),
        ];
        if let Some((what, got, most)) = ranges.into_iter().find(|(_, got, most)| !(0.0..=*most).contains(got)) {
            return Err(BodyError::value(what, format!("0 to {most}"), got.to_string()));
        }
        let mut random = Random::new(seed);
        let modes = modes(roughness, &mut random);
        let mut nodule = Self {
            centre_mm,
            diameter_mm,
            falloff,
            radius_mm: 1.0,
            bounds_mm: [1.0; 2],
            widest_mm: 1.0,
            modes,
            spicules: Vec::new(),
        };
        let (volume, widest) = nodule.measures();
        nodule.radius_mm = diameter_mm / (6.0 * volume / PI).cbrt();
        nodule.widest_mm = nodule.radius_mm * widest;
        let most = nodule.most_mode().exp();
        nodule.bounds_mm = [nodule.radius_mm / most, nodule.radius_mm * most];
        nodule.spicules = (0..spicules).map(|_| nodule.spicule(&mut random)).collect();
        Ok(nodule)
    }

    fn spicule(&self, random: &mut Random) -> Spicule {
        let direction = random.direction();
        let [length, radius] =
            [SPICULE_LENGTH, SPICULE_RADIUS].map(|[low, high]| random.within(low, high) * self.diameter_mm / 2.0);
        let tip_mm = self.surface_mm(direction) + length;
        Spicule { direction, tip_mm, length_mm: length, radius_mm: radius }
    }

    /// Where it is, in millimetres.
    #[must_use]
    pub fn centre_mm(&self) -> DVec3 {
        self.centre_mm
    }

    /// Diameter of the ball of the same volume, spicules left aside, in millimetres.
    #[must_use]
    pub fn diameter_mm(&self) -> f64 {
        self.diameter_mm
    }

    /// The same with all its density up to its surface.
    pub(crate) fn filled(&self) -> Self {
        Self { falloff: 0.0, ..self.clone() }
    }

    /// The same elsewhere.
    pub(crate) fn at(self, centre_mm: DVec3) -> Self {
        Self { centre_mm, ..self }
    }

    /// Its largest radius, spicules left aside.
    pub(crate) fn widest_mm(&self) -> f64 {
        self.widest_mm
    }

    /// A distance from its centre within which all of it lies.
    pub(super) fn outer_mm(&self) -> f64 {
        self.spicules.iter().map(|spicule| spicule.tip_mm.max(spicule.radius_mm)).fold(self.bounds_mm[1], f64::max)
    }

    /// Share of its amount in all points of a ball about a place, where that is known without asking each.
    pub(super) fn share_within(&self, middle: DVec3, reach_mm: f64) -> Option<f64> {
        let distance = middle.distance(self.centre_mm);
        if distance - reach_mm > self.outer_mm() {
            return Some(0.0);
        }
        (self.falloff == 0.0 && distance + reach_mm < self.bounds_mm[0]).then_some(1.0)
    }

    /// Share of its amount at a point: C.
    pub(super) fn share(&self, point: DVec3) -> f64 {
        let from = point - self.centre_mm;
        let square = from.length_squared();
        if square > self.bounds_mm[1].powi(2) {
            return f64::from(u8::from(self.spicules.iter().any(|spicule| spicule.holds(from))));
        }
        let Some(direction) = from.try_normalize() else { return 1.0 };
        let rho_square = square / self.surface_mm(direction).powi(2);
        if rho_square <= 1.0 {
            return (1.0 - rho_square).powf(self.falloff);
        }
        f64::from(u8::from(self.spicules.iter().any(|spicule| spicule.holds(from))))
    }

    /// The radius in a direction.
    fn surface_mm(&self, direction: DVec3) -> f64 {
        self.radius_mm * self.log_radius(direction).exp()
    }

    /// Σ a_lm·Y_lm, with Y_lm = √2·P_lm(z)·(Re, Im)(x + iy)^m, by the recurrences of the normalised P_lm over l.
    fn log_radius(&self, u: DVec3) -> f64 {
        let [_, last] = ORDERS;
        let (mut sum, mut diagonal) = (0.0, (1.0 / (4.0 * PI)).sqrt());
        let (mut re, mut im) = (1.0, 0.0);
        for m in 0..=last {
            let m_square = (m * m) as f64;
            let (mut before, mut now) = (0.0, diagonal);
            for l in m..=last {
                if l > m {
                    let l_square = (l * l) as f64;
                    let below = ((l - 1) * (l - 1)) as f64;
                    let scale = ((4.0 * l_square - 1.0) / (l_square - m_square)).sqrt();
                    let next = scale * (u.z * now - ((below - m_square) / (4.0 * below - 1.0)).sqrt() * before);
                    (before, now) = (now, next);
                }
                if l >= ORDERS[0] {
                    let middle = middle_of(l);
                    sum += match m {
                        0 => self.modes[middle] * now,
                        _ => SQRT_2 * now * (self.modes[middle + m] * re + self.modes[middle - m] * im),
                    };
                }
            }
            (re, im) = (re * u.x - im * u.y, re * u.y + im * u.x);
            diagonal *= ((2 * m + 3) as f64 / (2 * m + 2) as f64).sqrt();
        }
        sum
    }

    /// A bound of |Σ a_lm·Y_lm| over all directions: Σ_m Y_lm² is (2l + 1)/4π in each.
    fn most_mode(&self) -> f64 {
        let of_order = |l: usize| {
            let middle = middle_of(l);
            let squares: f64 = self.modes[middle - l..=middle + l].iter().map(|a| a * a).sum();
            (squares * (2 * l + 1) as f64 / (4.0 * PI)).sqrt()
        };
        (ORDERS[0]..=ORDERS[1]).map(of_order).sum()
    }

    /// Volume ∫ r³/3 dΩ, by Gauss' quadrature over heights and even angles, and the largest radius met.
    fn measures(&self) -> (f64, f64) {
        let [heights, angles] = QUADRATURE;
        let (mut volume, mut widest) = (0.0, 0.0_f64);
        for (z, weight) in gauss(heights) {
            let across = (1.0 - z * z).sqrt();
            for k in 0..angles {
                let (sin, cos) = (TAU * k as f64 / angles as f64).sin_cos();
                let radius = self.surface_mm(DVec3::new(across * cos, across * sin, z));
                volume += weight * TAU / angles as f64 * radius.powi(3) / 3.0;
                widest = widest.max(radius);
            }
        }
        (volume, widest)
    }
}

impl Spicule {
    fn holds(&self, from: DVec3) -> bool {
        let along = from.dot(self.direction);
        // From the centre to the surface it is as wide as there, so that no gap is left above a surface that falls away.
        let width = self.radius_mm * ((self.tip_mm - along) / self.length_mm).min(1.0);
        along >= 0.0 && along <= self.tip_mm && from.length_squared() - along * along <= width * width
    }
}

/// Place of a_l0 among the modes.
fn middle_of(l: usize) -> usize {
    l * (l + 1) - ORDERS[0] * ORDERS[0]
}

fn modes(roughness: f64, random: &mut Random) -> Vec<f64> {
    let orders = || ORDERS[0]..=ORDERS[1];
    let weight = |l: usize| (l as f64).powi(-POWER);
    let all: f64 = orders().map(weight).sum();
    let deviation = |l: usize| roughness * (4.0 * PI * weight(l) / all / (2 * l + 1) as f64).sqrt();
    orders().flat_map(|l| std::iter::repeat_n(deviation(l), 2 * l + 1)).map(|sigma| sigma * normal(random)).collect()
}

/// A normal number, by Box and Muller.
fn normal(random: &mut Random) -> f64 {
    let (radius, angle) = (random.within(0.0, 1.0), random.within(0.0, TAU));
    (-2.0 * (1.0 - radius).ln()).sqrt() * angle.cos()
}

/// Nodes of Gauss and Legendre on −1 to 1, and their weights, by Newton's steps.
fn gauss(count: usize) -> impl Iterator<Item = (f64, f64)> {
    /// From the start below, three steps leave rounding alone.
    const STEPS: usize = 6;
    (0..count).map(move |i| {
        let mut z = (PI * (i as f64 + 0.75) / (count as f64 + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..STEPS {
            let (mut before, mut now) = (1.0, z);
            for l in 2..=count {
                let l = l as f64;
                (before, now) = (now, ((2.0 * l - 1.0) * z * now - (l - 1.0) * before) / l);
            }
            slope = count as f64 * (z * now - before) / (z * z - 1.0);
            z -= now / slope;
        }
        (z, 2.0 / ((1.0 - z * z) * slope * slope))
    })
}

#[cfg(test)]
mod tests {
    use glam::DMat3;

    use super::*;
    use crate::{
        body::{Amount, Body, COVERAGE_STEPS, Form, Inclusion, Insert},
        data::Grid,
        physics::Material,
    };

    const LOOK: NoduleLook = NoduleLook { diameter_mm: 12.0, roughness: 0.25, spicules: 0, falloff: 0.0 };

    fn inclusion(form: Form, spacing_mm: f64) -> Inclusion {
        let size = (26.0 / spacing_mm) as usize;
        let grid = Grid::new([size; 3], [spacing_mm; 3], [-12.9; 3], DMat3::IDENTITY).unwrap();
        let material = Material::by_name("muscle").unwrap();
        let mut body = Body::new(grid, vec![material.clone()], vec![0.0], vec![0; grid.voxel_count()]).unwrap();
        Insert { form, material, amount: Amount::Density(1.05), softness_mm: 0.0 }.put(&mut body).unwrap()
    }

    fn amount_mm3(nodule: &Nodule, spacing_mm: f64) -> f64 {
        let of = inclusion(Form::Nodule(Box::new(nodule.clone())), spacing_mm);
        of.voxels.iter().map(|(_, covered)| f64::from(*covered)).sum::<f64>() / f64::from(COVERAGE_STEPS)
            * spacing_mm.powi(3)
    }

    #[test]
    fn a_nodule_has_the_volume_of_the_ball_of_its_diameter() {
        let ball = PI / 6.0 * 12.0_f64.powi(3);
        for seed in 0..6 {
            let nodule = Nodule::new(DVec3::new(0.1, -0.2, 0.3), &LOOK, seed).unwrap();
            let got = amount_mm3(&nodule, 0.5);
            assert!((got / ball - 1.0).abs() < 0.01, "seed {seed}: {got} mm³ instead of {ball}");
            // A control: without the scale, shapes of this roughness are larger than r₀ says.
            let bare = nodule.radius_mm * 2.0;
            assert!(PI / 6.0 * bare.powi(3) < 0.98 * got, "seed {seed}: r₀ = {} mm", nodule.radius_mm);
        }
    }

    #[test]
    fn without_roughness_it_is_a_ball() {
        let centre_mm = DVec3::new(0.13, -0.21, 0.37);
        let nodule = |look: NoduleLook| Form::Nodule(Box::new(Nodule::new(centre_mm, &look, 1).unwrap()));
        for (diameter_mm, spacing_mm) in [(12.0, 1.3), (3.0, 2.0)] {
            let look = NoduleLook { diameter_mm, roughness: 0.0, ..LOOK };
            let ball = inclusion(Form::Ball { centre_mm, diameter_mm }, spacing_mm);
            assert_eq!(inclusion(nodule(look), spacing_mm), ball);
            assert_ne!(inclusion(nodule(NoduleLook { roughness: 0.1, ..look }), spacing_mm), ball);
        }
    }

    #[test]
    fn ground_glass_fades_as_its_closed_form() {
        let nodule = Nodule::new(DVec3::ZERO, &NoduleLook { falloff: 1.5, ..LOOK }, 3).unwrap();
        let (faded, whole) = (amount_mm3(&nodule, 0.5), amount_mm3(&nodule.filled(), 0.5));
        assert!((faded / whole / (3.0 * PI / 32.0) - 1.0).abs() < 0.01, "{faded} of {whole} mm³");
        assert_eq!(nodule.share(DVec3::ZERO), 1.0);
    }

    #[test]
    fn surfaces_are_as_rough_as_they_should_be_and_within_their_bounds() {
        let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
        for seed in 0..300 {
            let nodule = Nodule::new(DVec3::ZERO, &LOOK, seed).unwrap();
            let mut random = Random::new(seed + 1000);
            for _ in 0..40 {
                let direction = random.direction();
                let log = nodule.log_radius(direction);
                (sum, squares, count) = (sum + log, squares + log * log, count + 1.0);
                let radius = nodule.surface_mm(direction);
                assert!(radius >= nodule.bounds_mm[0] && radius <= nodule.bounds_mm[1]);
                assert_eq!(nodule.share(0.999 * radius * direction), 1.0);
                assert_eq!(nodule.share(1.001 * radius * direction), 0.0);
            }
        }
        let (mean, deviation) = (sum / count, (squares / count - (sum / count).powi(2)).sqrt());
        assert!(mean.abs() < 0.01 && (deviation / 0.25 - 1.0).abs() < 0.05, "{mean}, {deviation}");
    }

    #[test]
    fn harmonics_are_orthonormal() {
        // Each mode alone: ∫ Y² = 1, and no mode has a part in another.
        let count = (ORDERS[1] + 1).pow(2) - ORDERS[0].pow(2);
        let mut nodule = Nodule::new(DVec3::ZERO, &NoduleLook { roughness: 0.0, ..LOOK }, 1).unwrap();
        let mut all: Vec<Vec<f64>> = Vec::new();
        for mode in 0..count {
            nodule.modes = (0..count).map(|at| f64::from(u8::from(at == mode))).collect();
            let rings = gauss(12).flat_map(|(z, weight)| (0..24).map(move |k| (z, weight, TAU * f64::from(k) / 24.0)));
            let value = |(z, weight, angle): (f64, f64, f64)| {
                let across = (1.0 - z * z).sqrt();
                let direction = DVec3::new(across * angle.cos(), across * angle.sin(), z);
                nodule.log_radius(direction) * (weight * TAU / 24.0).sqrt()
            };
            all.push(rings.map(value).collect());
        }
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all[..=i].iter().enumerate() {
                let product: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-9, "{i}, {j}: {product}");
            }
        }
    }

    #[test]
    fn spicules_add_to_the_shape_and_not_to_its_diameter() {
        let bare = Nodule::new(DVec3::ZERO, &LOOK, 5).unwrap();
        let spiny = Nodule::new(DVec3::ZERO, &NoduleLook { spicules: 12, ..LOOK }, 5).unwrap();
        assert_eq!((bare.radius_mm, &bare.modes), (spiny.radius_mm, &spiny.modes));
        let (bare_mm3, spiny_mm3) = (amount_mm3(&bare, 0.5), amount_mm3(&spiny, 0.5));
        // Twelve cones of a few mm³ each.
        let cones: f64 = spiny.spicules.iter().map(|s| PI / 3.0 * s.radius_mm.powi(2) * s.length_mm).sum();
        let ratio = (spiny_mm3 - bare_mm3) / cones;
        assert!((0.6..1.6).contains(&ratio), "{bare_mm3} and {spiny_mm3} mm³, cones of {cones} mm³");
        for spicule in &spiny.spicules {
            let near_the_tip = (spicule.tip_mm - 0.01) * spicule.direction;
            assert_eq!((bare.share(near_the_tip), spiny.share(near_the_tip)), (0.0, 1.0));
            assert!(spicule.tip_mm <= spiny.outer_mm());
        }
    }

    #[test]
    fn what_is_no_nodule_is_refused() {
        let refused = |look: NoduleLook| Nodule::new(DVec3::ZERO, &look, 1).unwrap_err().to_string();
        assert_eq!(
            refused(NoduleLook { diameter_mm: 0.0, ..LOOK }),
            "the diameter of a nodule must be positive, got 0 mm"
        );
        assert_eq!(
            refused(NoduleLook { roughness: -0.1, ..LOOK }),
            "the roughness of a nodule must be 0 to 0.5, got -0.1"
        );
        assert!(refused(NoduleLook { falloff: f64::NAN, ..LOOK }).ends_with("0 to 10, got NaN"));
        assert!(refused(NoduleLook { spicules: 101, ..LOOK }).ends_with("0 to 100, got 101"));
    }
}
