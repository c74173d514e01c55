//! What networks are trained against beyond the mean square: each compares a batch and gives one number.
//!
//! Tensors are `[count, channels, …]`, images or volumes alike; both of a pair have one shape. Targets of classes are 0
//! or 1, and what is compared with them are logits: p = σ(logit).

use burn::tensor::{
    Tensor,
    activation::{log_softmax, sigmoid},
};

/// Added to both sides of Dice's quotient, so that an empty target has a value and a gradient.
const DICE_SMOOTH: f64 = 1.0;
/// Added to a mean square before its root is taken.
const LEAST_MEAN_SQUARE: f64 = 1e-12;

/// Mean absolute difference.
#[must_use]
pub fn absolute<const D: usize>(got: Tensor<D>, want: Tensor<D>) -> Tensor<1> {
    (got - want).abs().mean()
}

/// Root of the mean square difference: what is rare and large counts for more than in a mean of sizes, of which the best guess is
/// the median.
///
/// ```text
/// √(mean (got − want)² + 10⁻¹²)
/// ```
///
/// where the last term keeps the gradient finite where both are the same.
#[must_use]
pub fn root_mean_square<const D: usize>(got: Tensor<D>, want: Tensor<D>) -> Tensor<1> {
    let difference = got - want;
    ((difference.clone() * difference).mean() + LEAST_MEAN_SQUARE).sqrt()
}

/// Mean absolute difference of the steps from each value to the next, summed over all axes of space.
///
/// ```text
/// Σ_a mean |Δ_a got − Δ_a want|,    Δ_a v[i] = v[i + 1] − v[i] along axis a
/// ```
///
/// The gradient difference loss of Mathieu et al. (2016, equation 6) with α = 1 and signed steps. Axes of length 1
/// count nothing.
#[must_use]
pub fn gradients<const D: usize>(got: Tensor<D>, want: Tensor<D>) -> Tensor<1> {
    let difference = got - want;
    let (dims, device) = (difference.dims(), difference.device());
    let axes = (2..D).filter(|axis| dims[*axis] > 1).map(|axis| {
        let steps = dims[axis] - 1;
        (difference.clone().narrow(axis, 1, steps) - difference.clone().narrow(axis, 0, steps)).abs().mean()
    });
    axes.fold(Tensor::zeros([1], &device), |sum, mean| sum + mean)
}

/// Mean binary cross-entropy of logits, in which each place counts `weight` times.
///
/// ```text
/// mean w·(−t ln p − (1 − t) ln (1 − p)) = mean w·(t softplus(−logit) + (1 − t) softplus(logit))
/// ```
///
/// Where one pixel in thousands is 1, a weight of 1 lets all pixels together teach what a few of them should.
#[must_use]
pub fn cross_entropy<const D: usize>(logits: Tensor<D>, target: Tensor<D>, weight: Tensor<D>) -> Tensor<1> {
    let (missed, false_one) = (softplus(logits.clone() * -1.0), softplus(logits));
    (weight * (target.clone() * missed + (target * -1.0 + 1.0) * false_one)).mean()
}

/// Mean cross-entropy of classes that exclude each other.
///
/// ```text
/// mean over rows of −Σ_k t_k ln (e^logit_k / Σ_j e^logit_j)
/// ```
///
/// # Shapes
/// - both: `[count, classes]`; each row of the target has a 1
#[must_use]
pub fn softmax_cross_entropy(logits: Tensor<2>, target: Tensor<2>) -> Tensor<1> {
    let count = logits.dims()[0];
    (log_softmax(logits, 1) * target).sum() / -(count as f64)
}

/// One minus the soft Dice coefficient of a batch.
///
/// ```text
/// 1 − (2 Σ p t + 1) / (Σ p + Σ t + 1)
/// ```
///
/// where sums run over all images, channels and places (Milletari et al. 2016, with plain sums below the line): an image without a
/// target has no coefficient of its own, and where p is small everywhere the gradient is still that of the images with one.
#[must_use]
pub fn dice<const D: usize>(logits: Tensor<D>, target: Tensor<D>) -> Tensor<1> {
    let p = sigmoid(logits);
    let both = (p.clone() * target.clone()).sum() * 2.0 + DICE_SMOOTH;
    let either = p.sum() + target.sum() + DICE_SMOOTH;
    both / either * -1.0 + 1.0
}

