//! A TLS client and a TLS server that do what ours never would.

use std::io;
use std::sync::Arc;

use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS13;
use rustls::{AlertDescription, ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::world::World;

/// Connects as `name`, or with no certificate, in one version of TLS only.
pub async fn dial(
    world: &World,
    name: Option<&str>,
    version: &'static SupportedProtocolVersion,
) -> io::Result<TlsStream<TcpStream>> {
    let file = |file: &str| world.path().join(file);
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(file("ca.crt")).unwrap())
        .unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots);
    let config = match name {
        None => config.with_no_client_auth(),
        Some(name) => {
            let certificate = CertificateDer::from_pem_file(file(&format!("{name}.crt"))).unwrap();
            let key = PrivateKeyDer::from_pem_file(file(&format!("{name}.key"))).unwrap();
            config.with_client_auth_cert(vec![certificate], key).unwrap()
        }
    };
    let socket = TcpStream::connect(("127.0.0.1", world.port)).await?;
    TlsConnector::from(Arc::new(config))
        .connect("localhost".try_into().unwrap(), socket)
        .await
}

/// A server on the world's port with the broker's certificate, which asks for clients of this authority, or for none.
pub fn server(world: &World, clients: Option<&str>) -> TlsAcceptor {
    let file = |file: &str| world.path().join(file);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13])
        .unwrap();
    let config = match clients {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots
                .add(CertificateDer::from_pem_file(file(authority)).unwrap())
                .unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            config.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let certificate = CertificateDer::from_pem_file(file("broker.crt")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("broker.key")).unwrap();
    TlsAcceptor::from(Arc::new(config.with_single_cert(vec![certificate], key).unwrap()))
}

/// What the other end said when it hung up.
pub fn alert(error: &io::Error) -> Option<AlertDescription> {
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::AlertReceived(alert) => Some(*alert),
        _ => None,
    }
}

/// An MQTT 3.1.1 CONNECT with a short client id and the given flags (3.1.2.3).
pub fn connect(flags: u8, client_id: &str) -> Vec<u8> {
    let length = u8::try_from(client_id.len()).unwrap();
    let mut packet = vec![
        0x10,
        12 + length,
        0,
        4,
        b'M',
        b'Q',
        b'T',
        b'T',
        4,
        flags,
        0,
        60,
        0,
        length,
    ];
    packet.extend_from_slice(client_id.as_bytes());
    packet
}
