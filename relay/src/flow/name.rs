//! Under which name the target knows a message: the one that it was given at capture.
//!
//! A move to another epoch changes where a message stands, and with that its id and its bytes. The target must not see
//! that: a copy that comes back from an old image, into a relay that lost its disk, is recognised by nobody else.

use millrace_shared::envelope::Envelope;
use millrace_shared::ident::{Digest, MessageId};
use millrace_shared::store::inbox::Item;

/// The message's name for ever, and the digest of its content as it was captured; none for what has no content.
pub(super) fn at_capture(item: &Item) -> Option<(MessageId, Digest)> {
    let id = item.entry.id.clone()?;
    Some(captured(id, item.envelope.as_ref(), &item.sealed))
}

/// The same from where it stands now.
fn captured(id: MessageId, envelope: Option<&Envelope>, sealed: &[u8]) -> (MessageId, Digest) {
    let moved = envelope.and_then(|envelope| Some((envelope.moved_from?, envelope)));
    let first = moved.and_then(|(origin, envelope)| {
        let unmoved = Envelope {
            moved_from: None,
            ..envelope.clone()
        };
        let digest = unmoved.seal().ok()?.digest;
        (digest.short() == origin.digest).then_some((origin.position, digest))
    });
    match first {
        Some((position, digest)) => (MessageId::new(id.agent, position, &digest), digest),
        None => (id, Digest::of(sealed)),
    }
}

#[cfg(test)]
mod tests {
    use millrace_shared::envelope::{Capture, Moment};
    use millrace_shared::ident::{Epoch, Lane, Position, Stamp};

    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            ordinal: 7,
            kind: "scrap.report".into(),
            schema: 1,
            reverses: None,
            keys: Vec::new(),
            body: "{}".into(),
            capture: Capture {
                source: "line-1".into(),
                station: None,
                operator: None,
                moment: Moment {
                    wall_ms: 1,
                    offset_minutes: 60,
                    boot: 2,
                    monotonic_ms: 3,
                },
                source_id: None,
                raw: b"scan".to_vec(),
                raw_cut: false,
            },
            moved_from: None,
        }
    }

    fn at(epoch: u64, sequence: u64) -> Position {
        Position {
            epoch: Epoch(epoch),
            lane: Lane::Normal,
            sequence,
        }
    }

    fn id(position: Position, digest: &Digest) -> MessageId {
        MessageId::new("plant-1".parse().unwrap(), position, digest)
    }

    #[test]
    fn a_message_keeps_its_name_and_digest_at_the_target_wherever_it_is_moved() {
        let first = envelope().seal().unwrap();
        let name = id(at(1, 5), &first.digest);
        assert_eq!(
            captured(name.clone(), Some(&envelope()), &first.bytes),
            (name.clone(), first.digest)
        );
        for position in [at(2, 1), at(3, 9)] {
            let mut moved = envelope();
            moved.moved_from = Some(name.stamp());
            let sealed = moved.seal().unwrap();
            assert_ne!(sealed.digest, first.digest);
            let here = id(position, &sealed.digest);
            assert_eq!(
                captured(here, Some(&moved), &sealed.bytes),
                (name.clone(), first.digest)
            );
        }
    }

    #[test]
    fn a_name_that_is_not_of_this_content_is_not_believed() {
        let mut moved = envelope();
        moved.moved_from = Some(Stamp {
            position: at(1, 5),
            digest: *b"another!",
        });
        let sealed = moved.seal().unwrap();
        let here = id(at(2, 1), &sealed.digest);
        assert_eq!(
            captured(here.clone(), Some(&moved), &sealed.bytes),
            (here, sealed.digest)
        );
    }
}
