//! The operations as functions of tensors: kernels of the CPU, or burn's operations elsewhere.

use burn::{
    backend::Dispatch,
    tensor::{Device, Tensor, activation, module, ops::ConvOptions},
};

use super::{
    blocks::{Blocks, Folding},
    extension::NetworkOps as _,
    norm,
};

/// 3 × 3 convolution with a border of zeros, and added `onto` where there is something: the end of a residual block in one pass.
///
/// # Shapes
/// - `x`: `[count, in, rows, columns]`
/// - `weight`: `[out, in, 3, 3]`, `bias`: `[out]`
/// - `onto`, output: `[count, out, rows, columns]`
pub fn conv3x3(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, onto: Option<Tensor<4>>) -> Tensor<4> {
    if on_flex(&x) {
        return convolved(x, weight, bias, onto);
    }
    let sums = module::conv2d(x, weight, Some(bias), ConvOptions::new([1; 2], [1; 2], [1; 2], 1));
    onto.into_iter().fold(sums, |sums, onto| onto + sums)
}

/// 3 × 3 × 3 convolution with a border of zeros, and added `onto` where there is something.
///
/// # Shapes
/// - `x`: `[count, in, planes, rows, columns]`
/// - `weight`: `[out, in, 3, 3, 3]`, `bias`: `[out]`
/// - `onto`, output: `[count, out, planes, rows, columns]`
pub fn conv3x3x3(x: Tensor<5>, weight: Tensor<5>, bias: Tensor<1>, onto: Option<Tensor<5>>) -> Tensor<5> {
    if on_flex(&x) {
        return convolved(x, weight, bias, onto);
    }
    let sums = module::conv3d(x, weight, Some(bias), ConvOptions::new([1; 3], [1; 3], [1; 3], 1));
    onto.into_iter().fold(sums, |sums, onto| onto + sums)
}

fn convolved<const D: usize>(x: Tensor<D>, weight: Tensor<D>, bias: Tensor<1>, onto: Option<Tensor<D>>) -> Tensor<D> {
    let [x, weight] = [x, weight].map(Tensor::into_dispatch);
    let bias = bias.into_dispatch();
    Tensor::from_dispatch(match onto {
        Some(onto) => Dispatch::convolve_onto(x, weight, bias, onto.into_dispatch()),
        None => Dispatch::convolve(x, weight, bias),
    })
}

/// 1 × 1 convolution: channels of every pixel mixed.
///
/// # Shapes
/// - `x`: `[count, in, rows, columns]`
/// - `weight`: `[out, in, 1, 1]`, `bias`: `[out]`
/// - output: `[count, out, rows, columns]`
pub fn mix(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>) -> Tensor<4> {
    if !on_flex(&x) {
        return module::conv2d(x, weight, Some(bias), ConvOptions::new([1, 1], [0, 0], [1, 1], 1));
    }
    Tensor::from_dispatch(Dispatch::mix(x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()))
}

/// Twice the sides of images or volumes: every value is repeated 2 × 2 or 2 × 2 × 2 times.
///
/// # Shapes
/// - `x`: `[count, channels, rows, columns]` or `[count, channels, planes, rows, columns]`
/// - output: the same with twice the planes, rows and columns
pub fn enlarge<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if on_flex(&x) {
        return Tensor::from_dispatch(Dispatch::blocks(x.into_dispatch(), Blocks::Repeat, 1.0));
    }
    let mut dims = x.dims();
    let (outer, rows, columns) = outer(dims);
    let planes = if D == 5 { 2 } else { 1 };
    dims.iter_mut().skip(2).for_each(|side| *side *= 2);
    x.reshape([outer, 1, rows, 1, columns, 1]).expand([outer, planes, rows, 2, columns, 2]).reshape(dims)
}

