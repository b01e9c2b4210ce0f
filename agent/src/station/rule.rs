//! How a plant's own codes are told apart: rules of prefixes and patterns, each with a meaning.

use std::fmt;
use std::str::FromStr;

use regex::Regex;

/// What a code can mean at a station.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A production order.
    Order,
    /// The operator's badge.
    Badge,
    /// A stock location.
    Location,
    /// An article.
    Item,
    /// A lot.
    Lot,
    /// A serial number.
    Serial,
    /// How much.
    Quantity,
    /// Book it.
    Confirm,
    /// Book it and close the order.
    Final,
    /// Take the last scan, or the last entry, back.
    Undo,
    /// Drop the open entry.
    Cancel,
}

impl Meaning {
    const WORDS: [(&'static str, Meaning); 11] = [
        ("order", Meaning::Order),
        ("badge", Meaning::Badge),
        ("location", Meaning::Location),
        ("item", Meaning::Item),
        ("lot", Meaning::Lot),
        ("serial", Meaning::Serial),
        ("quantity", Meaning::Quantity),
        ("confirm", Meaning::Confirm),
        ("final", Meaning::Final),
        ("undo", Meaning::Undo),
        ("cancel", Meaning::Cancel),
    ];
}

impl FromStr for Meaning {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::WORDS.iter().find(|(word, _)| *word == text);
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let words: Vec<&str> = Self::WORDS.iter().map(|(word, _)| *word).collect();
            format!("`{text}` is no meaning; use one of {}", words.join(", "))
        })
    }
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::WORDS.iter().find(|(_, meaning)| meaning == self);
        f.pad(word.map_or("", |(word, _)| word))
    }
}

/// How a code that has this meaning looks.
#[derive(Debug, Clone)]
pub enum Shape {
    /// It is this text.
    Exact(String),
    /// It begins with this text, which belongs to the code itself only where `keep` says so.
    Prefix {
        /// The beginning.
        prefix: String,
        /// Whether it is part of the code (`WH/MO/` of `WH/MO/00012`).
        keep: bool,
    },
    /// The whole of it matches; the first group, or all of it, is the code.
    Pattern(Regex),
}

/// One way to tell what a scan is.
#[derive(Debug, Clone)]
pub struct Rule {
    /// How it looks.
    pub shape: Shape,
    /// What it means.
    pub meaning: Meaning,
}

impl Rule {
    /// Scans that are exactly this text.
    pub fn exact(text: &str, meaning: Meaning) -> Self {
        let shape = Shape::Exact(text.to_owned());
        Self { shape, meaning }
    }

    /// Scans that begin so; `keep` where the beginning is part of the code.
    pub fn prefix(prefix: &str, keep: bool, meaning: Meaning) -> Self {
        let prefix = prefix.to_owned();
        let shape = Shape::Prefix { prefix, keep };
        Self { shape, meaning }
    }

    /// Scans that match this regular expression as a whole.
    pub fn pattern(pattern: &str, meaning: Meaning) -> Result<Self, regex::Error> {
        let shape = Shape::Pattern(Regex::new(&format!("^(?:{pattern})$"))?);
        Ok(Self { shape, meaning })
    }

    /// The code in this text, where the rule fits it.
    pub fn code<'t>(&self, text: &'t str) -> Option<&'t str> {
        match &self.shape {
            Shape::Exact(exact) => (text == exact).then_some(text),
            Shape::Prefix { prefix, keep: true } => text.starts_with(prefix.as_str()).then_some(text),
            Shape::Prefix { prefix, keep: false } => text.strip_prefix(prefix.as_str()),
            Shape::Pattern(pattern) => {
                let groups = pattern.captures(text)?;
                groups
                    .get(1)
                    .or_else(|| groups.get(0))
                    .map(|group| group.as_str())
            }
        }
    }
}
