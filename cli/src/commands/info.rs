//! `kerma info`: what a file is.

use std::path::PathBuf;

use clap::Args;
use kerma::{
    data::{Grid, Unit},
    io::{DatasetDescription, Description, describe},
};
use serde_json::json;

use crate::{context::Context, failure::Failure};

const EXAMPLES: &str = "\
Examples:
  kerma info chest.nii.gz
  kerma info ct-folder --json
  kerma info scan.h5

The content tells what a file is, whatever its name. What is odd about it stands in the last lines.";

/// Arguments of `kerma info`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InfoArgs {
    /// Volume, projections or image, HDF5 file, or folder or .zip of DICOM or TIFF files
    file: PathBuf,
}

/// Runs `kerma info`.
pub(crate) fn run(args: &InfoArgs, context: &mut Context) -> Result<(), Failure> {
    let series = context.options().series;
    let description = context.read(|| describe(&args.file, series))?;
    let Description { format, size, stored, spacing_mm, grid, unit, datasets, remarks } = &description;
    let is_stated = *unit != Unit::Arbitrary;
    context.measure("format", format);
    context.measure("size", size);
    context.measure("values", stored);
    context.measure("spacing_mm", (!spacing_mm.is_empty()).then_some(spacing_mm));
    context.measure("axes", grid.as_ref().map(axes));
    context.measure("centre_mm", grid.as_ref().map(|grid| grid.centre_mm().to_array()));
    context.measure("unit", is_stated.then(|| unit.to_string()));
    let list: Vec<_> = (datasets.iter())
        .map(|DatasetDescription { name, size, stored, units }| {
            json!({ "name": name, "size": size, "values": stored, "units": units })
        })
        .collect();
    context.measure("datasets", (!list.is_empty()).then_some(list));
    context.measure("remarks", json!(remarks));
    let mut text = format!("{}: {format}\n", args.file.display());
    let mut line = |name: &str, value: String| text += &format!("  {name:<9} {value}\n");
    let product = |size: &[usize]| size.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
    if !size.is_empty() {
        line("size", product(size));
    }
    if !spacing_mm.is_empty() {
        line("spacing", format!("{} mm", spacing_mm.iter().map(f64::to_string).collect::<Vec<_>>().join(" x ")));
    }
    if let Some(grid) = grid {
        let [x, y, z] = grid.centre_mm().to_array();
        line("axes", axes(grid).join(", "));
        line("centre", format!("{x}, {y}, {z} mm"));
    }
    if !stored.is_empty() {
        line("values", stored.clone());
        line("unit", if is_stated { format!("{unit}, as the file states") } else { "not stated".to_owned() });
    }
    for DatasetDescription { name, size, stored, units } in datasets {
        let stored = stored.as_deref().unwrap_or("no numbers");
        let size = if size.is_empty() { String::new() } else { format!("{}, ", product(size)) };
        let units = units.as_ref().map_or_else(String::new, |units| format!(", {units}"));
        line("dataset", format!("{name}: {size}{stored}{units}"));
    }
    for remark in remarks {
        line("odd", remark.clone());
    }
    context.answer(text)
}

/// Which way of the body each axis goes, as nearly as there is a word for it.
fn axes(grid: &Grid) -> [String; 3] {
    const WAYS: [[&str; 2]; 3] = [["left", "right"], ["back", "front"], ["feet", "head"]];
    [0, 1, 2].map(|axis| {
        let direction = grid.orientation().col(axis);
        let along = (0..3).fold(0, |most, k| if direction[k].abs() > direction[most].abs() { k } else { most });
        let way = WAYS[along][usize::from(direction[along] > 0.0)];
        format!("{} to the {way}", ["x", "y", "z"][axis])
    })
}
