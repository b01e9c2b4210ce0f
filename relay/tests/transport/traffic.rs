//! Publishing, hearing, losing the line and getting it back.

use millrace_shared::ident::Lane;
use millrace_shared::topic::{Channel, Filter};
use millrace_shared::transport::{
    Bytes, Event, Fault, MAX_PAYLOAD_BYTES, QUEUED_PUBLISHES, Settings, Status, Undelivered,
};

use crate::world::{Line, World, agent, topic};

crate::on_every_broker!(
    a_frame_goes_up_and_its_receipt_comes_down,
    a_payload_of_exactly_the_limit_arrives_and_one_more_byte_never_leaves,
    an_offer_never_waits_and_is_refused_when_the_queue_is_full,
    publishes_of_one_lane_arrive_in_order,
    the_line_comes_back_by_itself_after_the_broker_was_killed,
    every_publish_has_an_end_while_the_broker_dies_under_it,
    the_line_is_rebuilt_on_request,
    the_status_is_kept_true_by_farewell_and_by_last_will,
    a_second_client_of_the_same_name_ends_the_first_and_the_fault_says_so,
    a_session_that_is_refused_leaves_no_last_will,
    an_agent_cannot_speak_for_another,
    an_agent_cannot_hear_what_is_meant_for_another,
);

const UP: Channel = Channel::Up(Lane::Normal);

async fn a_frame_goes_up_and_its_receipt_comes_down(world: World) {
    let _broker = world.start().await;
    let mut relay = Line::up(world.relay()).await;
    let mut plant = Line::up(world.agent("plant-a")).await;

    plant
        .client
        .publish(&topic("plant-a", UP), Bytes::from_static(b"frame"))
        .await
        .unwrap();
    assert_eq!(
        relay.arrival().await,
        (topic("plant-a", UP), Bytes::from_static(b"frame"))
    );

    let receipt = topic("plant-a", Channel::Receipt);
    relay
        .client
        .publish(&receipt, Bytes::from_static(b"stored"))
        .await
        .unwrap();
    assert_eq!(plant.arrival().await, (receipt, Bytes::from_static(b"stored")));
}

async fn a_payload_of_exactly_the_limit_arrives_and_one_more_byte_never_leaves(world: World) {
    let _broker = world.start().await;
    let mut relay = Line::up(world.relay()).await;
    let plant = Line::up(world.agent("plant-a")).await;

    let too_much = Bytes::from(vec![7; MAX_PAYLOAD_BYTES + 1]);
    let refused = plant.client.publish(&topic("plant-a", UP), too_much).await;
    assert_eq!(
        refused,
        Err(Undelivered::TooLarge {
            bytes: MAX_PAYLOAD_BYTES + 1
        })
    );

    let most = Bytes::from(vec![8; MAX_PAYLOAD_BYTES]);
    plant
        .client
        .publish(&topic("plant-a", UP), most.clone())
        .await
        .unwrap();
    assert_eq!(relay.arrival().await.1, most);
}

async fn an_offer_never_waits_and_is_refused_when_the_queue_is_full(world: World) {
    let _broker = world.start().await;
    let mut relay = Line::up(world.relay()).await;
    let plant = Line::up(world.agent("plant-a")).await;

    // Nothing is awaited in between, so the connection cannot take anything out of its queue.
    let offer = |n: usize| {
        plant
            .client
            .offer(&topic("plant-a", UP), Bytes::from(n.to_string()))
    };
    for n in 0..QUEUED_PUBLISHES {
        assert_eq!(offer(n), Ok(()));
    }
    assert_eq!(offer(QUEUED_PUBLISHES), Err(Undelivered::QueueFull));
    for n in 0..QUEUED_PUBLISHES {
        assert_eq!(relay.arrival().await.1, n.to_string());
    }
    assert_eq!(offer(0), Ok(()));
}

