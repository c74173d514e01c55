use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use super::{Element, Material, PhysicsError};

/// Largest file of materials that is read; the built-in one has 6 kB.
#[cfg(feature = "io")]
const MAX_FILE_BYTES: u64 = 1 << 20;

static BUILT_IN: LazyLock<Result<Vec<Material>, PhysicsError>> =
    LazyLock::new(|| parsed(include_str!("../../assets/physics/materials.toml"), &[]));

/// A file of materials.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    material: Vec<Entry>,
}

/// One material of a file: a composition by elements or a mixture of other materials.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    name: String,
    density_g_cm3: Option<f64>,
    composition: Option<BTreeMap<String, f64>>,
    mixture: Option<BTreeMap<String, f64>>,
}

impl Material {
    /// The built-in materials: air, water, body tissues of ICRU and ICRP, detectors and plastics, in the order of
    /// `assets/physics/materials.toml`.
    #[must_use]
    pub fn built_in() -> &'static [Self] {
        // That the file is sound is a test's business.
        BUILT_IN.as_deref().unwrap_or_default()
    }

    /// A built-in material by its name (`water`), or a pure element by its symbol (`Al`, `al`).
    ///
    /// # Errors
    /// [`PhysicsError::UnknownMaterial`] when there is neither.
    pub fn by_name(name: &str) -> Result<Self, PhysicsError> {
        Self::find(name, &[])
    }

    /// The last of one's `own` materials that has the name; else as [`Material::by_name`].
    ///
    /// # Errors
    /// [`PhysicsError::UnknownMaterial`] when there is none.
    pub fn find(name: &str, own: &[Self]) -> Result<Self, PhysicsError> {
        found(name, own, Self::built_in())
    }

    /// Materials of a text in TOML:
    ///
    /// ```toml
    /// [[material]]
    /// name = "contrast"
    /// density_g_cm3 = 1.3
    /// composition = { H = 0.08, O = 0.62, I = 0.3 }  # by mass, summing to 1 within 0.005
    ///
    /// [[material]]
    /// name = "blood-with-contrast"                   # without a density, volumes add up
    /// mixture = { blood = 0.95, contrast = 0.05 }    # of materials above, built-in ones and elements, by mass
    /// ```
    ///
    /// # Errors
    /// [`PhysicsError`] naming the line, or the material and the number.
    pub fn from_toml(text: &str) -> Result<Vec<Self>, PhysicsError> {
        parsed(text, Self::built_in())
    }

    /// Materials of a file's entries, as [`Material::from_toml`] has them.
    pub(crate) fn of_entries(entries: Vec<Entry>) -> Result<Vec<Self>, PhysicsError> {
        listed(entries, Self::built_in())
    }

    /// Materials of a file, as [`Material::from_toml`] has them.
    ///
    /// # Errors
    /// [`PhysicsError`] when it cannot be read or used, with the file's name.
    #[cfg(feature = "io")]
    pub fn read(path: impl AsRef<std::path::Path>) -> Result<Vec<Self>, PhysicsError> {
        let path = path.as_ref();
        let text = crate::io::read_text(path, "materials", MAX_FILE_BYTES)
            .map_err(|reason| PhysicsError::Read { path: path.to_owned(), reason })?;
        Self::from_toml(&text)
            .map_err(|reason| PhysicsError::InFile { path: path.to_owned(), reason: Box::new(reason) })
    }
}

/// A material of a file, else a built-in one, else an element.
fn found(name: &str, own: &[Material], built_in: &[Material]) -> Result<Material, PhysicsError> {
    let known = || built_in.iter().chain(own);
    let material = known().rev().find(|material| material.name() == name).cloned();
    let element = || Element::from_symbol(name).ok().map(Material::of_element);
    material.or_else(element).ok_or_else(|| {
        let allowed = known().map(Material::name).collect::<Vec<_>>().join(", ");
        PhysicsError::UnknownMaterial { got: name.to_owned(), allowed }
    })
}

fn parsed(text: &str, built_in: &[Material]) -> Result<Vec<Material>, PhysicsError> {
    let file: File = toml::from_str(text).map_err(|error| {
        let (line, message) = fault(text, &error);
        PhysicsError::Text { line, message }
    })?;
    listed(file.material, built_in)
}

/// Line, from 1, and message of what is wrong in a text.
pub(crate) fn fault(text: &str, error: &toml::de::Error) -> (usize, String) {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    (line, error.message().replace('\n', ", "))
}

fn listed(entries: Vec<Entry>, built_in: &[Material]) -> Result<Vec<Material>, PhysicsError> {
    let mut own: Vec<Material> = Vec::new();
    for entry in entries {
        if own.iter().any(|material| material.name() == entry.name) {
            return Err(PhysicsError::value("name", "that of one material only", format!("\"{}\" twice", entry.name)));
        }
        let material = built(entry, |name| found(name, &own, built_in))?;
        own.push(material);
    }
    Ok(own)
}

