use std::borrow::Cow;

use super::{FdkOptions, Recorded, Redundancy, TaskError, fdk, redundancy, task::Values};
use crate::{
    data::{Grid, Projections, Unit, Volume},
    engine::{Buffer, Extent, Graph, Output, Outputs},
    geometry::{DetectorAxis, Geometry, Scan},
    kernels::{
        fdk::{
            backproject::{self, ViewMatrix},
            parallel,
            ramp::RampFilter,
            slices, weight,
        },
        fourier::{
            columns, gather, rows,
            spectra::{self, RowForm},
            transform::{MAX_TRANSFORM, MIN_TRANSFORM},
        },
    },
};

/// Size of the frequency grids that are there at a time, and of the rows that they are gathered from, in bytes.
const GROUP_BYTES: usize = 32 << 20;
/// Polar samples of one slice that are gathered at a time.
const BATCH_SAMPLES: usize = 1 << 21;
/// Method, as errors name it.
const METHOD: &str = "fourier";

/// Reconstruction of parallel beams in frequency.
///
/// ```text
/// f(x) = Σ_k w_k · q_k(u_k(x))
/// ```
/// The sums of [`Fdk`](super::Fdk) with the same ramp, weights and linear interpolation, taken over frequencies instead of views at
/// every voxel: spectra of the rows are gathered on a grid of frequencies, which two transforms bring back. The work of a slice of N²
/// voxels from K views grows with N²·log N + K·N instead of K·N². Values differ from those of `Fdk` by what the gathering
/// leaves out, and where views end: `Fdk` takes nothing from views that do not see a voxel, this the tails of their filtered
/// rows.
///
/// Slices are reconstructed in groups, two as one complex image.
pub struct Fourier<'a> {
    graph: Graph<'a>,
    output: Output<f32>,
    grid: Grid,
    redundancy: Redundancy,
}

impl<'a> Fourier<'a> {
    /// Records the reconstruction of `projections`, line integrals taken by `scan`, on `grid`.
    ///
    /// A stack without a unit is taken to hold line integrals. One that is given away makes a task that borrows nothing.
    ///
    /// # Errors
    /// [`TaskError`] for what [`Fdk`](super::Fdk) refuses, for other beams than parallel ones perpendicular to the grid's z axis, and
    /// for rows or slices of more than 1024 pixels.
    pub fn new(
        projections: impl Into<Cow<'a, Projections>>,
        scan: &Scan,
        grid: &Grid,
        options: FdkOptions,
    ) -> Result<Self, TaskError> {
        let projections = projections.into();
        let geometry = scan.build()?;
        let orbit = scan.orbit()?;
        options.check(scan)?;
        fdk::check(&projections, &geometry)?;

        let [measured, detector_rows] = geometry.detector();
        let axis = DetectorAxis::U;
        let pitch_mm = geometry.pitch_mm()[axis as usize];
        let margin = (options.margin * measured as f64).ceil() as usize;
        let margins = redundancy::margins(&orbit, measured, pitch_mm, margin);
        let width = margins[0] + measured + margins[1];
        let sizes = Sizes::new(&geometry, margins, grid)?;
        let weights = redundancy::weights(&orbit, &geometry, measured, margins);
        let filter = RampFilter { pitch_mm, window: options.window, cutoff: options.cutoff, profile: None };

        let mut graph = Graph::new();
        let values = Values::of(projections, Projections::values, Projections::into_values);
        let views = geometry.views().len();
        let extent = Extent::new(views, detector_rows, measured);
        let uploaded = values.upload(&mut graph, "fourier.projections", extent, 0..views * detector_rows * measured);
        let weighted = weight::record(&mut graph, &geometry, axis, margins, &weights, uploaded);

        let [nx, ny, nz] = grid.size();
        let output = graph.output("fourier.volume", nz.next_multiple_of(2) * ny * nx);
        let group = sizes.group(views * width);
        let tables = sizes.tables(&mut graph, &filter);
        let table = graph.upload_table("fourier.views", &sizes.matrices);
        for first in (0..nz).step_by(2 * group) {
            let slab = (grid, first..nz.min(first + 2 * group));
            let lines = slices::record(&mut graph, table, &slab, weighted);
            let slices = sizes.record(&mut graph, &tables, lines, [nx as u32, ny as u32]);
            graph.download(slices, output, first * ny * nx);
        }
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

impl Recorded for Fourier<'_> {
    type Result = Volume;

    fn graph(&self) -> &Graph<'_> {
        &self.graph
    }

    fn finish(&self, mut outputs: Outputs) -> Result<Volume, TaskError> {
        let mut values = outputs.take(self.output)?;
        // The last of an odd number of slices has an empty partner.
        values.truncate(self.grid.voxel_count());
        Ok(Volume::new(self.grid, Unit::PerMillimetre, values)?)
    }
}

