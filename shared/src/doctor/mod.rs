//! What the doctors of both programs find: one finding a probe, each with what to do next; and how both judge what both
//! have: certificates, a disk, a store.

pub mod certificates;
pub mod disk;
pub mod store;

use serde::Serialize;

use crate::exit::Exit;
use crate::print::{self, Style};

/// How it stands with what was probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Could not be probed, for a reason that another finding or the text names.
    Skipped,
    /// Works, but will not for long, or not well.
    Warning,
    /// Does not work.
    Failed,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Skipped => "skipped",
            Verdict::Warning => "warning",
            Verdict::Failed => "failed",
        }
    }
}

/// What one probe found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was probed.
    pub probe: &'static str,
    /// How it stands.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do next, where something is to be done.
    pub next: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn ok(probe: &'static str, found: impl Into<String>) -> Self {
        Self {
            probe,
            verdict: Verdict::Ok,
            found: found.into(),
            next: None,
        }
    }

    /// It could not be probed.
    pub fn skipped(probe: &'static str, why: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Skipped,
            ..Self::ok(probe, why)
        }
    }

    /// It will not go well for long.
    pub fn warning(probe: &'static str, found: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Warning,
            next: Some(next.into()),
            ..Self::ok(probe, found)
        }
    }

    /// It does not work.
    pub fn failed(probe: &'static str, found: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Failed,
            ..Self::warning(probe, found, next)
        }
    }
}

/// One finding as it is printed: to people in one or two lines.
pub fn tell(style: Style, finding: &Finding) -> String {
    if style == Style::Json {
        return print::json(finding);
    }
    let (word, probe) = (finding.verdict.word(), finding.probe);
    let mut text = format!("{word:<8} {probe:<13} {}\n", finding.found);
    if let Some(next) = &finding.next {
        text += &format!("{:<8} {:<13} next: {next}\n", "", "");
    }
    text
}

/// [`Exit::Wrong`] where anything failed; a warning is none yet.
pub fn exit(findings: &[Finding]) -> Exit {
    match findings.iter().any(|finding| finding.verdict == Verdict::Failed) {
        true => Exit::Wrong,
        false => Exit::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failure_is_told_by_the_exit_code() {
        let warning = Finding::warning("disk", "little room", "make room");
        assert_eq!(exit(std::slice::from_ref(&warning)), Exit::Done);
        assert_eq!(
            exit(&[warning, Finding::failed("clock", "ten years off", "set it")]),
            Exit::Wrong
        );
    }

    #[test]
    fn people_read_what_to_do_below_what_was_found() {
        let text = tell(Style::Table, &Finding::failed("clock", "ten years off", "set it"));
        assert_eq!(
            text,
            "failed   clock         ten years off\n                       next: set it\n"
        );
    }
}
