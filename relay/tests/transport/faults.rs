//! Each way in which two certificates can fail to agree has its own name.

use std::time::{Duration, SystemTime};

use millrace_relay::pki::{Authority, Subject};
use millrace_shared::transport::{Fault, Refusal, Side};
use rustls::AlertDescription;
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncReadExt;

use crate::raw;
use crate::world::{Line, World};

crate::on_every_broker!(
    a_broker_of_another_authority_is_an_unknown_issuer,
    a_new_authority_with_the_old_name_is_an_unknown_issuer_too,
    a_broker_that_does_not_know_our_authority_refuses_our_certificate,
    a_broker_refuses_a_client_without_a_certificate,
    a_broker_refuses_a_client_that_speaks_only_tls_1_2,
    a_broker_under_another_name_is_a_name_mismatch_that_shows_both,
    a_broker_whose_certificate_is_over_is_told_from_one_whose_time_has_not_come,
    our_own_certificate_is_over,
    our_own_certificate_is_not_valid_yet,
    a_renewed_certificate_is_taken_up_without_a_restart,
);

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Valid from `from` days after today to `to` days after today.
fn valid(subject: Subject, from: i32, to: i32) -> Subject {
    let day = |days: i32| {
        let distance = DAY * days.unsigned_abs();
        if days < 0 {
            SystemTime::now() - distance
        } else {
            SystemTime::now() + distance
        }
    };
    Subject {
        not_before: day(from),
        not_after: day(to),
        ..subject
    }
}

/// The fault that an agent sees.
async fn fault(world: &World) -> Fault {
    let fault = Line::open(world.agent("plant-a")).fault().await;
    println!("{}: {fault}", fault.name());
    assert!(!fault.is_transient(), "{fault}");
    fault
}

async fn a_broker_of_another_authority_is_an_unknown_issuer(world: World) {
    let _broker = world.start().await;
    Authority::new("somebody else")
        .unwrap()
        .write(world.path(), "ca")
        .unwrap();
    assert_eq!(
        fault(&world).await,
        Fault::UnknownIssuer {
            ca_file: world.path().join("ca.crt")
        }
    );
}

async fn a_new_authority_with_the_old_name_is_an_unknown_issuer_too(world: World) {
    let _broker = world.start().await;
    Authority::new("Millrace throw-away authority")
        .unwrap()
        .write(world.path(), "ca")
        .unwrap();
    assert_eq!(
        fault(&world).await,
        Fault::UnknownIssuer {
            ca_file: world.path().join("ca.crt")
        }
    );
}

async fn a_broker_that_does_not_know_our_authority_refuses_our_certificate(world: World) {
    let _broker = world.start().await;
    let other = Authority::new("somebody else").unwrap();
    world.replace("plant-a", &other.issue(&Subject::client("plant-a")).unwrap());
    let fault = fault(&world).await;
    let Fault::CertificateRefused {
        refusal,
        subject,
        issuer,
        ..
    } = fault
    else {
        panic!("{fault}")
    };
    assert_eq!(refusal, Refusal::UnknownAuthority);
    assert!(
        subject.contains("CN=plant-a") && issuer.contains("CN=somebody else"),
        "{subject} {issuer}"
    );
}

async fn a_broker_refuses_a_client_without_a_certificate(world: World) {
    let _broker = world.start().await;
    let mut stream = raw::dial(&world, None, &TLS13).await.unwrap();
    let error = stream.read_u8().await.unwrap_err();
    assert_eq!(raw::alert(&error), Some(AlertDescription::CertificateRequired));
}

async fn a_broker_refuses_a_client_that_speaks_only_tls_1_2(world: World) {
    let _broker = world.start().await;
    let error = raw::dial(&world, Some("plant-a"), &TLS12).await.unwrap_err();
    assert_eq!(raw::alert(&error), Some(AlertDescription::ProtocolVersion));
}

async fn a_broker_under_another_name_is_a_name_mismatch_that_shows_both(world: World) {
    let authority = world.new_authority();
    let elsewhere = Subject::server("broker", &["relay.example", "10.1.2.3"]);
    world.replace("broker", &authority.issue(&elsewhere).unwrap());
    let _broker = world.start().await;
    let fault = fault(&world).await;
    let Fault::NameMismatch { expected, presented } = &fault else {
        panic!("{fault}")
    };
    assert_eq!(expected, "localhost");
    assert_eq!(presented, &["relay.example", "10.1.2.3"]);
}

async fn a_broker_whose_certificate_is_over_is_told_from_one_whose_time_has_not_come(world: World) {
    let authority = world.new_authority();
    let server = || Subject::server("broker", &["localhost"]);
    world.replace("broker", &authority.issue(&valid(server(), -9, -2)).unwrap());
    let broker = world.start().await;
    let over = fault(&world).await;
    assert!(
        matches!(over, Fault::Expired { side: Side::Broker, not_after, now } if not_after < now),
        "{over}"
    );
    broker.kill().await;

    world.replace("broker", &authority.issue(&valid(server(), 2, 9)).unwrap());
    let _broker = world.start().await;
    let early = fault(&world).await;
    assert!(
        matches!(early, Fault::Clock { side: Side::Broker, not_before, now } if now < not_before),
        "{early}"
    );
    assert!(
        early.to_string().contains("the clock is probably wrong"),
        "{early}"
    );
}

async fn our_own_certificate_is_over(world: World) {
    let authority = world.new_authority();
    world.replace(
        "plant-a",
        &authority
            .issue(&valid(Subject::client("plant-a"), -9, -2))
            .unwrap(),
    );
    let _broker = world.start().await;
    let fault = fault(&world).await;
    assert!(
        matches!(fault, Fault::Expired { side: Side::Own, not_after, now } if not_after < now),
        "{fault}"
    );
}

async fn our_own_certificate_is_not_valid_yet(world: World) {
    let authority = world.new_authority();
    world.replace(
        "plant-a",
        &authority.issue(&valid(Subject::client("plant-a"), 2, 9)).unwrap(),
    );
    let _broker = world.start().await;
    let fault = fault(&world).await;
    assert!(
        matches!(fault, Fault::Clock { side: Side::Own, not_before, now } if now < not_before),
        "{fault}"
    );
}

async fn a_renewed_certificate_is_taken_up_without_a_restart(world: World) {
    let authority = world.new_authority();
    world.replace(
        "plant-a",
        &authority
            .issue(&valid(Subject::client("plant-a"), -9, -2))
            .unwrap(),
    );
    let _broker = world.start().await;
    let mut plant = Line::open(world.agent("plant-a"));
    assert!(matches!(
        plant.fault().await,
        Fault::Expired { side: Side::Own, .. }
    ));
    world.replace("plant-a", &authority.issue(&Subject::client("plant-a")).unwrap());
    plant.wait_up().await;
}
