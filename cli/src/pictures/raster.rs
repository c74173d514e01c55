use std::io::Cursor;

use image::{
    ExtendedColorType, ImageBuffer, ImageEncoder, ImageResult, Luma,
    codecs::png::{CompressionType, FilterType as Prediction, PngEncoder},
    imageops::{self, FilterType},
};

use super::{Diverging, Slice, Window, colour::diverging_rgb};

/// How pixels are made when a picture changes its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resample {
    /// The nearest stored pixel: shows the voxels as they are.
    #[cfg_attr(not(test), expect(dead_code, reason = "only a page of the tests shows voxels as they are"))]
    Nearest,
    /// Bilinear when growing, averaging when shrinking.
    Smooth,
}

/// Pixels with a brightness from 0 to 1, and what that brightness means on paper.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Raster {
    size: [u32; 2],
    paint: Paint,
    /// Brightness, or position on the colour scale.
    tones: Vec<f32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paint {
    Grey,
    Diverging,
}

impl Raster {
    /// A slice in grey.
    pub(crate) fn grey(slice: &Slice, window: Window) -> Self {
        Self::new(slice, Paint::Grey, |v| window.brightness(v))
    }

    /// A slice of signed errors in blue, white and red.
    pub(crate) fn diverging(slice: &Slice, scale: Diverging) -> Self {
        Self::new(slice, Paint::Diverging, |v| scale.position(v))
    }

    /// One column of the diverging colours, the positive end on top.
    pub(crate) fn diverging_bar(rows: u32) -> Self {
        let last = rows.saturating_sub(1).max(1) as f32;
        Self { size: [1, rows], paint: Paint::Diverging, tones: (0..rows).map(|j| 1.0 - j as f32 / last).collect() }
    }

    fn new(slice: &Slice, paint: Paint, tone: impl Fn(f32) -> f32) -> Self {
        // `Image` and `Projections` hold at most 2²⁰ pixels along an axis.
        let size = slice.size().map(|n| n as u32);
        Self { size, paint, tones: slice.values().iter().map(|&v| tone(v)).collect() }
    }

    /// Columns and rows.
    #[cfg(test)]
    pub(crate) fn size(&self) -> [u32; 2] {
        self.size
    }

    /// The same picture with other numbers of columns and rows, at least one each.
    pub(crate) fn resized(self, size: [u32; 2], resample: Resample) -> Self {
        let size = size.map(|n| n.max(1));
        if size == self.size {
            return self;
        }
        let filter = match resample {
            Resample::Nearest => FilterType::Nearest,
            Resample::Smooth => FilterType::Triangle,
        };
        let Some(buffer) = ImageBuffer::<Luma<f32>, _>::from_raw(self.size[0], self.size[1], self.tones) else {
            unreachable!("a slice has one value per pixel");
        };
        let tones = imageops::resize(&buffer, size[0], size[1], filter).into_raw();
        Self { size, tones, ..self }
    }

    /// PNG with 8 bits per channel: grey or RGB.
    ///
    /// # Errors
    /// Those of the encoder.
    pub(crate) fn png8(&self) -> ImageResult<Vec<u8>> {
        match self.paint {
            Paint::Grey => {
                let bytes: Vec<u8> = self.tones.iter().map(|t| (t * 255.0).round() as u8).collect();
                encode(self.size, &bytes, ExtendedColorType::L8)
            }
            Paint::Diverging => {
                let bytes: Vec<u8> = self.tones.iter().flat_map(|&t| diverging_rgb(t)).collect();
                encode(self.size, &bytes, ExtendedColorType::Rgb8)
            }
        }
    }

    /// PNG with 16 bits of grey, whatever the paint: for files that are measured rather than looked at.
    ///
    /// # Errors
    /// Those of the encoder.
    pub(crate) fn png16(&self) -> ImageResult<Vec<u8>> {
        // The encoder takes samples in the machine's byte order and writes them in PNG's.
        let bytes: Vec<u8> = self.tones.iter().flat_map(|t| ((t * 65535.0).round() as u16).to_ne_bytes()).collect();
        encode(self.size, &bytes, ExtendedColorType::L16)
    }
}

fn encode(size: [u32; 2], bytes: &[u8], colour: ExtendedColorType) -> ImageResult<Vec<u8>> {
    let mut png = Cursor::new(Vec::new());
    PngEncoder::new_with_quality(&mut png, CompressionType::Default, Prediction::Adaptive)
        .write_image(bytes, size[0], size[1], colour)?;
    Ok(png.into_inner())
}

#[cfg(test)]
mod tests {
    use image::ImageFormat;
    use kerma::data::{Image, Sample, Unit};

    use super::*;

    fn ramp() -> Slice {
        let values = vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        Slice::of_image(&Image::new([3, 2], Some([1.0, 2.0]), Sample::Float, Unit::Arbitrary, values).unwrap())
    }

    fn decode(png: &[u8]) -> image::DynamicImage {
        image::load_from_memory_with_format(png, ImageFormat::Png).unwrap()
    }

    #[test]
    fn grey_png_keeps_size_order_and_the_windows_ends() {
        let raster = Raster::grey(&ramp(), Window::new(0.0, 5.0));
        let eight = decode(&raster.png8().unwrap()).into_luma8();
        assert_eq!((eight.dimensions(), eight.into_raw()), ((3, 2), vec![0, 51, 102, 153, 204, 255]));
        let sixteen = decode(&raster.png16().unwrap());
        assert_eq!(sixteen.color(), image::ColorType::L16);
        assert_eq!(sixteen.into_luma16().into_raw(), [0, 13107, 26214, 39321, 52428, 65535]);
    }

    #[test]
    fn error_png_is_white_at_zero() {
        let png = Raster::diverging(&ramp(), Diverging::new(5.0)).png8().unwrap();
        let rgb = decode(&png).into_rgb8();
        assert!(rgb.get_pixel(0, 0).0.iter().all(|&c| c > 240));
        assert!(rgb.get_pixel(2, 1).0[0] > rgb.get_pixel(2, 1).0[2]);
    }

    #[test]
    fn growing_keeps_the_range_and_nearest_keeps_the_values() {
        let raster = Raster::grey(&ramp(), Window::new(0.0, 5.0));
        let smooth = raster.clone().resized([30, 40], Resample::Smooth);
        assert_eq!(smooth.size(), [30, 40]);
        assert!(smooth.tones.iter().all(|t| (0.0..=1.0).contains(t)));
        let nearest = raster.clone().resized([6, 4], Resample::Nearest);
        assert!(nearest.tones.iter().all(|t| raster.tones.contains(t)));
        assert_eq!((nearest.tones[0], nearest.tones[23]), (0.0, 1.0));
    }
}
