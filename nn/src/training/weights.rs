//! All weights or gradients of a network as a list of vectors, in the order in which the network names them.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId},
    optim::GradientsParams,
    tensor::Tensor,
};

use crate::{Error, tensors::scalar};

/// The mean of the weights over the last steps, which denoises better than the last weights.
///
/// ```text
/// mean ← d · mean + (1 − d) · weights,    d = min(decay, (1 + step) / (10 + step))
/// ```
pub(crate) fn follow<M: Module>(mean: M, network: &M, decay: f64, step: usize) -> M {
    struct Collect(Vec<Tensor<1>>);
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.val().inner().flatten(0, D - 1));
        }
    }
    struct Mix<I>(I, f64);
    impl<I: Iterator<Item = Tensor<1>>> ModuleMapper for Mix<I> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let Some(weights) = self.0.next() else { return param };
            let decay = self.1;
            param.map(|mean| {
                let shape = mean.dims();
                mean * decay + weights.reshape(shape) * (1.0 - decay)
            })
        }
    }
    let mut weights = Collect(Vec::new());
    network.visit(&mut weights);
    let early = (1 + step) as f64 / (10 + step) as f64;
    mean.map(&mut Mix(weights.0.into_iter(), decay.min(early)))
}

/// Scales all gradients of a network together so that their norm is at most `limit`; gives the norm before.
///
/// One norm over all weights keeps the direction of a step (Pascanu et al. 2013), where a norm per tensor would not.
pub(crate) fn clip<M: Module>(
    mut gradients: GradientsParams,
    network: &M,
    limit: f64,
) -> Result<(GradientsParams, f64), Error> {
    struct Norm<'a>(&'a GradientsParams, Vec<Tensor<1>>);
    impl ModuleVisitor for Norm<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.0.get::<D>(param.id) {
                self.1.push(gradient.square().sum().reshape([1]));
            }
        }
    }
    struct Scale<'a>(&'a mut GradientsParams, f64);
    impl Scale<'_> {
        fn scale<const D: usize>(&mut self, id: ParamId) {
            if let Some(gradient) = self.0.remove::<D>(id) {
                self.0.register::<D>(id, gradient * self.1);
            }
        }
    }
    impl ModuleVisitor for Scale<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.scale::<D>(param.id);
        }
    }
    let mut squares = Norm(&gradients, Vec::new());
    network.visit(&mut squares);
    if squares.1.is_empty() {
        return Ok((gradients, 0.0));
    }
    let norm = f64::from(scalar(Tensor::cat(squares.1, 0).sum())?).sqrt();
    if norm > limit {
        network.visit(&mut Scale(&mut gradients, limit / norm));
    }
    Ok((gradients, norm))
}

/// Takes the gradients of the parts with such names out of those of a network.
///
/// An optimizer leaves parameters without a gradient as they are, so that each part can take a step of its own.
pub(crate) fn part_of<M: Module>(gradients: &mut GradientsParams, network: &M, names: &[&str]) -> GradientsParams {
    struct Take<'a> {
        names: &'a [&'a str],
        path: Vec<String>,
        from: &'a mut GradientsParams,
        to: GradientsParams,
    }
    impl ModuleVisitor for Take<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if self.path.first().is_some_and(|part| self.names.contains(&part.as_str()))
                && let Some(gradient) = self.from.remove::<D>(param.id)
            {
                self.to.register::<D>(param.id, gradient);
            }
        }
    }
    let mut take = Take { names, path: Vec::new(), from: gradients, to: GradientsParams::new() };
    network.visit(&mut take);
    take.to
}
