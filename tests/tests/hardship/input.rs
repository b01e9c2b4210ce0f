//! What devices, systems and people send by mistake.

use std::fs;
use std::io::Write;
use std::net::TcpStream;

use millrace_tests::world::{Scanner, TOKEN, post_bytes};

use super::doors::{Doors, HEADER, good};

#[test]
fn an_unknown_field_is_named_at_every_door_and_its_neighbours_are_kept() {
    let mut doors = Doors::open();
    let around = good("bad").replacen('{', r#"{"colour":"red","#, 1);
    let within = good("bad").replace(r#""item""#, r#""colour":"red","item""#);
    doors.http_refuses(&around, "colour", "unknown");
    doors.http_refuses(&within, "body.colour", "unknown");
    doors.folder_refuses(around.as_bytes(), "colour");
    doors.folder_refuses(within.as_bytes(), "body.colour");
    doors.drop_file("columns.csv", b"kind,colour\ninventory.count,red\n");
    assert!(
        doors
            .reason("columns.csv")
            .contains("the column `colour` is not known")
    );
    // A scan has no fields; what comes nearest is a label that says something unknown.
    doors.scanner_refuses(b"]C100123456789012345675", "no GS1 application identifier");
    doors.close();
}

#[test]
fn a_wrong_unit_is_named_at_every_door_and_its_neighbours_are_kept() {
    let mut doors = Doors::open();
    let of = |unit: &str| good("bad").replace(r#""value":"1""#, &format!(r#""value":"1","unit":{unit}"#));
    for unit in [r#""""#, "5", r#""k\u0007g""#] {
        doors.http_refuses(&of(unit), "body.quantity.unit", "");
        doors.folder_refuses(of(unit).as_bytes(), "body.quantity.unit");
    }
    // Which units there are is for the other end to say; here it is only seen that it can be one.
    doors.scanner_refuses(b"Q:5 k\x07g", "control character");
    doors.close();
}

#[test]
fn a_negative_or_absurd_quantity_is_refused_at_every_door_and_its_neighbours_are_kept() {
    let mut doors = Doors::open();
    for (value, why) in [
        ("-1", "negative"),
        ("4006381333931", "was a code scanned as a quantity"),
        ("1e999", ""),
    ] {
        let bad = good("bad").replace(r#""value":"1""#, &format!(r#""value":"{value}""#));
        let field = if value == "1e999" {
            "body.quantity.value"
        } else {
            "body.quantity"
        };
        doors.http_refuses(&bad, field, why);
        doors.folder_refuses(bad.as_bytes(), why);
    }
    doors.drop_file(
        "counts.csv",
        format!("{HEADER}inventory.count,bad,A,SHELF,-1\n").as_bytes(),
    );
    assert!(doors.reason("counts.csv").contains("-1 is negative"));
    doors.scanner_refuses(b"Q:-1", "");
    doors.scanner_refuses(b"Q:4006381333931", "looks like an article number");
    doors.scanner_refuses(b"Q:100001", "more than this station takes");
    doors.close();
}

#[test]
fn a_wrong_check_digit_is_refused_and_the_entry_goes_on() {
    let mut doors = Doors::open();
    doors.scanner_refuses(b"]d20104006381333932", "wrong check digit");
    doors.close();
}

#[test]
fn an_unknown_station_is_named_at_every_door_and_its_neighbours_are_kept() {
    let mut doors = Doors::open();
    let bad = good("bad").replace("stock", "NOWHERE");
    doors.http_refuses(&bad, "station", "NOWHERE");
    doors.folder_refuses(bad.as_bytes(), "NOWHERE");
    doors.close();
}

#[test]
fn an_unknown_kind_is_named_at_every_door_and_its_neighbours_are_kept() {
    let mut doors = Doors::open();
    let bad = good("bad").replace("inventory.count", "inventory.guess");
    doors.http_refuses(&bad, "kind", "inventory.guess");
    doors.folder_refuses(bad.as_bytes(), "inventory.guess");
    doors.close();
}

#[test]
fn what_is_too_long_is_refused_at_every_door_and_its_neighbours_are_kept() {
    let mut doors = Doors::open();
    let bad = good("bad").replace("BOLT", &"x".repeat(300));
    doors.http_refuses(&bad, "body.item", "");
    doors.folder_refuses(bad.as_bytes(), "body.item");
    let (status, told) = post_bytes(doors.world.http, &vec![b' '; 5 * 1024 * 1024]).unwrap();
    assert_eq!(status, 413, "{told}");
    doors.scanner_refuses(&[b'x'; 5000], "5000 bytes, more than 4096");
    doors.close();
}

#[test]
fn what_is_not_utf8_is_refused_at_every_door_and_its_neighbours_are_kept() {
    let mut doors = Doors::open();
    doors.scanner_refuses(b"LOT:\xff\xfe", "not UTF-8");
    doors.folder_refuses(b"\xff\xfe", "not UTF-8");
    let (status, told) = post_bytes(doors.world.http, b"\"\xff\xfe\"").unwrap();
    assert!(status == 400 && told.contains("UTF-8"), "{told}");
    let neighbour = doors.good();
    assert_eq!(post_bytes(doors.world.http, neighbour.as_bytes()).unwrap().0, 200);
    doors.close();
}

#[test]
fn half_a_scan_half_a_request_and_half_a_file_take_nothing_and_harm_nobody() {
    let mut doors = Doors::open();
    let mut device = Scanner::at(doors.world.count).unwrap();
    device.send_bytes(b"L:SHE").unwrap();
    drop(device);
    let mut client = TcpStream::connect(("127.0.0.1", doors.world.http)).unwrap();
    let body = good("half");
    write!(
        client,
        "POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{}",
        body.len(),
        &body[..40]
    )
    .unwrap();
    drop(client);
    doors.drop_file("half.jsonl", &body.as_bytes()[..40]);
    assert!(doors.reason("half.jsonl").contains("none of its 1 lines"));
    let whole = format!("{HEADER}inventory.count,E1,A,SHELF,12\ninventory.count,E2,A,SHELF,3");
    doors.drop_file("cut.csv", whole.as_bytes());
    assert!(doors.reason("cut.csv").contains("may have been cut off"));
    doors.kept += 1;
    let neighbours = [doors.good(), doors.good()].join("\n") + "\n";
    doors.drop_file("whole.jsonl", neighbours.as_bytes());
    doors.is_done("whole.jsonl");
    doors.scanner_refuses(b"Q:-1", "");
    doors.close();
}

#[test]
fn a_second_file_of_the_same_name_is_taken_too_and_overwrites_nothing() {
    let mut doors = Doors::open();
    let (first, second) = (doors.good() + "\n", doors.good() + "\n");
    doors.drop_file("count.jsonl", first.as_bytes());
    doors.is_done("count.jsonl");
    doors.drop_file("count.jsonl", second.as_bytes());
    doors.is_done("count.2.jsonl");
    assert_eq!(fs::read_to_string(doors.path("done/count.jsonl")).unwrap(), first);
    assert_eq!(
        fs::read_to_string(doors.path("done/count.2.jsonl")).unwrap(),
        second
    );
    doors.drop_file("again.jsonl", first.as_bytes());
    doors.is_done("again.jsonl");
    doors.close();
}