/// Lengths of transforms, and where voxels meet the detector.
struct Sizes {
    /// Numbers of a row's transform.
    row: usize,
    /// Points of the frequency grid along x and y.
    points: [u32; 2],
    forms: Vec<RowForm>,
    matrices: Vec<ViewMatrix>,
}

impl Sizes {
    fn new(geometry: &Geometry, margins: [usize; 2], grid: &Grid) -> Result<Self, TaskError> {
        let refused = |reason| Err(TaskError::Method { method: METHOD, reason });
        let matrices = backproject::matrices(geometry, DetectorAxis::U, margins[0], grid);
        let width = margins[0] + geometry.detector()[0] + margins[1];
        if !parallel::applies(&matrices, width as u32, grid) {
            return refused("needs parallel beams perpendicular to the grid's z axis");
        }
        let forms = RowForm::of(geometry, margins[0], grid);
        let [nx, ny, _] = grid.size();
        // Rows repeat after a period, of which no voxel may be more than half from the middle.
        let middle = (width as f64 - 1.0) / 2.0;
        let reach = |form: &RowForm| {
            (form.middle - middle).abs() + form.x.abs() * (nx / 2) as f64 + form.y.abs() * (ny / 2) as f64
        };
        let period = forms.iter().map(|form| 2.0 * reach(form)).fold(2.0 * width as f64, f64::max);
        let length = |least: f64| (least.ceil() as usize).next_power_of_two().max(MIN_TRANSFORM);
        if period > MAX_TRANSFORM as f64 {
            return refused(
                "takes at most 1024 detector columns, margins counted, and voxels at most 1024 columns from the middle",
            );
        }
        let points = [nx, ny].map(|n| length(gather::OVERSAMPLING * n as f64));
        if points.iter().any(|points| *points > MAX_TRANSFORM) {
            return refused("takes at most 1024 voxels along x and y");
        }
        Ok(Self { row: length(period), points: points.map(|n| n as u32), forms, matrices })
    }

    /// Pairs of slices that are reconstructed at a time, from so many values of all views a slice.
    fn group(&self, slice_values: usize) -> usize {
        let points: usize = self.points.iter().map(|n| *n as usize).product();
        let bytes = (points * size_of::<[f32; 2]>()).max(2 * slice_values * size_of::<f32>());
        (GROUP_BYTES / bytes).max(1)
    }

    /// Records the tables of all views, in batches.
    fn tables(&self, graph: &mut Graph<'_>, filter: &RampFilter) -> Vec<(spectra::Tables, gather::Tables)> {
        let batch = (BATCH_SAMPLES / (2 * self.row)).max(1);
        let of_batch = |(index, forms): (usize, &[RowForm])| {
            let spectra = spectra::Tables::record(graph, filter, forms, index * batch, self.row);
            (spectra, gather::Tables::record(graph, forms, self.row, self.points))
        };
        self.forms.chunks(batch).enumerate().map(of_batch).collect()
    }

    /// Records the slices that are reconstructed from `lines` (views × slices × columns).
    fn record(
        &self,
        graph: &mut Graph<'_>,
        tables: &[(spectra::Tables, gather::Tables)],
        lines: Buffer<f32>,
        [nx, ny]: [u32; 2],
    ) -> Buffer<f32> {
        let pairs = graph.extent(lines).rows.div_ceil(2);
        let [gx, gy] = self.points;
        let grid = graph.buffer("fourier.grid", Extent { slices: pairs, rows: gx, columns: gy });
        for (index, (spectra, gather)) in tables.iter().enumerate() {
            let samples = spectra::record(graph, spectra, lines);
            let target = if index == 0 { grid.replace() } else { grid.update() };
            gather::record(graph, gather, samples, target);
        }
        let mixed = rows::record(graph, grid, columns::first(ny, gy), ny);
        columns::record(graph, mixed, nx, gy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Limits, Plan};

    #[test]
    fn tables_are_uploaded_once_however_many_groups_of_slices_there_are() {
        let scan = "kind = 'parallel'\nviews = 6\narc_deg = 180\ndetector = [256, 70]\npitch_mm = [1.0, 1.0]";
        let scan = Scan::from_toml(scan).unwrap();
        let stack = Projections::new(6, [256, 70], [1.0; 2], Unit::LineIntegral, vec![0.0; 6 * 70 * 256]).unwrap();
        let grid = Grid::centred([256, 256, 70], [1.0; 3]).unwrap();
        let task = Fourier::new(&stack, &scan, &grid, FdkOptions::default()).unwrap();
        let plan = Plan::new(task.graph(), Limits::portable()).unwrap().to_string();
        let uploads = |label: &str| plan.matches(&format!("upload {label}")).count();
        let counts = ["spectra.factors", "gather.entries", "fourier.views"].map(uploads);
        assert_eq!(counts, [1, 1, 1]);
        assert_eq!(plan.matches("-> fourier.volume").count(), 3, "{plan}");
    }
}
