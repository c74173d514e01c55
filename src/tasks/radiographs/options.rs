use serde::{Deserialize, Serialize};

use super::super::TaskError;

/// What radiographs are drawn, and how; every field has a default, so that a recipe names only what it changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Seed of everything.
    pub seed: u64,
    /// Number of phantoms. Bodies with higher numbers come from the given volumes, in turns.
    pub count: usize,
    /// Images of each body, each in a pose and a view of its own.
    pub views_per_body: usize,
    /// Columns and rows of the images.
    pub size: usize,
    /// Spacing at which phantoms become volumes before they are projected, in millimetres; 0 for exact line integrals.
    ///
    /// Exact ones take the time of volumes of 1.25 mm and show no voxels where a narrow field magnifies the image.
    pub voxel_mm: f64,
    /// Strength of the anatomical texture, 0 for none: standard deviation of a line integral of 1, which grows with
    /// the root of the line integral as that of random matter does.
    pub texture: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 0, count: 24, views_per_body: 4, size: 512, voxel_mm: 0.0, texture: 0.03 }
    }
}

/// Fewest and most columns.
const SIZES: [usize; 2] = [8, 8192];
/// Finest and coarsest voxels, in millimetres.
const VOXELS_MM: [f64; 2] = [0.25, 20.0];
/// Strongest texture.
const STRONGEST: f64 = 0.5;

impl Options {
    /// Checks every field.
    pub(super) fn check(&self) -> Result<(), TaskError> {
        let range = |ok: bool, field, allowed, got: f64| {
            if ok { Ok(()) } else { Err(TaskError::Range { field, allowed, got }) }
        };
        let [least, most] = SIZES;
        range((least..=most).contains(&self.size), "size", "8 to 8192 pixels", self.size as f64)?;
        range(self.views_per_body > 0, "views_per_body", "at least 1", self.views_per_body as f64)?;
        let [finest, coarsest] = VOXELS_MM;
        let voxel_ok = self.voxel_mm == 0.0 || (finest..=coarsest).contains(&self.voxel_mm);
        range(voxel_ok, "voxel_mm", "0 or 0.25 to 20 mm", self.voxel_mm)?;
        range((0.0..=STRONGEST).contains(&self.texture), "texture", "0 to 0.5", self.texture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_names_only_what_it_changes_and_nothing_unknown() {
        let options: Options = toml::from_str("count = 3\ntexture = 0.0").unwrap();
        assert_eq!(options, Options { count: 3, texture: 0.0, ..Options::default() });
        assert!(toml::from_str::<Options>("bodies = 3").is_err());
    }

    #[test]
    fn unusable_options_are_refused_by_name() {
        let message = |options: Options| options.check().unwrap_err().to_string();
        let usual = Options::default();
        assert_eq!(usual.check(), Ok(()));
        assert_eq!(message(Options { size: 0, ..usual.clone() }), "size must be 8 to 8192 pixels, got 0");
        assert_eq!(message(Options { voxel_mm: 0.1, ..usual.clone() }), "voxel_mm must be 0 or 0.25 to 20 mm, got 0.1");
        assert_eq!(message(Options { texture: f64::NAN, ..usual.clone() }), "texture must be 0 to 0.5, got NaN");
        assert_eq!(message(Options { views_per_body: 0, ..usual }), "views_per_body must be at least 1, got 0");
    }
}
