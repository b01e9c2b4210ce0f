//! One MQTT session, from CONNECT to its end. Sessions are clean and never resumed: each has its own `rumqttc` event
//! loop on its own stream, so nothing of an old one can leak into the next.

use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rumqttc::{
    AsyncClient, Broker, ConnectionError, EventLoop, LastWill, MqttOptions, Packet, PublishOptions, QoS,
    StateError, SubscribeFilter, SubscribeNoticeError,
};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use super::{Event, FAREWELL_TIMEOUT, Fault, GREETING_TIMEOUT, Identity, Settings, dial};
use super::{MAX_PACKET_BYTES, PUBLISHES_IN_FLIGHT, QUEUED_PUBLISHES, WRITE_TIMEOUT};

/// Packets handled at once per read or write. Small, because each may hold a whole frame.
const BATCH: usize = 4;

pub(super) struct Session {
    client: AsyncClient,
    event_loop: EventLoop,
    identity: Identity,
    keep_alive: Duration,
    started: Instant,
}

impl Session {
    /// Dials, connects and subscribes. What the broker delivers before it confirms the subscription goes to `events`
    /// already.
    pub(super) async fn open(settings: &Settings, events: &mpsc::Sender<Event>) -> Result<Self, Fault> {
        let identity = settings.credentials.load()?;
        let stream = settings.endpoint.dial(&identity).await?;
        let (client, event_loop) = rumqttc(settings, stream)?;
        let keep_alive = settings.keep_alive;
        let mut session = Self {
            client,
            event_loop,
            identity,
            keep_alive,
            started: Instant::now(),
        };

        let greeted = timeout(GREETING_TIMEOUT, session.greet(settings, events)).await;
        match greeted.unwrap_or(Err(Fault::TimedOut {
            waiting_for: "greeting the broker (MQTT)",
            after: GREETING_TIMEOUT,
        })) {
            Ok(()) => Ok(session),
            Err(Fault::Broken { reason, lasted: None }) => {
                let known = settings.endpoint.inquire(&session.identity).await;
                Err(known.unwrap_or(Fault::Broken { reason, lasted: None }))
            }
            Err(fault) => Err(fault),
        }
    }

    /// What others publish with.
    pub(super) fn client(&self) -> AsyncClient {
        self.client.clone()
    }

    /// How long ago it began.
    pub(super) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Passes on what arrives until the session ends, and says why it ended.
    pub(super) async fn pump(&mut self, events: &mpsc::Sender<Event>) -> Fault {
        loop {
            if let Err(fault) = self.step(events).await {
                return match fault {
                    Fault::Broken { reason, .. } => Fault::Broken {
                        reason,
                        lasted: Some(self.age()),
                    },
                    other => other,
                };
            }
        }
    }

    /// Says goodbye: the last status, what is still in flight, DISCONNECT. Within [`FAREWELL_TIMEOUT`].
    pub(super) async fn farewell(mut self, settings: &Settings) {
        let client = self.client.clone();
        let say = async {
            if let Some(status) = &settings.status {
                let retained = PublishOptions::at_least_once().retained();
                client
                    .publish(status.topic.to_string(), status.offline.clone(), retained)
                    .await
                    .ok();
            }
            client.disconnect_with_timeout(FAREWELL_TIMEOUT).await.ok();
        };
        let hear = async { while self.event_loop.poll().await.is_ok() {} };
        if timeout(FAREWELL_TIMEOUT, async { tokio::join!(say, hear) })
            .await
            .is_err()
        {
            tracing::warn!("left the broker without a farewell: it did not answer in time");
        }
    }

    async fn greet(&mut self, settings: &Settings, events: &mpsc::Sender<Event>) -> Result<(), Fault> {
        // The first step sends CONNECT and returns with CONNACK.
        self.step(events).await?;
        if !settings.filters.is_empty() {
            self.subscribe(settings, events).await?;
        }
        if let Some(status) = &settings.status {
            let retained = PublishOptions::at_least_once().retained();
            let topic = status.topic.to_string();
            self.client
                .try_publish(topic, status.online.clone(), retained)
                .map_err(|e| Fault::Protocol {
                    reason: e.to_string(),
                })?;
        }
        Ok(())
    }

