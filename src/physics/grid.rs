use super::{Element, Layer, Material, PhysicsError, Spectrum, table::lerp};

/// Millimetres in a centimetre.
const MM_PER_CM: f64 = 10.0;
/// Density of paper, in g/cm³, and of carbon fibre in resin: both differ between makers by a tenth and more.
const PAPER_G_CM3: f64 = 0.8;
const CARBON_FIBRE_G_CM3: f64 = 1.6;

/// A photon that meets a grid, one of a list that stands for a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Photon {
    /// Where it flies to, of any length: across the strips, along them, and perpendicular to the grid (above 0: to the detector).
    pub direction: [f64; 3],
    /// Energy, in keV.
    pub energy_kev: f64,
    /// How much it counts: the number of such photons, or what they give the detector without the grid.
    pub weight: f64,
}

/// An anti-scatter grid of parallel or focused strips, after G. J. Day and D. R. Dance, *Phys. Med. Biol.* 28:1429 (1983).
///
/// ```text
///   │▓│   │▓│   │▓│   │▓│   ↑            ratio r = h/D
///   │▓│ D │▓│   │▓│   │▓│   h            lines per length 1/P, period P = d + D
///   │▓│   │▓│   │▓│   │▓│   ↓            across the strips: x, along them: y, to the detector: z
///   d←→                   → x
/// ```
/// The transmission of a ray is the mean over all places at which it may meet the grid, as of a grid that moves during the exposure.
/// A photon that interacts is lost: neither what the grid scatters nor the fluorescence of the strips is part of the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    strip: Material,
    interspace: Material,
    strip_mm: f64,
    interspace_mm: f64,
    height_mm: f64,
    covers: Vec<Layer>,
    /// Infinite for parallel strips.
    focus_mm: f64,
}

impl Grid {
    /// Grid of parallel lead strips, aluminium between them and no covers: ratio of height to interspace, strips in a centimetre, and
    /// their thickness in millimetres, which may be 0.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] for a ratio or density that is not positive, or a thickness that leaves no interspace.
    pub fn new(ratio: f64, lines_per_cm: f64, strip_mm: f64) -> Result<Self, PhysicsError> {
        check_positive("ratio of the grid", ratio, "")?;
        check_positive("strip density of the grid", lines_per_cm, " per cm")?;
        let period_mm = MM_PER_CM / lines_per_cm;
        if !(strip_mm >= 0.0 && strip_mm < period_mm) {
            let allowed = format!("0 or more and less than the period of {period_mm} mm");
            return Err(PhysicsError::value("thickness of the grid's strips", allowed, format!("{strip_mm} mm")));
        }
        let interspace_mm = period_mm - strip_mm;
        let [strip, interspace] = [Material::by_name("Pb")?, Material::by_name("Al")?];
        let (height_mm, focus_mm) = (ratio * interspace_mm, f64::INFINITY);
        Ok(Self { strip, interspace, strip_mm, interspace_mm, height_mm, covers: Vec::new(), focus_mm })
    }

    /// The same grid with strips of another material.
    #[must_use]
    pub fn with_strips(self, strip: Material) -> Self {
        Self { strip, ..self }
    }

    /// The same grid with another material between the strips, such as [`Grid::paper`] or [`Grid::carbon_fibre`].
    #[must_use]
    pub fn with_interspace(self, interspace: Material) -> Self {
        Self { interspace, ..self }
    }

    /// The same grid between covers, whose thicknesses are those of front and back together.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] for a thickness that is negative or not finite.
    pub fn with_covers(self, covers: Vec<Layer>) -> Result<Self, PhysicsError> {
        Layer::check(&covers)?;
        Ok(Self { covers, ..self })
    }

    /// The same grid with strips that point to a line at a distance above its centre, in millimetres.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] unless the distance is positive; infinity makes the strips parallel.
    pub fn focused_at(self, focus_mm: f64) -> Result<Self, PhysicsError> {
        match focus_mm > 0.0 {
            true => Ok(Self { focus_mm, ..self }),
            false => {
                Err(PhysicsError::value("focal distance of the grid", "positive or infinite", format!("{focus_mm} mm")))
            }
        }
    }

