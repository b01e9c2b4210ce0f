//! A real Odoo 19 for tests: one instance for all, one cloned database for each test.
//!
//! Everything here reads and writes Odoo past the relay: over JSON-2 as people would, and with SQL.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

/// How long a call of a test may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// The instance of this clone of the repository, started if it does not run.
#[derive(Debug)]
pub struct Instance {
    /// Such as `http://127.0.0.1:8069`.
    pub url: String,
    address: String,
    psql: PathBuf,
    socket: String,
    /// What the databases hold: ids, codes, users and keys of two plants.
    pub seed: Value,
    /// Its folder; none for the one that this clone of the repository shares.
    folder: Option<PathBuf>,
}

/// The instance that all tests of a process share.
pub fn instance() -> &'static Instance {
    static INSTANCE: OnceLock<Instance> = OnceLock::new();
    INSTANCE.get_or_init(|| Instance::start(None, &[]))
}

impl Instance {
    /// An instance of one's own in this folder, to be killed at will. It lives as long as the test's process.
    pub fn own(folder: PathBuf) -> &'static Instance {
        Box::leak(Box::new(Self::start(Some(folder), &[])))
    }

    /// One of one's own whose database is on disk when it says so, for measuring.
    pub fn durable(folder: PathBuf) -> &'static Instance {
        Box::leak(Box::new(Self::start(Some(folder), &["--durable"])))
    }

    fn start(folder: Option<PathBuf>, options: &[&str]) -> Self {
        let run = |arguments: &[&str]| installer(folder.as_deref(), arguments);
        run(&[&["start"], options].concat());
        let status: Value = serde_json::from_str(&run(&["status"])).expect("status is JSON");
        let seed =
            std::fs::read_to_string(text(&status["seed"])).expect("the note of what the databases hold");
        Instance {
            url: text(&status["url"]),
            address: text(&status["url"]).trim_start_matches("http://").to_owned(),
            psql: text(&status["psql"]).into(),
            socket: text(&status["socket_directory"]),
            seed: serde_json::from_str(&seed).expect("the note is JSON"),
            folder,
        }
    }

    /// Its host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Brings back what was killed, on the same ports.
    pub fn restart(&self) {
        installer(self.folder.as_deref(), &["start"]);
    }

    /// Ends it and everything in it.
    pub fn remove(&self) {
        let _ = run(self.folder.as_deref(), &["remove"]);
    }

    /// Ends one of Odoo's workers as a crash would; Odoo starts another.
    pub fn kill_worker(&self, choice: usize) {
        let workers = self.workers();
        // None runs for a moment after PostgreSQL was away.
        if let Some(pid) = workers.get(choice % workers.len().max(1)) {
            kill_9(*pid);
        }
    }

    /// Ends Odoo, all of it, as a crash would. PostgreSQL runs on.
    pub fn kill_odoo(&self) {
        let workers = self.workers();
        kill_9(pid(&self.status()["odoo_pid"]));
        workers.into_iter().for_each(kill_9);
    }

    fn workers(&self) -> Vec<u64> {
        let status = self.status();
        let workers = status["odoo_workers"].as_array().expect("the workers");
        workers.iter().map(|worker| pid(&worker["pid"])).collect()
    }

    /// Ends PostgreSQL as a power cut would.
    pub fn kill_postgres(&self) {
        kill_9(pid(&self.status()["postgres_pid"]));
    }

    fn status(&self) -> Value {
        let status = installer(self.folder.as_deref(), &["status"]);
        serde_json::from_str(&status).expect("status is JSON")
    }
}

fn pid(json: &Value) -> u64 {
    json.as_u64().expect("a process id")
}

fn kill_9(pid: u64) {
    // It may have ended by itself meanwhile.
    let _ = Command::new("kill")
        .args(["-9", &pid.to_string()])
        .stderr(Stdio::null())
        .status();
}

/// A database of its own, dropped with this value.
#[derive(Debug)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// Where it is served.
    pub instance: &'static Instance,
}

impl Database {
    /// A fresh copy of the two plants.
    pub fn new() -> Self {
        Self::of(instance())
    }

    /// A fresh copy of the two plants in this instance.
    pub fn of(instance: &'static Instance) -> Self {
        let name = installer(instance.folder.as_deref(), &["clone"])
            .trim()
            .to_owned();
        Self { name, instance }
    }

    /// A copy as it is now, with the same identity: what a backup is.
    pub fn back_up(&self) -> Self {
        let name = format!("{}_backup", self.name);
        let folder = self.instance.folder.as_deref();
        installer(folder, &["clone", &name, "--from", &self.name]);
        Self { name, ..*self }
    }

