//! Orders through the socket of a running service.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use millrace_relay::control::{Act, Order, Refusal, person, socket};
use millrace_shared::clock::Clock;
use millrace_shared::store::desk::Desk;
use millrace_shared::store::inbox::{Filter, InboxView, StateName};
use millrace_shared::store::sqlite::inbox::SqliteInboxReader;
use tokio_util::sync::CancellationToken;

use crate::kit::*;

/// Runs the socket over the plant's inbox while `test` talks to it; returns how often something was changed.
fn beside_a_service(plant: &Plant, test: impl FnOnce() + Send + 'static) -> usize {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (inbox, data) = (plant.inbox(), plant.data());
    runtime.block_on(async move {
        let desk = Desk::new("inbox", inbox).unwrap();
        let listener = socket::listen(&data).unwrap();
        let (stop, changed) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let count = changed.clone();
        let served = tokio::spawn(socket::serve(
            listener,
            desk,
            Clock::in_zone("UTC").unwrap(),
            move || {
                count.fetch_add(1, Ordering::SeqCst);
            },
            stop.clone(),
        ));
        tokio::task::spawn_blocking(test).await.unwrap();
        stop.cancel();
        served.await.unwrap().unwrap();
        changed.load(Ordering::SeqCst)
    })
}

#[test]
fn an_order_reaches_the_service_and_the_audit_names_the_user_of_the_command() {
    let mut plant = Plant::new();
    let id = {
        let mut inbox = plant.inbox();
        let id = plant.receive(&mut inbox, "P1", "dock-1");
        die(&mut inbox, &id, "lot-missing");
        id
    };
    let data = plant.data();
    let changed = beside_a_service(&plant, move || {
        let mode = std::fs::metadata(socket::path(&data))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let retry = Act::Retry {
            reason: "mended".into(),
        };
        let retry = change(StateName::Dead, Filter::default(), retry);
        let done = socket::order(&data, &retry).unwrap().unwrap().unwrap();
        assert_eq!(done.changed, 1);
    });
    assert_eq!(changed, 1);
    let reader = SqliteInboxReader::open(&plant.data().join("inbox.sqlite")).unwrap();
    let slot = reader.find(&id).unwrap().unwrap();
    let last = reader.trace(slot).unwrap().pop().unwrap();
    assert_eq!(
        (last.who, &*last.what, &*last.detail),
        (person::own(), "retry", "mended")
    );
}

#[test]
fn a_line_that_is_no_order_is_refused_and_the_next_order_is_carried_out() {
    let plant = Plant::new();
    drop(plant.inbox());
    let data = plant.data();
    beside_a_service(&plant, move || {
        let mut stream = UnixStream::connect(socket::path(&data)).unwrap();
        stream.write_all(b"{\"format\":\"disk\"}\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let refused: Result<(), Refusal> = serde_json::from_str(&answer).unwrap();
        assert!(matches!(refused, Err(Refusal::Unsuited(text)) if text.contains("no order")));
        assert!(socket::order(&data, &Order::Flush).unwrap().unwrap().is_ok());
    });
}

#[test]
fn without_a_service_nobody_takes_an_order() {
    let plant = Plant::new();
    assert!(socket::order(&plant.data(), &Order::Flush).unwrap().is_none());
    drop(socket_left_behind(&plant));
    assert!(socket::order(&plant.data(), &Order::Flush).unwrap().is_none());
}

/// As a service leaves it that was killed.
fn socket_left_behind(plant: &Plant) -> std::os::unix::net::UnixListener {
    std::os::unix::net::UnixListener::bind(socket::path(&plant.data())).unwrap()
}