/// Focal loss of logits (Lin et al. 2017, equation 5): cross-entropy that counts what is already right for little.
///
/// ```text
/// mean −α_t (1 − p_t)^γ ln p_t
/// ```
///
/// where p_t = p and α_t = `alpha` where the target is 1, 1 − p and 1 − `alpha` where it is 0, and γ is `focus`. With
/// `focus` 0 and `alpha` 1/2 it is half the cross-entropy.
#[must_use]
pub fn focal<const D: usize>(logits: Tensor<D>, target: Tensor<D>, alpha: f64, focus: f64) -> Tensor<1> {
    // −ln p_t = softplus(−s), −ln (1 − p_t) = softplus(s), where s is the logit of the target's own class.
    let own = logits * (target.clone() * 2.0 - 1.0);
    let weight = target * (2.0 * alpha - 1.0) + (1.0 - alpha);
    let missed = (softplus(own.clone()) * -focus).exp();
    (weight * missed * softplus(own * -1.0)).mean()
}

/// ln (1 + eᵘ) = (u + |u|) / 2 + ln (1 + e^−|u|).
///
/// Nothing overflows, and the derivative at 0, where fresh networks start, is the right ½: max(u, 0) in the place of the
/// first term would make it 0.
fn softplus<const D: usize>(u: Tensor<D>) -> Tensor<D> {
    let size = u.clone().abs();
    (u + size.clone()) * 0.5 + (size * -1.0).exp().log1p()
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    /// Central differences in f64 are good to about 1e-9, gradients in f32 to some units of 6e-8.
    const TOLERANCE: f64 = 1e-5;
    const SHAPE: [usize; 4] = [2, 1, 3, 4];
    const COUNT: usize = 24;

    type Loss = fn(Tensor<4>, Tensor<4>) -> Tensor<1>;

    /// Value and gradient by the first argument.
    fn evaluated(loss: Loss, x: &[f64], t: &[f64]) -> (f64, Vec<f64>) {
        let tensor = |values: &[f64]| {
            let values: Vec<f32> = values.iter().map(|v| *v as f32).collect();
            Tensor::<4>::from_data(TensorData::new(values, SHAPE), &Device::flex().autodiff())
        };
        let x = tensor(x).require_grad();
        let value = loss(x.clone(), tensor(t));
        let gradient = x.grad(&value.backward()).unwrap();
        let values = |data: TensorData| data.try_to_vec::<f32>().unwrap().into_iter().map(f64::from).collect();
        let gradient: Vec<f64> = values(gradient.into_data());
        let value: Vec<f64> = values(value.into_data());
        (value[0], gradient)
    }

    /// Against a formula in f64 and its central differences.
    fn check(name: &str, loss: Loss, formula: impl Fn(&[f64], &[f64]) -> f64, x: &[f64], t: &[f64]) {
        let (value, gradient) = evaluated(loss, x, t);
        let want = formula(x, t);
        assert!((value - want).abs() <= TOLERANCE * want.abs().max(1.0), "{name}: {value} {want}");
        for (i, got) in gradient.iter().enumerate() {
            const STEP: f64 = 1e-5;
            let moved = |by: f64| {
                let mut x = x.to_vec();
                x[i] += by;
                formula(&x, t)
            };
            let want = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            assert!((got - want).abs() <= TOLERANCE * want.abs().max(0.1), "{name} {i}: {got} {want}");
        }
    }

    /// What is 1 counts three times.
    fn weighted_entropy(x: Tensor<4>, t: Tensor<4>) -> Tensor<1> {
        cross_entropy(x, t.clone(), t * 2.0 + 1.0)
    }

    fn numbers(scale: f64) -> Vec<f64> {
        (0..COUNT).map(|i| (f64::from((i * 37 % 23) as u32) - 11.0) / 11.0 * scale).collect()
    }

    fn classes() -> Vec<f64> {
        (0..COUNT).map(|i| if i * i % 5 == 1 { 1.0 } else { 0.0 }).collect()
    }

    fn probability(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    fn mean(values: impl Iterator<Item = f64>) -> f64 {
        let values: Vec<f64> = values.collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn differences_are_those_of_the_formula() {
        let (x, t) = (numbers(2.0), (0..COUNT).map(|i| (i as f64).sin()).collect::<Vec<_>>());
        check("L1", absolute, |x, t| mean(x.iter().zip(t).map(|(x, t)| (x - t).abs())), &x, &t);
        let square = |x: &[f64], t: &[f64]| mean(x.iter().zip(t).map(|(x, t)| (x - t).powi(2))).sqrt();
        check("root mean square", root_mean_square, square, &x, &t);
        let along = |x: &[f64], t: &[f64]| {
            let at = |i: usize| x[i] - t[i];
            let right = (0..COUNT).filter(|i| i % 4 < 3).map(|i| (at(i + 1) - at(i)).abs());
            let down = (0..COUNT).filter(|i| i % 12 < 8).map(|i| (at(i + 4) - at(i)).abs());
            mean(right) + mean(down)
        };
        check("gradients", gradients, along, &x, &t);
    }

    #[test]
    fn steps_across_slices_count_in_volumes() {
        let volume = |values: [f32; 8]| {
            Tensor::<5>::from_data(TensorData::new(values.to_vec(), [1, 1, 2, 2, 2]), &Device::flex())
        };
        let slices = volume([0.0, 0.0, 0.0, 0.0, 3.0, 3.0, 3.0, 3.0]);
        let value = gradients(slices, volume([0.0; 8])).into_scalar::<f32>();
        assert_eq!(value, 3.0);
    }

    #[test]
    fn losses_of_classes_are_those_of_the_formula() {
        let t = classes();
        // 0 among them, where fresh networks start.
        for x in [numbers(4.0), vec![0.0; COUNT]] {
            let entropy = |x: &[f64], t: &[f64]| {
                mean(x.iter().zip(t).map(|(x, t)| {
                    let p = probability(*x);
                    -3.0 * t * p.ln() - (1.0 - t) * (1.0 - p).ln()
                }))
            };
            check("cross-entropy", weighted_entropy, entropy, &x, &t);
            let coefficient = |x: &[f64], t: &[f64]| {
                let both: f64 = x.iter().zip(t).map(|(x, t)| probability(*x) * t).sum();
                let either = x.iter().map(|x| probability(*x)).sum::<f64>() + t.iter().sum::<f64>();
                1.0 - (2.0 * both + 1.0) / (either + 1.0)
            };
            check("Dice", dice, coefficient, &x, &t);
            let focused = |x: &[f64], t: &[f64]| {
                mean(x.iter().zip(t).map(|(x, t)| {
                    let p = if *t > 0.5 { probability(*x) } else { 1.0 - probability(*x) };
                    let alpha = if *t > 0.5 { 0.25 } else { 0.75 };
                    -alpha * (1.0 - p).powi(2) * p.ln()
                }))
            };
            check("focal", |x, t| focal(x, t, 0.25, 2.0), focused, &x, &t);
        }
    }

    #[test]
    fn classes_share_one_probability() {
        let of = |logits: [f32; 6]| {
            let rows = |values: [f32; 6]| Tensor::<1>::from_floats(values, &Device::flex()).reshape([2, 3]);
            let target = rows([1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
            softmax_cross_entropy(rows(logits), target).into_scalar::<f32>()
        };
        assert!((of([0.0; 6]) - 3_f32.ln()).abs() < 1e-6);
        let (one, two) = ((1_f32 + (-2_f32).exp() + 1.0).ln(), (2.0 + (-5_f32).exp()).ln() + 5.0);
        assert!((of([1.0, -1.0, 1.0, 5.0, 5.0, 0.0]) - (one + two) / 2.0).abs() < 1e-5);
        assert_eq!(of([1e4, 0.0, 0.0, 0.0, 0.0, 1e4]), 0.0);
    }

    #[test]
    fn large_logits_overflow_nothing() {
        let (x, t) = ([-1e4, 1e4].repeat(COUNT / 2), classes());
        for loss in [weighted_entropy, dice, |x, t| focal(x, t, 0.25, 2.0)] as [Loss; 3] {
            let (value, gradient) = evaluated(loss, &x, &t);
            assert!(value.is_finite() && gradient.iter().all(|g| g.is_finite()), "{value} {gradient:?}");
        }
        // All wrong by 10⁴: no digit of a probability would show it.
        let (value, _) = evaluated(weighted_entropy, &[-1e4; COUNT], &[1.0; COUNT]);
        assert_eq!(value, 3e4);
    }
}
