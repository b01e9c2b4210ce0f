//! The faulty network between agents and relay: payloads are lost, doubled, delayed and reordered, lines are cut or
//! work in one direction only.

use super::dice::Dice;
use super::plan::Plan;

/// Which way a payload travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From agent to relay.
    Up,
    /// From relay to agent.
    Down,
}

/// The line of one agent.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// Cut until then.
    pub cut_until_ms: u64,
    /// Until then what goes this way vanishes, though the connection stands.
    pub deaf: Option<(Way, u64)>,
}

impl Line {
    /// Whether a connection can stand.
    pub fn is_whole(&self, now_ms: u64) -> bool {
        now_ms >= self.cut_until_ms
    }

    /// When copies of a payload arrive; none where it is lost.
    pub fn arrivals(&self, way: Way, plan: &Plan, now_ms: u64, dice: &mut Dice) -> Vec<u64> {
        let deaf = self
            .deaf
            .is_some_and(|(deaf, until)| deaf == way && now_ms < until);
        if !self.is_whole(now_ms) || deaf || dice.chance(plan.loss) {
            return Vec::new();
        }
        let copies = if dice.chance(plan.duplicates) { 2 } else { 1 };
        (0..copies)
            .map(|_| now_ms + dice.between(1, plan.delay_ms))
            .collect()
    }
}
