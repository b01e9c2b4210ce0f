//! What is remembered of Odoo's answers: what codes stand for, for a while. Every posting checks it again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::post::{Fact, Facts, Found, Keeping, Question};

/// Most answers that are remembered. At the bound all are forgotten: asking again costs little.
const ANSWERS: usize = 50_000;
/// How long an answer is remembered.
const FOR: Duration = Duration::from_secs(600);

/// Answers with the time when they were given.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<HashMap<Question, (Instant, Fact)>>);

impl Memory {
    /// What is known of these, and which are not.
    pub(super) fn recall(&self, questions: &[Question], now: Instant) -> (Facts, Vec<Question>) {
        let known = self.lock();
        let mut facts = Facts::default();
        let mut unknown = Vec::new();
        for question in questions {
            match known.get(question) {
                Some((since, fact)) if now.duration_since(*since) < FOR => {
                    facts.learn(question.clone(), fact.clone());
                }
                _ => unknown.push(question.clone()),
            }
        }
        (facts, unknown)
    }

    /// Keeps what may be kept. That a code is unknown or ambiguous is not: somebody is about to change that.
    pub(super) fn keep(&self, facts: &Facts, now: Instant) {
        let mut known = self.lock();
        if known.len() + facts.len() > ANSWERS {
            known.clear();
        }
        for (question, fact) in facts.iter() {
            if question.keeping() == Keeping::Cached && settled(fact) {
                known.insert(question.clone(), (now, fact.clone()));
            }
        }
    }

    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Question, (Instant, Fact)>> {
        // A panic while it was held cannot have left half an answer.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn settled(fact: &Fact) -> bool {
    match fact {
        Fact::Item(found) => matches!(found, Found::One(_)),
        Fact::Location(found) => matches!(found, Found::One(_)),
        Fact::Unreadable(_) => false,
        _ => true,
    }
}