async fn publishes_of_one_lane_arrive_in_order(world: World) {
    const COUNT: u32 = 500;
    let _broker = world.start().await;
    let mut relay = Line::up(world.relay()).await;
    let plant = Line::up(world.agent("plant-a")).await;

    let publishes: Vec<_> = (0..COUNT)
        .map(|n| {
            plant
                .client
                .publish(&topic("plant-a", UP), Bytes::copy_from_slice(&n.to_be_bytes()))
        })
        .collect();
    let mut sending = tokio::task::JoinSet::new();
    sending.spawn(async move {
        // Each future is polled in turn, as a window of publishes in flight would be.
        let mut window = std::collections::VecDeque::new();
        for mut publish in publishes.into_iter().map(Box::pin) {
            let first = std::future::poll_fn(|cx| std::task::Poll::Ready(publish.as_mut().poll(cx))).await;
            if first.is_pending() {
                window.push_back(publish);
            }
            if window.len() > 8 {
                window.pop_front().unwrap().await.unwrap();
            }
        }
        for publish in window {
            publish.await.unwrap();
        }
    });
    for n in 0..COUNT {
        assert_eq!(relay.arrival().await.1, n.to_be_bytes().as_slice());
    }
    sending.join_all().await;
}

async fn the_line_comes_back_by_itself_after_the_broker_was_killed(world: World) {
    let broker = world.start().await;
    let mut relay = Line::up(world.relay()).await;
    let mut plant = Line::up(world.agent("plant-a")).await;

    broker.kill().await;
    let fault = plant.fault().await;
    assert!(matches!(fault, Fault::Broken { lasted: Some(_), .. }), "{fault}");
    assert!(!plant.client.is_connected());
    let lost = plant
        .client
        .publish(&topic("plant-a", UP), Bytes::from_static(b"x"))
        .await;
    assert_eq!(lost, Err(Undelivered::NotConnected));
    let fault = plant.fault().await;
    assert!(matches!(fault, Fault::ConnectionRefused { .. }), "{fault}");

    let _broker = world.start().await;
    plant.wait_up().await;
    relay.wait_up().await;
    plant
        .client
        .publish(&topic("plant-a", UP), Bytes::from_static(b"again"))
        .await
        .unwrap();
    assert_eq!(relay.arrival().await.1, "again");
}

async fn every_publish_has_an_end_while_the_broker_dies_under_it(world: World) {
    const PUBLISHES: usize = 200;
    let broker = world.start().await;
    let plant = Line::up(world.agent("plant-a")).await;

    let mut pending = tokio::task::JoinSet::new();
    for _ in 0..PUBLISHES {
        pending.spawn(
            plant
                .client
                .publish(&topic("plant-a", UP), Bytes::from(vec![1; 100_000])),
        );
    }
    let first = pending.join_next().await.unwrap().unwrap();
    broker.kill().await;
    let mut ends = pending.join_all().await;
    ends.push(first);
    assert_eq!(ends.len(), PUBLISHES);
    let lost = ends
        .iter()
        .filter(|end| matches!(end, Err(Undelivered::SessionLost | Undelivered::NotConnected)))
        .count();
    let done = ends.iter().filter(|end| end.is_ok()).count();
    assert_eq!(lost + done, PUBLISHES);
    assert!(done > 0);
}

async fn the_line_is_rebuilt_on_request(world: World) {
    let _broker = world.start().await;
    let mut plant = Line::up(world.agent("plant-a")).await;
    plant.client.rebuild("no receipt for 60 s");
    assert_eq!(
        plant.fault().await,
        Fault::Rebuilt {
            reason: "no receipt for 60 s".to_owned()
        }
    );
    assert_eq!(plant.next().await, Event::Up);
}

async fn the_status_is_kept_true_by_farewell_and_by_last_will(world: World) {
    let _broker = world.start().await;
    let mut relay = Line::up(world.relay()).await;

    let says = |word: &'static str| ("plant-a".to_owned(), Bytes::from_static(word.as_bytes()));
    let plant = Line::up(world.agent("plant-a")).await;
    assert_eq!(relay.status().await, says("online"));
    plant.farewell().await;
    assert_eq!(relay.status().await, says("offline"));

    let plant = Line::up(world.agent("plant-a")).await;
    assert_eq!(relay.status().await, says("online"));
    drop(plant);
    assert_eq!(relay.status().await, says("offline"));

    // It is retained: who comes later hears it too.
    relay.farewell().await;
    assert_eq!(Line::open(world.relay()).status().await, says("offline"));
}

