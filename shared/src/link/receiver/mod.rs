//! The receiving machine: what arrives is committed before it is answered, and what became of it is told until heard.

mod port;

pub use port::{
    ClockEstimate, ClockQuality, ReceiverAction, ReceiverConfig, ReceiverEvent, ReceiverNotice, Standing,
};
