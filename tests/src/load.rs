//! What an agent is loaded with: scanners that fire as fast as they are answered, and an MES with open connections.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::json;
use socket2::{Domain, Socket, Type};

use crate::world::{PATIENCE, TOKEN};

/// An MES with a connection that stays open.
pub struct Mes {
    stream: TcpStream,
    answers: BufReader<TcpStream>,
}

impl Mes {
    /// Connects to an agent's port.
    pub fn at(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let answers = BufReader::with_capacity(64 * 1024, stream.try_clone()?);
        Ok(Self { stream, answers })
    }

    /// Posts lines of JSON and waits until they are taken.
    pub fn post(&mut self, lines: &str) -> io::Result<()> {
        let request = format!(
            "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/x-ndjson\r\nContent-Length: {}\r\n\r\n{lines}",
            lines.len()
        );
        self.stream.write_all(request.as_bytes())?;
        let (mut status, mut length, mut line) = (String::new(), 0, String::new());
        while self.answers.read_line(&mut line)? > 2 {
            if status.is_empty() {
                status.clone_from(&line);
            } else if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            line.clear();
        }
        let mut body = vec![0; length];
        self.answers.read_exact(&mut body)?;
        if status.split(' ').nth(1) == Some("200") {
            return Ok(());
        }
        let told = String::from_utf8_lossy(&body);
        Err(io::Error::other(format!("{} {told}", status.trim_end())))
    }
}

/// A line of JSON that counts an item at a place, under its own id.
pub fn count_line(id: &str, item: &str, place: &str, figure: u64) -> String {
    json!({
        "kind": "inventory.count", "schema": 1, "external_id": id, "station": "stock",
        "body": { "item": item, "location": place, "quantity": { "value": figure.to_string(), "unit": "Units" } }
    })
    .to_string()
        + "\n"
}

/// A line of JSON that confirms so many of an order, under its own id.
pub fn confirm_line(id: &str, order: &str, quantity: u64) -> String {
    json!({
        "kind": "production.confirm", "schema": 1, "external_id": id, "station": "line-a",
        "body": { "order": order, "quantity": { "value": quantity.to_string(), "unit": "Units" } }
    })
    .to_string()
        + "\n"
}

/// A scanner that seems to be a device of its own: all of 127.0.0.0/8 is this machine.
pub struct Gun {
    stream: TcpStream,
    answers: BufReader<TcpStream>,
}

impl Gun {
    /// Connects the device with this number, up to 250, to a station's port.
    pub fn at(number: u8, port: u16) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        let own = IpAddr::V4(Ipv4Addr::new(127, 0, 1, number + 1));
        socket.bind(&SocketAddr::new(own, 0).into())?;
        socket.connect(&SocketAddr::from(([127, 0, 0, 1], port)).into())?;
        socket.set_tcp_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let stream = TcpStream::from(socket);
        let answers = BufReader::new(stream.try_clone()?);
        Ok(Self { stream, answers })
    }

    /// Sends a scan and gives what the device is told.
    pub fn scan(&mut self, scan: &str) -> io::Result<String> {
        self.stream.write_all(format!("{scan}\n").as_bytes())?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// Counts an item at a place with four scans; the last one was answered when the message was on disk.
    pub fn count(&mut self, place: &str, item: &str, figure: u64) -> io::Result<()> {
        for scan in [
            format!("L:{place}"),
            format!("I:{item}"),
            format!("Q:{figure}"),
            "CMD:CONFIRM".into(),
        ] {
            let told = self.scan(&scan)?;
            let confirmed = scan.starts_with("CMD");
            if !told.starts_with(if confirmed { "BOOKED" } else { "OK" }) {
                return Err(io::Error::other(format!("{scan}: {told}")));
            }
        }
        Ok(())
    }
}

/// Has so many devices or clients work for a time, each in a thread of its own, and gives what all of them did a second.
pub fn together<W: FnMut() -> usize>(
    workers: usize,
    span: Duration,
    worker: impl Fn(usize) -> W + Sync,
) -> f64 {
    let gate = std::sync::Barrier::new(workers + 1);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..workers)
            .map(|index| {
                let (gate, worker) = (&gate, &worker);
                scope.spawn(move || {
                    let mut work = worker(index);
                    gate.wait();
                    let (start, mut done) = (Instant::now(), 0);
                    while start.elapsed() < span {
                        done += work();
                    }
                    (done, start.elapsed())
                })
            })
            .collect();
        gate.wait();
        let rates = all.into_iter().map(|worker| {
            let (done, spent) = worker.join().expect("a worker");
            done as f64 / spent.as_secs_f64()
        });
        rates.sum()
    })
}
