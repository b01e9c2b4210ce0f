//! One line for each thing, so that a failing seed can be read.

use millrace_shared::codec::frame::Frame;
use millrace_shared::link::wire::{self, Control, Receipt, Tide, Tidings};
use millrace_shared::link::{Channel, ReceiverAction, SenderAction, Ticket};

/// What a sending machine asks for.
pub fn action(action: &SenderAction) -> String {
    match action {
        SenderAction::Publish(channel, payload) => format!("publishes {}", published(*channel, payload)),
        SenderAction::Learn(ticket, news) => {
            let first: Vec<String> = news.iter().take(6).map(|news| format!("{news:?}")).collect();
            format!("learns {ticket:?} {} news: {}", news.len(), first.join("; "))
        }
        other => format!("asks {other:?}"),
    }
}

/// What a receiving machine asks for.
pub fn reaction(action: &ReceiverAction) -> String {
    match action {
        ReceiverAction::Publish(_, payload) => format!("publishes {}", receipt(payload)),
        ReceiverAction::Take(ticket, arrivals) => {
            let frames = arrivals.iter().map(|arrival| {
                let last = arrival.first + arrival.rows.len() as u64 - 1;
                format!("{}:{}:{}-{last}", arrival.epoch, arrival.lane, arrival.first)
            });
            format!("takes {ticket:?} {}", frames.collect::<Vec<_>>().join(" "))
        }
        other => format!("asks {other:?}"),
    }
}

/// The ticket of a sending machine's question.
pub fn ticket(action: &SenderAction) -> Option<Ticket> {
    match action {
        SenderAction::Read(ticket, _)
        | SenderAction::Running(ticket, ..)
        | SenderAction::Learn(ticket, _)
        | SenderAction::Cut { ticket, .. } => Some(*ticket),
        _ => None,
    }
}

/// The ticket of a receiving machine's question.
pub fn question(action: &ReceiverAction) -> Option<Ticket> {
    match action {
        ReceiverAction::Floors(ticket, ..)
        | ReceiverAction::Take(ticket, _)
        | ReceiverAction::Declare(ticket, _)
        | ReceiverAction::News(ticket, ..) => Some(*ticket),
        _ => None,
    }
}

/// A receipt.
pub fn receipt(payload: &[u8]) -> String {
    let Ok(Receipt { origin, tidings }) = wire::decode(payload) else {
        return "something unreadable".to_owned();
    };
    let from = format!("mark {:04x} term {}", origin.mark & 0xffff, origin.term);
    let what = match tidings {
        Tidings::Welcome(welcome) => format!(
            "welcome to {:?}: {}",
            welcome.answers.number,
            tides(&welcome.tides)
        ),
        Tidings::Stored { taken, tides: now } => {
            let taken = taken.iter().map(|taken| {
                let (first, last) = (taken.first, taken.last.sequence);
                format!(
                    "{}:{}:{first}-{last} conflicts {:?}",
                    taken.epoch, taken.lane, taken.conflicts
                )
            });
            format!("stored {}; {}", taken.collect::<Vec<_>>().join(" "), tides(&now))
        }
        Tidings::News(news) => {
            let notes = news
                .notes
                .iter()
                .map(|note| format!("{} {:?}", note.stamp, note.told));
            format!(
                "news {}..{}: {}",
                news.after,
                news.upto,
                notes.collect::<Vec<_>>().join("; ")
            )
        }
        other => format!("{other:?}"),
    };
    format!("[{from}] {what}")
}

fn tides(tides: &[Tide]) -> String {
    let line = |tide: &Tide| {
        let Tide {
            epoch, lane, floor, ..
        } = tide;
        format!(
            "{epoch}:{lane} floor {} {:?} held {:?}",
            floor.sequence, floor.running, tide.held
        )
    };
    let told = tides
        .iter()
        .filter(|tide| tide.floor.sequence > 0 || !tide.held.is_empty());
    told.map(line).collect::<Vec<_>>().join(", ")
}

fn published(channel: Channel, payload: &[u8]) -> String {
    if let Channel::Frames(_) = channel {
        return Frame::decode(payload).map_or_else(
            |error| error.to_string(),
            |frame| {
                let last = frame.first + frame.rows.len() as u64 - 1;
                format!("frame {}:{}:{}-{last}", frame.epoch, frame.lane, frame.first)
            },
        );
    }
    match wire::decode(payload) {
        Ok(Control::Hello(hello)) => {
            let heads = hello.epochs.iter().flat_map(|head| {
                let epoch = head.epoch;
                head.lanes.iter().map(move |lane| {
                    format!(
                        "{epoch}:{} 1-{} settled {}",
                        lane.lane, lane.last.sequence, lane.settled
                    )
                })
            });
            format!(
                "hello {} ({})",
                hello.id.number,
                heads.collect::<Vec<_>>().join(", ")
            )
        }
        Ok(other) => format!("{other:?}"),
        Err(error) => error.to_string(),
    }
}
