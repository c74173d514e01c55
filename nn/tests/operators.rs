//! Projection and back-projection as operators of tensors: the kernels' values, gradients against differences in double precision.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "../../kernels-tests/tests/adapters/mod.rs"]
mod adapters;

use adapters::{Software, opened};
use burn::tensor::{Device, Tensor, TensorData};
use kerma::{
    data::Grid,
    engine::{self, Buffer, Control, Extent, Graph, Numerics, Plan},
    geometry::{Geometry, Scan},
    kernels::{
        fdk::backproject,
        project::{Projector, Sampling, project_back},
    },
};
use kerma_kernels_tests::oracle;
use kerma_nn::{Error, beside, operators::ScanOperator};

/// Root mean square of the difference of two gradients over that of the second one.
///
/// Kernels are held to 2·10⁻⁶ of the matrix in double precision; found here: 5·10⁻⁷ at most.
const CLOSE: f64 = 2e-6;
/// What the gradient of a back-projection with other weights must miss by, however it is scaled; found: 0.11 to 0.17.
const FAR: f64 = 0.05;

/// Scans of which each takes other kernels: along columns, a single row, rays in all directions.
fn scenes() -> Vec<(&'static str, Geometry, Grid)> {
    let cone = "kind = \"cone-circular\"\nsource_isocentre_mm = 100.0\nsource_detector_mm = 170.0\nviews = 5\nstart_deg = 3.0\n\
                detector = [14, 12]\npitch_mm = [2.9, 3.1]\n";
    let fan = "kind = \"fan\"\nsource_isocentre_mm = 100.0\nsource_detector_mm = 170.0\nviews = 7\nstart_deg = 2.0\n\
               detector = [24, 1]\npitch_mm = [2.3, 2.0]\n";
    let sweep = "kind = \"tomosynthesis-linear\"\nsource_isocentre_mm = 100.0\nsource_detector_mm = 130.0\nviews = 5\n\
                 sweep_deg = 40.0\ntravel = \"z\"\ndetector = [13, 12]\npitch_mm = [2.2, 2.4]\n";
    let built = |scan: &str| Scan::from_toml(scan).unwrap().build().unwrap();
    vec![
        ("cone", built(cone), "9x8x10@2.1x2.4x1.7+1,-2,0.5".parse().unwrap()),
        ("fan", built(fan), "12x10x1@2.1x2.4x1.7".parse().unwrap()),
        ("sweep", built(sweep), "9x7x9@2.1x2.4x1.7".parse().unwrap()),
    ]
}

/// Numbers from −1 to 1.
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 8) as f32 + 0.5) / 8_388_608.0 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn shapes(geometry: &Geometry, grid: &Grid) -> [[usize; 3]; 2] {
    let ([nx, ny, nz], [columns, rows]) = (grid.size(), geometry.detector());
    [[nz, ny, nx], [geometry.views().len(), rows, columns]]
}