    /// Paper between strips: cellulose, C₆H₁₀O₅, at 0.8 g/cm³.
    ///
    /// # Errors
    /// [`PhysicsError`]; none as long as the table of elements has carbon.
    pub fn paper() -> Result<Material, PhysicsError> {
        let parts = [("H", 0.062_16), ("C", 0.444_45), ("O", 0.493_39)];
        let elements: Result<Vec<_>, _> =
            parts.iter().map(|(symbol, share)| Ok((Element::from_symbol(symbol)?, *share))).collect();
        Material::new("paper", PAPER_G_CM3, elements?)
    }

    /// Carbon fibre between strips or as a cover, its resin taken for carbon: 1.6 g/cm³.
    ///
    /// # Errors
    /// [`PhysicsError`]; none as long as the table of elements has carbon.
    pub fn carbon_fibre() -> Result<Material, PhysicsError> {
        let carbon = Element::from_symbol("C")?;
        Material::new("carbon-fibre", CARBON_FIBRE_G_CM3, [(carbon, 1.0)])
    }

    /// Height of the strips, in millimetres: the ratio times the interspace.
    #[must_use]
    pub fn height_mm(&self) -> f64 {
        self.height_mm
    }

    /// Share of the photons of an energy and a direction that pass the middle of the grid, where strips are perpendicular to it.
    /// Of the polar angle θ and the azimuth φ from the x axis the direction is (sin θ·cos φ, sin θ·sin φ, cos θ).
    ///
    /// # Errors
    /// [`PhysicsError`] for an energy outside 5 to 150 keV, or a direction that does not lead through the grid.
    pub fn transmission(&self, energy_kev: f64, direction: [f64; 3]) -> Result<f64, PhysicsError> {
        self.transmission_at(energy_kev, direction, 0.0)
    }

    /// Share of the photons that pass at a distance `across_mm` from the centre line, where the strips of a focused grid lean by
    /// `across_mm` over the focal distance: a ray from the focal line goes along them.
    ///
    /// ```text
    /// T = exp(−Σ µ·t·L/h) · (1/P)·[ |a − d|·e(max) + |a − D|·e(min) + 2·∫ e(q) dq ]
    /// e(q) = exp(−L·(µ_D + (µ_d − µ_D)·(n·d + q)/s))
    /// L = h·|v|/v_z,   s = h·|v_x/v_z − x/f|,   n = ⌊s/P⌋,   a = s − n·P
    /// ```
    /// where v is the direction, L its path in the grid, s how far it gets across the strips, and q what of the rest a of s beyond n whole
    /// periods lies in strips: as the start moves over a period, q rests at its maximum min(a, d) and at its minimum max(0, a − D),
    /// and runs evenly between them twice (the integral's ends). Covers have thicknesses t, f is the focal distance.
    ///
    /// # Errors
    /// As [`Grid::transmission`], or for a place that is not finite.
    pub fn transmission_at(&self, energy_kev: f64, direction: [f64; 3], across_mm: f64) -> Result<f64, PhysicsError> {
        let [x, y, z] = direction;
        let stretch = (x * x + y * y + z * z).sqrt() / z;
        if !(z > 0.0 && (stretch * self.height_mm).is_finite()) {
            let got = format!("({x}, {y}, {z})");
            return Err(PhysicsError::value(
                "direction through the grid",
                "finite with a third component above 0",
                got,
            ));
        }
        if !across_mm.is_finite() {
            return Err(PhysicsError::value("place on the grid", "finite", format!("{across_mm} mm")));
        }
        let covers = Layer::depth(&self.covers, energy_kev)?;
        let strip = self.strip.attenuation_per_mm(energy_kev)?;
        let interspace = self.interspace.attenuation_per_mm(energy_kev)?;
        let across = (x / z - across_mm / self.focus_mm).abs() * self.height_mm;
        Ok((-covers * stretch).exp() * self.mean_over_starts(stretch * self.height_mm, across, [interspace, strip]))
    }

