//! A station's profile: settings, their defaults, and what contradicts itself in them.

use std::time::Duration;

use millrace_shared::limit;
use millrace_shared::message::{Code, Completion};
use rust_decimal::Decimal;

use super::word::Vocabulary;

/// What a station's messages say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Makes {
    /// `production.confirm`; an ordinary confirmation completes the order in this way, a final one closes it.
    Production(Completion),
    /// `material.consume`.
    Consumption,
    /// `inventory.count`.
    Count,
}

/// Which scan closes an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Closes {
    /// The command *confirm* (or *final*).
    #[default]
    Confirm,
    /// The quantity, which then comes last.
    Quantity,
}

/// What an article's label stands for at a production station.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Items {
    /// For what is made.
    #[default]
    Product,
    /// For a component that was used for it. Plain lots and serial numbers are still those of what is made.
    Components,
}

/// Whether the operator says who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Badge {
    /// They may.
    #[default]
    Optional,
    /// Nothing is taken before a badge.
    Required,
    /// A badge is not taken at all.
    Unwanted,
}

/// What another badge does while an entry is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BadgeChange {
    /// It is refused: the entry must be confirmed or cancelled first.
    #[default]
    Refuse,
    /// It cancels the entry.
    Cancel,
}

/// What happens to goods whose label says that they have expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expired {
    /// They are taken; the date is not looked at.
    #[default]
    Take,
    /// They are refused.
    Refuse,
}

/// What a station asks for and makes. Start from [`Profile::new`] and change what differs.
#[derive(Debug, Clone)]
pub struct Profile {
    /// What its messages say.
    pub makes: Makes,
    /// What an article's label stands for. Default: for what is made, counted or consumed.
    pub items: Items,
    /// Which scan closes an entry. Default: confirm.
    pub closes: Closes,
    /// How scans are told apart.
    pub vocabulary: Vocabulary,
    /// Whether the operator's badge is asked for. Default: optional.
    pub badge: Badge,
    /// What another badge does while an entry is open. Default: refuse.
    pub badge_change: BadgeChange,
    /// Whether the order (or, for counts, the location) stays for the next entry. Default: true.
    pub keeps_place: bool,
    /// Where the station stands, for counts: no location is scanned then. Default: none.
    pub location: Option<Code>,
    /// The unit of quantities scanned without one. Default: none, the unit of the scanned code.
    pub unit: Option<Code>,
    /// Largest quantity of one entry. Default: 100,000.
    pub quantity_max: Decimal,
    /// What happens to expired goods. Default: take.
    pub expired: Expired,
    /// An entry without a scan for so long is dropped, and the kept order or location with it. Default: 15 min.
    pub entry_timeout: Duration,
    /// An operator without a scan for so long must show the badge again. Default: 8 h.
    pub badge_timeout: Duration,
    /// For so long after it was booked an entry can be undone here. Default: 30 min.
    pub undo_window: Duration,
    /// The same command, order or serial number read again within this time is one reading. Default: 3 s.
    pub duplicate_window: Duration,
}

impl Profile {
    /// The profile with all defaults.
    pub fn new(makes: Makes) -> Self {
        Self {
            makes,
            items: Items::default(),
            closes: Closes::default(),
            vocabulary: Vocabulary::default(),
            badge: Badge::default(),
            badge_change: BadgeChange::default(),
            keeps_place: true,
            location: None,
            unit: None,
            quantity_max: Decimal::from(100_000),
            expired: Expired::default(),
            entry_timeout: Duration::from_secs(15 * 60),
            badge_timeout: Duration::from_secs(8 * 3600),
            undo_window: Duration::from_secs(30 * 60),
            duplicate_window: Duration::from_secs(3),
        }
    }

    /// What contradicts itself, for the person who wrote the configuration.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let production = matches!(self.makes, Makes::Production(_));
        if production && self.closes == Closes::Quantity && self.keeps_place {
            problems.push(
                "a production station that closes by quantity cannot keep its order, because a quantity that is \
                 scanned again could not be told from a new one: set keeps_place = false or close by confirm"
                    .to_owned(),
            );
        }
        if self.items == Items::Components && !production {
            problems.push("only a production station takes components with what it confirms".to_owned());
        }
        if self.location.is_some() && self.makes != Makes::Count {
            problems.push("only a station that counts has a location of its own".to_owned());
        }
        if self.quantity_max <= Decimal::ZERO || self.quantity_max > Decimal::from(limit::QUANTITY_MAX) {
            problems.push(format!(
                "the largest quantity must lie above 0 and up to {}",
                limit::QUANTITY_MAX
            ));
        }
        if self.closes == Closes::Confirm && !self.vocabulary.knows(super::Meaning::Confirm) {
            problems.push("no scan means confirm, so nothing could be booked here".to_owned());
        }
        problems
    }
}
