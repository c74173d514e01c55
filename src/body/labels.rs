use std::sync::atomic::{AtomicBool, Ordering};

use glam::DVec3;
use serde::Deserialize;

use super::{Body, BodyError, voxels::CHUNK};
use crate::{
    data::{Grid, Volume},
    parallel::*,
    physics::{
        Material,
        catalogue::{Entry, fault},
    },
};

/// Largest number of a label.
const MAX_LABEL: u32 = 65_535;
/// Largest file of labels that is read; that of 118 organs has 13 kB.
#[cfg(feature = "io")]
const MAX_FILE_BYTES: u64 = 1 << 20;
/// Stands for a label without a material while voxels are read.
const MISSING: u32 = u32::MAX;

/// Labels of one kind of tissue.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Name.
    pub name: String,
    /// The labels that mean it.
    pub numbers: Vec<u32>,
    /// What it is made of.
    pub material: Material,
    /// Its density, in g/cm³.
    pub density_g_cm3: f64,
}

/// What the labels of a label map are made of; label 0 is what has none.
#[derive(Clone, Debug, PartialEq)]
pub struct Labels(Vec<Label>);

/// A file of labels.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    material: Vec<Entry>,
    #[serde(default)]
    label: Vec<LabelEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelEntry {
    name: String,
    numbers: Vec<u32>,
    material: String,
    density_g_cm3: Option<f64>,
}

impl Labels {
    /// Labels of one's own.
    ///
    /// # Errors
    /// [`BodyError::Value`] when a number is 0, too large or there twice, or a density is not positive.
    pub fn new(labels: Vec<Label>) -> Result<Self, BodyError> {
        let mut known = std::collections::HashSet::new();
        for label in &labels {
            let density = label.density_g_cm3;
            if !(density > 0.0 && density.is_finite()) {
                let what = format!("density of label {}", label.name);
                return Err(BodyError::value(what, "positive", format!("{density} g/cm³")));
            }
            for &number in &label.numbers {
                if number == 0 || number > MAX_LABEL {
                    let what = format!("number of label {}", label.name);
                    return Err(BodyError::value(what, format!("1 to {MAX_LABEL}"), number.to_string()));
                }
                if !known.insert(number) {
                    return Err(BodyError::value(format!("label {number}"), "that of one name only", "two"));
                }
            }
        }
        Ok(Self(labels))
    }

    /// Labels of a text in TOML; `assets/body/totalsegmentator.toml` is an example.
    ///
    /// ```toml
    /// [[material]]                      # as in a file of materials
    /// name = "blood-with-iodine"
    /// mixture = { blood = 0.985, I = 0.015 }
    ///
    /// [[label]]
    /// name = "vessels"
    /// numbers = [52, 53]
    /// material = "blood-with-iodine"    # one of above, a built-in one or an element
    /// density_g_cm3 = 1.07              # the material's own unless given
    /// ```
    ///
    /// # Errors
    /// [`BodyError`] naming the line, or the label and what is allowed.
    pub fn from_toml(text: &str) -> Result<Self, BodyError> {
        let file: File = toml::from_str(text).map_err(|error| {
            let (line, message) = fault(text, &error);
            BodyError::Text { line, message }
        })?;
        let own = Material::of_entries(file.material)?;
        let labels = file.label.into_iter().map(|LabelEntry { name, numbers, material, density_g_cm3 }| {
            let material = Material::find(&material, &own)
                .map_err(|error| BodyError::value(format!("material of label {name}"), "known", error.to_string()))?;
            let density_g_cm3 = density_g_cm3.unwrap_or(material.density_g_cm3());
            Ok(Label { name, numbers, material, density_g_cm3 })
        });
        Self::new(labels.collect::<Result<_, BodyError>>()?)
    }

    /// Labels of a file, as [`Labels::from_toml`] has them.
    ///
    /// # Errors
    /// [`BodyError`] when it cannot be read or used, with the file's name.
    #[cfg(feature = "io")]
    pub fn read(path: impl AsRef<std::path::Path>) -> Result<Self, BodyError> {
        let path = path.as_ref();
        let text = crate::io::read_text(path, "labels", MAX_FILE_BYTES)
            .map_err(|reason| BodyError::Read { path: path.to_owned(), reason })?;
        Self::from_toml(&text).map_err(|reason| BodyError::InFile { path: path.to_owned(), reason: Box::new(reason) })
    }

