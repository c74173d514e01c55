use std::ops::Range;

use super::{Material, PhysicsError, Spectrum};

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
/// Steps along either side of that grid.
const GRID_STEPS: usize = 16;
/// A step of −ln T at an absorption edge, and a share of the signal on either side of it, that no node needs to know of.
const NEGLIGIBLE_STEP: f64 = 1e-4;
const NEGLIGIBLE_SHARE: f64 = 1e-6;
/// How much more the open beam counts than another thickness: its signal is 1 exactly.
const OPEN_BEAM: f64 = 30.0;

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
            return Err(PhysicsError::value("number of materials", "1 or more", "0".to_owned()));
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
    ///
    /// # Errors
    /// [`PhysicsError::Value`] for a thickness that is negative or not finite, or when 24 nodes do not suffice.
    pub fn reduced(&self, longest_mm: &[f64]) -> Result<(Self, f64), PhysicsError> {
        if longest_mm.len() != self.materials.len() {
            let allowed = format!("that of the materials, {}", self.materials.len());
            return Err(PhysicsError::value("number of thicknesses", allowed, longest_mm.len().to_string()));
        }
        for (material, thickness) in self.materials.iter().zip(longest_mm) {
            super::spectrum::check_thickness(material, *thickness)?;
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
                let what = format!("error of −ln T with {} energies", best.len());
                let allowed = format!("{QUADRATURE_TOLERANCE} or less");
                return Err(PhysicsError::value(what, allowed, format!("{worst:.1e}")));
            }
            let errors = parts.iter().zip(&gauss).map(|(part, pairs)| match pairs.len() < part.bins.len() {
                true => fitted.error_of(&self.nodes[part.bins.clone()], pairs),
                false => 0.0,
            });
            let worst_part = errors.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(part, _)| part);
            gauss[worst_part] = self.gauss(&parts[worst_part], gauss[worst_part].len() + 1, &fitted)?;
        }
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

/// Thicknesses of all materials, and the signal behind them.
struct Samples(Vec<(Vec<f64>, f64)>);

impl Samples {
    /// The open beam, each material and each two at their longest, all together, and mixtures of random subsets.
    fn drawn(beam: &Quadrature, longest_mm: &[f64], count: usize, seed: u64) -> Self {
        let materials = longest_mm.len();
        let with = |is_in: &dyn Fn(usize) -> bool| -> Vec<f64> {
            (0..materials).map(|m| if is_in(m) { longest_mm[m] } else { 0.0 }).collect()
        };
        let mut thicknesses = vec![vec![0.0; materials], longest_mm.to_vec()];
        for a in 0..materials {
            thicknesses.extend((0..=a).map(|b| with(&|m| m == a || m == b)));
        }
        let mut state = seed;
        let mut random = || {
            // Steele's SplitMix64.
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        };
        thicknesses.resize_with(thicknesses.len() + count, || {
            // From all of them long to most of them thin, where the spectrum changes fastest.
            let power = 2.5 * random();
            let mut drawn = |longest| if random() < 0.5 { 0.0 } else { longest * random().powf(power) };
            longest_mm.iter().map(|&longest| drawn(longest)).collect()
        });
        Self(thicknesses.into_iter().map(|thickness| within(beam, thickness)).collect())
    }

    /// With a grid over every two materials.
    fn and_grid(mut self, beam: &Quadrature, longest_mm: &[f64]) -> Self {
        let at = |step: usize| step as f64 / GRID_STEPS as f64;
        for a in 1..longest_mm.len() {
            for b in 0..a {
                for step in 0..(GRID_STEPS + 1).pow(2) {
                    let mut thickness = vec![0.0; longest_mm.len()];
                    thickness[a] = longest_mm[a] * at(step / (GRID_STEPS + 1));
                    thickness[b] = longest_mm[b] * at(step % (GRID_STEPS + 1));
                    self.0.push(within(beam, thickness));
                }
            }
        }
        self
    }

