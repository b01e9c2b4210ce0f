//! MQTT packets on a byte stream: whole packets in, whole packets out, both bounded in size and time.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use millrace_shared::transport::{MAX_PACKET_BYTES, WRITE_TIMEOUT};
use rumqttc::mqttbytes::{Error, v4::Packet};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// How long a client may take to let itself be told of the end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Why no more packets come or go.
#[derive(Debug, thiserror::Error)]
pub(super) enum PacketError {
    #[error("it closed the connection without a goodbye")]
    Closed,
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    #[error("nothing was heard from it for {} s", .0.as_secs())]
    Silent(Duration),
    #[error("it took nothing for {} s", WRITE_TIMEOUT.as_secs())]
    Stuck,
    #[error("it broke the protocol: {0}")]
    Malformed(#[from] Error),
}

pub(super) struct PacketReader<R> {
    input: R,
    buffer: BytesMut,
}

impl<R: AsyncRead + Unpin> PacketReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            buffer: BytesMut::new(),
        }
    }

    /// The next packet. `silence` bounds the time between any two bytes, not the time for a long packet.
    pub(super) async fn next(&mut self, silence: Duration) -> Result<Packet, PacketError> {
        loop {
            match Packet::read(&mut self.buffer, MAX_PACKET_BYTES) {
                Err(Error::InsufficientBytes(_)) => {}
                packet => return Ok(packet?),
            }
            let read = timeout(silence, self.input.read_buf(&mut self.buffer));
            if read.await.map_err(|_| PacketError::Silent(silence))?? == 0 {
                return Err(PacketError::Closed);
            }
        }
    }
}

pub(super) struct PacketWriter<W> {
    output: W,
    buffer: BytesMut,
}

impl<W: AsyncWrite + Unpin> PacketWriter<W> {
    pub(super) fn new(output: W) -> Self {
        Self {
            output,
            buffer: BytesMut::new(),
        }
    }

    /// Writes one packet through to the network.
    pub(super) async fn send(&mut self, packet: &Packet) -> Result<(), PacketError> {
        self.buffer.clear();
        packet.write(&mut self.buffer, MAX_PACKET_BYTES)?;
        let written = timeout(WRITE_TIMEOUT, async {
            self.output.write_all(&self.buffer).await?;
            self.output.flush().await
        });
        Ok(written.await.map_err(|_| PacketError::Stuck)??)
    }

    /// Ends the stream, so that the client can tell an end from a cut. It may be gone already.
    pub(super) async fn close(mut self) {
        timeout(CLOSE_TIMEOUT, self.output.shutdown()).await.ok();
    }
}
