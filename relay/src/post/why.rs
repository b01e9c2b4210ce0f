//! Why a message cannot take effect as it is: a closed list of words, and what follows from each.

use millrace_shared::outcome::Reason;

/// What has to happen before a message with this problem is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// Ask the target anew and plan again: what was known is no longer true.
    Again,
    /// Wait: something outside the message may change by itself or by a person.
    Hold,
    /// A person must change, retry or discard the message.
    Dead,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $course:ident;)*) => {
        /// The words. Stable: commands, screens and alarms filter by them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Why { $($(#[$doc])* $name,)* }

        impl Why {
            /// All of them.
            pub const ALL: &'static [Why] = &[$(Why::$name,)*];

            /// The word.
            pub const fn word(self) -> &'static str {
                match self { $(Why::$name => $word,)* }
            }

            /// What follows from it.
            pub const fn course(self) -> Course {
                match self { $(Why::$name => Course::$course,)* }
            }
        }
    };
}

reasons! {
    /// The target changed between the questions and the posting.
    Changed = "changed-meanwhile", Again;
    /// No such item in the company.
    UnknownItem = "unknown-item", Hold;
    /// No such location in the company.
    UnknownLocation = "unknown-location", Hold;
    /// No such unit.
    UnknownUnit = "unknown-unit", Hold;
    /// No such lot of this item.
    UnknownLot = "unknown-lot", Hold;
    /// No such production order in the company.
    UnknownOrder = "unknown-order", Hold;
    /// No such purchase order in the company.
    UnknownPurchase = "unknown-purchase", Hold;
    /// The code names several things.
    Ambiguous = "ambiguous-code", Dead;
    /// The code names something that is archived.
    Archived = "archived", Dead;
    /// The unit does not measure the same thing as the item's.
    ForeignUnit = "foreign-unit", Dead;
    /// The quantity cannot be said exactly in the unit that the target keeps.
    Inexact = "inexact-quantity", Dead;
    /// A lot or serial number is needed and was not captured.
    LotMissing = "lot-missing", Dead;
    /// A lot was captured for something that has none.
    LotUnexpected = "lot-unexpected", Dead;
    /// The open order already has another lot.
    LotDiffers = "lot-differs", Dead;
    /// The serial numbers do not fit the quantity.
    SerialCount = "serial-count", Dead;
    /// The scanned item is not what the order makes.
    WrongItem = "wrong-item", Dead;
    /// The item is not kept in stock.
    NotStored = "not-stored", Dead;
    /// Goods cannot lie at this place.
    NoPlace = "no-place-for-goods", Dead;
    /// The production order is not released yet.
    OrderDraft = "order-not-released", Dead;
    /// The production order is done or cancelled and none of its group is open.
    OrderClosed = "order-closed", Dead;
    /// Several orders of the group are open.
    OrdersSeveral = "several-open-orders", Dead;
    /// The order is to close with nothing made; Odoo would book its whole quantity.
    NothingMade = "nothing-made", Dead;
    /// The order has no such component.
    Unplanned = "unplanned-component", Dead;
    /// The order has several lines for this component.
    LinesSeveral = "several-lines", Dead;
    /// The purchase order has nothing open for this item.
    NothingToReceive = "nothing-to-receive", Dead;
    /// More would arrive than was ordered.
    OverReceipt = "over-receipt", Dead;
    /// Goods of this item lie there in packages or belong to somebody else.
    Packaged = "packages-or-owners", Dead;
    /// A later count of the same place took effect.
    Overtaken = "overtaken", Dead;
    /// The stock would fall below zero; it may arrive.
    NegativeStock = "negative-stock", Hold;
    /// The stock would fall below zero, and the plant does not wait for it.
    NoStock = "no-stock", Dead;
    /// Others moved the goods after they were counted.
    StaleCount = "stale-count", Hold;
    /// When it was captured cannot be reckoned: the plant's clock was wrong then.
    Clock = "clock", Hold;
    /// The accounting period of the movement is locked.
    Period = "period", Hold;
    /// Somebody works on the same record in the target at this moment.
    InUse = "in-use", Hold;
    /// It undoes something that took effect and whose kind cannot be undone by an opposite movement.
    UndoByHand = "undo-by-hand", Hold;
    /// The target did what it was told and the result is not what had to come of it.
    NotDone = "no-effect", Dead;
    /// The target refused for a reason of its own.
    Refused = "refused", Dead;
    /// The same id with other content is known to the target.
    Conflict = "conflict", Dead;
    /// What the target answered to a question makes no sense to this program.
    Unreadable = "unreadable-answer", Dead;
    /// The posting is not one that the target can run: a fault in this program.
    Malformed = "malformed", Dead;
}

impl Why {
    /// The reason with its explanation: what happened, and what to do next.
    pub fn because(self, text: impl Into<String>) -> Reason {
        Reason::new(self.word(), text)
    }

    /// The word read back.
    pub fn from_word(word: &str) -> Option<Why> {
        Why::ALL.iter().copied().find(|why| why.word() == word)
    }
}

/// What an expectation tells when it does not hold: `word[subject]: text`. The subject lets one hold stand
/// for all that wait for the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Say {
    /// The word.
    pub why: Why,
    /// What a hold waits for, where that is known.
    pub subject: Option<String>,
    /// What happened, and what to do next.
    pub text: String,
}

impl Say {
    /// The longest that the addon takes, in characters.
    const CHARS: usize = 500;

    /// A word with its explanation.
    pub fn new(why: Why, text: impl Into<String>) -> Self {
        Self {
            why,
            subject: None,
            text: text.into(),
        }
    }

    /// With what a hold waits for.
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// As the addon carries it, without what it could not print.
    pub fn line(&self) -> String {
        let subject = self
            .subject
            .as_ref()
            .map(|subject| format!("[{subject}]"))
            .unwrap_or_default();
        let line = format!("{}{subject}: {}", self.why.word(), self.text);
        line.chars()
            .filter(|c| !c.is_control())
            .take(Self::CHARS)
            .collect()
    }

    /// Read back from the addon's answer; nothing where it is no line of ours.
    pub fn parse(line: &str) -> Option<Say> {
        let (head, text) = line.split_once(": ")?;
        let (word, subject) = match head.strip_suffix(']').and_then(|head| head.split_once('[')) {
            Some((word, subject)) => (word, Some(subject.to_owned())),
            None => (head, None),
        };
        Some(Say {
            why: Why::from_word(word)?,
            subject,
            text: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_stands_for_one_reason_and_can_be_read_back() {
        for why in Why::ALL {
            assert_eq!(Why::from_word(why.word()), Some(*why));
        }
    }

    #[test]
    fn what_an_expectation_says_survives_the_way_through_odoo() {
        let plain = Say::new(Why::Changed, "the order was renamed: ask again");
        let keyed = Say::new(Why::NegativeStock, "not enough").about("stock:7@5");
        for say in [plain, keyed] {
            assert_eq!(Say::parse(&say.line()), Some(say));
        }
        assert_eq!(Say::parse("You need to supply a lot"), None);
        assert_eq!(Say::parse("Note: this is Odoo's own text"), None);
    }
}