    /// The labels.
    #[must_use]
    pub fn list(&self) -> &[Label] {
        &self.0
    }

    /// The body that a label map shows, composition k + 1 being that of the k-th of the labels.
    ///
    /// # Errors
    /// [`BodyError`] for a value that is no label, or a label without a material, with the first voxel that has it.
    pub fn body(&self, map: &Volume) -> Result<Body, BodyError> {
        let mut body =
            Body::new(*map.grid(), vec![self.first()?.material.clone()], vec![0.0], vec![0; map.values().len()])?;
        let numbers = self.numbers(&mut body);
        let voxels = body.voxels_mut();
        voxels.par_chunks_mut(CHUNK).zip(map.values().par_chunks(CHUNK)).for_each(|(voxels, values)| {
            for (voxel, &value) in voxels.iter_mut().zip(values) {
                *voxel =
                    if is_label(value) { numbers.get(value as usize).copied().unwrap_or(MISSING) } else { MISSING };
            }
        });
        match voxels.iter().position(|&number| number == MISSING) {
            Some(at) => Err(self.missing(map, at)),
            None => Ok(body),
        }
    }

    /// A body whose voxels are what these labels say wherever the map has one of them: contrast agents and metals, which CT numbers do
    /// not tell from bone. Other labels, and what lies beyond the map, leave the body as it is.
    ///
    /// The map may lie on another grid; each voxel of the body takes the label at its centre.
    ///
    /// # Errors
    /// [`BodyError`] for a value that is no label, or a map that lies elsewhere.
    pub fn over(&self, mut body: Body, map: &Volume) -> Result<Body, BodyError> {
        self.first()?;
        let numbers = self.numbers(&mut body);
        let grid = *body.grid();
        self.at_centres(&grid, map, body.voxels_mut(), |voxel, label| {
            if let Some(&number) = numbers.get(label).filter(|&&number| number != MISSING) {
                *voxel = number;
            }
        })?;
        Ok(body)
    }

    /// Which of the labels each voxel of a grid has at its centre, counted from 1 in the order of [`Self::list`]; 0 where there is none of
    /// them, or nothing of the map.
    ///
    /// # Errors
    /// As [`Self::over`].
    pub fn places(&self, grid: &Grid, map: &Volume) -> Result<Vec<u32>, BodyError> {
        let mut places = Vec::new();
        for (place, label) in (1..).zip(&self.0) {
            for &number in &label.numbers {
                places.resize(places.len().max(number as usize + 1), 0);
                places[number as usize] = place;
            }
        }
        let mut found = vec![0; grid.voxel_count()];
        self.at_centres(grid, map, &mut found, |voxel, label| *voxel = places.get(label).copied().unwrap_or(0))?;
        Ok(found)
    }

    /// Hands the label at the centre of each voxel of a grid, where it has one, to `put`.
    fn at_centres(
        &self,
        of: &Grid,
        map: &Volume,
        voxels: &mut [u32],
        put: impl Fn(&mut u32, usize) + Sync,
    ) -> Result<(), BodyError> {
        if let Some(at) = map
            .values()
            .par_iter()
            .enumerate()
            .filter(|(_, value)| !is_label(**value))
            .map(|(at, _)| at)
            .min_by(Ord::cmp)
        {
            return Err(self.missing(map, at));
        }
        let on = map.grid();
        let [nx, ny, _] = of.size();
        let [mx, my, mz] = on.size();
        let index = |x: f64, y: f64, z: f64| on.index_of(of.world_mm(DVec3::new(x, y, z)));
        let meets = AtomicBool::new(false);
        voxels.par_chunks_mut(nx * ny).enumerate().for_each(|(z, voxels)| {
            for (y, voxels) in voxels.chunks_exact_mut(nx).enumerate() {
                // One step along x is the same everywhere.
                let start = index(0.0, y as f64, z as f64);
                let step = index(1.0, y as f64, z as f64) - start;
                for (x, voxel) in voxels.iter_mut().enumerate() {
                    // Rounded to the nearest; −0.5 and less become negative, which no index is.
                    let at = (start + x as f64 * step + 0.5).floor();
                    if at.min_element() < 0.0 || at.x >= mx as f64 || at.y >= my as f64 || at.z >= mz as f64 {
                        continue;
                    }
                    meets.store(true, Ordering::Relaxed);
                    let label = map.values()[(at.z as usize * my + at.y as usize) * mx + at.x as usize] as usize;
                    if label > 0 {
                        put(voxel, label);
                    }
                }
            }
        });
        match meets.into_inner() {
            true => Ok(()),
            false => Err(BodyError::value("a label map", format!("where the body is, {of}"), on.to_string())),
        }
    }

