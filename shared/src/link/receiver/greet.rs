//! A hello is answered with how the lanes stand, read after everything that was committed before.

use std::collections::BTreeMap;

use crate::envelope::Moment;
use crate::ident::{Epoch, Lane};
use crate::link::Ticket;
use crate::link::wire::{Hello, HelloId, LaneHead, Mark, Tidings, Versions, Welcome};
use crate::store::inbox::{Floor, Lineage};

use super::Receiver;
use super::port::{ReceiverAction, ReceiverNotice, Standing};

/// The hello that waits for its answer.
#[derive(Debug, Default)]
pub struct Greeting {
    waiting: Option<(Ticket, Hello, (u16, u16))>,
    last: Option<HelloId>,
}

impl Receiver {
    pub(super) fn on_hello(&mut self, hello: Hello, now: Moment) {
        if hello.agent != self.config.agent {
            return self.notice(ReceiverNotice::Impostor(hello.agent.to_string()));
        }
        let overtaken = |last: HelloId| last.session == hello.id.session && last.number > hello.id.number;
        if self.greeting.last.is_some_and(overtaken) {
            return;
        }
        let Some(common) = Versions::OURS.common(&hello.versions) else {
            self.notice(ReceiverNotice::Incompatible(hello.versions));
            return self.say(Tidings::Incompatible(Versions::OURS));
        };
        if let Some(known) = hello.known.filter(|known| known.term > self.config.origin.term) {
            return self.notice(ReceiverNotice::Outranked(known.term));
        }
        self.greeting.last = Some(hello.id);
        if let Some(estimate) = self.clock.hear(hello.clock, hello.round_trip_ms, now) {
            self.act(ReceiverAction::Clock(estimate));
        }
        let lineages = hello.epochs.iter().map(|head| Lineage {
            epoch: head.epoch,
            predecessor: head.predecessor,
            heads: reach(head.epoch, &head.lanes),
        });
        let lineages = lineages.collect();
        let settled = settled(&hello);
        let ticket = self.ticket();
        let acknowledged = settled.iter().map(|((epoch, lane), upto)| (*epoch, *lane, *upto));
        self.act(ReceiverAction::Floors(ticket, lineages, acknowledged.collect()));
        self.greeting.waiting = Some((ticket, hello, common));
    }

    pub(super) fn on_floors(&mut self, ticket: Ticket, standing: Standing, now: Moment) {
        let asked = |waiting: &mut (Ticket, Hello, (u16, u16))| waiting.0 == ticket;
        let Some((_, hello, (wire, schema))) = self.greeting.waiting.take_if(asked) else {
            return self.tides.update(standing);
        };
        let named: Vec<(Epoch, Lane)> = heads(&hello).map(|(epoch, head)| (epoch, head.lane)).collect();
        self.tides.open(&named, standing);
        self.compare(&hello);
        let ours = hello
            .known
            .filter(|known| known.same_opening(&self.config.origin));
        let heard = if ours.is_some() { hello.heard } else { 0 };
        if !self.teller.greet(hello.id, heard, settled(&hello)) {
            self.told_when_heard = None;
            self.tides.all_told(BTreeMap::new());
        }
        let tides = self.tides.tell(named);
        self.say(Tidings::Welcome(Box::new(Welcome {
            answers: hello.id,
            wire,
            schema,
            clock: now,
            tides,
        })));
    }

    /// Says aloud where the peer's log is not the one that is kept here. It is the sender that acts on it.
    fn compare(&mut self, hello: &Hello) {
        let mut diverged = Vec::new();
        for (epoch, head) in heads(hello) {
            let Some(floors) = self.tides.floors(epoch, head.lane) else {
                continue;
            };
            let floor = floors.stored;
            let differs = |mark: &Mark| mark.sequence == floor.sequence && mark.running != floor.running;
            let behind = head.last.sequence < floor.sequence;
            if behind || differs(&head.last) || head.stored.as_ref().is_some_and(differs) {
                diverged.push((epoch, head.lane));
            }
        }
        for (epoch, lane) in diverged {
            self.notice_diverged(epoch, lane);
        }
    }
}

fn heads(hello: &Hello) -> impl Iterator<Item = (Epoch, &LaneHead)> {
    hello
        .epochs
        .iter()
        .flat_map(move |head| head.lanes.iter().map(move |lane| (head.epoch, lane)))
}

/// How far each lane reaches, where the hello says so.
fn reach(epoch: Epoch, lanes: &[LaneHead]) -> Option<[Floor; 3]> {
    let mut reach = Lane::ALL.map(|lane| Floor::origin(epoch, lane));
    for head in lanes {
        let Mark { sequence, running } = head.last;
        reach[usize::from(head.lane.number())] = Floor { sequence, running };
    }
    (!lanes.is_empty()).then_some(reach)
}

fn settled(hello: &Hello) -> BTreeMap<(Epoch, Lane), u64> {
    heads(hello)
        .map(|(epoch, head)| ((epoch, head.lane), head.settled))
        .collect()
}
