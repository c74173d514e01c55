//! Texts that come with the library under names, and files in their place.

/// Associates names with the texts of `assets/FOLDER/NAME.toml`; `$error` is an error with a variant `Unknown`. For files two
/// folders below `src`.
macro_rules! built_in {
    ($what:literal, $folder:literal, $error:ident, $($name:literal),* $(,)?) => {
        #[doc = concat!("Names of the built-in ", $what, "s.")]
        pub const NAMES: [&str; [$($name),*].len()] = [$($name),*];

        #[doc = concat!("The text of a built-in ", $what, ": a file to start one's own from.")]
        ///
        /// # Errors
        #[doc = concat!("[`", stringify!($error), "::Unknown`] when there is none of that name.")]
        pub fn text(name: &str) -> Result<&'static str, $error> {
            match name {
                $($name => Ok(include_str!(concat!("../../../assets/", $folder, "/", $name, ".toml"))),)*
                got => Err($error::Unknown { got: got.to_owned() }),
            }
        }
    };
}
pub(super) use built_in;

/// The file that a name stands for: whatever ends in `.toml` or has a folder in front.
#[cfg(feature = "io")]
pub(super) fn as_file(name: &str) -> Option<&std::path::Path> {
    let path = std::path::Path::new(name);
    let is_file = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) || path.components().count() > 1;
    is_file.then_some(path)
}
