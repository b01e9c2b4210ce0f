//! Failures on the way to a broker, before any certificate is looked at.

use millrace_relay::pki::Authority;
use millrace_shared::transport::{Endpoint, Fault, Refusal, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::raw;
use crate::world::{Kind, Line, World};

fn at(world: &World, host: &str, port: u16) -> Settings {
    Settings {
        endpoint: Endpoint::new(host, port, Some("localhost")).unwrap(),
        ..world.agent("plant-a")
    }
}

#[tokio::test]
async fn a_port_where_nobody_listens_refuses_the_connection() {
    let world = World::new(Kind::Mosquitto);
    let fault = Line::open(at(&world, "127.0.0.1", world.port)).fault().await;
    assert!(
        matches!(&fault, Fault::ConnectionRefused { address } if address.contains(&world.port.to_string()))
    );
    assert!(fault.is_transient());
}

#[tokio::test]
async fn a_host_that_nobody_knows_is_not_found() {
    let world = World::new(Kind::Mosquitto);
    let fault = Line::open(at(&world, "no-such-host.invalid", 8883)).fault().await;
    assert!(
        matches!(&fault, Fault::HostNotFound { host, .. } if host == "no-such-host.invalid"),
        "{fault}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_nothing_is_given_up_after_a_while() {
    let world = World::new(Kind::Mosquitto);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let fault = Line::open(at(&world, "127.0.0.1", silent.local_addr().unwrap().port()))
        .fault()
        .await;
    assert!(matches!(fault, Fault::TimedOut { .. }), "{fault}");
}

#[tokio::test]
async fn a_peer_that_does_not_speak_tls_is_named_as_such() {
    let world = World::new(Kind::Mosquitto);
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = plain.local_addr().unwrap().port();
    let answering = tokio::spawn(async move {
        let (mut socket, _) = plain.accept().await.unwrap();
        socket
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        socket
    });
    let fault = Line::open(at(&world, "127.0.0.1", port)).fault().await;
    assert!(matches!(fault, Fault::Tls { .. }), "{fault}");
    answering.await.unwrap();
}

#[tokio::test]
async fn a_refusal_that_was_lost_in_a_reset_is_asked_for_again() {
    let world = World::new(Kind::Mosquitto);
    Authority::new("somebody else")
        .unwrap()
        .write(world.path(), "other")
        .unwrap();
    let listener = TcpListener::bind(("127.0.0.1", world.port)).await.unwrap();
    let (curt, plain) = (raw::server(&world, None), raw::server(&world, Some("other.crt")));
    let serving = tokio::spawn(async move {
        // As if the alert had been overtaken: the first connection is reset as soon as the client speaks.
        let (socket, _) = listener.accept().await.unwrap();
        socket.set_zero_linger().unwrap();
        let mut stream = curt.accept(socket).await.unwrap();
        stream.read_u8().await.unwrap();
        drop(stream);
        let (socket, _) = listener.accept().await.unwrap();
        plain.accept(socket).await.unwrap_err();
    });
    let fault = Line::open(world.agent("plant-a")).fault().await;
    serving.await.unwrap();
    assert!(
        matches!(
            fault,
            Fault::CertificateRefused {
                refusal: Refusal::UnknownAuthority,
                ..
            }
        ),
        "{fault}"
    );
}

#[tokio::test]
async fn a_missing_or_foreign_file_is_named_with_what_is_wrong_with_it() {
    let world = World::new(Kind::Mosquitto);
    let spoil = |change: fn(&mut millrace_shared::transport::Credentials, &World)| {
        let mut credentials = world.credentials("plant-a");
        change(&mut credentials, &world);
        credentials.load().unwrap_err().to_string()
    };
    let missing = spoil(|c, world| c.ca_file = world.path().join("none.crt"));
    assert!(
        missing.contains("none.crt: cannot be read: No such file"),
        "{missing}"
    );
    let no_key = spoil(|c, _| c.key_file.clone_from(&c.certificate_file));
    assert!(
        no_key.contains("plant-a.crt: it holds no private key"),
        "{no_key}"
    );
    let other_key = spoil(|c, world| c.key_file = world.path().join("plant-b.key"));
    assert!(
        other_key.contains("plant-b.key: it does not fit the certificate"),
        "{other_key}"
    );
}
