use super::SHEPP_LOGAN_RADIUS_MM;
use super::{Phantom, PhantomError, chest, forbild_thorax, shepp_logan, spheres, water_cylinder};

/// Names that [`by_name`] knows.
pub const NAMES: [&str; 5] = ["chest", "forbild-thorax", "shepp-logan", "spheres", "water-cylinder"];

/// Built-in phantom of the given name; `seed` chooses among the variants of those that are drawn (chest).
///
/// # Errors
/// [`PhantomError::UnknownName`] when there is no such phantom.
pub fn by_name(name: &str, seed: u64) -> Result<Phantom, PhantomError> {
    match name {
        "chest" => chest(seed),
        "forbild-thorax" => forbild_thorax(),
        "shepp-logan" => shepp_logan(SHEPP_LOGAN_RADIUS_MM),
        "spheres" => spheres(),
        "water-cylinder" => water_cylinder(),
        _ => Err(PhantomError::UnknownName { name: name.to_owned(), allowed: NAMES.join(", ") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_name_builds() {
        for name in NAMES {
            assert!(!by_name(name, 1).unwrap().parts().is_empty(), "{name}");
        }
    }

    #[test]
    fn unknown_names_are_answered_with_the_list() {
        let message = by_name("head", 0).unwrap_err().to_string();
        let want =
            "no phantom is called \"head\"; there are: chest, forbild-thorax, shepp-logan, spheres, water-cylinder";
        assert_eq!(message, want);
    }
}
