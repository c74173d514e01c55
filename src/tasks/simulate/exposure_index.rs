//! The exposure index of a view (IEC 62494-1).

use super::{Case, Exposed, Part, case::Object};
use crate::{
    kernels::detector::DetectorSettings,
    physics::{Layer, Tube},
    tasks::TaskError,
};

/// The beam in which detectors are calibrated, RQA5 of IEC 61267: 70 kV behind 21 mm of aluminium besides the tube's own filter, which
/// make a half-value layer of 6.8 mm.
const CALIBRATION_KV: f64 = 70.0;
const CALIBRATION_FILTER: [&str; 2] = ["al:2.5", "al:21"];
const ANODE_DEG: f64 = 12.0;
/// Exposure index of a µGy.
const PER_MICROGRAY: f64 = 100.0;
/// Rays of a smaller line integral have missed the body.
const BODY_INTEGRAL: f32 = 0.3;

impl Case {
    /// Exposure index of a view: a hundred times the air kerma, in µGy, of the calibration beam that would give the detector the median
    /// signal behind the body, primary and scattered.
    ///
    /// ```text
    /// EI = 100/µGy · median(P + S) / (m₁·A/K)
    /// ```
    /// where m₁·A/K is the signal of a pixel of area A for each µGy of the calibration beam (70 kV, RQA5). The standard leaves the relevant
    /// region to whoever computes it: here, pixels that rays reach and whose line integral is 0.3 at least. Nothing without a beam, a
    /// detector, a body, or the images of primary photons and of line integrals.
    ///
    /// # Errors
    /// [`TaskError`]; none for images of this case.
    pub fn exposure_index(&self, exposed: &Exposed, view: usize) -> Result<Option<f64>, TaskError> {
        let (Object::Irradiated(_), Some(detector)) = (&self.object, &self.protocol().detector) else {
            return Ok(None);
        };
        let [primary, integrals] = [Part::Primary, Part::Integrals].map(|part| exposed.stack(part));
        let Some((primary, integrals)) = primary.zip(integrals) else { return Ok(None) };
        let scattered = exposed.stack(Part::Scatter).map(|stack| stack.view_values(view));
        let primary = primary.view_values(view);
        let is_relevant =
            |(pixel, integral): (usize, &f32)| (primary[pixel] > 0.0 && *integral >= BODY_INTEGRAL).then_some(pixel);
        let pixels = integrals.view_values(view).iter().enumerate().filter_map(is_relevant);
        let mut signals: Vec<f32> = pixels.map(|pixel| primary[pixel] + scattered.map_or(0.0, |s| s[pixel])).collect();
        if signals.is_empty() {
            return Ok(None);
        }
        let middle = signals.len() / 2;
        let (_, median, _) = signals.select_nth_unstable_by(middle, f32::total_cmp);
        let [du, dv] = self.room().pitch_mm();
        Ok(Some(PER_MICROGRAY * f64::from(*median) / (du * dv * signal_per_microgray(detector)?)))
    }
}

/// Signal of a mm² of a detector for each µGy of the calibration beam.
fn signal_per_microgray(detector: &DetectorSettings) -> Result<f64, TaskError> {
    let filter = CALIBRATION_FILTER.iter().map(|text| Layer::parse(text, &[])).collect::<Result<_, _>>()?;
    let beam = Tube::new(CALIBRATION_KV, ANODE_DEG, filter)?.spectrum()?;
    let moments = detector.layer()?.spectrum_moments(&beam, 1.0, detector.converter.weighting)?;
    Ok(moments.signal / (1000.0 * beam.air_kerma_mgy()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{Grid, Unit, Volume},
        engine::{Control, Device},
        tasks::{Task as _, simulate::ProtocolText},
    };

    /// An index, and the air kerma behind the body in µGy by the mean transmission of the signal, of a slab of water that is as wide as the field.
    fn slab(kvp: f64, filter: &str) -> [f64; 2] {
        let text = format!(
            "[geometry]\nkind = 'radiograph'\nsource_isocentre_mm = 900\nsource_detector_mm = 1000\n\
             detector = [16, 16]\npitch_mm = [2.0, 2.0]\n\
             [beam]\nkvp = {kvp}\nfilter = {filter}\nmas = 2.0\n[detector]\npitch_mm = 2.0\n"
        );
        let protocol = ProtocolText::from_toml(&text).unwrap().draw(1).unwrap();
        let grid = Grid::centred([20, 10, 20], [4.0, 2.0, 4.0]).unwrap();
        let ct = Volume::new(grid, Unit::Hounsfield, vec![0.0; 4000]).unwrap();
        let case = Case::new(&protocol, ct, 1).unwrap();
        let task = case.exposure(None, &[Part::Primary, Part::Integrals]).unwrap();
        let exposed = pollster::block_on(task.run(&Device::cpu(), &Control::default())).unwrap();
        let primary = exposed.stack(Part::Primary).unwrap().view_values(0);
        let mean = primary.iter().map(|v| f64::from(*v)).sum::<f64>() / primary.len() as f64;
        let passed = mean / case.central_signal().unwrap()[0];
        let open = case.spectra().unwrap().unwrap().0.air_kerma_mgy().unwrap();
        [case.exposure_index(&exposed, 0).unwrap().unwrap(), 1000.0 * open * passed]
    }

    #[test]
    fn the_calibration_beam_has_its_half_value_layer() {
        let filter = CALIBRATION_FILTER.iter().map(|text| Layer::parse(text, &[]).unwrap()).collect();
        let beam = Tube::new(CALIBRATION_KV, ANODE_DEG, filter).unwrap().spectrum().unwrap();
        let [first, _] = beam.half_value_layers_mm_al().unwrap();
        assert!((first - 6.8).abs() < 0.2, "{first} mm Al");
    }

    /// In the calibration beam the index is a hundred times the kerma that gives the signal; the control, a softer beam, whose photons the
    /// detector takes to another share, is not.
    #[test]
    fn the_index_is_that_of_the_kerma_in_the_calibration_beam() {
        let [index, kerma] = slab(70.0, "['al:2.5', 'al:21']");
        assert!((index / (100.0 * kerma) - 1.0).abs() < 0.02, "{index} {kerma} µGy");
        let [index, kerma] = slab(45.0, "['al:1']");
        assert!((index / (100.0 * kerma) - 1.0).abs() > 0.1, "{index} {kerma} µGy");
    }
}
