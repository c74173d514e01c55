use std::{
    fmt::{self, Debug, Formatter},
    sync::{Arc, Mutex, PoisonError},
};

use burn::{
    backend::Dispatch,
    tensor::{DType, Tensor},
};
use kerma::{
    data::Grid,
    engine::{self, Buffer, Control, Extent, Graph, Output, Plan},
    geometry::Geometry,
    kernels::project::{Projector, Sampling, project_back},
    tasks::TaskError,
};
use pollster::block_on;
use rayon::prelude::*;

use super::extension::{Applied as _, Directed};
use crate::{Error, filled, values};

/// A projector A and its exact adjoint Aᵀ for one scan and grid, as operators of tensors that burn differentiates.
///
/// ```text
/// y[b, c] = A·x[b, c]        ∂L/∂x[b, c] = Aᵀ·∂L/∂y[b, c]
/// ```
/// where b runs over the batch and c over channels. Volumes are `[batch, channel, z, y, x]` in 1/mm, stacks `[batch, channel, view, v, u]`
/// without a unit (Aᵀ of one is in mm); any other unit of volumes comes out times mm. Values are those of the kernels to the bit, on any number
/// of threads, gradients those of their adjoints ([`project_back`]), which is tested against differences in double precision.
///
/// On the CPU a tensor's array is read where it lies, and volumes of a batch are computed side by side. On a GPU what comes out
/// stays on the device ([`filled`]); what goes in passes through the host, since the engine reads no foreign memory.
#[derive(Clone)]
pub struct ScanOperator {
    scan: Arc<Scan>,
}

/// What an operator is made of.
pub(super) struct Scan {
    engine: engine::Device,
    geometry: Geometry,
    grid: Grid,
    sampling: Sampling,
    /// What failed where there was nobody to tell: a gradient has no error.
    failure: Mutex<Option<Error>>,
}

/// Direction of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// A: volumes to stacks.
    Project,
    /// Aᵀ: stacks to volumes.
    Backproject,
}

impl Way {
    pub(super) fn adjoint(self) -> Self {
        match self {
            Self::Project => Self::Backproject,
            Self::Backproject => Self::Project,
        }
    }

    fn takes(self) -> &'static str {
        match self {
            Self::Project => "[batch, channel, z, y, x]",
            Self::Backproject => "[batch, channel, view, v, u]",
        }
    }
}

impl Debug for ScanOperator {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [volume, stack] = [Way::Project, Way::Backproject].map(|way| self.scan.shape(way));
        write!(f, "ScanOperator({:?}, {volume:?} to {stack:?})", self.scan.sampling)
    }
}

impl ScanOperator {
    /// The operator of `geometry` on `grid`, computed by `engine`.
    ///
    /// # Errors
    /// [`Error::Task`] when a source stands inside the volume; [`Error::Engine`] when one volume and its stack exceed the device's memory
    /// or its limits.
    pub fn new(geometry: &Geometry, grid: &Grid, sampling: Sampling, engine: &engine::Device) -> Result<Self, Error> {
        geometry.outside(grid).map_err(TaskError::from)?;
        let (geometry, grid, engine) = (geometry.clone(), *grid, engine.clone());
        let scan = Scan { engine, geometry, grid, sampling, failure: Mutex::new(None) };
        for way in [Way::Project, Way::Backproject] {
            let nothing = vec![0.0; scan.shape(way).iter().product()];
            Plan::new(&scan.recorded(way, &nothing).0, scan.engine.limits())?;
        }
        Ok(Self { scan: Arc::new(scan) })
    }

    /// The grid of the volumes.
    #[must_use]
    pub fn grid(&self) -> &Grid {
        &self.scan.grid
    }

    /// The geometry of the stacks.
    #[must_use]
    pub fn geometry(&self) -> &Geometry {
        &self.scan.geometry
    }

