//! A clerk does by hand what the relay's flow does by itself: plan a message, answer its questions, post it, read the
//! answer. One message at a time, so that a test sees each step.

use std::io::Write;

use jiff::Timestamp;
use millrace_relay::odoo::{Key, Odoo};
use millrace_relay::post::{self, Case, Facts, Plan, PolicyTable, Posting, Stamp, Verdict};
use millrace_relay::target::{Answer, End, Reply, Target, Tenure};
use millrace_shared::ident::{Digest, Epoch, Lane, MessageId, Position};
use millrace_shared::message::{Kind, Message, SCHEMA};
use millrace_shared::outcome::{Reason, Record};
use millrace_tests::odoo::{Database, text};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

/// More rounds of questions than any plan needs.
const ROUNDS: usize = 8;

/// A message with what the relay knows of it.
#[derive(Debug, Clone)]
pub struct Paper {
    pub stamp: Stamp,
    pub message: Message,
    pub reverses: Option<MessageId>,
    pub captured: Timestamp,
    pub offset_minutes: i16,
    pub released: bool,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    Done(Record),
    Refused(String, String),
    Held(String, String),
    Again(String),
}

impl Fate {
    #[track_caller]
    pub fn record(self) -> Record {
        match self {
            Fate::Done(record) => record,
            other => panic!("not done but {other:?}"),
        }
    }

    #[track_caller]
    pub fn refused(self, word: &str) -> String {
        match self {
            Fate::Refused(found, text) if found == word => text,
            other => panic!("not refused as {word} but {other:?}"),
        }
    }

    #[track_caller]
    pub fn held(self, word: &str) -> String {
        match self {
            Fate::Held(found, text) if found == word => text,
            other => panic!("not held as {word} but {other:?}"),
        }
    }
}

pub struct Clerk {
    pub db: Database,
    pub odoo: Odoo,
    pub tenure: Tenure,
    pub company: i64,
    pub plant: Value,
    pub policies: PolicyTable,
    sequence: u64,
    _key: NamedTempFile,
}

impl Clerk {
    /// A clerk of plant A with a database of its own.
    pub async fn new() -> Self {
        Self::of("A").await
    }

    pub async fn of(letter: &str) -> Self {
        let db = Database::new();
        let plant = db.instance.seed["plants"][letter].clone();
        let company = plant["company"]["id"].as_i64().unwrap();
        let domain = text(&plant["company"]["domain"]);
        let found = db.admin(
            company,
            "millrace.domain",
            "search",
            json!({ "domain": [["name", "=", domain]] }),
        );
        let allow = json!({ "ids": found, "vals": { "allow": post::ALLOW_LIST } });
        db.admin(company, "millrace.domain", "write", allow);
        let key = key_file(&text(&plant["users"]["bot"]["key"]));
        let odoo = Odoo::new(&db.instance.url, &db.name, &domain, Key::in_file(key.path())).unwrap();
        let tenure = odoo.take(0).await.unwrap();
        Self {
            db,
            odoo,
            tenure,
            company,
            plant,
            policies: PolicyTable::default(),
            sequence: 0,
            _key: key,
        }
    }

    /// The next message, captured now.
    pub fn paper(&mut self, kind: &str, body: Value) -> Paper {
        self.sequence += 1;
        let kind: Kind = kind.parse().unwrap();
        let message = Message::parse(kind, SCHEMA, &body.to_string()).unwrap();
        let position = Position {
            epoch: Epoch(1),
            lane: Lane::Normal,
            sequence: self.sequence,
        };
        let digest = Digest::of(format!("{}{body}", self.sequence).as_bytes());
        let id = MessageId::new("plant-a".parse().unwrap(), position, &digest);
        let (station, operator) = (Some("line 1".into()), Some("4711".into()));
        let stamp = Stamp {
            id,
            digest,
            attempt: 1,
            kind,
            station,
            operator,
        };
        Paper {
            stamp,
            message,
            reverses: None,
            captured: Timestamp::now(),
            offset_minutes: 0,
            released: false,
        }
    }

