//! From flags to options: a preset with a few changes, or one step alone.

use clap::{Args, ValueEnum, value_parser};
use kerma::{
    kernels::{clahe::Convention, threshold::triangle::Convention as Threshold},
    tasks::enhance::{
        ClaheOptions, Collimation, Depth, EnhanceOptions, LaplacianOptions, MaskOptions, Polarity, Preset, Response,
        Stage,
    },
};

use crate::failure::Failure;

/// Gain of every band, unless --gains says otherwise.
const USUAL_GAIN: f64 = 1.5;
/// Number of bands, unless --gains or --levels says otherwise.
const USUAL_LEVELS: usize = 3;
/// Clip limit, unless --clip says otherwise.
const USUAL_CLIP: f64 = 2.0;
/// The same in scikit-image's convention, which is its own default.
const USUAL_SHARE: f64 = 0.01;
/// Tiles across and down, unless --tiles says otherwise.
const USUAL_TILES: [u32; 2] = [8, 8];

/// What to do with the image.
#[derive(Args, Debug)]
pub(super) struct Instructions {
    /// Settings for a kind of picture: chest, extremity, abdomen, paediatric, small-animal, medium-animal,
    /// large-animal, or a .toml file
    #[arg(long, value_name = "NAME|FILE", conflicts_with = "only")]
    pub(super) preset: Option<String>,
    /// Do one step alone, on stored values
    #[arg(long, value_enum, value_name = "STEP")]
    pub(super) only: Option<Step>,
    /// Whether values grow with the attenuation (as-is) or with the exposure (inverted)
    #[arg(long, value_enum, value_name = "SENSE")]
    polarity: Option<PolarityFlag>,
    /// Whether values are proportional to the exposure (linear) or to its logarithm
    #[arg(long, value_enum, value_name = "CURVE")]
    response: Option<ResponseFlag>,
    /// Which straight edges are the collimator's, beyond which all is black [default: as the preset says; without a word: any]
    #[arg(long, value_enum, value_name = "EDGES", num_args = 0..=1, require_equals = true, default_missing_value = "any")]
    collimation: Option<CollimationFlag>,
    /// Spread the result's grey levels over so many bits, 1 to 16 [default: stored as the image is]
    #[arg(long, value_name = "N", value_parser = value_parser!(u8).range(1..=16), allow_negative_numbers = true)]
    bits: Option<u8>,
    #[command(flatten)]
    step: StepFlags,
}

/// Which straight edges are taken for those of a collimator's blades.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CollimationFlag {
    /// None
    Off,
    /// Those beyond which the image is denser
    Dense,
    /// All, also of blades that were made black already
    Any,
}

impl From<CollimationFlag> for Collimation {
    fn from(flag: CollimationFlag) -> Self {
        match flag {
            CollimationFlag::Off => Self::Off,
            CollimationFlag::Dense => Self::Dense,
            CollimationFlag::Any => Self::Any,
        }
    }
}

/// Settings of one step.
#[derive(Args, Debug)]
#[command(next_help_heading = "Settings of one step")]
struct StepFlags {
    /// clahe: tiles across and down [default: 8x8]
    #[arg(long, value_name = "NXxNY", value_parser = tiles)]
    tiles: Option<[u32; 2]>,
    /// clahe: limit on the contrast: multiple of a flat histogram's height, or for skimage a tile's share
    /// [default: 2, for skimage 0.01]
    #[arg(long, value_name = "LIMIT", allow_negative_numbers = true)]
    clip: Option<f64>,
    /// clahe: kerma, opencv or skimage [default: kerma]; triangle: opencv, skimage or imagej
    /// [default: opencv]
    #[arg(long, value_name = "NAME")]
    convention: Option<String>,
    /// laplacian: number of bands [default: 3, or that of the gains]
    #[arg(long, value_name = "N")]
    levels: Option<usize>,
    /// laplacian: gain of every band, finest first [default: 1.5 each]
    #[arg(long, value_name = "G,G,…", value_delimiter = ',', allow_negative_numbers = true)]
    gains: Option<Vec<f64>>,
    /// laplacian: power of every band, below 1 to raise faint structures more than strong ones [default: 1 each]
    #[arg(long, value_name = "P,P,…", value_delimiter = ',', allow_negative_numbers = true)]
    powers: Option<Vec<f64>>,
    /// laplacian: multiple of a band's noise below which nothing is raised [default: 0]
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    containment: Option<f64>,
}

