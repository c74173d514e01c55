//! A case as DICOM files.

use kerma::{
    data::{Image, ImageInfo, Sample, Trend, Unit},
    geometry::Source,
    io::{DicomAttributes, Exposure},
    tasks::simulate::{Case, Exposed, Part},
};

use super::files::{Draft, levels};
use crate::{context::Context, dicom::oriented, failure::Failure, pictures::Slice};

/// What files of a case state; `index` is the exposure index of a view.
pub(super) fn attributes(case: &Case, index: Option<f64>) -> Result<DicomAttributes, Failure> {
    let attributes =
        DicomAttributes { simulated: true, derivation: "kerma simulate".to_owned(), ..DicomAttributes::default() };
    let view = &case.room().views()[case.room().views().len() / 2];
    let (Some(beam), Source::Point(source)) = (&case.protocol().beam, view.source) else { return Ok(attributes) };
    let source_detector_mm = source.distance(view.detector_centre);
    Ok(attributes.with_exposure(&Exposure { kvp: beam.kvp, mas: beam.mas, source_detector_mm, index }))
}

/// Writes a view as it is looked at, and as the detector reads it out where it does.
pub(super) fn view(
    case: &Case,
    exposed: &Exposed,
    view: usize,
    file: &impl Fn(&str) -> String,
    draft: &mut Draft,
    context: &mut Context,
) -> Result<(), Failure> {
    // To a tenth: the standard asks for no more than its share of errors.
    let index = case.exposure_index(exposed, view)?.map(|index| (10.0 * index).round() / 10.0);
    let attributes = attributes(case, index)?;
    let upright = |part: Part| exposed.stack(part).and_then(|stack| Slice::of_view(stack, case.room(), view));
    if let Some(slice) = upright(Part::Integrals) {
        let info = ImageInfo { intensity: Some(Trend::Falling), ..ImageInfo::default() };
        let attributes = DicomAttributes { info, ..oriented(attributes.clone(), &slice) };
        draft.radiograph(context, &file("picture"), &image(&slice, levels(&slice))?, &attributes)?;
    }
    let reads_out = case.protocol().detector.as_ref().is_some_and(|detector| detector.readout.enabled);
    if let Some(slice) = upright(Part::Raw).filter(|_| reads_out) {
        let info = ImageInfo { linear: true, intensity: Some(Trend::Rising), ..ImageInfo::default() };
        let attributes = DicomAttributes { raw: true, info, ..oriented(attributes, &slice) };
        draft.radiograph(context, &file("raw"), &image(&slice, slice.values().to_vec())?, &attributes)?;
    }
    Ok(())
}

fn image(slice: &Slice, values: Vec<f32>) -> Result<Image, Failure> {
    Ok(Image::new(slice.size(), slice.pixel_mm(), Sample::Unsigned { bits: 16 }, Unit::Arbitrary, values)?)
}
