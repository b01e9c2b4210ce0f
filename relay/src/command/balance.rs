//! `balance`: nothing hidden. At a cut, accepted = settled + dead + held + waiting + not here; and what is not here is
//! still kept at the plant.

use std::path::PathBuf;

use millrace_shared::exit::Exit;
use millrace_shared::ident::{AgentId, Epoch, Lane};
use millrace_shared::print::{Listed, Style, listing, say};
use millrace_shared::store::StoreError;
use millrace_shared::store::inbox::InboxView;
use millrace_shared::store::spool::{Head, SpoolReader};
use millrace_shared::store::sqlite::inbox::SqliteInboxReader;
use millrace_shared::store::sqlite::spool::SqliteSpoolReader;
use serde::Serialize;

use super::{CommandError, open_store};
use crate::config::Config;

/// Prints the balance of each lane and epoch. [`Exit::Wrong`] where something is neither here nor kept at the plant.
pub fn balance(
    config: &Config,
    style: Style,
    plant: Option<&AgentId>,
    spools: &[PathBuf],
) -> Result<Exit, CommandError> {
    let reader = open_store(config)?;
    let mut heads: Vec<(AgentId, Head)> = Vec::new();
    for file in spools {
        let spool = SqliteSpoolReader::open(file)?;
        let agent = spool.agent().clone();
        heads.extend(spool.heads()?.into_iter().map(|head| (agent.clone(), head)));
    }
    let mut rows = Vec::new();
    for agent in reader
        .agents()?
        .into_iter()
        .filter(|agent| plant.is_none_or(|plant| plant == agent))
    {
        for floors in reader.floors(&agent)? {
            let at = (floors.epoch, floors.lane);
            if !heads
                .iter()
                .any(|(of, head)| *of == agent && (head.epoch, head.lane) == at)
            {
                let top = floors
                    .ranges
                    .last()
                    .map_or(floors.stored.sequence, |(_, last)| *last);
                rows.push(Row::of(&reader, &agent, at, top, None)?);
            }
        }
    }
    for (agent, head) in heads
        .iter()
        .filter(|(agent, _)| plant.is_none_or(|plant| plant == agent))
    {
        let cut = head.next.saturating_sub(1);
        rows.push(Row::of(&reader, agent, (head.epoch, head.lane), cut, Some(head))?);
    }
    say(&listing(style, &rows, "nothing has arrived yet"))?;
    let wrong = rows.iter().any(|row| row.lost > 0);
    Ok(if wrong { Exit::Wrong } else { Exit::Done })
}

#[derive(Debug, Serialize)]
struct Row {
    plant: String,
    lane: &'static str,
    epoch: String,
    /// Up to which sequence.
    accepted: u64,
    settled: u64,
    dead: u64,
    held: u64,
    waiting: u64,
    sent: u64,
    not_here: u64,
    /// Neither here nor kept at the plant.
    lost: u64,
    /// Whether the plant's spool was looked at.
    proven: bool,
}

impl Row {
    fn of(
        reader: &SqliteInboxReader,
        agent: &AgentId,
        (epoch, lane): (Epoch, Lane),
        cut: u64,
        head: Option<&Head>,
    ) -> Result<Self, StoreError> {
        let balance = reader.balance(agent, epoch, lane, cut)?;
        // Rows before the first that the plant keeps were settled or stored here; if one is not here, it is nowhere.
        let lost = match head {
            Some(head) => {
                reader
                    .balance(agent, epoch, lane, head.first.saturating_sub(1))?
                    .missing
            }
            None => 0,
        };
        Ok(Self {
            plant: agent.to_string(),
            lane: lane.name(),
            epoch: epoch.to_string(),
            accepted: cut,
            settled: balance.settled,
            dead: balance.dead,
            held: balance.held,
            waiting: balance.waiting,
            sent: balance.sent + balance.voiding,
            not_here: balance.missing,
            lost,
            proven: head.is_some(),
        })
    }
}

impl Listed for Row {
    const TITLES: &'static [&'static str] = &[
        "PLANT", "LANE", "EPOCH", "ACCEPTED", "SETTLED", "DEAD", "HELD", "WAITING", "SENT", "NOT HERE",
        "RESULT",
    ];

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.plant.clone(), self.lane.to_owned(), self.epoch.clone()];
        let counts = [
            self.accepted,
            self.settled,
            self.dead,
            self.held,
            self.waiting,
            self.sent,
            self.not_here,
        ];
        cells.extend(counts.iter().map(u64::to_string));
        cells.push(match (self.proven, self.lost) {
            (true, 0) => "balanced".to_owned(),
            (true, lost) => format!("{lost} LOST"),
            (false, _) => "this half only: give the plant's --spool".to_owned(),
        });
        cells
    }
}
