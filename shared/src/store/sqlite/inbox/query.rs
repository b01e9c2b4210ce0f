//! From a filter to SQL.
//!
//! A list of words is one parameter, as JSON. What is asked for most, dead letters and holds, is read through the index
//! of what needs care, state by state; everything else in order of arrival.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::store::StoreError;
use crate::store::inbox::{Entry, Filter, GroupBy, PAGE, Slot, StateName};

use super::entry::{COLUMNS, JOINS};
use super::view::listed;

/// Conditions with their parameters.
struct Where {
    text: String,
    params: Vec<Value>,
}

impl Where {
    fn and(&mut self, condition: &str, param: Value) {
        self.params.push(param);
        let number = self.params.len().to_string();
        self.text.push_str(" AND ");
        self.text.push_str(&condition.replace('?', &format!("?{number}")));
    }

    fn one_of(&mut self, column: &str, words: Vec<serde_json::Value>) {
        if !words.is_empty() {
            let list = serde_json::Value::from(words).to_string();
            self.and(
                &format!("{column} IN (SELECT value FROM json_each(?))"),
                list.into(),
            );
        }
    }
}

fn conditions(filter: &Filter) -> Where {
    let mut all = Where {
        text: "1 = 1".into(),
        params: Vec::new(),
    };
    let words = |list: &[String]| list.iter().map(|word| word.as_str().into()).collect();
    all.one_of(
        "agent.name",
        filter.agents.iter().map(|agent| agent.as_str().into()).collect(),
    );
    all.one_of(
        "m.number",
        filter.lanes.iter().map(|lane| lane.number().into()).collect(),
    );
    all.one_of(
        "epoch.epoch",
        filter
            .epochs
            .iter()
            .map(|epoch| (epoch.0 as i64).into())
            .collect(),
    );
    all.one_of("m.kind", words(&filter.kinds));
    all.one_of(
        "m.state",
        filter.states.iter().map(|state| number(*state).into()).collect(),
    );
    all.one_of("m.station", words(&filter.stations));
    all.one_of("m.operator", words(&filter.operators));
    all.one_of("m.reason", words(&filter.reasons));
    if !filter.keys.is_empty() {
        let keys: Vec<&str> = filter.keys.iter().map(|key| key.as_str()).collect();
        let keys = serde_json::Value::from(keys).to_string();
        all.and(
            "m.slot IN (SELECT touch.slot FROM key CROSS JOIN touch ON touch.key = key.id \
             WHERE key.text IN (SELECT value FROM json_each(?)))",
            keys.into(),
        );
    }
    if let Some(subject) = &filter.subject {
        all.and("m.subject = ? AND m.state = 3", subject.clone().into());
    }
    if let Some(from) = filter.captured_from_ms {
        all.and("m.captured_ms >= ?", from.into());
    }
    if let Some(before) = filter.captured_before_ms {
        all.and("m.captured_ms < ?", before.into());
    }
    all
}

/// A state's number in the table.
fn number(state: StateName) -> u8 {
    state as u8
}

fn needs_care(state: &StateName) -> bool {
    (2..=5).contains(&number(*state))
}

/// Messages that match, by arrival.
pub(super) fn list(
    connection: &Connection,
    filter: &Filter,
    after: Option<Slot>,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let limit = limit.min(PAGE);
    let by_state =
        !filter.states.is_empty() && filter.states.iter().all(needs_care) && filter.keys.is_empty();
    if !by_state {
        return page(connection, filter, "", after, limit);
    }
    let mut found = Vec::new();
    for state in &filter.states {
        let filter = Filter {
            states: vec![*state],
            ..filter.clone()
        };
        let index = format!(
            "INDEXED BY message_care WHERE m.state = {} AND m.state BETWEEN 2 AND 5",
            number(*state)
        );
        found.extend(page(connection, &filter, &index, after, limit)?);
    }
    found.sort_by_key(|entry: &Entry| entry.ticket.slot);
    found.dedup_by_key(|entry| entry.ticket.slot);
    found.truncate(limit);
    Ok(found)
}

fn page(
    connection: &Connection,
    filter: &Filter,
    index: &str,
    after: Option<Slot>,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let mut wanted = conditions(filter);
    wanted.and("m.slot > ?", after.map_or(0, |slot| slot.0).into());
    wanted.params.push((limit as i64).into());
    let (index, state) = index.split_once(" WHERE ").unwrap_or((index, "1 = 1"));
    let sql = format!(
        "SELECT {COLUMNS} FROM message AS m {index} {JOINS} WHERE {state} AND {} ORDER BY m.slot LIMIT ?{}",
        wanted.text,
        wanted.params.len()
    );
    listed(connection, &sql, wanted.params)
}

/// How many messages match, by group, largest first.
pub(super) fn counts(
    connection: &Connection,
    filter: &Filter,
    by: GroupBy,
) -> Result<Vec<(String, u64)>, StoreError> {
    let group = match by {
        GroupBy::Agent => "agent.name",
        GroupBy::Kind => "m.kind",
        GroupBy::State => "m.state",
        GroupBy::Reason => "m.reason",
        GroupBy::Subject => "m.subject",
        GroupBy::Station => "m.station",
        GroupBy::Operator => "m.operator",
    };
    let care = !filter.states.is_empty() && filter.states.iter().all(needs_care);
    let (index, state) = if care && filter.keys.is_empty() {
        ("INDEXED BY message_care", "m.state BETWEEN 2 AND 5")
    } else {
        ("", "1 = 1")
    };
    let wanted = conditions(filter);
    let sql = format!(
        "SELECT ifnull({group}, ''), count(*) FROM message AS m {index} {JOINS} WHERE {state} AND {} \
         GROUP BY 1 ORDER BY 2 DESC LIMIT {PAGE}",
        wanted.text
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(wanted.params), |row| {
        let name = match row.get(0)? {
            Value::Integer(state) => word(state),
            Value::Text(text) => text,
            _ => String::new(),
        };
        Ok((name, row.get::<_, i64>(1)? as u64))
    })?;
    let mut counts = rows.collect::<Result<Vec<(String, u64)>, _>>()?;
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Ok(counts)
}

fn word(state: i64) -> String {
    let named = StateName::ALL.get(state as usize);
    named.map_or_else(|| state.to_string(), |state| state.word().to_owned())
}