fn tensor(values: &[f32], [batch, channels]: [usize; 2], [a, b, c]: [usize; 3], device: &Device) -> Tensor<5> {
    Tensor::from_data(TensorData::new(values.to_vec(), [batch, channels, a, b, c]), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_data().unwrap().try_to_vec().unwrap()
}

/// What the kernels make of one array.
fn by_kernels(
    from: ([usize; 3], &[f32]),
    to: [usize; 3],
    record: impl FnOnce(&mut Graph<'_>, Buffer<f32>, Buffer<f32>),
) -> Vec<f32> {
    let extent = |[slices, rows, columns]: [usize; 3]| Extent::new(slices, rows, columns);
    let device = engine::Device::cpu();
    let mut graph = Graph::new();
    let x = graph.upload("from", extent(from.0), from.1);
    let y = graph.buffer("to", extent(to));
    record(&mut graph, x, y);
    let output = graph.result(y);
    let plan = Plan::new(&graph, device.limits()).unwrap();
    pollster::block_on(device.run(&plan, &Control::default())).unwrap().take(output).unwrap()
}

fn operator(geometry: &Geometry, grid: &Grid, engine: &engine::Device) -> ScanOperator {
    ScanOperator::new(geometry, grid, Sampling::Joseph, engine).unwrap()
}

/// Σ w·(r²/2 + r³/3) of r = y − p: its gradient is w·(r + r²), not linear in y.
struct Loss {
    measured: Vec<f32>,
    weights: Vec<f32>,
}

impl Loss {
    fn new(count: usize) -> Self {
        let weights = numbers(count, 8).iter().map(|v| v + 1.5).collect();
        Self { measured: numbers(count, 7), weights }
    }

    fn of_tensor(&self, y: Tensor<5>) -> Tensor<1> {
        let [batch, channels, rest @ ..] = y.dims();
        let [p, w] = [&self.measured, &self.weights].map(|v| tensor(v, [batch, channels], rest, &y.device()));
        let r = y - p;
        (w * (r.clone().powi_scalar(2) / 2.0 + r.powi_scalar(3) / 3.0)).sum()
    }

    fn of(&self, y: &[f64]) -> f64 {
        let terms = y.iter().zip(&self.measured).zip(&self.weights);
        terms
            .map(|((y, p), w)| (y - f64::from(*p), f64::from(*w)))
            .map(|(r, w)| w * (r * r / 2.0 + r * r * r / 3.0))
            .sum()
    }

    fn slope(&self, y: &[f64]) -> Vec<f32> {
        let terms = y.iter().zip(&self.measured).zip(&self.weights);
        terms.map(|((y, p), w)| (y - f64::from(*p), f64::from(*w))).map(|(r, w)| (w * (r + r * r)) as f32).collect()
    }
}

/// The matrix of Joseph's projector in double precision: pixel, voxel, weight.
struct Matrix {
    elements: Vec<(usize, usize, f64)>,
    pixels: usize,
    voxels: usize,
}

impl Matrix {
    fn new(geometry: &Geometry, grid: &Grid) -> Self {
        let mut elements = Vec::new();
        oracle::joseph(grid, geometry, |pixel, voxel, weight| elements.push((pixel, voxel, weight)));
        let [volume, stack] = shapes(geometry, grid);
        Self { elements, pixels: stack.iter().product(), voxels: volume.iter().product() }
    }

    fn product(&self, x: &[f64]) -> Vec<f64> {
        let mut y = vec![0.0; self.pixels];
        self.elements.iter().for_each(|(pixel, voxel, weight)| y[*pixel] += weight * x[*voxel]);
        y
    }

    fn transposed(&self, y: &[f64]) -> Vec<f64> {
        let mut x = vec![0.0; self.voxels];
        self.elements.iter().for_each(|(pixel, voxel, weight)| x[*voxel] += weight * y[*pixel]);
        x
    }
}

/// Central differences of a function in double precision. It is a polynomial of degree 3: they err by h²·|f‴|/6.
fn differences(at: &[f32], loss: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    const STEP: f64 = 1e-4;
    let mut x: Vec<f64> = at.iter().map(|v| f64::from(*v)).collect();
    (0..x.len())
        .map(|index| {
            let middle = x[index];
            let [above, below] = [STEP, -STEP].map(|step| {
                x[index] = middle + step;
                loss(&x)
            });
            x[index] = middle;
            (above - below) / (2.0 * STEP)
        })
        .collect()
}

/// Root mean square difference, relative.
fn distance(got: &[f32], want: &[f64], factor: f64) -> f64 {
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let error = square(&mut got.iter().zip(want).map(|(got, want)| factor * f64::from(*got) - want));
    (error / square(&mut want.iter().copied())).sqrt()
}

/// The distance after scaling as well as can be.
fn scaled_distance(got: &[f32], want: &[f64]) -> f64 {
    let (mut both, mut own) = (0.0, 0.0);
    for (got, want) in got.iter().zip(want) {
        (both, own) = (both + f64::from(*got) * want, own + f64::from(*got).powi(2));
    }
    distance(got, want, both / own)
}

#[test]
fn values_are_those_of_the_kernels_in_batches_and_channels() {
    let engine = engine::Device::cpu();
    for (name, geometry, grid) in scenes() {
        let [volume, stack] = shapes(&geometry, &grid);
        for sampling in [Sampling::Siddon, Sampling::Joseph, Sampling::Trilinear] {
            let operator = ScanOperator::new(&geometry, &grid, sampling, &engine).unwrap();
            let (voxels, pixels) = (volume.iter().product::<usize>(), stack.iter().product::<usize>());
            let (x, y) = (numbers(6 * voxels, 1), numbers(6 * pixels, 2));
            let projected = operator.project(tensor(&x, [3, 2], volume, &Device::flex())).unwrap();
            assert_eq!(projected.dims(), [3, 2, stack[0], stack[1], stack[2]]);
            let want = |x: &[f32]| {
                by_kernels((volume, x), stack, |graph, from, to| {
                    Projector::new(graph, sampling, &geometry, &grid, from).record(graph, &geometry, to);
                })
            };
            let want: Vec<f32> = x.chunks(voxels).flat_map(want).collect();
            assert!(values(projected) == want, "{name}, {sampling:?}");
            let back = operator.backproject(tensor(&y, [3, 2], stack, &Device::flex())).unwrap();
            let want = |y: &[f32]| {
                by_kernels((stack, y), volume, |graph, from, to| {
                    project_back(graph, sampling, &geometry, &grid, from, to.replace());
                })
            };
            let want: Vec<f32> = y.chunks(pixels).flat_map(want).collect();
            assert!(values(back) == want, "{name}, {sampling:?}");
            assert!(want.iter().any(|v| *v != 0.0));
        }
    }
}

#[test]
fn gradients_are_those_of_differences_in_double_precision() {
    let engine = engine::Device::cpu();
    let device = Device::flex().autodiff();
    for (name, geometry, grid) in scenes() {
        let matrix = Matrix::new(&geometry, &grid);
        let operator = operator(&geometry, &grid, &engine);
        let [volume, stack] = shapes(&geometry, &grid);
        let unmatched = |y: &[f32]| {
            by_kernels((stack, y), volume, |graph, from, to| {
                backproject::adjoint_like(graph, &geometry, &grid, from, to.replace());
            })
        };

        // Small values, so that neither term of the loss outweighs the other.
        let x: Vec<f32> = numbers(matrix.voxels, 3).iter().map(|v| v * 0.05).collect();
        let at = tensor(&x, [1, 1], volume, &device).require_grad();
        let loss = Loss::new(matrix.pixels);
        let gradients = loss.of_tensor(operator.project(at.clone()).unwrap()).backward();
        let got = values(at.grad(&gradients).unwrap());
        let want = differences(&x, |x| loss.of(&matrix.product(x)));
        let error = distance(&got, &want, 1.0);
        let exact: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
        let control = scaled_distance(&unmatched(&loss.slope(&matrix.product(&exact))), &want);
        println!("{name}, projection: {error:.1e}, voxel-driven {control:.1e}");
        assert!(error < CLOSE, "{name}: {error:e}");
        assert!(control > FAR, "{name}: the control is off by {control:e} only");

        let y: Vec<f32> = numbers(matrix.pixels, 4).iter().map(|v| v * 0.05).collect();
        let at = tensor(&y, [1, 1], stack, &device).require_grad();
        let loss = Loss::new(matrix.voxels);
        let gradients = loss.of_tensor(operator.backproject(at.clone()).unwrap()).backward();
        let got = values(at.grad(&gradients).unwrap());
        let want = differences(&y, |y| loss.of(&matrix.transposed(y)));
        let error = distance(&got, &want, 1.0);
        println!("{name}, back-projection: {error:.1e}");
        assert!(error < CLOSE, "{name}: {error:e}");
        // The control: what another voxel order, a mirrored stack, would give.
        let mirrored: Vec<f32> = got.chunks(stack[2]).flat_map(|row| row.iter().rev().copied()).collect();
        assert!(distance(&mirrored, &want, 1.0) > FAR, "{name}");
    }
}

/// Both operators in a chain, each item of a batch with a gradient of its own.
#[test]
fn gradients_pass_through_both_directions_and_each_item_of_a_batch() {
    let (_, geometry, grid) = scenes().remove(1);
    let (matrix, engine) = (Matrix::new(&geometry, &grid), engine::Device::cpu());
    let operator = operator(&geometry, &grid, &engine);
    let [volume, stack] = shapes(&geometry, &grid);
    let x: Vec<f32> = numbers(2 * matrix.voxels, 5).iter().map(|v| v * 0.05).collect();
    let p = numbers(2 * matrix.pixels, 6);
    let device = Device::flex().autodiff();
    let at = tensor(&x, [2, 1], volume, &device).require_grad();
    let left = operator.project(at.clone()).unwrap() - tensor(&p, [2, 1], stack, &device);
    // ‖Aᵀ(A·x − p)‖²/2, whose gradient is AᵀA·Aᵀ(A·x − p).
    let gradients = (operator.backproject(left).unwrap().powi_scalar(2).sum() / 2.0).backward();
    let got = values(at.grad(&gradients).unwrap());
    for (item, got) in got.chunks(matrix.voxels).enumerate() {
        let exact = |values: &[f32], count: usize| -> Vec<f64> {
            values[item * count..][..count].iter().map(|v| f64::from(*v)).collect()
        };
        let p = exact(&p, matrix.pixels);
        let left = |x: &[f64]| -> Vec<f64> { matrix.product(x).iter().zip(&p).map(|(y, p)| y - p).collect() };
        let inner = matrix.transposed(&left(&exact(&x, matrix.voxels)));
        let want = matrix.transposed(&matrix.product(&inner));
        let error = distance(got, &want, 1.0);
        // Four kernels one after another, where above there were two.
        assert!(error < 2.0 * CLOSE, "{item}: {error:e}");
    }
    assert!(got[..matrix.voxels] != got[matrix.voxels..]);
}

#[test]
fn threads_change_no_bit() {
    let (_, geometry, grid) = scenes().remove(0);
    let [volume, stack] = shapes(&geometry, &grid);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let operator = operator(&geometry, &grid, &engine::Device::cpu());
            let x =
                tensor(&numbers(5 * volume.iter().product::<usize>(), 1), [5, 1], volume, &Device::flex().autodiff());
            let x = x.require_grad();
            let y = operator.project(x.clone()).unwrap();
            let weights = tensor(&numbers(5 * stack.iter().product::<usize>(), 2), [5, 1], stack, &x.device());
            let gradients = (y.clone() * weights).sum().backward();
            [values(y.inner()), values(x.grad(&gradients).unwrap())]
        })
    };
    let one = run(1);
    for threads in [2, 3] {
        assert!(run(threads) == one, "{threads}");
    }
}

