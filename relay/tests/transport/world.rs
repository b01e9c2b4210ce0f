//! A folder with certificates, a broker, and connections to it.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use millrace_relay::broker;
use millrace_relay::pki::{self, Authority, Issued, Subject};
use millrace_shared::ident::AgentId;
use millrace_shared::topic::{Channel, Filter, Topic};
use millrace_shared::transport::{
    self, Bytes, Client, Credentials, Endpoint, Event, Events, Fault, Settings, Status,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::mosquitto::Mosquitto;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(40);

#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Mosquitto,
    Embedded,
}

pub enum Broker {
    Mosquitto(Mosquitto),
    Embedded(CancellationToken, tokio::task::JoinHandle<()>),
}

impl Broker {
    pub async fn kill(self) {
        match self {
            Self::Mosquitto(process) => process.kill(),
            Self::Embedded(stop, task) => {
                stop.cancel();
                task.await.unwrap();
            }
        }
    }
}

pub struct World {
    pub kind: Kind,
    pub folder: TempDir,
    pub port: u16,
}

pub fn agent(id: &str) -> AgentId {
    id.parse().unwrap()
}

pub fn topic(id: &str, channel: Channel) -> Topic {
    Topic::new(agent(id), channel)
}

impl World {
    /// Certificates for `localhost`, the relay and the agents `plant-a` and `plant-b`, and a free port.
    pub fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        pki::throw_away(
            folder.path(),
            &["localhost"],
            &[agent("plant-a"), agent("plant-b")],
        )
        .unwrap();
        Self {
            kind,
            folder,
            port: free_port(),
        }
    }

    pub async fn start(&self) -> Broker {
        match self.kind {
            Kind::Mosquitto => Broker::Mosquitto(Mosquitto::start(self.folder.path(), self.port)),
            Kind::Embedded => {
                let settings = broker::Settings {
                    listen: ([127, 0, 0, 1], self.port).into(),
                    credentials: self.credentials(pki::BROKER_NAME),
                    relay_name: pki::RELAY_NAME.to_owned(),
                };
                let broker = broker::Broker::bind(settings).await.unwrap();
                let stop = CancellationToken::new();
                let task = tokio::spawn(broker.run(stop.clone()));
                Broker::Embedded(stop, task)
            }
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn credentials(&self, name: &str) -> Credentials {
        pki::credentials(self.path(), name)
    }

    /// What an agent connects with.
    pub fn agent(&self, id: &str) -> Settings {
        let status = Status {
            topic: topic(id, Channel::Status),
            online: Bytes::from_static(b"online"),
            offline: Bytes::from_static(b"offline"),
        };
        Settings {
            filters: Filter::of_agent(&agent(id)),
            status: Some(status),
            ..self.settings(id)
        }
    }

    /// What the relay connects with.
    pub fn relay(&self) -> Settings {
        Settings {
            filters: Filter::of_relay(),
            ..self.settings(pki::RELAY_NAME)
        }
    }

    fn settings(&self, name: &str) -> Settings {
        Settings {
            endpoint: Endpoint::new("localhost", self.port, None).unwrap(),
            credentials: self.credentials(name),
            client_id: name.to_owned(),
            filters: Vec::new(),
            status: None,
            keep_alive: Duration::from_secs(10),
        }
    }

    /// Puts a certificate in the place of the one that `name` has.
    pub fn replace(&self, name: &str, certificate: &Issued) {
        certificate.write(self.path(), name).unwrap();
    }

    /// An authority whose certificate takes the place of the trusted one.
    pub fn new_authority(&self) -> Authority {
        let authority = Authority::new("another authority").unwrap();
        authority.write(self.path(), "ca").unwrap();
        for (name, subject) in [
            ("broker", Subject::server("broker", &["localhost"])),
            ("relay", Subject::client("relay")),
            ("plant-a", Subject::client("plant-a")),
        ] {
            self.replace(name, &authority.issue(&subject).unwrap());
        }
        authority
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A connection that runs until it is dropped.
pub struct Line {
    pub client: Client,
    pub events: Events,
    pub stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Line {
    pub fn open(settings: Settings) -> Self {
        let (client, events, connection) = transport::open(settings);
        let stop = CancellationToken::new();
        let task = tokio::spawn(connection.run(stop.clone()));
        Self {
            client,
            events,
            stop,
            task,
        }
    }

    /// Opens a line and waits until it is up.
    pub async fn up(settings: Settings) -> Self {
        let mut line = Self::open(settings);
        line.wait_up().await;
        line
    }

    pub async fn next(&mut self) -> Event {
        let next = tokio::time::timeout(PATIENCE, self.events.next()).await;
        next.expect("something happens in time")
            .expect("the connection runs")
    }

    /// Waits until the line is up, whatever comes before.
    pub async fn wait_up(&mut self) {
        while self.next().await != Event::Up {}
    }

    /// The next fault.
    pub async fn fault(&mut self) -> Fault {
        loop {
            match self.next().await {
                Event::Down { fault, .. } => return fault,
                Event::Up => panic!("the line came up"),
                _ => {}
            }
        }
    }

    /// The next publish that is no status.
    pub async fn arrival(&mut self) -> (Topic, Bytes) {
        loop {
            match self.next().await {
                Event::Arrived { topic, .. } if topic.channel == Channel::Status => {}
                Event::Arrived { topic, payload } => return (topic, payload),
                Event::Up => {}
                other => panic!("a publish was expected, not {other:?}"),
            }
        }
    }

    /// The next status.
    pub async fn status(&mut self) -> (String, Bytes) {
        loop {
            if let Event::Arrived { topic, payload } = self.next().await
                && topic.channel == Channel::Status
            {
                return (topic.agent.to_string(), payload);
            }
        }
    }

    /// Stops as a daemon does.
    pub async fn farewell(mut self) {
        self.stop.cancel();
        (&mut self.task).await.unwrap();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}
