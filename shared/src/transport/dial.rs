//! From a configured host to an encrypted stream: resolve, connect, shake hands. And, when the broker hangs up
//! without a word, the question why.

use std::io;
use std::time::Duration;

use jiff::Timestamp;
use rustls::{AlertDescription, CertificateError};
use rustls_pki_types::{ServerName, UnixTime};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{DIAL_TIMEOUT, Fault, Identity, Refusal, Side};

/// How long to listen for the reason after the broker hung up on us.
const INQUIRY_TIMEOUT: Duration = Duration::from_secs(3);

/// Where a broker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    host: String,
    port: u16,
    name: ServerName<'static>,
}

impl Endpoint {
    /// An endpoint at `host` (a name or an IP address). Its certificate must be for `server_name`, or for `host` if
    /// none is given. `None` if that is neither a DNS name nor an IP address.
    pub fn new(host: &str, port: u16, server_name: Option<&str>) -> Option<Self> {
        let name = ServerName::try_from(server_name.unwrap_or(host).to_owned()).ok()?;
        Some(Self {
            host: host.to_owned(),
            port,
            name,
        })
    }

    /// The name that the certificate must have.
    pub fn server_name(&self) -> String {
        self.name.to_str().into_owned()
    }

    /// Resolves, connects and shakes hands, within [`DIAL_TIMEOUT`].
    ///
    /// With TLS 1.3 a handshake is done before the broker has judged our certificate: its refusal arrives on the
    /// first read.
    pub(super) async fn dial(&self, identity: &Identity) -> Result<TlsStream<TcpStream>, Fault> {
        let socket = timeout(DIAL_TIMEOUT, self.connect());
        let socket = socket
            .await
            .map_err(|_| timed_out("connecting to the broker"))??;
        // Frames are written whole; waiting for more to fill a segment only delays receipts.
        socket.set_nodelay(true).map_err(|e| self.unreachable(&e))?;
        let handshake = TlsConnector::from(identity.config.clone()).connect(self.name.clone(), socket);
        match timeout(DIAL_TIMEOUT, handshake).await {
            Err(_) => Err(timed_out("shaking hands with the broker (TLS)")),
            Ok(Err(e)) => Err(explain(&e, identity)),
            Ok(Ok(stream)) => Ok(stream),
        }
    }

    /// Finds out why a broker closes the connection right after the handshake. A refusal of our certificate may be
    /// overtaken by the reset that follows it if we had something to say, so this one says nothing and listens.
    pub(super) async fn inquire(&self, identity: &Identity) -> Option<Fault> {
        let mut stream = match self.dial(identity).await {
            Ok(stream) => stream,
            Err(fault) => return Some(fault),
        };
        match timeout(INQUIRY_TIMEOUT, stream.read_u8()).await {
            Ok(Err(e)) if tls_error(&e).is_some() => Some(explain(&e, identity)),
            _ => None,
        }
    }

    async fn connect(&self) -> Result<TcpStream, Fault> {
        let not_found = |reason: String| Fault::HostNotFound {
            host: self.host.clone(),
            reason,
        };
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let mut last = not_found("the resolver knows the name but gave no address".to_owned());
        for address in found.map_err(|e| not_found(e.to_string()))? {
            match TcpStream::connect(address).await {
                Ok(socket) => return Ok(socket),
                Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {
                    last = Fault::ConnectionRefused {
                        address: self.address(),
                    };
                }
                Err(e) => last = self.unreachable(&e),
            }
        }
        Err(last)
    }

    fn address(&self) -> String {
        self.to_string()
    }

    fn unreachable(&self, error: &io::Error) -> Fault {
        Fault::Unreachable {
            address: self.address(),
            reason: error.to_string(),
        }
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

fn timed_out(waiting_for: &'static str) -> Fault {
    Fault::TimedOut {
        waiting_for,
        after: DIAL_TIMEOUT,
    }
}

/// The TLS library's error inside an IO error, if it is one.
pub(super) fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// Turns what went wrong on an encrypted stream into a fault.
pub(super) fn explain(error: &io::Error, identity: &Identity) -> Fault {
    match tls_error(error) {
        Some(rustls::Error::InvalidCertificate(problem)) => broker_certificate(problem, identity),
        Some(rustls::Error::AlertReceived(alert)) => alert_received(*alert, identity, Timestamp::now()),
        Some(other) => Fault::Tls {
            reason: other.to_string(),
        },
        None => Fault::Broken {
            reason: error.to_string(),
            lasted: None,
        },
    }
}

/// What we have against the broker's certificate.
fn broker_certificate(problem: &CertificateError, identity: &Identity) -> Fault {
    match problem {
        // A new authority with the name of the old one shows as a bad signature.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => Fault::UnknownIssuer {
            ca_file: identity.ca_file.clone(),
        },
        CertificateError::NotValidForNameContext { expected, presented } => {
            let presented = presented.iter().map(|name| bare(name)).collect();
            Fault::NameMismatch {
                expected: expected.to_str().into_owned(),
                presented,
            }
        }
        CertificateError::ExpiredContext { time, not_after } => Fault::Expired {
            side: Side::Broker,
            not_after: timestamp(*not_after),
            now: timestamp(*time),
        },
        CertificateError::NotValidYetContext { time, not_before } => Fault::Clock {
            side: Side::Broker,
            not_before: timestamp(*not_before),
            now: timestamp(*time),
        },
        other => Fault::Tls {
            reason: format!("the broker's certificate is not acceptable: {other}"),
        },
    }
}

/// What the broker has against ours. Its alert is coarse, so our own dates are looked at too.
fn alert_received(alert: AlertDescription, identity: &Identity, now: Timestamp) -> Fault {
    use AlertDescription as Alert;
    let own = &identity.certificate;
    let refusal = match alert {
        Alert::CertificateExpired | Alert::BadCertificate if now > own.not_after => {
            return Fault::Expired {
                side: Side::Own,
                not_after: own.not_after,
                now,
            };
        }
        Alert::CertificateExpired | Alert::BadCertificate if now < own.not_before => {
            return Fault::Clock {
                side: Side::Own,
                not_before: own.not_before,
                now,
            };
        }
        Alert::UnknownCA | Alert::DecryptError => Refusal::UnknownAuthority,
        Alert::CertificateRequired => Refusal::Missing,
        Alert::CertificateExpired => Refusal::Expired,
        Alert::CertificateRevoked => Refusal::Revoked,
        Alert::BadCertificate => Refusal::Other("it is not acceptable".to_owned()),
        Alert::UnsupportedCertificate => Refusal::Other("it is not made for clients".to_owned()),
        Alert::CertificateUnknown | Alert::AccessDenied => Refusal::Other("access denied".to_owned()),
        other => {
            return Fault::Tls {
                reason: format!("the broker ended the handshake with {other:?}"),
            };
        }
    };
    Fault::CertificateRefused {
        refusal,
        subject: own.subject.clone(),
        issuer: own.issuer.clone(),
        not_after: own.not_after,
    }
}

/// The library shows names as `DnsName("example")` and `IpAddress(10.1.2.3)`.
fn bare(name: &str) -> String {
    let inner = name
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'))
        .unwrap_or(name);
    inner.trim_matches('"').to_owned()
}

fn timestamp(time: UnixTime) -> Timestamp {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|s| Timestamp::from_second(s).ok())
        .unwrap_or(Timestamp::MAX)
}
