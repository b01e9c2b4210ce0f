//! The server's half of the same TLS rules, for a broker of our own: TLS 1.3, and nobody without a certificate of our
//! authority.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS13;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Certificate, Credentials, Fault};

/// How long a client may take for its handshake.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Turns sockets into encrypted streams from known clients.
#[derive(Clone)]
pub struct Acceptor(TlsAcceptor);

impl Credentials {
    /// Reads and checks all three files for a server: `ca_file` says whose clients are let in.
    pub fn acceptor(&self) -> Result<Acceptor, Fault> {
        let (roots, chain, key) = self.read()?;
        let unusable = |reason: String| Fault::Credentials {
            file: self.certificate_file.clone(),
            reason,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .build()
            .map_err(|e| Fault::Credentials {
                file: self.ca_file.clone(),
                reason: e.to_string(),
            })?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(|e| unusable(e.to_string()))?
            .with_client_cert_verifier(clients)
            .with_single_cert(chain, key)
            .map_err(|e| unusable(format!("it does not fit the key: {e}")))?;
        Ok(Acceptor(TlsAcceptor::from(Arc::new(config))))
    }
}

impl Acceptor {
    /// Shakes hands, within [`HANDSHAKE_TIMEOUT`], and says who the client is. The error is a sentence fragment for
    /// the log.
    pub async fn accept(&self, socket: TcpStream) -> Result<(TlsStream<TcpStream>, Certificate), String> {
        let stream = timeout(HANDSHAKE_TIMEOUT, self.0.accept(socket))
            .await
            .map_err(|_| format!("no TLS handshake within {} s", HANDSHAKE_TIMEOUT.as_secs()))?
            .map_err(|e| format!("TLS handshake failed: {e}"))?;
        let shown = stream
            .get_ref()
            .1
            .peer_certificates()
            .and_then(|chain| chain.first());
        let certificate = Certificate::from_der(shown.ok_or("it showed no certificate")?)?;
        Ok((stream, certificate))
    }
}
