//! What the transport promises, kept by every broker that we name: one suite, run on each.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod mosquitto;
mod raw;
mod world;

mod embedded;
mod faults;
mod reach;
mod traffic;

/// Runs each test on every kind of broker.
#[macro_export]
macro_rules! on_every_broker {
    ($($name:ident),+ $(,)?) => {
        mod on_mosquitto {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::world::World::new($crate::world::Kind::Mosquitto)).await;
            })+
        }
        mod on_the_embedded_broker {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::world::World::new($crate::world::Kind::Embedded)).await;
            })+
        }
    };
}
