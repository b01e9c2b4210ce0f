//! Which ready messages are worked on next: a fair share for every plant, every lane, old work and new.
//!
//! Pure over whatever lists the ready messages. It knows nothing of what the messages say.

use std::collections::BTreeMap;

use millrace_shared::ident::{AgentId, Lane};
use millrace_shared::store::inbox::{Item, ReadyFrom, Slot};

/// What a lane's end is sure to get of a batch, in hundredths. What one does not need goes to the others, the first
/// first. Live work is the newest, so that a scan made now does not wait for the backlog of an outage.
const SHARES: [(Lane, End, usize); 6] = [
    (Lane::Critical, End::Oldest, 40),
    (Lane::Critical, End::Newest, 10),
    (Lane::Normal, End::Oldest, 25),
    (Lane::Normal, End::Newest, 15),
    (Lane::Bulk, End::Oldest, 8),
    (Lane::Bulk, End::Newest, 2),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Oldest,
    Newest,
}

impl End {
    fn start(self) -> ReadyFrom {
        match self {
            End::Oldest => ReadyFrom::Oldest(None),
            End::Newest => ReadyFrom::Newest(None),
        }
    }
}

/// At most `batch` ready messages of these agents, each agent's in its order of capture. `ready` lists what waits at
/// one end of an agent's lane, at most so many.
pub fn choose<E>(
    agents: &[AgentId],
    batch: usize,
    mut ready: impl FnMut(&AgentId, Lane, ReadyFrom, usize) -> Result<Vec<Item>, E>,
) -> Result<Vec<Item>, E> {
    let mut chosen: BTreeMap<(usize, i64, Slot), Item> = BTreeMap::new();
    let each = (batch / agents.len().max(1)).max(1);
    // First what each is sure of, then, as long as there is room, whatever is left, the most urgent first.
    for guaranteed in [true, false] {
        for (lane, end, share) in SHARES {
            for (turn, agent) in agents.iter().enumerate() {
                let room = batch.saturating_sub(chosen.len());
                let wanted = if guaranteed {
                    (each * share).div_ceil(100).min(room)
                } else {
                    room
                };
                if wanted == 0 {
                    continue;
                }
                let most = if guaranteed { wanted } else { batch };
                let fresh = ready(agent, lane, end.start(), most)?.into_iter();
                let keyed = fresh.map(|item| ((turn, item.entry.place, item.entry.ticket.slot), item));
                let new: Vec<_> = keyed
                    .filter(|(key, _)| !chosen.contains_key(key))
                    .take(wanted)
                    .collect();
                chosen.extend(new);
            }
        }
    }
    Ok(chosen.into_values().collect())
}