    /// A·x: line integrals of volumes.
    ///
    /// # Shapes
    /// - `volumes`: `[batch, channel, z, y, x]`
    /// - output: `[batch, channel, view, v, u]`
    ///
    /// # Errors
    /// [`Error::Shape`] when the volumes are not those of the grid, or not of single precision; what the device says, also of gradients
    /// before ([`check`](Self::check)).
    pub fn project(&self, volumes: Tensor<5>) -> Result<Tensor<5>, Error> {
        self.applied(Way::Project, volumes)
    }

    /// Aᵀ·y: the exact adjoint of [`project`](Self::project).
    ///
    /// # Shapes
    /// - `stacks`: `[batch, channel, view, v, u]`
    /// - output: `[batch, channel, z, y, x]`
    ///
    /// # Errors
    /// As [`project`](Self::project).
    pub fn backproject(&self, stacks: Tensor<5>) -> Result<Tensor<5>, Error> {
        self.applied(Way::Backproject, stacks)
    }

    /// ‖A‖, the largest singular value in mm, by so many steps of the power method from a volume of ones; from below, and the same bits on
    /// every device of tier P.
    ///
    /// # Errors
    /// What the device says.
    pub fn norm_mm(&self, steps: usize) -> Result<f64, Error> {
        let norm = |values: &[f32]| values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        let mut volume = vec![1.0; self.scan.shape(Way::Project).iter().product()];
        let mut largest = 0.0;
        for _ in 0..steps {
            let length = norm(&volume).max(f64::MIN_POSITIVE);
            volume.iter_mut().for_each(|v| *v = (f64::from(*v) / length) as f32);
            let stack = self.scan.results(Way::Project, &volume)?;
            largest = norm(&stack);
            volume = self.scan.results(Way::Backproject, &stack)?;
        }
        Ok(largest)
    }

    /// Whether all gradients so far could be computed. One that could not be is no number, since burn's differentiation has no errors.
    ///
    /// # Errors
    /// The first that was met, once.
    pub fn check(&self) -> Result<(), Error> {
        self.scan.failure.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }

    fn applied(&self, way: Way, x: Tensor<5>) -> Result<Tensor<5>, Error> {
        self.check()?;
        let [batch, channels, rest @ ..] = x.dims();
        let refuse = |got: String| {
            let [slices, rows, columns] = self.scan.shape(way);
            let needed = format!("{} with {slices} × {rows} × {columns} values in single precision", way.takes());
            Err(Error::Shape { needed, got })
        };
        if rest != self.scan.shape(way) || batch * channels == 0 {
            return refuse(format!("{:?}", x.dims()));
        }
        if x.dtype() != DType::F32 {
            return refuse(format!("{:?}", x.dtype()));
        }
        let operator = Directed { scan: Arc::clone(&self.scan), way };
        let result = Tensor::from_dispatch(Dispatch::applied(x.into_dispatch(), operator));
        self.check()?;
        Ok(result)
    }
}

impl Scan {
    /// What goes in, without batch and channels.
    fn shape(&self, way: Way) -> [usize; 3] {
        match way {
            Way::Project => {
                let [nx, ny, nz] = self.grid.size();
                [nz, ny, nx]
            }
            Way::Backproject => {
                let [columns, rows] = self.geometry.detector();
                [self.geometry.views().len(), rows, columns]
            }
        }
    }

    /// What comes out of tensors of such a shape.
    pub(super) fn results_shape(&self, way: Way, [batch, channels, ..]: [usize; 5]) -> [usize; 5] {
        let [slices, rows, columns] = self.shape(way.adjoint());
        [batch, channels, slices, rows, columns]
    }

    /// A value, or what stands for it when there is an error, which is kept.
    pub(super) fn kept<T>(&self, result: Result<T, Error>, otherwise: impl FnOnce() -> T) -> T {
        result.unwrap_or_else(|error| {
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            otherwise()
        })
    }

    /// Results of arrays that follow each other, as an array.
    pub(super) fn results(&self, way: Way, values: &[f32]) -> Result<Vec<f32>, Error> {
        let run = |values: &[f32]| -> Result<Vec<f32>, Error> {
            let (graph, output) = self.recorded(way, values);
            let plan = Plan::new(&graph, self.engine.limits())?;
            Ok(block_on(self.engine.run(&plan, &Control::default()))?.take(output)?)
        };
        let item: usize = self.shape(way).iter().product();
        if self.engine.handles().is_some() || values.len() == item {
            return run(values);
        }
        let all: Result<Vec<Vec<f32>>, Error> = values.par_chunks(item).map(run).collect();
        Ok(all?.concat())
    }

