//! The part of an image that was exposed and measured.

use std::borrow::Cow;

use super::{Collimation, GivenMask, TaskError, given_mask};
use crate::{
    data::{Image, ImageInfo},
    engine::{Buffer, Graph},
    kernels::{
        Mask, Pixels,
        mask::{
            collimation::{self, Blades},
            combine, rectangle,
        },
    },
    parallel::*,
};

/// Takes what was not measured out of an image: its pixels become the one that is shown darkest, and the others a mask.
///
/// `is_exposure` says that the largest value is shown darkest.
pub(super) fn measured<'a>(
    image: Cow<'a, Image>,
    info: &ImageInfo,
    is_exposure: bool,
) -> Result<(Cow<'a, Image>, Option<GivenMask>), TaskError> {
    let Some([low, high]) = info.padding else { return Ok((image, None)) };
    let is_measured = |v: &f32| !(low..=high).contains(v);
    let mask = GivenMask::of(&image, is_measured);
    if mask.is_full() || mask.is_empty() {
        return Ok((image, None));
    }
    let all = image.values().iter().copied().filter(is_measured);
    let darkest = if is_exposure { all.fold(f32::MIN, f32::max) } else { all.fold(f32::MAX, f32::min) };
    let (size, spacing_mm, sample, unit) = (image.size(), image.spacing_mm(), image.sample(), image.unit());
    let mut values = image.into_owned().into_values();
    values.par_iter_mut().filter(|v| !is_measured(v)).for_each(|v| *v = darkest);
    Ok((Cow::Owned(Image::new(size, spacing_mm, sample, unit, values)?), Some(mask)))
}

/// Values that a median is taken of, at most about.
const SAMPLES: usize = 1 << 16;
/// Share of the outermost pixels of a side that must be dense for a blade to be there.
const DENSE_SHARE: f64 = 0.75;

/// Bits of the sides, left, top, right and bottom, along which an image is dense up to its edge, as behind a blade: of the
/// outermost pixels [`DENSE_SHARE`] are denser than half of the image. Around a body there is direct exposure.
pub(super) fn dense_sides(image: &Image, is_exposure: bool) -> u32 {
    let ([columns, rows], values) = (image.size(), image.values());
    let mut samples: Vec<f32> = values.iter().copied().step_by(values.len().div_ceil(SAMPLES)).collect();
    let middle = samples.len() / 2;
    let median = *samples.select_nth_unstable_by(middle, f32::total_cmp).1;
    let is_dense = |i: usize| if is_exposure { values[i] < median } else { values[i] > median };
    let side = |count: usize, place: &dyn Fn(usize) -> usize| {
        (0..count).filter(|&k| is_dense(place(k))).count() as f64 >= DENSE_SHARE * count as f64
    };
    let last = (rows - 1) * columns;
    let sides = [
        side(rows, &|k| k * columns),
        side(columns, &|k| k),
        side(rows, &|k| (k + 1) * columns - 1),
        side(columns, &|k| last + k),
    ];
    (0..).zip(sides).fold(0, |bits, (side, is_dense)| bits | u32::from(is_dense) << side)
}

/// The blades that are looked for, if any are.
pub(super) fn blades(collimation: Collimation, dense_sides: u32) -> Option<Blades> {
    match collimation {
        Collimation::Off => None,
        Collimation::Dense => Some(Blades::Dense { sides: dense_sides }),
        Collimation::Any => Some(Blades::Any),
    }
}

/// What of an image is looked at.
#[derive(Clone, Copy, Default)]
pub(super) struct Region {
    /// Its pixels; none for all.
    pub(super) mask: Option<Mask>,
    /// Borders of the collimated field, where they were sought: left, top, right, bottom, the last two exclusive.
    pub(super) borders: Option<Buffer<u32>>,
}

