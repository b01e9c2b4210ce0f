//! A request, from its head to its answer.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::Response;
use millrace_shared::ident::Digest;
use millrace_shared::message::Code;
use tokio::sync::Semaphore;

use super::HttpSettings;
use super::client::{Client, Clients};
use super::commit::Good;
use super::problem::{ItemError, Problem};
use crate::convert::form::{self, Form, FormError, Payload};
use crate::source::keep::{Keep, Now};
use crate::source::tally::{Count, Tally};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Seconds after which a client may try again when there are too many requests.
pub const BUSY_SECONDS: u32 = 1;

/// What every request needs.
pub struct Taker<K> {
    pub settings: Arc<HttpSettings>,
    pub clients: Clients,
    pub keep: K,
    pub now: Now,
    pub tally: Arc<Tally>,
    pub requests: Semaphore,
}

/// `POST /v1/messages`.
pub async fn handle<K: Keep>(
    State(taker): State<Arc<Taker<K>>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Some(client) = taker.clients.recognise(&headers) else {
        taker.tally.add(Count::Unauthorized);
        return Err(Problem::unauthorized());
    };
    let Ok(_place) = taker.requests.try_acquire() else {
        taker.tally.add(Count::Slowed);
        return Err(Problem::unavailable(
            "too many requests at a time: send it again",
            BUSY_SECONDS,
        ));
    };
    let form = media_type(&headers).ok_or_else(Problem::media_type)?;
    let key = idempotency_key(&headers).map_err(Problem::malformed)?;
    let bytes = taker.read(body).await?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        taker.tally.add(Count::NotUtf8);
        return Err(Problem::malformed("the body is not UTF-8"));
    };
    let payload = match form {
        MediaType::Json => form::split_json(text).map_err(|fault| Problem::malformed(fault.to_string()))?,
        MediaType::Lines => form::split_lines(text),
    };
    let answer = taker.take(client, key, &payload).await;
    if let Err(problem) = &answer {
        taker.tally.add(match problem.status {
            409 => Count::Conflict,
            503 => Count::Unavailable,
            _ => Count::Refused,
        });
    }
    answer
}

enum MediaType {
    Json,
    Lines,
}

fn media_type(headers: &HeaderMap) -> Option<MediaType> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next().unwrap_or_default().trim();
    match essence.to_ascii_lowercase().as_str() {
        "application/json" => Some(MediaType::Json),
        "application/x-ndjson" | "application/jsonl" | "application/ndjson" => Some(MediaType::Lines),
        _ => None,
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, &'static str> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let key = value.to_str().ok().and_then(|text| text.parse::<Code>().ok());
    let wrong = "the header Idempotency-Key must hold 1 to 128 printable characters";
    key.map(|key| Some(key.into())).ok_or(wrong)
}

impl<K: Keep> Taker<K> {
    async fn read(&self, body: Body) -> Result<axum::body::Bytes, Problem> {
        let most = self.settings.body_bytes_max;
        let read = tokio::time::timeout(self.settings.body_wait, to_bytes(body, most)).await;
        match read {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) if is_too_large(&error) => {
                self.tally.add(Count::TooLong);
                let detail = format!("a body may have {most} bytes: send fewer messages at once");
                Err(Problem::too_large(detail))
            }
            Ok(Err(_)) => Err(Problem::malformed("the body ended before it was complete")),
            Err(_) => Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "timeout",
                "The body did not arrive in time",
                "send it again",
            )),
        }
    }

    async fn take(
        &self,
        client: &Client,
        key: Option<String>,
        payload: &Payload<'_>,
    ) -> Result<Response, Problem> {
        let texts = match payload {
            Payload::One(text) => std::slice::from_ref(text),
            Payload::Many(texts) => texts.as_slice(),
        };
        self.tally.add_many(Count::Arrived, texts.len() as u64);
        let most = self.settings.messages_max;
        if texts.is_empty() || texts.len() > most {
            let found = texts.len();
            return Err(Problem::too_large(format!(
                "a request has 1 to {most} messages, this one {found}"
            )));
        }
        let (mut good, mut errors) = (Vec::with_capacity(texts.len()), Vec::new());
        for (index, text) in texts.iter().enumerate() {
            match self.judge(client, text) {
                Ok((form, content)) => good.push(Good {
                    index,
                    text,
                    form,
                    content,
                }),
                Err((external_id, error)) => errors.push(ItemError {
                    index,
                    external_id,
                    status: 422,
                    error,
                }),
            }
        }
        let own_ids = good.iter().all(|good| good.form.external_id.is_some())
            && errors.iter().all(|error| error.external_id.is_some());
        let some_ids = good.iter().any(|good| good.form.external_id.is_some());
        match (own_ids, key) {
            (true, key) => self.take_each(client, key, good, errors, payload).await,
            (false, _) if some_ids => Err(Problem::invalid(
                "either every message has an external_id or none",
                errors,
            )),
            (false, Some(_)) if !errors.is_empty() => Err(Problem::invalid(
                "nothing was kept: without external_ids all messages are kept or none",
                errors,
            )),
            (false, Some(key)) => self.take_all(client, key, &good, payload).await,
            (false, None) => Err(Problem::invalid(
                "send an external_id in each message, or the header Idempotency-Key, so that a request whose answer \
                 was lost can be sent again without doing everything twice",
                errors,
            )),
        }
    }

    fn judge(&self, client: &Client, text: &str) -> Result<(Form, Digest), (Option<String>, FormError)> {
        let mut form = Form::parse(text).map_err(|error| (form::external_id_of(text), error))?;
        let id = form.external_id.clone();
        form.at_station(client.station.as_deref(), &self.settings.stations)
            .map_err(|error| (id.clone(), error))?;
        let content = form.content().map_err(|error| (id, error))?;
        Ok((form, content))
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}
