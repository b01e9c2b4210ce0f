//! A message's body with some of its fields changed, as a person writes it: `lot=L42`, `quantity.value=12`.

use millrace_shared::message::{Kind, Message};
use millrace_shared::store::inbox::Item;
use serde_json::{Map, Value};

/// Most steps of a path.
const DEPTH: usize = 8;

/// The new body, which is one of its kind, or what is wrong with it.
pub(super) fn amended(item: &Item, set: &[(String, String)]) -> Result<String, String> {
    let envelope = item.envelope.as_ref();
    let (Some(envelope), Some(body)) = (envelope, item.body()) else {
        return Err("its content cannot be read: there is no body to amend".into());
    };
    let kind: Kind = envelope.kind.parse().map_err(|error| format!("{error}"))?;
    let mut value: Value = serde_json::from_str(body).map_err(|error| format!("its body: {error}"))?;
    for (path, text) in set {
        put(&mut value, path, text)?;
    }
    let body = value.to_string();
    Message::parse(kind, envelope.schema, &body).map_err(|error| error.to_string())?;
    Ok(body)
}

fn put(value: &mut Value, path: &str, text: &str) -> Result<(), String> {
    let steps: Vec<&str> = path.split('.').collect();
    let (last, way) = match steps.split_last() {
        Some(split) if steps.len() <= DEPTH && steps.iter().all(|step| !step.is_empty()) => split,
        _ => return Err(format!("`{path}` is no field: write it such as quantity.value")),
    };
    let mut at = value;
    for step in way {
        at = child(at, step).ok_or_else(|| format!("`{path}`: there is no `{step}`"))?;
    }
    let none = || format!("`{path}`: what should hold `{last}` has no fields");
    if let Value::Array(list) = at {
        let place = last.parse().ok().and_then(|index: usize| list.get_mut(index));
        *place.ok_or_else(none)? = read(text, None);
        return Ok(());
    }
    let fields = at.as_object_mut().ok_or_else(none)?;
    if text.is_empty() {
        fields.remove(*last);
    } else {
        let new = read(text, fields.get(*last));
        fields.insert((*last).to_owned(), new);
    }
    Ok(())
}

/// The value at a step. A field that is absent or null becomes an object: `quantity.unit` can be set where it was not.
fn child<'v>(value: &'v mut Value, step: &str) -> Option<&'v mut Value> {
    match value {
        Value::Array(list) => list.get_mut(step.parse::<usize>().ok()?),
        Value::Object(fields) => {
            let field = fields.entry(step).or_insert(Value::Null);
            if field.is_null() {
                *field = Value::Object(Map::new());
            }
            Some(field)
        }
        _ => None,
    }
}

/// Codes and quantities are texts, so a text it is, unless what stood there was none or it is written as a list.
fn read(text: &str, before: Option<&Value>) -> Value {
    let plain = || Value::String(text.to_owned());
    let typed = before.is_some_and(|before| !before.is_string() && !before.is_null());
    if typed || text.starts_with(['[', '{']) {
        serde_json::from_str(text).unwrap_or_else(|_| plain())
    } else {
        plain()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(path: &str, text: &str) -> Result<Value, String> {
        let mut value = json!({
            "lot": null, "quantity": { "value": "1" }, "serials": ["a", "b"], "components": [{ "item": "x" }],
        });
        put(&mut value, path, text).map(|()| value)
    }

    #[test]
    fn a_code_that_looks_like_a_number_stays_a_text() {
        assert_eq!(with("lot", "0042").unwrap()["lot"], "0042");
        assert_eq!(with("quantity.value", "12").unwrap()["quantity"]["value"], "12");
    }

    #[test]
    fn fields_in_lists_are_reached_by_their_number_and_lists_are_written_as_json() {
        assert_eq!(
            with("components.0.lot", "L1").unwrap()["components"][0]["lot"],
            "L1"
        );
        assert_eq!(with("serials.1", "c").unwrap()["serials"], json!(["a", "c"]));
        assert_eq!(with("serials", "[\"z\"]").unwrap()["serials"], json!(["z"]));
    }

    #[test]
    fn nothing_takes_a_field_away_and_a_wrong_path_is_named() {
        assert!(
            with("quantity.value", "").unwrap()["quantity"]
                .get("value")
                .is_none()
        );
        assert!(with("serials.7", "c").unwrap_err().contains("serials.7"));
        assert!(with("lot..x", "c").unwrap_err().contains("no field"));
        assert!(with("quantity.value.x", "c").unwrap_err().contains("no fields"));
    }
}
