//! Rows become frames, gaps are declared, and both are sent again until they are answered.

use crate::codec::frame::Frame;
use crate::envelope::Row;
use crate::ident::{Epoch, Lane};
use crate::link::wire::{self, Control, Gone, Mark};
use crate::link::{Channel, Ticket, pace};
use crate::outcome::Reason;
use crate::store::GapKind;
use crate::store::spool::Gap;

use super::flight::{Cargo, Flight};
use super::lane::Flow;
use super::{Batch, Sender, SenderAction, SenderNotice};

impl Sender {
    pub(super) fn on_rows(&mut self, ticket: Ticket, batch: Batch, now_ms: u64) {
        let asked = |flow: &&mut Flow| flow.reading.is_some_and(|(asked, _, _)| asked == ticket);
        let Some(flow) = self.flows.values_mut().find(asked) else {
            return;
        };
        let Some((_, first, last)) = flow.reading.take() else {
            return;
        };
        let key = flow.key();
        flow.release(first, last);
        if batch.upto < first {
            flow.blocked_until_ms = now_ms + pace::STORE_RETRY_MS;
            return;
        }
        for piece in pieces(batch, flow.confirmed.sequence) {
            let Some(flow) = self.flows.get(&key) else { return };
            if flow.flights.len() >= pace::LANE_FLIGHTS {
                return;
            }
            match piece {
                Piece::Rows(rows) => self.send_rows(key, &rows, now_ms),
                Piece::Gap(gap) => self.send_gone(key, &gap, now_ms),
            }
        }
    }

    fn send_rows(&mut self, key: (Epoch, Lane), rows: &[Row], now_ms: u64) {
        let (Some(head), Some(tail)) = (rows.first(), rows.last()) else {
            return;
        };
        let (first, last) = (head.position.sequence, tail.position.sequence);
        let frame = Frame {
            epoch: key.0,
            lane: key.1,
            first,
            before: head.before,
            rows: rows.iter().map(|row| row.bytes.clone()).collect(),
        };
        let payload = match frame.encode() {
            Ok(payload) => payload,
            Err(error) => return self.does_not_fit(key, first, last, &error.to_string(), now_ms),
        };
        let flight = Flight {
            first,
            last: Mark {
                sequence: last,
                running: tail.running(),
            },
            cargo: Cargo::Rows(rows.iter().map(|row| row.digest.short()).collect()),
            channel: Channel::Frames(key.1),
            payload,
            bytes: rows.iter().map(|row| row.bytes.len()).sum(),
            sent_ms: now_ms,
            tries: 0,
            due_ms: now_ms + self.window.patience_ms(0),
        };
        self.launch(key, flight);
    }

    /// A frame that breaks a bound although its rows do not: in halves they fit.
    fn does_not_fit(&mut self, key: (Epoch, Lane), first: u64, last: u64, error: &str, now_ms: u64) {
        let Some(flow) = self.flows.get_mut(&key) else {
            return;
        };
        flow.occupy(first, last);
        if first < last {
            let middle = first + (last - first) / 2;
            flow.alone.extend([(first, middle), (middle + 1, last)]);
            return;
        }
        flow.stuck.insert(first, now_ms + pace::STUCK_MS);
        self.notice(SenderNotice::Stuck {
            epoch: key.0,
            lane: key.1,
            sequence: first,
            reason: Reason::new("unsendable", error),
        });
    }

    fn send_gone(&mut self, (epoch, lane): (Epoch, Lane), gap: &Gap, now_ms: u64) {
        let last = Mark {
            sequence: gap.last,
            running: gap.running,
        };
        let gone = Gone {
            epoch,
            lane,
            first: gap.first,
            before: gap.before,
            last,
            kind: gap.kind,
        };
        let payload = match wire::encode(&Control::Gone(gone)) {
            Ok(payload) => payload,
            Err(error) => return self.notice(SenderNotice::Unreadable(error.to_string())),
        };
        if gap.kind == GapKind::Lost {
            let (first, last) = (gap.first, gap.last);
            self.notice(SenderNotice::Lost {
                epoch,
                lane,
                first,
                last,
            });
        }
        let flight = Flight {
            first: gap.first,
            last,
            cargo: Cargo::Gone,
            channel: Channel::Control,
            bytes: payload.len(),
            payload,
            sent_ms: now_ms,
            tries: 0,
            due_ms: now_ms + self.window.patience_ms(0),
        };
        self.launch((epoch, lane), flight);
    }

    fn launch(&mut self, key: (Epoch, Lane), flight: Flight) {
        let Some(flow) = self.flows.get_mut(&key) else {
            return;
        };
        flow.occupy(flight.first, flight.last.sequence);
        let (channel, payload) = (flight.channel, flight.payload.clone());
        flow.flights.insert(flight.first, flight);
        self.act(SenderAction::Publish(channel, payload));
    }

    /// Sends again what was not answered in time, but no more at once than the window holds.
    pub(super) fn resend_due(&mut self, now_ms: u64) {
        if !self.connected {
            return;
        }
        let mut budget = None;
        for flow in self.flows.values_mut() {
            for flight in flow.flights.values_mut().filter(|flight| flight.due_ms <= now_ms) {
                let left = *budget.get_or_insert_with(|| {
                    self.window.lost(now_ms);
                    self.window.bytes()
                });
                flight.due_ms = now_ms + self.window.patience_ms(flight.tries);
                if left == 0 {
                    continue;
                }
                budget = Some(left.saturating_sub(flight.bytes));
                flight.tries += 1;
                flight.sent_ms = now_ms;
                let again = SenderAction::Publish(flight.channel, flight.payload.clone());
                self.actions.push_back(again);
            }
        }
    }
}

/// What is sent as one.
enum Piece {
    Rows(Vec<Row>),
    Gap(Gap),
}

/// Contiguous rows and the gaps between them, in order, without what is confirmed meanwhile.
fn pieces(batch: Batch, confirmed: u64) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut gaps = batch
        .gaps
        .into_iter()
        .filter(|gap| gap.last > confirmed)
        .peekable();
    let rows = batch.rows.into_iter();
    for row in rows.filter(|row| row.position.sequence > confirmed) {
        while let Some(gap) = gaps.next_if(|gap| gap.first < row.position.sequence) {
            pieces.push(Piece::Gap(gap));
        }
        match pieces.last_mut() {
            Some(Piece::Rows(rows)) if rows.last().is_some_and(|last| follows(last, &row)) => rows.push(row),
            _ => pieces.push(Piece::Rows(vec![row])),
        }
    }
    pieces.extend(gaps.map(Piece::Gap));
    pieces
}

fn follows(last: &Row, row: &Row) -> bool {
    last.position.sequence + 1 == row.position.sequence && last.running() == row.before
}
