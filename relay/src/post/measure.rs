//! Quantities from the unit of the scan into the unit that the target keeps: exactly, or not at all.
//!
//! Odoo rounds without a word, and it takes an hour of a product that is kept in kilograms.

use millrace_shared::limit;
use millrace_shared::message::{Code, Quantity};
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde_json::{Number, Value};

use super::fact::{Unit, Units};
use super::plan::{Ask, Halt};
use super::why::Why;

impl Units {
    /// The unit with this id.
    pub fn by_id(&self, id: i64) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.id == id)
    }

    /// The unit of this name: as written, or else the only one that differs in case alone.
    fn by_name(&self, name: &Code) -> Ask<&Unit> {
        let exact = self.named(|unit| unit.name == name.as_str());
        let lower = name.as_str().to_lowercase();
        let alike = || self.named(|unit| unit.name.to_lowercase() == lower);
        let found = if exact.is_empty() { alike() } else { exact };
        match found[..] {
            [unit] => Ok(unit),
            [] => Err(Halt::because(
                Why::UnknownUnit,
                format!("no unit is called {name}: create it in Odoo, or amend the message's unit"),
            )
            .about(format!("unit:{name}"))),
            _ => Err(Halt::because(
                Why::Ambiguous,
                format!("{} units are called {name}", found.len()),
            )),
        }
    }

    /// How much of the unit `into` a captured quantity is. Without a unit of its own it counts in `scanned`, the unit
    /// of the code that was scanned.
    pub fn exact(&self, quantity: &Quantity, scanned: i64, into: i64) -> Ask<Decimal> {
        let from = match &quantity.unit {
            Some(name) => self.by_name(name)?,
            None => self.known(scanned)?,
        };
        let into = self.known(into)?;
        if from.root != into.root {
            let text = format!(
                "{} cannot be measured in {}: amend the unit",
                from.name, into.name
            );
            return Err(Halt::because(Why::ForeignUnit, text));
        }
        convert(quantity.value, from.factor, into.factor)
            .filter(|value| value.scale() <= self.digits && number(*value).is_some())
            .ok_or_else(|| {
                let text = format!(
                    "{} {} is not exact in {} with {} decimal places, which is what Odoo keeps: amend the quantity, \
                     or raise Odoo's decimal accuracy of `Product Unit`",
                    quantity.value, from.name, into.name, self.digits
                );
                Halt::because(Why::Inexact, text)
            })
    }

    /// Converts between two units known to be of one root; for figures that came from the target itself.
    pub fn between(&self, value: Decimal, from: i64, into: i64) -> Ask<Option<Decimal>> {
        let (from, into) = (self.known(from)?, self.known(into)?);
        Ok(convert(value, from.factor, into.factor).filter(|_| from.root == into.root))
    }

    fn named(&self, means: impl Fn(&Unit) -> bool) -> Vec<&Unit> {
        self.units
            .iter()
            .filter(|unit| unit.active && means(unit))
            .collect()
    }

    fn known(&self, id: i64) -> Ask<&Unit> {
        let gone = || {
            Halt::because(Why::UnknownUnit, format!("Odoo has no unit {id} any more"))
                .about(format!("unit:{id}"))
        };
        self.by_id(id).ok_or_else(gone)
    }
}

/// `value × from ÷ into`, if that is a finite decimal.
fn convert(value: Decimal, from: Decimal, into: Decimal) -> Option<Decimal> {
    if from == into {
        return Some(value.normalize());
    }
    let amount = value.checked_mul(from)?;
    let result = amount.checked_div(into)?.normalize();
    (result.checked_mul(into)? == amount).then_some(result)
}

/// The figure as Odoo takes it, a JSON number; nothing where a double cannot carry it exactly.
pub fn number(value: Decimal) -> Option<Number> {
    let value = value.normalize();
    if value.scale() == 0 {
        return i64::try_from(value).ok().map(Number::from);
    }
    let float: f64 = value.to_string().parse().ok()?;
    let back = Decimal::from_str_exact(&float.to_string()).ok()?;
    (back == value).then(|| Number::from_f64(float)).flatten()
}

/// The figure as JSON. Callers have it from [`Units::exact`] or from Odoo, so a double carries it.
pub(super) fn json(value: Decimal) -> Value {
    number(value).map_or(Value::Null, Value::Number)
}

