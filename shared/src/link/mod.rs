//! The link: two pure machines that bring a spool's rows into an inbox and the inbox's news back into the spool.
//!
//! [`Sender`] stands beside a spool, [`Receiver`] (one for each peer) beside an inbox. They know nothing of agents and
//! relays; the downlink is the same pair with the roles swapped. They do no IO, read no clock and make no random number.
//! A task drives each of them:
//!
//! ```text
//!            ┌──────────────────────────────── driver ────────────────────────────────┐
//!  transport │ handle_event(event, now) ─► machine ─► poll_action() until none        │ transport
//!  ─────────►│    ▲                                      │ Publish ───────────────────┼────────►
//!            │    └── Rows, Heads, Learnt, Cut ◄─ spool ◄┤ Read, Heads, Learn, Cut    │
//!            │    └── Taken, Floors, News ◄────── inbox ◄┤ Take, Declare, Floors, News│
//!            │ handle_timeout(now) when poll_timeout() is reached                     │
//!            └────────────────────────────────────────────────────────────────────────┘
//! ```
//! What a driver must do:
//! 1. Call `handle_event` for each thing that happens, then take *all* actions with `poll_action`, in order, and only
//!    then wait: for the next event, or until `poll_timeout()` (monotonic milliseconds, on the scale of
//!    [`Moment::monotonic_ms`](crate::envelope::Moment)), which is answered with `handle_timeout`.
//! 2. Answer each action that asks for an answer with exactly one event that repeats its ticket, `Failed` where the
//!    store could not. One machine's actions on its store are done one after another, in the order they were asked.
//!    [`serve`] does this for anything that is a [`Spool`](crate::store::spool::Spool) or an
//!    [`Inbox`](crate::store::inbox::Inbox).
//! 3. Never publish a receipt by itself: the machine publishes what was committed after it was told so.
//! 4. `Publish` may be dropped, delayed, repeated or reordered: everything is said again. A full transport queue drops;
//!    it must never block the driver.
//! 5. A new machine is made at each start, with a fresh random session. It remembers nothing; the stores do.
//!
//! The sender's driver also reports `Connected` and `Disconnected` of the transport (which starts each session clean),
//! and `Heads` after each commit of new messages. The receiver's driver reports `NewsWaiting` after changes in the inbox
//! and passes each payload with the topic's peer to that peer's machine.

pub mod pace;
mod ranges;
pub mod receiver;
pub mod sender;
pub mod serve;
pub mod wire;

pub use receiver::{Receiver, ReceiverAction, ReceiverConfig, ReceiverEvent};
pub use sender::{Sender, SenderAction, SenderConfig, SenderEvent, SenderNotice};

use crate::ident::Lane;

/// Where a payload goes or came from. The transport makes topics of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Frames of a lane, from sender to receiver.
    Frames(Lane),
    /// Hellos and other control messages, from sender to receiver.
    Control,
    /// Receipts, from receiver to sender.
    Receipt,
}

/// Names one question of a machine to its driver; the answer repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);
