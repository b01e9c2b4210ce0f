//! The application identifiers that are known here. Source: GS1 General Specifications, section 3.

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Exactly this many digits.
    Digits(usize),
    /// One to this many digits.
    DigitsUpTo(usize),
    /// One to this many characters of [`is_text`].
    Text(usize),
}

/// An application identifier.
#[derive(Debug, PartialEq, Eq)]
pub struct Ai {
    /// The identifier itself.
    pub digits: &'static str,
    /// What it says.
    pub title: &'static str,
    /// How its value is written.
    pub form: Form,
    /// Whether its length is fixed in advance, so that no separator follows (General Specifications, figure 7.8.5-2).
    pub predefined: bool,
    /// Whether the last digit is a check digit.
    pub check_digit: bool,
    /// Whether the value is a date YYMMDD whose day may be 00 for the last of the month.
    pub date: bool,
}

const fn date(digits: &'static str, title: &'static str) -> Ai {
    Ai {
        digits,
        title,
        form: Form::Digits(6),
        predefined: true,
        check_digit: false,
        date: true,
    }
}

const fn weight(digits: &'static str) -> Ai {
    Ai {
        digits,
        title: "net weight in kilograms; the last digit of the identifier is the number of decimal places",
        form: Form::Digits(6),
        predefined: true,
        check_digit: false,
        date: false,
    }
}

const fn free(digits: &'static str, title: &'static str, form: Form) -> Ai {
    Ai {
        digits,
        title,
        form,
        predefined: false,
        check_digit: false,
        date: false,
    }
}

/// All of them. No identifier is the beginning of another, so the order does not matter.
pub static AI_TABLE: [Ai; 15] = [
    Ai {
        digits: "01",
        title: "article (GTIN)",
        form: Form::Digits(14),
        predefined: true,
        check_digit: true,
        date: false,
    },
    free("10", "batch or lot", Form::Text(20)),
    date("11", "production date"),
    date("13", "packaging date"),
    date("15", "best before date"),
    date("16", "sell by date"),
    date("17", "expiration date"),
    free("21", "serial number", Form::Text(20)),
    free("30", "variable count of items", Form::DigitsUpTo(8)),
    weight("3100"),
    weight("3101"),
    weight("3102"),
    weight("3103"),
    weight("3104"),
    weight("3105"),
];

/// The 82 characters of free values. Source: GS1 General Specifications, figure 7.11-1.
pub fn is_text(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!\"%&'()*+,-./:;<=>?_".contains(character)
}