fn built(entry: Entry, find: impl Fn(&str) -> Result<Material, PhysicsError>) -> Result<Material, PhysicsError> {
    let Entry { name, density_g_cm3, composition, mixture } = entry;
    match (composition, mixture, density_g_cm3) {
        (Some(composition), None, Some(density)) => {
            let place = |symbol| PhysicsError::UnknownElement { place: format!("{name}: "), got: symbol };
            let elements: Result<Vec<_>, _> = composition
                .into_iter()
                .map(|(symbol, share)| Ok((Element::from_symbol(&symbol).map_err(|_| place(symbol))?, share)))
                .collect();
            Material::new(name, density, elements?)
        }
        (None, Some(mixture), density) => {
            let parts: Result<Vec<_>, _> = mixture.into_iter().map(|(part, share)| Ok((find(&part)?, share))).collect();
            Material::mixed(name, &parts?, density)
        }
        (Some(_), None, None) => {
            Err(PhysicsError::value(format!("density_g_cm3 of {name}"), "given with a composition", "nothing"))
        }
        (composition, _, _) => {
            let got = if composition.is_some() { "both" } else { "neither" };
            Err(PhysicsError::value(name, "given by a composition or by a mixture", got))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_materials_are_sound_and_tissues_attenuate_as_nist_says() {
        assert!(BUILT_IN.is_ok(), "{BUILT_IN:?}");
        assert!(Material::built_in().len() >= 34);
        // µ/ρ at 60 keV of tissues of ICRU Report 44, cm²/g: Hubbell and Seltzer, NISTIR 5632, table 4; and densities.
        for (name, want, density) in [
            ("air", 0.1875, 0.001_205),
            ("water", 0.2059, 1.0),
            ("lung", 0.2053, 0.26),
            ("adipose", 0.1974, 0.95),
            ("muscle", 0.2048, 1.05),
            ("blood", 0.2057, 1.06),
            ("cortical-bone", 0.3148, 1.92),
        ] {
            let material = Material::by_name(name).unwrap();
            let got = material.attenuation(60.0).unwrap().total_cm2_g();
            assert!((got / want - 1.0).abs() < 0.01, "{name}: {got}");
            assert!((material.density_g_cm3() / density - 1.0).abs() < 1e-3, "{name}");
        }
        let spongy = Material::by_name("trabecular-bone").unwrap().attenuation_per_mm(60.0).unwrap();
        assert!((0.024..0.033).contains(&spongy), "{spongy}");
        for symbol in ["ti", "Fe", "W", "I"] {
            assert_eq!(Material::by_name(symbol).unwrap().composition().len(), 1);
        }
        assert!(Material::by_name("bone").unwrap_err().to_string().contains("cortical-bone"));
    }

    #[test]
    fn files_make_materials_and_mixtures_of_them() {
        let text = "[[material]]\nname = \"salt\"\ndensity_g_cm3 = 2.16\ncomposition = { Na = 0.3934, Cl = 0.6066 }\n\
                    [[material]]\nname = \"saline\"\nmixture = { water = 0.991, salt = 0.009 }\n";
        let [salt, saline] = &Material::from_toml(text).unwrap()[..] else { panic!("two materials") };
        assert_eq!((salt.name(), saline.name()), ("salt", "saline"));
        assert!((saline.density_g_cm3() - 1.0048).abs() < 1e-4 && saline.composition().len() == 4);
    }

    #[test]
    fn what_is_wrong_in_a_file_is_said_in_one_line() {
        let refused = |fields: &str| {
            let message =
                Material::from_toml(&format!("[[material]]\nname = \"m\"\n{fields}")).unwrap_err().to_string();
            assert_eq!(message.lines().count(), 1, "{message}");
            message
        };
        let unknown = refused("density_g_cm3 = 1\ncomposition = { Hy = 0.1, O = 0.9 }");
        assert_eq!(unknown, "m: no element has the symbol \"Hy\"; allowed: H to U");
        assert!(
            refused("density_g_cm3 = -1\ncomposition = { O = 1 }").starts_with("density of m must be positive, got -1")
        );
        assert!(refused("density_g_cm3 = 1\ncomposition = { O = 0.9 }").contains("must be 1 within 0.005, got 0.9"));
        assert!(refused("mixture = { mud = 1 }").starts_with("no material is called \"mud\"; allowed: symbols"));
        assert!(refused("composition = { O = 1 }").contains("density_g_cm3 of m must be given"));
        assert!(refused("density_g_cm3 = 1").ends_with("got neither"));
        assert!(refused("density = 1").starts_with("line 3: unknown field `density`"));
        let twice = "mixture = { water = 1 }\n[[material]]\nname = \"m\"\nmixture = { water = 1 }";
        assert!(refused(twice).contains("\"m\" twice"));
        assert!(refused("density_g_cm3 = \"heavy\"").starts_with("line 3: "));
    }
}
