//! Text for people: two languages side by side, line breaking, tables, units.
//!
//! A message is written once, English and Chinese side by side:
//!
//! ```
//! use portlab_words::{Lang, Text, tr};
//!
//! let port = 8080;
//! let said = |lang| tr!(lang, "port {port} is free", "端口 {port} 空闲");
//! assert_eq!(said(Lang::En), "port 8080 is free");
//! assert_eq!(said(Lang::Zh), "端口 8080 空闲");
//!
//! // A text that is chosen later, such as a column's head or an error:
//! const HEAD: Text = Text::new("state", "状态");
//! assert_eq!(HEAD.pick(Lang::Zh), "状态");
//! ```
//!
//! The crate is pure: it reads no clock, no environment and no terminal. Lines that programs read (`listening on ...`,
//! CSV heads, JSON) are English in every locale and don't come from here.

#![forbid(unsafe_code)]

mod lang;
mod narrow;
pub mod style;
mod system;
pub mod table;
mod text;
pub mod units;
pub mod wrap;

pub use lang::Lang;
pub use narrow::{narrow, narrow_char};
pub use text::{Text, plural};
