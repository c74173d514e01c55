//! Images of an even field, for the noise of the detector.

use super::{Case, case::Object};
use crate::{
    data::{Image, Sample, Unit},
    engine::{Extent, Graph, Output, Outputs},
    kernels::pointwise::fill,
    tasks::{Recorded, TaskError},
};

/// Most columns and rows of an even field.
const LARGEST: usize = 512;

/// A view through an even layer, by the detector of a case: recorded, to be planned and run.
pub struct EvenField {
    graph: Graph<'static>,
    size: [usize; 2],
    pitch_mm: [f64; 2],
    output: Output<f32>,
}

impl Case {
    /// Records corrected line integrals behind a layer that lets a share `transmission` of the open beam through, all energies alike, in
    /// the middle of the detector, on 512 × 512 of its pixels at most. Its noise is that of no view of the case. Differences of line
    /// integrals are relative ones of the signal: their noise power spectrum is the normalised one (IEC 62220-1). Nothing without a detector.
    ///
    /// # Errors
    /// [`TaskError`]; none for a case that was made and a transmission above 0.
    pub fn even_field(&self, transmission: f64) -> Result<Option<EvenField>, TaskError> {
        let Object::Irradiated(irradiated) = &self.object else { return Ok(None) };
        let room = self.room();
        let size = room.detector().map(|n| n.min(LARGEST));
        let mut graph = Graph::new();
        let Some(chain) = self.chain(irradiated, &mut graph, size, None)? else { return Ok(None) };
        let signal = fill::record(&mut graph, Extent::new(1, size[1], size[0]), transmission as f32);
        let recorded = chain.record(&mut graph, signal, Some(signal), room.views().len() as u32);
        let output = graph.result(recorded.integrals);
        Ok(Some(EvenField { graph, size, pitch_mm: room.pitch_mm(), output }))
    }
}

impl Recorded for EvenField {
    type Result = Image;

    fn graph(&self) -> &Graph<'_> {
        &self.graph
    }

    fn finish(&self, mut outputs: Outputs) -> Result<Image, TaskError> {
        let values = outputs.take(self.output)?;
        Ok(Image::new(self.size, Some(self.pitch_mm), Sample::Float, Unit::LineIntegral, values)?)
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        data::{Grid, Unit, Volume},
        engine::{Control, Device},
        tasks::{
            Task,
            simulate::{Case, ProtocolText},
        },
    };

    #[test]
    fn noise_of_an_even_field_is_that_of_its_quanta_and_ten_times_as_large_behind_a_hundredth() {
        let quiet = ["blur", "electronics", "pattern", "readout", "correction"];
        let quiet: String = quiet.iter().map(|effect| format!("[detector.{effect}]\nenabled = false\n")).collect();
        let text = format!(
            "[geometry]\nkind = 'radiograph'\nsource_isocentre_mm = 1000\nsource_detector_mm = 1200\ndetector = [150, 140]\n\
             pitch_mm = [0.5, 0.5]\n[beam]\nkvp = 110\nfilter = ['al:3']\nmas = 0.5\n[detector]\npitch_mm = 0.5\n{quiet}"
        );
        let protocol = ProtocolText::from_toml(&text).unwrap().draw(3).unwrap();
        let grid = Grid::centred([20, 10, 20], [10.0; 3]).unwrap();
        let ct = Volume::new(grid, Unit::Hounsfield, vec![0.0; grid.voxel_count()]).unwrap();
        let case = Case::new(&protocol, ct, 3).unwrap();
        let [mean, variance] = case.central_signal().unwrap();
        for transmission in [1.0, 0.01] {
            let task = case.even_field(transmission).unwrap().unwrap();
            let image = pollster::block_on(task.run(&Device::cpu(), &Control::default())).unwrap();
            assert_eq!(image.size(), [150, 140]);
            let values = || image.values().iter().map(|value| f64::from(*value));
            let middle = values().sum::<f64>() / 21_000.0;
            assert!((middle + f64::ln(transmission)).abs() < 0.01, "{middle}");
            let got = values().map(|value| (value - middle).powi(2)).sum::<f64>() / 21_000.0;
            let want = variance / (mean * mean) / transmission;
            // Variances of 21,000 values have a standard error of 1 %.
            assert!((got / want - 1.0).abs() < 0.04, "{got} {want}");
        }
    }
}
