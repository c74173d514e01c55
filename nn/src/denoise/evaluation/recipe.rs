use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use kerma::tasks::radiographs;
use serde::{Deserialize, Serialize};

use super::{Check, seams::FEWEST_PERIODS};
use crate::{
    Error,
    denoise::{Axis, Sampler, training::NoiseKind},
    recipe::from_toml,
};

/// Everything that decides an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Seed of noise, inserts and samplers; the bodies have one of their own.
    pub seed: u64,
    /// CT volumes besides the phantoms; those that are not there are left out, and said.
    #[serde(default)]
    pub volumes: Vec<PathBuf>,
    /// Bodies drawn from each volume.
    #[serde(default)]
    pub bodies_per_volume: usize,
    /// Quanta per unit of signal, by name.
    pub doses: BTreeMap<String, f64>,
    /// Kinds of noise.
    #[serde(default = "both")]
    pub noise: Vec<NoiseKind>,
    /// Phantoms and their views; another seed than that of any training.
    pub images: radiographs::Options,
    /// What is compared.
    #[serde(rename = "method")]
    pub methods: Vec<MethodOptions>,
    /// The test with inserts.
    pub structures: Option<StructureOptions>,
    /// The search for a better start of the chain.
    pub matched: Option<MatchedOptions>,
    /// The test with small tiles.
    pub seams: Option<SeamOptions>,
    /// What must hold.
    #[serde(default, rename = "check")]
    pub checks: Vec<Check>,
}

fn both() -> Vec<NoiseKind> {
    vec![NoiseKind::Gaussian, NoiseKind::Poisson]
}

/// A method and its name in tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodOptions {
    /// Name.
    pub name: String,
    /// What it is.
    pub kind: MethodKind,
    /// What it is told of the noise.
    #[serde(default)]
    pub noise: Knowledge,
    /// File of a model.
    pub model: Option<PathBuf>,
    /// How a model of a chain samples; one step unless said.
    pub sampler: Option<SamplerKind>,
    /// Most steps of `ddim` and `ddpm`.
    pub steps: Option<usize>,
    /// Share of fresh noise of `ddim`; 0 unless said.
    pub eta: Option<f64>,
    /// Whether the method is left out, and said, where its model is not there.
    #[serde(default)]
    pub optional: bool,
}

/// Kind of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MethodKind {
    /// Nothing: the noisy image.
    Noisy,
    /// Block matching and 3-D filtering, on stabilised values where noise grows with the signal. The first one is what
    /// all others are compared with.
    Bm3d,
    /// A trained network.
    Model,
}

/// What a method is told of the noise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Knowledge {
    /// The image alone: the noise is estimated from it.
    #[default]
    Estimated,
    /// The variance that was drawn.
    True,
}

/// Kind of a sampler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SamplerKind {
    /// [`Sampler::OneStep`].
    OneStep,
    /// [`Sampler::Ddim`].
    Ddim,
    /// [`Sampler::Ddpm`].
    Ddpm,
}

/// The test with inserts, on the first images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StructureOptions {
    /// Number of images.
    pub images: usize,
    /// Most inserts in each.
    pub inserts: usize,
    /// Diameter of the discs that count as false structure, in pixels.
    pub diameter_px: f64,
}

/// The search for a better start of the chain, on the first images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchedOptions {
    /// Name of the method.
    pub method: String,
    /// Number of images.
    pub images: usize,
    /// Least and most quanta per unit of signal.
    pub doses: [f64; 2],
    /// Number of doses, at equal steps of the logarithm.
    pub dose_count: usize,
    /// Least and most factor of the noise's deviation.
    pub strengths: [f64; 2],
    /// Number of factors, at equal steps of the logarithm; 1 besides.
    pub strength_count: usize,
}

/// The test with small tiles, on the first images at the lowest dose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeamOptions {
    /// Names of the methods.
    pub methods: Vec<String>,
    /// Number of images.
    pub images: usize,
    /// Rows and columns of a tile.
    pub tile: usize,
    /// Pixels that neighbouring tiles share at least.
    pub overlap: usize,
}

impl MethodOptions {
    /// The sampler.
    #[must_use]
    pub fn sampler(&self) -> Sampler {
        let (steps, eta) = (self.steps.unwrap_or(1), self.eta.unwrap_or(0.0));
        match self.sampler.unwrap_or(SamplerKind::OneStep) {
            SamplerKind::OneStep => Sampler::OneStep,
            SamplerKind::Ddim => Sampler::Ddim { steps, eta },
            SamplerKind::Ddpm => Sampler::Ddpm { steps },
        }
    }