/// A figure of Odoo's, as written.
pub fn decimal(number: &Value) -> Option<Decimal> {
    match number {
        Value::Number(number) => Decimal::from_str_exact(&number.to_string())
            .ok()
            .or_else(|| number.as_f64().and_then(Decimal::from_f64))
            .map(|value| value.normalize()),
        _ => None,
    }
}

/// A quantity of Odoo's, without what a sum of floats leaves behind its last place.
pub fn quantity(number: &Value) -> Option<Decimal> {
    decimal(number).map(|value| value.round_dp(limit::QUANTITY_SCALE).normalize())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unit(id: i64, name: &str, factor: &str, root: i64) -> Unit {
        Unit {
            id,
            name: name.into(),
            factor: factor.parse().unwrap(),
            root,
            active: true,
        }
    }

    fn units() -> Units {
        let units = vec![
            unit(1, "Units", "1", 1),
            unit(2, "Dozens", "12", 1),
            unit(3, "Case", "12", 1),
            unit(4, "Hours", "1", 4),
            unit(15, "g", "1", 15),
            unit(16, "kg", "1000", 15),
            unit(17, "lb", "453.592", 15),
        ];
        Units { digits: 2, units }
    }

    fn quantity(value: &str, name: Option<&str>) -> Quantity {
        Quantity {
            value: value.parse().unwrap(),
            unit: name.map(|name| name.parse().unwrap()),
        }
    }

    fn word(ask: Ask<Decimal>) -> String {
        match ask.unwrap_err() {
            Halt::Refuse(reason) => reason.code,
            Halt::Hold(hold) => hold.subject.unwrap(),
            Halt::Need(_) => "need".into(),
        }
    }

    #[test]
    fn two_cases_of_twelve_are_twenty_four() {
        assert_eq!(units().exact(&quantity("2", None), 3, 1), Ok(Decimal::from(24)));
    }

    #[test]
    fn a_unit_that_was_captured_wins_over_the_codes_own() {
        assert_eq!(
            units().exact(&quantity("2500", Some("g")), 16, 16),
            Ok("2.5".parse().unwrap())
        );
        assert_eq!(
            units().exact(&quantity("1", Some("KG")), 15, 15),
            Ok(Decimal::from(1000))
        );
    }

    #[test]
    fn what_odoo_would_round_is_refused() {
        assert_eq!(
            word(units().exact(&quantity("1", Some("g")), 16, 16)),
            "inexact-quantity"
        );
        assert_eq!(
            word(units().exact(&quantity("1", Some("lb")), 16, 16)),
            "inexact-quantity"
        );
        assert_eq!(
            word(units().exact(&quantity("1", None), 1, 2)),
            "inexact-quantity"
        );
    }

    #[test]
    fn an_hour_of_a_kilogram_is_refused_and_an_unknown_unit_waits() {
        assert_eq!(
            word(units().exact(&quantity("1", Some("Hours")), 16, 16)),
            "foreign-unit"
        );
        assert_eq!(
            word(units().exact(&quantity("1", Some("stone")), 16, 16)),
            "unit:stone"
        );
    }

    #[test]
    fn a_sum_of_floats_is_the_quantity_that_was_meant() {
        let sum = serde_json::json!(0.1 + 0.2);
        assert_ne!(decimal(&sum), Some("0.3".parse().unwrap()));
        assert_eq!(super::quantity(&sum), Some("0.3".parse().unwrap()));
    }

    proptest! {
        #[test]
        fn a_conversion_is_exact_or_refused(mantissa in 1_i64..1_000_000_000_000, scale in 0_u32..9, from in 0_usize..7, into in 0_usize..7) {
            let all = units();
            let value = Decimal::new(mantissa, scale);
            let captured = Quantity { value, unit: Some(all.units[from].name.parse().unwrap()) };
            if let Ok(result) = all.exact(&captured, 1, all.units[into].id) {
                prop_assert_eq!(all.units[from].root, all.units[into].root);
                prop_assert_eq!(result * all.units[into].factor, value * all.units[from].factor);
                prop_assert!(result.scale() <= all.digits);
                prop_assert_eq!(decimal(&json(result)), Some(result));
            }
        }
    }
}
