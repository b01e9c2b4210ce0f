//! A throw-away authority: certificates for trying Millrace out and for tests. A plant that goes live gets its
//! certificates from its own authority; nothing here revokes, renews or protects a key by more than file rights.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use millrace_shared::ident::AgentId;
pub use millrace_shared::ident::RELAY_NAME;
use millrace_shared::transport::Credentials;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};

/// The common name of the broker's certificate. No agent may have it.
pub const BROKER_NAME: &str = "broker";
/// How long throw-away certificates are valid.
const THROW_AWAY_VALIDITY: Duration = Duration::from_secs(90 * 24 * 3600);
/// How far in the past validity begins, so that a clock that is a little slow does no harm.
const CLOCK_SLACK: Duration = Duration::from_secs(3600);

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// The library refused, for instance a name that is no DNS name.
    #[error("cannot make the certificate for `{name}`: {reason}")]
    Make {
        /// The common name asked for.
        name: String,
        /// What the library said.
        reason: rcgen::Error,
    },
    /// A file could not be written.
    #[error("cannot write {file}: {reason}", file = .file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// An agent cannot have this name.
    #[error("no agent can be named `{0}`: the name is taken by another part")]
    Reserved(AgentId),
}

/// An authority that issues certificates.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// What a certificate is for.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its common name: an agent's id, or [`RELAY_NAME`] or [`BROKER_NAME`].
    pub common_name: String,
    /// For a server, the DNS names and IP addresses under which it is dialled; for a client, none.
    pub server_names: Vec<String>,
    /// The first moment of validity.
    pub not_before: SystemTime,
    /// The last moment of validity.
    pub not_after: SystemTime,
}

/// A certificate and its private key, both PEM.
pub struct Issued {
    certificate: String,
    key: String,
}

impl Subject {
    /// A client: an agent or the relay.
    pub fn client(common_name: &str) -> Self {
        Self::server(common_name, &[])
    }

    /// A server that is dialled under these names.
    pub fn server(common_name: &str, server_names: &[&str]) -> Self {
        let now = SystemTime::now();
        Self {
            common_name: common_name.to_owned(),
            server_names: server_names.iter().map(|&name| name.to_owned()).collect(),
            not_before: now - CLOCK_SLACK,
            not_after: now + THROW_AWAY_VALIDITY,
        }
    }

    fn params(&self) -> Result<CertificateParams, PkiError> {
        let mut params =
            CertificateParams::new(self.server_names.clone()).map_err(|e| made(&self.common_name, e))?;
        params.distinguished_name.remove(DnType::CommonName);
        params
            .distinguished_name
            .push(DnType::CommonName, self.common_name.as_str());
        params.not_before = self.not_before.into();
        params.not_after = self.not_after.into();
        Ok(params)
    }
}

impl Authority {
    /// A new authority with a key of its own.
    pub fn new(name: &str) -> Result<Self, PkiError> {
        let mut params = Subject::client(name).params()?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer =
            key(name).and_then(|key| CertifiedIssuer::self_signed(params, key).map_err(|e| made(name, e)))?;
        Ok(Self { issuer })
    }

