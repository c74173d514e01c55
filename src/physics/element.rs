use std::sync::LazyLock;

use super::{PhysicsError, table::rows};

/// Number of elements with data: hydrogen to uranium.
pub const ELEMENT_COUNT: usize = 92;

/// A chemical element, hydrogen to uranium.
///
/// Atomic weights and densities are those of xraydb 4.5.8: IUPAC's standard weights, densities of the usual form at room
/// temperature.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Element(u8);

/// What a row of `assets/physics/elements.csv` holds.
struct Entry {
    symbol: &'static str,
    atomic_weight: f64,
    density_g_cm3: f64,
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let number = |text: &str| text.parse().unwrap_or(f64::NAN);
    rows(include_str!("../../assets/physics/elements.csv"))
        .filter_map(|row| {
            let mut cells = row.split(',').skip(1);
            let (symbol, weight, density) = (cells.next()?, cells.next()?, cells.next()?);
            Some(Entry { symbol, atomic_weight: number(weight), density_g_cm3: number(density) })
        })
        .collect()
});

impl Element {
    /// Tungsten, of which anodes are made.
    pub const TUNGSTEN: Self = Self(74);

    /// Hydrogen to uranium.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=ELEMENT_COUNT as u8).map(Self)
    }

    /// Element of a symbol, in any case: `Al`, `al`.
    ///
    /// # Errors
    /// [`PhysicsError::UnknownElement`] when no element from hydrogen to uranium has it.
    pub fn from_symbol(symbol: &str) -> Result<Self, PhysicsError> {
        let unknown = || PhysicsError::UnknownElement { place: String::new(), got: symbol.to_owned() };
        Self::all().find(|element| element.symbol().eq_ignore_ascii_case(symbol)).ok_or_else(unknown)
    }

    /// Symbol, such as `Al`.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        ENTRIES[self.index()].symbol
    }

    /// Atomic number Z, 1 to 92.
    #[must_use]
    pub fn atomic_number(self) -> u8 {
        self.0
    }

    /// Atomic weight, in g/mol.
    #[must_use]
    pub fn atomic_weight(self) -> f64 {
        ENTRIES[self.index()].atomic_weight
    }

    /// Density of the usual form at room temperature, in g/cm³; gases at atmospheric pressure.
    #[must_use]
    pub fn density_g_cm3(self) -> f64 {
        ENTRIES[self.index()].density_g_cm3
    }

    /// Place in tables that hold one entry for each element.
    pub(super) fn index(self) -> usize {
        usize::from(self.0) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_found_by_its_symbol_and_weighs_more_or_less_than_the_one_before() {
        assert_eq!(ENTRIES.len(), ELEMENT_COUNT);
        for element in Element::all() {
            assert_eq!(Element::from_symbol(element.symbol()), Ok(element));
            // A nucleus of Z protons has Z to 1.7·Z neutrons, but for hydrogen.
            let per_proton = element.atomic_weight() / f64::from(element.atomic_number());
            assert!((1.0..2.7).contains(&per_proton), "{}: {per_proton}", element.symbol());
            assert!(element.density_g_cm3() > 8e-5 && element.density_g_cm3() < 23.0, "{}", element.symbol());
        }
    }

    #[test]
    fn numbers_weights_and_densities_are_those_of_a_textbook() {
        for (symbol, number, weight, density) in
            [("H", 1, 1.008, 8.99e-5), ("al", 13, 26.982, 2.699), ("I", 53, 126.904, 4.93), ("W", 74, 183.84, 19.25)]
        {
            let element = Element::from_symbol(symbol).unwrap();
            assert_eq!(element.atomic_number(), number);
            assert!((element.atomic_weight() / weight - 1.0).abs() < 3e-4, "{symbol}");
            assert!((element.density_g_cm3() / density - 1.0).abs() < 5e-3, "{symbol} {}", element.density_g_cm3());
        }
    }

    #[test]
    fn symbols_that_mean_nothing_are_refused() {
        let message = Element::from_symbol("Xx").unwrap_err().to_string();
        assert_eq!(message, "no element has the symbol \"Xx\"; allowed: H to U");
        assert!(Element::from_symbol("").is_err() && Element::from_symbol("Np").is_err());
    }
}
