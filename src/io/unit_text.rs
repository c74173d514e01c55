use crate::data::Unit;

/// Name of the header field in which kerma keeps the unit of what it wrote.
pub(super) const UNIT_FIELD: &str = "kerma_unit";

/// Text for a unit in a header; ASCII, since old header formats know nothing else.
pub(super) fn unit_text(unit: Unit) -> &'static str {
    match unit {
        Unit::PerMillimetre => "1/mm",
        Unit::Hounsfield => "HU",
        Unit::LineIntegral => "line-integral",
        Unit::Transmission => "transmission",
        Unit::Counts => "counts",
        Unit::Kiloelectronvolt => "keV",
        Unit::Millimetre => "mm",
        Unit::Milligray => "mGy",
        Unit::Arbitrary => "arbitrary",
    }
}

/// Every unit that is not arbitrary.
const ALL: [Unit; 8] = [
    Unit::PerMillimetre,
    Unit::Hounsfield,
    Unit::LineIntegral,
    Unit::Transmission,
    Unit::Counts,
    Unit::Kiloelectronvolt,
    Unit::Millimetre,
    Unit::Milligray,
];

/// The unit a header text means; what is not known is arbitrary.
pub(super) fn unit_of_text(text: &str) -> Unit {
    ALL.into_iter().find(|&u| unit_text(u).eq_ignore_ascii_case(text.trim())).unwrap_or_default()
}

/// The unit that free text says, for instance a description: kerma's own `kerma_unit=…`, or the word HU or Hounsfield.
pub(super) fn unit_in_prose(text: &str) -> Unit {
    let mut words = text.split(|c: char| c.is_whitespace() || c == ',' || c == ';');
    if let Some(unit) = words.clone().find_map(|w| w.strip_prefix(UNIT_FIELD)?.strip_prefix('=')) {
        return unit_of_text(unit);
    }
    let hounsfield = words.any(|w| ["HU", "[HU]", "(HU)", "Hounsfield"].contains(&w));
    if hounsfield { Unit::Hounsfield } else { Unit::Arbitrary }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_survive_their_text() {
        for unit in ALL.into_iter().chain([Unit::Arbitrary]) {
            assert_eq!(unit_of_text(unit_text(unit)), unit);
            assert_eq!(unit_in_prose(&format!("made by kerma; {UNIT_FIELD}={}", unit_text(unit))), unit);
        }
        assert_eq!(unit_in_prose("chest CT in HU"), Unit::Hounsfield);
        assert_eq!(unit_in_prose("FSL6 HUman"), Unit::Arbitrary);
    }
}
