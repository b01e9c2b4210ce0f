//! News walk back to the sender, in the order of their change numbers, and are repeated until they are heard.

use std::collections::{BTreeMap, VecDeque};

use crate::ident::{Epoch, Lane};
use crate::link::pace;
use crate::link::wire::{Heard, HelloId, News, Note, Told};
use crate::store::inbox;

/// How far the telling came. Numbers are change numbers of this opening.
#[derive(Debug, Default)]
pub struct Teller {
    session: Option<u64>,
    /// Up to here the sender has committed.
    heard: u64,
    /// Up to here it was read from the store.
    read: u64,
    /// Up to here it was said; the next page continues here.
    said: u64,
    /// The last numbers of pages that were said and not heard.
    unheard: VecDeque<u64>,
    /// Whether the store may have more.
    more: bool,
    /// Below these the sender knows that everything is settled.
    settled: BTreeMap<(Epoch, Lane), u64>,
    again_ms: Option<u64>,
    pause_ms: u64,
}

impl Teller {
    /// A hello says up to where news of this opening are committed, and what is settled anyway. Returns whether the
    /// telling goes on where it was.
    pub fn greet(&mut self, id: HelloId, heard: u64, settled: BTreeMap<(Epoch, Lane), u64>) -> bool {
        self.settled = settled;
        let goes_on = self.session == Some(id.session) && heard >= self.heard && heard <= self.said;
        if goes_on {
            self.advance(heard);
        } else {
            self.session = Some(id.session);
            self.rewind(heard);
        }
        self.more = true;
        goes_on
    }

    /// Whether everything that was said is committed at the sender.
    pub fn is_all_heard(&self) -> bool {
        self.unheard.is_empty()
    }

    /// The sender committed news.
    pub fn hear(&mut self, heard: Heard) {
        if self.session == Some(heard.session) && heard.upto > self.heard && heard.upto <= self.said {
            self.advance(heard.upto);
        }
    }

    /// The store may have more.
    pub fn wake(&mut self) {
        self.more = true;
    }

    /// Where to read on, if it is time to.
    pub fn wants(&self) -> Option<u64> {
        let may = self.session.is_some() && self.more && self.unheard.len() < pace::NEWS_UNHEARD;
        may.then_some(self.read)
    }

    /// Pages of what the store had behind `after`; none where that was asked before the sender was greeted anew.
    pub fn page(&mut self, after: u64, notes: Vec<inbox::Note>, now_ms: u64) -> Option<Vec<News>> {
        if after != self.read {
            return None;
        }
        self.more = notes.len() >= pace::NEWS_COUNT;
        let mut pages = Vec::new();
        let (mut page, mut bytes) = (Vec::new(), 0);
        for note in notes {
            self.read = note.change;
            if self.is_known(&note) {
                continue;
            }
            let note_bytes = size(&note);
            if bytes + note_bytes > pace::NEWS_BYTES && !page.is_empty() {
                pages.push(self.close(std::mem::take(&mut page)));
                bytes = 0;
            }
            bytes += note_bytes;
            page.push(note);
        }
        if !page.is_empty() {
            pages.push(self.close(page));
        }
        if !pages.is_empty() && self.again_ms.is_none() {
            self.again_ms = Some(now_ms + self.pause_ms);
        }
        Some(pages)
    }

    /// When to say again what was not heard.
    pub fn timeout(&self) -> Option<u64> {
        self.again_ms
    }

    /// Goes back to what was heard, if it is time to.
    pub fn handle_timeout(&mut self, now_ms: u64) {
        if self.again_ms.is_some_and(|at| at <= now_ms) {
            let pause = (self.pause_ms * 2).min(pace::RESEND_MAX_MS);
            self.rewind(self.heard);
            self.pause_ms = pause;
            self.more = true;
        }
    }

    /// A change that says that everything up to it is settled needs no telling below the settled floor: the sender
    /// committed that it knows.
    fn is_known(&self, note: &inbox::Note) -> bool {
        let position = note.id.position;
        let floor = self.settled.get(&(position.epoch, position.lane));
        matches!(note.told, inbox::Told::Settled(_)) && floor.is_some_and(|floor| position.sequence <= *floor)
    }

    fn close(&mut self, notes: Vec<inbox::Note>) -> News {
        let after = self.said;
        let upto = notes.last().map_or(after, |note| note.change);
        self.said = upto;
        self.unheard.push_back(upto);
        News {
            session: self.session.unwrap_or(0),
            after,
            upto,
            notes: notes.into_iter().map(wire).collect(),
        }
    }

    fn advance(&mut self, heard: u64) {
        self.heard = heard;
        self.unheard.retain(|upto| *upto > heard);
        self.pause_ms = pace::NEWS_RESEND_MS;
        if self.unheard.is_empty() {
            self.again_ms = None;
        }
    }

    fn rewind(&mut self, heard: u64) {
        self.heard = heard;
        self.read = heard;
        self.said = heard;
        self.unheard.clear();
        self.again_ms = None;
        self.pause_ms = pace::NEWS_RESEND_MS;
    }
}

fn wire(note: inbox::Note) -> Note {
    let told = match note.told {
        inbox::Told::Dead(reason) => Told::Dead(reason),
        inbox::Told::Reopened => Told::Reopened,
        inbox::Told::Settled(outcome) => Told::Settled(outcome),
    };
    Note {
        stamp: note.id.stamp(),
        told,
    }
}

/// About how many bytes a note needs on the wire; never less.
fn size(note: &inbox::Note) -> usize {
    use crate::outcome::Outcome;
    const FIXED: usize = 160;
    let text = match &note.told {
        inbox::Told::Dead(reason) => reason.code.len() + reason.text.len(),
        inbox::Told::Settled(Outcome::Applied(record)) => record.model.len() + record.name.len(),
        inbox::Told::Settled(Outcome::Discarded { by, reason }) => by.len() + reason.len(),
        inbox::Told::Settled(_) | inbox::Told::Reopened => 0,
    };
    FIXED + text
}
