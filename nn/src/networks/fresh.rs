use std::fmt::Display;

use burn::{
    module::{Param, ParamId},
    nn::{Initializer, LayerNorm, LayerNormConfig, Linear},
    tensor::{Device, Tensor, TensorData},
};
use kerma::kernels::noise::{Stream, normal};
use sha2::{Digest, Sha256};

/// Where a part of a network gets its fresh weights: a seed, and the path at which the part stands.
///
/// Every weight is a function of the seed, of the path of its parameter (`down.0.blocks.1.first.weight`, as model files
/// name it) and of its place in it; the numbers are those of the counter-based generator that draws the noise. Nothing
/// is carried from one to the next, so that they are the same bits on every device and on any number of threads, whatever
/// else draws meanwhile, and a parameter keeps its weights when others are added beside it. They are drawn when first
/// read: a network that is made to be loaded into costs nothing.
#[derive(Clone, Debug)]
pub struct Fresh {
    seed: u64,
    path: String,
    device: Device,
}

impl Fresh {
    /// The weights of a seed, as tensors on `device`.
    #[must_use]
    pub fn new(seed: u64, device: &Device) -> Self {
        Self { seed, path: String::new(), device: device.clone() }
    }

    /// Where a part of this part gets its weights.
    #[must_use]
    pub fn part(&self, name: impl Display) -> Self {
        let path = if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) };
        Self { path, ..self.clone() }
    }

    /// A parameter of which every value is `value`.
    #[must_use]
    pub fn constant<const D: usize>(&self, shape: [usize; D], value: f64) -> Param<Tensor<D>> {
        Initializer::Constant { value }.init(shape, &self.device)
    }

    /// A parameter of normal numbers with the given standard deviation.
    #[must_use]
    pub fn normal<const D: usize>(&self, name: &str, shape: [usize; D], deviation: f64) -> Param<Tensor<D>> {
        let deviation = deviation as f32;
        self.drawn(name, shape, move |stream, index| normal::at(stream, index, 0, 0) * deviation)
    }

    /// A parameter of numbers spread evenly from −`bound` to `bound`.
    #[must_use]
    pub fn uniform<const D: usize>(&self, name: &str, shape: [usize; D], bound: f64) -> Param<Tensor<D>> {
        // Random integers of 24 bits; their halves and the middle are exact in single precision.
        const HALF: i32 = 1 << 23;
        let unit = (bound / f64::from(HALF)) as f32;
        self.drawn(name, shape, move |stream, index| {
            let [word, ..] = stream.words([index, 0, 0], 0);
            (((word >> 8).cast_signed() - HALF) as f32 + 0.5) * unit
        })
    }

    /// A dense layer; weights and biases are even within ±1/√`input`.
    #[must_use]
    pub fn linear(&self, input: usize, output: usize) -> Linear {
        let bound = 1.0 / (input as f64).sqrt();
        Linear {
            weight: self.uniform("weight", [input, output], bound),
            bias: Some(self.uniform("bias", [output], bound)),
        }
    }

    /// A normalisation over the last axis; gains are 1, shifts 0.
    #[must_use]
    pub fn layer_norm(&self, width: usize) -> LayerNorm {
        LayerNormConfig::new(width).init(&self.device)
    }

    /// The stream of a parameter: its key is what a hash of seed and path begins with. Two paths could only have the
    /// same by chance, of 2⁻⁶⁴.
    fn stream(&self, name: &str) -> Stream {
        let hash = Sha256::new().chain_update(self.seed.to_le_bytes()).chain_update(&self.part(name).path).finalize();
        let key = hash.iter().take(8).rev().fold(0, |key, byte| key << 8 | u64::from(*byte));
        Stream::new(key, 0)
    }

    fn drawn<const D: usize>(
        &self,
        name: &str,
        shape: [usize; D],
        draw: impl Fn(&Stream, u32) -> f32 + Send + Sync + 'static,
    ) -> Param<Tensor<D>> {
        let stream = self.stream(name);
        let init = move |device: &Device, requires_gradient: bool| {
            let count = shape.iter().product::<usize>() as u32;
            let values: Vec<f32> = (0..count).map(|index| draw(&stream, index)).collect();
            let tensor = device.memory_persistent_allocations((), move |()| {
                Tensor::from_data(TensorData::new(values.clone(), shape), device)
            });
            if requires_gradient { tensor.require_grad() } else { tensor }
        };
        Param::uninitialized(ParamId::new(), init, self.device.clone(), true, shape.into())
    }
}

#[cfg(test)]
mod tests {
    use burn::module::{Module, ModuleVisitor};

    use super::*;
    use crate::networks::{
        Classifier, ClassifierOptions, Unet, Unet3d, Unet3dOptions, UnetOptions, Unetr, UnetrOptions,
    };

    const SEED: u64 = 0x1234_5678_9abc_def0;