async fn a_second_client_of_the_same_name_ends_the_first_and_the_fault_says_so(world: World) {
    let _broker = world.start().await;
    let mut first = Line::up(world.agent("plant-a")).await;
    let second = Line::up(world.agent("plant-a")).await;
    let fault = first.fault().await;
    assert!(matches!(fault, Fault::Broken { .. }), "{fault}");
    assert!(fault.to_string().contains("look for a cloned agent"), "{fault}");

    // The last will of the first must not hide that the second is there.
    drop(first);
    second
        .client
        .publish(&topic("plant-a", UP), Bytes::from_static(b"here"))
        .await
        .unwrap();
    assert_eq!(
        Line::open(world.relay()).status().await,
        ("plant-a".to_owned(), Bytes::from_static(b"online"))
    );
}

async fn a_session_that_is_refused_leaves_no_last_will(world: World) {
    let _broker = world.start().await;
    let plant = Line::up(world.agent("plant-a")).await;
    plant
        .client
        .publish(&topic("plant-a", UP), Bytes::from_static(b"here"))
        .await
        .unwrap();
    // A broker may refuse it for any reason of its own; a last will that would speak for another is one.
    let forged = Status {
        topic: topic("plant-b", Channel::Status),
        ..world.agent("plant-a").status.unwrap()
    };
    let forger = Settings {
        client_id: "forger".to_owned(),
        status: Some(forged),
        ..world.agent("plant-a")
    };
    let mut forging = Line::open(forger);
    let _ = forging.next().await;
    drop(forging);
    let mut relay = Line::up(world.relay()).await;
    assert_eq!(relay.status().await.0, "plant-a");
    plant
        .client
        .publish(&topic("plant-a", UP), Bytes::from_static(b"end"))
        .await
        .unwrap();
    let end = Event::Arrived {
        topic: topic("plant-a", UP),
        payload: Bytes::from_static(b"end"),
    };
    assert_eq!(relay.next().await, end);
}

async fn an_agent_cannot_speak_for_another(world: World) {
    let _broker = world.start().await;
    let mut relay = Line::up(world.relay()).await;
    let settings = Settings {
        status: None,
        ..world.agent("plant-a")
    };

    // MQTT 3.1.1 has no refusal for a publish: a broker may acknowledge and drop it, or hang up.
    let channels = [
        UP,
        Channel::Hello,
        Channel::Status,
        Channel::Receipt,
        Channel::Down(Lane::Normal),
    ];
    let foreign = channels.map(|channel| topic("plant-b", channel));
    let not_for_agents =
        [Channel::Receipt, Channel::Down(Lane::Normal)].map(|channel| topic("plant-a", channel));
    for topic in foreign.iter().chain(&not_for_agents) {
        let plant = Line::up(settings.clone()).await;
        plant
            .client
            .publish(topic, Bytes::from_static(b"forged"))
            .await
            .ok();
    }
    let plant = Line::up(settings).await;
    plant
        .client
        .publish(&topic("plant-a", UP), Bytes::from_static(b"own"))
        .await
        .unwrap();
    // Not even a status, which `arrival` would pass over.
    let own = Event::Arrived {
        topic: topic("plant-a", UP),
        payload: Bytes::from_static(b"own"),
    };
    assert_eq!(relay.next().await, own);
}

async fn an_agent_cannot_hear_what_is_meant_for_another(world: World) {
    let _broker = world.start().await;
    let relay = Line::up(world.relay()).await;
    let mut nosy = Filter::of_agent(&agent("plant-b"));
    nosy.extend(Filter::of_relay());
    let mut plant = Line::open(Settings {
        filters: nosy,
        status: None,
        ..world.agent("plant-a")
    });
    // A broker may refuse the subscription at once, or take it and deliver nothing.
    match plant.next().await {
        Event::Down { fault, .. } => assert!(matches!(fault, Fault::SubscriptionRefused { .. }), "{fault}"),
        Event::Up => {
            relay
                .client
                .publish(&topic("plant-b", Channel::Receipt), Bytes::from_static(b"secret"))
                .await
                .unwrap();
            plant
                .client
                .publish(&topic("plant-a", UP), Bytes::from_static(b"own"))
                .await
                .unwrap();
            plant.client.rebuild("nothing more can come in this session");
            assert!(matches!(plant.next().await, Event::Down { .. }));
        }
        other => panic!("{other:?}"),
    }
}
