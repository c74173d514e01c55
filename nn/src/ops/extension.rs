//! The kernels as operations of burn: routed by device, differentiated by hand.

use burn::{
    backend::{
        Autodiff, Backend, Flex, TensorMetadata,
        autodiff::{
            NodeId,
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        flex::{FlexTensor, Layout},
        ops::FloatTensorOps as _,
        tensor::FloatTensor,
    },
    tensor::{Bytes, DType, Shape},
};

use super::{
    blocks::{self, Blocks, Coarse, Folding},
    conv::{self, Added, Slices},
    norm::{self, Norm},
    planes::Planes,
};

/// What the CPU backend has kernels of its own for.
#[backend_extension(Flex, Autodiff)]
pub(super) trait NetworkOps: Backend {
    fn convolve(x: FloatTensor<Self>, weight: FloatTensor<Self>, bias: FloatTensor<Self>) -> FloatTensor<Self>;
    fn convolve_onto(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        onto: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
    fn mix(x: FloatTensor<Self>, weight: FloatTensor<Self>, bias: FloatTensor<Self>) -> FloatTensor<Self>;
    fn blocks(x: FloatTensor<Self>, blocks: Blocks, factor: f32) -> FloatTensor<Self>;
    fn fold(x: FloatTensor<Self>, folding: Folding) -> FloatTensor<Self>;
    fn norm_silu(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        groups: usize,
        silu: bool,
    ) -> FloatTensor<Self>;
}

/// Images in planes; of volumes, the slices one below the other.
fn planes(tensor: &FlexTensor) -> Planes {
    let shape = tensor.shape();
    match shape.num_dims() {
        5 => {
            let [count, channels, depth, rows, columns] = shape.dims();
            Planes { count, channels, rows: depth * rows, columns }
        }
        _ => Planes::new(shape.dims()),
    }
}

fn slices(tensor: &FlexTensor) -> Slices {
    match tensor.shape().num_dims() {
        5 => Slices::volumes(tensor.shape().dims()),
        _ => Slices::images(planes(tensor)),
    }
}

fn tensor(values: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape.into()), DType::F32)
}

/// A convolution, added to what it is added to where there is something.
fn convolved(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, onto: Option<FlexTensor>) -> FlexTensor {
    let [x, weight, bias] = [x, weight, bias].map(|t| t.to_contiguous());
    let onto = onto.map(|onto| onto.to_contiguous());
    let (mut shape, out) = (x.shape(), bias.shape().num_elements());
    shape[1] = out;
    let added = Added { bias: Some(bias.storage()), onto: onto.as_ref().map(FlexTensor::storage) };
    tensor(conv::forward(x.storage(), slices(&x), weight.storage(), added, out), shape)
}

impl NetworkOps for Flex {
    fn convolve(x: FlexTensor, weight: FlexTensor, bias: FlexTensor) -> FlexTensor {
        convolved(x, weight, bias, None)
    }

    fn convolve_onto(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, onto: FlexTensor) -> FlexTensor {
        convolved(x, weight, bias, Some(onto))
    }

    fn mix(x: FlexTensor, weight: FlexTensor, bias: FlexTensor) -> FlexTensor {
        let [x, weight, bias] = [x, weight, bias].map(|t| t.to_contiguous());
        let (mut shape, out) = (x.shape(), bias.shape().num_elements());
        shape[1] = out;
        tensor(conv::mix(x.storage(), planes(&x), weight.storage(), bias.storage(), out), shape)
    }

    fn blocks(x: FlexTensor, blocks: Blocks, factor: f32) -> FlexTensor {
        let x = x.to_contiguous();
        let mut shape = x.shape();
        let first = shape.clone();
        let coarse = |shape: &Shape| {
            let axes = shape.num_dims();
            Coarse { rows: shape[axes - 2], columns: shape[axes - 1], planes: if axes == 5 { 2 } else { 1 } }
        };
        let sides = shape.iter_mut().skip(2);
        match blocks {
            Blocks::Repeat => {
                sides.for_each(|side| *side *= 2);
                tensor(blocks::repeat(x.storage(), coarse(&first), factor), shape)
            }
            Blocks::Sum => {
                sides.for_each(|side| *side /= 2);
                tensor(blocks::sum(x.storage(), coarse(&shape), factor), shape)
            }
        }
    }

