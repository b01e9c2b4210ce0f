//! Options that say which messages are meant.

use clap::Args;
use millrace_shared::clock::wall_ms;
use millrace_shared::ident::{AgentId, Lane, MessageId};
use millrace_shared::message::{Key, Kind};
use millrace_shared::store::inbox::{self, StateName};

use crate::control::{MESSAGES, Which};
use crate::govern::StandingHold;

/// Which messages. All that is given must fit.
#[derive(Debug, Args, Default)]
pub struct Filter {
    /// Only of this plant.
    #[arg(long)]
    plant: Option<AgentId>,
    /// Only captured at this station.
    #[arg(long)]
    station: Option<String>,
    /// Only of this kind, such as `inventory.count`.
    #[arg(long)]
    kind: Option<Kind>,
    /// Only for this production or purchase order, as it was scanned.
    #[arg(long)]
    order: Option<String>,
    /// Only captured at or after this time, such as 2026-03-01T06:00:00+01:00, or so long ago, such as 90m, 8h or 3d.
    #[arg(long, value_name = "TIME", value_parser = wall_ms)]
    since: Option<i64>,
    /// Only captured before this time.
    #[arg(long, value_name = "TIME", value_parser = wall_ms)]
    until: Option<i64>,
}

/// More that tells messages apart.
#[derive(Debug, Args, Default)]
pub struct Narrow {
    #[command(flatten)]
    filter: Filter,
    /// Only by this operator.
    #[arg(long)]
    operator: Option<String>,
    /// Only on this lane: critical, normal or bulk.
    #[arg(long)]
    lane: Option<Lane>,
    /// Only with this code as their reason, such as `lot-missing`.
    #[arg(long)]
    code: Option<String>,
}

/// Messages that an order is about: named, or all that match.
#[derive(Debug, Args)]
pub struct Chosen {
    /// This message; may be given several times.
    #[arg(long = "id", value_name = "ID")]
    ids: Vec<MessageId>,
    /// Every one of them, where nothing else is given.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    narrow: Narrow,
    /// At most this many.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=MESSAGES as i64))]
    limit: u32,
}

impl Filter {
    fn keys(&self) -> Vec<Key> {
        let order = self.order.as_ref();
        order.map_or_else(Vec::new, |order| {
            ["order", "purchase"]
                .map(|of| Key::from_text(format!("{of}:{order}")))
                .into()
        })
    }

    /// A hold on all that match, now and later.
    pub fn hold(self, older_than_minutes: Option<u64>, reason: String) -> StandingHold {
        StandingHold {
            keys: self.keys(),
            plant: self.plant,
            station: self.station,
            kind: self.kind.map(|kind| kind.name().to_owned()),
            captured_from_ms: self.since,
            captured_before_ms: self.until,
            older_than_minutes,
            reason,
            by: String::new(),
        }
    }
}

impl Narrow {
    /// As the inbox knows it.
    pub fn within(self, states: &[StateName]) -> inbox::Filter {
        let filter = self.filter;
        inbox::Filter {
            keys: filter.keys(),
            agents: filter.plant.into_iter().collect(),
            lanes: self.lane.into_iter().collect(),
            kinds: filter.kind.iter().map(|kind| kind.name().to_owned()).collect(),
            states: states.to_vec(),
            stations: filter.station.into_iter().collect(),
            operators: self.operator.into_iter().collect(),
            reasons: self.code.into_iter().collect(),
            captured_from_ms: filter.since,
            captured_before_ms: filter.until,
            ..inbox::Filter::default()
        }
    }
}

impl Chosen {
    /// Those of them in these states; an error where nothing says which.
    pub fn which(self, states: &[StateName]) -> Result<Which, String> {
        let (named, all) = (!self.ids.is_empty(), self.all);
        let filter = self.narrow.within(states);
        let any = inbox::Filter {
            states: states.to_vec(),
            ..inbox::Filter::default()
        };
        match (named, filter == any) {
            (true, false) => Err("either name messages by --id, or narrow them by a filter".into()),
            (false, true) if !all => {
                Err("say which: --id, a filter such as --plant or --code, or --all for every one".into())
            }
            _ => Ok(Which {
                ids: self.ids,
                filter,
                limit: self.limit as usize,
            }),
        }
    }
}

/// A field and its new value.
pub fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, value)) if !field.is_empty() => Ok((field.to_owned(), value.to_owned())),
        _ => Err("write it as FIELD=VALUE, such as lot=L42".to_owned()),
    }
}
