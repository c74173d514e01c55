//! The kernels as operations of burn: routed by device, differentiated by hand.

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, Flex, TensorMetadata,
        autodiff::{
            NodeId,
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        flex::{FlexTensor, Layout},
        tensor::FloatTensor,
    },
    tensor::{Bytes, DType, Device, Shape, Tensor, activation, module, ops::ConvOptions},
};

use super::{
    conv, enlarge as repeat,
    norm::{self, Norm},
    planes::Planes,
};

/// What the CPU backend has kernels of its own for.
#[backend_extension(Flex, Autodiff)]
trait NetworkOps: Backend {
    fn conv3x3(x: FloatTensor<Self>, weight: FloatTensor<Self>, bias: FloatTensor<Self>) -> FloatTensor<Self>;
    fn enlarge(x: FloatTensor<Self>) -> FloatTensor<Self>;
    fn norm_silu(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        groups: usize,
        silu: bool,
    ) -> FloatTensor<Self>;
}

/// 3 × 3 convolution with a border of zeros.
///
/// # Shapes
/// - `x`: `[count, in, rows, columns]`
/// - `weight`: `[out, in, 3, 3]`, `bias`: `[out]`
/// - output: `[count, out, rows, columns]`
pub fn conv3x3(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>) -> Tensor<4> {
    if !on_flex(&x) {
        let same = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
        return module::conv2d(x, weight, Some(bias), same);
    }
    Tensor::from_dispatch(Dispatch::conv3x3(x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()))
}

/// Twice the rows and columns: every pixel is repeated 2 × 2 times.
///
/// # Shapes
/// - `x`: `[count, channels, rows, columns]`
/// - output: `[count, channels, 2 rows, 2 columns]`
pub fn enlarge(x: Tensor<4>) -> Tensor<4> {
    if on_flex(&x) {
        return Tensor::from_dispatch(Dispatch::enlarge(x.into_dispatch()));
    }
    let [count, channels, rows, columns] = x.dims();
    let repeated = x.reshape([count * channels, rows, 1, columns, 1]).expand([count * channels, rows, 2, columns, 2]);
    repeated.reshape([count, channels, 2 * rows, 2 * columns])
}

/// Group normalisation, then a gain and a shift per image and channel, then SiLU where `silu` says so.
///
/// # Shapes
/// - `x`, output: `[count, channels, rows, columns]`
/// - `gain`, `shift`: `[count, channels]`
pub fn norm_silu(x: Tensor<4>, gain: Tensor<2>, shift: Tensor<2>, groups: usize, silu: bool) -> Tensor<4> {
    if on_flex(&x) {
        let [x, gain, shift] = [x.into_dispatch(), gain.into_dispatch(), shift.into_dispatch()];
        return Tensor::from_dispatch(Dispatch::norm_silu(x, gain, shift, groups, silu));
    }
    let [count, channels, rows, columns] = x.dims();
    let x = x.reshape([count, groups, channels / groups * rows * columns]);
    let centred = x.clone() - x.mean_dim(2);
    let variance = centred.clone().square().mean_dim(2);
    let x = (centred / (variance + norm::EPSILON).sqrt()).reshape([count, channels, rows, columns]);
    let x = x * gain.reshape([count, channels, 1, 1]) + shift.reshape([count, channels, 1, 1]);
    if silu { activation::silu(x) } else { x }
}

fn on_flex(x: &Tensor<4>) -> bool {
    x.device() == Device::flex()
}

fn planes(tensor: &FlexTensor) -> Planes {
    Planes::new(tensor.shape().dims())
}

fn tensor(values: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape.into()), DType::F32)
}

impl NetworkOps for Flex {
    fn conv3x3(x: FlexTensor, weight: FlexTensor, bias: FlexTensor) -> FlexTensor {
        let [x, weight, bias] = [x, weight, bias].map(|t| t.to_contiguous());
        let (p, out) = (planes(&x), bias.shape().num_elements());
        let values = conv::forward(x.storage(), p, weight.storage(), Some(bias.storage()), out);
        tensor(values, [p.count, out, p.rows, p.columns])
    }

    fn enlarge(x: FlexTensor) -> FlexTensor {
        let x = x.to_contiguous();
        let p = planes(&x);
        tensor(repeat::forward(x.storage(), p), [p.count, p.channels, 2 * p.rows, 2 * p.columns])
    }

