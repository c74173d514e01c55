//! Line integrals of simulated cases, as trainings use them.

use std::path::Path;

use kerma::{
    data::{Image, Sample, Unit},
    io::read_projections,
};

use kerma_nn::training::cases;

use super::record::{self, Record, Variant};
use crate::{context::Context, failure::Failure};

/// Line integrals of all views of the cases in a folder, by the cases' names. Cases with a detector have its noise and are refused.
pub(crate) fn clean_views(folder: &Path, context: &mut Context) -> Result<Vec<Image>, Failure> {
    let cases = cases(folder).map_err(|error| Failure::input(error).in_file(folder))?;
    if cases.is_empty() {
        return Err(Failure::input("holds no case of kerma simulate").in_file(folder));
    }
    let mut views = Vec::new();
    for case in cases {
        let record = Record::read(&case.join(record::FILE))?;
        for variant in &record.protocols {
            if variant.protocol.detector.is_some() {
                let refusal = "has the noise of a detector; simulate with --set detector.enabled=false";
                return Err(Failure::input(refusal).in_file(&case));
            }
            let file = case.join(format!("{}.nrrd", Variant::file(&variant.name, "integrals")));
            let stack = context.read(|| read_projections(&file, None))?;
            for view in 0..stack.views() {
                let (size, pitch, values) = (stack.detector(), stack.pitch_mm(), stack.view_values(view).to_vec());
                views.push(Image::new(size, Some(pitch), Sample::Float, Unit::LineIntegral, values)?);
            }
        }
    }
    Ok(views)
}
