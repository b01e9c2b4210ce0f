//! What an element string must and must not be.

use proptest::prelude::*;

use super::*;

const YEAR: i16 = 2026;
const GS: &str = "\u{1d}";

fn values(text: &str) -> Vec<(&'static str, String)> {
    let parsed = parse(text, YEAR).unwrap();
    parsed
        .elements
        .into_iter()
        .map(|e| (e.ai.digits, e.value))
        .collect()
}

#[test]
fn an_article_with_lot_expiry_and_weight_is_read_in_any_order() {
    let text = format!("010940190976854510{}{GS}310200200417151018", "33650100138");
    let text = text.replace("09401909768545", "94019097685457");
    assert_eq!(
        values(&text),
        [
            ("01", "94019097685457".to_owned()),
            ("10", "33650100138".to_owned()),
            ("3102", "002004".to_owned()),
            ("17", "151018".to_owned()),
        ]
    );
}

#[test]
fn separators_that_nobody_needs_are_tolerated_and_a_leading_one_is_marked() {
    let parsed = parse(&format!("{GS}0112345678901231{GS}10AB{GS}"), YEAR).unwrap();
    assert!(parsed.led_by_separator);
    assert_eq!(parsed.to_string(), "011234567890123110AB");
}

#[test]
fn a_wrong_check_digit_says_so() {
    let error = parse("0112345678901234", YEAR).unwrap_err();
    assert!(matches!(error, Gs1Error::CheckDigit { ai: "01", .. }), "{error}");
    assert!(error.to_string().contains("wrong check digit"));
}

#[test]
fn an_identifier_that_is_not_known_here_is_refused_and_named() {
    assert_eq!(
        parse("00123456789012345675", YEAR),
        Err(Gs1Error::UnknownAi("0012".into()))
    );
}

#[test]
fn values_that_are_too_long_too_short_or_empty_are_refused() {
    for bad in [
        "01123456789012",
        "10",
        "10ABCDEFGHIJKLMNOPQRSTU",
        "30123456789",
        "31021234",
        "1712",
    ] {
        assert!(matches!(parse(bad, YEAR), Err(Gs1Error::Length { .. })), "{bad}");
    }
    assert!(matches!(
        parse(&format!("1715{GS}10AB"), YEAR),
        Err(Gs1Error::Length { .. })
    ));
}

#[test]
fn one_identifier_with_two_values_is_refused_and_with_the_same_value_is_not() {
    assert_eq!(
        parse(&format!("10AB{GS}10CD"), YEAR),
        Err(Gs1Error::Repeated("10"))
    );
    assert_eq!(values(&format!("10AB{GS}10AB")), [("10", "AB".to_owned())]);
}

#[test]
fn day_zero_is_the_last_of_the_month_and_years_lie_near_this_one() {
    let read = |digits| date::read(digits, YEAR).map(|date| date.to_string());
    assert_eq!(read("240200"), Some("2024-02-29".into()));
    assert_eq!(read("760101"), Some("2076-01-01".into()));
    assert_eq!(read("770101"), Some("1977-01-01".into()));
    assert_eq!(read("171301"), None);
    assert_eq!(read("170230"), None);
}

#[test]
fn text_beyond_ascii_is_refused_without_harm() {
    for bad in [
        "10ä",
        "01ääääääääääääää",
        "ä",
        "31ä0123456",
        "17\u{1F600}\u{1F600}",
    ] {
        assert!(parse(bad, YEAR).is_err(), "{bad}");
    }
}

fn gtin() -> impl Strategy<Value = String> {
    "[0-9]{13}".prop_map(|body| {
        let digit = (0..10).find(|digit| check_digit_holds(&format!("{body}{digit}")));
        format!("{body}{}", digit.unwrap())
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        gtin in gtin(),
        lot in "[!%-?A-Z_a-z]{1,20}",
        serial in "[!%-?A-Z_a-z]{1,20}",
        count in "[0-9]{1,8}",
        places in 0..=5u8,
        weight in "[0-9]{6}",
        order in Just([0usize, 1, 2, 3, 4]).prop_shuffle(),
    ) {
        let weight_ai = format!("310{places}");
        let parts = [("01", &gtin), ("10", &lot), ("21", &serial), ("30", &count), (weight_ai.as_str(), &weight)];
        let elements = order
            .iter()
            .map(|index| {
                let (digits, value) = parts[*index];
                let ai = AI_TABLE.iter().find(|ai| ai.digits == digits).unwrap();
                Element { ai, value: value.clone() }
            })
            .collect();
        let written = ElementString { elements, led_by_separator: false };
        prop_assert_eq!(parse(&written.to_string(), YEAR).unwrap(), written);
    }

    #[test]
    fn no_text_at_all_makes_the_parser_panic(text in "\\PC{0,40}|[0-9\u{1d}]{0,60}") {
        if let Ok(parsed) = parse(&text, YEAR) {
            prop_assert_eq!(parse(&parsed.to_string(), YEAR).map(|p| p.elements), Ok(parsed.elements));
        }
    }

    #[test]
    fn one_changed_digit_of_an_article_is_always_seen(gtin in gtin(), place in 0usize..14, add in 1u8..10) {
        let mut bytes = gtin.into_bytes();
        bytes[place] = b'0' + (bytes[place] - b'0' + add) % 10;
        let changed = String::from_utf8(bytes).unwrap();
        prop_assert!(!check_digit_holds(&changed));
    }
}
