//! Weights of networks as bits.

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::Tensor,
};

/// All weights, as bits.
pub(crate) fn bits(network: &impl Module) -> Vec<u32> {
    struct Collect(Vec<u32>);
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let values = param.val().into_data().try_to_vec::<f32>().unwrap();
            self.0.extend(values.iter().map(|v| v.to_bits()));
        }
    }
    let mut collect = Collect(Vec::new());
    network.visit(&mut collect);
    collect.0
}
