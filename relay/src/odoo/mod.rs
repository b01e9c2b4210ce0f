//! Odoo 19 as the target: the addon's contract and the facts, over JSON-2.
//!
//! One value of [`Odoo`] is one domain: one bot user, usually one company. It keeps nothing but what codes stand for.

mod answer;
mod check;
mod client;
mod fault;
mod json;
mod look;
mod memory;

use std::time::Instant;

use serde_json::{Value, json};

use crate::post::{self, Case, Fact, Facts, Plan, Posting, Question, Stamp};
use crate::target::{Answer, Class, Fault, Head, Rehearsal, Reply, Target, Tenure};

pub use check::Release;
pub use client::Key;
use client::{Caller, Patience};
use json::UNREADABLE;
use memory::Memory;

const MODEL: &str = "millrace.posting";

/// A domain of an Odoo database.
#[derive(Debug)]
pub struct Odoo {
    caller: Caller,
    domain: String,
    memory: Memory,
}

impl Odoo {
    /// The domain at this URL, such as `https://odoo.example`. Calls nothing yet.
    pub fn new(url: &str, database: &str, domain: &str, key: Key) -> Result<Self, Fault> {
        let caller = Caller::new(url, database, key)?;
        Ok(Self {
            caller,
            domain: domain.to_owned(),
            memory: Memory::default(),
        })
    }

    /// Checks before anything is posted that this is an Odoo whose fields and addon are those that postings are made
    /// for, and that the domain is there. What is missing is said with what to do.
    pub async fn check(&self) -> Result<Release, Fault> {
        check::check(&self.caller, &self.domain).await
    }

    async fn posting(&self, method: &str, mut arguments: Value, patience: Patience) -> Result<Value, Fault> {
        arguments["domain"] = self.domain.clone().into();
        self.caller.call(MODEL, method, &arguments, patience).await
    }

    /// Answers, all at once; or one by one where one of them makes no sense, so that the others do. A call that Odoo
    /// breaks on counts as one question's fault only if it answers another.
    async fn answers(&self, questions: &[Question]) -> Result<Facts, Fault> {
        let isolated = |fault: &Fault| matches!(fault.class, Class::Malformed | Class::Business);
        match look::look(&self.caller, &self.domain, questions).await {
            Err(fault) if isolated(&fault) => {}
            answered => return answered,
        }
        let (mut facts, mut broken) = (Facts::default(), Vec::new());
        for question in questions {
            match look::look(&self.caller, &self.domain, std::slice::from_ref(question)).await {
                Ok(answer) => facts.merge(answer),
                Err(fault) if fault.name == UNREADABLE => {
                    facts.learn(question.clone(), Fact::Unreadable(fault.to_string()));
                }
                Err(fault) if isolated(&fault) => broken.push((question, fault)),
                Err(fault) => return Err(fault),
            }
        }
        let none_answered = facts.is_empty();
        for (question, fault) in broken {
            if none_answered {
                return Err(fault);
            }
            facts.learn(question.clone(), Fact::Unreadable(fault.to_string()));
        }
        Ok(facts)
    }

    async fn send(&self, tenure: &Tenure, postings: Value) -> Result<Reply, Fault> {
        let seen = tenure
            .seen
            .as_ref()
            .map(|head| json!({ "count": head.count, "database": head.database }));
        let arguments = json!({ "fence": tenure.fence, "seen": seen, "postings": postings });
        answer::reply(&self.posting("apply", arguments, Patience::Long).await?)
    }
}

impl Target for Odoo {
    fn plan(&self, case: &Case<'_>, facts: &Facts) -> Plan {
        post::plan(case, facts)
    }

    async fn look(&self, questions: &[Question]) -> Result<Facts, Fault> {
        let (mut facts, unknown) = self.memory.recall(questions, Instant::now());
        let answers = self.answers(&unknown).await?;
        self.memory.keep(&answers, Instant::now());
        facts.merge(answers);
        Ok(facts)
    }

    fn flush(&self) {
        self.memory.forget();
    }

    async fn take(&self, at_least: u64) -> Result<Tenure, Fault> {
        let json = self
            .posting("take", json!({ "floor_number": at_least }), Patience::Long)
            .await?;
        match json["number"].as_u64() {
            Some(fence) => Ok(Tenure {
                fence,
                seen: Some(answer::head(&json)?),
            }),
            None => Err(answer::refused(&json)),
        }
    }

    async fn apply(&self, tenure: &Tenure, postings: &[Posting]) -> Result<Reply, Fault> {
        self.send(tenure, postings.iter().map(Posting::to_json).collect())
            .await
    }

    async fn rehearse(&self, postings: &[Posting]) -> Result<Rehearsal, Fault> {
        let postings: Value = postings.iter().map(Posting::to_json).collect();
        let arguments = json!({ "postings": postings, "dry_run": true });
        let json = self.posting("apply", arguments, Patience::Long).await?;
        match json["state"].as_str() {
            Some("dry") => Ok(Rehearsal {
                answers: answer::answers(&json)?,
                changes: json["changes"].clone(),
            }),
            _ => Err(answer::refused(&json)),
        }
    }

    async fn ask(&self, stamps: &[Stamp]) -> Result<(Head, Vec<Answer>), Fault> {
        let messages: Value = stamps.iter().map(Stamp::to_json).collect();
        let json = self
            .posting("ask", json!({ "messages": messages }), Patience::Short)
            .await?;
        match json["state"].as_str() {
            Some("ok") => Ok((answer::head(&json)?, answer::answers(&json)?)),
            _ => Err(answer::refused(&json)),
        }
    }

    async fn void(&self, tenure: &Tenure, stamps: &[Stamp], reason: &str, by: &str) -> Result<Reply, Fault> {
        let messages: Value = stamps.iter().map(Stamp::to_json).collect();
        let posting = json!({ "messages": messages, "void": { "reason": reason, "by": by } });
        self.send(tenure, json!([posting])).await
    }

    async fn purge(&self, tenure: &Tenure, floors: &[(String, u64)]) -> Result<bool, Fault> {
        let floors: Value = floors
            .iter()
            .map(|(lane, below)| json!({ "lane": lane, "below": below }))
            .collect();
        let arguments = json!({ "fence": tenure.fence, "floors": floors });
        let json = self.posting("purge", arguments, Patience::Long).await?;
        match json["state"].as_str() {
            Some("ok") => Ok(json["more"].as_bool().unwrap_or_default()),
            _ => Err(answer::refused(&json)),
        }
    }
}

/// The fault of an Odoo that is not set up as it must be.
fn not_ready(text: impl Into<String>) -> Fault {
    Fault::new(Class::Configuration, text).doing("checking Odoo")
}