    /// The first label, of which there must be one.
    fn first(&self) -> Result<&Label, BodyError> {
        self.0.first().ok_or_else(|| BodyError::value("the number of labels with a material", "1 or more", "0"))
    }

    /// Adds a composition for each of the labels; numbers of compositions by label.
    fn numbers(&self, body: &mut Body) -> Vec<u32> {
        let materials: Vec<Material> = self.0.iter().map(|label| label.material.clone()).collect();
        let places = body.places_of(&materials);
        let most = self.0.iter().flat_map(|label| &label.numbers).max().map_or(0, |&most| most as usize);
        let mut numbers = vec![MISSING; most + 1];
        numbers[0] = 0;
        for (label, place) in self.0.iter().zip(places) {
            let mut row = vec![0.0; body.materials().len()];
            row[place] = (label.density_g_cm3 / label.material.density_g_cm3()) as f32;
            let number = body.add(&row);
            label.numbers.iter().for_each(|&label| numbers[label as usize] = number);
        }
        numbers
    }

    /// What is wrong with the value of a voxel.
    fn missing(&self, map: &Volume, at: usize) -> BodyError {
        let [nx, ny, _] = map.grid().size();
        let (value, voxel) = (map.values()[at], [at % nx, at / nx % ny, at / nx / ny]);
        if !is_label(value) {
            let what = format!("label at voxel {voxel:?}");
            return BodyError::value(what, format!("a whole number from 0 to {MAX_LABEL}"), value.to_string());
        }
        let mut numbers: Vec<u32> = self.0.iter().flat_map(|label| label.numbers.iter().copied()).collect();
        numbers.sort_unstable();
        BodyError::NoMaterial { label: value as u32, voxel, allowed: ranges(&numbers) }
    }
}

fn is_label(value: f32) -> bool {
    value >= 0.0 && value <= MAX_LABEL as f32 && value.fract() == 0.0
}

