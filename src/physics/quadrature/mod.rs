mod fit;
mod gauss;
mod samples;

use std::ops::Range;

use self::{
    fit::{Fit, importance},
    gauss::{Part, Place},
    samples::Samples,
};
use super::{Material, PhysicsError, Spectrum, spectrum::check_thickness};

/// Largest error of −ln T that a reduced quadrature has, over the thicknesses that it is made for.
pub const QUADRATURE_TOLERANCE: f64 = 9e-5;
/// −ln T up to which a quadrature is reduced: behind more, one photon in 7·10¹⁰ is left.
pub const DEEPEST_LINE_INTEGRAL: f64 = 25.0;

/// Most nodes of a reduced quadrature.
const MAX_NODES: usize = 24;
/// Least weight of a node: its product with the least transmission that a kernel computes is a normal number.
const LEAST_WEIGHT: f64 = 1e-7;
/// Thicknesses that nodes are fitted to, and those they are then judged by, besides a grid over every two materials.
const FITTED: usize = 1000;
const JUDGED: usize = 8000;
/// A step of −ln T at an absorption edge, and a share of the signal on either side of it, that no node needs to know of.
const NEGLIGIBLE_STEP: f64 = 1e-4;
const NEGLIGIBLE_SHARE: f64 = 1e-6;

/// Energies by which a detector's signal behind materials is a sum of few exponentials.
///
/// ```text
/// T(t) = Σ_k w_k·exp(−Σ_m µ_m(E_k)·t_m),   Σ_k w_k = 1
/// ```
/// where t_m is the path through material m in mm, and T the signal over that of the open beam. With a node for every bin of a
/// spectrum that is the detector's signal itself; [`reduced`](Self::reduced), it is a Gauss quadrature of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Quadrature {
    materials: Vec<Material>,
    nodes: Vec<Node>,
}

/// A node of a [`Quadrature`].
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Photon energy, in keV.
    pub energy_kev: f64,
    /// Share of the open beam's signal.
    pub weight: f64,
    /// Attenuation coefficient of each material, in mm⁻¹.
    pub attenuation_per_mm: Vec<f64>,
}

impl Quadrature {
    /// One node for each bin of a spectrum. `response` is what a photon of each bin adds to the signal: 1 for a counting
    /// detector, its energy, or that times the share that is absorbed.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] when there is no material, not one response for each bin, none that is positive, or one that is negative or
    /// not finite.
    pub fn of_bins(spectrum: &Spectrum, response: &[f64], materials: &[Material]) -> Result<Self, PhysicsError> {
        if materials.is_empty() {
            return Err(PhysicsError::value("number of materials", "1 or more", "0"));
        }
        let (energies, fluence) = (spectrum.energies_kev(), spectrum.fluence_per_mm2());
        if response.len() != energies.len() {
            let allowed = format!("that of the spectrum's bins, {}", energies.len());
            return Err(PhysicsError::value("number of responses", allowed, response.len().to_string()));
        }
        if let Some(wrong) = response.iter().find(|response| !(**response >= 0.0 && response.is_finite())) {
            return Err(PhysicsError::value("response of a detector", "0 or more and finite", wrong.to_string()));
        }
        let open: f64 = fluence.iter().zip(response).map(|(photons, response)| photons * response).sum();
        if open <= 0.0 {
            return Err(PhysicsError::value("signal of the open beam", "positive", open.to_string()));
        }
        let weights = fluence.iter().zip(response).map(|(photons, response)| photons * response / open);
        let seen = energies.iter().zip(weights).filter(|(_, weight)| *weight > 0.0);
        let nodes = seen.map(|(&energy, weight)| Node::of(energy, weight, materials)).collect::<Result<_, _>>()?;
        Ok(Self { materials: materials.to_vec(), nodes })
    }

    /// The nodes.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The materials, in the order of their thicknesses.
    #[must_use]
    pub fn materials(&self) -> &[Material] {
        &self.materials
    }

    /// Signal over that of the open beam behind so many mm of each material.
    #[must_use]
    pub fn transmission(&self, thickness_mm: &[f64]) -> f64 {
        self.nodes.iter().map(|node| node.transmission(thickness_mm)).sum()
    }

