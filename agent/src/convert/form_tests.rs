//! What a form must and must not say.

use super::*;

const COUNT: &str = r#""kind":"inventory.count","body":{"item":"A","location":"B","quantity":{"value":"3"}}"#;

fn with(more: &str) -> Result<Form, FormError> {
    Form::parse(&format!("{{{COUNT}{more}}}"))
}

fn field(more: &str) -> String {
    with(more).unwrap_err().field
}

#[test]
fn everything_a_sender_can_say_is_read() {
    let form = with(
        r#","schema":1,"external_id":"E1","station":"S","operator":"O","captured_at":"2026-09-21T14:13:20.5+02:00"
           ,"reverses":"plant-7:0123456789abcdef:normal:42:0123456789abcdef""#,
    )
    .unwrap();
    assert_eq!(form.external_id.as_deref(), Some("E1"));
    assert_eq!(form.reverses.unwrap().position.sequence, 42);
}

#[test]
fn every_error_names_its_field() {
    assert_eq!(field(r#","colour":1"#), "colour");
    assert_eq!(field(r#","schema":2"#), "schema");
    assert_eq!(field(r#","external_id":"""#), "external_id");
    assert_eq!(field(r#","station":"a\u0007""#), "station");
    assert_eq!(field(r#","captured_at":"yesterday""#), "captured_at");
    assert_eq!(field(r#","captured_at":"2026-09-21T14:13:20""#), "captured_at");
    assert_eq!(field(r#","reverses":"x""#), "reverses");
    let field = |text: &str| Form::parse(text).unwrap_err().field;
    assert_eq!(field(r#"{"kind":"inventory.guess","body":{}}"#), "kind");
    assert_eq!(field(r#"{"kind":"inventory.count"}"#), "body");
    assert_eq!(field(r#"{"kind":"inventory.count","body":{}}"#), "body.item");
    assert_eq!(
        field(r#"{"kind":"inventory.count","body":{"item":"A","location":"B","quantity":{"value":"-3"}}}"#),
        "body.quantity"
    );
    assert_eq!(field("["), ".");
}

#[test]
fn equal_content_has_an_equal_digest_however_it_is_written() {
    let plain = with("").unwrap().content().unwrap();
    let spaced = Form::parse(
        r#" { "body" : {"quantity":{"value":"3"}, "location":"B", "item":"A"}, "kind":"inventory.count" } "#,
    );
    assert_eq!(spaced.unwrap().content().unwrap(), plain);
    assert_ne!(with(r#","operator":"X""#).unwrap().content().unwrap(), plain);
    assert_eq!(with(r#","external_id":"X""#).unwrap().content().unwrap(), plain);
}

#[test]
fn a_time_keeps_its_offset() {
    let form = with(r#","captured_at":"1970-01-01T01:00:01-05:30""#).unwrap();
    assert_eq!(form.captured_at, Some(((6 * 3600 + 30 * 60 + 1) * 1000, -330)));
    assert_eq!(
        with(r#","captured_at":"1970-01-01T00:00:01Z""#)
            .unwrap()
            .captured_at,
        Some((1000, 0))
    );
}

#[test]
fn one_several_or_lines_are_told_apart() {
    assert_eq!(split_json("{}"), Ok(Payload::One("{}")));
    assert_eq!(split_json(" [ {}, 1 ] "), Ok(Payload::Many(vec!["{}", "1"])));
    assert!(split_json("[{}").is_err());
    assert_eq!(
        split_lines("{}\r\n\n{\"a\":1}"),
        Payload::Many(vec!["{}", "{\"a\":1}"])
    );
}
