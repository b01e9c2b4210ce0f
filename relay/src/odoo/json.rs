//! Reading Odoo's JSON: `false` for nothing, `[id, name]` or `{"id": …}` for a record, floats for quantities.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::post::{Tracking, decimal, quantity};
use crate::target::{Class, Fault};

/// A record as Odoo reads it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a>(pub(super) &'a Value);

impl<'a> Record<'a> {
    pub(super) fn get(self, field: &str) -> &'a Value {
        self.0.get(field).unwrap_or(&Value::Null)
    }

    pub(super) fn id(self) -> Result<i64, Fault> {
        self.need("id", self.get("id").as_i64())
    }

    /// A text; empty where Odoo has none.
    pub(super) fn text(self, field: &str) -> String {
        self.get(field).as_str().unwrap_or_default().to_owned()
    }

    pub(super) fn flag(self, field: &str) -> bool {
        self.get(field).as_bool().unwrap_or_default()
    }

    /// A quantity.
    pub(super) fn figure(self, field: &str) -> Result<Decimal, Fault> {
        self.need(field, quantity(self.get(field)))
    }

    /// A factor, with all its digits.
    pub(super) fn factor(self, field: &str) -> Result<Decimal, Fault> {
        self.need(field, decimal(self.get(field)))
    }

    /// The id of a record that may be absent.
    pub(super) fn link(self, field: &str) -> Option<i64> {
        match self.get(field) {
            Value::Array(pair) => pair.first().and_then(Value::as_i64),
            Value::Object(record) => record.get("id").and_then(Value::as_i64),
            other => other.as_i64(),
        }
    }

    pub(super) fn linked(self, field: &str) -> Result<i64, Fault> {
        self.need(field, self.link(field))
    }

    /// A record that was read with it.
    pub(super) fn inner(self, field: &str) -> Record<'a> {
        Record(self.get(field))
    }

    pub(super) fn list(self, field: &str) -> impl Iterator<Item = Record<'a>> + use<'a> {
        self.get(field)
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .map(Record)
    }

    pub(super) fn tracking(self, field: &str) -> Result<Tracking, Fault> {
        let word = self.get(field).as_str();
        let all = [Tracking::None, Tracking::Lot, Tracking::Serial];
        self.need(
            field,
            all.into_iter().find(|tracking| Some(tracking.word()) == word),
        )
    }

    pub(super) fn time(self, field: &str) -> Result<Timestamp, Fault> {
        let text = self.get(field).as_str();
        let civil = text.and_then(|text| DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok());
        let time = civil
            .and_then(|civil| civil.to_zoned(TimeZone::UTC).ok())
            .map(|zoned| zoned.timestamp());
        self.need(field, time)
    }

    fn need<T>(self, field: &str, value: Option<T>) -> Result<T, Fault> {
        value.ok_or_else(|| {
            let text = format!(
                "Odoo answered `{field}` as {}, which this program cannot read",
                self.get(field)
            );
            unreadable(text)
        })
    }
}

/// The name of a fault that lies in what Odoo holds, not in how it is asked: only whoever needs that answer suffers.
pub(super) const UNREADABLE: &str = "unreadable";

/// The fault in an answer that came and cannot be used.
pub(super) fn unreadable(text: impl Into<String>) -> Fault {
    Fault::new(Class::Malformed, text).named(UNREADABLE)
}

/// The records of a search.
pub(super) fn records(rows: &[Value]) -> Vec<Record<'_>> {
    rows.iter().map(Record).collect()
}
