//! What people should know about an image before they trust its denoised version.

use kerma::{
    data::{Image, Sample},
    noise::{Processing, looks_processed, noise_correlation},
};
use kerma_nn::{denoise::Denoised, training::Recipe};

/// Ratios of noise at the two finest scales that white noise may have; those of [`looks_processed`].
const NEARLY_WHITE: [f64; 2] = [0.6, 1.3];
/// Most bits of pictures made for viewing.
const VIEWING_BITS: u8 = 8;

/// What is not plain about the image itself.
pub(super) fn of_image(image: &Image) -> Vec<String> {
    let sign = looks_processed(image);
    let mut remarks = Vec::new();
    let is_coloured = matches!(sign, Some(Processing::Blurred { .. } | Processing::Sharpened { .. }));
    match (sign, image.sample()) {
        (Some(sign), _) if !is_coloured => {
            remarks.push(format!("looks processed ({sign}); the noise found is that of the processed image at best"));
        }
        (None, Sample::Unsigned { bits: bits @ ..=VIEWING_BITS }) => {
            remarks.push(format!("has {bits} bits, as pictures made for viewing; detectors give 10 and more"));
        }
        _ => {}
    }
    let ratio = noise_correlation(image, None).ok().and_then(|correlation| correlation.ratio());
    if let Some(ratio) = ratio.filter(|ratio| !(NEARLY_WHITE[0]..=NEARLY_WHITE[1]).contains(ratio)) {
        let way = if ratio < 1.0 { "smoothed" } else { "sharpened" };
        remarks.push(format!(
            "its noise is correlated ({way}: {ratio:.2} of the next scale's at the finest); models learn white noise, and \
             leave or overdo what is not"
        ));
    }
    remarks
}

/// What is not plain about the result.
pub(super) fn of_result(denoised: &Denoised, recipe: &Recipe) -> Vec<String> {
    let Some(diffusion) = &recipe.diffusion else { return Vec::new() };
    let [least, most] = diffusion.levels;
    let is_beyond = denoised.sigma > most;
    let remark = || {
        format!(
            "its noise is {:.3} of half the image's range, beyond the {least} to {most} that {} was trained for",
            denoised.sigma, recipe.name
        )
    };
    is_beyond.then(remark).into_iter().collect()
}
