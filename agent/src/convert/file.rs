//! The messages in a file, line by line: each line is good or bad for itself.

use super::form::{self, Form, FormError};
use super::table::{Dialect, Header};

/// How a file is written, by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.json`, `.jsonl`, `.ndjson`: one JSON form a line, or the whole file one form or an array of them.
    Json,
    /// `.csv`: a header that names the columns, then one row a line.
    Csv,
}

impl Format {
    /// The format of a file of this name.
    pub fn of(name: &str) -> Option<Self> {
        let (_, end) = name.rsplit_once('.')?;
        match end.to_ascii_lowercase().as_str() {
            "json" | "jsonl" | "ndjson" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// A line that should hold a message.
#[derive(Debug)]
pub struct Line<'f> {
    /// Its number in the file, from 1; in an array of JSON the number of the item.
    pub number: u64,
    /// The line as it stands there, its end included.
    pub bytes: &'f [u8],
    /// What the sender calls it, as far as it can be told.
    pub external_id: Option<String>,
    /// Its message.
    pub form: Result<Form, FormError>,
}

/// A file, taken apart.
#[derive(Debug)]
pub struct Lines<'f> {
    /// The lines, empty ones left out.
    pub lines: Vec<Line<'f>>,
    head: &'f [u8],
    between: &'static [u8],
    tail: &'static [u8],
}

impl Lines<'_> {
    /// A file of its own with some of the lines, written as this one is.
    pub fn extract<'l>(&self, lines: impl Iterator<Item = &'l Line<'l>>) -> Vec<u8> {
        let mut file = self.head.to_vec();
        for (index, line) in lines.enumerate() {
            file.extend_from_slice(if index == 0 { b"" } else { self.between });
            file.extend_from_slice(line.bytes);
        }
        file.extend_from_slice(self.tail);
        file
    }
}

/// Takes a file apart. `kind` is the kind of rows that name none. The error is about the file as a whole.
pub fn read<'f>(
    bytes: &'f [u8],
    format: Format,
    dialect: Dialect,
    kind: Option<&str>,
    most: usize,
) -> Result<Lines<'f>, FormError> {
    let content = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let read = match format {
        Format::Json => whole_json(content).unwrap_or_else(|| json_lines(content)),
        Format::Csv => csv_lines(content, dialect, kind)?,
    };
    match read.lines.len() {
        0 => Err(FormError::new(".", "there is no message in it")),
        count if count > most => {
            let reason = format!("it has {count} lines, more than {most}: write smaller files");
            Err(FormError::new(".", reason))
        }
        _ => Ok(read),
    }
}

/// A file that is one form over several lines, or an array. None where it is one form a line.
fn whole_json(content: &[u8]) -> Option<Lines<'_>> {
    let text = std::str::from_utf8(content).ok()?;
    let items = match form::split_json(text).ok()? {
        form::Payload::One(one) => vec![one],
        form::Payload::Many(items) => items,
    };
    let lines = (1..).zip(items);
    let lines = lines.map(|(number, text)| json_line(number, text.as_bytes(), text));
    Some(Lines {
        lines: lines.collect(),
        head: b"[",
        between: b",\n",
        tail: b"]\n",
    })
}

fn json_line<'f>(number: u64, bytes: &'f [u8], text: &str) -> Line<'f> {
    Line {
        number,
        bytes,
        external_id: form::external_id_of(text),
        form: Form::parse(text),
    }
}

fn json_lines(content: &[u8]) -> Lines<'_> {
    let lines = physical(content).map(|(number, bytes)| match text(bytes) {
        Ok(text) => json_line(number, bytes, text),
        Err(error) => bad(number, bytes, error),
    });
    Lines {
        lines: lines.collect(),
        head: b"",
        between: b"",
        tail: b"",
    }
}

fn csv_lines<'f>(content: &'f [u8], dialect: Dialect, kind: Option<&str>) -> Result<Lines<'f>, FormError> {
    let mut lines = physical(content);
    let (_, head) = lines
        .next()
        .ok_or_else(|| FormError::new("header", "the file is empty"))?;
    let header = Header::parse(text(head)?, dialect, kind)?;
    let line = |(number, bytes): (u64, &'f [u8])| {
        let row = text(bytes).and_then(|text| {
            if bytes.ends_with(b"\n") {
                header.row(text)
            } else {
                // `125` cut to `12` is a good figure.
                let reason =
                    "the last line does not end with a line break, so the file may have been cut off in it";
                Err(FormError::new(".", reason))
            }
        });
        match row {
            Ok(form) => Line {
                number,
                bytes,
                external_id: form.external_id.clone(),
                form: Ok(form),
            },
            Err(error) => bad(number, bytes, error),
        }
    };
    Ok(Lines {
        lines: lines.map(line).collect(),
        head,
        between: b"",
        tail: b"",
    })
}

