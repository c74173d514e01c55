use std::ops::Range;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::{
    ConeCircular, Fan, Geometry, GeometryError, Helical, Parallel, Radiograph, TomosynthesisArc, TomosynthesisLinear,
    Vectors,
};

/// From one list of kinds: the enum, the names, the views, reading and examples.
macro_rules! kinds {
    ($($kind:ident = $name:literal),* $(,)?) => {
        /// One geometry file: a named geometry, told apart by its `kind`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        pub enum Scan {
            $(#[doc = concat!("`", $name, "`")] $kind($kind),)*
        }

        impl Scan {
            /// Every `kind`, in the order of the documentation.
            pub const KINDS: [&str; [$($name),*].len()] = [$($name),*];

            /// The scan's `kind`.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$kind(_) => $name,)*
                }
            }

            /// The views of this scan.
            ///
            /// # Errors
            /// [`GeometryError`] naming the field that no scanner can have.
            pub fn build(&self) -> Result<Geometry, GeometryError> {
                match self {
                    $(Self::$kind(scan) => scan.build(),)*
                }
            }

            /// A commented example of a geometry file of this `kind`.
            ///
            /// # Errors
            /// [`GeometryError::Kind`] when there is no such kind.
            pub fn example(kind: &str) -> Result<&'static str, GeometryError> {
                match kind {
                    $($name => Ok(include_str!(concat!("../../assets/geometry/", $name, ".toml"))),)*
                    other => Err(unknown_kind(format!("\"{other}\""))),
                }
            }

            /// The scan of a table without its `kind`.
            fn of(kind: &str, text: &str, table: Spanned<DeTable<'_>>) -> Result<Self, GeometryError> {
                match kind {
                    $($name => Ok(Self::$kind(fields(text, kind, table)?)),)*
                    other => Err(unknown_kind(format!("\"{other}\""))),
                }
            }
        }

        $(impl From<$kind> for Scan {
            fn from(scan: $kind) -> Self {
                Self::$kind(scan)
            }
        })*
    };
}

kinds! {
    ConeCircular = "cone-circular",
    Fan = "fan",
    Parallel = "parallel",
    TomosynthesisLinear = "tomosynthesis-linear",
    TomosynthesisArc = "tomosynthesis-arc",
    Helical = "helical",
    Radiograph = "radiograph",
    Vectors = "vectors",
}

impl Scan {
    /// Reads a scan from the text of a geometry file; what it returns, [`Scan::build`] accepts.
    ///
    /// # Errors
    /// [`GeometryError`] naming the line or the field, the value, and what is allowed.
    pub fn from_toml(text: &str) -> Result<Self, GeometryError> {
        Self::from_toml_beside(text, |_| {
            Err("a file is named, but this is text alone; list them as angles_deg".to_owned())
        })
    }

    /// Reads it where `angles` may name a file, which `read` reads.
    pub(crate) fn from_toml_beside(
        text: &str,
        read: impl FnOnce(&str) -> Result<Vec<f64>, String>,
    ) -> Result<Self, GeometryError> {
        let mut table = DeTable::parse(text).map_err(|error| toml_error(text, None, &error))?;
        let kind = table.get_mut().remove("kind").map(Spanned::into_inner);
        let angles = table.get_mut().remove("angles").map(Spanned::into_inner);
        let kind = match &kind {
            Some(DeValue::String(kind)) => kind.as_ref(),
            Some(other) => return Err(unknown_kind(format!("{} instead of a string", article(other.type_str())))),
            None => return Err(unknown_kind("none")),
        };
        let mut scan = Self::of(kind, text, table)?;
        if let Some(angles) = angles {
            let refused = |message: String| GeometryError::Toml { place: "angles".to_owned(), message };
            let DeValue::String(name) = angles else {
                return Err(refused(format!("must be a file's name, got {}", article(angles.type_str()))));
            };
            let listed = match &mut scan {
                Self::Parallel(Parallel { angles_deg, .. })
                | Self::Fan(Fan { angles_deg, .. })
                | Self::ConeCircular(ConeCircular { angles_deg, .. })
                    if angles_deg.is_empty() =>
                {
                    angles_deg
                }
                Self::Parallel(_) | Self::Fan(_) | Self::ConeCircular(_) => {
                    return Err(refused("are listed in angles_deg already".to_owned()));
                }
                other => return Err(refused(format!("go with parallel, fan and cone-circular, not {}", other.kind()))),
            };
            *listed = read(&name).map_err(refused)?;
        }
        scan.build()?;
        Ok(scan)
    }