    /// The plan, once every question is answered.
    pub async fn plan(&self, paper: &Paper) -> Plan {
        let mut facts = Facts::default();
        for _ in 0..ROUNDS {
            let case = Case {
                stamp: &paper.stamp,
                message: &paper.message,
                reverses: paper.reverses.as_ref(),
                captured: paper.captured,
                offset_minutes: paper.offset_minutes,
                company: self.company,
                policies: &self.policies,
                released: paper.released,
            };
            match post::plan(&case, &facts) {
                Plan::Need(questions) => facts.merge(self.odoo.look(&questions).await.unwrap()),
                done => return done,
            }
        }
        panic!("the plan of {paper:?} never ends");
    }

    /// The posting of a message that has one.
    pub async fn posting(&self, paper: &Paper) -> Posting {
        match self.plan(paper).await {
            Plan::Post(posting) => *posting,
            other => panic!("{paper:?} has no posting but {other:?}"),
        }
    }

    /// Sends postings and gives the answers.
    pub async fn send(&mut self, postings: &[Posting]) -> Vec<Answer> {
        match self.odoo.apply(&self.tenure, postings).await.unwrap() {
            Reply::Answers(head, answers) => {
                self.tenure.seen = Some(head);
                answers
            }
            other => panic!("{other:?}"),
        }
    }

    /// Plans and posts a message.
    pub async fn post(&mut self, paper: &Paper) -> Fate {
        let posting = match self.plan(paper).await {
            Plan::Post(posting) => *posting,
            Plan::Refuse(Reason { code, text }) => return Fate::Refused(code, text),
            Plan::Hold(hold) => return Fate::Held(hold.reason.code, hold.reason.text),
            Plan::Need(_) => unreachable!("all questions were answered"),
        };
        let answers = self.send(&[posting]).await;
        fate(&answers[0])
    }

    /// Makes and posts a message captured now.
    pub async fn say(&mut self, kind: &str, body: Value) -> Fate {
        let paper = self.paper(kind, body);
        self.post(&paper).await
    }

    pub fn order(&self, group: &str, index: usize) -> (i64, String) {
        let order = &self.plant["orders"][group][index];
        (order["id"].as_i64().unwrap(), text(&order["name"]))
    }

    pub fn item(&self, code: &str) -> i64 {
        self.plant["items"][code]["id"].as_i64().unwrap()
    }

    pub fn location(&self, house: &str, barcode: &str) -> i64 {
        self.plant["warehouses"][house]["locations"][barcode]
            .as_i64()
            .unwrap()
    }

    /// How much of an item lies at a location, over all lots and rows.
    pub fn on_hand(&self, item: &str, location: i64) -> f64 {
        let query = format!(
            "SELECT coalesce(sum(quantity), 0) FROM stock_quant WHERE product_id = {} AND location_id = {location}",
            self.item(item)
        );
        self.db.one(&query).parse().unwrap()
    }

    /// Calls a method as a person of the plant's office, past the relay.
    pub fn office(&self, model: &str, method: &str, arguments: Value) -> Value {
        self.db.call(
            &text(&self.plant["users"]["office"]["key"]),
            model,
            method,
            arguments,
        )
    }
}

pub fn fate(answer: &Answer) -> Fate {
    match &answer.end {
        End::Done(record, _) => Fate::Done(record.clone()),
        End::Rejected(no) => match post::judge(no.say.as_deref(), &no.text) {
            Verdict::Dead(reason) => Fate::Refused(reason.code, format!("{} ({})", reason.text, no.text)),
            Verdict::Hold(hold) => Fate::Held(hold.reason.code, hold.reason.text),
            Verdict::Again(reason) => Fate::Again(format!("{} ({})", reason.text, no.text)),
        },
        other => panic!("{other:?}"),
    }
}

/// A file with this key. It goes with what is returned.
pub fn key_file(key: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    writeln!(file, "{key}").unwrap();
    file
}
