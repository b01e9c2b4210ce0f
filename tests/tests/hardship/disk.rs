//! A disk that is full, takes no more, or may not be written at all; a page of it that is damaged.

use std::fs;
use std::os::unix::fs::FileExt;

use millrace_tests::world::mount::SmallDisk;
use millrace_tests::world::{Scanner, post_bytes, scan};

use super::doors::{Doors, good};

/// Messages in one request of those that fill the store.
const MANY: usize = 500;

/// Posts until the store takes no more, and gives what it said then. Of the last request it may have kept a first part.
fn fill(doors: &mut Doors, at_once: usize) -> String {
    loop {
        let before = doors.kept;
        let many: Vec<String> = (0..at_once).map(|_| doors.good()).collect();
        let (status, told) =
            post_bytes(doors.world.http, format!("[{}]", many.join(",")).as_bytes()).unwrap();
        if status != 200 {
            assert_eq!(status, 503, "{told}");
            doors.kept = waiting(doors);
            assert!(
                (before..before + at_once).contains(&doors.kept),
                "{before}, {}",
                doors.kept
            );
            return told;
        }
    }
}

/// Every door says that nothing can be kept now, and why; nothing is taken.
fn all_doors_refuse(doors: &mut Doors, why: &str) {
    // Many at once are judged with some room to spare; one by one they find it.
    fill(doors, 1);
    let mut device = Scanner::at(doors.world.count).unwrap();
    // The first scans may still find a place that was too small for a message.
    let scans = ["L:SHELF"].into_iter().chain(["BOLT"; 200]);
    let mut told = scans.map(|scan| device.scan(scan).unwrap());
    let told = told
        .find(|told| told.starts_with("FAILED"))
        .expect("200 scans were taken");
    assert!(told.contains(why), "{told}");
    let (status, told) = post_bytes(doors.world.http, good("late").as_bytes()).unwrap();
    assert!(
        status == 503 && told.contains(why) && told.contains("retry-after"),
        "{told}"
    );
    doors.drop_file("late.jsonl", (good("late-file") + "\n").as_bytes());
    assert!(!doors.path("rejected/late.jsonl.reason").exists());
}

/// The same messages are taken when there is room again, and the file without anybody's doing.
fn all_doors_take_again(doors: &mut Doors) {
    doors.is_done("late.jsonl");
    assert_eq!(
        post_bytes(doors.world.http, good("late").as_bytes()).unwrap().0,
        200
    );
    doors.kept += 2;
    Scanner::at(doors.world.count)
        .unwrap()
        .scan("CMD:CANCEL")
        .unwrap();
    doors.scanner_refuses(b"Q:-1", "");
}

fn waiting(doors: &Doors) -> usize {
    let (_, readings) = doors.world.ask("agent", &["backlog"]);
    usize::try_from(readings[0]["lanes"][3]["waiting"].as_u64().unwrap()).unwrap()
}

#[test]
fn a_full_store_is_told_at_every_door_takes_again_when_there_is_room_and_keeps_the_configured_reserve() {
    let mut taken = Vec::new();
    for reserve in [8, 1] {
        let mut doors = Doors::closed();
        let quota = format!("[spool]\nquota_mib = 16\nreserve_mib = {reserve}\n");
        doors.world.change("agent", |text| text + &quota);
        doors.world.start_agent();
        let told = fill(&mut doors, MANY);
        let reserved = format!("of 16 MiB used, {reserve} MiB of them reserved");
        assert!(
            told.contains("the message store is full") && told.contains(&reserved),
            "{told}"
        );
        taken.push(doors.kept);
        if reserve == 1 {
            all_doors_refuse(&mut doors, "the message store is full");
            doors.world.kill_agent();
            doors
                .world
                .change("agent", |text| text.replace("quota_mib = 16", "quota_mib = 64"));
            doors.world.start_agent();
            all_doors_take_again(&mut doors);
            doors.close();
        }
    }
    assert!(
        taken[0] * 3 < taken[1] * 2,
        "a larger reserve leaves less for these: {taken:?}"
    );
}

#[test]
fn a_disk_on_which_no_file_can_grow_is_told_at_every_door_and_nothing_is_lost() {
    let mut doors = Doors::closed();
    doors.world.start_agent_with_files_of(1024);
    let told = fill(&mut doors, MANY);
    assert!(told.contains("disk"), "{told}");
    all_doors_refuse(&mut doors, "disk");
    assert_eq!(waiting(&doors), doors.kept);
    doors.world.kill_agent();
    doors.world.start_agent();
    all_doors_take_again(&mut doors);
    doors.close();
}

#[test]
fn a_disk_that_takes_nothing_for_a_while_is_told_at_every_door_and_the_agent_goes_on_without_a_restart() {
    let mut doors = Doors::closed();
    doors.world.start_agent_with_files_of(1 << 20);
    doors.scanner_refuses(b"Q:-1", "");
    doors.world.agent_can_write(false);
    all_doors_refuse(&mut doors, "disk");
    assert_eq!(waiting(&doors), doors.kept);
    doors.world.agent_can_write(true);
    all_doors_take_again(&mut doors);
    doors.close();
}

