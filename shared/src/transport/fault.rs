//! Why there is no connection, told apart so that the person who reads it knows whom to call: the network, the
//! broker, the clock, or whoever issues certificates.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

/// Why the connection is down. Each says what happened and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A file with a certificate or key cannot be used.
    #[error("{file}: {reason}. Put a PEM file there that this service's user can read.", file = .file.display())]
    Credentials {
        /// The file in question.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// The host name has no address.
    #[error(
        "no address is known for the host `{host}` ({reason}). Check its spelling and this machine's DNS."
    )]
    HostNotFound {
        /// The name as configured.
        host: String,
        /// What the resolver said.
        reason: String,
    },

    /// The machine answers, the port does not.
    #[error(
        "{address} refuses connections: the machine is there, but no broker listens on that port. \
         Check the port, and that the broker runs."
    )]
    ConnectionRefused {
        /// Host and port as configured.
        address: String,
    },

    /// The network does not lead there.
    #[error("{address} cannot be reached ({reason}). Check cable, route and firewall.")]
    Unreachable {
        /// Host and port as configured.
        address: String,
        /// What the operating system said.
        reason: String,
    },

    /// Nothing came back in time.
    #[error(
        "no answer within {} s while {waiting_for}. The line may be cut without notice, or a firewall may \
         swallow packets; see whether other services on the same way answer.",
        .after.as_secs()
    )]
    TimedOut {
        /// What was being waited for.
        waiting_for: &'static str,
        /// How long.
        after: Duration,
    },

    /// The broker's certificate comes from an authority that we do not trust.
    #[error(
        "the broker's certificate was not issued by the authority in {}. Either this is not our broker, or it \
         got a certificate from another authority: compare the two, and do not simply trust the new one.",
        .ca_file.display()
    )]
    UnknownIssuer {
        /// Our file of trusted authorities.
        ca_file: PathBuf,
    },

    /// The broker's certificate is for another name.
    #[error(
        "the broker's certificate is not for `{expected}` but for {}. Configure one of these as the host or the \
         server name, or have a certificate issued that also names `{expected}`.",
        names(.presented)
    )]
    NameMismatch {
        /// The name that we dialled.
        expected: String,
        /// The names in the certificate.
        presented: Vec<String>,
    },

    /// A certificate is past its end.
    #[error(
        "{side} certificate expired at {not_after}; this machine's clock says {now}. Renew the certificate, or \
         set the clock if that is what is wrong."
    )]
    Expired {
        /// Whose certificate.
        side: Side,
        /// The last moment of its validity.
        not_after: Timestamp,
        /// What this machine's clock says.
        now: Timestamp,
    },

    /// A certificate is not valid yet, which nearly always means a wrong clock.
    #[error(
        "{side} certificate is valid only from {not_before}, but this machine's clock says {now}: the clock is \
         probably wrong. Set it (and see that it is kept right by NTP); captured times depend on it too."
    )]
    Clock {
        /// Whose certificate.
        side: Side,
        /// The first moment of its validity.
        not_before: Timestamp,
        /// What this machine's clock says.
        now: Timestamp,
    },

    /// The broker does not accept our certificate.
    #[error(
        "the broker refuses our certificate ({subject}, issued by {issuer}, valid until {not_after}): {refusal}."
    )]
    CertificateRefused {
        /// What the broker said about it.
        refusal: Refusal,
        /// The subject of our certificate.
        subject: String,
        /// Who issued our certificate.
        issuer: String,
        /// The last moment of its validity.
        not_after: Timestamp,
    },

    /// Any other failure of the TLS handshake.
    #[error("no TLS connection: {reason}. The broker must speak TLS 1.3 on this port.")]
    Tls {
        /// What the TLS library said.
        reason: String,
    },

    /// The broker answered CONNECT with a refusal (MQTT 3.1.1, table 3.1).
    #[error(
        "the broker refuses the session: {reason}. Look at the broker's log for the client `{client_id}`."
    )]
    SessionRefused {
        /// The return code in words.
        reason: String,
        /// The client identifier that we used.
        client_id: String,
    },

    /// The broker refused a subscription.
    #[error("the broker refuses the subscription to {}. Check its access rules for this certificate.", names(.filters))]
    SubscriptionRefused {
        /// The filters that were refused.
        filters: Vec<String>,
    },

    /// The line broke.
    #[error("the connection broke ({reason}){hint}", hint = takeover_hint(*.lasted))]
    Broken {
        /// What the operating system or the broker said.
        reason: String,
        /// How long the session had lasted, if there was one.
        lasted: Option<Duration>,
    },

    /// The other end broke the rules of MQTT.
    #[error("the broker broke the MQTT protocol: {reason}. Check that the port belongs to an MQTT broker.")]
    Protocol {
        /// Which rule.
        reason: String,
    },

    /// Somebody on this side asked for a new connection.
    #[error("the connection was rebuilt on purpose: {reason}")]
    Rebuilt {
        /// Why.
        reason: String,
    },
}

/// Whose certificate is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The broker's.
    Broker,
    /// Our own.
    Own,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Broker => "the broker's",
            Self::Own => "our own",
        })
    }
}

/// What the broker said about our certificate, in a TLS alert (RFC 8446 6.2).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `unknown_ca`
    #[error(
        "it does not trust the authority that issued it. Give the broker our authority, or get a certificate from its own"
    )]
    UnknownAuthority,
    /// `certificate_required`
    #[error("it saw none at all. Check that the certificate file is the client's")]
    Missing,
    /// `certificate_expired`
    #[error(
        "it says that it is out of date although it is valid by this machine's clock. Compare the clocks of both machines"
    )]
    Expired,
    /// `certificate_revoked`
    #[error("it was revoked. Enrol this machine anew if that was not meant")]
    Revoked,
    /// Any other alert about the certificate.
    #[error("{0}. Look at the broker's log")]
    Other(String),
}

impl Fault {
    /// A short, stable name for logs, metrics and scripts.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Credentials { .. } => "credentials",
            Self::HostNotFound { .. } => "host-not-found",
            Self::ConnectionRefused { .. } => "connection-refused",
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut { .. } => "timed-out",
            Self::UnknownIssuer { .. } => "unknown-issuer",
            Self::NameMismatch { .. } => "name-mismatch",
            Self::Expired { .. } => "certificate-expired",
            Self::Clock { .. } => "clock",
            Self::CertificateRefused { .. } => "certificate-refused",
            Self::Tls { .. } => "tls",
            Self::SessionRefused { .. } => "session-refused",
            Self::SubscriptionRefused { .. } => "subscription-refused",
            Self::Broken { .. } => "broken",
            Self::Protocol { .. } => "protocol",
            Self::Rebuilt { .. } => "rebuilt",
        }
    }

    /// Whether it may pass by itself. For any other a person has to act; attempts go on all the same, because the
    /// act may happen at the other end.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::HostNotFound { .. }
                | Self::ConnectionRefused { .. }
                | Self::Unreachable { .. }
                | Self::TimedOut { .. }
                | Self::Broken { .. }
                | Self::Rebuilt { .. }
        )
    }
}

fn names(names: &[String]) -> String {
    if names.is_empty() {
        "no name at all".to_owned()
    } else {
        format!("`{}`", names.join("`, `"))
    }
}

/// A broker that gives a session to someone else closes ours without a word (MQTT 3.1.1, 3.1.4-2).
fn takeover_hint(lasted: Option<Duration>) -> &'static str {
    match lasted {
        Some(lasted) if lasted < super::STABLE_AFTER => {
            ". If this repeats, another machine may be using the same certificate: look for a cloned agent."
        }
        _ => "",
    }
}