    fn fold(x: FlexTensor, folding: Folding) -> FlexTensor {
        let x = x.to_contiguous();
        let Folding { side, unfolds } = folding;
        let [count, channels, rows, columns] = x.shape().dims();
        let block = side * side;
        let (coarse, shape) = match unfolds {
            true => ([rows, columns], [count, channels / block, rows * side, columns * side]),
            false => {
                let [rows, columns] = [rows / side, columns / side];
                ([rows, columns], [count, channels * block, rows, columns])
            }
        };
        tensor(blocks::fold(x.storage(), coarse, folding), shape)
    }

    fn norm_silu(x: FlexTensor, gain: FlexTensor, shift: FlexTensor, groups: usize, silu: bool) -> FlexTensor {
        let [x, gain, shift] = [x, gain, shift].map(|t| t.to_contiguous());
        let norm = Norm { planes: planes(&x), groups, silu };
        tensor(norm::forward(x.storage(), gain.storage(), shift.storage(), norm), x.shape())
    }
}

impl<C: CheckpointStrategy> NetworkOps for Autodiff<Flex, C> {
    fn convolve(x: FloatTensor<Self>, weight: FloatTensor<Self>, bias: FloatTensor<Self>) -> FloatTensor<Self> {
        let step = Convolve.prepare::<C>([x.node(), weight.node(), bias.node()]).compute_bound().stateful();
        match step {
            OpsKind::Tracked(mut step) => {
                let state = (step.checkpoint(&x), step.checkpoint(&weight));
                let out = Flex::convolve(x.into_primitive(), weight.into_primitive(), bias.into_primitive());
                step.finish(state, out)
            }
            OpsKind::UnTracked(step) => {
                step.finish(Flex::convolve(x.into_primitive(), weight.into_primitive(), bias.into_primitive()))
            }
        }
    }

    fn convolve_onto(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        onto: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node(), onto.node()];
        match ConvolveOnto.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut step) => {
                let state = (step.checkpoint(&x), step.checkpoint(&weight));
                let [x, weight, bias, onto] = [x, weight, bias, onto].map(|t| t.into_primitive());
                step.finish(state, Flex::convolve_onto(x, weight, bias, onto))
            }
            OpsKind::UnTracked(step) => {
                let [x, weight, bias, onto] = [x, weight, bias, onto].map(|t| t.into_primitive());
                step.finish(Flex::convolve_onto(x, weight, bias, onto))
            }
        }
    }

    fn mix(x: FloatTensor<Self>, weight: FloatTensor<Self>, bias: FloatTensor<Self>) -> FloatTensor<Self> {
        let step = Mix.prepare::<C>([x.node(), weight.node(), bias.node()]).compute_bound().stateful();
        match step {
            OpsKind::Tracked(mut step) => {
                let state = (step.checkpoint(&x), step.checkpoint(&weight));
                let out = Flex::mix(x.into_primitive(), weight.into_primitive(), bias.into_primitive());
                step.finish(state, out)
            }
            OpsKind::UnTracked(step) => {
                step.finish(Flex::mix(x.into_primitive(), weight.into_primitive(), bias.into_primitive()))
            }
        }
    }

    fn blocks(x: FloatTensor<Self>, blocks: Blocks, factor: f32) -> FloatTensor<Self> {
        match OfBlocks.prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(step) => step.finish((blocks, factor), Flex::blocks(x.into_primitive(), blocks, factor)),
            OpsKind::UnTracked(step) => step.finish(Flex::blocks(x.into_primitive(), blocks, factor)),
        }
    }

    fn fold(x: FloatTensor<Self>, folding: Folding) -> FloatTensor<Self> {
        match Fold.prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(step) => step.finish(folding, Flex::fold(x.into_primitive(), folding)),
            OpsKind::UnTracked(step) => step.finish(Flex::fold(x.into_primitive(), folding)),
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
struct Convolve;

impl Backward<Flex, 3> for Convolve {
    type State = (NodeId, NodeId);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let grad = grads.consume::<Flex>(&ops.node);
        convolution_backward(ops.parents.map(|node| node.map(|node| node.id)), ops.state, grad, grads, checkpointer);
    }
}

