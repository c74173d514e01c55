//! What trainings make small.
use burn::tensor::Tensor;

/// Mean absolute difference.
pub fn l1<const D: usize>(output: Tensor<D>, truth: Tensor<D>) -> Tensor<1> {
    (output - truth).abs().mean()
}

/// Mean absolute difference of the differences between neighbours, along all axes after the first two.
pub fn gradients<const D: usize>(output: Tensor<D>, truth: Tensor<D>) -> Tensor<1> {
    let error = output - truth;
    let mut sum = Tensor::<1>::zeros([1], &error.device());
    for axis in (2..D).filter(|axis| error.dims()[*axis] > 1) {
        let length = error.dims()[axis];
        let step = error.clone().narrow(axis, 1, length - 1) - error.clone().narrow(axis, 0, length - 1);
        sum = sum + step.abs().mean();
    }
    sum
}
