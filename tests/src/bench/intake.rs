//! Durable intake: through the agent, source by source, and by the spool's writer alone; each beside what SQLite takes
//! in commits of the same size, with rows of the same bytes and the same pragmas.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::disk::{Kept, raw_rows_per_second, syncs_per_second};
use super::table::{Aim, Row};
use super::{Say, fill};
use crate::load::{Gun, Mes, count_line, together};
use crate::world::{Target, World};

/// How long each source is loaded.
const SPAN: Duration = Duration::from_secs(5);
const AIM: Aim = Aim::Share(0.6);
/// Files for the drop folder, and lines in each.
const FILES: (usize, usize) = (4, 20_000);

/// What the disk does by itself.
pub fn disk(say: Say<'_>) {
    let folder = tempfile::TempDir::new().expect("a folder");
    let rate = syncs_per_second(folder.path());
    say(Row::new("disk: fdatasync after 4 KiB", rate, "/s"));
}

/// The spool's writer without a source before it.
pub fn spool(say: Say<'_>) {
    for size in [1, 8, 64, 512] {
        let folder = tempfile::TempDir::new().expect("a folder");
        let mut spool = fill::open(&folder.path().join("spool.sqlite"));
        let (mut spent, mut count) = (Duration::ZERO, 0);
        while spent < Duration::from_secs(2) {
            spent += fill::commit(&mut spool, count, size);
            count += size;
        }
        drop(spool);
        let raw = raw_rows_per_second(folder.path(), fill::envelope_bytes(), size as usize);
        let name = format!("intake, spool's writer alone, commits of {size}");
        let row = Row::new(name, count as f64 / spent.as_secs_f64(), "messages/s");
        say(row.against(raw, "rows/s, raw SQLite").aim(AIM));
    }
}

/// Scanners over TCP: each scan is a commit's worth before its device hears OK.
pub fn tcp(say: Say<'_>) {
    for guns in [1_usize, 8, 32] {
        let mut world = World::new(&Target::Shadow);
        world.start_agent();
        let port = world.count;
        let rate = together(guns, SPAN, |index| {
            let number = u8::try_from(index).expect("few devices");
            let mut gun = Gun::at(number, port).expect("a connection");
            let mut figure = 0;
            move || {
                figure += 1;
                let item = format!("ITEM-{:03}", figure % 100);
                gun.count(&format!("SHELF-{index}"), &item, figure)
                    .expect("a count");
                4
            }
        });
        world.kill_agent();
        let kept = Kept::scans(&spool_of(&world));
        let name = format!("intake, TCP, {guns} scanners");
        say(held_against(Row::new(name, rate, "scans/s"), &world, kept));
    }
}

/// An MES over HTTP with lines of JSON.
pub fn http(say: Say<'_>) {
    for (clients, lines) in [(16, 1), (4, 64), (4, 512)] {
        let mut world = World::new(&Target::Shadow);
        world.start_agent();
        let port = world.http;
        let rate = together(clients, SPAN, |index| {
            let mut mes = Mes::at(port).expect("a connection");
            let mut number = 0;
            move || {
                let body: String = (number..number + lines)
                    .map(|line| a_count(index, line))
                    .collect();
                number += lines;
                mes.post(&body).expect("it is taken");
                lines
            }
        });
        world.kill_agent();
        let kept = Kept::messages(&spool_of(&world));
        let name = format!("intake, HTTP, {clients} clients, {lines} a request");
        say(held_against(Row::new(name, rate, "messages/s"), &world, kept));
    }
}

/// Files of JSON lines that are dropped into a folder, from their appearance until they are in `done/`.
pub fn folder(say: Say<'_>) {
    let mut world = World::new(&Target::Shadow);
    let drop = world.folder().join("drop");
    fs::create_dir(&drop).expect("a folder");
    world.change("agent", |text| {
        text + "[[folder]]\nname = \"drop\"\nfolder = \"drop\"\nsettle_ms = 100\npoll_ms = 100\n"
    });
    world.start_agent();
    let (files, lines) = FILES;
    for file in 0..files {
        let text: String = (0..lines).map(|line| a_count(file, line)).collect();
        fs::write(world.folder().join(format!("{file}.jsonl")), text).expect("a file");
    }
    let start = Instant::now();
    for file in 0..files {
        let name = format!("{file}.jsonl");
        fs::rename(world.folder().join(&name), drop.join(&name)).expect("it is dropped");
    }
    let done = drop.join("done");
    world.eventually("the files are taken", || {
        fs::read_dir(&done).map_or(0, Iterator::count) >= files
    });
    let rate = (files * lines) as f64 / start.elapsed().as_secs_f64();
    world.kill_agent();
    let kept = Kept::messages(&spool_of(&world));
    assert!(kept.intakes >= files * lines, "not all lines were kept: {kept:?}");
    let name = format!("intake, drop folder, files of {lines} lines");
    say(held_against(Row::new(name, rate, "messages/s"), &world, kept));
}

fn a_count(who: usize, number: usize) -> String {
    let (item, place) = (
        format!("ITEM-{:03}", number % 100),
        format!("SHELF-{who}-{}", number / 100 % 10),
    );
    count_line(&format!("{who}-{number:08}"), &item, &place, number as u64)
}

fn held_against(row: Row, world: &World, kept: Kept) -> Row {
    let Kept { commit, bytes, .. } = kept;
    let raw = raw_rows_per_second(world.folder(), bytes, commit);
    row.against(
        raw,
        format!("rows/s, raw SQLite, {bytes} B each, commits of {commit}"),
    )
    .aim(AIM)
}

/// Where the agent of a world keeps its messages.
pub fn spool_of(world: &World) -> PathBuf {
    let data: &Path = &world.folder().join("plant-a");
    data.join("spool.sqlite")
}