    /// Mean over a period of where a ray starts of what strips and interspaces leave of it: path and distance across the strips in
    /// millimetres, attenuation of interspace and strip per millimetre.
    fn mean_over_starts(&self, path: f64, across: f64, [interspace, strip]: [f64; 2]) -> f64 {
        let period = self.strip_mm + self.interspace_mm;
        let whole = (across / period).floor();
        let rest = (across - whole * period).clamp(0.0, period);
        let ends = [(rest - self.interspace_mm).max(0.0), rest.min(self.strip_mm)];
        // Shares of the path in strips; a ray along them is in one or in none.
        let [least, most] = match across > 0.0 {
            true => ends.map(|mm| (whole * self.strip_mm + mm) / across),
            false => [0.0, 1.0],
        };
        let [at_least, at_most] = [least, most].map(|share| (-path * lerp(interspace, strip, share)).exp());
        // Mean of an exponential between its ends, from the larger one.
        let exponent = (path * (strip - interspace) * (most - least)).abs();
        let between = if exponent > 0.0 { -(-exponent).exp_m1() / exponent } else { 1.0 } * at_least.max(at_most);
        let resting = (rest - self.strip_mm).abs() * at_most + (rest - self.interspace_mm).abs() * at_least;
        (resting + 2.0 * (ends[1] - ends[0]) * between) / period
    }

    /// Share of a spectrum's signal that passes along the strips on the central ray. `signal` is what a photon of an energy in keV gives
    /// the detector: `|_| 1.0` counts photons, `|kev| kev` sums their energy.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] where the signal is not positive.
    pub fn primary_transmission(&self, spectrum: &Spectrum, signal: impl Fn(f64) -> f64) -> Result<f64, PhysicsError> {
        let bins = spectrum.energies_kev().iter().zip(spectrum.fluence_per_mm2());
        let photons = bins.map(|(&energy_kev, fluence)| {
            let weight = fluence * signal(energy_kev);
            Photon { direction: [0.0, 0.0, 1.0], energy_kev, weight }
        });
        self.mean_transmission("signal of the primary photons", photons)
    }

    /// Share that passes of photons of any directions and energies, by their weights: scatter as it leaves a patient.
    ///
    /// # Errors
    /// [`PhysicsError`] where no photon has a weight, one is negative, or [`Grid::transmission`] refuses one.
    pub fn scatter_transmission(&self, photons: &[Photon]) -> Result<f64, PhysicsError> {
        self.mean_transmission("weight of the scattered photons", photons.iter().copied())
    }

    fn mean_transmission(&self, what: &str, photons: impl Iterator<Item = Photon>) -> Result<f64, PhysicsError> {
        let [mut passed, mut all] = [0.0; 2];
        for Photon { direction, energy_kev, weight } in photons {
            if !(weight >= 0.0 && weight.is_finite()) {
                return Err(PhysicsError::value(what, "0 or more and finite", weight.to_string()));
            }
            passed += weight * self.transmission(energy_kev, direction)?;
            all += weight;
        }
        match all > 0.0 && all.is_finite() {
            true => Ok(passed / all),
            false => Err(PhysicsError::value(format!("sum of the {what}"), "positive and finite", all.to_string())),
        }
    }
}

/// What a grid does to an image, by the shares of primary and of scattered signal that pass; IEC 60627:2013.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GridFactors {
    /// Transmission of primary radiation T_p.
    pub primary: f64,
    /// Transmission of scattered radiation T_s.
    pub scatter: f64,
}

impl GridFactors {
    /// Selectivity Σ = T_p/T_s.
    #[must_use]
    pub fn selectivity(&self) -> f64 {
        self.primary / self.scatter
    }

    /// Transmission of all radiation T_t = (1 − F)·T_p + F·T_s, where F is the scatter's share of the signal without the grid.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] for a share outside 0 to 1.
    pub fn total(&self, scatter_fraction: f64) -> Result<f64, PhysicsError> {
        match (0.0..=1.0).contains(&scatter_fraction) {
            true => Ok(lerp(self.primary, self.scatter, scatter_fraction)),
            false => Err(PhysicsError::value("scatter fraction", "0 to 1", scatter_fraction.to_string())),
        }
    }

    /// Bucky factor (grid exposure factor) B = 1/T_t: how much more exposure gives the same signal.
    ///
    /// # Errors
    /// As [`GridFactors::total`].
    pub fn bucky_factor(&self, scatter_fraction: f64) -> Result<f64, PhysicsError> {
        Ok(1.0 / self.total(scatter_fraction)?)
    }

