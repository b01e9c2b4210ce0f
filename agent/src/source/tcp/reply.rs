//! What a device is told: bytes of its own language, with the operator's line where it can show one.

use std::fmt;
use std::str::FromStr;

use super::super::session::Answer;
use crate::station::Tone;

/// Most characters of a line for the operator. What is longer is cut.
pub const LINE_CHARS: usize = 120;

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// An escape that is not known.
    #[error("`\\{0}` is not known: use \\r \\n \\t \\e \\\\ or \\x and two hexadecimal digits")]
    Escape(String),
    /// Too long.
    #[error("a reply may have 256 characters at most")]
    TooLong,
}

/// Bytes to send, with `{text}` where the operator's line goes. Written as text with the escapes `\r`, `\n`, `\t`,
/// `\e` (ESC), `\\` and `\x06`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    before: Vec<u8>,
    /// Whether the operator's line goes between `before` and `after`.
    line: bool,
    after: Vec<u8>,
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        if text.len() > 256 {
            return Err(TemplateError::TooLong);
        }
        let (before, after) = match text.split_once("{text}") {
            Some((before, after)) => (before, Some(after)),
            None => (text, None),
        };
        Ok(Self {
            before: unescape(before)?,
            line: after.is_some(),
            after: unescape(after.unwrap_or_default())?,
        })
    }
}

impl Template {
    /// The bytes for this line. Control characters and what is too long are taken out of it.
    pub fn fill(&self, line: &str) -> Vec<u8> {
        let mut bytes = self.before.clone();
        if self.line {
            let line: String = line
                .chars()
                .filter(|c| !c.is_control())
                .take(LINE_CHARS)
                .collect();
            bytes.extend_from_slice(line.as_bytes());
        }
        bytes.extend_from_slice(&self.after);
        bytes
    }

    fn contains(&self, byte: u8) -> bool {
        self.before.contains(&byte) || self.after.contains(&byte)
    }
}

fn unescape(text: &str) -> Result<Vec<u8>, TemplateError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let escape = &rest[at + 1..];
        let wrong = || TemplateError::Escape(escape.chars().take(3).collect());
        let (byte, length) = match escape.bytes().next().ok_or_else(wrong)? {
            b'r' => (b'\r', 1),
            b'n' => (b'\n', 1),
            b't' => (b'\t', 1),
            b'e' => (0x1b, 1),
            b'\\' => (b'\\', 1),
            b'x' => {
                let digits = escape.get(1..3).ok_or_else(wrong)?;
                (u8::from_str_radix(digits, 16).map_err(|_| wrong())?, 3)
            }
            _ => return Err(wrong()),
        };
        bytes.push(byte);
        rest = &escape[length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

/// What a device is told, by what became of its scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replies {
    /// Understood and kept; the entry goes on.
    pub taken: Template,
    /// A message was made and kept.
    pub booked: Template,
    /// It was taken before.
    pub already: Template,
    /// Not taken, and sending it again changes nothing.
    pub refused: Template,
    /// Not kept; it may be sent again later.
    pub unavailable: Template,
    /// The device read no code.
    pub no_read: Template,
}

/// One word and the operator's line, ended by CR LF; nothing where no code was read.
impl Default for Replies {
    fn default() -> Self {
        let line = |word: &str| Template {
            before: format!("{word} ").into_bytes(),
            line: true,
            after: b"\r\n".to_vec(),
        };
        Self {
            taken: line("OK"),
            booked: line("BOOKED"),
            already: line("ALREADY"),
            refused: line("REFUSED"),
            unavailable: line("FAILED"),
            no_read: Template {
                before: Vec::new(),
                line: false,
                after: Vec::new(),
            },
        }
    }
}

impl Replies {
    /// The bytes for this answer.
    pub fn bytes(&self, answer: &Answer) -> Vec<u8> {
        match answer {
            Answer::Unavailable(why) => self.unavailable.fill(why),
            Answer::Feedback(feedback) => {
                let template = match feedback.tone {
                    Tone::Taken => &self.taken,
                    Tone::Booked => &self.booked,
                    Tone::Already => &self.already,
                    Tone::Refused => &self.refused,
                };
                template.fill(&feedback.text)
            }
        }
    }

    /// What is wrong with these replies, for the person who wrote the configuration.
    pub fn problems(&self) -> Vec<String> {
        // A scanner that is told NAK sends the same data again, and after three times discards it.
        const NAK: u8 = 0x15;
        let judged = [("refused", &self.refused), ("already", &self.already)];
        judged
            .iter()
            .filter(|(_, template)| template.contains(NAK))
            .map(|(name, _)| {
                format!("the reply `{name}` contains NAK (\\x15): the scanner would send the same code again and again")
            })
            .collect()
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let line = if self.line { "{text}" } else { "" };
        write!(f, "{}{line}{}", escaped(&self.before), escaped(&self.after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::station::Feedback;

    #[test]
    fn a_template_is_the_bytes_that_a_device_understands() {
        let template: Template = r"\e7,\x06{text}\r\n".parse().unwrap();
        assert_eq!(template.fill("ok\u{7}\n"), b"\x1b7,\x06ok\r\n");
        assert_eq!(template.fill(&"x".repeat(500)).len(), 4 + LINE_CHARS + 2);
        for bad in [r"\q", r"\x1", r"\xzz", "\\"] {
            assert!(bad.parse::<Template>().is_err(), "{bad}");
        }
    }

    #[test]
    fn nak_is_no_answer_to_a_scan_that_is_wrong() {
        let replies = Replies {
            refused: r"\x15".parse().unwrap(),
            ..Replies::default()
        };
        assert_eq!(replies.problems().len(), 1);
        let answer = Answer::Feedback(Feedback::new(Tone::Already, "already booked"));
        assert_eq!(Replies::default().bytes(&answer), b"ALREADY already booked\r\n");
    }
}
