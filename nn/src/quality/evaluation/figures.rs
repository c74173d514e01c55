use std::sync::Arc;

use serde::Serialize;

use super::{
    super::{
        Answer, Assessment, Assessor, Exposure, Quantity, Radiograph, Radiographs, SIDE, Scale, Seen,
        calibration::balanced_accuracy, run::input, seen::ln_quanta, view::median,
    },
    baseline::Baseline,
};
use crate::{Error, training::Draws};

/// Exposures of each radiograph.
const EXPOSURES: usize = 2;
/// Classes of distances to the nearest limit: below each, and beyond the last.
pub(super) const BINS: usize = 4;

/// One quantity: its methods.
pub struct Evaluation {
    quantity: Quantity,
    baseline: Baseline,
    networks: Vec<(String, Assessor)>,
    seed: u64,
}

/// What is measured of one method on one body.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Mean size of the errors, of noise their median; none where only classes are told.
    pub error: Option<f64>,
    /// Mean error, with its sign.
    pub bias: Option<f64>,
    /// The same mean size where bones are bright, and where they are dark.
    pub by_polarity: [Option<f64>; 2],
    /// Mean over the classes of the share that is recognised.
    pub accuracy: f64,
    /// Images, and those whose class was told, by their distance to the nearest limit.
    pub by_distance: [[usize; 2]; BINS],
    /// Largest difference of the mirror image's value from the opposite; of rotation alone.
    pub mirrored: Option<f64>,
}

/// Upper ends of the classes of distances.
pub(super) fn distances(quantity: Quantity) -> [f64; BINS - 1] {
    match quantity {
        Quantity::Noise => [0.1, 0.2, 0.5],
        Quantity::Contrast => [0.05, 0.1, 0.2],
        Quantity::Rotation => [1.0, 2.0, 5.0],
    }
}

/// What was told of an image, and what is true.
struct Told {
    truth: f64,
    is_inverted: bool,
    assessment: Assessment,
    mirrored: Option<f64>,
}

impl Evaluation {
    /// An evaluation of networks with their names; the baseline is fitted on cases of the trainings.
    ///
    /// # Errors
    /// What reading them says; [`Error::Options`] when a network tells another quantity.
    pub fn new(
        quantity: Quantity,
        networks: Vec<(String, Assessor)>,
        training: &Radiographs,
        seed: u64,
    ) -> Result<Self, Error> {
        if let Some((name, _)) = networks.iter().find(|(_, n)| n.model().card().recipe.quantity != quantity) {
            return Err(Error::Options(format!("{name}: tells another quantity than the {}", quantity.name())));
        }
        let baseline = Baseline::fitted(quantity, training, seed)?;
        Ok(Self { quantity, baseline, networks, seed })
    }

