//! JSON read so that an error names the field and the reason, as whoever sent it needs them.

use serde::Deserialize;

/// What is wrong with a JSON text. Permanent for the same text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct JsonFault {
    /// The field, such as `quantity.value`; `.` for the whole.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

/// The value in this text. Nothing may follow it.
pub fn read<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, JsonFault> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        fault(path, &error.into_inner())
    })?;
    json.end().map_err(|error| fault(".".to_owned(), &error))?;
    Ok(value)
}

fn fault(path: String, error: &serde_json::Error) -> JsonFault {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let reason = text.strip_suffix(&place).unwrap_or(&text).to_owned();
    // A field that is missing or unknown is named in the reason; the path leads only to what should hold it.
    let named = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|begin| reason.strip_prefix(begin)?.split('`').next());
    let field = match named {
        Some(name) if path == "." => name.to_owned(),
        Some(name) if path.ends_with(name) => path,
        Some(name) => format!("{path}.{name}"),
        None if reason.starts_with("EOF") || reason.starts_with("expected") => ".".to_owned(),
        None => path,
    };
    JsonFault { field, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::ProductionConfirm;

    #[test]
    fn an_error_names_its_field_wherever_it_lies() {
        let field = |text: &str| read::<ProductionConfirm>(text).unwrap_err().field;
        assert_eq!(
            field(r#"{"order":"1","quantity":{"value":1.5}}"#),
            "quantity.value"
        );
        assert_eq!(
            field(r#"{"order":"1","quantity":{"value":"1"},"colour":1}"#),
            "colour"
        );
        assert_eq!(field(r#"{"order":"1"}"#), "quantity");
        assert_eq!(
            field(r#"{"order":"1","quantity":{"units":"kg"}}"#),
            "quantity.units"
        );
        assert_eq!(
            field(r#"{"order":"1","quantity":{"value":"1"},"serials":["a",""]}"#),
            "serials[1]"
        );
        assert_eq!(
            field(r#"{"order":"1","order":"2","quantity":{"value":"1"}}"#),
            "order"
        );
        assert_eq!(field(r#"{"order":"1","#), ".");
        assert_eq!(read::<u8>("1 x").unwrap_err().field, ".");
    }
}
