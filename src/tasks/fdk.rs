use std::{borrow::Cow, ops::Range};

use super::{
    Recorded, Redundancy, TaskError,
    batch::{Batch, batches, single_views},
    helix::{self, Slab},
    redundancy,
    task::{Values, fits},
};
use crate::{
    data::{Grid, Projections, Unit, Volume},
    engine::{Buffer, Extent, Graph, Output, Outputs, Write},
    geometry::{DetectorAxis, Geometry, Orbit, Scan, Source, View},
    kernels::fdk::{
        backproject::{self, Arranged, ViewMatrix},
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
    /// Thickness of the slices of a tomosynthesis, in millimetres: width at half height of their profile along y.
    ///
    /// Without it, fine structures of other depths are blurred less the further the sweep is from its middle, as no frequency
    /// along y is left out.
    pub slice_mm: Option<f64>,
}

impl Default for FdkOptions {
    fn default() -> Self {
        Self { window: Window::RamLak, cutoff: 1.0, margin: 0.0, slice_mm: None }
    }
}

/// Reconstruction after Feldkamp, Davis and Kress.
///
/// ```text
/// f(x) = Σ_k w_k · U_k(x)² · q_k(u(x), v(x))      U = SID/(SID − x·ê)
/// ```
/// in batches of views: weight, filter, add to the volume. Works for circles, arcs, parallel beams, for linear and
/// arc tomosynthesis, whose detector may stand still, and, approximately, for helices; see [`Redundancy`] for what the
/// scan means for the values.
pub struct Fdk<'a> {
    graph: Graph<'a>,
    /// Slabs of the volume, lowest first.
    slabs: Vec<Output<f32>>,
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
    /// or the scan has no orbit or does not measure the volume.
    pub fn new(
        projections: impl Into<Cow<'a, Projections>>,
        scan: &Scan,
        grid: &Grid,
        options: FdkOptions,
    ) -> Result<Self, TaskError> {
        let projections = projections.into();
        let filtering = Filtering::new(scan, options)?;
        check(&projections, &filtering.geometry)?;
        let slabs = filtering.slabs(grid)?;

        let mut graph = Graph::new();
        let values = Values::of(projections, Projections::values, Projections::into_values);
        let tables = filtering.tables(&mut graph);
        let volume = |slab: &Slab| graph.buffer("fdk.volume", extent(grid, &slab.slices));
        let volumes: Vec<Buffer<f32>> = slabs.iter().map(volume).collect();
        let mut begun = vec![false; slabs.len()];
        for batch in filtering.batches()? {
            let uploaded = values.upload(&mut graph, PROJECTIONS, filtering.extent(&batch), batch.elements());
            let filtered = filtering.record(&mut graph, &batch, (tables, grid), uploaded);
            for ((slab, volume), is_begun) in slabs.iter().zip(&volumes).zip(&mut begun) {
                let target = if *is_begun { volume.update() } else { volume.replace() };
                *is_begun |= filtering.backproject(&mut graph, &batch, (grid, slab), filtered, target);
            }
        }
        let slabs = volumes.into_iter().map(|volume| graph.result(volume)).collect();
        Ok(Self { graph, slabs, grid: *grid, redundancy: filtering.redundancy() })
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
        let slabs: Vec<Vec<f32>> = self.slabs.iter().map(|slab| outputs.take(*slab)).collect::<Result<_, _>>()?;
        let values = match <[_; 1]>::try_from(slabs) {
            Ok([whole]) => whole,
            Err(slabs) => slabs.concat(),
        };
        Ok(Volume::new(self.grid, Unit::PerMillimetre, values)?)
    }
}

/// Name of what is uploaded.
pub(super) const PROJECTIONS: &str = "fdk.projections";

/// A volume's slices.
pub(super) fn extent(grid: &Grid, slices: &Range<usize>) -> Extent {
    let [nx, ny, _] = grid.size();
    Extent::new(slices.len(), ny, nx)
}

/// What FDK does with views of a scan, whatever they hold.
pub(super) struct Filtering {
    pub(super) geometry: Geometry,
    orbit: Orbit,
    filter: RampFilter,
    slice_mm: Option<f64>,
    /// Columns and rows of a view along the filter.
    measured: usize,
    rows: usize,
    /// Columns before and behind those.
    margins: [usize; 2],
    /// Of every view and filter column.
    weights: Vec<f32>,
}

