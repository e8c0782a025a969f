//! A record as it may be shown.

use portlab_service::inert as shown;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// `record`, of a comparison or of a load, with every text in it made inert: a name, a command or an error has no escape sequences, line ends or marks
/// of direction, so a terminal shows it as plain text. A report on a record that came from elsewhere,
/// or on one that quotes a foreign server, is made from what this returns.
///
/// # Errors
/// When a figure is not finite, so the record can't be written as JSON.
pub fn inert<R: Serialize + DeserializeOwned>(record: &R) -> serde_json::Result<R> {
    let mut value = serde_json::to_value(record)?;
    make_inert(&mut value);
    serde_json::from_value(value)
}

/// Keys are field names: they come from the types.
fn make_inert(value: &mut Value) {
    match value {
        Value::String(text) => *text = shown(text),
        Value::Array(items) => items.iter_mut().for_each(make_inert),
        Value::Object(members) => members.values_mut().for_each(make_inert),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
