//! The raw list of what was scanned: what everything else is measured against.

use millrace_shared::envelope::{Capture, Draft, Moment};
use millrace_shared::ident::{AgentId, Digest, Lane};
use millrace_shared::message::{Code, Completion, InventoryMove, Message, ProductionConfirm, Quantity};
use millrace_shared::store::spool::{Claim, Intake};

use super::dice::Dice;
use super::odoo::Name;

/// A scan.
#[derive(Debug, Clone)]
pub struct Scan {
    /// The agent at whose scanner it happened.
    pub agent: AgentId,
    /// What it says.
    pub message: Message,
    /// The lane that it goes by.
    pub lane: Lane,
    /// The name that it was given.
    pub name: Option<Name>,
    /// Whether the scanner heard OK.
    pub ok: bool,
    /// Whether every durable copy of it was destroyed before it took effect: then nobody can be asked for it.
    pub destroyed: bool,
    /// Whether a person let it in after its position had been declared lost.
    pub late: bool,
    /// Whether the scanner gave up on it: its machine is no more, and it never heard OK.
    pub abandoned: bool,
}

impl Scan {
    /// A scan of one of a few orders, sometimes of goods carried between locations.
    pub fn throw(agent: &AgentId, orders: u64, dice: &mut Dice) -> Self {
        let code = |text: String| Code::try_from(text).unwrap_or_else(|_| unreachable!("a plain code"));
        let mut one = || code(format!("A{}", dice.between(1, orders)));
        let (first, second) = (one(), one());
        let message = if first == second || dice.chance(700) {
            Message::ProductionConfirm(ProductionConfirm {
                order: first,
                item: None,
                quantity: Quantity::units(1),
                completion: Completion::Partial,
                lot: None,
                serials: Vec::new(),
                components: Vec::new(),
            })
        } else {
            Message::InventoryMove(InventoryMove {
                item: code("I".into()),
                from: first,
                to: second,
                quantity: Quantity::units(1),
                lot: None,
            })
        };
        let lane = match dice.between(0, 9) {
            0 => Lane::Critical,
            1..=2 => Lane::Bulk,
            _ => Lane::Normal,
        };
        Self {
            agent: agent.clone(),
            message,
            lane,
            name: None,
            ok: false,
            destroyed: false,
            late: false,
            abandoned: false,
        }
    }

    /// What the source hands to the spool. The same scan, repeated, is the same claim.
    pub fn intake(&self, number: usize, now: Moment) -> Intake {
        let source = "scanner".to_owned();
        let id = number.to_string();
        let capture = Capture {
            source: source.clone(),
            station: None,
            operator: None,
            moment: now,
            source_id: Some(id.clone()),
            raw: Vec::new(),
            raw_cut: false,
        };
        Intake {
            claim: Some(Claim {
                source,
                content: Digest::of(id.as_bytes()),
                id,
            }),
            drafts: vec![Draft {
                message: self.message.clone(),
                reverses: None,
                lane: Some(self.lane),
                capture,
            }],
            ..Intake::default()
        }
    }
}