    /// Names of the methods: the constant, the baseline, the networks.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let analytic = match self.quantity {
            Quantity::Noise => "noise fit",
            Quantity::Contrast => "mean and entropy",
            Quantity::Rotation => "asymmetry",
        };
        let baselines = ["constant", analytic].map(str::to_owned);
        baselines.into_iter().chain(self.networks.iter().map(|(name, _)| name.clone())).collect()
    }

    /// What is measured of every method, by body and method; `tell` hears which share is done and may stop it.
    ///
    /// # Errors
    /// What reading and the networks say; [`Error::Noise`] when the noise of an image cannot be fitted; what `tell` says.
    pub fn measure(
        &self,
        radiographs: &Radiographs,
        tell: &mut dyn FnMut(f64) -> Result<(), Error>,
    ) -> Result<Vec<Vec<Figures>>, Error> {
        let (mut bodies, mut body): (Vec<Vec<Figures>>, Vec<Arc<Radiograph>>) = (Vec::new(), Vec::new());
        for index in 0..radiographs.count() {
            tell(index as f64 / radiographs.count() as f64)?;
            let radiograph = radiographs.get(index)?;
            if body.last().is_some_and(|last| last.body != radiograph.body) {
                bodies.push(self.body(&std::mem::take(&mut body), bodies.len())?);
            }
            body.push(radiograph);
        }
        bodies.push(self.body(&body, bodies.len())?);
        Ok(bodies)
    }

    /// One body. Values lie evenly over their range, in an order that is drawn; polarities alternate.
    fn body(&self, radiographs: &[Arc<Radiograph>], number: usize) -> Result<Vec<Figures>, Error> {
        let mut draws = Draws::new(!self.seed, number as u64);
        let count = radiographs.len() * EXPOSURES;
        let mut order: Vec<usize> = (0..count).collect();
        (1..count).for_each(|last| order.swap(last, draws.below(last + 1)));
        let mut told: Vec<Vec<Told>> = self.names().iter().map(|_| Vec::new()).collect();
        for (at, stratum) in order.into_iter().enumerate() {
            let value = self.quantity.at((stratum as f64 + draws.unit()) / count as f64);
            let mut exposure = Exposure { is_inverted: at % 2 == 1, ..Exposure::drawn(&mut draws) };
            match self.quantity {
                Quantity::Noise => exposure.ln_quanta = value,
                Quantity::Contrast => exposure.exponent = value,
                Quantity::Rotation => {}
            }
            let all = self.image(&radiographs[at / EXPOSURES], &exposure)?;
            told.iter_mut().zip(all).for_each(|(method, told)| method.push(told));
        }
        Ok(told.iter().map(|told| self.figures(told)).collect())
    }

    /// What every method tells of an image.
    fn image(&self, radiograph: &Radiograph, exposure: &Exposure) -> Result<Vec<Told>, Error> {
        let quantity = self.quantity;
        let of_value = |value: f64| Assessment { value: Some(value), class: quantity.class_of(value) };
        let image = exposure.image(radiograph)?;
        let (analytic, seen) = match quantity {
            Quantity::Noise => (ln_quanta(&image)?, input(quantity, &image, Scale::Exposure)?),
            _ => {
                let analytic = self.baseline.of_display(exposure.display(image.values()), exposure.is_inverted);
                (analytic, radiograph.seen(quantity, exposure, false)?)
            }
        };
        let (truth, is_inverted) = (exposure.truth(quantity, radiograph), exposure.is_inverted);
        let told = |assessment, mirrored| Told { truth, is_inverted, assessment, mirrored };
        let mut all = vec![told(of_value(quantity.at(0.5)), None), told(of_value(analytic), None)];
        for (_, network) in &self.networks {
            let is_paired = quantity.is_odd() && network.model().card().recipe.answer == Answer::Value;
            let mut both = seen.clone();
            if is_paired {
                let mirrored = seen.pixels.chunks(SIDE).flat_map(|row| row.iter().rev()).copied();
                both.extend(Seen { pixels: mirrored.collect(), fits: seen.fits.clone() });
            }
            let assessed = network.tell(both)?;
            all.push(told(assessed[0], assessed.get(1).and_then(|mirrored| mirrored.value)));
        }
        Ok(all)
    }

    fn figures(&self, told: &[Told]) -> Figures {
        let quantity = self.quantity;
        let error = |told: &Told| Some(told.assessment.value? - told.truth);
        let mean = |errors: Vec<f64>| (!errors.is_empty()).then(|| errors.iter().sum::<f64>() / errors.len() as f64);
        let sizes = |meant: &dyn Fn(&&Told) -> bool| -> Vec<f64> {
            told.iter().filter(|told| meant(told)).filter_map(error).map(f64::abs).collect()
        };
        let all = sizes(&|_| true);
        let typical = match quantity {
            Quantity::Noise if !all.is_empty() => {
                Some(f64::from(median(&all.iter().map(|error| *error as f32).collect::<Vec<_>>())))
            }
            _ => mean(all),
        };
        let pairs: Vec<_> = told.iter().map(|told| (told.assessment.class, quantity.class_of(told.truth))).collect();
        let mut by_distance = [[0; 2]; BINS];
        for (told, (class, truth)) in told.iter().zip(&pairs) {
            let distance = quantity.distance(told.truth);
            let bin = distances(quantity).iter().filter(|end| distance >= **end).count();
            by_distance[bin][0] += 1;
            by_distance[bin][1] += usize::from(class == truth);
        }
        let odd = told.iter().filter_map(|told| Some((told.assessment.value? + told.mirrored?).abs()));
        Figures {
            error: typical,
            bias: mean(told.iter().filter_map(error).collect()),
            by_polarity: [false, true].map(|polarity| mean(sizes(&|told| told.is_inverted == polarity))),
            accuracy: balanced_accuracy(&pairs).unwrap_or(f64::NAN),
            by_distance,
            mirrored: odd.fold(None, |most: Option<f64>, odd| Some(most.map_or(odd, |most| most.max(odd)))),
        }
    }
}
