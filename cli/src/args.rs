//! The command line as a whole: global flags and the list of commands.

use clap::{
    Args, Parser,
    builder::{PossibleValuesParser, TypedValueParser},
};
use kerma::engine::{Choice, Numerics};

use crate::commands::Command;

const EXAMPLES: &str = "\
Examples:
  kerma phantom chest --grid 256x192x256@1.5x1.5x1.5 --out chest.nii.gz
  kerma geometry cone-circular > scan.toml
  kerma project chest.nii.gz --geometry scan.toml --out scan.nrrd
  kerma reconstruct scan.nrrd --geometry scan.toml --grid 128x96x128@3x3x3 --out again.nii.gz

GRID is NXxNYxNZ@SXxSYxSZ in voxels and millimetres, centred on the origin unless +OX,OY,OZ follows.
Volumes and projection stacks: .nii, .nii.gz, .nrrd, .mha, .mhd, .npy, .tif; folders of DICOM or TIFF files and .zip
of DICOM are read.
--out DIR/ (with the slash, or a folder that is there) writes a volume as DICOM slices, --out FILE.dcm a radiograph.

Exit codes: 0 done; 1 a check failed; 2 bad usage or bad input; 3 the device failed; 130 interrupted.";

/// Portable GPU compute engine for X-ray imaging.
#[derive(Debug, Parser)]
#[command(name = "kerma", version, after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
#[command(max_term_width = 100)]
pub(crate) struct Cli {
    /// Flags that every command takes.
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Where to compute: auto (the best real GPU, else the CPU), cpu, gpu or gpu:N; several for project and FDK, as in gpu:0,gpu:1
    #[arg(long, global = true, default_value = "auto", value_name = "DEVICE", value_parser = device, value_delimiter = ',')]
    pub(crate) device: Vec<Choice>,
    /// Keep the bits of the CPU twins, or let the GPU's compiler rearrange arithmetic
    #[arg(long, global = true, default_value = "pinned", value_name = "MODE", value_parser = numerics())]
    pub(crate) numerics: Numerics,
    /// Which series of a DICOM study, a folder or .zip, is the volume to read; `kerma info` lists them
    #[arg(long, global = true, value_name = "NUMBER")]
    pub(crate) series: Option<usize>,
    /// Which frame of a DICOM file of many is the radiograph to read
    #[arg(long, global = true, value_name = "NUMBER")]
    pub(crate) frame: Option<usize>,
    /// Say nothing but results and errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Print a machine-readable summary on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

fn device(text: &str) -> Result<Choice, String> {
    text.parse()
}

fn numerics() -> impl TypedValueParser<Value = Numerics> {
    PossibleValuesParser::new(["pinned", "fast"])
        .map(|name| if name == "fast" { Numerics::Fast } else { Numerics::Pinned })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
