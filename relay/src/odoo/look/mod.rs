//! Facts from Odoo: each question's answer, read over JSON-2, many of a sort in one call.

mod goods;
mod orders;
mod purchases;
mod stock;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use millrace_shared::message::Code;
use serde_json::{Value, json};

use super::client::{Caller, Patience};
use super::json::{Record, records, unreadable};
use crate::post::{Fact, Facts, Found, Question};
use crate::target::Fault;

/// Records that one call reads.
const PAGE: usize = 2000;
/// Most pages of one search: a busy place of a week. With more it is not known whether they are all, so they are no
/// answer.
const PAGES: usize = 25;

/// Answers all questions.
pub(super) async fn look(caller: &Caller, domain: &str, questions: &[Question]) -> Result<Facts, Fault> {
    let mut facts = Facts::default();
    for (company, asked) in by_company(questions) {
        let reader = Reader { caller, company };
        goods::items(&reader, &asked.items, &mut facts).await?;
        goods::locations(&reader, &asked.locations, &mut facts).await?;
        goods::lots(&reader, &asked.lots, &mut facts).await?;
        orders::productions(&reader, &asked.productions, &mut facts).await?;
        purchases::purchases(&reader, &asked.purchases, &mut facts).await?;
        if asked.period {
            facts.learn(
                Question::Period { company },
                Fact::Period(locked_until(&reader).await?),
            );
        }
    }
    let reader = Reader { caller, company: 0 };
    if questions.contains(&Question::Units) {
        facts.learn(Question::Units, Fact::Units(goods::units(&reader).await?));
    }
    let places: Vec<_> = questions
        .iter()
        .filter_map(|question| match question {
            Question::Stock(place, since) => Some((*place, *since)),
            _ => None,
        })
        .collect();
    for ((place, since), stock) in places.iter().zip(stock::stocks(&reader, domain, &places).await?) {
        facts.learn(Question::Stock(*place, *since), Fact::Stock(stock));
    }
    Ok(facts)
}

/// What is asked in one company.
#[derive(Debug, Default)]
struct Asked {
    items: BTreeSet<Code>,
    locations: BTreeSet<Code>,
    lots: BTreeSet<(i64, Code)>,
    productions: BTreeSet<Code>,
    purchases: BTreeSet<Code>,
    period: bool,
}

fn by_company(questions: &[Question]) -> BTreeMap<i64, Asked> {
    let mut companies: BTreeMap<i64, Asked> = BTreeMap::new();
    for question in questions {
        let company = match question {
            Question::Item { company, .. }
            | Question::Location { company, .. }
            | Question::Production { company, .. }
            | Question::Purchase { company, .. }
            | Question::Lot { company, .. }
            | Question::Period { company } => *company,
            Question::Units | Question::Stock(..) => continue,
        };
        companies.entry(company).or_default().add(question.clone());
    }
    companies
}

impl Asked {
    fn add(&mut self, question: Question) {
        match question {
            Question::Item { code, .. } => _ = self.items.insert(code),
            Question::Location { code, .. } => _ = self.locations.insert(code),
            Question::Production { code, .. } => _ = self.productions.insert(code),
            Question::Purchase { code, .. } => _ = self.purchases.insert(code),
            Question::Lot { product, name, .. } => _ = self.lots.insert((product, name)),
            Question::Period { .. } => self.period = true,
            Question::Units | Question::Stock(..) => {}
        }
    }
}

/// Reads in one company.
struct Reader<'a> {
    caller: &'a Caller,
    company: i64,
}

impl Reader<'_> {
    /// Archived records too: a code that names one of them is refused by name, not unknown.
    fn context(&self) -> Value {
        match self.company {
            0 => json!({ "active_test": false }),
            company => json!({ "active_test": false, "allowed_company_ids": [company] }),
        }
    }

    /// Records with these fields, earliest first; with `{"field": {"fields": {…}}}` records that they link to as well.
    async fn search(&self, model: &str, domain: Value, fields: Value) -> Result<Vec<Value>, Fault> {
        let (mut found, mut last) = (Vec::new(), 0);
        for _ in 0..PAGES {
            let page = self.page(model, &domain, &fields, last).await?;
            let is_last = page.len() < PAGE;
            if let Some(row) = page.last() {
                last = Record(row).id()?;
            }
            found.extend(page);
            if is_last {
                return Ok(found);
            }
        }
        let text = format!("{} or more records of {model} answer one question", PAGES * PAGE);
        Err(unreadable(text))
    }

    async fn page(
        &self,
        model: &str,
        domain: &Value,
        fields: &Value,
        after: i64,
    ) -> Result<Vec<Value>, Fault> {
        let terms = domain.as_array().map(Vec::as_slice).unwrap_or_default();
        let behind = [&[json!(["id", ">", after])], terms].concat();
        let arguments = json!({
            "domain": behind, "specification": fields, "limit": PAGE, "order": "id", "context": self.context()
        });
        let mut answer = self
            .caller
            .call(model, "web_search_read", &arguments, Patience::Short)
            .await?;
        match answer.get_mut("records").map(Value::take) {
            Some(Value::Array(page)) => Ok(page),
            _ => Err(unreadable("Odoo answered no list of records")),
        }
    }
}

/// Of candidates with a name and whether they are active, the one that is meant.
fn choose<T>(candidates: Vec<(T, String, bool)>) -> Found<T> {
    let (mut active, archived): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|(_, _, active)| *active);
    match (active.len(), archived.first()) {
        (1, _) => active
            .pop()
            .map_or(Found::Nothing, |(thing, _, _)| Found::One(thing)),
        (0, None) => Found::Nothing,
        (0, Some((_, name, _))) => Found::Archived(name.clone()),
        _ => Found::Several(active.into_iter().map(|(_, name, _)| name).collect()),
    }
}

/// Codes as a list for a domain.
fn list<'a>(codes: impl IntoIterator<Item = &'a Code>) -> Value {
    codes.into_iter().map(Code::as_str).collect()
}

/// The last day that the books are locked for everything. Without accounting no day is.
async fn locked_until(reader: &Reader<'_>) -> Result<Option<Date>, Fault> {
    const LOCKS: [&str; 2] = ["fiscalyear_lock_date", "hard_lock_date"];
    let asked = json!({ "allfields": LOCKS, "attributes": ["type"] });
    let known = reader
        .caller
        .call("res.company", "fields_get", &asked, Patience::Short)
        .await?;
    let known: Vec<&str> = LOCKS
        .into_iter()
        .filter(|field| known.get(field).is_some())
        .collect();
    if known.is_empty() {
        return Ok(None);
    }
    let fields: serde_json::Map<String, Value> = known
        .iter()
        .map(|field| ((*field).to_owned(), json!({})))
        .collect();
    let answer = reader
        .search(
            "res.company",
            json!([["id", "=", reader.company]]),
            Value::Object(fields),
        )
        .await?;
    let company = records(&answer).first().copied().unwrap_or(Record(&Value::Null));
    Ok(known
        .iter()
        .filter_map(|field| company.text(field).parse().ok())
        .max())
}
