//! What a command prints: tables for people, JSON lines for machines, from the same rows.

use std::io::{self, IsTerminal, Write};
use std::thread::sleep;
use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde::Serialize;

use crate::envelope::Moment;

/// Clears a terminal and goes to its first line (ECMA-48 ED and CUP).
const CLEAR: &str = "\x1b[2J\x1b[H";

/// How a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Aligned columns.
    Table,
    /// One JSON object a line.
    Json,
}

/// A row that can be shown to people and machines.
pub trait Listed: Serialize {
    /// The column titles, one a cell.
    const TITLES: &'static [&'static str];

    /// The cells, as people read them.
    fn cells(&self) -> Vec<String>;
}

/// The rows in that style, ending in a line break; `nothing` is said to people where there are none.
pub fn listing<T: Listed>(style: Style, rows: &[T], nothing: &str) -> String {
    match style {
        Style::Json => rows.iter().map(json).collect(),
        Style::Table if rows.is_empty() => format!("{nothing}\n"),
        Style::Table => {
            let mut table = Table::new();
            table
                .load_style(presets::NOTHING)
                .set_content_arrangement(ContentArrangement::Disabled);
            table.set_header(T::TITLES);
            for row in rows {
                table.add_row(row.cells());
            }
            if let Some(first) = table.column_mut(0) {
                first.set_padding((0, 1));
            }
            table.trim_fmt() + "\n"
        }
    }
}

/// Writes to standard output. An error of kind `BrokenPipe` means that the reader has seen enough.
pub fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints what `take` reads: once, or with `watch` again whenever `every` has passed, on a clear screen where it is one.
pub fn watch<T: Serialize, E: From<io::Error>>(
    style: Style,
    watch: bool,
    every: Duration,
    mut take: impl FnMut() -> Result<T, E>,
    text: impl Fn(&T) -> String,
) -> Result<(), E> {
    let clear = if watch && io::stdout().is_terminal() {
        CLEAR
    } else {
        ""
    };
    loop {
        let reading = take()?;
        say(&match style {
            Style::Json => json(&reading),
            Style::Table => format!("{clear}{}", text(&reading)),
        })?;
        if !watch {
            return Ok(());
        }
        sleep(every);
    }
}

/// One value as a JSON line.
pub fn json<T: Serialize>(value: &T) -> String {
    match serde_json::to_string(value) {
        Ok(text) => text + "\n",
        Err(error) => format!("{{\"fault\":\"{error}\"}}\n"),
    }
}

/// A moment in the time of its plant, such as `2026-03-01 06:00:00+01:00`.
pub fn time(moment: Moment) -> String {
    let offset = Offset::from_seconds(i32::from(moment.offset_minutes) * 60).unwrap_or(Offset::UTC);
    let at = Timestamp::from_millisecond(moment.wall_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(TimeZone::fixed(offset))
        .strftime("%Y-%m-%d %H:%M:%S%:z")
        .to_string()
}

/// Bytes as people read them, such as `3.4 MiB`.
pub fn bytes(count: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let step = (0..units.len() - 1)
        .find(|step| count >> (10 * (step + 1)) == 0)
        .unwrap_or(units.len() - 1);
    if step == 0 {
        format!("{count} B")
    } else {
        format!(
            "{:.1} {}",
            count as f64 / f64::powi(1024.0, step as i32),
            units[step]
        )
    }
}

/// A length of time as people read it, such as `3 h 05 min`.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_begins_at_the_edge_and_says_so_where_it_is_empty() {
        #[derive(Serialize)]
        struct Row(&'static str, u8);
        impl Listed for Row {
            const TITLES: &'static [&'static str] = &["NAME", "N"];

            fn cells(&self) -> Vec<String> {
                vec![self.0.to_owned(), self.1.to_string()]
            }
        }
        assert_eq!(
            listing(Style::Table, &[Row("a", 1), Row("long name", 2)], ""),
            "NAME       N\na          1\nlong name  2\n"
        );
        assert_eq!(listing::<Row>(Style::Table, &[], "none"), "none\n");
        assert_eq!(listing(Style::Json, &[Row("a", 1)], ""), "[\"a\",1]\n");
    }

    #[test]
    fn a_moment_is_told_in_the_time_of_its_plant() {
        let moment = Moment {
            wall_ms: 1_767_229_200_000,
            offset_minutes: -210,
            boot: 0,
            monotonic_ms: 0,
        };
        assert_eq!(time(moment), "2025-12-31 21:30:00-03:30");
    }

    #[test]
    fn sizes_and_times_read_well_at_their_edges() {
        assert_eq!(
            [0, 1023, 1024, 1 << 30].map(bytes),
            ["0 B", "1023 B", "1.0 KiB", "1.0 GiB"]
        );
        assert_eq!(
            [59, 60, 3600, 90_000].map(span),
            ["59 s", "1 min 00 s", "1 h 00 min", "1 d 01 h"]
        );
    }
}
