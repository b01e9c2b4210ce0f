//! What the embedded broker does when somebody is slow, or asks for what it does not serve.

use millrace_relay::pki::{Authority, Subject};
use millrace_shared::ident::Lane;
use millrace_shared::topic::Channel;
use millrace_shared::transport::{Bytes, Event, Fault};
use rustls::version::TLS13;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use crate::raw;
use crate::world::{Kind, Line, World, topic};

const UP: Channel = Channel::Up(Lane::Normal);
const CLEAN: u8 = 0b10;

/// Far more than all buffers on the way can hold.
const MANY: u32 = 400;

fn payload(n: u32) -> Bytes {
    let mut bytes = vec![0; 200_000];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    bytes.into()
}

#[tokio::test]
async fn a_busy_relay_holds_the_agents_back_and_nothing_is_dropped() {
    let world = World::new(Kind::Embedded);
    let _broker = world.start().await;
    let mut relay = Line::up(world.relay()).await;
    let plant = Line::up(world.agent("plant-a")).await;

    let mut sending = JoinSet::new();
    for n in 0..MANY {
        sending.spawn(plant.client.publish(&topic("plant-a", UP), payload(n)));
    }
    // The relay does not read, until no more publish is acknowledged for a while.
    let mut acknowledged = 0;
    while let Ok(Some(done)) =
        tokio::time::timeout(std::time::Duration::from_secs(1), sending.join_next()).await
    {
        done.unwrap().unwrap();
        acknowledged += 1;
    }
    assert!(
        acknowledged < MANY,
        "the broker took {acknowledged} publishes for a relay that reads none"
    );

    let mut heard = vec![false; MANY as usize];
    for _ in 0..MANY {
        let (_, bytes) = relay.arrival().await;
        heard[u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize] = true;
    }
    assert!(heard.into_iter().all(|heard| heard));
    assert!(sending.join_all().await.into_iter().all(|done| done.is_ok()));
}

#[tokio::test]
async fn an_agent_that_reads_nothing_loses_its_session_and_holds_nobody_back() {
    let world = World::new(Kind::Embedded);
    let _broker = world.start().await;
    let relay = Line::up(world.relay()).await;
    let mut slow = Line::up(world.agent("plant-a")).await;
    let mut other = Line::up(world.agent("plant-b")).await;

    for n in 0..MANY {
        relay
            .client
            .publish(&topic("plant-a", Channel::Receipt), payload(n))
            .await
            .unwrap();
    }
    relay
        .client
        .publish(
            &topic("plant-b", Channel::Receipt),
            Bytes::from_static(b"in time"),
        )
        .await
        .unwrap();
    assert_eq!(other.arrival().await.1, "in time");
    let fault = loop {
        match slow.next().await {
            Event::Down { fault, .. } => break fault,
            Event::Arrived { .. } => {}
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(fault, Fault::Broken { .. }), "{fault}");
    slow.wait_up().await;
}

#[tokio::test]
async fn a_certificate_that_names_nobody_is_let_in_nowhere() {
    let world = World::new(Kind::Embedded);
    let authority: Authority = world.new_authority();
    world.replace("plant-a", &authority.issue(&Subject::client("Plant A")).unwrap());
    let _broker = world.start().await;
    let fault = Line::open(world.agent("plant-a")).fault().await;
    assert!(matches!(fault, Fault::Broken { lasted: None, .. }), "{fault}");
}

#[tokio::test]
async fn what_is_not_served_is_refused_and_not_ignored() {
    let world = World::new(Kind::Embedded);
    let _broker = world.start().await;
    let not_first = vec![0xc0, 0];
    let mut old_protocol = raw::connect(CLEAN, "x");
    old_protocol[8] = 3;
    for (what, sent, code) in [
        ("a session that outlives the connection", raw::connect(0, "x"), 3),
        ("something before CONNECT", not_first, 5),
        ("another protocol version", old_protocol, 1),
    ] {
        let mut stream = raw::dial(&world, Some("plant-a"), &TLS13).await.unwrap();
        stream.write_all(&sent).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, [0x20, 2, 0, code], "{what}");
    }

    for (what, sent) in [
        ("QoS 2", vec![0x34, 28, 0, 24]),
        (
            "a packet larger than the limit",
            vec![0x30, 0xff, 0xff, 0xff, 0x7f],
        ),
        ("a second CONNECT", raw::connect(CLEAN, "x")),
    ] {
        let mut stream = raw::dial(&world, Some("plant-a"), &TLS13).await.unwrap();
        stream.write_all(&raw::connect(CLEAN, "x")).await.unwrap();
        stream.write_all(&sent).await.unwrap();
        if what == "QoS 2" {
            stream.write_all(b"millrace/1/plant-a/hello").await.unwrap();
            stream.write_all(&[0, 1]).await.unwrap();
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, [0x20, 2, 0, 0], "{what}");
    }
}

#[tokio::test]
async fn clients_that_leave_their_name_to_the_broker_do_not_end_each_other() {
    let world = World::new(Kind::Embedded);
    let _broker = world.start().await;
    let mut nameless = Vec::new();
    for _ in 0..2 {
        let mut stream = raw::dial(&world, Some("plant-a"), &TLS13).await.unwrap();
        stream.write_all(&raw::connect(CLEAN, "")).await.unwrap();
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, [0x20, 2, 0, 0]);
        nameless.push(stream);
    }
    for mut stream in nameless {
        stream.write_all(&[0xc0, 0]).await.unwrap();
        let mut pong = [0; 2];
        stream.read_exact(&mut pong).await.unwrap();
        assert_eq!(pong, [0xd0, 0]);
    }
}

#[tokio::test]
async fn one_party_cannot_take_all_the_places() {
    let world = World::new(Kind::Embedded);
    let _broker = world.start().await;
    let mut open = Vec::new();
    for n in 0..8 {
        open.push(
            Line::up(millrace_shared::transport::Settings {
                client_id: format!("plant-a-{n}"),
                ..world.agent("plant-a")
            })
            .await,
        );
    }
    let fault = Line::open(world.agent("plant-a")).fault().await;
    assert!(matches!(fault, Fault::SessionRefused { .. }), "{fault}");
    Line::up(world.agent("plant-b")).await.farewell().await;

    // Who was never let in leaves no last will.
    let mut relay = Line::open(world.relay());
    let mut statuses = [relay.status().await, relay.status().await];
    statuses.sort();
    assert_eq!(
        statuses,
        [
            ("plant-a".to_owned(), "online".into()),
            ("plant-b".to_owned(), "offline".into())
        ]
    );
}
