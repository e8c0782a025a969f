//! Names that programs give themselves: anybody's, and so not to be trusted.

/// A name without power over a terminal: what would command one, such as ESC, is a `?`.
pub(crate) fn inert(name: &str) -> String {
    name.replace(char::is_control, "?")
}