    /// Largest error of −ln T.
    fn worst(&self, nodes: &[Node]) -> f64 {
        let error = |(thickness, signal): &(Vec<f64>, f64)| {
            let got: f64 = nodes.iter().map(|node| node.transmission(thickness)).sum();
            (got / signal).ln().abs()
        };
        self.0.iter().map(error).fold(0.0, f64::max)
    }

    /// Largest error of the share that bins have in the signal, by the nodes that stand for them.
    fn error_of(&self, bins: &[Node], nodes: &[(Place, Node)]) -> f64 {
        let error = |(thickness, signal): &(Vec<f64>, f64)| {
            let want: f64 = bins.iter().map(|bin| bin.transmission(thickness)).sum();
            let got: f64 = nodes.iter().map(|(_, node)| node.transmission(thickness)).sum();
            (got - want).abs() / signal
        };
        self.0.iter().map(error).fold(0.0, f64::max)
    }

    /// Share of a node in the signal, on average over the samples.
    fn mean_share(&self, node: &Node) -> f64 {
        let share = |(thickness, signal): &(Vec<f64>, f64)| node.transmission(thickness) / signal;
        self.0.iter().map(share).sum::<f64>() / self.0.len() as f64
    }

    fn shares(&self, nodes: &[Node]) -> Vec<f64> {
        nodes.iter().map(|node| self.mean_share(node)).collect()
    }
}

/// A thickness and the signal behind it; halved until enough comes through.
fn within(beam: &Quadrature, mut thickness: Vec<f64>) -> (Vec<f64>, f64) {
    let least = (-DEEPEST_LINE_INTEGRAL).exp();
    let mut signal = beam.transmission(&thickness);
    while signal < least {
        thickness.iter_mut().for_each(|mm| *mm *= 0.5);
        signal = beam.transmission(&thickness);
    }
    (thickness, signal)
}

/// A part of the beam without an absorption edge: its bins, logarithms of their energies, and their shares in the samples' signals.
struct Part {
    bins: Range<usize>,
    ln_energies: Vec<f64>,
    shares: Vec<f64>,
}

/// Where a node begins, between which ends it stays, and its share in the samples' signals.
#[derive(Clone, Copy)]
struct Place {
    ln_energy: f64,
    range: [f64; 2],
    share: f64,
}

impl Place {
    /// Energy in the range, whose ends are those of the spectrum or on one side of an edge.
    fn energy_kev(&self, ln_energy: f64) -> f64 {
        let [low, high] = self.range;
        ln_energy.exp().clamp(low.exp(), high.exp())
    }
}

impl Part {
    /// Halvings in the search for a node.
    const HALVINGS: u32 = 50;

    /// Nodes and weights of the Gauss quadrature in ln E with the bins' shares as its measure.
    fn places(&self, count: usize) -> Vec<Place> {
        let range = [self.ln_energies[0], self.ln_energies[self.ln_energies.len() - 1]];
        let recurrence = self.recurrence(count);
        let node = |number: usize| {
            let [mut low, mut high] = range;
            for _ in 0..Self::HALVINGS {
                let middle = 0.5 * (low + high);
                // Sturm: as many roots lie below as pivots of the Jacobi matrix less x are negative.
                let (mut below, mut pivot) = (0, 1.0);
                for [centre, square] in &recurrence {
                    pivot = centre - middle - square / pivot;
                    below += usize::from(pivot < 0.0);
                }
                if below > number { high = middle } else { low = middle }
            }
            let ln_energy = 0.5 * (low + high);
            // Christoffel: the share is the inverse of the sum of squares of the orthonormal polynomials.
            let (mut last, mut now, mut sum) = (0.0, 1.0, 1.0);
            for (i, [centre, square]) in recurrence.iter().enumerate().take(count - 1) {
                let next = ((ln_energy - centre) * now - square.sqrt() * last) / recurrence[i + 1][1].sqrt();
                (last, now) = (now, next);
                sum += now * now;
            }
            Place { ln_energy, range, share: self.shares.iter().sum::<f64>() / sum }
        };
        (0..count).map(node).collect()
    }