    /// Calls a method over JSON-2 as the user with this key. Panics with Odoo's answer where it is no success.
    pub fn call(&self, key: &str, model: &str, method: &str, arguments: Value) -> Value {
        let (status, body) = self.post(key, &format!("/json/2/{model}/{method}"), &arguments);
        assert_eq!(status, 200, "{model}.{method}: {body}");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{model}.{method}: {error}: {body}"))
    }

    /// Calls a method as the administrator, in this company.
    pub fn admin(&self, company: i64, model: &str, method: &str, mut arguments: Value) -> Value {
        arguments["context"]["allowed_company_ids"] = json!([company]);
        let key = text(&self.instance.seed["admin"]["key"]);
        self.call(&key, model, method, arguments)
    }

    /// A new API key for a user.
    pub fn new_key(&self, login: &str) -> String {
        installer(self.instance.folder.as_deref(), &["key", &self.name, login])
            .trim()
            .to_owned()
    }

    fn post(&self, key: &str, path: &str, arguments: &Value) -> (u16, String) {
        let body = arguments.to_string();
        let mut stream = TcpStream::connect(&self.instance.address).expect("Odoo listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        write!(
            stream,
            "POST {path} HTTP/1.0\r\nHost: {}\r\nContent-Type: application/json\r\nAuthorization: bearer {key}\r\n\
             X-Odoo-Database: {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.instance.address,
            self.name,
            body.len()
        )
        .expect("Odoo takes the request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("Odoo answers in time");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .expect("an HTTP status");
        (status, body.to_owned())
    }

    /// Runs Python in Odoo's own shell, and gives the JSON that it printed on a line of its own.
    pub fn shell(&self, script: &str) -> Value {
        let folder = self.instance.folder.as_deref();
        let printed = feed(folder, &["shell", &self.name], script).unwrap_or_else(|error| panic!("{error}"));
        let line = printed.lines().rev().find(|line| line.starts_with('{'));
        let line = line.unwrap_or_else(|| panic!("the script printed no JSON: {printed}"));
        serde_json::from_str(line).expect("JSON")
    }

    /// Makes so many confirmed untracked orders of plant A, each for this quantity, and items to count; their codes.
    pub fn furnish(&self, orders: usize, quantity: usize, items: usize) -> (Vec<String>, Vec<String>) {
        let sizes = format!("ORDERS, QUANTITY, ITEMS = {orders}, {quantity}, {items}\n");
        let made = self.shell(&(sizes + include_str!("furnish.py")));
        let names = |what: &str| made[what].as_array().expect("a list").iter().map(text).collect();
        (names("orders"), names("items"))
    }

    /// The rows of a query, columns as text.
    pub fn sql(&self, query: &str) -> Vec<Vec<String>> {
        let output = Command::new(&self.instance.psql)
            .args(["-h", &self.instance.socket, "-U", "odoo", "-d", &self.name])
            .args(["-At", "-F", "\t", "-c", query])
            .output()
            .expect("psql runs");
        assert!(
            output.status.success(),
            "{query}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).expect("psql speaks UTF-8");
        text.lines()
            .map(|line| line.split('\t').map(str::to_owned).collect())
            .collect()
    }

    /// The one value of a query.
    pub fn one(&self, query: &str) -> String {
        let rows = self.sql(query);
        match &rows[..] {
            [row] if row.len() == 1 => row[0].clone(),
            _ => panic!("{query}: {rows:?} is not one value"),
        }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = run(self.instance.folder.as_deref(), &["drop", &self.name]);
    }
}

/// A folder for an instance of one's own: PostgreSQL runs as another user, who must be able to enter.
pub fn folder() -> tempfile::TempDir {
    let public = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    let folder = tempfile::Builder::new().permissions(public).tempdir();
    folder.expect("a folder")
}

/// Runs the repository's own command for Odoo and gives what it printed.
fn installer(folder: Option<&Path>, arguments: &[&str]) -> String {
    run(folder, arguments).unwrap_or_else(|error| panic!("installer/odoo {arguments:?}: {error}"))
}

fn run(folder: Option<&Path>, arguments: &[&str]) -> Result<String, String> {
    feed(folder, arguments, "")
}

fn feed(folder: Option<&Path>, arguments: &[&str], input: &str) -> Result<String, String> {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../installer/odoo");
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some(folder) = folder {
        command.arg("--dir").arg(folder);
    }
    let told = |error: std::io::Error| error.to_string();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(told)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).map_err(told)?;
    }
    let output = child.wait_with_output().map_err(told)?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// A JSON text.
pub fn text(json: &Value) -> String {
    json.as_str()
        .unwrap_or_else(|| panic!("{json} is no text"))
        .to_owned()
}