    /// The text of a geometry file that reads back as this scan.
    ///
    /// # Errors
    /// [`GeometryError::Toml`] when a number has no TOML form, such as a count beyond 2⁶³.
    pub fn to_toml(&self) -> Result<String, GeometryError> {
        toml::to_string(self)
            .map_err(|error| GeometryError::Toml { place: self.kind().to_owned(), message: error.to_string() })
    }
}

/// The fields of one kind, from a table without its `kind`.
///
/// Serde's own tagged enums would do, but they forget where in the text a field stood.
fn fields<T: DeserializeOwned>(text: &str, kind: &str, table: Spanned<DeTable<'_>>) -> Result<T, GeometryError> {
    let whole = (table.span(), kind);
    T::deserialize(Deserializer::from(table)).map_err(|error| toml_error(text, Some(whole), &error))
}

/// What went wrong and on which line. An error about the file as a whole, such as a missing field, has the span of the
/// whole table and is put at the scan's kind.
fn toml_error(text: &str, whole: Option<(Range<usize>, &str)>, error: &toml::de::Error) -> GeometryError {
    let line = |at: usize| format!("line {}", text.get(..at).unwrap_or(text).matches('\n').count() + 1);
    let place = match (error.span(), whole) {
        (Some(span), Some((table, kind))) if span == table => kind.to_owned(),
        (None, Some((_, kind))) => kind.to_owned(),
        (span, _) => line(span.map_or(0, |span| span.start)),
    };
    let mut message = error.message().replace('\n', ", ");
    for (type_name, words) in TYPE_WORDS {
        message = message.replace(type_name, words);
    }
    // An unknown or missing field is named already; a wrong value is not.
    if let Some(field) = error.span().and_then(|span| field_at(text, span.start))
        && message.starts_with("invalid ")
    {
        message = format!("{field}: {message}");
    }
    GeometryError::Toml { place, message }
}

/// Rust's types in the parser's messages, in words.
const TYPE_WORDS: [(&str, &str); 7] = [
    ("expected usize", "expected a whole number from 0"),
    ("expected f64", "expected a number"),
    (" as i128", ""),
    (" as u128", ""),
    ("a borrowed string", "a string"),
    ("expected a sequence", "expected a list"),
    ("an array of length", "a list of length"),
];

/// Name of the field whose value stands at this place: that of the last assignment before it.
fn field_at(text: &str, at: usize) -> Option<&str> {
    let assignment = text.get(..at)?.lines().rev().find_map(|line| line.split_once('='));
    assignment.map(|(name, _)| name.trim()).filter(|name| !name.is_empty() && !name.contains(['#', '"', '{']))
}

fn unknown_kind(got: impl Into<String>) -> GeometryError {
    GeometryError::Kind { allowed: Scan::KINDS.join(", "), got: got.into() }
}