    /// Fewer nodes with the same signal, and the largest difference of −ln T that was found, at most [`QUADRATURE_TOLERANCE`].
    ///
    /// It holds for up to `longest_mm` of each material, in any mixture of a −ln T up to [`DEEPEST_LINE_INTEGRAL`]. Nodes are energies, so
    /// that materials keep their proportions. Absorption edges that count divide the beam. Each part has the nodes of a Gauss quadrature
    /// for the signal's mean over thicknesses drawn from a fixed seed, and gets another where it errs most; energies and weights are
    /// then fitted by least squares of the relative error (Levenberg and Marquardt; Lawson's weights). Other thicknesses judge the result.
    /// Where 24 nodes do not suffice, as for dozens of materials, all of them stay.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] for a thickness that is negative or not finite.
    pub fn reduced(&self, longest_mm: &[f64]) -> Result<(Self, f64), PhysicsError> {
        if longest_mm.len() != self.materials.len() {
            let allowed = format!("that of the materials, {}", self.materials.len());
            return Err(PhysicsError::value("number of thicknesses", allowed, longest_mm.len().to_string()));
        }
        for (material, thickness) in self.materials.iter().zip(longest_mm) {
            check_thickness(material, *thickness)?;
        }
        let fitted = Samples::drawn(self, longest_mm, FITTED, 1);
        let judged = Samples::drawn(self, longest_mm, JUDGED, 2).and_grid(self, longest_mm);
        let parts = self.parts(&fitted, longest_mm);
        let mut gauss = parts.iter().map(|part| self.gauss(part, 1, &fitted)).collect::<Result<Vec<_>, _>>()?;
        loop {
            let (places, first): (Vec<Place>, Vec<Node>) = gauss.iter().flatten().cloned().unzip();
            let mut fit =
                Fit { materials: &self.materials, places: &places, samples: &fitted, importance: importance(&fitted) };
            let [mut nodes, mut best] = [first.clone(), normalised(first)];
            let mut worst = judged.worst(&best);
            for _ in 0..Fit::ROUNDS {
                nodes = fit.run(nodes)?;
                fit.weigh(&nodes);
                let tried = normalised(nodes.clone());
                let error = judged.worst(&tried);
                if error < worst {
                    (worst, best) = (error, tried);
                }
            }
            if worst <= QUADRATURE_TOLERANCE {
                return Ok((Self { materials: self.materials.clone(), nodes: best }, worst));
            }
            if best.len() >= self.nodes.len().min(MAX_NODES) {
                return self.whole(&judged);
            }
            let errors = parts.iter().zip(&gauss).map(|(part, pairs)| match pairs.len() < part.bins.len() {
                true => fitted.error_of(&self.nodes[part.bins.clone()], pairs),
                false => 0.0,
            });
            let worst_part = errors.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(part, _)| part);
            gauss[worst_part] = self.gauss(&parts[worst_part], gauss[worst_part].len() + 1, &fitted)?;
        }
    }

    /// All nodes but those of next to no weight, where few do not suffice: for dozens of materials.
    fn whole(&self, judged: &Samples) -> Result<(Self, f64), PhysicsError> {
        let nodes = normalised(self.nodes.iter().filter(|node| node.weight >= LEAST_WEIGHT).cloned().collect());
        let worst = judged.worst(&nodes);
        if worst > QUADRATURE_TOLERANCE {
            let what = format!("error of −ln T with {} energies", nodes.len());
            let allowed = format!("{QUADRATURE_TOLERANCE} or less");
            return Err(PhysicsError::value(what, allowed, format!("{worst:.1e}")));
        }
        Ok((Self { materials: self.materials.clone(), nodes }, worst))
    }

    /// Parts of the beam between the absorption edges that count.
    fn parts(&self, samples: &Samples, longest_mm: &[f64]) -> Vec<Part> {
        const BESIDE: f64 = 1e-9;
        let shares = samples.shares(&self.nodes);
        let step = |material: &Material, edge: f64| {
            let [below, above] = [edge * (1.0 - BESIDE), edge * (1.0 + BESIDE)].map(|e| material.attenuation_per_mm(e));
            below.ok().zip(above.ok()).map_or(0.0, |(below, above)| (above - below).abs())
        };
        let mut edges = Vec::new();
        for (material, longest) in self.materials.iter().zip(longest_mm) {
            let of_material = material.composition().iter().flat_map(|(element, _)| element.absorption_edges_kev());
            edges.extend(of_material.filter(|&edge| step(material, edge) * longest > NEGLIGIBLE_STEP));
        }
        edges.sort_by(f64::total_cmp);
        let last = self.nodes.len() - 1;
        let mut starts = vec![0];
        for edge in edges {
            let (from, to) = (starts[starts.len() - 1], self.nodes.partition_point(|node| node.energy_kev < edge));
            let share = |bins: Range<usize>| shares[bins].iter().sum::<f64>();
            if to > from && share(from..to) > NEGLIGIBLE_SHARE && share(to..last + 1) > NEGLIGIBLE_SHARE {
                starts.push(to);
            }
        }
        starts.push(last + 1);
        let part = |ends: &[usize]| {
            let bins = ends[0]..ends[1];
            let ln_energies = bins.clone().map(|bin| self.nodes[bin].energy_kev.ln()).collect();
            Part { ln_energies, shares: shares[bins.clone()].to_vec(), bins }
        };
        starts.windows(2).map(part).collect()
    }

    /// Gauss nodes of a part of the beam, of the signal's mean over the samples.
    fn gauss(&self, part: &Part, count: usize, samples: &Samples) -> Result<Vec<(Place, Node)>, PhysicsError> {
        let pairs = part.places(count).into_iter().map(|place| {
            let mut node = Node::of(place.energy_kev(place.ln_energy), 1.0, &self.materials)?;
            node.weight = (place.share / samples.mean_share(&node)).max(LEAST_WEIGHT);
            Ok((place, node))
        });
        pairs.collect()
    }
}