    /// Issues a certificate with a new P-256 key.
    pub fn issue(&self, subject: &Subject) -> Result<Issued, PkiError> {
        let name = &subject.common_name;
        let mut params = subject.params()?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![match subject.server_names.is_empty() {
            true => ExtendedKeyUsagePurpose::ClientAuth,
            false => ExtendedKeyUsagePurpose::ServerAuth,
        }];
        let key = key(name)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(|e| made(name, e))?;
        Ok(Issued {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    /// Writes the authority's certificate, which everyone may read, to `<folder>/<name>.crt`. Its key is never written.
    pub fn write(&self, folder: &Path, name: &str) -> Result<PathBuf, PkiError> {
        write(&folder.join(format!("{name}.crt")), &self.issuer.pem(), 0o644)
    }
}

impl Issued {
    /// Writes `<folder>/<name>.crt` and `<folder>/<name>.key`, the key for its owner's eyes only.
    pub fn write(&self, folder: &Path, name: &str) -> Result<(PathBuf, PathBuf), PkiError> {
        let certificate = write(&folder.join(format!("{name}.crt")), &self.certificate, 0o644)?;
        let key = write(&folder.join(format!("{name}.key")), &self.key, 0o600)?;
        Ok((certificate, key))
    }
}

/// Makes a complete throw-away set in `folder`: `ca.crt`, and certificate and key of the broker (to be dialled under
/// `server_names`), of the relay and of each agent. The authority's key is forgotten, so nobody can add to the set.
pub fn throw_away(folder: &Path, server_names: &[&str], agents: &[AgentId]) -> Result<(), PkiError> {
    fs::create_dir_all(folder).map_err(|reason| PkiError::Write {
        file: folder.to_owned(),
        reason,
    })?;
    let authority = Authority::new("Millrace throw-away authority")?;
    authority.write(folder, "ca")?;
    authority
        .issue(&Subject::server(BROKER_NAME, server_names))?
        .write(folder, BROKER_NAME)?;
    authority
        .issue(&Subject::client(RELAY_NAME))?
        .write(folder, RELAY_NAME)?;
    for agent in agents {
        if [BROKER_NAME, "ca"].contains(&agent.as_str()) {
            return Err(PkiError::Reserved(agent.clone()));
        }
        authority
            .issue(&Subject::client(agent.as_str()))?
            .write(folder, agent.as_str())?;
    }
    Ok(())
}

/// Where [`throw_away`] put the files of `name`.
pub fn credentials(folder: &Path, name: &str) -> Credentials {
    Credentials {
        ca_file: folder.join("ca.crt"),
        certificate_file: folder.join(format!("{name}.crt")),
        key_file: folder.join(format!("{name}.key")),
    }
}

fn key(name: &str) -> Result<KeyPair, PkiError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|e| made(name, e))
}

fn made(name: &str, reason: rcgen::Error) -> PkiError {
    PkiError::Make {
        name: name.to_owned(),
        reason,
    }
}

fn write(file: &Path, pem: &str, mode: u32) -> Result<PathBuf, PkiError> {
    // A key must never stand in a file that was there before with wider rights.
    let written = fs::remove_file(file)
        .or_else(|e| {
            if e.kind() == io::ErrorKind::NotFound {
                Ok(())
            } else {
                Err(e)
            }
        })
        .and_then(|()| {
            fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode)
                .open(file)
        })
        .and_then(|mut opened| opened.write_all(pem.as_bytes()));
    written
        .map(|()| file.to_owned())
        .map_err(|reason| PkiError::Write {
            file: file.to_owned(),
            reason,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_set_serves_every_part_and_keeps_its_keys_to_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let agent: AgentId = "plant-a".parse().unwrap();
        throw_away(folder.path(), &["localhost", "127.0.0.1"], &[agent]).unwrap();
        for name in [BROKER_NAME, RELAY_NAME, "plant-a"] {
            let identity = credentials(folder.path(), name).load().unwrap();
            assert_eq!(identity.certificate.common_name.as_deref(), Some(name));
            let key = fs::metadata(folder.path().join(format!("{name}.key"))).unwrap();
            assert_eq!(key.permissions().mode() & 0o777, 0o600);
        }
        assert!(!folder.path().join("ca.key").exists());
    }

    #[test]
    fn an_agent_cannot_take_the_name_of_another_file() {
        let folder = tempfile::tempdir().unwrap();
        for name in [BROKER_NAME, "ca"] {
            let agent: AgentId = name.parse().unwrap();
            assert!(matches!(
                throw_away(folder.path(), &["localhost"], &[agent]),
                Err(PkiError::Reserved(_))
            ));
        }
    }
}