    fn fault(&self) -> Option<String> {
        let is_model = self.kind == MethodKind::Model;
        if is_model != self.model.is_some() {
            let must = if is_model { "needs \"model\"" } else { "takes no \"model\"" };
            return Some(format!("this kind {must}"));
        }
        if !is_model && (self.sampler.is_some() || self.optional) {
            return Some("this kind takes no \"sampler\" and is never optional".to_owned());
        }
        if self.kind == MethodKind::Noisy && self.noise == Knowledge::True {
            return Some("this kind does not look at the noise".to_owned());
        }
        let has_steps = matches!(self.sampler, Some(SamplerKind::Ddim | SamplerKind::Ddpm));
        match (has_steps, self.steps) {
            (true, None | Some(0)) => return Some("this sampler needs \"steps\" of at least 1".to_owned()),
            (false, Some(_)) => return Some("\"steps\" belongs to the samplers ddim and ddpm".to_owned()),
            _ => {}
        }
        match self.eta {
            Some(_) if self.sampler != Some(SamplerKind::Ddim) => {
                Some("\"eta\" belongs to the sampler ddim".to_owned())
            }
            Some(eta) if !(0.0..=1.0).contains(&eta) => Some(format!("eta must be 0 to 1, got {eta}")),
            _ => None,
        }
    }
}

impl SeamOptions {
    /// Distance of the tiles along a side.
    pub(super) fn period(&self, side: usize) -> f64 {
        let starts = Axis::new(side, self.tile, self.overlap).starts().to_vec();
        match starts[..] {
            [first, .., last] => (last - first) as f64 / (starts.len() - 1) as f64,
            _ => f64::INFINITY,
        }
    }
}

impl Recipe {
    /// Reads a recipe.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the place and what is allowed there.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let recipe: Self = from_toml(text)?;
        match recipe.fault() {
            Some(fault) => Err(Error::Recipe(fault)),
            None => Ok(recipe),
        }
    }

    /// Model files that the methods name, each once.
    #[must_use]
    pub fn models(&self) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = self.methods.iter().filter_map(|method| method.model.clone()).collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    /// Leaves out the optional methods whose models are not there; gives the paths of those, each once.
    ///
    /// Checks of such methods stay, and do not hold.
    pub fn leave_out(&mut self, is_there: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
        let is_out = |method: &MethodOptions| method.optional && !method.model.as_deref().is_some_and(&is_there);
        let mut out: Vec<PathBuf> = self.methods.iter().filter(|m| is_out(m)).filter_map(|m| m.model.clone()).collect();
        out.sort_unstable();
        out.dedup();
        self.methods.retain(|method| !is_out(method));
        out
    }

    pub(super) fn method(&self, name: &str) -> Option<&MethodOptions> {
        self.methods.iter().find(|method| method.name == name)
    }

    fn fault(&self) -> Option<String> {
        self.fault_of_images().or_else(|| self.fault_of_methods()).or_else(|| self.fault_of_tests()).or_else(|| {
            let fault = |(index, check): (usize, &Check)| Some(format!("check {}: {}", index + 1, check.fault(self)?));
            self.checks.iter().enumerate().find_map(fault)
        })
    }

    fn fault_of_images(&self) -> Option<String> {
        if self.images.count + self.volumes.len() * self.bodies_per_volume == 0 {
            return Some("there must be at least one body: images.count or volumes with bodies_per_volume".to_owned());
        }
        if self.doses.is_empty() || self.noise.is_empty() {
            return Some("doses and noise must name at least one each".to_owned());
        }
        let wrong = self.doses.iter().find(|(_, quanta)| !is_positive(**quanta));
        wrong.map(|(name, quanta)| format!("doses.{name} must be positive and finite, got {quanta}"))
    }

    fn fault_of_methods(&self) -> Option<String> {
        if self.methods.is_empty() {
            return Some("at least one [[method]] is needed".to_owned());
        }
        let twice = |(index, method): (usize, &MethodOptions)| {
            self.methods[..index].iter().any(|other| other.name == method.name).then(|| method.name.clone())
        };
        if let Some(name) = self.methods.iter().enumerate().find_map(twice) {
            return Some(format!("two methods have the name \"{name}\""));
        }
        self.methods.iter().find_map(|method| Some(format!("method \"{}\": {}", method.name, method.fault()?)))
    }

    fn fault_of_tests(&self) -> Option<String> {
        let model = |table: &str, name: &str| match self.method(name) {
            Some(method) if method.kind == MethodKind::Model => None,
            Some(_) => Some(format!("{table}: \"{name}\" must be of the kind \"model\"")),
            None => Some(format!("{table}: no method has the name \"{name}\"")),
        };
        if let Some(options) = &self.structures
            && !(options.diameter_px >= 2.0 && options.diameter_px.is_finite())
        {
            return Some(format!("structures.diameter_px must be 2 or more, got {}", options.diameter_px));
        }
        if let Some(options) = &self.matched {
            let range = |[least, most]: [f64; 2]| is_positive(least) && is_positive(most) && most >= least;
            if !range(options.doses) || !range(options.strengths) {
                return Some("matched.doses and matched.strengths must be two rising positive numbers".to_owned());
            }
            if [options.images, options.dose_count, options.strength_count].contains(&0) {
                return Some("matched.images, dose_count and strength_count must be at least 1".to_owned());
            }
            if let fault @ Some(_) = model("matched", &options.method) {
                return fault;
            }
        }
        let options = self.seams.as_ref()?;
        let (tile, overlap, side) = (options.tile, options.overlap, self.images.size);
        if tile < 2 * overlap.max(16) || tile > side || options.images == 0 {
            return Some(format!(
                "seams.tile must be at least 32, twice the overlap of {overlap}, at most the image's {side}, and \
                 seams.images at least 1, got {tile} and {}",
                options.images
            ));
        }
        let periods = side as f64 / options.period(side);
        if periods < FEWEST_PERIODS {
            return Some(format!(
                "seams: {FEWEST_PERIODS} distances of tiles must fit into an image's side of {side}, got {periods:.1}"
            ));
        }
        options.methods.iter().find_map(|name| model("seams", name))
    }
}

