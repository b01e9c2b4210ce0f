//! Who we are and whom we trust: three PEM files, turned into a TLS configuration that offers TLS 1.3 and our
//! certificate and accepts only servers of our authority.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, version::TLS13};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::{Certificate, Fault};

/// The most bytes read from a PEM file. A chain of certificates is a few thousand.
const MAX_PEM_BYTES: u64 = 1 << 20;

/// Where the files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The authorities that may have issued the broker's certificate.
    pub ca_file: PathBuf,
    /// Our certificate, followed by any intermediates.
    pub certificate_file: PathBuf,
    /// The private key of our certificate.
    pub key_file: PathBuf,
}

/// The files' content, checked and ready to dial with.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Our certificate.
    pub certificate: Certificate,
    /// The authorities that we trust.
    pub authorities: Vec<Certificate>,
    pub(super) ca_file: PathBuf,
    pub(super) config: Arc<ClientConfig>,
}

type Chain = Vec<CertificateDer<'static>>;

impl Credentials {
    /// Reads and checks all three files. Dates are not judged: the other end does that, and a clock may be wrong.
    pub fn load(&self) -> Result<Identity, Fault> {
        let (roots, chain, key) = self.read()?;
        let readable = |file: &Path, der: &CertificateDer<'_>| {
            Certificate::from_der(der).map_err(|reason| unusable(file, reason))
        };
        let certificate = readable(&self.certificate_file, &chain[0])?;
        let authorities = certificates(&self.ca_file)?;
        let authorities = authorities
            .iter()
            .map(|der| readable(&self.ca_file, der))
            .collect::<Result<_, _>>()?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(|e| Fault::Tls {
                reason: e.to_string(),
            })?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(|e| unusable(&self.key_file, format!("it does not fit the certificate: {e}")))?;
        Ok(Identity {
            certificate,
            authorities,
            ca_file: self.ca_file.clone(),
            config: Arc::new(config),
        })
    }

    /// The trusted authorities, our chain (never empty), and our key.
    pub(super) fn read(&self) -> Result<(RootCertStore, Chain, PrivateKeyDer<'static>), Fault> {
        let mut roots = RootCertStore::empty();
        for authority in certificates(&self.ca_file)? {
            roots
                .add(authority)
                .map_err(|e| unusable(&self.ca_file, format!("no authority's certificate: {e}")))?;
        }
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key_file)?)
            .map_err(|e| unusable(&self.key_file, format!("it holds no private key: {e}")))?;
        Ok((roots, certificates(&self.certificate_file)?, key))
    }
}

fn certificates(file: &Path) -> Result<Chain, Fault> {
    let pem = read(file)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(unusable(file, "it holds no certificate".to_owned())),
        Ok(found) => Ok(found),
        Err(e) => Err(unusable(file, format!("it is not PEM: {e}"))),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Fault> {
    use std::io::Read;
    let mut content = Vec::new();
    std::fs::File::open(file)
        .and_then(|opened| opened.take(MAX_PEM_BYTES + 1).read_to_end(&mut content))
        .map_err(|e| unusable(file, format!("cannot be read: {e}")))?;
    if content.len() as u64 > MAX_PEM_BYTES {
        return Err(unusable(file, format!("more than {MAX_PEM_BYTES} bytes")));
    }
    Ok(content)
}

fn unusable(file: &Path, reason: String) -> Fault {
    Fault::Credentials {
        file: file.to_owned(),
        reason,
    }
}