    /// Coefficients of x·p_i = √b_{i+1}·p_{i+1} + a_i·p_i + √b_i·p_{i−1}, the recurrence of the orthonormal polynomials, as [a_i, b_i]
    /// with b_0 = 0 (Lanczos, orthogonalised anew at each step).
    fn recurrence(&self, count: usize) -> Vec<[f64; 2]> {
        let total: f64 = self.shares.iter().sum();
        let inner = |a: &[f64], b: &[f64]| -> f64 {
            a.iter().zip(b).zip(&self.shares).map(|((a, b), share)| a * b * share).sum::<f64>() / total
        };
        let mut polynomials = vec![vec![1.0; self.shares.len()]];
        let (mut recurrence, mut square) = (Vec::new(), 0.0);
        for i in 0..count {
            let mut next: Vec<f64> = polynomials[i].iter().zip(&self.ln_energies).map(|(p, x)| p * x).collect();
            recurrence.push([inner(&next, &polynomials[i]), square]);
            for known in &polynomials {
                let along = inner(&next, known);
                next.iter_mut().zip(known).for_each(|(next, known)| *next -= along * known);
            }
            square = inner(&next, &next).max(f64::MIN_POSITIVE);
            next.iter_mut().for_each(|next| *next /= square.sqrt());
            polynomials.push(next);
        }
        recurrence
    }
}

/// Least squares of T/T_bins − 1 over the logarithms of energies and weights.
struct Fit<'a> {
    materials: &'a [Material],
    places: &'a [Place],
    samples: &'a Samples,
    /// Factor of each sample's error.
    importance: Vec<f64>,
}

/// Factors of the samples' errors: the open beam's is larger.
fn importance(samples: &Samples) -> Vec<f64> {
    let mut importance = vec![1.0; samples.0.len()];
    importance[0] = OPEN_BEAM;
    importance
}

impl Fit<'_> {
    /// Fits one behind the other, and steps of each.
    const ROUNDS: usize = 5;
    const STEPS: usize = 20;
    /// Step of ln E over which attenuation coefficients are differenced.
    const DIFFERENCE: f64 = 1e-5;
    /// Gain of a step below which the fit has come to rest.
    const REST: f64 = 1e-4;

    fn run(&self, mut nodes: Vec<Node>) -> Result<Vec<Node>, PhysicsError> {
        let (mut damping, mut rests) = (1e-2, 0);
        let mut cost = self.cost(&nodes);
        let mut system = self.system(&nodes)?;
        for _ in 0..Self::STEPS {
            let step = system.solved(damping);
            let tried = self.moved(&nodes, &step)?;
            let new = self.cost(&tried);
            if new < cost {
                rests = if new > (1.0 - Self::REST) * cost { rests + 1 } else { 0 };
                (nodes, cost, damping) = (tried, new, 0.2 * damping);
                system = self.system(&nodes)?;
            } else {
                damping *= 5.0;
            }
            if rests == 3 || damping > 1e8 {
                break;
            }
        }
        Ok(nodes)
    }

    /// Nodes after a step, energies within their part of the beam.
    fn moved(&self, nodes: &[Node], step: &[f64]) -> Result<Vec<Node>, PhysicsError> {
        let moved =
            nodes.iter().zip(self.places).zip(step.as_chunks::<2>().0).map(|((node, place), [energy, weight])| {
                let [low, high] = place.range;
                let ln_energy = (node.energy_kev.ln() + energy).clamp(low, high);
                // A weight changes e-fold at most.
                let weight = (node.weight * weight.clamp(-1.0, 1.0).exp()).max(LEAST_WEIGHT);
                Node::of(place.energy_kev(ln_energy), weight, self.materials)
            });
        moved.collect()
    }

    /// Gives more weight to the samples that err most (Lawson): the next fit has a smaller largest error.
    fn weigh(&mut self, nodes: &[Node]) {
        /// Least factor, so that no sample is forgotten.
        const LEAST: f64 = 0.3;
        let errors: Vec<f64> = self.errors(nodes).map(f64::abs).collect();
        let mean_square = errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64;
        let scale = mean_square.sqrt().max(f64::MIN_POSITIVE);
        // The open beam keeps its own.
        for (importance, error) in self.importance.iter_mut().zip(&errors).skip(1) {
            *importance *= (error / scale).sqrt().max(LEAST);
        }
    }

    /// Relative error of each sample.
    fn errors(&self, nodes: &[Node]) -> impl Iterator<Item = f64> {
        self.samples.0.iter().map(|(thickness, signal)| {
            nodes.iter().map(|node| node.transmission(thickness)).sum::<f64>() / signal - 1.0
        })
    }

    fn cost(&self, nodes: &[Node]) -> f64 {
        self.errors(nodes).zip(&self.importance).map(|(error, importance)| (importance * error).powi(2)).sum()
    }

    /// The linearised problem: for each node its energy, then its weight.
    fn system(&self, nodes: &[Node]) -> Result<Triangle, PhysicsError> {
        let slopes = nodes.iter().zip(self.places).map(|(node, place)| {
            let [low, high] = place.range;
            let ends = [-1.0, 1.0].map(|side| (node.energy_kev.ln() + side * Self::DIFFERENCE).clamp(low, high));
            let between = (ends[1] - ends[0]).max(f64::MIN_POSITIVE);
            let [below, above] = ends.map(|end| Node::of(place.energy_kev(end), 1.0, self.materials));
            let pairs = below?.attenuation_per_mm.into_iter().zip(above?.attenuation_per_mm);
            Ok(pairs.map(|(below, above)| (above - below) / between).collect())
        });
        let slopes: Vec<Vec<f64>> = slopes.collect::<Result<_, PhysicsError>>()?;
        let mut system = Triangle::zero(2 * nodes.len());
        let mut row = vec![0.0; 2 * nodes.len()];
        for ((thickness, signal), &factor) in self.samples.0.iter().zip(&self.importance) {
            let mut residual = -factor;
            for ((node, slope), row) in nodes.iter().zip(&slopes).zip(row.as_chunks_mut::<2>().0) {
                let share = factor * node.transmission(thickness) / signal;
                *row = [-share * product(slope, thickness), share];
                residual += share;
            }
            system.add(&mut row, -residual);
        }
        Ok(system)
    }
}

