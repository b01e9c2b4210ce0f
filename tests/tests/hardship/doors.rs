//! An agent with a door of each sort, and good messages on both sides of each bad one.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use millrace_tests::world::{Scanner, Target, World, post_bytes, scan};
use serde_json::Value;

pub const HEADER: &str = "kind,external_id,item,location,quantity\n";

/// The agent, and how many messages it has answered with OK.
pub struct Doors {
    pub world: World,
    pub kept: usize,
}

impl Doors {
    /// A running agent with scanners, HTTP and a drop folder; its relay is out of reach.
    pub fn open() -> Self {
        let mut doors = Self::closed();
        doors.world.start_agent();
        doors
    }

    /// The same, not yet running.
    pub fn closed() -> Self {
        let world = World::new(&Target::Shadow);
        let drop = "[[folder]]\nname = \"drop\"\nfolder = \"drop\"\nsettle_ms = 100\npoll_ms = 200\nstation = \"stock\"\n";
        world.change("agent", |text| text + drop);
        fs::create_dir(world.folder().join("drop")).unwrap();
        Self { world, kept: 0 }
    }

    /// A good message of its own.
    pub fn good(&mut self) -> String {
        self.kept += 1;
        let id = self.kept;
        good(&format!("good-{id}"))
    }

    /// Scans at the counting station: what is refused says why, and the entry around it is booked.
    pub fn scanner_refuses(&mut self, bad: &[u8], why: &str) {
        let mut device = Scanner::at(self.world.count).unwrap();
        for scan in ["L:SHELF", "BOLT"] {
            assert!(device.scan(scan).unwrap().starts_with("OK"));
        }
        device.send_bytes(&[bad, b"\r\n"].concat()).unwrap();
        let told = device.hear().unwrap();
        assert!(told.starts_with("REFUSED") && told.contains(why), "{told}");
        let told = device.scan("CMD:CONFIRM").unwrap();
        assert!(
            told.starts_with("BOOKED") && told.contains("quantity 1"),
            "{told}"
        );
        self.kept += 1;
    }

    /// Posts the bad one between two good ones: it is named by its place, its field and the reason.
    pub fn http_refuses(&mut self, bad: &str, field: &str, why: &str) {
        let body = format!("[{},{bad},{}]", self.good(), self.good());
        let (status, told) = post_bytes(self.world.http, body.as_bytes()).unwrap();
        assert_eq!(status, 422, "{told}");
        let json: Value = serde_json::from_str(told.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        let error = &json["errors"][0];
        assert_eq!(
            (&error["index"], &error["field"]),
            (&1.into(), &field.into()),
            "{told}"
        );
        assert!(error["reason"].as_str().unwrap().contains(why), "{told}");
        assert_eq!(json["items"].as_array().unwrap().len(), 2);
    }

    /// Drops a file with the bad line between two good ones: it alone is put aside, with its reason beside it.
    pub fn folder_refuses(&mut self, bad: &[u8], why: &str) {
        let name = format!("{}.jsonl", self.kept);
        let bad = [bad, b"\n"].concat();
        let lines = [self.good().as_bytes(), b"\n", &bad, self.good().as_bytes(), b"\n"].concat();
        self.drop_file(&name, &lines);
        let reason = self.reason(&name);
        assert!(reason.contains("line 2") && reason.contains(why), "{reason}");
        assert_eq!(fs::read(self.path(&format!("rejected/{name}"))).unwrap(), bad);
        self.is_done(&name);
    }

    /// Puts a file into the folder at once.
    pub fn drop_file(&self, name: &str, content: &[u8]) {
        let beside = self.path(&format!("{name}.tmp"));
        fs::write(&beside, content).unwrap();
        fs::rename(beside, self.path(name)).unwrap();
    }

    /// Why a file, or part of it, was rejected.
    pub fn reason(&self, name: &str) -> String {
        let path = self.path(&format!("rejected/{name}.reason"));
        self.world.eventually("the file is rejected", || path.exists());
        fs::read_to_string(path).unwrap()
    }

    /// Waits until the file, or what could be taken of it, is in `done/`.
    pub fn is_done(&self, name: &str) {
        let path = self.path(&format!("done/{name}"));
        self.world.eventually("the file is done", || path.exists());
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.world.folder().join("drop").join(name)
    }

    /// Everything that was answered OK is there, and nothing else, and the store is whole.
    pub fn close(mut self) {
        assert_eq!(self.listed(), self.kept);
        self.world.kill_agent();
        assert_eq!(self.listed(), self.kept);
        let (code, rows) = self.world.ask("agent", &["verify"]);
        assert_eq!((code, &rows[0]["faults"]), (Some(0), &Value::from(0)), "{rows:?}");
    }

    pub fn listed(&self) -> usize {
        let (code, rows) = self
            .world
            .ask("agent", &["messages", "list", "--limit", "100000"]);
        assert_eq!(code, Some(0), "{rows:?}");
        rows.len()
    }
}

/// A message that nothing is wrong with.
pub fn good(id: &str) -> String {
    format!(
        r#"{{"kind":"inventory.count","external_id":"{id}","station":"stock","body":{{"item":"BOLT","location":"SHELF","quantity":{{"value":"1"}}}}}}"#
    )
}

/// What the agent's doctor says of the sources.
fn sources(doors: &Doors) -> Vec<(String, String)> {
    let (_, findings) = doors.world.ask("agent", &["doctor"]);
    let of_sources = findings.iter().filter(|finding| finding["probe"] == "sources");
    let word = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
    of_sources
        .map(|finding| (word(finding, "verdict"), word(finding, "found")))
        .collect()
}

fn failed(doors: &Doors, part: &str) -> bool {
    let mut found = sources(doors).into_iter();
    found.any(|(verdict, found)| verdict == "failed" && found.contains(part))
}

#[test]
fn a_door_that_cannot_be_opened_is_named_and_opens_later_and_the_others_stay_open_meanwhile() {
    let mut doors = Doors::closed();
    let taken = TcpListener::bind(("127.0.0.1", doors.world.production)).unwrap();
    let (drop, away) = (doors.path(""), doors.world.folder().join("not mounted"));
    fs::rename(&drop, &away).unwrap();
    fs::write(doors.world.folder().join("drop"), "").unwrap();
    doors.world.start_agent();
    doors.scanner_refuses(b"Q:-1", "quantity");
    doors.world.eventually("both are named", || {
        let port = doors.world.production;
        failed(
            &doors,
            &format!("`guns-line-a` cannot listen on 127.0.0.1:{port}"),
        ) && failed(&doors, "`drop`")
    });
    std::mem::drop(taken);
    fs::remove_file(doors.world.folder().join("drop")).unwrap();
    fs::rename(&away, &drop).unwrap();
    doors.world.eventually("all are open", || {
        sources(&doors) == [("ok".to_owned(), "6 are open".to_owned())]
    });
    let told = scan(doors.world.production, &["O:1", "Q:5", "CMD:CONFIRM"]).unwrap();
    assert!(told[2].starts_with("BOOKED"), "{told:?}");
    doors.kept += 1;
    let late = doors.good();
    doors.drop_file("late.jsonl", format!("{late}\n").as_bytes());
    doors.is_done("late.jsonl");
    // A share that goes away under the running service.
    fs::rename(&drop, &away).unwrap();
    doors
        .world
        .eventually("it is named again", || failed(&doors, "`drop`"));
    fs::rename(&away, &drop).unwrap();
    let last = doors.good();
    doors.drop_file("last.jsonl", format!("{last}\n").as_bytes());
    doors.is_done("last.jsonl");
    doors.close();
}