    /// Contrast improvement factor K = T_p/T_t.
    ///
    /// # Errors
    /// As [`GridFactors::total`].
    pub fn contrast_improvement(&self, scatter_fraction: f64) -> Result<f64, PhysicsError> {
        Ok(self.primary / self.total(scatter_fraction)?)
    }

    /// Share of scatter in the signal behind the grid, F·T_s/T_t.
    ///
    /// # Errors
    /// As [`GridFactors::total`].
    pub fn scatter_fraction_behind(&self, scatter_fraction: f64) -> Result<f64, PhysicsError> {
        Ok(scatter_fraction * self.scatter / self.total(scatter_fraction)?)
    }
}

fn check_positive(what: &str, value: f64, unit: &str) -> Result<(), PhysicsError> {
    match value > 0.0 && value.is_finite() {
        true => Ok(()),
        false => Err(PhysicsError::value(what, "positive and finite", format!("{value}{unit}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use proptest::prelude::*;

    use super::*;
    use crate::physics::Tube;

    fn direction(theta_deg: f64, phi_deg: f64) -> [f64; 3] {
        let [theta, phi] = [theta_deg, phi_deg].map(f64::to_radians);
        [theta.sin() * phi.cos(), theta.sin() * phi.sin(), theta.cos()]
    }

    /// Mean over starting places of rays that are walked from one wall to the next through the strips of the real grid, which lie at
    /// whole periods.
    fn walked(grid: &Grid, energy: f64, [x, y, z]: [f64; 3], starts: u32) -> f64 {
        let period = grid.strip_mm + grid.interspace_mm;
        let [strip, interspace] = [&grid.strip, &grid.interspace].map(|m| m.attenuation_per_mm(energy).unwrap());
        let length_per_depth = (x * x + y * y + z * z).sqrt() / z;
        let slope = x.abs() / z;
        let rays = (0..starts).map(|start| {
            let (mut place, mut depth, mut exponent) =
                ((f64::from(start) + 0.5) / f64::from(starts) * period, 0.0, 0.0);
            let mut is_strip = place < grid.strip_mm;
            while depth < grid.height_mm {
                let wall = if is_strip { grid.strip_mm } else { period };
                let step = ((wall - place) / slope).min(grid.height_mm - depth);
                exponent += if is_strip { strip } else { interspace } * step * length_per_depth;
                depth += step;
                place = if is_strip { grid.strip_mm } else { 0.0 };
                is_strip = !is_strip;
            }
            (-exponent).exp()
        });
        rays.sum::<f64>() / f64::from(starts)
    }

    /// Directions in which a diffuse source shines through a plane, and energies, by middles of equal steps.
    fn diffuse(energies: &[f64]) -> Vec<Photon> {
        let mut photons = Vec::new();
        for (theta, phi) in (0..90).flat_map(|t| (0..30).map(move |p| (f64::from(t) + 0.5, 3.0 * f64::from(p) + 1.5))) {
            let weight = (2.0 * theta.to_radians()).sin();
            let ray = direction(theta, phi);
            photons.extend(energies.iter().map(|&energy_kev| Photon { direction: ray, energy_kev, weight }));
        }
        photons
    }

    #[test]
    fn the_mean_is_that_of_rays_walked_through_the_strips() {
        for (grid, name) in [
            (Grid::new(12.0, 40.0, 0.05).unwrap(), "lead, aluminium"),
            (Grid::new(5.0, 31.0, 0.2).unwrap().with_interspace(Grid::paper().unwrap()), "thick strips, paper"),
            (Grid::new(8.0, 70.0, 0.07).unwrap().with_strips(Material::by_name("Ta").unwrap()), "tantalum"),
        ] {
            for (theta, phi) in
                [(0.0, 0.0), (0.3, 5.0), (3.0, 0.0), (5.0, 60.0), (20.0, 10.0), (45.0, 80.0), (70.0, 30.0)]
            {
                for energy in [30.0, 60.0, 87.0, 120.0] {
                    let ray = direction(theta, phi);
                    let [got, want] = [grid.transmission(energy, ray).unwrap(), walked(&grid, energy, ray, 20_000)];
                    assert!(
                        (got - want).abs() < 1e-6 + 1e-4 * want,
                        "{name} {theta}° {phi}° {energy} keV: {got}, {want}"
                    );
                }
            }
            // The control: along and across the strips are not the same.
            let [along, across] = [90.0, 0.0].map(|phi| grid.transmission(60.0, direction(20.0, phi)).unwrap());
            assert!(along > 2.0 * across);
        }
    }

    #[test]
    fn limits_are_those_of_plates() {
        let aluminium = Material::by_name("Al").unwrap().attenuation_per_mm(60.0).unwrap();
        let lead = Material::by_name("Pb").unwrap().attenuation_per_mm(60.0).unwrap();
        let near = |got: f64, want: f64| assert!((got / want - 1.0).abs() < 1e-12, "{got}, want {want}");
        // No strips: the interspace alone, in any direction.
        let empty = Grid::new(10.0, 40.0, 0.0).unwrap();
        near(empty.height_mm(), 2.5);
        for theta in [0.0, 10.0, 60.0] {
            near(
                empty.transmission(60.0, direction(theta, 25.0)).unwrap(),
                (-aluminium * 2.5 / theta.to_radians().cos()).exp(),
            );
        }
        // Strips of what lies between them are no strips.
        let full = Grid::new(10.0, 40.0, 0.05).unwrap().with_strips(Material::by_name("Al").unwrap());
        near(
            full.transmission(60.0, direction(33.0, 10.0)).unwrap(),
            (-aluminium * 2.0 / 33_f64.to_radians().cos()).exp(),
        );
        // Along the strips: areas of plates, at any angle.
        let grid = Grid::new(10.0, 40.0, 0.05).unwrap();
        for theta in [0.0, 30.0] {
            let path = 2.0 / f64::cos(f64::to_radians(theta));
            let want = 0.8 * (-aluminium * path).exp() + 0.2 * (-lead * path).exp();
            let [_, y, z] = direction(theta, 90.0);
            near(grid.transmission(60.0, [0.0, y, z]).unwrap(), want);
        }
        // Rays that cross whole periods exactly see all starting places alike.
        let slope = 0.25 * 3.0 / 2.0;
        let path = 2.0 * f64::hypot(slope, 1.0);
        near(grid.transmission(60.0, [slope, 0.0, 1.0]).unwrap(), (-(0.8 * aluminium + 0.2 * lead) * path).exp());
        // Nearly along the grid nothing passes, and nearly along the strips it is as along them.
        assert!(grid.transmission(60.0, [1.0, 0.0, 1e-6]).unwrap() < 1e-300);
        let [nearly, along] = [1e-12, 0.0].map(|x| grid.transmission(60.0, [x, 0.0, 1.0]).unwrap());
        assert!((nearly - along).abs() < 1e-9);
        // Covers are plates.
        let covers = vec![Layer { material: Material::by_name("Al").unwrap(), thickness_mm: 0.5 }];
        let ray = direction(40.0, 15.0);
        let covered = grid.clone().with_covers(covers).unwrap().transmission(60.0, ray).unwrap();
        near(covered, grid.transmission(60.0, ray).unwrap() * (-aluminium * 0.5 / 40_f64.to_radians().cos()).exp());
    }

    #[test]
    fn harder_photons_pass_better_up_to_the_edge_of_lead() {
        let grid = Grid::new(12.0, 40.0, 0.05).unwrap();
        for ray in [[0.0, 0.0, 1.0], direction(15.0, 40.0), direction(50.0, 10.0)] {
            let passed = |energy: i32| grid.transmission(f64::from(energy), ray).unwrap();
            assert!((20..88).all(|energy| passed(energy) < passed(energy + 1)));
            assert!((89..150).all(|energy| passed(energy) < passed(energy + 1)));
        }
        // The K edge at 88.0 keV.
        let [below, above] = [87.5, 88.5].map(|energy| grid.transmission(energy, direction(15.0, 40.0)).unwrap());
        assert!(below > 1.5 * above, "{below}, {above}");
    }

    #[test]
    fn a_focused_grid_lets_its_own_rays_through_and_cuts_off_others() {
        let parallel = Grid::new(12.0, 40.0, 0.05).unwrap();
        let focused = parallel.clone().focused_at(1800.0).unwrap();
        let along = focused.transmission(60.0, [0.0, 0.0, 1.0]).unwrap();
        let lead = Material::by_name("Pb").unwrap().attenuation_per_mm(60.0).unwrap();
        for across in [-200.0, 50.0, 200.0] {
            // Longer paths alone weaken a little.
            let own = focused.transmission_at(60.0, [across, 0.0, 1800.0], across).unwrap();
            assert!(own < along && own > 0.99 * along, "{own}, {along}");
            // From another distance strips throw shadows, at the edges of which a mean free path of lead shines through.
            let moved = focused.transmission_at(60.0, [across, 0.0, 1100.0], across).unwrap();
            let slope = across.abs() * (1.0 / 1100.0 - 1.0 / 1800.0);
            let want = along * (1.0 - slope * (2.4 - 2.0 / lead) / 0.2);
            assert!((moved - want).abs() < 0.02 * along, "{across}: {moved}, {want}");
            let unfocused = parallel.transmission_at(60.0, [across, 0.0, 1800.0], across).unwrap();
            assert_eq!(unfocused, parallel.transmission(60.0, [across, 0.0, 1800.0]).unwrap());
            assert!(unfocused < 0.8 * along);
        }
    }

    #[test]
    fn typical_grids_are_as_published() {
        let aluminium = Layer { material: Material::by_name("Al").unwrap(), thickness_mm: 2.5 };
        for kvp in [100.0, 120.0] {
            let beam = Tube::new(kvp, 12.0, vec![aluminium.clone()]).unwrap().spectrum().unwrap();
            let beam = beam.attenuated(&Material::by_name("water").unwrap(), 200.0).unwrap();
            let scatter = diffuse(&[40.0, 55.0, 70.0]);
            let factors = |grid: &Grid| GridFactors {
                primary: grid.primary_transmission(&beam, |kev| kev).unwrap(),
                scatter: grid.scatter_transmission(&scatter).unwrap(),
            };
            for (ratio, lines, strip) in [(10.0, 40.0, 0.05), (12.0, 40.0, 0.05), (12.0, 70.0, 0.036)] {
                let grid = Grid::new(ratio, lines, strip).unwrap();
                let with_aluminium = factors(&grid);
                let with_paper = factors(&grid.clone().with_interspace(Grid::paper().unwrap()));
                let GridFactors { primary, scatter } = with_aluminium;
                assert!((0.60..0.75).contains(&primary) && (0.02..0.15).contains(&scatter), "{with_aluminium:?}");
                assert!(with_paper.primary > primary + 0.04 && with_paper.primary < 1.0 - strip * lines / 10.0);
                assert!((3.0..8.0).contains(&with_aluminium.bucky_factor(0.85).unwrap()));
            }
            // Higher ratios select better.
            let selectivity = [6.0, 8.0, 12.0, 16.0].map(|r| factors(&Grid::new(r, 40.0, 0.05).unwrap()).selectivity());
            assert!(selectivity.windows(2).all(|pair| pair[0] < pair[1]), "{selectivity:?}");
        }
    }

    #[test]
    fn factors_are_those_of_their_definitions() {
        let factors = GridFactors { primary: 0.7, scatter: 0.1 };
        let near = |got: f64, want: f64| assert!((got - want).abs() < 1e-12, "{got}, want {want}");
        near(factors.selectivity(), 7.0);
        // 10 primary and 90 scattered photons: 7 and 9 pass.
        near(factors.total(0.9).unwrap(), 0.16);
        near(factors.bucky_factor(0.9).unwrap(), 6.25);
        near(factors.contrast_improvement(0.9).unwrap(), 4.375);
        near(factors.scatter_fraction_behind(0.9).unwrap(), 9.0 / 16.0);
        near(factors.bucky_factor(0.0).unwrap(), 1.0 / 0.7);
        near(factors.contrast_improvement(0.0).unwrap(), 1.0);
    }

    #[test]
    fn distributions_are_means_by_weight() {
        let grid = Grid::new(8.0, 40.0, 0.05).unwrap();
        let photons = [(20.0, 50.0, 3.0), (60.0, 70.0, 1.0), (80.0, 20.0, 0.0)]
            .map(|(theta, energy_kev, weight)| Photon { direction: direction(theta, 45.0), energy_kev, weight });
        let [first, second] = [0, 1].map(|i| grid.transmission(photons[i].energy_kev, photons[i].direction).unwrap());
        assert!((grid.scatter_transmission(&photons).unwrap() - (0.75 * first + 0.25 * second)).abs() < 1e-15);
        // Half the weight by photons, two thirds by energy.
        let two = Spectrum::new(vec![40.0, 80.0], vec![1.0, 1.0]).unwrap();
        let [soft, hard] = [40.0, 80.0].map(|energy| grid.transmission(energy, [0.0, 0.0, 1.0]).unwrap());
        assert!((grid.primary_transmission(&two, |_| 1.0).unwrap() - 0.5 * (soft + hard)).abs() < 1e-15);
        assert!((grid.primary_transmission(&two, |kev| kev).unwrap() - (soft + 2.0 * hard) / 3.0).abs() < 1e-15);
    }

    #[test]
    fn what_cannot_be_is_refused_in_one_line() {
        let refused = |ratio, lines, strip| Grid::new(ratio, lines, strip).unwrap_err().to_string();
        assert_eq!(refused(0.0, 40.0, 0.05), "ratio of the grid must be positive and finite, got 0");
        assert_eq!(
            refused(10.0, f64::NAN, 0.05),
            "strip density of the grid must be positive and finite, got NaN per cm"
        );
        let want = "thickness of the grid's strips must be 0 or more and less than the period of 0.25 mm, got 0.25 mm";
        assert_eq!(refused(10.0, 40.0, 0.25), want);
        assert!(refused(10.0, 40.0, -0.1).ends_with("got -0.1 mm"));
        let grid = Grid::new(10.0, 40.0, 0.05).unwrap();
        let message = grid.clone().focused_at(0.0).unwrap_err().to_string();
        assert_eq!(message, "focal distance of the grid must be positive or infinite, got 0 mm");
        let cover = Layer { material: Material::by_name("Al").unwrap(), thickness_mm: -1.0 };
        assert!(grid.clone().with_covers(vec![cover]).is_err());
        let message = grid.transmission(60.0, [0.0, 0.0, -1.0]).unwrap_err().to_string();
        assert_eq!(message, "direction through the grid must be finite with a third component above 0, got (0, 0, -1)");
        for wrong in [[f64::NAN, 0.0, 1.0], [0.0, f64::INFINITY, 1.0], [1.0, 0.0, 0.0], [1.0, 0.0, f64::INFINITY]] {
            assert!(grid.transmission(60.0, wrong).is_err(), "{wrong:?}");
        }
        assert!(grid.transmission_at(60.0, [0.0, 0.0, 1.0], f64::NAN).is_err());
        let message = grid.transmission(200.0, [0.0, 0.0, 1.0]).unwrap_err().to_string();
        assert_eq!(message, "energy in Pb must be 5 to 150 keV, got 200 keV");
        let message = grid.scatter_transmission(&[]).unwrap_err().to_string();
        assert_eq!(message, "sum of the weight of the scattered photons must be positive and finite, got 0");
        let negative = Photon { direction: [0.0, 0.0, 1.0], energy_kev: 60.0, weight: -1.0 };
        assert!(
            grid.scatter_transmission(&[negative]).unwrap_err().to_string().ends_with("0 or more and finite, got -1")
        );
        let message = GridFactors { primary: 0.7, scatter: 0.1 }.bucky_factor(1.1).unwrap_err().to_string();
        assert_eq!(message, "scatter fraction must be 0 to 1, got 1.1");
    }

    proptest! {
        #[test]
        fn any_grid_is_as_walked(
            ratio in 1.0..20.0_f64, lines in 20.0..100.0_f64, share in 0.0..0.95_f64, theta in 0.0..85.0_f64,
            phi in 0.0..2.0 * PI, energy in 15.0..150.0_f64,
        ) {
            let grid = Grid::new(ratio, lines, share * 10.0 / lines).unwrap();
            let ray = direction(theta, phi.to_degrees());
            let got = grid.transmission(energy, ray).unwrap();
            let want = walked(&grid, energy, ray, 8000);
            prop_assert!((got - want).abs() < 1e-3 * want + 1e-4, "{got}, {want}");
            prop_assert!((0.0..=1.0).contains(&got));
        }
    }
}