fn article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CONE: &str = "kind = \"cone-circular\"\nsource_isocentre_mm = 1000.0\nsource_detector_mm = 1500.0\n\
                        views = 180\ndetector = [192, 192]\npitch_mm = [2.0, 2.0]\n";

    fn message(text: &str) -> String {
        Scan::from_toml(text).unwrap_err().to_string()
    }

    #[test]
    fn every_example_is_read_built_and_written_back() {
        for kind in Scan::KINDS {
            let scan = Scan::from_toml(Scan::example(kind).unwrap()).unwrap_or_else(|e| panic!("{kind}: {e}"));
            assert_eq!(scan.kind(), kind);
            assert!(scan.build().unwrap().value_count() > 0);
            let text = scan.to_toml().unwrap();
            assert_eq!(Scan::from_toml(&text).unwrap(), scan, "{text}");
            assert_eq!(toml::from_str::<Scan>(&text).unwrap(), scan, "as part of another file");
        }
    }

    #[test]
    fn what_is_left_out_has_its_documented_default() {
        let Scan::ConeCircular(scan) = Scan::from_toml(CONE).unwrap() else { panic!("wrong kind") };
        assert_eq!((scan.start_deg, scan.arc_deg, scan.offset_mm), (0.0, 360.0, [0.0, 0.0]));
    }

    #[test]
    fn kinds_are_listed_when_one_is_unknown() {
        let kinds = Scan::KINDS.join(", ");
        assert_eq!(message("kind = \"spiral\""), format!("kind must be one of {kinds}, got \"spiral\""));
        assert_eq!(message("views = 3"), format!("kind must be one of {kinds}, got none"));
        assert_eq!(message("kind = 3"), format!("kind must be one of {kinds}, got an integer instead of a string"));
        assert_eq!(Scan::example("x").unwrap_err().to_string(), format!("kind must be one of {kinds}, got \"x\""));
    }

    #[test]
    fn faults_are_named_with_their_line() {
        assert_eq!(message(&CONE.replace("views = 180\n", "")), "cone-circular: missing field `views`");
        assert!(message(&format!("{CONE}sod_mm = 3\n")).starts_with("line 7: unknown field `sod_mm`, expected one of"));
        assert!(
            message(&CONE.replace("180", "\"many\""))
                .starts_with("line 4: views: invalid type: string \"many\", expected a whole")
        );
        assert!(message(&CONE.replace("[192, 192]", "[192, -1]")).starts_with("line 5: detector: invalid value"));
        assert!(message(&CONE.replace("[2.0, 2.0]", "[2.0, 2.0")).starts_with("line 6: "));
        assert_eq!(
            message(&CONE.replace("[2.0, 2.0]", "[2.0, 2.0, 2.0]")),
            "line 6: pitch_mm: invalid length 3, expected 2 values"
        );
        assert_eq!(message(&CONE.replace("[2.0,", "[-0.1,")), "detector pitch must be positive, got -0.1 mm (u)");
        assert_eq!(message(&CONE.replace("180", "1_000_000_000")), "views must be 1 to 65536, got 1000000000");
        assert_eq!(message(&CONE.replace("1000.0", "nan")), "source_isocentre_mm must be positive, got NaN mm");
    }

    proptest! {
        #[test]
        fn numbers_survive_the_file(
            sid in 1e-3..1e4_f64, gap in 1e-3..1e4_f64, start in -1e3..1e3_f64, arc in 1e-3..360.0_f64,
            views in 1_usize..50, detector in [1_usize..9, 1_usize..9], pitch in [1e-3..10.0_f64, 1e-3..10.0_f64],
            offset in [-99.0..99.0_f64, -99.0..99.0_f64], tilt in [-30.0..30.0_f64, -30.0..30.0_f64, -180.0..180.0_f64],
        ) {
            let scan = Scan::from(ConeCircular {
                source_isocentre_mm: sid, source_detector_mm: sid + gap, views, start_deg: start, arc_deg: arc, angles_deg: Vec::new(),
                detector, pitch_mm: pitch, offset_mm: offset, tilt_deg: tilt,
            });
            prop_assert_eq!(&Scan::from_toml(&scan.to_toml().unwrap()).unwrap(), &scan);
            let explicit = Scan::from(Vectors::from(&scan.build().unwrap()));
            let read = Scan::from_toml(&explicit.to_toml().unwrap()).unwrap();
            prop_assert_eq!(read.build().unwrap(), scan.build().unwrap());
        }

        #[test]
        fn any_text_is_refused_without_a_panic(text in "\\PC*") {
            prop_assert!(Scan::from_toml(&text).is_err());
        }
    }
}
