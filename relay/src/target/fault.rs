//! Why a call to a target failed, and what follows: one class each, so that nobody has to read texts.

use std::fmt;
use std::time::Duration;

/// What kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It passes by itself: call again later.
    Transient,
    /// The target refuses this for reasons of its business. Calling again changes nothing.
    Business,
    /// The target, its addon or the rights there are not set up: the domain stops, everything is kept, a person is
    /// told.
    Configuration,
    /// The call is not one that the target understands: a fault in this program or in the target.
    Malformed,
}

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{doing}: {text}")]
pub struct Fault {
    /// What kind of failure.
    pub class: Class,
    /// Whether the call may have taken effect all the same: ask before anything is sent again.
    pub ambiguous: bool,
    /// The failure's name as the target gives it, such as `odoo.exceptions.AccessError`; empty without one.
    pub name: String,
    /// What was being done.
    pub doing: String,
    /// What happened, and what to do next.
    pub text: String,
    /// When the target asks to be called again.
    pub retry_after: Option<Duration>,
}

impl Fault {
    /// A failure that certainly left nothing behind.
    pub fn new(class: Class, text: impl Into<String>) -> Self {
        let (name, doing) = (String::new(), String::new());
        Self {
            class,
            ambiguous: false,
            name,
            doing,
            text: text.into(),
            retry_after: None,
        }
    }

    /// The failure of a call that may have taken effect.
    pub fn ambiguous(mut self) -> Self {
        self.ambiguous = true;
        self
    }

    /// With the name that the target gave it.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// While this was being done.
    pub fn doing(mut self, doing: impl Into<String>) -> Self {
        self.doing = doing.into();
        self
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Class::Transient => "transient",
            Class::Business => "business",
            Class::Configuration => "configuration",
            Class::Malformed => "malformed",
        })
    }
}
