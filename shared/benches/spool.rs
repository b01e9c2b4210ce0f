//! How fast the spool is, each figure beside its ceiling from the same run and the same disk.
//!
//! `cargo bench -p millrace-shared --bench spool -- [folder] [millions]`: the folder decides which disk is measured;
//! with a number of millions, opening and reading are measured with that many messages waiting.

use std::error::Error;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use millrace_shared::envelope::{Capture, Draft, Envelope, Moment};
use millrace_shared::ident::{Digest, Epoch, Lane};
use millrace_shared::message::{Kind, Message, SCHEMA};
use millrace_shared::outcome::{Outcome, Record};
use millrace_shared::store::spool::{
    Claim, DialogueChange, Intake, News, Pressure, Retention, Scan, Spool, SpoolReader, Verdict,
};
use millrace_shared::store::sqlite::spool::{Options, SqliteSpool, SqliteSpoolReader};

type Outcomes<T> = Result<T, Box<dyn Error>>;

const EPOCH: Epoch = Epoch(1);
const QUOTA_BYTES: u64 = 64 << 30;
/// How long each figure is measured.
const SPAN: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Scanner,
    Http,
}

fn main() -> Outcomes<()> {
    let mut args = std::env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let folder = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let millions: u64 = args.next().map_or(Ok(0), |text| text.parse())?;
    let folder = folder.join(format!("spool-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let result = if millions == 0 {
        intake(&folder)
    } else {
        backlog(&folder, millions)
    };
    std::fs::remove_dir_all(&folder)?;
    result
}

fn intake(folder: &Path) -> Outcomes<()> {
    println!("fdatasync after 4 KiB: {:.0}/s", syncs(folder)?);
    println!(
        "{:>8} {:>9} {:>12} {:>12} {:>6}",
        "commit", "source", "spool/s", "raw/s", "ratio"
    );
    for size in [1, 8, 64, 512] {
        for (source, name) in [(Source::Scanner, "scanner"), (Source::Http, "http")] {
            let raw = raw(&folder.join("raw.db"), source, size)?;
            let ours = spool(&folder.join("spool.db"), source, size)?;
            println!("{size:>8} {name:>9} {ours:>12.0} {raw:>12.0} {:>6.2}", ours / raw);
        }
    }
    Ok(())
}

fn syncs(folder: &Path) -> Outcomes<f64> {
    let mut file = File::create(folder.join("sync"))?;
    let page = [7; 4096];
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < SPAN {
        file.write_all(&page)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

/// The ceiling: the same bytes in the same commits into one table, made beforehand, and nothing known of them afterwards.
fn raw(path: &Path, source: Source, size: u64) -> Outcomes<f64> {
    let connection = rusqlite::Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE IF NOT EXISTS raw (id INTEGER PRIMARY KEY, bytes BLOB)",
    )?;
    let rate = rate(size, |first| {
        let batch: Vec<Vec<u8>> = (0..size).map(|n| bytes(&piece(source, first + n))).collect();
        let start = Instant::now();
        let transaction = connection.unchecked_transaction()?;
        for bytes in batch {
            connection
                .prepare_cached("INSERT INTO raw (bytes) VALUES (?)")?
                .execute([bytes])?;
        }
        transaction.commit()?;
        Ok(start.elapsed())
    })?;
    drop(connection);
    remove(path)?;
    Ok(rate)
}

fn bytes(intake: &Intake) -> Vec<u8> {
    let sealed = Envelope::new(&intake.drafts[0], 1, Vec::new()).and_then(|envelope| envelope.seal());
    sealed.map(|sealed| sealed.bytes).unwrap_or_default()
}

fn spool(path: &Path, source: Source, size: u64) -> Outcomes<f64> {
    let mut spool = open(path)?;
    let rate = rate(size, |first| {
        let batch: Vec<Intake> = (0..size).map(|n| piece(source, first + n)).collect();
        let start = Instant::now();
        let verdicts = spool.commit(&batch, now(first))?;
        let spent = start.elapsed();
        assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Kept(_))));
        Ok(spent)
    })?;
    drop(spool);
    remove(path)?;
    Ok(rate)
}

/// Messages per second of the time that `commit` says it spent, at this many at a time.
fn rate(size: u64, mut commit: impl FnMut(u64) -> Outcomes<Duration>) -> Outcomes<f64> {
    let (mut spent, mut count) = (Duration::ZERO, 0);
    while spent < SPAN {
        spent += commit(count)?;
        count += size;
    }
    Ok(count as f64 / spent.as_secs_f64())
}

fn backlog(folder: &Path, millions: u64) -> Outcomes<()> {
    let path = folder.join("spool.db");
    let mut spool = open(&path)?;
    let total = millions * 1_000_000;
    let start = Instant::now();
    for first in (0..total).step_by(1000) {
        let batch: Vec<Intake> = (0..1000).map(|n| piece(Source::Http, first + n)).collect();
        spool.commit(&batch, now(first))?;
    }
    println!(
        "kept {total} messages: {:.0}/s",
        total as f64 / start.elapsed().as_secs_f64()
    );
    println!("{:?}", spool.footprint()?);
    drop(spool);
    timed("open for writing", || open(&path).map(drop))?;
    let mut spool = open(&path)?;
    let reader = SqliteSpoolReader::open(&path)?;
    timed("heads", || reader.heads().map(drop).map_err(Into::into))?;
    timed("tally", || {
        reader.tally(Lane::Normal).map(|_| ()).map_err(Into::into)
    })?;
    println!("resident: {} KiB", resident_kib()?);
    drain(&mut spool, &reader)?;
    println!("resident: {} KiB", resident_kib()?);
    Ok(())
}