#[test]
fn tensors_that_do_not_fit_are_refused_in_one_line() {
    let (_, geometry, grid) = scenes().remove(1);
    let operator = operator(&geometry, &grid, &engine::Device::cpu());
    let zeros = |shape: [usize; 5]| Tensor::<5>::zeros(shape, &Device::flex());
    let message = operator.project(zeros([1, 1, 1, 12, 10])).unwrap_err().to_string();
    let wanted = "the operator takes [batch, channel, z, y, x] with 1 × 10 × 12 values in single precision, got [1, 1, 1, 12, 10]";
    assert_eq!(message, wanted);
    assert!(matches!(operator.project(zeros([0, 1, 1, 10, 12])), Err(Error::Shape { .. })));
    assert!(matches!(operator.backproject(zeros([1, 1, 1, 10, 12])), Err(Error::Shape { .. })));
    assert!(operator.backproject(zeros([1, 1, 7, 1, 24])).is_ok());
    let inside: Grid = "90x90x1@3x3x3".parse().unwrap();
    let error = ScanOperator::new(&geometry, &inside, Sampling::Joseph, &engine::Device::cpu()).unwrap_err();
    assert!(matches!(error, Error::Task(_)), "{error}");
}

/// Tier P: the devices have the CPU's bits, in both directions and in gradients.
#[test]
fn devices_have_the_bits_of_the_cpu() {
    let flex = Device::flex();
    for adapter in [Software::Lavapipe, Software::SwiftShader] {
        let Some(engine) = opened(adapter, Numerics::Pinned) else { continue };
        let gpu = beside(&engine).unwrap();
        for (name, geometry, grid) in scenes() {
            let [volume, stack] = shapes(&geometry, &grid);
            let evaluated = |engine: &engine::Device, device: &Device| {
                let operator = operator(&geometry, &grid, engine);
                let device = device.clone().autodiff();
                let x = numbers(2 * volume.iter().product::<usize>(), 1);
                let x = tensor(&x, [2, 1], volume, &device).require_grad();
                let y = operator.project(x.clone()).unwrap();
                let weights = tensor(&numbers(2 * stack.iter().product::<usize>(), 2), [2, 1], stack, &device);
                let gradients = (y.clone() * weights).sum().backward();
                let gradient = values(x.grad(&gradients).unwrap());
                operator.check().unwrap();
                // −0 is 0 in tier P.
                [values(y.inner()), gradient].map(|all| all.iter().map(|v| v + 0.0).collect::<Vec<_>>())
            };
            let want = evaluated(&engine::Device::cpu(), &flex);
            assert!(evaluated(&engine, &gpu) == want, "{adapter:?}, {name}");
            // An engine and tensors that are not on one device meet on the host.
            assert!(evaluated(&engine, &flex) == want, "{adapter:?}, {name}, tensors on the CPU");
        }
    }
}