/// Records the region: what was measured, of that what lies between the collimator's `blades` where they are sought.
pub(super) fn record(
    graph: &mut Graph<'_>,
    pixels: Pixels,
    measured: Option<&GivenMask>,
    blades: Option<Blades>,
) -> Region {
    let measured = measured.and_then(|mask| given_mask::record(graph, mask));
    let Some(blades) = blades else { return Region { mask: measured, borders: None } };
    let borders = collimation::borders(graph, pixels, blades);
    let field = rectangle::record(graph, borders, pixels.size);
    let mask = measured.map_or(field, |measured| combine::and(graph, measured, field));
    Region { mask: Some(mask), borders: Some(borders) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{Sample, Unit},
        engine::{Control, Device, Plan},
        tasks::{
            Recorded,
            enhance::{Enhanced, Enhancement, Preset},
        },
    };

    const SIZE: [usize; 2] = [240, 200];
    const FIELD: [usize; 4] = [50, 0, 190, 180];

    /// A limb in direct exposure between three blades, in the values of storage phosphors: dense matter is small.
    fn limb() -> Image {
        let value = |x: usize, y: usize| {
            let noise = (x * 7919 + y * 104_729 + x * y * 31) % 23;
            let [left, top, right, bottom] = FIELD;
            if !((left..right).contains(&x) && (top..bottom).contains(&y)) {
                return 5 + noise;
            }
            let across = (x as f64 - 118.0 - 0.05 * y as f64).abs();
            // Direct exposure has the least noise here, so that its peak is the highest.
            match across {
                a if a < 12.0 => 400 + noise,
                a if a < 40.0 => 600 + noise,
                _ => 900 + noise / 4,
            }
        };
        let values = (0..SIZE[0] * SIZE[1]).map(|i| value(i % SIZE[0], i / SIZE[0]) as f32).collect();
        Image::new(SIZE, None, Sample::Unsigned { bits: 10 }, Unit::Arbitrary, values).unwrap()
    }

    fn enhanced(image: Image, info: &ImageInfo, collimation: Collimation) -> Enhanced {
        let mut options = Preset::find("extremity").unwrap().options;
        options.mask.as_mut().unwrap().collimation = collimation;
        let task = Enhancement::new(image, info, None, &options, &[]).unwrap();
        let device = Device::cpu();
        let plan = Plan::new(task.graph(), device.limits()).unwrap();
        let outputs = pollster::block_on(device.run(&plan, &Control::default())).unwrap();
        task.finish(outputs).unwrap()
    }

    fn outside(image: &Image) -> impl Iterator<Item = f32> {
        let [left, top, right, bottom] = FIELD;
        let is_outside =
            move |i: &usize| !((left..right).contains(&(i % SIZE[0])) && (top..bottom).contains(&(i / SIZE[0])));
        (0..SIZE[0] * SIZE[1]).filter(is_outside).map(|i| image.values()[i])
    }

    #[test]
    fn shutters_are_black_and_do_not_move_the_threshold() {
        let info = ImageInfo { inverted: true, ..ImageInfo::default() };
        let found = enhanced(limb(), &info, Collimation::Dense);
        assert_eq!(found.field, Some(FIELD.map(|n| n as u32)));
        assert!(outside(&found.image).all(|v| v == 0.0));
        // The limb is 76 of the field's 140 columns wide; direct exposure lies below the threshold.
        let share = found.mask_share.unwrap() * 240.0 * 200.0 / (140.0 * 180.0);
        assert!((0.54..0.66).contains(&share), "{share}");
        // Without the search the shutter counts as dense matter, and is white.
        let kept = enhanced(limb(), &info, Collimation::Off);
        assert_eq!(kept.field, None);
        assert!(kept.mask_share.unwrap() > 0.5 && outside(&kept.image).all(|v| v > 900.0));
    }

    #[test]
    fn padding_is_black_and_counts_nowhere() {
        let mut values = limb().into_values();
        let rows = 180 * SIZE[0];
        let cut = Image::new([240, 180], None, Sample::Unsigned { bits: 10 }, Unit::Arbitrary, values[..rows].to_vec());
        let info = ImageInfo { inverted: true, ..ImageInfo::default() };
        let alone = enhanced(cut.unwrap(), &info, Collimation::Dense);
        values[rows..].fill(1000.0);
        let padded = Image::new(SIZE, None, Sample::Unsigned { bits: 10 }, Unit::Arbitrary, values).unwrap();
        let with = enhanced(padded, &ImageInfo { padding: Some([1000.0; 2]), ..info }, Collimation::Dense);
        assert_eq!((with.threshold, with.bits), (alone.threshold, alone.bits));
        assert!(with.image.values()[rows..].iter().all(|&v| v == 0.0));
    }
}
