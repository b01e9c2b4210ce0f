//! What kind of code a scan is: the AIM identifier and the separator alias are taken off here, and nowhere else.
//!
//! AIM identifiers (`]` and two characters) are those of ISO/IEC 15424 as scanners transmit them when told to.

use super::gs1::{self, ElementString, Gs1Error, SEPARATOR};

/// Why a scan cannot be read. Permanent: the label or the scanner's settings must be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BarcodeError {
    /// Nothing is left once identifier and separators are taken off.
    #[error("the code is empty")]
    Empty,
    /// An article number whose check digit is wrong, or which has the wrong length for its symbol.
    #[error("`{0}` is no valid EAN or UPC number: read it again, then look at the label")]
    Ean(String),
    /// A control character within a plain code.
    #[error("the code contains a control character: check the scanner's framing and separator settings")]
    Control,
    /// No element string although it claims to be one.
    #[error(transparent)]
    Gs1(#[from] Gs1Error),
}

/// When a scan without AIM identifier is taken for a GS1 element string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gs1Use {
    /// When it contains a separator, or begins with (01) and 14 digits.
    #[default]
    Auto,
    /// Only when the AIM identifier says so.
    Identified,
    /// Never, not even with an AIM identifier.
    Never,
}

/// A code, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Barcode {
    /// A GS1 element string.
    Elements(ElementString),
    /// Anything else, as printed.
    Plain(String),
}

/// Symbols whose content is a GS1 element string: GS1-128, DataBar and composites, GS1 DataMatrix, GS1 QR Code, DotCode.
const GS1_SYMBOLS: [&str; 5] = ["]C1", "]e0", "]d2", "]Q3", "]J1"];

/// How a station's scans are to be read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reading {
    /// When a scan without AIM identifier is taken for a GS1 element string.
    pub gs1: Gs1Use,
    /// What the scanner sends for the GS1 separator where it cannot send 0x1D, such as `|` or `^`.
    pub separator_alias: Option<char>,
}

/// Reads a scan. `marked` says whether a code without AIM identifier is one of the plant's own (such as `O:…`), which
/// is never guessed to be an element string; `this_year` places two-digit years in their century.
pub fn read(
    scan: &str,
    reading: Reading,
    marked: impl Fn(&str) -> bool,
    this_year: i16,
) -> Result<Barcode, BarcodeError> {
    let (gs1_use, alias) = (reading.gs1, reading.separator_alias);
    let (symbol, content) = identifier(scan);
    let elements = |content: &str| {
        let content = match alias {
            Some(alias) => content.replace(alias, "\u{1d}"),
            None => content.to_owned(),
        };
        gs1::parse(&content, this_year)
            .map(Barcode::Elements)
            .map_err(Into::into)
    };
    match symbol {
        Some(symbol) if gs1_use != Gs1Use::Never && GS1_SYMBOLS.contains(&symbol) => elements(content),
        Some("]E0") => ean(content, 13),
        Some("]E4") => ean(content, 8),
        None if scan.starts_with(']') && scan.len() < 3 => Err(BarcodeError::Empty),
        None if gs1_use == Gs1Use::Auto && looks_like_elements(content, alias) && !marked(content) => {
            elements(content)
        }
        _ => plain(content),
    }
}

/// The AIM identifier in front of a scan, and what follows it.
fn identifier(scan: &str) -> (Option<&str>, &str) {
    let bytes = scan.as_bytes();
    match bytes {
        [b']', code, modifier, ..] if code.is_ascii_alphabetic() && modifier.is_ascii_alphanumeric() => {
            (Some(&scan[..3]), &scan[3..])
        }
        _ => (None, scan),
    }
}

fn looks_like_elements(content: &str, alias: Option<char>) -> bool {
    let article = content
        .strip_prefix("01")
        .and_then(|rest| rest.get(..14))
        .is_some_and(|gtin| gtin.bytes().all(|byte| byte.is_ascii_digit()));
    article || content.contains(SEPARATOR) || alias.is_some_and(|alias| content.contains(alias))
}

fn ean(content: &str, digits: usize) -> Result<Barcode, BarcodeError> {
    if content.len() == digits && gs1::check_digit_holds(content) {
        Ok(Barcode::Plain(content.to_owned()))
    } else {
        Err(BarcodeError::Ean(content.chars().take(20).collect()))
    }
}

fn plain(content: &str) -> Result<Barcode, BarcodeError> {
    let content = content.trim();
    if content.is_empty() {
        return Err(BarcodeError::Empty);
    }
    if content.chars().any(char::is_control) {
        return Err(BarcodeError::Control);
    }
    Ok(Barcode::Plain(content.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(gs1: Gs1Use, separator_alias: Option<char>, scan: &str) -> Result<Barcode, BarcodeError> {
        let reading = Reading { gs1, separator_alias };
        read(scan, reading, |code| code.starts_with("O:"), 2026)
    }

    fn auto(scan: &str) -> Result<Barcode, BarcodeError> {
        with(Gs1Use::Auto, None, scan)
    }

    #[test]
    fn the_identifier_decides_and_is_taken_off() {
        for symbol in GS1_SYMBOLS {
            let scan = format!("{symbol}10AB");
            assert!(matches!(auto(&scan), Ok(Barcode::Elements(_))), "{scan}");
        }
        assert_eq!(auto("]C010AB"), Ok(Barcode::Plain("10AB".into())));
        assert_eq!(
            auto("]E04006381333931"),
            Ok(Barcode::Plain("4006381333931".into()))
        );
        assert!(matches!(auto("]E04006381333932"), Err(BarcodeError::Ean(_))));
    }

    #[test]
    fn without_identifier_only_a_separator_or_an_article_makes_an_element_string() {
        assert_eq!(auto("10AB"), Ok(Barcode::Plain("10AB".into())));
        assert!(matches!(auto("10AB\u{1d}21C"), Ok(Barcode::Elements(_))));
        assert!(matches!(auto("0112345678901231"), Ok(Barcode::Elements(_))));
        assert!(matches!(auto("0112345678901234"), Err(BarcodeError::Gs1(_))));
        assert!(matches!(
            with(Gs1Use::Identified, None, "0112345678901234"),
            Ok(Barcode::Plain(_))
        ));
    }

    #[test]
    fn an_alias_stands_for_the_separator_only_where_it_is_configured() {
        assert!(matches!(
            with(Gs1Use::Auto, Some('|'), "10AB|21C"),
            Ok(Barcode::Elements(_))
        ));
        assert_eq!(auto("10AB|21C"), Ok(Barcode::Plain("10AB|21C".into())));
        assert_eq!(
            with(Gs1Use::Auto, Some('|'), "O:7|8"),
            Ok(Barcode::Plain("O:7|8".into())),
            "the plant's own codes are not guessed at"
        );
    }

    #[test]
    fn a_control_character_in_a_plain_code_is_refused() {
        assert_eq!(auto("O:1\u{7}"), Err(BarcodeError::Control));
        assert_eq!(auto("  "), Err(BarcodeError::Empty));
    }
}
