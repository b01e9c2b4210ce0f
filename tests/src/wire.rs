//! The wire between the relay and Odoo, where a test can do to a call what a network, a proxy or a tired server does.
//!
//! Everything that is not disturbed reaches the real Odoo and comes back as it was.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::odoo::Instance;

/// Longest time that the wire waits for either end.
const PATIENCE: Duration = Duration::from_secs(180);

/// A call on its way.
#[derive(Debug)]
pub struct Call {
    /// Such as `millrace.posting/apply`.
    pub what: String,
    /// The head of the request, in small letters.
    pub head: String,
    /// What it says.
    pub body: String,
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// It reaches Odoo, and the answer comes back.
    Pass,
    /// It reaches Odoo, which does it; the answer is lost.
    CutReply,
    /// It never reaches Odoo.
    Cut,
    /// Somebody before Odoo answers this: status, content type and body.
    Answer(u16, &'static str, &'static str),
}

type Rule = Arc<dyn Fn(&Call) -> Deed + Send + Sync>;

/// A wire to an Odoo. Its thread ends with the test's process.
#[derive(Clone)]
pub struct Wire {
    /// Where the relay finds Odoo.
    pub url: String,
    rule: Arc<Mutex<Rule>>,
}

impl Wire {
    /// A wire that lets everything pass.
    pub fn to(instance: &'static Instance) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let rule: Arc<Mutex<Rule>> = Arc::new(Mutex::new(Arc::new(|_| Deed::Pass)));
        let rules = rule.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let rules = rules.clone();
                // A connection that breaks is the business of its two ends.
                thread::spawn(move || carry(stream, instance.address(), &rules));
            }
        });
        Self { url, rule }
    }

    /// From now on this decides what happens to each call. It may take its time: others are not kept waiting.
    pub fn rule(&self, rule: impl Fn(&Call) -> Deed + Send + Sync + 'static) {
        *self.rule.lock().expect("no rule panics") = Arc::new(rule);
    }

    /// From now on everything passes.
    pub fn heal(&self) {
        self.rule(|_| Deed::Pass);
    }
}

fn carry(mut stream: TcpStream, odoo: &str, rules: &Mutex<Rule>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let (call, bytes) = read(&stream)?;
    let rule = rules.lock().expect("no rule panics").clone();
    match rule(&call) {
        Deed::Cut => Ok(()),
        Deed::Pass => stream.write_all(&ask(odoo, &bytes)?),
        Deed::CutReply => ask(odoo, &bytes).map(drop),
        Deed::Answer(status, kind, body) => write!(
            stream,
            "HTTP/1.1 {status} Disturbed\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ),
    }
}

/// One request, to be sent on with the wish that its connection ends after it.
fn read(stream: &TcpStream) -> io::Result<(Call, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.trim_end().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let path = head.split(' ').nth(1).unwrap_or_default();
    let call = Call {
        what: path.trim_start_matches("/json/2/").to_owned(),
        head: head.to_lowercase(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let bytes = [format!("{head}Connection: close\r\n\r\n").as_bytes(), &body].concat();
    Ok((call, bytes))
}

fn ask(odoo: &str, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(odoo)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
