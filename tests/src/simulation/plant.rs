//! Where planted faults change what passes between a machine and its driver. The machines themselves stay as shipped.

use millrace_shared::ident::Stamp;
use millrace_shared::link::SenderAction;
use millrace_shared::link::wire::{self, Origin, Receipt, Tide, Tidings};
use millrace_shared::store::spool::{News, SpoolReader};

use super::bug::Bug;
use super::world::World;

impl World {
    /// A receipt as the agent's machine gets to hear it.
    pub fn plant_in_receipt(&mut self, agent: usize, payload: Vec<u8>) -> Vec<u8> {
        let Some(bug) = self.bug else { return payload };
        let Ok(mut receipt) = wire::decode::<Receipt>(&payload) else {
            return payload;
        };
        match bug {
            Bug::LowerTermAccepted => {
                receipt.origin.term = receipt.origin.term.max(self.agents[agent].term_heard);
            }
            Bug::FloorBelievedWithoutDigest => match &mut receipt.tidings {
                Tidings::Welcome(welcome) => {
                    welcome.tides.iter_mut().for_each(|tide| self.agree(agent, tide))
                }
                Tidings::Stored { tides, .. } => tides.iter_mut().for_each(|tide| self.agree(agent, tide)),
                _ => {}
            },
            Bug::OpeningIgnored => {
                let first = self.agents[agent]
                    .sender
                    .as_ref()
                    .and_then(|sender| sender.origin());
                if let Some(Origin { store, mark, .. }) = first {
                    receipt.origin = Origin {
                        store,
                        mark,
                        ..receipt.origin
                    };
                }
            }
            _ => return payload,
        }
        wire::encode(&receipt).unwrap_or(payload)
    }

    /// Makes a floor look as if it were ours.
    fn agree(&self, agent: usize, tide: &mut Tide) {
        let spool = &self.agents[agent].disk.spool;
        let heads = spool.heads().unwrap_or_default();
        let Some(head) = heads
            .iter()
            .find(|head| (head.epoch, head.lane) == (tide.epoch, tide.lane))
        else {
            return;
        };
        tide.floor.sequence = tide.floor.sequence.min(head.next - 1);
        tide.held.retain(|(_, last)| *last < head.next);
        if let Ok(Some(running)) = spool.running(tide.epoch, tide.lane, tide.floor.sequence) {
            tide.floor.running = running;
        }
    }

    /// A question of the agent's machine as its store gets to hear it.
    pub fn plant_in_question(&mut self, agent: usize, action: &mut SenderAction) {
        if self.bug != Some(Bug::SettledByPosition) {
            return;
        }
        let SenderAction::Learn(_, news) = action else {
            return;
        };
        for news in news {
            if let News::Settled { stamp, .. } = news {
                let Stamp { position, digest } = stamp;
                *digest = self.content_at(agent, *position).unwrap_or(*digest);
            }
        }
    }
}
