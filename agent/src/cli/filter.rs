//! Options that narrow a list of messages.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use millrace_shared::clock::wall_ms;
use millrace_shared::ident::Lane;
use millrace_shared::message::{Key, Kind};
use millrace_shared::store::sqlite::spool::{self, State};

/// Which messages.
#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Only this lane: critical, normal or bulk.
    #[arg(long)]
    lane: Option<Lane>,
    /// Only messages that touch this key, such as `order:WH/MO/00007`.
    #[arg(long)]
    key: Option<String>,
    /// Only this kind, such as `inventory.count`.
    #[arg(long)]
    kind: Option<Kind>,
    /// Only this state.
    #[arg(long, value_parser = PossibleValuesParser::new(["waiting", "stored", "dead", "settled"]).map(|word| state(&word)))]
    state: Option<State>,
    /// Only from this source.
    #[arg(long)]
    source: Option<String>,
}

/// When they were captured.
#[derive(Debug, Args)]
pub(super) struct Period {
    /// Only captured at or after this time, such as 2026-03-01T06:00:00+01:00, or so long ago, such as 90m, 8h or 3d.
    #[arg(long, value_name = "TIME", value_parser = wall_ms)]
    since: Option<i64>,
    /// Only captured before this time.
    #[arg(long, value_name = "TIME", value_parser = wall_ms)]
    until: Option<i64>,
}

impl Filter {
    /// As the store knows it.
    pub fn narrow(self) -> spool::Filter {
        spool::Filter {
            lane: self.lane,
            key: self.key.map(Key::from_text),
            kind: self.kind.map(|kind| kind.name().to_owned()),
            state: self.state,
            source: self.source,
            ..spool::Filter::default()
        }
    }
}

impl Period {
    /// The filter, narrowed to this period.
    pub fn within(self, filter: spool::Filter) -> spool::Filter {
        spool::Filter {
            since_ms: self.since,
            until_ms: self.until,
            ..filter
        }
    }
}

fn state(word: &str) -> State {
    match word {
        "waiting" => State::Waiting,
        "stored" => State::Stored,
        "dead" => State::Dead,
        _ => State::Settled,
    }
}