impl Filtering {
    pub(super) fn new(scan: &Scan, options: FdkOptions) -> Result<Self, TaskError> {
        options.check(scan)?;
        let geometry = scan.build()?;
        let orbit = scan.orbit()?;
        let [measured, rows] = size_along(orbit.filter, geometry.detector());
        let pitch_mm = geometry.pitch_mm()[orbit.filter as usize];
        let margin = (options.margin * measured as f64).ceil() as usize;
        let margins = redundancy::margins(&orbit, measured, pitch_mm, margin);
        let weights = redundancy::weights(&orbit, &geometry, measured, margins);
        let filter = RampFilter { pitch_mm, window: options.window, cutoff: options.cutoff, profile: None };
        Ok(Self { geometry, orbit, filter, slice_mm: options.slice_mm, measured, rows, margins, weights })
    }

    pub(super) fn redundancy(&self) -> Redundancy {
        Redundancy::of(&self.orbit)
    }

    /// What is reconstructed together of `grid`.
    pub(super) fn slabs(&self, grid: &Grid) -> Result<Vec<Slab>, TaskError> {
        self.geometry.outside(grid)?;
        helix::slabs(&self.orbit, &self.geometry, grid)
    }

    fn columns(&self) -> usize {
        self.margins[0] + self.measured + self.margins[1]
    }

    pub(super) fn batches(&self) -> Result<Vec<Batch>, TaskError> {
        Ok(match self.slice_mm {
            None => batches(&self.geometry, self.columns() * self.rows, helix::views_together(&self.orbit))?,
            // A slice's profile is a filter of its own for each view.
            Some(_) => single_views(&self.geometry)?,
        })
    }

    /// Extent of what is uploaded of a batch.
    pub(super) fn extent(&self, batch: &Batch) -> Extent {
        let [nu, nv] = self.geometry.detector();
        Extent::new(batch.views.len(), nv, nu)
    }

    /// The ramp, if it is the same for all views.
    pub(super) fn tables(&self, graph: &mut Graph<'_>) -> Option<ramp::Tables> {
        self.slice_mm.is_none().then(|| ramp::Tables::record(graph, &self.filter, self.columns()))
    }

    /// Records weights and ramp of a batch, for a volume on `grid`.
    pub(super) fn record(
        &self,
        graph: &mut Graph<'_>,
        batch: &Batch,
        (tables, grid): (Option<ramp::Tables>, &Grid),
        uploaded: Buffer<f32>,
    ) -> Arranged {
        let (axis, columns) = (self.orbit.filter, self.columns());
        let table = &self.weights[batch.views.start * columns..batch.views.end * columns];
        let weighted = weight::record(graph, &batch.geometry, axis, self.margins, table, uploaded);
        let tables = tables.unwrap_or_else(|| {
            let depth = depth_frequency(&batch.geometry.views()[0], axis);
            // 1/slice is where the profile ends, 1/(2·pitch) the Nyquist frequency.
            let of_slice = |slice_mm| 2.0 * self.filter.pitch_mm / (slice_mm * depth.max(LEAST_DEPTH));
            let filter = RampFilter { profile: self.slice_mm.map(of_slice), ..self.filter };
            ramp::Tables::record(graph, &filter, columns)
        });
        let filtered = ramp::record(graph, &tables, weighted);
        backproject::arrange(graph, &self.matrices(batch, grid), grid, filtered)
    }

    /// Records the back-projection of a batch into a slab; not, and says so, where the slab's gates leave out all of it.
    pub(super) fn backproject(
        &self,
        graph: &mut Graph<'_>,
        batch: &Batch,
        (grid, slab): (&Grid, &Slab),
        filtered: Arranged,
        target: Write,
    ) -> bool {
        let Some(gates) = slab.gates(&batch.views) else { return false };
        let mut matrices = self.matrices(batch, grid);
        for (matrix, gate) in matrices.iter_mut().zip(gates) {
            *matrix = matrix.counted(*gate);
        }
        backproject::add(graph, &matrices, (grid, slab.slices.clone()), filtered, target);
        true
    }

