//! `dead try`: runs a message's posting in the target and takes it back, so that a repair is seen to work before it is
//! ordered.

use std::collections::BTreeMap;

use millrace_shared::exit::Exit;
use millrace_shared::ident::MessageId;
use millrace_shared::print::{self, Style, say};
use serde_json::{Value, json};

use super::{CommandError, find, open_store};
use crate::config::{Config, PlantConfig, TargetConfig};
use crate::daemon::domains::{domain_of, odoo_of};
use crate::flow::prepare::plans;
use crate::post::Plan;
use crate::target::{End, Rehearsal, Target};

/// Says what would become of the message if it were sent now. [`Exit::Wrong`] where it would not take effect.
pub fn rehearse(config: &Config, style: Style, id: &MessageId) -> Result<Exit, CommandError> {
    let item = find(&open_store(config)?, id)?;
    let plant = config
        .plants
        .iter()
        .find(|plant| plant.agent == id.agent)
        .ok_or_else(|| {
            CommandError::NotFound(format!(
                "plant `{}` has no [[plant]] section in the configuration",
                id.agent
            ))
        })?;
    let TargetConfig::Odoo(odoo) = &config.target else {
        return tell(
            style,
            true,
            "the target is the shadow, which records and refuses nothing",
            Value::Null,
        );
    };
    let mates: Vec<&PlantConfig> = config
        .plants
        .iter()
        .filter(|other| other.domain == plant.domain)
        .collect();
    let domain = domain_of(&mates);
    let target = odoo_of(odoo, plant).map_err(|error| CommandError::Fault(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let plan = runtime
        .block_on(plans(&domain, &target, std::slice::from_ref(&item)))?
        .pop()
        .flatten();
    match plan {
        Some(Plan::Post(posting)) => {
            let Rehearsal { answers, changes } = runtime.block_on(target.rehearse(&[*posting]))?;
            let end = answers.into_iter().next().map(|answer| answer.end);
            let (good, text) = end
                .as_ref()
                .map_or((false, "Odoo gave no answer".to_owned()), ending);
            tell(style, good, &text, changes)
        }
        Some(Plan::Refuse(reason)) => tell(style, false, &format!("it would be dead: {reason}"), Value::Null),
        Some(Plan::Hold(hold)) => tell(
            style,
            false,
            &format!("it would be held: {}", hold.reason),
            Value::Null,
        ),
        Some(Plan::Need(_)) | None => {
            tell(style, false, "it cannot be planned: see `dead show`", Value::Null)
        }
    }
}

fn ending(end: &End) -> (bool, String) {
    match end {
        End::Done(record, _) => (
            true,
            format!("it would take effect as {} {}", record.model, record.name),
        ),
        End::Rejected(rejection) => (false, format!("Odoo would refuse it: {}", rejection.text)),
        End::Forbidden(text) | End::Malformed(text) => (false, format!("Odoo does not run it: {text}")),
        other => (false, format!("Odoo knows of it already: {other:?}")),
    }
}

fn tell(style: Style, good: bool, text: &str, changes: Value) -> Result<Exit, CommandError> {
    say(&match style {
        Style::Json => print::json(&json!({ "takes_effect": good, "text": text, "changes": changes })),
        Style::Table => format!("{text}\n{}", listed(&changes)),
    })?;
    Ok(if good { Exit::Done } else { Exit::Wrong })
}

/// The records that would be touched, a model a line.
fn listed(changes: &Value) -> String {
    let models: BTreeMap<String, Value> = serde_json::from_value(changes.clone()).unwrap_or_default();
    models
        .iter()
        .map(|(model, what)| format!("  {model}: {what}\n"))
        .collect()
}