/// Half the sides of images or volumes: the mean of each block of 2 × 2 or 2 × 2 × 2 values.
///
/// # Shapes
/// - `x`: `[count, channels, rows, columns]` or `[count, channels, planes, rows, columns]`, all sides even
/// - output: the same with half the planes, rows and columns
pub fn halve<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if on_flex(&x) {
        let factor = if D == 5 { 0.125 } else { 0.25 };
        return Tensor::from_dispatch(Dispatch::blocks(x.into_dispatch(), Blocks::Sum, factor));
    }
    let mut dims = x.dims();
    dims.iter_mut().skip(2).for_each(|side| *side /= 2);
    let (outer, rows, columns) = outer(dims);
    let planes = if D == 5 { 2 } else { 1 };
    x.reshape([outer, planes, rows, 2, columns, 2]).mean_dim(5).mean_dim(3).mean_dim(1).reshape(dims)
}

/// Blocks of `side` × `side` pixels as channels; [`unfold`] undoes it.
///
/// # Shapes
/// - input: `[count, channels, rows, columns]`, both multiples of `side`
/// - output: `[count, channels side², rows / side, columns / side]`
#[must_use]
pub fn fold(x: Tensor<4>, side: usize) -> Tensor<4> {
    if on_flex(&x) {
        return Tensor::from_dispatch(Dispatch::fold(x.into_dispatch(), Folding { side, unfolds: false }));
    }
    let [count, channels, rows, columns] = x.dims();
    let blocks = x.reshape([count, channels, rows / side, side, columns / side, side]);
    blocks.permute([0, 1, 3, 5, 2, 4]).reshape([count, channels * side * side, rows / side, columns / side])
}

/// Channels as blocks of `side` × `side` pixels.
///
/// # Shapes
/// - input: `[count, channels side², rows, columns]`
/// - output: `[count, channels, rows side, columns side]`
#[must_use]
pub fn unfold(x: Tensor<4>, side: usize) -> Tensor<4> {
    if on_flex(&x) {
        return Tensor::from_dispatch(Dispatch::fold(x.into_dispatch(), Folding { side, unfolds: true }));
    }
    let [count, channels, rows, columns] = x.dims();
    let channels = channels / (side * side);
    let blocks = x.reshape([count, channels, side, side, rows, columns]);
    blocks.permute([0, 1, 4, 2, 5, 3]).reshape([count, channels, rows * side, columns * side])
}

/// Group normalisation, then a gain and a shift per image and channel, then SiLU where `silu` says so.
///
/// # Shapes
/// - `x`, output: `[count, channels, …]`, images or volumes
/// - `gain`, `shift`: `[count, channels]`
pub fn norm_silu<const D: usize>(
    x: Tensor<D>,
    gain: Tensor<2>,
    shift: Tensor<2>,
    groups: usize,
    silu: bool,
) -> Tensor<D> {
    if on_flex(&x) {
        let [x, gain, shift] = [x.into_dispatch(), gain.into_dispatch(), shift.into_dispatch()];
        return Tensor::from_dispatch(Dispatch::norm_silu(x, gain, shift, groups, silu));
    }
    let dims = x.dims();
    let pixels: usize = dims.iter().skip(2).product();
    let x = x.reshape([dims[0], groups, dims[1] / groups * pixels]);
    let centred = x.clone() - x.mean_dim(2);
    let variance = centred.clone().square().mean_dim(2);
    let x = (centred / (variance + norm::EPSILON).sqrt()).reshape([dims[0], dims[1], pixels]);
    let x = (x * gain.unsqueeze_dim(2) + shift.unsqueeze_dim(2)).reshape(dims);
    if silu { activation::silu(x) } else { x }
}

fn on_flex<const D: usize>(x: &Tensor<D>) -> bool {
    x.device() == Device::flex()
}

/// All but rows and columns as one, rows, columns.
fn outer<const D: usize>(dims: [usize; D]) -> (usize, usize, usize) {
    (dims.iter().take(D - 2).product(), dims[D - 2], dims[D - 1])
}
