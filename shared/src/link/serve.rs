//! Answers the machines' questions from their stores: the part that every driver would otherwise write again.
//!
//! It changes a store only as asked, one action at a time. A transient failure becomes `Failed`, and the machine asks
//! again; any other is returned and must stop the driver.

use crate::envelope::{Moment, Row};
use crate::ident::{AgentId, Epoch, Lane};
use crate::store::StoreError;
use crate::store::inbox::Inbox;
use crate::store::spool::{Gap, Spool, SpoolReader};

use super::receiver::{ReceiverAction, ReceiverEvent, Standing};
use super::sender::{Batch, Read, SenderAction, SenderEvent};

/// Does what a sender asks of its spool. None for what is not the spool's: `Publish`, `Reconnect` and `Notice`, and where
/// there is nothing to answer. `fresh` gives a random epoch.
pub fn spool(
    spool: &mut impl Spool,
    action: &SenderAction,
    fresh: impl FnOnce() -> Epoch,
    now: Moment,
) -> Result<Option<SenderEvent>, StoreError> {
    let (ticket, answer) = match action {
        SenderAction::Read(ticket, read) => (
            *ticket,
            read_or_give_up(spool, read).map(|batch| SenderEvent::Rows(*ticket, batch)),
        ),
        SenderAction::Running(ticket, epoch, lane, sequence) => (
            *ticket,
            spool
                .running(*epoch, *lane, *sequence)
                .map(|running| SenderEvent::Running(*ticket, running)),
        ),
        SenderAction::Heads => {
            return match spool.heads() {
                Ok(heads) => Ok(Some(SenderEvent::Heads(heads))),
                Err(error) if error.is_transient() => Ok(None),
                Err(error) => Err(error),
            };
        }
        SenderAction::Learn(ticket, news) => (
            *ticket,
            spool
                .learn(news, now)
                .and_then(|()| spool.heads())
                .map(|heads| SenderEvent::Committed(*ticket, heads)),
        ),
        SenderAction::Cut {
            ticket,
            fresh: true,
            moved,
        } => (
            *ticket,
            spool
                .cut(fresh(), moved, now)
                .and_then(|()| spool.heads())
                .map(|heads| SenderEvent::Committed(*ticket, heads)),
        ),
        SenderAction::Cut { ticket, moved, .. } => (
            *ticket,
            spool
                .heads()
                .and_then(|heads| {
                    let current = heads.last().map(|head| head.epoch);
                    let current =
                        current.ok_or_else(|| StoreError::Misuse("a spool without epochs".into()))?;
                    spool.cut(current, moved, now)
                })
                .and_then(|()| spool.heads())
                .map(|heads| SenderEvent::Committed(*ticket, heads)),
        ),
        SenderAction::Publish(..) | SenderAction::Reconnect(_) | SenderAction::Notice(_) => return Ok(None),
    };
    or_failed(answer, SenderEvent::Failed(ticket))
}

/// A damaged row is noted as lost before it is stepped over: its gap is declared and alarmed like any other.
fn read_or_give_up(spool: &mut impl Spool, read: &Read) -> Result<Batch, StoreError> {
    match batch(spool, read) {
        Err(StoreError::DamagedRow { position, .. }) => {
            spool.give_up(position)?;
            batch(spool, read)
        }
        answer => answer,
    }
}

/// Rows and gaps of a range. Open to readers that are no writing spool: a driver may read on another connection.
pub fn batch(spool: &impl SpoolReader, read: &Read) -> Result<Batch, StoreError> {
    let Read {
        epoch,
        lane,
        from,
        upto,
        ..
    } = *read;
    let mut rows = spool.rows(epoch, lane, from, read.count, read.bytes)?;
    let mut gaps = spool.gaps(epoch, lane, from, upto, read.count)?;
    let covered = covered(from, &rows, &gaps);
    rows.retain(|row| row.position.sequence <= upto.min(covered));
    gaps.retain(|gap| gap.first <= upto.min(covered));
    let last_row = rows.last().map_or(0, |row| row.position.sequence);
    let last_gap = gaps.last().map_or(0, |gap| gap.last);
    Ok(Batch {
        upto: last_row.max(last_gap),
        rows,
        gaps,
    })
}

/// The last position that rows and gaps reach from `from` on without leaving one out.
fn covered(from: u64, rows: &[Row], gaps: &[Gap]) -> u64 {
    let mut next = from;
    let mut rows = rows.iter().map(|row| row.position.sequence).peekable();
    let mut gaps = gaps.iter().peekable();
    loop {
        if rows.next_if(|sequence| *sequence == next).is_some() {
            next += 1;
        } else if let Some(gap) = gaps.next_if(|gap| gap.first <= next && gap.last >= next) {
            next = gap.last + 1;
        } else {
            return next - 1;
        }
    }
}

/// Does what a receiver asks of its inbox, on behalf of this peer. None for what is not the inbox's.
pub fn inbox(
    inbox: &mut impl Inbox,
    agent: &AgentId,
    action: &ReceiverAction,
    now: Moment,
) -> Result<Option<ReceiverEvent>, StoreError> {
    let (ticket, answer) = match action {
        ReceiverAction::Floors(ticket, lineages, settled) => (
            *ticket,
            inbox
                .announce(agent, lineages, now.wall_ms)
                .and_then(|()| {
                    settled
                        .iter()
                        .try_for_each(|(epoch, lane, upto)| inbox.acknowledge(agent, *epoch, *lane, *upto))
                })
                .and_then(|()| standing(inbox, agent))
                .map(|standing| ReceiverEvent::Floors(*ticket, standing)),
        ),
        ReceiverAction::Take(ticket, arrivals) => (
            *ticket,
            inbox.take(arrivals).and_then(|taken| {
                standing(inbox, agent).map(|standing| ReceiverEvent::Taken(*ticket, taken, standing))
            }),
        ),
        ReceiverAction::Declare(ticket, gaps) => (
            *ticket,
            inbox
                .declare(agent, gaps, now.wall_ms)
                .and_then(|()| standing(inbox, agent))
                .map(|standing| ReceiverEvent::Declared(*ticket, standing)),
        ),
        ReceiverAction::News(ticket, after, max) => (
            *ticket,
            inbox
                .news(agent, *after, *max)
                .map(|news| ReceiverEvent::News(*ticket, news)),
        ),
        ReceiverAction::Publish(..) | ReceiverAction::Clock(_) | ReceiverAction::Notice(_) => {
            return Ok(None);
        }
    };
    or_failed(answer, ReceiverEvent::Failed(ticket))
}

fn standing(inbox: &impl Inbox, agent: &AgentId) -> Result<Standing, StoreError> {
    let mut room = [0; 3];
    for lane in Lane::ALL {
        room[usize::from(lane.number())] = inbox.room(agent, lane)?;
    }
    Ok(Standing {
        floors: inbox.floors(agent)?,
        room,
    })
}

fn or_failed<E>(answer: Result<E, StoreError>, failed: E) -> Result<Option<E>, StoreError> {
    match answer {
        Ok(event) => Ok(Some(event)),
        Err(error) if error.is_transient() => {
            tracing::warn!(%error, "what the link asked of the store failed; it is tried again");
            Ok(Some(failed))
        }
        Err(error) => Err(error),
    }
}