fn bad(number: u64, bytes: &[u8], error: FormError) -> Line<'_> {
    Line {
        number,
        bytes,
        external_id: None,
        form: Err(error),
    }
}

/// The lines that are not blank, with their numbers and their ends.
fn physical(content: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    content
        .split_inclusive(|byte| *byte == b'\n')
        .zip(1..)
        .map(|(bytes, number)| (number, bytes))
        .filter(|(_, bytes)| !bytes.iter().all(u8::is_ascii_whitespace))
}

fn text(bytes: &[u8]) -> Result<&str, FormError> {
    let text = std::str::from_utf8(bytes).map_err(|_| FormError::new(".", "it is not UTF-8"))?;
    Ok(text.trim_end_matches(['\r', '\n']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COUNT: &str =
        r#"{"kind":"inventory.count","body":{"item":"A","location":"B","quantity":{"value":"3"}}}"#;

    fn json(bytes: &[u8]) -> Vec<(u64, bool)> {
        let read = read(bytes, Format::Json, Dialect::default(), None, 100).unwrap();
        read.lines
            .iter()
            .map(|line| (line.number, line.form.is_ok()))
            .collect()
    }

    #[test]
    fn json_comes_as_lines_as_an_array_or_as_one_form() {
        assert_eq!(
            json(format!("{COUNT}\n\n{COUNT}\r\n{{").as_bytes()),
            [(1, true), (3, true), (4, false)]
        );
        assert_eq!(
            json(format!("[{COUNT},\n 7]").as_bytes()),
            [(1, true), (2, false)]
        );
        assert_eq!(json(COUNT.replace(',', ",\n").as_bytes()), [(1, true)]);
        assert_eq!(json(format!("\u{feff}{COUNT}\n").as_bytes()), [(1, true)]);
    }

    #[test]
    fn a_line_that_is_not_utf8_is_bad_and_its_neighbours_are_good() {
        let bytes = [COUNT.as_bytes(), b"\n\xff\xfe\n", COUNT.as_bytes()].concat();
        assert_eq!(json(&bytes), [(1, true), (2, false), (3, true)]);
    }

    #[test]
    fn a_csv_file_that_was_cut_off_loses_its_last_line_and_no_other() {
        let bytes = b"kind,item,location,quantity\r\ninventory.count,A,B,1\r\n\r\ninventory.count,A,B,12";
        let read = read(bytes, Format::Csv, Dialect::default(), None, 100).unwrap();
        assert_eq!(read.extract([].into_iter()), b"kind,item,location,quantity\r\n");
        assert!(read.lines[0].form.is_ok());
        assert_eq!(read.lines[1].number, 4);
        assert!(
            read.lines[1]
                .form
                .as_ref()
                .unwrap_err()
                .reason
                .contains("cut off")
        );
    }

    #[test]
    fn empty_files_and_files_with_too_many_lines_are_refused_as_a_whole() {
        for (bytes, format) in [
            ("", Format::Json),
            ("\n \n", Format::Json),
            ("", Format::Csv),
            ("kind\n", Format::Csv),
        ] {
            assert!(
                read(bytes.as_bytes(), format, Dialect::default(), None, 100).is_err(),
                "{bytes:?}"
            );
        }
        let many = format!("{COUNT}\n").repeat(3);
        assert!(read(many.as_bytes(), Format::Json, Dialect::default(), None, 2).is_err());
    }

    proptest! {
        #[test]
        fn no_file_at_all_makes_the_reader_panic(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"\",\n\r{}[]:;a1".to_vec())], 0..200),
        ) {
            for format in [Format::Json, Format::Csv] {
                let headed = [b"kind,item\n".as_slice(), &bytes].concat();
                let _ = read(&headed, format, Dialect::default(), None, 1000);
                let _ = read(&bytes, format, Dialect::default(), Some("scrap.report"), 1000);
            }
        }
    }
}
