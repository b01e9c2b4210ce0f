//! GS1 element strings: what a GS1-128, GS1 DataMatrix, GS1 QR Code or DataBar symbol says.
//!
//! Driven by a table of application identifiers ([`table`]), which holds those that are used so far; a further one is a
//! further row. Source: GS1 General Specifications, sections 3 (identifiers), 7.8 (processing of element strings),
//! 7.9 (check digits), 7.11 (characters) and 7.12 (dates). Associations between identifiers (such as "a lot needs an
//! article") are not enforced: plants print their own labels.

pub mod date;
pub mod table;

use std::fmt;

use table::{AI_TABLE, Ai, Form};

/// The separator between an element of variable length and the next one, as scanners transmit FNC1.
pub const SEPARATOR: char = '\u{1d}';

/// Most elements in one symbol. The longest symbol (GS1 DataMatrix) has room for fewer that are not empty.
pub const ELEMENTS: usize = 64;

/// Why a text is no element string. Permanent: the label must be looked at. The text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Gs1Error {
    /// There is nothing in it.
    #[error("the GS1 code is empty")]
    Empty,
    /// No known application identifier begins here.
    #[error("`{0}…` begins with no GS1 application identifier known here")]
    UnknownAi(String),
    /// The text ends within a value, or has more or fewer characters than the identifier allows.
    #[error("({ai}) has {found} characters instead of {want}")]
    Length {
        /// The identifier.
        ai: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        want: String,
    },
    /// A character that the identifier does not allow.
    #[error("({ai}) contains `{character}`, which is not allowed there")]
    Character {
        /// The identifier.
        ai: &'static str,
        /// The character.
        character: char,
    },
    /// The check digit does not match: a reading or printing error.
    #[error("({ai}) {value} has a wrong check digit: read it again, then look at the label")]
    CheckDigit {
        /// The identifier.
        ai: &'static str,
        /// The value.
        value: String,
    },
    /// No date of the calendar.
    #[error("({ai}) {value} is no date (YYMMDD)")]
    Date {
        /// The identifier.
        ai: &'static str,
        /// The value.
        value: String,
    },
    /// One identifier with two values.
    #[error("({0}) stands in the code twice with different values")]
    Repeated(&'static str),
    /// More elements than a symbol can hold.
    #[error("the GS1 code has more than {ELEMENTS} elements")]
    TooMany,
}

/// One identifier with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// The identifier's row of the table.
    pub ai: &'static Ai,
    /// The value as printed.
    pub value: String,
}

/// The elements of a symbol in their order, each checked against the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementString {
    /// At least one.
    pub elements: Vec<Element>,
    /// Whether the scanner sent a separator before the first element. It should not; it does no harm.
    pub led_by_separator: bool,
}

impl ElementString {
    /// The value of an identifier.
    pub fn get(&self, ai: &str) -> Option<&str> {
        self.elements
            .iter()
            .find(|element| element.ai.digits == ai)
            .map(|element| element.value.as_str())
    }
}

/// As scanners transmit it: a separator after each value whose length is not fixed in advance, but not at the end.
impl fmt::Display for ElementString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, element) in self.elements.iter().enumerate() {
            write!(f, "{}{}", element.ai.digits, element.value)?;
            if !element.ai.predefined && index + 1 < self.elements.len() {
                write!(f, "{SEPARATOR}")?;
            }
        }
        Ok(())
    }
}

/// Reads an element string without symbology identifier. Separators at either end, and after values that need none,
/// are tolerated. `this_year` places two-digit years in their century.
pub fn parse(text: &str, this_year: i16) -> Result<ElementString, Gs1Error> {
    let led_by_separator = text.starts_with(SEPARATOR);
    let mut rest = text.trim_matches(SEPARATOR);
    if rest.is_empty() {
        return Err(Gs1Error::Empty);
    }
    let mut elements: Vec<Element> = Vec::new();
    while !rest.is_empty() {
        if elements.len() == ELEMENTS {
            return Err(Gs1Error::TooMany);
        }
        let ai = identifier(rest)?;
        let (value, behind) = split(ai, &rest[ai.digits.len()..])?;
        check(ai, value, this_year)?;
        let same = elements.iter().find(|element| element.ai == ai);
        match same {
            Some(first) if first.value != value => return Err(Gs1Error::Repeated(ai.digits)),
            Some(_) => {}
            None => elements.push(Element {
                ai,
                value: value.to_owned(),
            }),
        }
        rest = behind.strip_prefix(SEPARATOR).unwrap_or(behind);
    }
    Ok(ElementString {
        elements,
        led_by_separator,
    })
}

/// Whether the last digit is the check digit of the others. Source: GS1 General Specifications 7.9.1.
pub fn check_digit_holds(digits: &str) -> bool {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| u32::from(byte.wrapping_sub(b'0')) * if place % 2 == 1 { 3 } else { 1 })
        .sum();
    all_digits && sum.is_multiple_of(10)
}

/// Whether a text could be an article number (GTIN-8, -12, -13 or -14) by its length and check digit.
pub fn looks_like_gtin(text: &str) -> bool {
    matches!(text.len(), 8 | 12 | 13 | 14) && check_digit_holds(text)
}

fn identifier(rest: &str) -> Result<&'static Ai, Gs1Error> {
    AI_TABLE
        .iter()
        .find(|ai| rest.starts_with(ai.digits))
        .ok_or_else(|| Gs1Error::UnknownAi(rest.chars().take(4).collect()))
}

/// The value of an identifier and what comes behind it.
fn split<'t>(ai: &'static Ai, rest: &'t str) -> Result<(&'t str, &'t str), Gs1Error> {
    let until_separator = rest.find(SEPARATOR).unwrap_or(rest.len());
    let length = |found: usize, want: String| Gs1Error::Length {
        ai: ai.digits,
        found,
        want,
    };
    match ai.form {
        Form::Digits(count) => {
            let (value, behind) = rest
                .split_at_checked(count)
                .filter(|(value, _)| !value.contains(SEPARATOR))
                .ok_or_else(|| length(rest[..until_separator].chars().count(), count.to_string()))?;
            Ok((value, behind))
        }
        Form::DigitsUpTo(most) | Form::Text(most) => {
            let (value, behind) = rest.split_at(until_separator);
            let found = value.chars().count();
            if (1..=most).contains(&found) {
                Ok((value, behind))
            } else {
                Err(length(found, format!("1 to {most}")))
            }
        }
    }
}

fn check(ai: &'static Ai, value: &str, this_year: i16) -> Result<(), Gs1Error> {
    let allowed = match ai.form {
        Form::Digits(_) | Form::DigitsUpTo(_) => |c: char| c.is_ascii_digit(),
        Form::Text(_) => table::is_text,
    };
    if let Some(character) = value.chars().find(|c| !allowed(*c)) {
        return Err(Gs1Error::Character {
            ai: ai.digits,
            character,
        });
    }
    if ai.check_digit && !check_digit_holds(value) {
        return Err(Gs1Error::CheckDigit {
            ai: ai.digits,
            value: value.to_owned(),
        });
    }
    if ai.date && date::read(value, this_year).is_none() {
        return Err(Gs1Error::Date {
            ai: ai.digits,
            value: value.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
