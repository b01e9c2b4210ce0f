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

use super::exchange::{Coming, Eviction, Exchange, Message, Seat};
use super::packets::{PacketError, PacketReader, PacketWriter};
use super::rules::Party;
use super::speaker::{self, Window};

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
    Evicted(#[from] Eviction),
    #[error("the broker stops")]
    Stopped,
}

/// Serves one client from CONNECT to its end.
pub(super) async fn serve(stream: impl AsyncRead + AsyncWrite, party: &Party, exchange: &Exchange) -> End {
    let (input, output) = tokio::io::split(Box::pin(stream));
    let (mut reader, mut writer) = (PacketReader::new(input), PacketWriter::new(output));
    let end = match greet(&mut reader, party, exchange).await {
        Ok(guest) => guest.attend(&mut reader, &mut writer, party, exchange).await,
        Err((code, end)) => {
            // So that it need not guess; if it is gone already, there is nobody to tell.
            writer.send(&connack(code)).await.ok();
            end
        }
    };
    writer.close().await;
    end
}

/// A client that is let in.
struct Guest<'e> {
    seat: Seat<'e>,
    coming: Coming,
    silence: Duration,
    will: Option<Message>,
}

impl Guest<'_> {
    /// The session proper.
    async fn attend<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
        self,
        reader: &mut PacketReader<R>,
        writer: &mut PacketWriter<W>,
        party: &Party,
        exchange: &Exchange,
    ) -> End {
        if let Err(lost) = writer.send(&connack(ConnectReturnCode::Success)).await {
            return lost.into();
        }
        let Self {
            seat,
            mut coming,
            silence,
            will,
        } = self;
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
            reason = &mut coming.evicted => reason.map_or(End::Stopped, End::Evicted),
            end = speaker::speak(writer, answers, &mut coming.waiting, &window) => end,
            end = listener.listen(reader, silence) => end,
        };
        drop(seat);
        // Who was replaced is still there under the same name, and has said so already.
        if let Some(will) = will.filter(|_| !matches!(end, End::Goodbye | End::Evicted(Eviction::Replaced))) {
            exchange.publish(will).await;
        }
        end
    }
}

/// Waits for a CONNECT that can be served, and gives its client a place.
async fn greet<'e, R: AsyncRead + Unpin>(
    reader: &mut PacketReader<R>,
    party: &Party,
    exchange: &'e Exchange,
) -> Result<Guest<'e>, (ConnectReturnCode, End)> {
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
    let (seat, coming) = exchange.enter(party, &connect.client_id).ok_or_else(|| {
        refuse(
            ConnectReturnCode::ServiceUnavailable,
            "it has too many sessions already",
        )
    })?;
    tracing::info!(client = %party, id = connect.client_id, "connected");
    Ok(Guest {
        seat,
        coming,
        silence: silence(&connect),
        will,
    })
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