/// Nodes by their energies, with weights that sum to 1.
fn normalised(mut nodes: Vec<Node>) -> Vec<Node> {
    let sum: f64 = nodes.iter().map(|node| node.weight).sum();
    nodes.iter_mut().for_each(|node| node.weight = (node.weight / sum).max(LEAST_WEIGHT));
    nodes.sort_by(|a, b| a.energy_kev.total_cmp(&b.energy_kev));
    nodes
}

impl Node {
    fn of(energy_kev: f64, weight: f64, materials: &[Material]) -> Result<Self, PhysicsError> {
        let attenuation = materials.iter().map(|material| material.attenuation_per_mm(energy_kev));
        Ok(Self { energy_kev, weight, attenuation_per_mm: attenuation.collect::<Result<_, _>>()? })
    }

    fn transmission(&self, thickness_mm: &[f64]) -> f64 {
        self.weight * (-product(&self.attenuation_per_mm, thickness_mm)).exp()
    }
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::physics::{Layer, Tube};

    fn materials(names: &[&str]) -> Vec<Material> {
        names.iter().map(|name| Material::by_name(name).unwrap()).collect()
    }

    /// Signal of an energy-integrating detector by bins.
    fn beam(kvp: f64, filter: &[&str], materials: &[Material]) -> Quadrature {
        let filter = filter.iter().map(|layer| Layer::parse(layer, &[]).unwrap()).collect();
        let spectrum = Tube::new(kvp, 12.0, filter).unwrap().spectrum().unwrap();
        Quadrature::of_bins(&spectrum, spectrum.energies_kev(), materials).unwrap()
    }

    /// Materials, and the longest path through each in mm.
    const PATHS: [(&[&str], &[f64]); 3] = [
        (&["water", "cortical-bone"], &[400.0, 50.0]),
        (&["water", "cortical-bone", "I"], &[400.0, 50.0, 1.0]),
        (
            &["air", "lung", "adipose", "water", "blood", "trabecular-bone", "cortical-bone", "I", "Ti"],
            &[1500.0, 300.0, 300.0, 400.0, 200.0, 100.0, 50.0, 1.0, 10.0],
        ),
    ];
    const FILTERS: [&[&str]; 5] = [&["al:1"], &["al:2.5"], &["al:3", "cu:0.1"], &["al:1", "cu:0.3"], &["al:21"]];

    #[test]
    fn few_energies_do_for_all_beams_and_mixtures() {
        for (names, longest) in PATHS {
            let materials = materials(names);
            for filter in FILTERS {
                for kvp in [40.0, 60.0, 80.0, 100.0, 120.0, 150.0] {
                    let bins = beam(kvp, filter, &materials);
                    let (reduced, worst) = bins.reduced(longest).unwrap();
                    let count = reduced.nodes().len();
                    println!("{} materials, {filter:?}, {kvp} kV: {count} energies, {worst:.1e}", names.len());
                    assert!(count <= 20 && worst <= QUADRATURE_TOLERANCE, "{names:?}, {filter:?}, {kvp} kV: {count}");
                    let sum: f64 = reduced.nodes().iter().map(|node| node.weight).sum();
                    assert!((sum - 1.0).abs() < 1e-6 && reduced.nodes().iter().all(|node| node.weight >= LEAST_WEIGHT));
                }
            }
        }
    }

