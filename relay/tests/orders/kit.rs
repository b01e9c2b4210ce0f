//! A plant for these tests: a relay's folder with a real inbox, filled as the link fills it.

use std::path::PathBuf;
use std::process::{Command, Output};

use millrace_relay::control::{Act, Done, Errand, Order, Refusal, Which};
use millrace_shared::envelope::{Capture, Draft, Envelope, KeyLink, Moment};
use millrace_shared::ident::{AgentId, Digest, Epoch, Lane, MessageId, Position};
use millrace_shared::message::{Kind, Message};
use millrace_shared::outcome::Reason;
use millrace_shared::store::inbox::{
    Arrival, Change, Filter, Hold, Inbox, InboxView, Item, Request, State, StateName, Verdict, Worklist,
};
use millrace_shared::store::sqlite::inbox::{Limits, SqliteInbox};
use tempfile::TempDir;

/// When everything arrives, and how long after its capture.
pub const RECEIVED_MS: i64 = 1_700_000_000_000;
pub const UNDER_WAY_MS: i64 = 5 * 60_000;

pub struct Plant {
    pub folder: TempDir,
    pub agent: AgentId,
    next: u64,
    running: Digest,
}

impl Plant {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        let toml = "[relay]\ndata = \"data\"\n[broker]\nhost = \"localhost\"\nca = \"ca\"\ncertificate = \"crt\"\n\
                    key = \"key\"\n[shadow]\n[[plant]]\nagent = \"plant-a\"\n";
        std::fs::write(folder.path().join("relay.toml"), toml).unwrap();
        Self {
            folder,
            agent: "plant-a".parse().unwrap(),
            next: 1,
            running: Digest::origin(Epoch(7), Lane::Normal),
        }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn inbox(&self) -> SqliteInbox {
        SqliteInbox::open(&self.data().join("inbox.sqlite"), Limits::default(), 1, 1).unwrap()
    }

    /// A receipt of goods for this order, of an item and lot of its own, by this station, kept in the inbox.
    pub fn receive(&mut self, inbox: &mut SqliteInbox, order: &str, station: &str) -> MessageId {
        let body = format!(
            r#"{{"purchase":"{order}","item":"BOLT-{order}","quantity":{{"value":"4"}},"lot":"L-{order}"}}"#
        );
        let message = Message::parse(Kind::ReceiptArrive, 1, &body).unwrap();
        let keys = message
            .keys()
            .into_iter()
            .map(|key| KeyLink { key, after: None })
            .collect();
        let draft = Draft {
            message,
            lane: None,
            reverses: None,
            capture: Capture {
                source: "dock".into(),
                station: Some(station.into()),
                operator: Some("B7".into()),
                moment: Moment {
                    wall_ms: RECEIVED_MS - UNDER_WAY_MS,
                    offset_minutes: 60,
                    boot: 1,
                    monotonic_ms: self.next,
                },
                source_id: None,
                raw: order.as_bytes().to_vec(),
                raw_cut: false,
            },
        };
        let sealed = Envelope::new(&draft, self.next, keys).unwrap().seal().unwrap();
        let position = Position {
            epoch: Epoch(7),
            lane: Lane::Normal,
            sequence: self.next,
        };
        let arrival = Arrival {
            agent: self.agent.clone(),
            epoch: position.epoch,
            lane: position.lane,
            first: self.next,
            before: self.running,
            rows: vec![sealed.bytes.to_vec()],
            received_ms: RECEIVED_MS,
            clock: None,
        };
        inbox.take(&[arrival]).unwrap();
        self.running = self.running.then(sealed.digest);
        self.next += 1;
        MessageId::new(self.agent.clone(), position, &sealed.digest)
    }

    /// What the program answers, started beside no service.
    pub fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_millrace-relay"))
            .args(["--config", "relay.toml"])
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    /// What it prints where all is well.
    pub fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }
}

pub fn item(inbox: &SqliteInbox, id: &MessageId) -> Item {
    let slot = inbox.find(id).unwrap().unwrap();
    inbox.get(slot).unwrap().unwrap()
}

pub fn state(inbox: &SqliteInbox, id: &MessageId) -> &'static str {
    item(inbox, id).entry.state.name().word()
}

/// Makes a change as the flow would.
pub fn make(inbox: &mut SqliteInbox, id: &MessageId, change: Change) -> State {
    let ticket = item(inbox, id).entry.ticket;
    match inbox
        .change(&[Request { ticket, change }], "flow", RECEIVED_MS)
        .unwrap()
        .remove(0)
    {
        Verdict::Done(_, state) => state,
        other => panic!("{other:?}"),
    }
}

pub fn die(inbox: &mut SqliteInbox, id: &MessageId, code: &str) {
    make(inbox, id, Change::Dead(Reason::new(code, "mend it")));
}

pub fn order(inbox: &mut SqliteInbox, order: Order) -> Result<Done, Refusal> {
    Errand::new(order, "anna".into(), RECEIVED_MS).run(inbox)
}

pub fn change(state: StateName, filter: Filter, act: Act) -> Order {
    let filter = Filter {
        states: vec![state],
        ..filter
    };
    let which = Which {
        ids: Vec::new(),
        filter,
        limit: 1000,
    };
    Order::Change { which, act }
}

pub fn hold(inbox: &mut SqliteInbox, id: &MessageId, code: &str, subject: &str) {
    let hold = Hold {
        reason: Reason::new(code, "make it known in Odoo"),
        subject: Some(subject.into()),
    };
    make(inbox, id, Change::Hold(hold));
}
