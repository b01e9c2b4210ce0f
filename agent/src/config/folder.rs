//! Sections `[[folder]]`: where systems drop files.

use std::sync::Arc;
use std::time::Duration;

use millrace_shared::config::Section;

use super::source::{read_name, read_stations};
use crate::convert::table::Dialect;
use crate::source::folder::{Complete, FolderSettings};
use crate::station::Station;

/// Most endings of names that are never looked at.
const IGNORED: usize = 64;

/// Reads one `[[folder]]`.
pub fn read(folder: &mut Section<'_>, stations: &[Arc<Station>]) -> Option<FolderSettings> {
    let name = read_name(folder, "erp-drop");
    let path = folder.path("folder", "write the folder into which files are dropped");
    let defaults = FolderSettings::new(&name, &path);
    let marker: Option<String> =
        folder.parsed("marker", "write the ending of a marker file, such as \".ok\"");
    let settle = folder.milliseconds("settle_ms", 2000, 100..=3_600_000);
    let complete = read_complete(folder, marker, settle);
    let ignored = folder.has("ignored").then(|| folder.texts("ignored", IGNORED));
    let poll = folder.milliseconds("poll_ms", 5000, 100..=3_600_000);
    let file_bytes_max = folder.number("file_bytes_max", 16 << 20, 1024..=256 << 20);
    let lines_max = folder.number("lines_max", 100_000, 1..=1_000_000) as usize;
    let dialect = read_dialect(folder);
    let kind = folder.parsed(
        "kind",
        "write the kind of rows that name none, such as \"inventory.count\"",
    );
    let station = folder.parsed("station", "write the station of messages that name none");
    let settings = FolderSettings {
        complete,
        ignored: ignored.unwrap_or(defaults.ignored.clone()),
        poll,
        file_bytes_max,
        lines_max,
        dialect,
        kind,
        station,
        stations: read_stations(folder, stations),
        ..defaults
    };
    settings
        .problems()
        .into_iter()
        .for_each(|problem| folder.problem(problem));
    Some(settings)
}

fn read_complete(folder: &mut Section<'_>, marker: Option<String>, settle: Duration) -> Complete {
    match marker {
        Some(marker) if marker.starts_with('.') && marker.len() > 1 => Complete::Marker(marker),
        Some(marker) => {
            folder.problem(format!(
                "`marker` is `{marker}`: it must begin with a dot, such as \".ok\""
            ));
            Complete::Marker(marker)
        }
        None => Complete::Quiet(settle),
    }
}

fn read_dialect(folder: &mut Section<'_>) -> Dialect {
    let delimiters = [
        ("comma", b','),
        ("semicolon", b';'),
        ("tab", b'\t'),
        ("pipe", b'|'),
    ];
    let delimiter = folder.choice("csv_delimiter", &delimiters).unwrap_or(b',');
    let decimal_comma = folder.flag("csv_decimal_comma", false);
    if decimal_comma && delimiter == b',' {
        folder.problem("a decimal comma needs another delimiter: set csv_delimiter = \"semicolon\"");
    }
    Dialect {
        delimiter,
        decimal_comma,
    }
}
