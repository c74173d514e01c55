//! What people should know about an image before they trust its denoised version.

use kerma::{
    data::{Image, Sample},
    noise::{Processing, looks_processed, noise_correlation},
};
use kerma_nn::denoise::{Denoised, training::Recipe};

use crate::report::significant;

/// Most bits of pictures made for viewing.
const VIEWING_BITS: u8 = 8;

/// What is not plain about the image itself.
pub(super) fn of_image(image: &Image) -> Vec<String> {
    let sign = looks_processed(image);
    let mut remarks = Vec::new();
    let ratio = match sign {
        Some(Processing::Blurred { ratio } | Processing::Sharpened { ratio }) => Some(ratio),
        _ => noise_correlation(image, None).ok().and_then(|correlation| correlation.not_white()),
    };
    match (sign, image.sample()) {
        // Of noise that is not white more is said below.
        (Some(Processing::Blurred { .. } | Processing::Sharpened { .. }), _) => {}
        (Some(sign), _) => {
            remarks.push(format!("looks processed ({sign}); the noise found is that of the processed image at best"));
        }
        (None, Sample::Unsigned { bits: bits @ ..=VIEWING_BITS }) => {
            remarks.push(format!("has {bits} bits, as pictures made for viewing; detectors give 10 and more"));
        }
        _ => {}
    }
    if let Some(ratio) = ratio {
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
    let (Some(sigma), Some(diffusion)) = (denoised.sigma, &recipe.diffusion) else { return Vec::new() };
    let [least, most] = diffusion.trained();
    let side = match sigma {
        _ if sigma > most => "beyond",
        _ if sigma < least => "below",
        _ => return Vec::new(),
    };
    let [sigma, least, most] = [sigma, least, most].map(|level| significant(level, 2));
    vec![format!(
        "its noise is {sigma} of half the image's range, {side} the {least} to {most} that {} was trained for",
        recipe.name
    )]
}
