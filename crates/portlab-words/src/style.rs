//! The colours of a terminal's text.

use anstyle::{AnsiColor, Style};

/// The colour of errors.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// The colour of warnings.
pub const WARN: Style = AnsiColor::Yellow.on_default();
/// The colour of a good result.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// The style of headings.
pub const HEAD: Style = Style::new().bold();
/// The style of what matters less.
pub const DIM: Style = Style::new().dimmed();
