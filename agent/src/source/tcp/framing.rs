//! Where a scan begins and ends in a stream of bytes. Pure: bytes and the time in, frames out.
//!
//! Whatever arrives, no frame is longer than the limit, and after anything odd the next good frame is found again.

use std::time::Duration;

/// How a device marks its scans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// CR, LF or CR LF ends a scan; empty lines are nothing. Fits most scanners, and `nc`.
    Line,
    /// These bytes stand before (none: everything belongs to a scan) and behind each scan, such as STX and ETX.
    Delimited {
        /// Before.
        start: Vec<u8>,
        /// Behind; at least one byte.
        end: Vec<u8>,
    },
    /// A scan ends when nothing came for so long.
    Idle(Duration),
}

impl Framing {
    /// The framing of a name: `line`, `cr`, `lf`, `crlf`, `tab`, `stx-etx`.
    pub fn named(name: &str) -> Option<Self> {
        let ends_with = |end: &[u8]| Self::Delimited {
            start: Vec::new(),
            end: end.to_vec(),
        };
        Some(match name {
            "line" => Self::Line,
            "cr" => ends_with(b"\r"),
            "lf" => ends_with(b"\n"),
            "crlf" => ends_with(b"\r\n"),
            "tab" => ends_with(b"\t"),
            "stx-etx" => Self::Delimited {
                start: vec![0x02],
                end: vec![0x03],
            },
            _ => return None,
        })
    }
}

/// What was found in the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A scan, without its marks.
    Scan(Vec<u8>),
    /// A scan of so many bytes, more than the limit, and its beginning.
    TooLong {
        /// As much as the limit allows.
        beginning: Vec<u8>,
        /// How many bytes it had.
        bytes: usize,
    },
    /// Bytes that no end mark followed in time, or that stood between two scans.
    Unfinished(Vec<u8>),
}

/// Cuts a stream into frames.
#[derive(Debug)]
pub struct Framer {
    framing: Framing,
    longest: usize,
    patience_ms: u64,
    /// Whether the start mark was seen (always, where there is none).
    inside: bool,
    /// The bytes since the last mark, as far as the limit (and an end mark) allows.
    bytes: Vec<u8>,
    /// How many there were in all.
    total: usize,
    /// The latest bytes, as many as the longer mark has.
    tail: Vec<u8>,
    /// When the latest byte came.
    latest_ms: u64,
}

impl Framer {
    /// A framer at the beginning of a stream. `longest` bounds a scan; `patience` is how long an unfinished one waits
    /// for its end before it is given up, so that it is never glued to the next.
    pub fn new(framing: Framing, longest: usize, patience: Duration) -> Self {
        let inside = !matches!(&framing, Framing::Delimited { start, .. } if !start.is_empty());
        let patience = match framing {
            Framing::Idle(silence) => silence,
            _ => patience,
        };
        Self {
            framing,
            longest,
            patience_ms: u64::try_from(patience.as_millis()).unwrap_or(u64::MAX),
            inside,
            bytes: Vec::new(),
            total: 0,
            tail: Vec::new(),
            latest_ms: 0,
        }
    }

    /// The frames that these bytes finish.
    pub fn feed(&mut self, bytes: &[u8], now_ms: u64) -> Vec<Frame> {
        let mut frames = Vec::new();
        for byte in bytes {
            self.take(*byte, &mut frames);
        }
        self.latest_ms = now_ms;
        frames
    }

    /// When [`Self::handle_timeout`] wants to be called, unless more bytes come.
    pub fn deadline_ms(&self) -> Option<u64> {
        (self.total > 0).then(|| self.latest_ms.saturating_add(self.patience_ms))
    }

    /// Time has passed: ends a scan by silence, or gives up an unfinished one.
    pub fn handle_timeout(&mut self, now_ms: u64) -> Option<Frame> {
        if self.deadline_ms()? > now_ms {
            return None;
        }
        let by_silence = matches!(self.framing, Framing::Idle(_));
        if by_silence {
            while matches!(self.bytes.last(), Some(b'\r' | b'\n')) && self.total == self.bytes.len() {
                self.bytes.pop();
                self.total -= 1;
            }
            return (self.total > 0).then(|| self.finish(0)).or_else(|| {
                self.reset();
                None
            });
        }
        let inside = self.inside;
        let rest = self.reset();
        let nothing = !inside && rest.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
        (!nothing).then_some(Frame::Unfinished(rest))
    }

    fn take(&mut self, byte: u8, frames: &mut Vec<Frame>) {
        match &self.framing {
            Framing::Line if matches!(byte, b'\r' | b'\n') => {
                if self.total > 0 {
                    let frame = self.finish(0);
                    frames.push(frame);
                }
            }
            Framing::Line | Framing::Idle(_) => self.append(byte, 0),
            Framing::Delimited { start, end } => {
                let (start, end) = (start.clone(), end.clone());
                self.append(byte, start.len().max(end.len()));
                if self.inside && self.tail.ends_with(&end) {
                    let frame = self.finish(end.len());
                    frames.push(frame);
                } else if !start.is_empty() && self.tail.ends_with(&start) {
                    self.begin(start.len(), frames);
                }
            }
        }
    }

    fn append(&mut self, byte: u8, mark: usize) {
        if self.bytes.len() < self.longest + mark {
            self.bytes.push(byte);
        }
        self.total += 1;
        if mark > 0 {
            if self.tail.len() == mark {
                self.tail.remove(0);
            }
            self.tail.push(byte);
        }
    }

    /// The end mark is there: the frame is what stands before it.
    fn finish(&mut self, mark: usize) -> Frame {
        let length = self.total.saturating_sub(mark);
        let mut bytes = self.reset();
        if length <= self.longest {
            bytes.truncate(length);
            return Frame::Scan(bytes);
        }
        bytes.truncate(self.longest);
        Frame::TooLong {
            beginning: bytes,
            bytes: length,
        }
    }

    /// The start mark is there: what stood before it belongs to no scan. Line ends between scans are nothing.
    fn begin(&mut self, mark: usize, frames: &mut Vec<Frame>) {
        let was_inside = self.inside;
        let before = self.total.saturating_sub(mark);
        let mut stray = self.reset();
        stray.truncate(before);
        let nothing = !was_inside && stray.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
        if !stray.is_empty() && !nothing {
            stray.truncate(self.longest);
            frames.push(Frame::Unfinished(stray));
        }
        self.inside = true;
    }

    fn reset(&mut self) -> Vec<u8> {
        self.inside = !matches!(&self.framing, Framing::Delimited { start, .. } if !start.is_empty());
        self.total = 0;
        self.tail.clear();
        std::mem::take(&mut self.bytes)
    }
}

#[cfg(test)]
#[path = "framing_tests.rs"]
mod tests;
