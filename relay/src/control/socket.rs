//! The way of an order to the running service: a Unix socket in its folder, one JSON line each way.
//!
//! Only the service's user and root can open it. One order is carried out at a time; the others wait in the system's
//! queue. An order is read whole within a bound of bytes and time before anything is done.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use millrace_shared::clock::Clock;
use millrace_shared::store::desk::{Desk, Gone};
use millrace_shared::store::inbox::{InboxView, Worklist};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Done, Errand, Order, Refusal, person};

/// Longest order or answer.
const LINE_BYTES: u64 = 256 * 1024;

/// How long the service waits for an order's line, and for its answer to be taken.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a command waits for an answer: a large order takes its time.
const WAIT: Duration = Duration::from_secs(600);

/// Where the socket of this folder is.
pub fn path(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// Takes the socket's place. Whoever was there before is gone: the inbox has one writer.
pub fn listen(data: &Path) -> io::Result<UnixListener> {
    let (at, new) = (path(data), data.join("control.sock.new"));
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&new)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600))?;
    fs::rename(&new, &at)?;
    Ok(listener)
}

/// Serves orders until told to stop. `changed` is called after each one that may have changed something.
pub async fn serve<S: Worklist + InboxView + Send + 'static>(
    listener: UnixListener,
    store: Desk<S>,
    clock: Clock,
    changed: impl Fn() + Send,
    stop: CancellationToken,
) -> Result<(), Gone> {
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            stream = listener.accept() => stream,
        };
        let told = match stream {
            Ok((stream, _)) => answer(stream, &store, &clock, &changed).await?,
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            tracing::warn!(%error, "an order was not heard or not answered");
        }
    }
}

async fn answer<S: Worklist + InboxView + Send + 'static>(
    mut stream: UnixStream,
    store: &Desk<S>,
    clock: &Clock,
    changed: &(impl Fn() + Send),
) -> Result<io::Result<()>, Gone> {
    let heard = timeout(PATIENCE, hear(&mut stream)).await;
    let (who, order) = match heard.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(heard) => heard,
        Err(error) => return Ok(Err(error)),
    };
    let result = match order {
        Ok(order) => {
            tracing::info!(who, ?order, "a person's order");
            let errand = Errand::new(order, who, clock.moment().wall_ms);
            let result = carry_out(errand, store).await?;
            changed();
            result
        }
        Err(error) => Err(Refusal::Unsuited(format!(
            "no order that this service knows: {error}"
        ))),
    };
    let mut line = serde_json::to_vec(&result).unwrap_or_default();
    line.push(b'\n');
    let written = timeout(PATIENCE, stream.write_all(&line)).await;
    Ok(written.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())))
}

type Heard = (String, Result<Order, serde_json::Error>);

async fn hear(stream: &mut UnixStream) -> io::Result<Heard> {
    let who = person::name(stream.peer_cred()?.uid());
    let mut line = Vec::new();
    tokio::io::BufReader::new(stream)
        .take(LINE_BYTES)
        .read_until(b'\n', &mut line)
        .await?;
    Ok((who, serde_json::from_slice(&line)))
}

/// A page at a time, so that what arrives is taken in between.
async fn carry_out<S: Worklist + InboxView + Send + 'static>(
    mut errand: Errand,
    store: &Desk<S>,
) -> Result<Result<Done, Refusal>, Gone> {
    loop {
        let (back, step) = store
            .ask(move |store| {
                let step = errand.step(store);
                (errand, step)
            })
            .await?;
        errand = back;
        match step {
            Ok(None) => {}
            Ok(Some(done)) => return Ok(Ok(done)),
            Err(refusal) => return Ok(Err(refusal)),
        }
    }
}

/// Brings an order to the running service. None where no service runs.
pub fn order(data: &Path, order: &Order) -> io::Result<Option<Result<Done, Refusal>>> {
    use io::ErrorKind::{ConnectionRefused, NotFound};
    let mut stream = match std::os::unix::net::UnixStream::connect(path(data)) {
        Ok(stream) => stream,
        Err(error) if [NotFound, ConnectionRefused].contains(&error.kind()) => return Ok(None),
        Err(error) => return Err(error),
    };
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_read_timeout(Some(WAIT))?;
    let mut line = serde_json::to_vec(order)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = String::new();
    BufReader::new(stream.take(LINE_BYTES)).read_line(&mut answer)?;
    Ok(Some(serde_json::from_str(&answer)?))
}
