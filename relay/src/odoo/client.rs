//! One JSON-2 call: `POST /json/2/<model>/<method>`, with bounds on time and size. The only place that knows reqwest.

use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, Url};
use serde_json::Value;

use super::fault::{Answer, classify};
use crate::target::{Class, Fault};

/// Largest answer that is read.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Largest key file.
const KEY_BYTES: u64 = 4096;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Reading.
    Short,
    /// Posting: longer than the statement and lock limits of the addon and Odoo's five replays of a conflict.
    Long,
}

impl Patience {
    fn limit(self) -> Duration {
        match self {
            Patience::Short => Duration::from_secs(30),
            Patience::Long => Duration::from_secs(150),
        }
    }
}

/// The API key of a bot user, in a file that is read for each call: a key that was replaced counts without a new start,
/// and a file that is not there concerns its own domain only.
#[derive(Debug, Clone)]
pub struct Key(PathBuf);

impl Key {
    /// The key in the first line of this file.
    pub fn in_file(file: &Path) -> Self {
        Self(file.to_owned())
    }

    fn read(&self) -> Result<String, Fault> {
        let wrong = |what: &str| {
            let text = format!("key file {}: {what}", self.0.display());
            Fault::new(Class::Configuration, text).doing("reading the API key")
        };
        let size = std::fs::metadata(&self.0)
            .map_err(|error| wrong(&error.to_string()))?
            .len();
        if size > KEY_BYTES {
            return Err(wrong("it is too large to be an API key"));
        }
        let text = std::fs::read_to_string(&self.0).map_err(|error| wrong(&error.to_string()))?;
        match text.lines().next().map(str::trim) {
            Some(key) if !key.is_empty() && key.chars().all(|c| c.is_ascii_graphic()) => Ok(key.to_owned()),
            _ => Err(wrong("its first line is no API key")),
        }
    }
}

/// Calls one database of one Odoo as one bot user.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    http: Client,
    url: Url,
    database: String,
    key: Key,
}

impl Caller {
    pub(super) fn new(url: &str, database: &str, key: Key) -> Result<Self, Fault> {
        let wrong =
            |what: String| Fault::new(Class::Configuration, what).doing("preparing the calls to Odoo");
        let url = Url::parse(url).map_err(|error| wrong(format!("{url}: {error}")))?;
        install_ring();
        let http = Client::builder()
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("millrace-relay/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| wrong(chain(&error)))?;
        Ok(Self {
            http,
            url,
            database: database.to_owned(),
            key,
        })
    }

    /// Calls a method with named arguments.
    pub(super) async fn call(
        &self,
        model: &str,
        method: &str,
        arguments: &Value,
        patience: Patience,
    ) -> Result<Value, Fault> {
        let outcome = async {
            let url = self.at(&format!("json/2/{model}/{method}"))?;
            let request = self
                .http
                .post(url)
                .timeout(patience.limit())
                .bearer_auth(self.key.read()?)
                .header("X-Odoo-Database", &self.database)
                .json(arguments);
            read(request.send().await.map_err(|error| not_answered(&error))?).await
        };
        outcome
            .await
            .map_err(|fault| fault.doing(format!("{model}.{method}")))
    }

    /// Odoo's version, as it tells everybody.
    pub(super) async fn version(&self) -> Result<Value, Fault> {
        let outcome = async {
            let request = self
                .http
                .get(self.at("web/version")?)
                .timeout(Patience::Short.limit());
            read(request.send().await.map_err(|error| not_answered(&error))?).await
        };
        outcome
            .await
            .map_err(|fault| fault.doing("asking Odoo for its version"))
    }

    fn at(&self, path: &str) -> Result<Url, Fault> {
        self.url
            .join(path)
            .map_err(|error| Fault::new(Class::Malformed, error.to_string()))
    }
}

async fn read(mut response: Response) -> Result<Value, Fault> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| not_answered(&error))? {
        if body.len() + chunk.len() > ANSWER_BYTES {
            let text = format!("the answer has more than {ANSWER_BYTES} bytes");
            return Err(Fault::new(Class::Malformed, text).ambiguous());
        }
        body.extend_from_slice(&chunk);
    }
    if response.status().is_success()
        && let Ok(json) = serde_json::from_slice(&body)
    {
        return Ok(json);
    }
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    Err(classify(&Answer {
        status: response.status().as_u16(),
        content_type: header(CONTENT_TYPE).unwrap_or_default(),
        retry_after: header(RETRY_AFTER),
        body: &body,
    }))
}

/// No answer came. Unless no connection was made, the call may have taken effect.
fn not_answered(error: &reqwest::Error) -> Fault {
    let text = chain(error);
    if error.is_connect() {
        let untrusted = text.contains("certificate");
        let class = if untrusted {
            Class::Configuration
        } else {
            Class::Transient
        };
        return Fault::new(class, format!("no connection: {text}"));
    }
    let what = if error.is_timeout() {
        "no answer in time"
    } else {
        "the connection broke"
    };
    Fault::new(Class::Transient, format!("{what}: {text}")).ambiguous()
}

/// The error with its causes: reqwest's own text says the least of them.
fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        let part = error.to_string();
        if !text.contains(&part) {
            text = if text.is_empty() {
                part
            } else {
                format!("{text}: {part}")
            };
        }
        cause = error.source();
    }
    text
}

/// reqwest is built without a provider of cryptography of its own; the one that the transport uses serves here too.
fn install_ring() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // An error means that somebody installed one before, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