    /// −ln T over every 4 mm of water and mm of bone, which none of the samples are made of.
    #[test]
    fn the_error_found_is_that_of_a_fine_grid() {
        let materials = materials(PATHS[0].0);
        let worst = |bins: &Quadrature, reduced: &Quadrature| {
            let at = |i: usize| [(i % 101) as f64 * 4.0, (i / 101) as f64];
            let error = |i: usize| (reduced.transmission(&at(i)) / bins.transmission(&at(i))).ln().abs();
            (0..101 * 51).map(error).fold(0.0, f64::max)
        };
        for kvp in [40.0, 70.0, 90.0, 120.0, 150.0] {
            let bins = beam(kvp, &["al:2.5"], &materials);
            let (reduced, found) = bins.reduced(PATHS[0].1).unwrap();
            let error = worst(&bins, &reduced);
            println!(
                "{kvp} kV: {} energies, {found:.1e} on the samples, {error:.1e} on the grid",
                reduced.nodes().len()
            );
            assert!(error <= 1e-4 && error < 2.0 * found, "{kvp} kV: {error}, found {found}");
            assert_eq!(bins.reduced(PATHS[0].1).unwrap().0, reduced);
            // The control: thin paths need fewer energies, which do not do for thick ones.
            let (thin, _) = bins.reduced(&[20.0, 2.0]).unwrap();
            assert!(thin.nodes().len() < reduced.nodes().len() && worst(&bins, &thin) > 1e-3);
        }
    }

    #[test]
    fn one_energy_is_one_exponential_and_few_stay_what_they_are() {
        let materials = materials(&["water"]);
        let one = Spectrum::new(vec![40.0, 60.0], vec![0.0, 5.0]).unwrap();
        let bins = Quadrature::of_bins(&one, &[1.0, 1.0], &materials).unwrap();
        let (reduced, worst) = bins.reduced(&[100.0]).unwrap();
        let want = (-materials[0].attenuation_per_mm(60.0).unwrap() * 30.0).exp();
        assert!((reduced.transmission(&[30.0]) / want - 1.0).abs() < 1e-12 && worst < 1e-12);
        assert_eq!(reduced.nodes().len(), 1);
    }

    #[test]
    fn all_energies_stay_where_few_do_not_suffice_for_many_materials() {
        let names = [
            "air",
            "lung",
            "adipose",
            "muscle",
            "blood",
            "liver",
            "cartilage",
            "trabecular-bone",
            "cortical-bone",
            "Al",
        ];
        let more = ["I", "Ti", "Fe", "caesium-iodide"];
        let materials = materials(&[&names[..], &more].concat());
        let bins = beam(120.0, &["al:3"], &materials);
        let longest = [[600.0; 10].as_slice(), &[5.0; 4]].concat();
        let (whole, worst) = bins.reduced(&longest).unwrap();
        assert!(whole.nodes().len() > MAX_NODES && worst <= QUADRATURE_TOLERANCE, "{worst}");
        assert!(whole.nodes().iter().all(|node| node.weight >= LEAST_WEIGHT));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let materials = materials(&["water"]);
        let spectrum = Spectrum::new(vec![40.0, 60.0], vec![1.0, 1.0]).unwrap();
        let refused = |response: &[f64]| Quadrature::of_bins(&spectrum, response, &materials).unwrap_err().to_string();
        assert_eq!(refused(&[1.0]), "number of responses must be that of the spectrum's bins, 2, got 1");
        assert_eq!(refused(&[1.0, -1.0]), "response of a detector must be 0 or more and finite, got -1");
        assert_eq!(refused(&[0.0, 0.0]), "signal of the open beam must be positive, got 0");
        let bins = Quadrature::of_bins(&spectrum, &[1.0, 1.0], &materials).unwrap();
        assert!(bins.reduced(&[-1.0]).is_err() && bins.reduced(&[]).is_err());
    }
}