/// One step alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Step {
    /// Local histogram equalisation with limited contrast
    Clahe,
    /// Gains of the bands of a Laplacian pyramid
    Laplacian,
    /// The threshold between background and foreground, and the mask it makes
    Triangle,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PolarityFlag {
    Auto,
    AsIs,
    Inverted,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::commands) enum ResponseFlag {
    Auto,
    Log,
    Linear,
}

impl From<PolarityFlag> for Polarity {
    fn from(flag: PolarityFlag) -> Self {
        match flag {
            PolarityFlag::Auto => Self::Auto,
            PolarityFlag::AsIs => Self::AsIs,
            PolarityFlag::Inverted => Self::Inverted,
        }
    }
}

impl From<ResponseFlag> for Response {
    fn from(flag: ResponseFlag) -> Self {
        match flag {
            ResponseFlag::Auto => Self::Auto,
            ResponseFlag::Log => Self::Log,
            ResponseFlag::Linear => Self::Linear,
        }
    }
}

fn tiles(text: &str) -> Result<[u32; 2], String> {
    let counts = text.split_once('x').and_then(|(x, y)| Some([x.parse().ok()?, y.parse().ok()?]));
    counts.ok_or_else(|| format!("tiles must read NXxNY, got \"{text}\""))
}

impl Instructions {
    /// The options, checked, and what they are for; `has_mask` tells whether --mask gives a foreground.
    pub(super) fn preset(&self, has_mask: bool) -> Result<Preset, Failure> {
        self.refuse_strays(has_mask)?;
        let Preset { description, mut options } = match (&self.preset, self.only) {
            (Some(name), _) => Preset::find(name)?,
            (None, Some(step)) => Preset { description: "one step alone".to_owned(), options: self.step_alone(step)? },
            (None, None) => {
                let message = "say what to do: --preset NAME for the whole chain, or --only STEP for one step";
                return Err(Failure::input(message));
            }
        };
        if let Some(polarity) = self.polarity {
            options.polarity = polarity.into();
        }
        if let Some(response) = self.response {
            options.response = response.into();
        }
        options.bits = self.bits.or(options.bits);
        if let Some(flag) = self.collimation {
            let Some(mask) = &mut options.mask else {
                return Err(Failure::input("--collimation needs a preset that seeks a foreground, with [mask]"));
            };
            mask.collimation = flag.into();
        }
        options.check()?;
        Ok(Preset { description, options })
    }