    /// Results of a tensor on a GPU, as a tensor there, batch and channels in one.
    pub(super) fn on_device(&self, way: Way, x: Tensor<5>) -> Result<Tensor<4>, Error> {
        let device = x.device();
        let values = values(x)?;
        let (graph, output) = self.recorded(way, &values);
        let [slices, rows, columns] = self.shape(way.adjoint());
        let item: usize = self.shape(way).iter().product();
        block_on(filled(&graph, output, [values.len() / item, slices, rows, columns], &self.engine, &device))
    }

    /// Records what comes out of arrays that follow each other, one result behind the other.
    fn recorded<'v>(&self, way: Way, values: &'v [f32]) -> (Graph<'v>, Output<f32>) {
        let [from, to] = [way, way.adjoint()].map(|way| self.shape(way));
        let [from_count, to_count] = [from, to].map(|shape| shape.iter().product::<usize>());
        let [from, to] = [from, to].map(|[slices, rows, columns]| Extent::new(slices, rows, columns));
        let mut graph = Graph::new();
        let output = graph.output("operator.results", values.len() / from_count * to_count);
        for (index, values) in values.chunks_exact(from_count).enumerate() {
            let x = graph.upload("operator.values", from, values);
            let y = graph.buffer("operator.result", to);
            self.record(&mut graph, way, x, y);
            graph.download(y, output, index * to_count);
        }
        (graph, output)
    }

    fn record(&self, graph: &mut Graph<'_>, way: Way, x: Buffer<f32>, y: Buffer<f32>) {
        let Self { geometry, grid, sampling, .. } = self;
        match way {
            Way::Project => Projector::new(graph, *sampling, geometry, grid, x).record(graph, geometry, y),
            Way::Backproject => project_back(graph, *sampling, geometry, grid, x, y.replace()),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn what_failed_in_a_gradient_is_told_by_the_next_use_and_once() {
        let scan = "kind = 'parallel'\nviews = 3\narc_deg = 180\ndetector = [5, 1]\npitch_mm = [1.0, 1.0]";
        let geometry = kerma::geometry::Scan::from_toml(scan).unwrap().build().unwrap();
        let grid = Grid::centred([4, 4, 1], [1.0; 3]).unwrap();
        let operator = ScanOperator::new(&geometry, &grid, Sampling::Joseph, &engine::Device::cpu()).unwrap();
        let ones = || Tensor::<5>::ones([1, 1, 1, 4, 4], &Device::flex());
        let failed = |words: &str| Err(Error::Tensor(words.to_owned()));
        assert!(operator.scan.kept(failed("first"), || f32::NAN).is_nan());
        assert!(operator.scan.kept(failed("second"), || f32::NAN).is_nan());
        assert_eq!(operator.project(ones()).unwrap_err().to_string(), "the device failed: first");
        assert!(operator.check().is_ok() && operator.project(ones()).is_ok());
    }

    #[test]
    fn the_norm_is_that_of_a_matrix_that_is_known() {
        let scan = "kind = 'parallel'\nviews = 2\narc_deg = 180\ndetector = [4, 1]\npitch_mm = [1.0, 1.0]";
        let geometry = kerma::geometry::Scan::from_toml(scan).unwrap().build().unwrap();
        let grid = Grid::centred([4, 4, 1], [1.0; 3]).unwrap();
        let operator = ScanOperator::new(&geometry, &grid, Sampling::Joseph, &engine::Device::cpu()).unwrap();
        // Views at 0° and 180° sum the same four columns: AᵀA has the largest eigenvalue 2·4.
        let norm = operator.norm_mm(30).unwrap();
        assert!((norm - 8.0_f64.sqrt()).abs() < 1e-5, "{norm}");
    }
}