    fn values<const D: usize>(param: &Param<Tensor<D>>) -> Vec<f32> {
        param.val().into_data().try_to_vec().unwrap()
    }

    /// Paths of all parameters whose values differ, and the values.
    #[derive(Default)]
    struct Drawn {
        path: Vec<String>,
        found: Vec<(String, Vec<f32>)>,
    }

    impl ModuleVisitor for Drawn {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }

        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let values = values(param);
            if values.iter().any(|v| *v != values[0]) {
                self.found.push((self.path.join("."), values));
            }
        }
    }

    /// A parameter that draws at any other path than its own would share its weights with another, or lose them when the
    /// network grows. Drawn twice, it has the same bits.
    fn check<M: Module>(make: impl Fn(&Fresh) -> M, least: usize) {
        let fresh = Fresh::new(SEED, &Device::flex());
        let [drawn, again] = [(), ()].map(|()| {
            let mut drawn = Drawn::default();
            make(&fresh).visit(&mut drawn);
            drawn.found
        });
        assert!(drawn.len() >= least, "{}", drawn.len());
        assert!(drawn == again);
        // Whatever its spread, a parameter is a multiple of the numbers of its path.
        let is_drawn_at = |path: &str, values: &[f32]| {
            let shape = [values.len()];
            [fresh.normal(path, shape, 1.0), fresh.uniform(path, shape, 1.0)].iter().any(|param| {
                let draws = self::values(param);
                let multiple = values[0] / draws[0];
                values.iter().zip(&draws).all(|(v, draw)| (v - multiple * draw).abs() <= 1e-5 * multiple.abs())
            })
        };
        for (path, values) in &drawn {
            assert!(is_drawn_at(path, values), "{path}");
        }
        // The control: not at the path of another.
        for (one, other) in drawn.iter().zip(drawn.iter().skip(1)) {
            assert!(!is_drawn_at(&one.0, &other.1), "{} at {}", other.0, one.0);
        }
    }

    #[test]
    fn every_parameter_draws_at_the_path_of_its_name() {
        let options = UnetOptions {
            conditioned: true,
            inputs: 2,
            outputs: 3,
            fold: 2,
            base: 8,
            multipliers: vec![1, 2, 3],
            blocks: 2,
            groups: 4,
            attention: true,
        };
        check(|fresh| Unet::new(&options, fresh), 60);
        check(|fresh| Unet3d::new(&Unet3dOptions::default(), fresh), 14);
        let options = UnetrOptions { side: 16, width: 16, hidden: 32, ..UnetrOptions::default() };
        check(|fresh| Unetr::new(&options, fresh), 45);
        check(|fresh| Classifier::new(&ClassifierOptions::default(), fresh), 16);
    }

    #[test]
    fn numbers_have_the_spread_that_was_asked_for() {
        const COUNT: usize = 100_000;
        let fresh = Fresh::new(SEED, &Device::flex());
        let moments = |values: &[f32]| {
            let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / COUNT as f64;
            let variance = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / COUNT as f64;
            [mean, variance.sqrt()]
        };
        // The mean of so many has a deviation of 1/√COUNT = 0.0032, their deviation one of 0.0022 or less.
        let [mean, deviation] = moments(&values(&fresh.normal("normal", [COUNT], 0.5)));
        assert!(mean.abs() < 5.0 * 0.5 * 0.0032 && (deviation / 0.5 - 1.0).abs() < 5.0 * 0.0022, "{mean} {deviation}");
        let even = values(&fresh.uniform("even", [COUNT], 0.25));
        let [mean, deviation] = moments(&even);
        let expected = 0.25 / 3.0_f64.sqrt();
        assert!(mean.abs() < 5.0 * expected * 0.0032, "{mean}");
        assert!((deviation / expected - 1.0).abs() < 5.0 * 0.0022, "{deviation}");
        let largest = even.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
        assert!(largest < 0.25 && largest > 0.2499, "{largest}");
    }

    /// Recipes are repeated years later: these bits are what they start from.
    #[test]
    fn seed_and_path_give_these_bits() {
        let fresh = Fresh::new(SEED, &Device::flex()).part("down").part(0);
        let bits = |param: Param<Tensor<1>>| values(&param).iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(fresh.normal("weight", [3], 1.0)), [1_070_403_772, 1_053_455_462, 1_068_454_823]);
        assert_eq!(bits(fresh.uniform("weight", [3], 1.0)), [3_211_005_809, 3_197_987_906, 3_209_971_853]);
        assert_ne!(bits(fresh.normal("weight", [3], 1.0)), bits(fresh.normal("bias", [3], 1.0)));
        let other = Fresh::new(SEED ^ 1 << 63, &Device::flex()).part("down").part(0);
        assert_ne!(bits(fresh.normal("weight", [3], 1.0)), bits(other.normal("weight", [3], 1.0)));
    }
}