    fn matrices(&self, batch: &Batch, grid: &Grid) -> Vec<ViewMatrix> {
        backproject::matrices(&batch.geometry, self.orbit.filter, self.margins[0], grid)
    }
}

/// Frequency along y below which a view counts as one straight from the front, over that on the detector.
const LEAST_DEPTH: f64 = 1e-6;

/// Frequency along y in the middle of the volume to which a frequency along the detector's filtered axis belongs, over the latter.
///
/// ```text
/// k = f·M·(e − (e·d)·d)/(1 − (e·d)²)        M = (c − s)·w/(−s·w)
/// ```
/// with the unit vectors e along the axis, d along the ray through the isocentre, w along the detector's normal, the source s
/// and the detector's centre c: of all k across the ray, the one whose share along e is that on the detector, magnified.
fn depth_frequency(view: &View, axis: DetectorAxis) -> f64 {
    let along = view.step(axis).normalize();
    let (ray, magnified) = match view.source {
        Source::Point(source) => {
            let normal = view.u_step.cross(view.v_step);
            (-source.normalize(), (view.detector_centre - source).dot(normal) / (-source).dot(normal))
        }
        Source::Direction(direction) => (direction.normalize(), 1.0),
    };
    let share = along.dot(ray);
    (magnified * (along - share * ray).y / (1.0 - share * share)).abs()
}

impl FdkOptions {
    pub(super) fn check(&self, scan: &Scan) -> Result<(), TaskError> {
        if !(self.cutoff > 0.0 && self.cutoff <= 1.0) {
            return Err(TaskError::Range { field: "cut-off", allowed: "above 0 and at most 1", got: self.cutoff });
        }
        if !(0.0..=1.0).contains(&self.margin) {
            return Err(TaskError::Range { field: "margin", allowed: "0 to 1", got: self.margin });
        }
        if let Some(slice_mm) = self.slice_mm {
            if !(slice_mm > 0.0 && slice_mm.is_finite()) {
                return Err(TaskError::Range { field: "slice thickness", allowed: "above 0 mm", got: slice_mm });
            }
            if !matches!(scan, Scan::TomosynthesisLinear(_) | Scan::TomosynthesisArc(_)) {
                return Err(TaskError::Range {
                    field: "slice thickness",
                    allowed: "absent but for tomosynthesis",
                    got: slice_mm,
                });
            }
        }
        Ok(())
    }
}

pub(super) fn check(projections: &Projections, geometry: &Geometry) -> Result<(), TaskError> {
    fits(projections, geometry)?;
    check_unit(projections.unit())?;
    Ok(projections.check_finite()?)
}

fn check_unit(got: Unit) -> Result<(), TaskError> {
    match got {
        Unit::LineIntegral | Unit::Arbitrary => Ok(()),
        got => Err(TaskError::Unit { what: "projections", expected: "line integrals", got }),
    }
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

    #[test]
    fn frequencies_along_depth_follow_the_tangent_of_a_standing_detector_and_the_sine_of_a_turned_one() {
        let common = "source_isocentre_mm = 1500\nsource_detector_mm = 1800\nsweep_deg = 40\nviews = 5\n\
                      detector = [8, 8]\npitch_mm = [1.0, 1.0]\ntravel = 'z'\n";
        for (kind, of) in [
            ("linear'\ndetector_moves = false", f64::tan as fn(f64) -> f64),
            ("linear'\ndetector_moves = true", f64::tan),
            ("arc'\ndetector_moves = true", f64::sin),
        ] {
            let scan = Scan::from_toml(&format!("kind = 'tomosynthesis-{kind}\n{common}")).unwrap();
            let (geometry, orbit) = (scan.build().unwrap(), scan.orbit().unwrap());
            for (view, angle) in geometry.views().iter().zip(&orbit.angles_rad) {
                let (got, want) = (depth_frequency(view, DetectorAxis::V), 1.2 * of(*angle).abs());
                assert!((got - want).abs() < 1e-12, "{kind} at {angle}: {got}, want {want}");
            }
        }
    }
}