    fn norm_silu(x: FlexTensor, gain: FlexTensor, shift: FlexTensor, groups: usize, silu: bool) -> FlexTensor {
        let [x, gain, shift] = [x, gain, shift].map(|t| t.to_contiguous());
        let norm = Norm { planes: planes(&x), groups, silu };
        tensor(norm::forward(x.storage(), gain.storage(), shift.storage(), norm), x.shape())
    }
}

impl<C: CheckpointStrategy> NetworkOps for Autodiff<Flex, C> {
    fn conv3x3(x: FloatTensor<Self>, weight: FloatTensor<Self>, bias: FloatTensor<Self>) -> FloatTensor<Self> {
        let step = Conv3x3.prepare::<C>([x.node(), weight.node(), bias.node()]).compute_bound().stateful();
        match step {
            OpsKind::Tracked(mut step) => {
                let state = (step.checkpoint(&x), step.checkpoint(&weight));
                let out = Flex::conv3x3(x.into_primitive(), weight.into_primitive(), bias.into_primitive());
                step.finish(state, out)
            }
            OpsKind::UnTracked(step) => {
                step.finish(Flex::conv3x3(x.into_primitive(), weight.into_primitive(), bias.into_primitive()))
            }
        }
    }

    fn enlarge(x: FloatTensor<Self>) -> FloatTensor<Self> {
        match Enlarge.prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(step) => {
                let x = x.into_primitive();
                step.finish(planes(&x), Flex::enlarge(x))
            }
            OpsKind::UnTracked(step) => step.finish(Flex::enlarge(x.into_primitive())),
        }
    }

    fn norm_silu(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        groups: usize,
        silu: bool,
    ) -> FloatTensor<Self> {
        let step = NormSilu.prepare::<C>([x.node(), gain.node(), shift.node()]).compute_bound().stateful();
        match step {
            OpsKind::Tracked(mut step) => {
                let state = (step.checkpoint(&x), step.checkpoint(&gain), step.checkpoint(&shift), groups, silu);
                let [x, gain, shift] = [x, gain, shift].map(|t| t.into_primitive());
                step.finish(state, Flex::norm_silu(x, gain, shift, groups, silu))
            }
            OpsKind::UnTracked(step) => {
                let [x, gain, shift] = [x, gain, shift].map(|t| t.into_primitive());
                step.finish(Flex::norm_silu(x, gain, shift, groups, silu))
            }
        }
    }
}

#[derive(Debug)]
struct Conv3x3;

impl Backward<Flex, 3> for Conv3x3 {
    type State = (NodeId, NodeId);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let [to_x, to_weight, to_bias] = ops.parents;
        let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
        let x = checkpointer.retrieve_node_output::<FlexTensor>(ops.state.0).to_contiguous();
        let weight = checkpointer.retrieve_node_output::<FlexTensor>(ops.state.1).to_contiguous();
        let (p, g) = (planes(&x), planes(&grad));
        if let Some(node) = to_x {
            let values = conv::input_gradient(grad.storage(), g, weight.storage(), p.channels);
            grads.register::<Flex>(node.id, tensor(values, x.shape()));
        }
        if let Some(node) = to_weight {
            let values = conv::weight_gradient(x.storage(), p, grad.storage(), g.channels);
            grads.register::<Flex>(node.id, tensor(values, weight.shape()));
        }
        if let Some(node) = to_bias {
            grads.register::<Flex>(node.id, tensor(conv::bias_gradient(grad.storage(), g), [g.channels]));
        }
    }
}

#[derive(Debug)]
struct Enlarge;

impl Backward<Flex, 1> for Enlarge {
    type State = Planes;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([to_x], p) = (ops.parents, ops.state);
        let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
        if let Some(node) = to_x {
            let values = repeat::backward(grad.storage(), p);
            grads.register::<Flex>(node.id, tensor(values, [p.count, p.channels, p.rows, p.columns]));
        }
    }
}

#[derive(Debug)]
struct NormSilu;

impl Backward<Flex, 3> for NormSilu {
    type State = (NodeId, NodeId, NodeId, usize, bool);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let (x, gain, shift, groups, silu) = ops.state;
        let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
        let [x, gain, shift] =
            [x, gain, shift].map(|node| checkpointer.retrieve_node_output::<FlexTensor>(node).to_contiguous());
        let norm = Norm { planes: planes(&x), groups, silu };
        let (to_x, to_gain, to_shift) =
            norm::backward(x.storage(), gain.storage(), shift.storage(), grad.storage(), norm);
        for (node, (values, like)) in ops.parents.iter().zip([(to_x, &x), (to_gain, &gain), (to_shift, &shift)]) {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, tensor(values, like.shape()));
            }
        }
    }
}
