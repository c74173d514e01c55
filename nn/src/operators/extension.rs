//! The operator as an operation of burn: routed by device, differentiated by its adjoint.

use std::{
    fmt::{self, Debug, Formatter},
    sync::Arc,
};

use burn::{
    backend::{
        Autodiff, Backend, Cube, Flex, TensorMetadata,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind, unary},
        },
        backend_extension,
        flex::FlexTensor,
        tensor::FloatTensor,
    },
    tensor::{Tensor, TensorData},
};

use super::scan::{Scan, Way};
use crate::Error;

/// An operator in one of its directions.
#[derive(Clone)]
pub(super) struct Directed {
    pub(super) scan: Arc<Scan>,
    pub(super) way: Way,
}

impl Debug for Directed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.way)
    }
}

/// Linear maps of volumes to stacks and back. What fails is kept by the operator, and the result is no number then.
#[backend_extension(Cube, Flex, Autodiff)]
pub(super) trait Applied: Backend {
    fn applied(x: FloatTensor<Self>, operator: Directed) -> FloatTensor<Self>;
}

impl Applied for Flex {
    fn applied(x: FlexTensor, operator: Directed) -> FlexTensor {
        let x = x.to_contiguous();
        let Directed { scan, way } = operator;
        let shape = scan.results_shape(way, x.shape().dims());
        let values = scan.kept(scan.results(way, x.storage()), || vec![f32::NAN; shape.iter().product()]);
        FlexTensor::from_data(TensorData::new(values, shape))
    }
}

impl Applied for Cube {
    fn applied(x: FloatTensor<Self>, operator: Directed) -> FloatTensor<Self> {
        let Directed { scan, way } = operator;
        let shape = scan.results_shape(way, x.shape().dims());
        let x = Tensor::<5>::from_primitive::<Self>(x);
        let device = x.device();
        let computed = scan.on_device(way, x).and_then(|tensor| {
            tensor.reshape(shape).try_into_primitive::<Self>().map_err(|e| Error::Tensor(format!("{e:?}")))
        });
        scan.kept(computed, || {
            // A tensor of this device is one of this backend.
            #[expect(clippy::expect_used, reason = "as said")]
            Tensor::<5>::full(shape, f32::NAN, &device).try_into_primitive::<Self>().expect("a tensor of the backend")
        })
    }
}

impl<B: Applied, C: CheckpointStrategy> Applied for Autodiff<B, C> {
    fn applied(x: FloatTensor<Self>, operator: Directed) -> FloatTensor<Self> {
        match Linear.prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(step) => step.finish(operator.clone(), B::applied(x.into_primitive(), operator)),
            OpsKind::UnTracked(step) => step.finish(B::applied(x.into_primitive(), operator)),
        }
    }
}

#[derive(Debug)]
struct Linear;

impl<B: Applied> Backward<B, 1> for Linear {
    type State = Directed;

    fn backward(self, ops: Ops<Directed, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let Directed { scan, way } = ops.state;
        let adjoint = Directed { scan, way: way.adjoint() };
        unary::<B, _>(ops.parents, ops.node, grads, |grad| B::applied(grad, adjoint));
    }
}