fn is_positive(value: f64) -> bool {
    value > 0.0 && value.is_finite()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) const TINY: &str = r#"
seed = 5
doses = { high = 1000.0, low = 100.0 }

[images]
seed = 1001
count = 2
views_per_body = 1
size = 64

[[method]]
name = "noisy"
kind = "noisy"

[[method]]
name = "BM3D"
kind = "bm3d"

[[method]]
name = "one-step"
kind = "model"
model = "tiny.safetensors"

[structures]
images = 1
inserts = 4
diameter_px = 8.0

[matched]
method = "one-step"
images = 1
doses = [100.0, 1000.0]
dose_count = 2
strengths = [0.5, 2.0]
strength_count = 3

[seams]
methods = ["one-step"]
images = 1
tile = 32
overlap = 16

[[check]]
kind = "ahead"
method = "BM3D"
of = "noisy"
dose = "low"
noise = "gaussian"
metrics = ["psnr", "ssim"]
"#;

    #[test]
    fn a_recipe_is_read() {
        // 64 pixels hold only four distances of tiles.
        let recipe = Recipe::from_toml(&TINY.replace("size = 64", "size = 128")).unwrap();
        assert_eq!((recipe.noise.len(), recipe.methods[2].sampler()), (2, Sampler::OneStep));
        assert_eq!(recipe.models(), [PathBuf::from("tiny.safetensors")]);
        assert_eq!(recipe.seams.unwrap().period(128), 16.0);
    }

    #[test]
    fn only_optional_methods_are_left_out() {
        let optional =
            TINY.replace("size = 64", "size = 128").replace("model = \"tiny", "optional = true\nmodel = \"tiny");
        let mut recipe = Recipe::from_toml(&optional).unwrap();
        assert!(recipe.leave_out(|_| true).is_empty());
        assert_eq!(recipe.leave_out(|_| false), [PathBuf::from("tiny.safetensors")]);
        assert_eq!(recipe.methods.len(), 2);
        let mut recipe = Recipe::from_toml(&TINY.replace("size = 64", "size = 128")).unwrap();
        assert!(recipe.leave_out(|_| false).is_empty() && recipe.methods.len() == 3);
    }

    #[test]
    fn what_cannot_be_followed_is_refused_by_name() {
        let text = TINY.replace("size = 64", "size = 128");
        let refused = |from: &str, to: &str, word: &str| {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from}");
            let error = Recipe::from_toml(&changed).unwrap_err().to_string();
            assert!(error.contains(word), "{from} -> {to}: {error}");
        };
        refused("seed = 5", "seed = 5\nsede = 5", "unknown field `sede`");
        refused("count = 2", "count = 0", "at least one body");
        refused("low = 100.0", "low = -1.0", "doses.low must be positive and finite, got -1");
        refused("name = \"BM3D\"", "name = \"noisy\"", "two methods have the name \"noisy\"");
        refused("model = \"tiny.safetensors\"", "", "method \"one-step\": this kind needs \"model\"");
        refused("kind = \"noisy\"", "kind = \"noisy\"\nnoise = \"true\"", "this kind does not look at the noise");
        refused("kind = \"bm3d\"", "kind = \"bm3d\"\nsampler = \"ddim\"", "takes no \"sampler\"");
        let sampled = |rest: &str| format!("model = \"tiny.safetensors\"\n{rest}");
        let model = "model = \"tiny.safetensors\"";
        refused(model, &sampled("sampler = \"ddpm\""), "this sampler needs \"steps\" of at least 1");
        refused(model, &sampled("steps = 4"), "\"steps\" belongs to the samplers");
        refused(model, &sampled("sampler = \"ddim\"\nsteps = 4\neta = 2.0"), "eta must be 0 to 1, got 2");
        refused("methods = [\"one-step\"]", "methods = [\"BM3D\"]", "seams: \"BM3D\" must be of the kind \"model\"");
        refused("method = \"one-step\"", "method = \"two\"", "matched: no method has the name \"two\"");
        refused("strengths = [0.5, 2.0]", "strengths = [2.0, 0.5]", "two rising positive numbers");
        refused("tile = 32", "tile = 24", "seams.tile must be at least 32");
        refused("size = 128", "size = 64", "seams: 5 distances of tiles must fit");
        refused("of = \"noisy\"", "of = \"nobody\"", "check 1: no method has the name \"nobody\"");
        refused("dose = \"low\"", "dose = \"lowest\"", "check 1: no dose has the name \"lowest\"");
        refused("\"psnr\", \"ssim\"", "\"seconds\"", "check 1: seconds ranks no method");
    }
}