    /// Refuses flags that would have no effect.
    fn refuse_strays(&self, has_mask: bool) -> Result<(), Failure> {
        use Step::{Clahe, Laplacian, Triangle};
        if self.collimation.is_some_and(|flag| flag != CollimationFlag::Off) && has_mask {
            return Err(Failure::input(
                "--collimation has no effect on the foreground that --mask gives: leave one out",
            ));
        }
        let StepFlags { tiles, clip, convention, levels, gains, powers, containment } = &self.step;
        let owners: [(bool, &str, &[Step], Option<&str>); 10] = [
            (tiles.is_some(), "--tiles", &[Clahe], Some("clahe.tiles")),
            (clip.is_some(), "--clip", &[Clahe], Some("clahe.clip")),
            (convention.is_some(), "--convention", &[Clahe, Triangle], Some("clahe.convention")),
            (levels.is_some(), "--levels", &[Laplacian], Some("laplacian.gains")),
            (gains.is_some(), "--gains", &[Laplacian], Some("laplacian.gains")),
            (powers.is_some(), "--powers", &[Laplacian], Some("laplacian.powers")),
            (containment.is_some(), "--containment", &[Laplacian], Some("laplacian.containment")),
            (has_mask, "--mask", &[Clahe], None),
            (self.collimation.is_some(), "--collimation", &[Triangle], None),
            (self.bits.is_some(), "--bits", &[Clahe, Laplacian], None),
        ];
        for (_, flag, steps, field) in owners.into_iter().filter(|(is_given, ..)| *is_given) {
            let names: Vec<String> = steps.iter().map(|step| format!("--only {}", name_of(*step))).collect();
            match (self.only, field) {
                (Some(only), _) if !steps.contains(&only) => {
                    let [owners, only] = [names.join(" or "), name_of(only)];
                    return Err(Failure::input(format!("{flag} does not belong to --only {only} but to {owners}")));
                }
                (None, Some(field)) => {
                    return Err(Failure::input(format!(
                        "{flag} belongs to {}; for the whole chain, set {field} in a preset file",
                        names.join(" or ")
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn step_alone(&self, step: Step) -> Result<EnhanceOptions, Failure> {
        let flags = &self.step;
        let mut options = EnhanceOptions {
            polarity: Polarity::AsIs,
            response: Response::Log,
            depth: Depth::Stored,
            ..EnhanceOptions::default()
        };
        match step {
            Step::Clahe => {
                let convention = named::<Convention>(flags.convention.as_deref(), Convention::NAMES)?;
                let usual_clip = if convention == Convention::ScikitImage { USUAL_SHARE } else { USUAL_CLIP };
                let (tiles, clip) = (flags.tiles.unwrap_or(USUAL_TILES), flags.clip.unwrap_or(usual_clip));
                // Others know of no bits within bits.
                if convention == Convention::Kerma {
                    options.depth = Depth::Used;
                }
                options.clahe = Some(ClaheOptions { tiles, clip, convention });
            }
            Step::Triangle => {
                let names = Threshold::NAMES;
                let threshold = named::<Threshold>(flags.convention.as_deref(), names)?;
                options.mask = Some(MaskOptions { threshold, ..MaskOptions::default() });
            }
            Step::Laplacian => {
                let given = flags.gains.as_ref().map(Vec::len);
                let levels = flags.levels.or(given).unwrap_or(USUAL_LEVELS);
                let counts = [("--gains", given), ("--powers", flags.powers.as_ref().map(Vec::len))];
                for (flag, got) in counts.into_iter().filter_map(|(flag, count)| Some((flag, count?))) {
                    if got != levels {
                        let message = format!("{flag} must have {levels} values, one per level, got {got}");
                        return Err(Failure::input(message));
                    }
                }
                // Checked here already, lest a list of so many is made.
                if !(1..=usize::from(Stage::MAX_BANDS)).contains(&levels) {
                    let most = Stage::MAX_BANDS;
                    return Err(Failure::input(format!("--levels must be 1 to {most}, got {levels}")));
                }
                let gains = flags.gains.clone().unwrap_or_else(|| vec![USUAL_GAIN; levels]);
                let usual = LaplacianOptions::of_gains(gains);
                options.laplacian = Some(LaplacianOptions {
                    powers: flags.powers.clone().unwrap_or_default(),
                    containment: flags.containment.unwrap_or(usual.containment),
                    // Gains are taken as they are given.
                    ceiling: usual.gains.iter().copied().fold(usual.ceiling, f64::max),
                    ..usual
                });
            }
        }
        Ok(options)
    }
}

pub(super) fn name_of(step: Step) -> String {
    step.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// The convention of a name, or the usual one.
fn named<T: Copy + Default>(name: Option<&str>, names: impl AsRef<[(&'static str, T)]>) -> Result<T, Failure> {
    let Some(name) = name else { return Ok(T::default()) };
    let names = names.as_ref();
    names.iter().find(|(known, _)| *known == name).map(|(_, convention)| *convention).ok_or_else(|| {
        let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        Failure::input(format!("--convention must be one of {}, got \"{name}\"", known.join(", ")))
    })
}