#[derive(Debug)]
struct ConvolveOnto;

impl Backward<Flex, 4> for ConvolveOnto {
    type State = (NodeId, NodeId);

    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let grad = grads.consume::<Flex>(&ops.node);
        let [to_x, to_weight, to_bias, to_onto] = ops.parents;
        if let Some(node) = to_onto {
            grads.register::<Flex>(node.id, grad.clone());
        }
        let to = [to_x, to_weight, to_bias].map(|node| node.map(|node| node.id));
        convolution_backward(to, ops.state, grad, grads, checkpointer);
    }
}

/// Gradients of a convolution with respect to its images, weights and bias.
fn convolution_backward(
    [to_x, to_weight, to_bias]: [Option<NodeId>; 3],
    (x, weight): (NodeId, NodeId),
    grad: FlexTensor,
    grads: &mut Gradients,
    checkpointer: &mut Checkpointer,
) {
    let grad = grad.to_contiguous();
    let [x, weight] = [x, weight].map(|node| checkpointer.retrieve_node_output::<FlexTensor>(node).to_contiguous());
    let (p, g) = (planes(&x), planes(&grad));
    if let Some(node) = to_x {
        let values = conv::input_gradient(grad.storage(), slices(&grad), weight.storage(), p.channels);
        grads.register::<Flex>(node, tensor(values, x.shape()));
    }
    if let Some(node) = to_weight {
        let values = conv::weight_gradient(x.storage(), slices(&x), grad.storage(), g.channels);
        grads.register::<Flex>(node, tensor(values, weight.shape()));
    }
    if let Some(node) = to_bias {
        grads.register::<Flex>(node, tensor(conv::bias_gradient(grad.storage(), g), [g.channels]));
    }
}

#[derive(Debug)]
struct Mix;

/// Gradients as products of matrices: burn's of a 1 × 1 convolution take thirty times as long.
///
/// ```text
/// ∂x = weightᵀ · grad        ∂weight = Σ_n grad[n] · x[n]ᵀ        pixels in columns
/// ```
impl Backward<Flex, 3> for Mix {
    type State = (NodeId, NodeId);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let [to_x, to_weight, to_bias] = ops.parents;
        let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
        let x = checkpointer.retrieve_node_output::<FlexTensor>(ops.state.0).to_contiguous();
        let weight = checkpointer.retrieve_node_output::<FlexTensor>(ops.state.1).to_contiguous();
        let (p, g) = (planes(&x), planes(&grad));
        let columns = |t: FlexTensor, p: Planes| Flex::float_reshape(t, Shape::new([p.count, p.channels, p.pixels()]));
        if let Some(node) = to_bias {
            grads.register::<Flex>(node.id, tensor(conv::bias_gradient(grad.storage(), g), [g.channels]));
        }
        let grad = columns(grad, g);
        if let Some(node) = to_x {
            let across = Flex::float_reshape(weight.clone(), Shape::new([1, g.channels, p.channels]));
            let product = Flex::float_matmul(Flex::float_swap_dims(across, 1, 2), grad.clone());
            grads.register::<Flex>(node.id, Flex::float_reshape(product, x.shape()));
        }
        if let Some(node) = to_weight {
            let product = Flex::float_matmul(grad, Flex::float_swap_dims(columns(x, p), 1, 2));
            grads.register::<Flex>(node.id, Flex::float_reshape(Flex::float_sum_dim(product, 0), weight.shape()));
        }
    }
}

#[derive(Debug)]
struct OfBlocks;

impl Backward<Flex, 1> for OfBlocks {
    type State = (Blocks, f32);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([to_x], (blocks, factor)) = (ops.parents, ops.state);
        let grad = grads.consume::<Flex>(&ops.node);
        if let Some(node) = to_x {
            grads.register::<Flex>(node.id, Flex::blocks(grad, blocks.adjoint(), factor));
        }
    }
}

#[derive(Debug)]
struct Fold;

impl Backward<Flex, 1> for Fold {
    type State = Folding;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([to_x], folding) = (ops.parents, ops.state);
        let grad = grads.consume::<Flex>(&ops.node);
        if let Some(node) = to_x {
            grads.register::<Flex>(node.id, Flex::fold(grad, folding.adjoint()));
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