    async fn subscribe(&mut self, settings: &Settings, events: &mpsc::Sender<Event>) -> Result<(), Fault> {
        let filters: Vec<String> = settings.filters.iter().map(ToString::to_string).collect();
        let wanted = filters
            .iter()
            .map(|filter| SubscribeFilter::new(filter.clone(), QoS::AtLeastOnce));
        let notice = self
            .client
            .try_subscribe_many_tracked(wanted)
            .map_err(|e| Fault::Protocol {
                reason: e.to_string(),
            })?;
        let mut confirmed = std::pin::pin!(notice.wait_async());
        loop {
            tokio::select! {
                biased;
                answer = &mut confirmed => return match answer {
                    Ok(_) => Ok(()),
                    Err(SubscribeNoticeError::V4SubAckFailure(_)) => Err(Fault::SubscriptionRefused { filters }),
                    Err(e) => Err(Fault::Broken { reason: e.to_string(), lasted: None }),
                },
                done = self.step(events) => done?,
            }
        }
    }

    /// Lets the event loop do one thing, and passes on what it brings.
    async fn step(&mut self, events: &mpsc::Sender<Event>) -> Result<(), Fault> {
        match self.event_loop.poll().await {
            Ok(rumqttc::Event::Incoming(Packet::Publish(publish))) => events
                .send(Event::arrived(&publish.topic, publish.payload))
                .await
                .map_err(|_| Fault::Broken {
                    reason: "nobody reads what arrives".to_owned(),
                    lasted: None,
                }),
            Ok(_) => Ok(()),
            Err(error) => Err(self.explain(&error)),
        }
    }

    fn explain(&self, error: &ConnectionError) -> Fault {
        match error {
            ConnectionError::ConnectionRefused(code) => Fault::SessionRefused {
                reason: format!("{code:?}"),
                client_id: self.event_loop.mqtt_options.client_id(),
            },
            ConnectionError::FlushTimeout | ConnectionError::NetworkTimeout => Fault::TimedOut {
                waiting_for: "writing to the broker",
                after: WRITE_TIMEOUT,
            },
            ConnectionError::MqttState(StateError::AwaitPingResp) => Fault::TimedOut {
                waiting_for: "waiting for a sign of life (PINGRESP)",
                after: self.keep_alive,
            },
            ConnectionError::MqttState(StateError::ConnectionAborted) => Fault::Broken {
                reason: "closed by the broker".to_owned(),
                lasted: None,
            },
            other => match io_error(other) {
                Some(error) => dial::explain(error, &self.identity),
                None => Fault::Protocol {
                    reason: other.to_string(),
                },
            },
        }
    }
}

/// The client library on a stream that is already there.
fn rumqttc(settings: &Settings, stream: TlsStream<TcpStream>) -> Result<(AsyncClient, EventLoop), Fault> {
    // The address is never dialled: the connector below hands out the stream, once.
    let mut options = MqttOptions::new(settings.client_id.clone(), Broker::tcp("broker", 0));
    let slot = Arc::new(Mutex::new(Some(stream)));
    options.set_socket_connector(move |_, _| {
        let stream = slot.lock().ok().and_then(|mut slot| slot.take());
        async move { stream.ok_or_else(|| io::Error::other("a session has one stream")) }
    });
    options
        .set_clean_session(true)
        .set_keep_alive(u16::try_from(settings.keep_alive.as_secs()).unwrap_or(u16::MAX))
        .set_max_packet_size(MAX_PACKET_BYTES, MAX_PACKET_BYTES)
        .set_inflight(PUBLISHES_IN_FLIGHT)
        .set_read_batch_size(BATCH)
        .set_max_request_batch(BATCH);
    if let Some(status) = &settings.status {
        let (topic, offline) = (status.topic.to_string(), status.offline.clone());
        options.set_last_will(LastWill::new(topic, offline, QoS::AtLeastOnce, true));
    }
    let built = AsyncClient::builder(options)
        .capacity(QUEUED_PUBLISHES)
        .try_build();
    let (client, mut event_loop) = built.map_err(|e| Fault::Protocol {
        reason: e.to_string(),
    })?;
    event_loop
        .network_options
        .set_connection_timeout(WRITE_TIMEOUT.as_secs());
    Ok((client, event_loop))
}

/// The IO error at the bottom of a library error, if there is one.
fn io_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io);
        }
        next = error.source();
    }
    None
}