#[test]
fn a_disk_that_turns_read_only_is_told_at_every_door_and_nothing_is_lost_once_it_is_mended() {
    let mut doors = Doors::closed();
    let Some(disk) = SmallDisk::mount(&doors.world.folder().join("plant-a")) else {
        return;
    };
    doors.world.start_agent();
    doors.scanner_refuses(b"Q:-1", "");
    disk.breaks();
    all_doors_refuse(&mut doors, "disk");
    // Who only reads is served as before.
    assert_eq!((waiting(&doors), doors.listed()), (doors.kept, doors.kept));
    let (_, findings) = doors.world.ask("agent", &["doctor"]);
    let told = findings
        .iter()
        .find(|finding| finding["probe"] == "disk")
        .unwrap();
    assert!(
        told["verdict"] == "failed" && told["found"].as_str().unwrap().contains("nothing can be written"),
        "{told}"
    );
    doors.world.kill_agent();
    let (code, told) = doors.world.ask("agent", &["run"]);
    assert!(
        code == Some(5) && format!("{told:?}").contains("Read-only file system"),
        "{told:?}"
    );
    disk.is_mended();
    doors.world.start_agent();
    all_doors_take_again(&mut doors);
    doors.close();
}

#[test]
fn while_the_relays_disk_is_read_only_the_plant_keeps_everything_and_sends_it_once_it_is_mended() {
    let mut doors = Doors::closed();
    let Some(disk) = SmallDisk::mount(&doors.world.folder().join("relay")) else {
        return;
    };
    doors.world.start_relay();
    doors.world.start_agent();
    let booking = |order: &'static str| [order, "Q:10", "CMD:CONFIRM"];
    scan(doors.world.production, &booking("O:WH/MO/00001")).unwrap();
    doors
        .world
        .eventually("the first is settled", || states(&doors) == ["settled"]);
    disk.breaks();
    for order in ["O:WH/MO/00002", "O:WH/MO/00003"] {
        let told = scan(doors.world.production, &booking(order)).unwrap();
        assert!(told[2].starts_with("BOOKED"), "{told:?}");
    }
    doors.world.eventually("the relay says why it takes nothing", || {
        doors.world.logs().contains("the disk refused")
    });
    let (_, findings) = doors.world.ask("relay", &["doctor"]);
    assert!(
        format!("{findings:?}").contains("nothing can be written"),
        "{findings:?}"
    );
    assert_eq!(states(&doors), ["settled", "waiting", "waiting"]);
    doors.world.kill_relay();
    disk.is_mended();
    doors.world.start_relay();
    doors
        .world
        .eventually("all are settled", || states(&doors) == ["settled"; 3]);
    doors.kept = 3;
    doors.close();
}

/// How the agent's messages stand, oldest first.
fn states(doors: &Doors) -> Vec<String> {
    let (_, rows) = doors.world.ask("agent", &["messages", "list"]);
    let state = |row: &serde_json::Value| row["state"].as_str().unwrap().to_owned();
    rows.iter().map(state).collect()
}

#[test]
fn a_folder_that_cannot_be_written_is_named_before_any_door_opens() {
    let mut doors = Doors::closed();
    // Nobody can make a folder there, not even root.
    doors.world.change("agent", |text| {
        text.replace("data = \"plant-a\"", "data = \"/proc/millrace\"")
    });
    let (code, told) = doors.world.ask("agent", &["run"]);
    let told = told.last().unwrap().to_string();
    assert!(
        code != Some(0) && told.contains("/proc/millrace"),
        "{code:?} {told}"
    );
    assert!(Scanner::at(doors.world.count).is_err());
    doors
        .world
        .change("agent", |text| text.replace("/proc/millrace", "plant-a"));
    doors.world.start_agent();
    doors.scanner_refuses(b"Q:-1", "");
    doors.close();
}

#[test]
fn a_damaged_page_is_named_by_verify_and_all_other_messages_go_on() {
    let mut doors = Doors::open();
    let many: Vec<String> = (0..MANY).map(|_| doors.good()).collect();
    assert_eq!(
        post_bytes(doors.world.http, format!("[{}]", many.join(",")).as_bytes())
            .unwrap()
            .0,
        200
    );
    doors.world.kill_agent();
    let (code, _) = doors.world.ask("agent", &["verify"]);
    assert_eq!(code, Some(0));
    // An agent that starts has all that was there before in the one file.
    doors.world.start_agent();
    doors.world.kill_agent();
    let file = doors.world.folder().join("plant-a/spool.sqlite");
    let bytes = fs::read(&file).unwrap();
    let needle = format!("good-{}\"", MANY / 2);
    let at = bytes
        .windows(needle.len())
        .position(|found| found == needle.as_bytes())
        .unwrap();
    let disk = fs::File::options().write(true).open(&file).unwrap();
    disk.write_all_at(b"rust", at as u64).unwrap();

    doors.world.start_agent();
    let (code, rows) = doors.world.ask("agent", &["verify"]);
    let named = format!("{rows:?}");
    assert!(
        code != Some(0) && named.contains(&format!("normal:{}", MANY / 2)),
        "{named}"
    );
    doors.scanner_refuses(b"Q:-1", "");
    let listed = doors.listed();
    assert_eq!(listed, doors.kept, "the damaged one is listed, and said to be so");
}
