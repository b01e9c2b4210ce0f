//! What a message must and must not be.

use super::*;

fn parse(kind: &str, body: &str) -> Result<Message, MessageError> {
    Message::parse(kind.parse()?, SCHEMA, body)
}

#[test]
fn a_message_survives_its_json() {
    let body =
        r#"{"order":"WH/MO/1","quantity":{"value":"2.50","unit":"kg"},"completion":"final","lot":"L1"}"#;
    let message = parse("production.confirm", body).unwrap();
    let again = parse("production.confirm", &message.body().unwrap()).unwrap();
    assert_eq!(message, again);
    assert_eq!(
        message.keys().iter().map(Key::as_str).collect::<Vec<_>>(),
        ["lot:L1", "order:WH/MO/1"]
    );
}

#[test]
fn an_unknown_field_is_refused_and_named() {
    let body = r#"{"item":"A","location":"B","quantity":{"value":"1"},"colour":"red"}"#;
    assert!(
        parse("inventory.count", body)
            .unwrap_err()
            .to_string()
            .contains("colour")
    );
}

#[test]
fn a_float_is_refused_and_an_integer_is_taken() {
    let count = |value: &str| {
        parse(
            "inventory.count",
            &format!(r#"{{"item":"A","location":"B","quantity":{{"value":{value}}}}}"#),
        )
    };
    assert!(count("1.5").unwrap_err().to_string().contains("12.5"));
    assert!(count("3").is_ok());
    assert!(count("\"1e3\"").is_err());
}

#[test]
fn negative_zero_and_absurd_quantities_are_refused_but_a_count_may_be_zero() {
    let scrap = |value: &str| {
        parse(
            "scrap.report",
            &format!(r#"{{"item":"A","location":"B","quantity":{{"value":"{value}"}}}}"#),
        )
    };
    for bad in ["-1", "0", "4006381333931", "0.0000000001"] {
        assert!(
            matches!(
                scrap(bad),
                Err(MessageError::Field {
                    field: "quantity",
                    ..
                })
            ),
            "{bad}"
        );
    }
    assert!(
        parse(
            "inventory.count",
            r#"{"item":"A","location":"B","quantity":{"value":"0"}}"#
        )
        .is_ok()
    );
}

#[test]
fn a_message_with_too_many_keys_is_refused_at_the_door() {
    let serials: Vec<String> = (0..16).map(|n| format!("\"S{n}\"")).collect();
    let body = format!(
        r#"{{"order":"A","quantity":{{"value":"16"}},"serials":[{}]}}"#,
        serials.join(",")
    );
    assert_eq!(parse("production.confirm", &body), Err(MessageError::Keys(17)));
}

#[test]
fn every_kind_has_a_schema_that_closes_its_fields() {
    for kind in Kind::all() {
        let schema = serde_json::to_value(schema_of(kind)).unwrap();
        assert_eq!(schema["additionalProperties"], serde_json::json!(false), "{kind}");
    }
}
