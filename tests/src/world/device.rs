//! What talks to an agent: scanners, and a program that posts messages over HTTP.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};

use serde_json::{Value, json};
use tokio::net::TcpSocket;

use super::{PATIENCE, TOKEN};

/// A scanner with its connection.
#[derive(Debug)]
pub struct Scanner {
    stream: TcpStream,
    answers: BufReader<TcpStream>,
}

impl Scanner {
    /// Connects to a station's port.
    pub fn at(port: u16) -> io::Result<Self> {
        Self::new(TcpStream::connect(("127.0.0.1", port))?)
    }

    /// Connects from an address of its own, such as 127.0.0.2: another device.
    pub fn from(own: &str, port: u16) -> io::Result<Self> {
        let own: IpAddr = own.parse().expect("an address");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let stream = runtime.block_on(async {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::new(own, 0))?;
            let stream = socket
                .connect(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port))
                .await?;
            stream.into_std()
        })?;
        stream.set_nonblocking(false)?;
        Self::new(stream)
    }

    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let answers = BufReader::new(stream.try_clone()?);
        Ok(Self { stream, answers })
    }

    /// Sends a scan and does not wait.
    pub fn send(&mut self, scan: &str) -> io::Result<()> {
        self.stream.write_all(format!("{scan}\n").as_bytes())
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// What it is told next.
    pub fn hear(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// Sends a scan and gives what the scanner is told.
    pub fn scan(&mut self, scan: &str) -> io::Result<String> {
        self.send(scan)?;
        self.hear()
    }
}

/// Sends scans as a scanner would, one after the other, and returns what it was told. Each answer is waited for.
pub fn scan(port: u16, scans: &[&str]) -> io::Result<Vec<String>> {
    let mut scanner = Scanner::at(port)?;
    scans.iter().map(|scan| scanner.scan(scan)).collect()
}

/// A message for [`post`].
pub fn message(kind: &str, external_id: &str, body: Value) -> Value {
    json!({ "kind": kind, "schema": 1, "external_id": external_id, "station": "stock", "body": body })
}

/// Posts messages, one or a list of them, and gives the status and what the program is told.
pub fn post(port: u16, messages: &Value) -> io::Result<(u16, String)> {
    post_bytes(port, messages.to_string().as_bytes())
}

/// The same for a body that need not be JSON.
pub fn post_bytes(port: u16, body: &[u8]) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or(io::ErrorKind::UnexpectedEof)?, answer))
}
