//! What a scan is: an order, a badge, an item, a command. The plant's rules tell, or the GS1 label.

use jiff::civil::Date;
use millrace_shared::message::{Code, MessageError, Quantity};
use rust_decimal::Decimal;

use super::rule::{Meaning, Rule};
use crate::convert::barcode::{self, Barcode, BarcodeError, Reading};
use crate::convert::gs1::{self, ElementString};

/// Why a scan is not understood. Permanent for this scan; the text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// The code itself.
    #[error(transparent)]
    Barcode(#[from] BarcodeError),
    /// What stands behind its prefix is no code.
    #[error(transparent)]
    Code(#[from] MessageError),
    /// No rule says what it is.
    #[error("`{0}` is not known here: it has none of this station's prefixes")]
    Unmarked(String),
    /// An article number where a quantity is expected.
    #[error("{0} looks like an article number, not like a quantity")]
    Gtin(String),
    /// No number.
    #[error("`{0}` is no quantity: write digits, such as 12 or 12.5 kg")]
    Quantity(String),
    /// A label with pieces and kilograms.
    #[error("the label states pieces and kilograms, and it cannot be told which is meant: scan the quantity")]
    TwoQuantities,
}

/// How a station tells its scans apart.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    /// The rules; the first that fits decides.
    pub rules: Vec<Rule>,
    /// What a plain code is that no rule fits; none refuses it. Default: an item.
    pub unmarked: Option<Meaning>,
    /// How symbols are read.
    pub reading: Reading,
    /// Whether `12,5` is a quantity. Default: no, only `12.5` is.
    pub decimal_comma: bool,
}

impl Default for Vocabulary {
    fn default() -> Self {
        let prefixes = [
            ("O:", Meaning::Order),
            ("B:", Meaning::Badge),
            ("L:", Meaning::Location),
            ("I:", Meaning::Item),
            ("LOT:", Meaning::Lot),
            ("SN:", Meaning::Serial),
            ("Q:", Meaning::Quantity),
        ];
        let commands = [
            ("CMD:CONFIRM", Meaning::Confirm),
            ("CMD:FINAL", Meaning::Final),
            ("CMD:UNDO", Meaning::Undo),
            ("CMD:CANCEL", Meaning::Cancel),
        ];
        let commands = commands.map(|(text, meaning)| Rule::exact(text, meaning));
        let prefixes = prefixes.map(|(prefix, meaning)| Rule::prefix(prefix, false, meaning));
        Self {
            rules: commands.into_iter().chain(prefixes).collect(),
            unmarked: Some(Meaning::Item),
            reading: Reading::default(),
            decimal_comma: false,
        }
    }
}

/// A scan, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// A production order.
    Order(Code),
    /// The operator's badge.
    Badge(Code),
    /// A stock location.
    Location(Code),
    /// An article, and what else its label says.
    Item(Label),
    /// How much.
    Quantity(Quantity),
    /// Confirm, final, undo or cancel.
    Command(Meaning),
}

/// What a label says about goods. A plain lot or serial number is a label without an article.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label {
    /// The article.
    pub item: Option<Code>,
    /// The lot.
    pub lot: Option<Code>,
    /// The serial number.
    pub serial: Option<Code>,
    /// How much the label stands for, where it says so.
    pub quantity: Option<Quantity>,
    /// Until when the goods may be used.
    pub expires: Option<Date>,
}

impl Vocabulary {
    /// Whether some scan can have this meaning.
    pub fn knows(&self, meaning: Meaning) -> bool {
        self.unmarked == Some(meaning) || self.rules.iter().any(|rule| rule.meaning == meaning)
    }

    /// What this scan is. `this_year` places two-digit years in their century.
    pub fn word(&self, scan: &str, this_year: i16) -> Result<Word, WordError> {
        let marked = |code: &str| self.rules.iter().any(|rule| rule.code(code).is_some());
        match barcode::read(scan, self.reading, marked, this_year)? {
            Barcode::Elements(elements) => label(&elements, this_year).map(Word::Item),
            Barcode::Plain(text) => self.plain(&text),
        }
    }

    fn plain(&self, text: &str) -> Result<Word, WordError> {
        let by_rule = |rule: &Rule| rule.code(text).map(|code| (rule.meaning, code));
        let unmarked = self.unmarked.map(|meaning| (meaning, text));
        let (meaning, code) = self
            .rules
            .iter()
            .find_map(by_rule)
            .or(unmarked)
            .ok_or_else(|| WordError::Unmarked(text.chars().take(40).collect()))?;
        let a_code = || code.trim().parse::<Code>();
        Ok(match meaning {
            Meaning::Order => Word::Order(a_code()?),
            Meaning::Badge => Word::Badge(a_code()?),
            Meaning::Location => Word::Location(a_code()?),
            Meaning::Quantity => Word::Quantity(self.quantity(code)?),
            Meaning::Item => Word::Item(Label {
                item: Some(a_code()?),
                ..Label::default()
            }),
            Meaning::Lot => Word::Item(Label {
                lot: Some(a_code()?),
                ..Label::default()
            }),
            Meaning::Serial => Word::Item(Label {
                serial: Some(a_code()?),
                ..Label::default()
            }),
            command => Word::Command(command),
        })
    }

    fn quantity(&self, text: &str) -> Result<Quantity, WordError> {
        let (figure, unit) = match text.trim().split_once(' ') {
            Some((figure, unit)) => (figure, Some(unit.trim().parse::<Code>()?)),
            None => (text.trim(), None),
        };
        if gs1::looks_like_gtin(figure) {
            return Err(WordError::Gtin(figure.to_owned()));
        }
        let wrong = || WordError::Quantity(text.chars().take(40).collect());
        let written = if self.decimal_comma {
            figure.replace(',', ".")
        } else {
            figure.to_owned()
        };
        let plain = written.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let value = Decimal::from_str_exact(&written).ok().filter(|_| plain);
        value.map(|value| Quantity { value, unit }).ok_or_else(wrong)
    }
}

fn label(elements: &ElementString, this_year: i16) -> Result<Label, WordError> {
    let code = |ai: &str| elements.get(ai).map(str::parse::<Code>).transpose();
    let pieces = elements
        .get("30")
        .and_then(|digits| digits.parse::<Decimal>().ok());
    let weight = elements.elements.iter().find_map(|element| {
        let places = element.ai.digits.strip_prefix("310")?.parse().ok()?;
        let grams = element.value.parse::<i64>().ok()?;
        Some(Decimal::new(grams, places))
    });
    let quantity = match (pieces, weight) {
        (Some(_), Some(_)) => return Err(WordError::TwoQuantities),
        (Some(pieces), None) => Some(Quantity::units(pieces)),
        (None, Some(value)) => Some(Quantity {
            value,
            unit: Some("kg".parse::<Code>()?),
        }),
        (None, None) => None,
    };
    Ok(Label {
        item: code("01")?,
        lot: code("10")?,
        serial: code("21")?,
        quantity,
        expires: elements
            .get("17")
            .and_then(|digits| gs1::date::read(digits, this_year)),
    })
}
