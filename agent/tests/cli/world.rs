//! A configuration and a store in which something of everything lies, always with the same names and times.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use millrace_shared::envelope::{Capture, Draft, Moment};
use millrace_shared::ident::{Digest, Epoch, Lane, MessageId};
use millrace_shared::message::{Kind, Message, SCHEMA};
use millrace_shared::outcome::{Outcome, Reason, Record};
use millrace_shared::store::StoreError;
use millrace_shared::store::spool::{Claim, Intake, News, Spool, Verdict};
use millrace_shared::store::sqlite::spool::{Options, SqliteSpool};
use tempfile::TempDir;

use crate::golden;

/// 2025-03-03 06:00:00 in Berlin.
const MORNING_MS: i64 = 1_740_978_000_000;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

const CONFIG: &str = r#"
[agent]
name = "plant-7"
zone = "Europe/Berlin"
data = "data"

[relay]
host = "localhost"
port = 1
ca = "ca.crt"
certificate = "plant-7.crt"
key = "plant-7.key"

[spool]
quota_mib = 16
reserve_mib = 1

[[station]]
name = "line-a"
makes = "production"
badge = "required"

[[station]]
name = "store"
makes = "count"
location = "WH/STOCK"
"#;

/// A folder with a configuration and perhaps a store.
pub struct World {
    folder: TempDir,
}

impl World {
    /// A configuration, and nothing kept yet.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("agent.toml"), CONFIG).unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        Self { folder }
    }

    /// With messages in every state.
    pub fn with_messages() -> (Self, Vec<MessageId>) {
        let world = Self::new();
        let ids = world.fill();
        (world, ids)
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn spool_file(&self) -> PathBuf {
        self.path().join("data/spool.sqlite")
    }

    pub fn spool(&self, epoch: u64) -> SqliteSpool {
        let options = Options {
            agent: "plant-7".parse().unwrap(),
            quota_bytes: 16 * 1024 * 1024,
            reserve_bytes: 1024 * 1024,
            epoch: Epoch(epoch),
            new_epoch: false,
        };
        // A child that another test begins at this moment has our lock for as long as it takes to become its program.
        let deadline = Instant::now() + PATIENCE;
        loop {
            match SqliteSpool::open(&self.spool_file(), options.clone()) {
                Err(StoreError::InUse(_)) if Instant::now() < deadline => std::thread::yield_now(),
                opened => return opened.unwrap().0,
            }
        }
    }

    /// Messages of one morning: an order with its consumption, counts, and what a system handed over.
    fn fill(&self) -> Vec<MessageId> {
        let mut spool = self.spool(0x1111);
        let intakes = [
            scan(
                "production.confirm",
                r#"{"order":"WH/MO/00007","quantity":{"value":"5"}}"#,
                0,
            ),
            scan(
                "production.confirm",
                r#"{"order":"WH/MO/00007","lot":"L-1","quantity":{"value":"3"}}"#,
                60,
            ),
            scan(
                "material.consume",
                r#"{"order":"WH/MO/00007","item":"STEEL","quantity":{"value":"2.5","unit":"kg"}}"#,
                120,
            ),
            scan(
                "inventory.count",
                r#"{"item":"BOLT","location":"WH/STOCK","quantity":{"value":"40"}}"#,
                180,
            ),
            system(
                "MES-4711",
                "scrap.report",
                r#"{"item":"BOLT","location":"WH/STOCK","quantity":{"value":"1"},"reason":"bent"}"#,
                240,
            ),
            urgent(
                "inventory.move",
                r#"{"item":"NUT","from":"WH/STOCK","to":"WH/HOLD","quantity":{"value":"9"}}"#,
                300,
            ),
        ];
        let ids: Vec<MessageId> = intakes
            .into_iter()
            .map(|intake| match &spool.commit(&[intake], moment(0)).unwrap()[..] {
                [Verdict::Kept(ids)] => ids[0].clone(),
                other => panic!("not kept: {other:?}"),
            })
            .collect();
        let record = Record {
            model: "mrp.production".to_owned(),
            id: 7,
            name: "WH/MO/00007".to_owned(),
        };
        let news = [
            stored(1, 4),
            News::Settled {
                stamp: ids[0].stamp(),
                outcome: Outcome::Applied(record),
            },
            News::Dead {
                stamp: ids[1].stamp(),
                reason: Reason::new(
                    "unknown-lot",
                    "no lot of this product is called L-1: create it, or amend the lot",
                ),
            },
        ];
        spool.learn(&news, moment(0)).unwrap();
        spool.close().unwrap();
        ids
    }

    /// Runs a command in this world.
    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = agent()
            .args(["--config", "agent.toml"])
            .args(arguments)
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Runs a command and compares its answer.
    pub fn golden(&self, name: &str, arguments: &[&str]) {
        self.golden_with(name, arguments, &[]);
    }

    /// As [`World::golden`], with patterns that stand for what differs from run to run.
    pub fn golden_with(&self, name: &str, arguments: &[&str], mask: &[(&str, &str)]) {
        let folder = self.path().to_string_lossy().into_owned();
        let mut all = vec![(folder.as_str(), "<folder>")];
        all.extend(mask);
        golden::check(
            name,
            env!("CARGO_PKG_NAME"),
            &arguments.join(" "),
            &self.run(arguments, ""),
            &all,
        );
    }
}

/// The program, as wide as the golden files.
pub fn agent() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millrace-agent"));
    command.env("COLUMNS", "100").env("NO_COLOR", "1");
    command
}

/// So many seconds after the morning began. The run of the machine is none that a test could run in.
pub fn moment(seconds: u64) -> Moment {
    Moment {
        wall_ms: MORNING_MS + seconds as i64 * 1000,
        offset_minutes: 60,
        boot: 1,
        monotonic_ms: seconds * 1000,
    }
}

pub fn stored(from: u64, to: u64) -> News {
    News::Stored {
        epoch: Epoch(0x1111),
        lane: Lane::Normal,
        from,
        to,
    }
}

/// What a scan on line A completed.
pub fn scan(kind: &str, body: &str, seconds: u64) -> Intake {
    let capture = Capture {
        source: "line-a-guns".to_owned(),
        station: Some("line-a".to_owned()),
        operator: Some("4711".to_owned()),
        moment: moment(seconds),
        source_id: None,
        raw: b"O:WH/MO/00007\nCMD:CONFIRM\n".to_vec(),
        raw_cut: false,
    };
    intake(kind, body, capture)
}

fn system(id: &str, kind: &str, body: &str, seconds: u64) -> Intake {
    let capture = Capture {
        source: "mes".to_owned(),
        station: None,
        operator: None,
        moment: moment(seconds),
        source_id: Some(id.to_owned()),
        raw: body.as_bytes().to_vec(),
        raw_cut: false,
    };
    let claim = Claim {
        source: "mes".to_owned(),
        id: id.to_owned(),
        content: Digest::of(body.as_bytes()),
    };
    Intake {
        claim: Some(claim),
        ..intake(kind, body, capture)
    }
}

fn urgent(kind: &str, body: &str, seconds: u64) -> Intake {
    let mut intake = scan(kind, body, seconds);
    intake.drafts[0].lane = Some(Lane::Critical);
    intake
}

fn intake(kind: &str, body: &str, capture: Capture) -> Intake {
    let kind: Kind = kind.parse().unwrap();
    Intake {
        drafts: vec![Draft {
            message: Message::parse(kind, SCHEMA, body).unwrap(),
            lane: None,
            reverses: None,
            capture,
        }],
        ..Intake::default()
    }
}
