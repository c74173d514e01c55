use std::{fmt, str::FromStr};

use super::MetricError;
use crate::data::Image;

/// Rectangle of an image, in pixels; written `X,Y,WIDTH,HEIGHT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Region {
    /// First column.
    pub x: usize,
    /// First row.
    pub y: usize,
    /// Number of columns.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
}

impl Region {
    /// The whole image.
    #[must_use]
    pub fn whole(image: &Image) -> Self {
        let [width, height] = image.size();
        Self { x: 0, y: 0, width, height }
    }

    /// Columns and rows.
    #[must_use]
    pub fn size(self) -> [usize; 2] {
        [self.width, self.height]
    }

    /// Rows of the region, top to bottom.
    ///
    /// # Errors
    /// [`MetricError::Outside`] when it reaches beyond the image or is empty.
    pub(super) fn rows(self, image: &Image) -> Result<impl Iterator<Item = &[f32]>, MetricError> {
        let size = image.size();
        let fits = |start: usize, length: usize, side: usize| {
            length > 0 && start.checked_add(length).is_some_and(|end| end <= side)
        };
        if !(fits(self.x, self.width, size[0]) && fits(self.y, self.height, size[1])) {
            return Err(MetricError::Outside { what: format!("region {self}"), size });
        }
        let rows = image.values().chunks_exact(size[0]).skip(self.y).take(self.height);
        Ok(rows.map(move |row| &row[self.x..self.x + self.width]))
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { x, y, width, height } = self;
        write!(f, "{x},{y},{width},{height}")
    }
}

impl FromStr for Region {
    type Err = MetricError;

    fn from_str(text: &str) -> Result<Self, MetricError> {
        let numbers: Result<Vec<usize>, _> = text.split(',').map(|part| part.trim().parse()).collect();
        match numbers.as_deref() {
            Ok(&[x, y, width, height]) => Ok(Self { x, y, width, height }),
            _ => Err(MetricError::RegionText { got: text.to_owned() }),
        }
    }
}

/// What frequencies are counted against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrequencyUnit {
    /// Cycles per millimetre: the image knows its spacing.
    PerMillimetre,
    /// Cycles per pixel: it does not.
    PerPixel,
}

impl FrequencyUnit {
    /// The unit for an image, and the distances between columns and between rows in the matching unit of length.
    pub(super) fn of(image: &Image) -> (Self, [f64; 2]) {
        image.spacing_mm().map_or((Self::PerPixel, [1.0; 2]), |spacing| (Self::PerMillimetre, spacing))
    }

    /// The unit of length: mm or px.
    #[must_use]
    pub fn length(self) -> &'static str {
        match self {
            Self::PerMillimetre => "mm",
            Self::PerPixel => "px",
        }
    }
}

impl fmt::Display for FrequencyUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1/{}", self.length())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Sample, Unit};

    #[test]
    fn regions_are_read_and_kept_within_the_image() {
        let values = (0..20).map(|v| v as f32).collect();
        let image = Image::new([5, 4], None, Sample::Float, Unit::Arbitrary, values).unwrap();
        let region: Region = "3,1,2,2".parse().unwrap();
        assert_eq!(region.to_string(), "3,1,2,2");
        assert_eq!(region.rows(&image).unwrap().collect::<Vec<_>>(), [[8.0, 9.0], [13.0, 14.0]]);
        for text in ["4,1,2,2", "0,3,1,2", "0,0,0,1", "18446744073709551615,0,2,1"] {
            let error = text.parse::<Region>().unwrap().rows(&image).err().unwrap().to_string();
            assert_eq!(error, format!("region {text} must lie within the image of 5x4 pixels"));
        }
        for text in ["", "1,2,3", "1,2,3,4,5", "-1,0,2,2", "1;2;3;4"] {
            assert!(text.parse::<Region>().unwrap_err().to_string().contains("X,Y,WIDTH,HEIGHT"), "{text}");
        }
    }
}
