//! The machine that the relay runs on: the service, the disk, the clock, the store.

use jiff::{SignedDuration, Timestamp};
use millrace_shared::clock;
use millrace_shared::disk::room;
use millrace_shared::doctor::store::advice;
use millrace_shared::doctor::{Finding, disk};
use millrace_shared::store::inbox::{InboxView, LaneBacklog};

use crate::command::{CommandError, open_store};
use crate::config::Config;
use crate::control::socket;

/// A program is not run for longer than this after it was built: ten years.
const USE: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);
/// A clock may be set back a little, by hand or by NTP.
const SLACK: SignedDuration = SignedDuration::from_mins(2);

/// Whether the service takes orders.
pub(super) fn service(config: &Config) -> Finding {
    let at = socket::path(&config.data);
    match std::os::unix::net::UnixStream::connect(&at) {
        Ok(_) => Finding::ok("service", "runs and takes orders"),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Finding::skipped(
            "service",
            format!("{}: only root and the service's user may ask it", at.display()),
        ),
        Err(_) => Finding::warning(
            "service",
            "it does not run: nothing is taken or posted",
            "start it: systemctl start millrace-relay; if it ends again, journalctl -u millrace-relay says why",
        ),
    }
}

/// Whether the disk has room.
pub(super) fn disk(config: &Config) -> Finding {
    match room(&config.data) {
        Ok(room) => disk::judge(&config.data, room, "the plants keep theirs until there is room"),
        Err(error) => Finding::failed(
            disk::PROBE,
            format!("{}: {error}", config.data.display()),
            "make the folder and give it to the service's user, or correct `data` in [relay]",
        ),
    }
}

/// Whether the wall clock can be right.
pub(super) fn clock(now: Timestamp) -> Finding {
    let (built, says) = (clock::built(), now.strftime("%Y-%m-%d %H:%M UTC"));
    let next = "set the clock and keep it right: timedatectl set-ntp true, or your own NTP server";
    if now < built - SLACK || now.duration_since(built) > USE {
        let found = format!(
            "it says {says}, but this program was built {}",
            built.strftime("%Y-%m-%d")
        );
        return Finding::failed("clock", found, next);
    }
    Finding::ok("clock", format!("it says {says}, which can be right"))
}

/// Whether the store opens, and what waits in it for a person.
pub(super) fn store(config: &Config) -> Finding {
    const PROBE: &str = "store";
    let read = open_store(config).and_then(|reader| Ok(reader.backlog()?));
    match read {
        Ok(lanes) => judge(&lanes),
        Err(CommandError::NoStore(path)) => Finding::warning(
            PROBE,
            format!("there is none yet at {}", path.display()),
            "the service makes it when it first starts; if it ran before, correct `data` in [relay]",
        ),
        Err(CommandError::Store(error)) => Finding::failed(PROBE, error.to_string(), advice(&error, "relay")),
        Err(error) => Finding::failed(PROBE, error.to_string(), "please report this"),
    }
}

fn judge(lanes: &[LaneBacklog]) -> Finding {
    let sum = |of: fn(&LaneBacklog) -> u64| lanes.iter().map(of).sum::<u64>();
    let (dead, held) = (sum(|lane| lane.dead), sum(|lane| lane.held));
    let found = format!(
        "opens; {} waiting, {dead} dead, {held} held",
        sum(|lane| lane.waiting + lane.sent)
    );
    match dead {
        0 => Finding::ok("store", found),
        _ => Finding::warning(
            "store",
            found,
            "`millrace-relay dead list --by reason` says what there is to repair",
        ),
    }
}