/// Reads rows, learns that they are stored and settled, and prunes them, all at the size of a frame.
fn drain(spool: &mut SqliteSpool, reader: &SqliteSpoolReader) -> Outcomes<()> {
    let (mut read, mut stored, mut settled, mut pruned) = (0.0, 0.0, 0.0, 0.0);
    let (mut from, mut count) = (1, 0);
    while count < 500_000 {
        let start = Instant::now();
        let rows = reader.rows(EPOCH, Lane::Normal, from, 4096, 1 << 20)?;
        read += start.elapsed().as_secs_f64();
        let Some(last) = rows.last() else { break };
        let to = last.position.sequence;
        let start = Instant::now();
        let news = News::Stored {
            epoch: EPOCH,
            lane: Lane::Normal,
            from,
            to,
        };
        spool.learn(&[news], now(0))?;
        stored += start.elapsed().as_secs_f64();
        let news: Vec<News> = rows
            .iter()
            .map(|row| News::Settled {
                stamp: row.stamp(),
                outcome: applied(),
            })
            .collect();
        let start = Instant::now();
        spool.learn(&news, now(0))?;
        settled += start.elapsed().as_secs_f64();
        count += rows.len();
        from = to + 1;
    }
    let start = Instant::now();
    let keep = Retention {
        settled: Duration::ZERO,
        claims: Duration::ZERO,
        scans: Duration::ZERO,
        pressure: Pressure::Refuse,
    };
    let mut gone = 0;
    loop {
        let done = spool.prune(&keep, now(1_000_000))?;
        gone += done.settled;
        if !done.more {
            break;
        }
    }
    pruned += start.elapsed().as_secs_f64();
    let rate = |seconds: f64| count as f64 / seconds;
    println!(
        "of {count}: read {:.0}/s, stored {:.0}/s, settled {:.0}/s, pruned {gone} at {:.0}/s",
        rate(read),
        rate(stored),
        rate(settled),
        rate(pruned)
    );
    Ok(())
}

fn timed(what: &str, work: impl FnOnce() -> Outcomes<()>) -> Outcomes<()> {
    let start = Instant::now();
    work()?;
    println!("{what}: {:.2} ms", start.elapsed().as_secs_f64() * 1000.0);
    Ok(())
}

fn open(path: &Path) -> Outcomes<SqliteSpool> {
    let options = Options {
        agent: "bench".parse()?,
        quota_bytes: QUOTA_BYTES,
        reserve_bytes: QUOTA_BYTES / 16,
        epoch: EPOCH,
        new_epoch: false,
    };
    Ok(SqliteSpool::open(path, options)?.0)
}

fn remove(path: &Path) -> Outcomes<()> {
    for end in ["", "-wal", "-shm", ".lock", ".witness"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        if Path::new(&name).exists() {
            std::fs::remove_file(name)?;
        }
    }
    Ok(())
}

/// What a line of a plant says: a confirmation with a lot, of one of a thousand orders.
fn piece(source: Source, number: u64) -> Intake {
    let body = format!(
        r#"{{"order":"WH/MO/{:05}","quantity":{{"value":"12","unit":"Units"}},"lot":"L{:08}"}}"#,
        number % 1000,
        number / 20
    );
    let message = Message::parse(Kind::ProductionConfirm, SCHEMA, &body);
    let raw = format!("\x02]C1010401234567890110L{:08}\x1d3012\x03", number / 20).into_bytes();
    let id = format!("MES-{number:010}");
    let draft = message.map(|message| Draft {
        message,
        lane: None,
        reverses: None,
        capture: Capture {
            source: "line-1".to_owned(),
            station: Some("press-4".to_owned()),
            operator: Some("B-1041".to_owned()),
            moment: now(number),
            source_id: (source == Source::Http).then(|| id.clone()),
            raw: if source == Source::Http {
                body.clone().into_bytes()
            } else {
                raw.clone()
            },
            raw_cut: false,
        },
    });
    let drafts = draft.into_iter().collect();
    match source {
        Source::Http => Intake {
            claim: Some(Claim {
                source: "mes".to_owned(),
                id,
                content: Digest::of(body.as_bytes()),
            }),
            drafts,
            ..Intake::default()
        },
        Source::Scanner => Intake {
            drafts,
            scan: Some(Scan {
                station: "press-4".to_owned(),
                connection: "1".to_owned(),
                moment: now(number),
                raw,
            }),
            dialogue: Some(DialogueChange {
                station: "press-4".to_owned(),
                connection: "1".to_owned(),
                state: Some(vec![7; 100]),
            }),
            ..Intake::default()
        },
    }
}

fn applied() -> Outcome {
    Outcome::Applied(Record {
        model: "mrp.production".to_owned(),
        id: 4711,
        name: "WH/MO/04711".to_owned(),
    })
}

fn now(number: u64) -> Moment {
    Moment {
        wall_ms: 1_700_000_000_000 + number as i64,
        offset_minutes: 60,
        boot: 1,
        monotonic_ms: number,
    }
}

fn resident_kib() -> Outcomes<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(number.map_or(Ok(0), |number| number.parse())?)
}
