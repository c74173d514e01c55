use std::path::PathBuf;

use clap::Args;
use kerma::physics::{Layer, Material, PhysicsError, Spectrum, Tube};
use serde_json::json;

use crate::{context::Context, failure::Failure};

const EXAMPLES: &str = "\
Examples:
  kerma spectrum --kvp 120 --filter al:2.5
  kerma spectrum --kvp 80 --anode-angle 14 --filter al:2.5 --filter cu:0.1 --mas 2 --at 0,0,1800
  kerma spectrum --kvp 120 --filter al:2.5 --at -150,0,1800 --json
  kerma spectrum --file measured.csv --filter al:1

The focal spot is the origin; x points to the cathode, z along the central ray. Air is no part of it unless it is a layer:
--filter air:1000. Sources and accuracy: docs/methods/physics.md.";

/// Arguments of `kerma spectrum`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SpectrumArgs {
    /// Tube voltage, 40 to 150 kV
    #[arg(long, value_name = "KV", required_unless_present = "file", conflicts_with = "file")]
    kvp: Option<f64>,
    /// Angle between the central ray and the tungsten anode's surface, 5 to 25 degrees
    #[arg(long, value_name = "DEG", default_value_t = 12.0)]
    anode_angle: f64,
    /// Spectrum to begin with instead: CSV of energy in keV and photons, in bins by their centres
    #[arg(long, value_name = "FILE", conflicts_with = "anode_angle")]
    file: Option<PathBuf>,
    /// Layer in the beam: a built-in material or the symbol of an element, and millimetres; may be repeated
    #[arg(long, value_name = "MATERIAL:MM")]
    filter: Vec<String>,
    /// Further materials for layers, in TOML
    #[arg(long, value_name = "FILE")]
    materials: Option<PathBuf>,
    /// Tube load
    #[arg(long, value_name = "MAS", default_value_t = 1.0, conflicts_with = "file")]
    mas: f64,
    /// Point in the beam, in millimetres
    #[arg(long, value_name = "X,Y,Z", default_value = "0,0,1000", value_parser = point, conflicts_with = "file")]
    #[arg(allow_hyphen_values = true)]
    at: [f64; 3],
}

fn point(text: &str) -> Result<[f64; 3], String> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let wrong = || format!("a point must read X,Y,Z in millimetres, got \"{text}\"");
    numbers.ok().and_then(|numbers| numbers.try_into().ok()).ok_or_else(wrong)
}

/// Runs `kerma spectrum`. Spectra are computed on the host, whatever the device.
pub(crate) fn run(args: &SpectrumArgs, context: &mut Context) -> Result<(), Failure> {
    if !(args.mas > 0.0 && args.mas.is_finite()) {
        return Err(Failure::input(format!("--mas must be positive and finite, got {}", args.mas)));
    }
    let own = match &args.materials {
        Some(path) => context.read(|| Material::read(path))?,
        None => Vec::new(),
    };
    let layers: Result<Vec<Layer>, PhysicsError> = args.filter.iter().map(|text| Layer::parse(text, &own)).collect();
    let layers = layers?;
    let of_layers: Vec<String> = layers.iter().map(Layer::to_string).collect();
    let (source, spectrum) = match (&args.file, args.kvp) {
        (Some(path), _) => {
            let beam = context.read(|| Spectrum::read(path))?;
            let filtered = |beam: Spectrum, layer: &Layer| beam.attenuated(&layer.material, layer.thickness_mm);
            context.measure("file", path.display().to_string());
            (path.display().to_string(), context.compute(|| layers.iter().try_fold(beam, filtered))?)
        }
        (None, Some(kvp)) => {
            let tube = Tube::new(kvp, args.anode_angle, layers)?;
            context.measure("kvp", kvp);
            context.measure("anode_angle_deg", args.anode_angle);
            context.measure("mas", args.mas);
            context.measure("at_mm", args.at);
            let [x, y, z] = args.at;
            let source = format!("{kvp} kV, anode {}°, {} mAs at ({x}, {y}, {z}) mm", args.anode_angle, args.mas);
            (source, context.compute(|| tube.spectrum_at(args.at))?.scaled(args.mas))
        }
        (None, None) => return Err(Failure::input("spectrum needs --kvp or --file")),
    };
    let (photons, kerma, mean) = (spectrum.total_per_mm2(), spectrum.air_kerma_mgy()?, spectrum.mean_energy_kev());
    let [first, second] = spectrum.half_value_layers_mm_al()?;
    context.measure("filter", &of_layers);
    context.measure("photons_per_mm2", photons);
    context.measure("air_kerma_mgy", kerma);
    context.measure("mean_energy_kev", mean);
    context.measure("half_value_layers_mm_al", [first, second]);
    let bins = json!({ "energy_kev": spectrum.energies_kev(), "photons_per_mm2": spectrum.fluence_per_mm2() });
    context.measure("spectrum", bins);
    let filter = if of_layers.is_empty() { "no filter".to_owned() } else { of_layers.join(", ") };
    context.answer(format!(
        "{source}, {filter}\n  photons            {photons:.4e} per mm²\n  air kerma          {kerma:.4e} mGy\n  \
         mean energy        {mean:.2} keV\n  half-value layers  {first:.3} and {second:.3} mm Al\n"
    ))
}