/// Ascending numbers in words, such as 1–4, 7.
fn ranges(numbers: &[u32]) -> String {
    let runs = numbers.chunk_by(|a, b| a + 1 == *b);
    let text = |run: &[u32]| match run {
        [one] => one.to_string(),
        [first, .., last] => format!("{first}–{last}"),
        [] => String::new(),
    };
    runs.map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Unit;

    const TEXT: &str = "[[material]]\nname = \"blood-with-iodine\"\nmixture = { blood = 0.985, I = 0.015 }\n\
                        [[label]]\nname = \"organs\"\nnumbers = [1, 2, 3]\nmaterial = \"liver\"\n\
                        [[label]]\nname = \"vessels\"\nnumbers = [7]\nmaterial = \"blood-with-iodine\"\ndensity_g_cm3 = 1.07\n\
                        [[label]]\nname = \"nail\"\nnumbers = [9]\nmaterial = \"Ti\"\n";

    fn map(size: [usize; 3], values: Vec<f32>) -> Volume {
        Volume::new(Grid::centred(size, [2.0; 3]).unwrap(), Unit::Arbitrary, values).unwrap()
    }

    #[test]
    fn a_label_map_is_a_body_on_its_own() {
        let labels = Labels::from_toml(TEXT).unwrap();
        let body = labels.body(&map([5, 1, 1], vec![0.0, 2.0, 7.0, 9.0, 3.0])).unwrap();
        assert_eq!(body.voxels(), [0, 1, 2, 3, 1]);
        let densities = body.densities_g_cm3();
        for (got, want) in densities.iter().zip([0.0, 1.06, 1.07, Material::by_name("Ti").unwrap().density_g_cm3()]) {
            assert!((got - want).abs() < 1e-6, "{got}, want {want}");
        }
        assert_eq!(
            body.materials().iter().map(Material::name).collect::<Vec<_>>(),
            ["liver", "blood-with-iodine", "Ti"]
        );
    }

    #[test]
    fn labels_over_a_body_change_what_they_name_alone() {
        let labels = Labels::from_toml(TEXT).unwrap();
        let water = Material::by_name("water").unwrap();
        let body = || {
            Body::new(*map([4, 2, 1], vec![0.0; 8]).grid(), vec![water.clone()], vec![0.0, 1.0], vec![1; 8]).unwrap()
        };
        // Label 5 has no material and stays water.
        let full = labels.over(body(), &map([4, 2, 1], vec![0.0, 9.0, 5.0, 7.0, 0.0, 0.0, 0.0, 1.0])).unwrap();
        assert_eq!(full.voxels(), [1, 4, 1, 3, 1, 1, 1, 2]);
        // A map of the two voxels in the middle of either row, its axis along x turned round.
        let grid =
            Grid::new([2, 2, 1], [2.0; 3], [1.0, -1.0, 0.0], glam::DMat3::from_diagonal(DVec3::new(-1.0, 1.0, 1.0)))
                .unwrap();
        let part = Volume::new(grid, Unit::Arbitrary, vec![9.0, 7.0, 0.0, 0.0]).unwrap();
        assert_eq!(labels.over(body(), &part).unwrap().voxels(), [1, 3, 4, 1, 1, 1, 1, 1]);
        assert_eq!(labels.places(body().grid(), &part).unwrap(), [0, 2, 3, 0, 0, 0, 0, 0]);
        let elsewhere = part.with_grid(grid.with_centre(DVec3::splat(100.0))).unwrap();
        assert!(
            labels
                .over(body(), &elsewhere)
                .unwrap_err()
                .to_string()
                .starts_with("a label map must be where the body is")
        );
    }

    #[test]
    fn what_has_no_material_is_named_with_its_first_voxel() {
        let labels = Labels::from_toml(TEXT).unwrap();
        let refused = |value: f32| {
            labels.body(&map([2, 2, 2], vec![0.0, 1.0, 0.0, 0.0, 0.0, value, 0.0, value])).unwrap_err().to_string()
        };
        assert_eq!(refused(8.0), "no material for label 8, first at voxel [1, 0, 1]; labels with one: 1–3, 7, 9");
        assert_eq!(refused(70000.0), "label at voxel [1, 0, 1] must be a whole number from 0 to 65535, got 70000");
        assert!(
            refused(1.5).ends_with("got 1.5")
                && refused(-1.0).ends_with("got -1")
                && refused(f32::NAN).ends_with("NaN")
        );
        let refused = |text: &str| Labels::from_toml(text).unwrap_err().to_string();
        let label = "[[label]]\nname = \"a\"\nnumbers = [1]\n";
        assert!(
            refused(&format!("{label}material = \"mud\""))
                .starts_with("material of label a must be known, got no material is called")
        );
        assert!(
            refused(&format!("{label}material = \"Ti\"\ndensity_g_cm3 = 0")).contains("must be positive, got 0 g/cm³")
        );
        assert!(
            refused(&format!("{label}material = \"Ti\"\n{label}material = \"Fe\""))
                .starts_with("label 1 must be that of one name")
        );
        assert!(
            refused(&label.replace('1', "0").replace("name", "material = \"Ti\"\nname"))
                .contains("must be 1 to 65535, got 0")
        );
        assert!(refused("[[label]]\ncolour = 3").starts_with("line 2: unknown field `colour`"));
        assert!(
            Labels::from_toml("").unwrap().body(&map([1; 3], vec![0.0])).unwrap_err().to_string().contains("1 or more")
        );
    }

    #[test]
    fn the_example_names_a_material_for_each_of_its_labels() {
        let labels = Labels::from_toml(include_str!("../../assets/body/totalsegmentator.toml")).unwrap();
        let mut numbers: Vec<u32> = labels.list().iter().flat_map(|label| label.numbers.clone()).collect();
        numbers.sort_unstable();
        assert_eq!(ranges(&numbers), "1–118");
        for (name, density) in [("ribs 1 to 9", 1.41), ("skull", 1.61), ("cervical vertebrae", 1.42), ("sternum", 1.25)]
        {
            let bone = labels.list().iter().find(|label| label.name == name).unwrap();
            assert!((bone.density_g_cm3 - density).abs() < 2e-3, "{name}: {}", bone.density_g_cm3);
        }
    }
}
