//! What must be known of the target before a message can be planned, and what of it is known.
//!
//! Codes mean something inside one company only. A question names it; the answer never reaches beyond it.

use std::collections::HashMap;

use super::fact::{Found, Item, Location, Production, Purchase, Stock, Units};
use super::plan::{Ask, Halt};
use super::why::Why;
use jiff::Timestamp;
use jiff::civil::Date;
use millrace_shared::message::Code;

/// One thing to ask the target.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Question {
    /// Which product has this barcode, internal reference or packaging barcode.
    Item {
        /// The company.
        company: i64,
        /// The code.
        code: Code,
    },
    /// Which location has this barcode or complete name.
    Location {
        /// The company.
        company: i64,
        /// The code.
        code: Code,
    },
    /// All units and the precision of quantities.
    Units,
    /// Which production order has this name, or had it before it was split.
    Production {
        /// The company.
        company: i64,
        /// The code.
        code: Code,
    },
    /// Which purchase order has this name, and what of it may arrive.
    Purchase {
        /// The company.
        company: i64,
        /// The code.
        code: Code,
    },
    /// Which lot or serial number of this product has this name.
    Lot {
        /// The company.
        company: i64,
        /// The product's id.
        product: i64,
        /// The name.
        name: Code,
    },
    /// What lies at a place, and what moved there since a time.
    Stock(Place, Timestamp),
    /// Up to which day the books are locked.
    Period {
        /// The company.
        company: i64,
    },
}

/// Whether an answer may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// For a while: postings check it again.
    Cached,
    /// For one plan only.
    Fresh,
}

impl Question {
    /// Whether the answer may be kept. What other people's work changes by the minute may not.
    pub fn keeping(&self) -> Keeping {
        match self {
            Question::Item { .. } | Question::Location { .. } | Question::Units => Keeping::Cached,
            _ => Keeping::Fresh,
        }
    }
}

/// A product, a location, and a lot where the product has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The product.
    pub product: i64,
    /// The location.
    pub location: i64,
    /// The lot; none for a product without lots.
    pub lot: Option<i64>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// To [`Question::Item`].
    Item(Found<Item>),
    /// To [`Question::Location`].
    Location(Found<Location>),
    /// To [`Question::Units`].
    Units(Units),
    /// To [`Question::Production`].
    Production(Found<Production>),
    /// To [`Question::Purchase`].
    Purchase(Found<Purchase>),
    /// To [`Question::Lot`].
    Lot(Found<i64>),
    /// To [`Question::Stock`].
    Stock(Stock),
    /// To [`Question::Period`]: the last locked day.
    Period(Option<Date>),
    /// To any: what the target answered makes no sense here. Only messages that need it suffer.
    Unreadable(String),
}

/// Facts known so far.
#[derive(Debug, Clone, Default)]
pub struct Facts(HashMap<Question, Fact>);

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident: $variant:ident => $answer:ty;)*) => {
        impl Facts {
            $($(#[$doc])* pub fn $name(&self, question: Question) -> Ask<&$answer> {
                match self.0.get(&question) {
                    Some(Fact::$variant(answer)) => Ok(answer),
                    Some(Fact::Unreadable(text)) => Err(Halt::because(Why::Unreadable, unreadable(text))),
                    _ => Err(Halt::Need(vec![question])),
                }
            })*
        }
    };
}

fn unreadable(text: &str) -> String {
    format!(
        "Odoo's answer makes no sense here: {text}. Mend it there, then retry; if it looks right, report it"
    )
}

answers! {
    /// The answer to [`Question::Item`], or the need for it.
    item: Item => Found<Item>;
    /// The answer to [`Question::Location`], or the need for it.
    location: Location => Found<Location>;
    /// The answer to [`Question::Units`], or the need for it.
    units: Units => Units;
    /// The answer to [`Question::Production`], or the need for it.
    production: Production => Found<Production>;
    /// The answer to [`Question::Purchase`], or the need for it.
    purchase: Purchase => Found<Purchase>;
    /// The answer to [`Question::Lot`], or the need for it.
    lot: Lot => Found<i64>;
    /// The answer to [`Question::Stock`], or the need for it.
    stock: Stock => Stock;
    /// The answer to [`Question::Period`], or the need for it.
    period: Period => Option<Date>;
}

impl Facts {
    /// Adds an answer; a newer one replaces an older one.
    pub fn learn(&mut self, question: Question, fact: Fact) {
        self.0.insert(question, fact);
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: Facts) {
        self.0.extend(other.0);
    }

    /// The answer to this question, of whatever sort.
    pub fn get(&self, question: &Question) -> Option<&Fact> {
        self.0.get(question)
    }

    /// Forgets what may not be kept beyond one plan.
    pub fn keep_cached(&mut self) {
        self.0.retain(|question, _| question.keeping() == Keeping::Cached);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Questions and answers.
    pub fn iter(&self) -> impl Iterator<Item = (&Question, &Fact)> {
        self.0.iter()
    }

    /// How many answers.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
