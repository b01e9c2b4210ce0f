//! One client's session: MQTT 3.1.1 with clean sessions and QoS 0 and 1, which is all that Millrace uses.

use std::time::Duration;

use millrace_shared::topic::Topic;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{
    ConnAck, Connect, ConnectReturnCode, Packet, PubAck, Publish, SubAck, Subscribe, SubscribeReasonCode,
    UnsubAck,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use super::exchange::{Exchange, Message, Seat};
use super::packets::{PacketError, PacketReader, PacketWriter};
use super::rules::Party;
use super::window::Window;

/// How long a client may take until its CONNECT.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest silence that is borne, also where a client asks for no limit.
const MAX_KEEP_ALIVE: Duration = Duration::from_secs(300);
/// Answers that may wait to be written; a client that sends on without reading them is held back.
const REPLIES: usize = 16;

/// Why a session ended, for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    #[error("it said goodbye")]
    Goodbye,
    #[error(transparent)]
    Lost(#[from] PacketError),
    #[error("refused: {0}")]
    Refused(String),
    #[error("ended by the broker: {0}")]
    Evicted(&'static str),
}

/// Serves one client from CONNECT to its end.
pub(super) async fn serve(stream: impl AsyncRead + AsyncWrite, party: &Party, exchange: &Exchange) -> End {
    let (input, output) = tokio::io::split(Box::pin(stream));
    let (mut reader, mut writer) = (PacketReader::new(input), PacketWriter::new(output));

    let (connect, will) = match greet(&mut reader, party).await {
        Ok(greeted) => greeted,
        Err((code, end)) => {
            // So that it need not guess; if it is gone already, there is nobody to tell.
            writer.send(&connack(code)).await.ok();
            return end;
        }
    };
    let Some((seat, mut coming)) = exchange.enter(party, &connect.client_id) else {
        writer
            .send(&connack(ConnectReturnCode::ServiceUnavailable))
            .await
            .ok();
        return End::Refused("it has too many sessions already".to_owned());
    };
    if let Err(lost) = writer.send(&connack(ConnectReturnCode::Success)).await {
        return lost.into();
    }
    tracing::info!(client = %party, id = connect.client_id, "connected");

    let (replies, answers) = mpsc::channel(REPLIES);
    let window = Window::new();
    let listener = Listener {
        party,
        exchange,
        seat: &seat,
        window: &window,
        replies,
    };
    let end = tokio::select! {
        reason = &mut coming.evicted => End::Evicted(reason.unwrap_or("the broker stops")),
        end = speak(&mut writer, answers, &mut coming.waiting, &window) => end,
        end = listener.listen(&mut reader, silence(&connect)) => end,
    };
    drop((seat, coming));
    if let Some(will) = will.filter(|_| !matches!(end, End::Goodbye)) {
        exchange.publish(will).await;
    }
    end
}

/// Waits for a CONNECT that can be served.
async fn greet<R: AsyncRead + Unpin>(
    reader: &mut PacketReader<R>,
    party: &Party,
) -> Result<(Connect, Option<Message>), (ConnectReturnCode, End)> {
    let refuse = |code, reason: &str| (code, End::Refused(reason.to_owned()));
    let connect = match reader.next(CONNECT_TIMEOUT).await {
        Ok(Packet::Connect(connect)) => connect,
        Ok(_) => {
            return Err(refuse(
                ConnectReturnCode::NotAuthorized,
                "its first packet was no CONNECT",
            ));
        }
        Err(lost) => return Err((ConnectReturnCode::RefusedProtocolVersion, lost.into())),
    };
    if !connect.clean_session {
        let reason = "it wants a session that outlives the connection; only clean ones are served";
        return Err(refuse(ConnectReturnCode::ServiceUnavailable, reason));
    }
    let will = match &connect.last_will {
        None => None,
        Some(will) => match will.topic.parse::<Topic>() {
            Ok(topic) if party.may_publish(&topic) => Some(Message {
                topic,
                payload: will.message.clone(),
                assured: will.qos != QoS::AtMostOnce,
                retained: will.retain,
            }),
            _ => {
                return Err(refuse(
                    ConnectReturnCode::NotAuthorized,
                    "its last will is not on a topic of its own",
                ));
            }
        },
    };
    Ok((connect, will))
}

/// How long a client may be silent (MQTT 3.1.1, 3.1.2.10: one and a half times its keep-alive).
fn silence(connect: &Connect) -> Duration {
    let keep_alive = Duration::from_secs(connect.keep_alive.into());
    if keep_alive.is_zero() {
        MAX_KEEP_ALIVE
    } else {
        (keep_alive * 3 / 2).min(MAX_KEEP_ALIVE)
    }
}

fn connack(code: ConnectReturnCode) -> Packet {
    Packet::ConnAck(ConnAck {
        session_present: false,
        code,
    })
}

/// Takes what the client sends.
struct Listener<'s> {
    party: &'s Party,
    exchange: &'s Exchange,
    seat: &'s Seat<'s>,
    window: &'s Window,
    replies: mpsc::Sender<Packet>,
}

impl Listener<'_> {
    async fn listen<R: AsyncRead + Unpin>(&self, reader: &mut PacketReader<R>, silence: Duration) -> End {
        loop {
            let done = match reader.next(silence).await {
                Ok(Packet::Publish(publish)) => self.publish(publish).await,
                Ok(Packet::PubAck(ack)) => {
                    self.window.acknowledged(ack.pkid);
                    Ok(())
                }
                Ok(Packet::Subscribe(subscribe)) => {
                    self.subscribe(subscribe).await;
                    Ok(())
                }
                Ok(Packet::Unsubscribe(unsubscribe)) => {
                    unsubscribe
                        .topics
                        .iter()
                        .for_each(|filter| self.seat.unsubscribe(filter));
                    self.reply(Packet::UnsubAck(UnsubAck {
                        pkid: unsubscribe.pkid,
                    }))
                    .await;
                    Ok(())
                }
                Ok(Packet::PingReq) => {
                    self.reply(Packet::PingResp).await;
                    Ok(())
                }
                Ok(Packet::Disconnect) => Err(End::Goodbye),
                Ok(other) => Err(End::Refused(format!(
                    "{:?} is not served here",
                    other.packet_type()
                ))),
                Err(lost) => Err(lost.into()),
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// MQTT 3.1.1 cannot refuse a publish but by ending the session (3.3.5), which at least is seen.
    async fn publish(&self, publish: Publish) -> Result<(), End> {
        let topic = String::from_utf8_lossy(&publish.topic);
        let permitted = topic
            .parse::<Topic>()
            .ok()
            .filter(|topic| self.party.may_publish(topic));
        let Some(topic) = permitted else {
            return Err(End::Refused(format!("it may not publish on `{topic}`")));
        };
        if publish.qos == QoS::ExactlyOnce {
            return Err(End::Refused("QoS 2 is not served".to_owned()));
        }
        let assured = publish.qos == QoS::AtLeastOnce;
        let message = Message {
            topic,
            payload: publish.payload,
            assured,
            retained: publish.retain,
        };
        self.exchange.publish(message).await;
        if assured {
            self.reply(Packet::PubAck(PubAck::new(publish.pkid))).await;
        }
        Ok(())
    }

    async fn subscribe(&self, subscribe: Subscribe) {
        let mut codes = Vec::with_capacity(subscribe.filters.len());
        let mut heard = Vec::new();
        for filter in &subscribe.filters {
            let assured = filter.qos != QoS::AtMostOnce;
            if self.party.may_hear(&filter.path) && self.seat.subscribe(&filter.path, assured) {
                let granted = if assured {
                    QoS::AtLeastOnce
                } else {
                    QoS::AtMostOnce
                };
                codes.push(SubscribeReasonCode::Success(granted));
                heard.push(&filter.path);
            } else {
                tracing::warn!(client = %self.party, filter = filter.path, "subscription refused");
                codes.push(SubscribeReasonCode::Failure);
            }
        }
        self.reply(Packet::SubAck(SubAck::new(subscribe.pkid, codes)))
            .await;
        for filter in heard {
            self.seat.recall(filter).await;
        }
    }

    async fn reply(&self, packet: Packet) {
        // It fails only if the speaker has ended, and the session with it.
        self.replies.send(packet).await.ok();
    }
}

/// Says what there is to say: answers first, then publishes as far as the window has room.
async fn speak<W: AsyncWrite + Unpin>(
    writer: &mut PacketWriter<W>,
    mut answers: mpsc::Receiver<Packet>,
    waiting: &mut mpsc::Receiver<Message>,
    window: &Window,
) -> End {
    loop {
        let packet = tokio::select! {
            biased;
            Some(answer) = answers.recv() => answer,
            packet = window.next(waiting) => match packet {
                Some(packet) => packet,
                None => return End::Evicted("the broker stops"),
            },
        };
        if let Err(lost) = writer.send(&packet).await {
            return lost.into();
        }
    }
}
