use std::borrow::Cow;

use super::{Recorded, Redundancy, TaskError, batch::batches, redundancy, task::Values};
use crate::{
    data::{Grid, Projections, Unit, Volume},
    engine::{Extent, Graph, Output, Outputs},
    geometry::{DetectorAxis, Geometry, Scan},
    kernels::fdk::{
        backproject,
        ramp::{self, RampFilter, Window},
        weight::{self, size_along},
    },
};

/// How an FDK reconstruction filters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FdkOptions {
    /// Apodising window.
    pub window: Window,
    /// Frequency at which the window ends, relative to the Nyquist frequency, in (0, 1].
    pub cutoff: f64,
    /// Margin by which rows are continued at either end before the ramp, as a share of their length, 0 to 1.
    ///
    /// For objects that go on beyond the detector: without it the ramp takes the edge of the detector for that of the
    /// object and puts a bright band there. The short side of a displaced detector needs none.
    pub margin: f64,
}

impl Default for FdkOptions {
    fn default() -> Self {
        Self { window: Window::RamLak, cutoff: 1.0, margin: 0.0 }
    }
}

/// Reconstruction after Feldkamp, Davis and Kress.
///
/// ```text
/// f(x) = Σ_k w_k · U_k(x)² · q_k(u(x), v(x))      U = SID/(SID − x·ê)
/// ```
/// in batches of views: weight, filter, add to the volume. Works for circles, arcs, parallel beams, and for linear and
/// arc tomosynthesis, whose detector may stand still; see [`Redundancy`] for what the arc means for the values.
pub struct Fdk<'a> {
    graph: Graph<'a>,
    output: Output<f32>,
    grid: Grid,
    redundancy: Redundancy,
}

impl<'a> Fdk<'a> {
    /// Records the reconstruction of `projections`, line integrals taken by `scan`, on `grid`.
    ///
    /// A stack without a unit is taken to hold line integrals. One that is given away makes a task that borrows nothing.
    ///
    /// # Errors
    /// [`TaskError`] when the projections do not fit the scan, are in another unit or hold values that are not finite,
    /// or the scan has no orbit.
    pub fn new(
        projections: impl Into<Cow<'a, Projections>>,
        scan: &Scan,
        grid: &Grid,
        options: FdkOptions,
    ) -> Result<Self, TaskError> {
        let projections = projections.into();
        let geometry = scan.build()?;
        let orbit = scan.orbit()?;
        check(&projections, &geometry, grid, options)?;

        let axis = orbit.filter;
        let [measured, rows] = size_along(axis, geometry.detector());
        let pitch_mm = geometry.pitch_mm()[axis as usize];
        let margin = (options.margin * measured as f64).ceil() as usize;
        let margins = redundancy::margins(&orbit, measured, pitch_mm, margin);
        let columns = margins[0] + measured + margins[1];
        let weights = redundancy::weights(&orbit, &geometry, measured, margins);

        let mut graph = Graph::new();
        let values = Values::of(projections, Projections::values, Projections::into_values);
        let filter = RampFilter { pitch_mm, window: options.window, cutoff: options.cutoff };
        let tables = ramp::Tables::record(&mut graph, &filter, columns);
        let [nx, ny, nz] = grid.size();
        let volume = graph.buffer("fdk.volume", Extent::new(nz, ny, nx));
        for batch in batches(&geometry, columns * rows)? {
            let extent = match axis {
                DetectorAxis::U => Extent::new(batch.views.len(), rows, measured),
                DetectorAxis::V => Extent::new(batch.views.len(), measured, rows),
            };
            let uploaded = values.upload(&mut graph, "fdk.projections", extent, batch.elements());
            let table = &weights[batch.views.start * columns..batch.views.end * columns];
            let weighted = weight::record(&mut graph, &batch.geometry, axis, margins, table, uploaded);
            let filtered = ramp::record(&mut graph, &tables, weighted);
            let target = if batch.views.start == 0 { volume.replace() } else { volume.update() };
            backproject::record(&mut graph, &batch.geometry, axis, margins[0], grid, filtered, target);
        }
        let output = graph.result(volume);
        Ok(Self { graph, output, grid: *grid, redundancy: Redundancy::of(&orbit) })
    }

    /// The recorded graph, to be changed: what [`Recorded::finish`] would shape can be taken no more.
    #[must_use]
    pub fn into_graph(self) -> Graph<'a> {
        self.graph
    }

    /// How the rays of the scan repeat each other.
    #[must_use]
    pub fn redundancy(&self) -> Redundancy {
        self.redundancy
    }
}

impl Recorded for Fdk<'_> {
    type Result = Volume;

    fn graph(&self) -> &Graph<'_> {
        &self.graph
    }

    fn finish(&self, mut outputs: Outputs) -> Result<Volume, TaskError> {
        Ok(Volume::new(self.grid, Unit::PerMillimetre, outputs.take(self.output)?)?)
    }
}

fn check(projections: &Projections, geometry: &Geometry, grid: &Grid, options: FdkOptions) -> Result<(), TaskError> {
    if !(options.cutoff > 0.0 && options.cutoff <= 1.0) {
        return Err(TaskError::Range { field: "cut-off", allowed: "above 0 and at most 1", got: options.cutoff });
    }
    if !(0.0..=1.0).contains(&options.margin) {
        return Err(TaskError::Range { field: "margin", allowed: "0 to 1", got: options.margin });
    }
    let words = |views: usize, [nu, nv]: [usize; 2]| format!("{views} views of {nu}x{nv}");
    let expected = words(geometry.views().len(), geometry.detector());
    let got = words(projections.views(), projections.detector());
    if expected != got {
        return Err(TaskError::Shape { expected, got });
    }
    if !matches!(projections.unit(), Unit::LineIntegral | Unit::Arbitrary) {
        let got = projections.unit();
        return Err(TaskError::Unit { what: "projections", expected: "line integrals", got });
    }
    projections.check_finite()?;
    geometry.outside(grid)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Limits, Plan};

    #[test]
    fn tables_of_the_ramp_are_uploaded_once_however_many_batches_there_are() {
        let scan = "kind = 'parallel'\nviews = 160\narc_deg = 180\ndetector = [1024, 64]\npitch_mm = [1.0, 1.0]";
        let scan = Scan::from_toml(scan).unwrap();
        let values = vec![0.0; 160 * 1024 * 64];
        let stack = Projections::new(160, [1024, 64], [1.0; 2], Unit::LineIntegral, values).unwrap();
        let grid = Grid::centred([4; 3], [1.0; 3]).unwrap();
        let task = Fdk::new(&stack, &scan, &grid, FdkOptions::default()).unwrap();
        let plan = Plan::new(task.graph(), Limits::portable()).unwrap().to_string();
        let uploads = |label: &str| plan.matches(&format!("upload {label}")).count();
        assert_eq!((uploads("fdk.projections"), uploads("ramp.spectra"), uploads("ramp.twiddles")), (2, 1, 1));
    }
}
