use std::borrow::Cow;

use super::{Recorded, TaskError, batch::batches, task::Values};
use crate::{
    data::{Projections, Unit, Volume},
    engine::{Extent, Graph, Output, Outputs},
    geometry::Geometry,
    kernels::{
        pointwise::attenuation,
        project::{Projector, Sampling},
    },
};

/// Attenuation coefficient of water at 60 keV in mm⁻¹ (NIST: 0.2059 cm²/g at 1 g/cm³), for CT numbers.
pub const WATER_PER_MM: f32 = 0.020_59;

/// Line integrals through a volume.
///
/// CT numbers become attenuation coefficients on the way, with water at [`WATER_PER_MM`]. The volume is uploaded once
/// and its projections come back in batches of views.
pub struct Projection<'a> {
    graph: Graph<'a>,
    output: Output<f32>,
    geometry: Geometry,
}

impl<'a> Projection<'a> {
    /// Records the projection of `volume`, in mm⁻¹ or Hounsfield units, by Siddon's method; one that is given away makes a task that borrows
    /// nothing.
    ///
    /// # Errors
    /// [`TaskError`] when the volume's unit is neither or holds values that are not finite, a source stands inside the
    /// volume, or the projections would be more than [`Projections`] may hold.
    pub fn new(volume: impl Into<Cow<'a, Volume>>, geometry: &Geometry) -> Result<Self, TaskError> {
        Self::by(Sampling::default(), volume, geometry)
    }

    /// The same, by another way of sampling the volume.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn by(sampling: Sampling, volume: impl Into<Cow<'a, Volume>>, geometry: &Geometry) -> Result<Self, TaskError> {
        let mut graph = Graph::new();
        let output = Self::record(&mut graph, sampling, volume, geometry)?;
        Ok(Self { graph, output, geometry: geometry.clone() })
    }

    /// Records it into a graph.
    pub(super) fn record(
        graph: &mut Graph<'a>,
        sampling: Sampling,
        volume: impl Into<Cow<'a, Volume>>,
        geometry: &Geometry,
    ) -> Result<Output<f32>, TaskError> {
        let volume = volume.into();
        let [columns, rows] = geometry.detector();
        let value_count = Projections::check_shape(geometry.views().len(), [columns, rows])?;
        check(&volume, geometry)?;
        let projector = projector(graph, sampling, volume, geometry);
        let output = graph.output("project.integrals", value_count);
        for batch in batches(geometry, projector.pixel_values() * columns * rows, usize::MAX)? {
            let integrals = graph.buffer("project.integrals", Extent::new(batch.views.len(), rows, columns));
            projector.record(graph, &batch.geometry, integrals);
            graph.download(integrals, output, batch.elements().start);
        }
        Ok(output)
    }

    /// The recorded graph, to be changed: what [`Recorded::finish`] would shape can be taken no more.
    #[must_use]
    pub fn into_graph(self) -> Graph<'a> {
        self.graph
    }
}

/// Whether a volume can be projected.
///
/// # Errors
/// As for [`Projection::new`], but for the size of the stack.
pub(super) fn check(volume: &Volume, geometry: &Geometry) -> Result<(), TaskError> {
    if !matches!(volume.unit(), Unit::PerMillimetre | Unit::Hounsfield) {
        return Err(TaskError::Unit { what: "volume", expected: "mm⁻¹ or HU", got: volume.unit() });
    }
    geometry.outside(volume.grid())?;
    Ok(volume.check_finite()?)
}

/// Records what makes a volume that was checked ready to be projected.
pub(super) fn projector<'a>(
    graph: &mut Graph<'a>,
    sampling: Sampling,
    volume: Cow<'a, Volume>,
    geometry: &Geometry,
) -> Projector {
    let (grid, unit, count) = (*volume.grid(), volume.unit(), volume.values().len());
    let [nx, ny, nz] = grid.size();
    let values = Values::of(volume, Volume::values, Volume::into_values);
    let uploaded = values.upload(graph, "project.volume", Extent::new(nz, ny, nx), 0..count);
    let attenuation = match unit {
        Unit::Hounsfield => attenuation::record(graph, WATER_PER_MM, uploaded),
        _ => uploaded,
    };
    Projector::new(graph, sampling, geometry, &grid, attenuation)
}

impl Recorded for Projection<'_> {
    type Result = Projections;

    fn graph(&self) -> &Graph<'_> {
        &self.graph
    }

    fn finish(&self, mut outputs: Outputs) -> Result<Projections, TaskError> {
        let values = outputs.take(self.output)?;
        let (views, detector) = (self.geometry.views().len(), self.geometry.detector());
        Ok(Projections::new(views, detector, self.geometry.pitch_mm(), Unit::LineIntegral, values)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::Grid, geometry::Scan};

    #[test]
    fn a_stack_too_large_to_hold_is_refused_before_it_is_computed() {
        let scan = "kind = 'parallel'\nviews = 40000\narc_deg = 180\ndetector = [65536, 4]\npitch_mm = [1.0, 1.0]";
        let geometry = Scan::from_toml(scan).unwrap().build().unwrap();
        let volume = Volume::zeros(Grid::centred([2; 3], [1.0; 3]).unwrap(), Unit::PerMillimetre);
        let error = Projection::new(&volume, &geometry).err().map(|e| e.to_string());
        assert_eq!(error.as_deref(), Some("projections of 40000 views of 65536x4 has more than 8589934592 values"));
    }
}
