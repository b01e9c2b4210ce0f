//! Sections `[[station]]`: how a plant engineer writes a profile.

use std::sync::Arc;

use millrace_shared::config::Section;
use millrace_shared::message::Completion;

use crate::convert::barcode::Gs1Use;
use crate::station::{
    Badge, BadgeChange, Closes, Expired, Items, Makes, Meaning, Profile, Rule, Station, Vocabulary,
};

/// Most rules of one station.
const RULES: usize = 64;

/// Reads one `[[station]]`.
pub fn read(station: &mut Section<'_>) -> Option<Arc<Station>> {
    let name = station.text("name", "write the station's name, such as \"line-a\"");
    let makes = read_makes(station)?;
    let mut profile = Profile::new(makes);
    let closes = [("confirm", Closes::Confirm), ("quantity", Closes::Quantity)];
    profile.closes = station.choice("closes_by", &closes)?;
    let items = [("product", Items::Product), ("components", Items::Components)];
    profile.items = station.choice("items", &items)?;
    let badge = [
        ("optional", Badge::Optional),
        ("required", Badge::Required),
        ("unwanted", Badge::Unwanted),
    ];
    profile.badge = station.choice("badge", &badge)?;
    let change = [("refuse", BadgeChange::Refuse), ("cancel", BadgeChange::Cancel)];
    profile.badge_change = station.choice("badge_change", &change)?;
    profile.expired = station.choice(
        "expired_goods",
        &[("take", Expired::Take), ("refuse", Expired::Refuse)],
    )?;
    profile.keeps_place = station.flag("keeps_place", profile.keeps_place);
    profile.location = station.parsed("location", "write the location's code");
    profile.unit = station.parsed("unit", "write a unit, such as \"kg\"");
    if let Some(most) = station.parsed(
        "quantity_max",
        "write the largest quantity of one entry as text, such as \"500\"",
    ) {
        profile.quantity_max = most;
    }
    profile.entry_timeout = station.seconds("entry_timeout_seconds", 900, 5..=86_400);
    profile.badge_timeout = station.seconds("badge_timeout_seconds", 28_800, 5..=604_800);
    profile.undo_window = station.seconds("undo_window_seconds", 1800, 0..=604_800);
    profile.duplicate_window = station.milliseconds("duplicate_window_ms", 3000, 0..=600_000);
    profile.vocabulary = read_vocabulary(station);
    profile
        .problems()
        .into_iter()
        .for_each(|problem| station.problem(problem));
    Some(Arc::new(Station { name, profile }))
}

fn read_makes(station: &mut Section<'_>) -> Option<Makes> {
    let production = Makes::Production(Completion::Auto);
    let makes = [
        ("production", production),
        ("consumption", Makes::Consumption),
        ("count", Makes::Count),
    ];
    let makes = station.needed_choice("makes", &makes)?;
    let completion = [
        ("auto", Completion::Auto),
        ("partial", Completion::Partial),
        ("final", Completion::Final),
    ];
    match makes {
        Makes::Production(_) => station.choice("completion", &completion).map(Makes::Production),
        other => Some(other),
    }
}

fn read_vocabulary(station: &mut Section<'_>) -> Vocabulary {
    let mut vocabulary = Vocabulary {
        decimal_comma: station.flag("decimal_comma", false),
        ..Vocabulary::default()
    };
    let alias: Option<char> = station.parsed(
        "gs1_separator",
        "write the one character sent for the GS1 separator",
    );
    vocabulary.reading.separator_alias = alias;
    let without_identifier = [
        ("auto", Gs1Use::Auto),
        ("identified", Gs1Use::Identified),
        ("never", Gs1Use::Never),
    ];
    vocabulary.reading.gs1 = station.choice("gs1", &without_identifier).unwrap_or_default();
    if station.has("unmarked") {
        let unmarked = station.parsed::<Unmarked>(
            "unmarked",
            "write what a code without a prefix is, or \"refused\"",
        );
        vocabulary.unmarked = unmarked.and_then(|unmarked| unmarked.0);
    }
    let rules = station.sections("code", RULES, read_rule);
    if !rules.is_empty() {
        vocabulary.rules = rules;
    }
    vocabulary
}

/// What a plain code is that no rule fits.
struct Unmarked(Option<Meaning>);

impl std::str::FromStr for Unmarked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "refused" {
            Ok(Self(None))
        } else {
            text.parse().map(|meaning| Self(Some(meaning)))
        }
    }
}

/// Reads one `[[station.code]]`: how a code with a meaning looks.
fn read_rule(rule: &mut Section<'_>) -> Option<Rule> {
    let meaning: Option<Meaning> = rule.needed("means", "write what the code means, such as \"order\"");
    let exact: Option<String> = rule.parsed("exact", "write the code's whole text");
    let prefix: Option<String> = rule.parsed("prefix", "write how the code begins");
    let keep = rule.flag("keep_prefix", false);
    let pattern: Option<String> = rule.parsed("pattern", "write a regular expression for the whole code");
    let meaning = meaning?;
    match (exact, prefix, pattern) {
        (Some(exact), None, None) => Some(Rule::exact(&exact, meaning)),
        (None, Some(prefix), None) => Some(Rule::prefix(&prefix, keep, meaning)),
        (None, None, Some(pattern)) => match Rule::pattern(&pattern, meaning) {
            Ok(rule) => Some(rule),
            Err(error) => {
                rule.problem(format!("`pattern`: {error}"));
                None
            }
        },
        _ => {
            rule.problem("write exactly one of `exact`, `prefix` and `pattern`");
            None
        }
    }
}
