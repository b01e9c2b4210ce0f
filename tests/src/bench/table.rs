//! A figure with its ceiling and its aim, as people and machines read it.

use millrace_shared::print::Listed;
use serde::Serialize;

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aim {
    /// At least so much of the ceiling.
    Share(f64),
    /// At most so much of the ceiling.
    ShareAtMost(f64),
    /// At least so much.
    AtLeast(f64),
    /// At most so much.
    AtMost(f64),
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    figure: String,
    unit: &'static str,
    reached: f64,
    ceiling: Option<f64>,
    /// What the ceiling is.
    against: Option<String>,
    ratio: Option<f64>,
    aim: Option<String>,
    met: Option<bool>,
}

impl Row {
    /// A figure in this unit, without a ceiling or an aim.
    pub fn new(figure: impl Into<String>, reached: f64, unit: &'static str) -> Self {
        Self {
            figure: figure.into(),
            unit,
            reached,
            ceiling: None,
            against: None,
            ratio: None,
            aim: None,
            met: None,
        }
    }

    /// What it is held against, measured in the same run.
    pub fn against(mut self, ceiling: f64, what: impl Into<String>) -> Self {
        self.ceiling = Some(ceiling);
        self.against = Some(what.into());
        self.ratio = (ceiling > 0.0).then(|| self.reached / ceiling);
        self
    }

    /// What it should be.
    pub fn aim(mut self, aim: Aim) -> Self {
        let ratio = self.ratio.unwrap_or_default();
        let (text, met) = match aim {
            Aim::Share(least) => (format!("ratio ≥ {least}"), ratio >= least),
            Aim::ShareAtMost(most) => (format!("ratio ≤ {most}"), ratio <= most),
            Aim::AtLeast(least) => (format!("≥ {}", figure(least)), self.reached >= least),
            Aim::AtMost(most) => (format!("≤ {}", figure(most)), self.reached <= most),
        };
        (self.aim, self.met) = (Some(text), Some(met));
        self
    }

    /// Whether it misses its aim.
    pub fn misses(&self) -> bool {
        self.met == Some(false)
    }
}

impl Listed for Row {
    const TITLES: &'static [&'static str] = &["FIGURE", "REACHED", "CEILING", "RATIO", "AIM", "MET"];

    fn cells(&self) -> Vec<String> {
        let ceiling = match (self.ceiling, &self.against) {
            (Some(value), Some(what)) => format!("{} {what}", figure(value)),
            _ => "-".to_owned(),
        };
        vec![
            self.figure.clone(),
            format!("{} {}", figure(self.reached), self.unit),
            ceiling,
            self.ratio.map_or("-".into(), |ratio| format!("{ratio:.2}")),
            self.aim.clone().unwrap_or("-".into()),
            match self.met {
                Some(true) => "yes",
                Some(false) => "NO",
                None => "-",
            }
            .to_owned(),
        ]
    }
}

/// Three figures that count, with a space between thousands.
fn figure(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 => 0,
        value if value < 10.0 => 2,
        value if value < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut spaced = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            spaced.push(' ');
        }
        spaced.push(digit);
    }
    spaced + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_misses_its_aim_says_so() {
        let row = Row::new("intake", 500.0, "/s")
            .against(1000.0, "raw")
            .aim(Aim::Share(0.6));
        assert!(row.misses());
        assert_eq!(
            row.cells(),
            ["intake", "500 /s", "1 000 raw", "0.50", "ratio ≥ 0.6", "NO"]
        );
        let row = Row::new("ready", 0.25, "s").aim(Aim::AtMost(1.0));
        assert!(!row.misses());
        assert_eq!(row.cells(), ["ready", "0.25 s", "-", "-", "≤ 1.00", "yes"]);
    }

    #[test]
    fn numbers_are_readable_at_every_size() {
        assert_eq!(
            [0.0, 0.021, 1.5, 99.96, 1234567.0].map(figure),
            ["0", "0.02", "1.50", "100.0", "1 234 567"]
        );
    }
}
