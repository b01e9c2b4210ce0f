//! How much of what unit: decimals, never floats.

use std::fmt;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::MessageError;
use super::code::Code;
use crate::limit;

/// A quantity as it was captured. Without a unit it counts in the unit of the scanned code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quantity {
    /// The figure, as a decimal text such as `"12.5"`. A JSON number with a fraction is refused: it is a float.
    #[serde(
        serialize_with = "rust_decimal::serde::str::serialize",
        deserialize_with = "decimal"
    )]
    #[schemars(with = "String")]
    pub value: Decimal,
    /// The unit as captured, such as `kg`.
    #[serde(default)]
    pub unit: Option<Code>,
}

impl Quantity {
    /// This many of the scanned code's own unit.
    pub fn units(value: impl Into<Decimal>) -> Self {
        Self {
            value: value.into(),
            unit: None,
        }
    }

    /// Checks the figure's sign, size and precision. `zero` says whether nothing is a valid amount (a count of 0).
    pub(super) fn check(&self, field: &'static str, zero: bool) -> Result<(), MessageError> {
        let wrong = |reason: String| Err(MessageError::Field { field, reason });
        if self.value.is_sign_negative() && !self.value.is_zero() {
            return wrong(format!(
                "{} is negative; undo or correct with the message made for it",
                self.value
            ));
        }
        if self.value.is_zero() && !zero {
            return wrong("nothing (0) is no quantity here".into());
        }
        if self.value > Decimal::from(limit::QUANTITY_MAX) {
            return wrong(format!(
                "{} is more than {}: was a code scanned as a quantity?",
                self.value,
                limit::QUANTITY_MAX
            ));
        }
        if self.value.normalize().scale() > limit::QUANTITY_SCALE {
            return wrong(format!(
                "{} has more than {} decimal places",
                self.value,
                limit::QUANTITY_SCALE
            ));
        }
        Ok(())
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unit {
            Some(unit) => write!(f, "{} {unit}", self.value),
            None => write!(f, "{}", self.value),
        }
    }
}

fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    struct Figure;
    impl serde::de::Visitor<'_> for Figure {
        type Value = Decimal;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a decimal written as text, such as \"12.5\"")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Decimal, E> {
            Decimal::from_str_exact(text)
                .map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
        }

        fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Decimal, E> {
            Ok(Decimal::from(number))
        }

        fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Decimal, E> {
            Ok(Decimal::from(number))
        }
    }
    deserializer.deserialize_any(Figure)
}