/// Least squares J·x = −r as a triangle R and a right side, into which rows are turned one by one (Givens).
///
/// JᵀJ would have the square of J's condition, and exponentials resemble each other: half of the digits would be lost.
#[derive(Clone)]
struct Triangle {
    rows: Vec<Vec<f64>>,
    right: Vec<f64>,
}

impl Triangle {
    fn zero(size: usize) -> Self {
        Self { rows: vec![vec![0.0; size]; size], right: vec![0.0; size] }
    }

    /// Takes in a row, which is used up, and its right side.
    fn add(&mut self, row: &mut [f64], mut right: f64) {
        for (i, (of_triangle, of_right)) in self.rows.iter_mut().zip(&mut self.right).enumerate() {
            let length = of_triangle[i].hypot(row[i]);
            if length == 0.0 {
                continue;
            }
            let (cosine, sine) = (of_triangle[i] / length, row[i] / length);
            let turned = |a: &mut f64, b: &mut f64| (*a, *b) = (cosine * *a + sine * *b, cosine * *b - sine * *a);
            of_triangle[i..].iter_mut().zip(&mut row[i..]).for_each(|(a, b)| turned(a, b));
            turned(of_right, &mut right);
        }
    }

    /// The solution of the equations and √damping·D·x = 0, where D has the lengths of J's columns.
    fn solved(&self, damping: f64) -> Vec<f64> {
        let size = self.right.len();
        let mut damped = self.clone();
        for i in 0..size {
            let length = self.rows[..=i].iter().map(|row| row[i] * row[i]).sum::<f64>().sqrt();
            let mut row = vec![0.0; size];
            // A parameter without a slope, at the end of its range, stays.
            row[i] = (damping.sqrt() * length).max(f64::MIN_POSITIVE.sqrt());
            damped.add(&mut row, 0.0);
        }
        let mut x = damped.right;
        for i in (0..size).rev() {
            let known: f64 = (i + 1..size).map(|k| damped.rows[i][k] * x[k]).sum();
            x[i] = (x[i] - known) / damped.rows[i][i];
        }
        x
    }
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
