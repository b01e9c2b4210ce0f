//! The messages of a request are kept, and the request is answered.

use axum::Json;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use millrace_shared::ident::{Digest, MessageId};
use millrace_shared::store::spool::{Claim, Intake, Verdict};
use serde::Serialize;

use super::client::Client;
use super::problem::{Item, ItemError, Problem};
use super::take::{BUSY_SECONDS, Taker};
use crate::convert::form::{Form, FormError, Payload};
use crate::source::keep::{Keep, KeepError};
use crate::source::tally::Count;

/// Says that the answer is that of an earlier, equal request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Seconds after which a client may try again when the store is full or fails.
const FULL_SECONDS: u32 = 10;

/// A message of the request that is in order.
pub struct Good<'t> {
    pub index: usize,
    pub text: &'t str,
    pub form: Form,
    pub content: Digest,
}

#[derive(Serialize)]
struct Items {
    items: Vec<Item>,
}

#[derive(Serialize)]
struct One {
    id: String,
}

impl<K: Keep> Taker<K> {
    /// All messages under the request's key, or none.
    pub async fn take_all(
        &self,
        client: &Client,
        key: String,
        good: &[Good<'_>],
        payload: &Payload<'_>,
    ) -> Result<Response, Problem> {
        let source = self.source(client);
        let many = good.len() > 1;
        let draft = |good: &Good<'_>| {
            let id = if many {
                format!("{key}#{}", good.index)
            } else {
                key.clone()
            };
            good.form
                .draft(&source, Some(id), (self.now)(), good.text.as_bytes())
        };
        let intake = Intake {
            claim: Some(self.key_claim(client, &key, good)),
            drafts: good.iter().map(draft).collect(),
            ..Intake::default()
        };
        let verdicts = self.keep(vec![intake]).await?;
        let (ids, replayed) = match verdicts.into_iter().next() {
            Some(Verdict::Kept(ids)) => (ids, false),
            Some(Verdict::Known(ids)) => (ids, true),
            Some(Verdict::Conflict(_)) => return Err(key_conflict(&key)),
            Some(Verdict::Refused(why)) => return Err(Problem::invalid(why, Vec::new())),
            Some(Verdict::Full(why)) => return Err(Problem::unavailable(why, FULL_SECONDS)),
            None => return Err(Problem::unavailable("the store gave no answer", BUSY_SECONDS)),
        };
        self.count(ids.len(), replayed);
        let items = good.iter().zip(&ids).map(|(good, id)| item(good, id)).collect();
        Ok(answer(payload, items, replayed))
    }

