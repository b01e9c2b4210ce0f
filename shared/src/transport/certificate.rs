//! What people need to know about an X.509 certificate (RFC 5280): whose it is and when it is valid. It decides
//! nothing: trust is rustls' business.

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The readable part of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The common name of its subject (RFC 5280 4.1.2.6). For an agent: its id.
    pub common_name: Option<String>,
    /// Its subject in full, as `CN=…, O=…`.
    pub subject: String,
    /// The subject of the authority that issued it.
    pub issuer: String,
    /// The first second of its validity.
    pub not_before: Timestamp,
    /// The last second of its validity.
    pub not_after: Timestamp,
}

impl Certificate {
    /// Reads one certificate. The error is a sentence fragment for people.
    pub fn from_der(der: &CertificateDer<'_>) -> Result<Self, String> {
        let (_, parsed) =
            X509Certificate::from_der(der).map_err(|e| format!("not an X.509 certificate: {e}"))?;
        let time =
            |seconds| Timestamp::from_second(seconds).map_err(|e| format!("its validity is unreadable: {e}"));
        Ok(Self {
            common_name: parsed
                .subject()
                .iter_common_name()
                .next()
                .and_then(|name| name.as_str().ok())
                .map(str::to_owned),
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            not_before: time(parsed.validity().not_before.timestamp())?,
            not_after: time(parsed.validity().not_after.timestamp())?,
        })
    }
}