    /// Each message under its own id; the request's key, where there is one, stands for the request as a whole.
    pub async fn take_each(
        &self,
        client: &Client,
        key: Option<String>,
        good: Vec<Good<'_>>,
        mut errors: Vec<ItemError>,
        payload: &Payload<'_>,
    ) -> Result<Response, Problem> {
        if let Some(key) = key.filter(|_| errors.is_empty()) {
            let intake = Intake {
                claim: Some(self.key_claim(client, &key, &good)),
                ..Intake::default()
            };
            match self.keep(vec![intake]).await?.first() {
                Some(Verdict::Conflict(_)) => return Err(key_conflict(&key)),
                Some(Verdict::Kept(_) | Verdict::Known(_)) => {}
                Some(Verdict::Full(why)) => return Err(Problem::unavailable(why, FULL_SECONDS)),
                _ => return Err(Problem::unavailable("the store gave no answer", BUSY_SECONDS)),
            }
        }
        let source = self.source(client);
        let intake = |good: &Good<'_>| {
            let id = good.form.external_id.clone().unwrap_or_default();
            Intake {
                claim: Some(Claim {
                    source: source.clone(),
                    id: format!("external:{id}"),
                    content: good.content,
                }),
                drafts: vec![
                    good.form
                        .draft(&source, Some(id), (self.now)(), good.text.as_bytes()),
                ],
                ..Intake::default()
            }
        };
        let verdicts = self.keep(good.iter().map(intake).collect()).await?;
        let (mut items, mut known) = (Vec::with_capacity(good.len()), 0);
        for (good, verdict) in good.iter().zip(verdicts) {
            known += usize::from(matches!(verdict, Verdict::Known(_)));
            let (status, reason) = match verdict {
                Verdict::Kept(ids) | Verdict::Known(ids) => {
                    items.extend(ids.first().map(|id| item(good, id)));
                    continue;
                }
                Verdict::Conflict(_) => (409, "it was used before for other content".to_owned()),
                Verdict::Refused(why) => (422, why),
                Verdict::Full(why) => (503, why),
            };
            errors.push(ItemError {
                index: good.index,
                external_id: good.form.external_id.clone(),
                status,
                error: FormError::new(if status == 409 { "external_id" } else { "." }, reason),
            });
        }
        self.count(items.len() - known, false);
        self.count(known, true);
        if errors.is_empty() {
            let replayed = known == items.len();
            return Ok(answer(payload, items, replayed));
        }
        Err(mixed(items, errors))
    }

    fn source(&self, client: &Client) -> String {
        format!("{}/{}", self.settings.name, client.name)
    }

    fn key_claim(&self, client: &Client, key: &str, good: &[Good<'_>]) -> Claim {
        let named = |good: &Good<'_>| {
            let id = good.form.external_id.as_deref().unwrap_or_default();
            [good.content.0, Digest::of(id.as_bytes()).0].concat()
        };
        let request: Vec<u8> = good.iter().flat_map(named).collect();
        Claim {
            source: self.source(client),
            id: format!("key:{key}"),
            content: Digest::of(&request),
        }
    }

    /// Has a batch kept. It is seen to its end even where the client does not wait for it any longer.
    async fn keep(&self, batch: Vec<Intake>) -> Result<Vec<Verdict>, Problem> {
        let (keep, wanted) = (self.keep.clone(), batch.len());
        let commit = tokio::spawn(async move { keep.keep(batch).await });
        let unknown = |why: &str| {
            let detail =
                format!("{why}: whether it was kept is not known, so send it again with the same ids");
            Problem::unavailable(detail, FULL_SECONDS)
        };
        match tokio::time::timeout(self.settings.answer_within, commit).await {
            Ok(Ok(Ok(verdicts))) if verdicts.len() == wanted => Ok(verdicts),
            Ok(Ok(Err(KeepError::Store(error)))) => {
                Err(Problem::unavailable(error.to_string(), FULL_SECONDS))
            }
            Ok(_) => Err(unknown("the store's writer has ended")),
            Err(_) => Err(unknown("the disk is slow")),
        }
    }

    fn count(&self, messages: usize, replayed: bool) {
        let count = if replayed { Count::Already } else { Count::Kept };
        self.tally.add_many(count, messages as u64);
    }
}

fn item(good: &Good<'_>, id: &MessageId) -> Item {
    Item {
        index: good.index,
        external_id: good.form.external_id.clone(),
        id: id.to_string(),
    }
}

fn answer(payload: &Payload<'_>, items: Vec<Item>, replayed: bool) -> Response {
    let mut response = match (payload, items.first()) {
        (Payload::One(_), Some(item)) => Json(One { id: item.id.clone() }).into_response(),
        _ => Json(Items { items }).into_response(),
    };
    if replayed {
        response
            .headers_mut()
            .insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// Some messages of a request were not kept: the gravest reason gives the status.
fn mixed(items: Vec<Item>, mut errors: Vec<ItemError>) -> Problem {
    errors.sort_by_key(|error| error.index);
    let has = |status: u16| errors.iter().any(|error| error.status == status);
    let detail = "messages listed under `items` are kept, those under `errors` are not; sending all of them again does \
                  no harm";
    let problem = match () {
        () if has(503) => Problem::unavailable(detail, FULL_SECONDS),
        () if has(422) => Problem::invalid(detail, Vec::new()),
        () => Problem::conflict(detail),
    };
    Problem {
        items,
        errors,
        ..problem
    }
}

fn key_conflict(key: &str) -> Problem {
    Problem::conflict(format!(
        "the Idempotency-Key `{key}` stands for another request: use a new key for new content"
    ))
}
