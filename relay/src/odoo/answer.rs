//! What the addon answers, as the contract's types.

use millrace_shared::ident::MessageId;
use millrace_shared::outcome::Record;
use serde_json::Value;

use crate::target::{Answer, Class, End, Fault, Head, Rejection, Reply};

/// The answer to `apply`.
pub(super) fn reply(json: &Value) -> Result<Reply, Fault> {
    match text(json, "state") {
        "ok" => Ok(Reply::Answers(head(json)?, answers(json)?)),
        "stale" => Ok(Reply::Stale(head(json)?)),
        "restored" => Ok(Reply::Restored(head(json)?)),
        _ => Err(refused(json)),
    }
}

/// The fault in an answer that is not the one that was hoped for.
pub(super) fn refused(json: &Value) -> Fault {
    let error = &json["error"];
    match text(json, "state") {
        "malformed" => Fault::new(Class::Malformed, text(error, "message")).named(text(error, "name")),
        "stale" => Fault::new(Class::Transient, "another relay took the domain").named("stale"),
        other => Fault::new(
            Class::Malformed,
            format!("the addon answered the state `{other}`, unknown here"),
        ),
    }
}

/// What the addon says of itself.
pub(super) fn head(json: &Value) -> Result<Head, Fault> {
    let number = |name: &str| json[name].as_u64().ok_or_else(|| unreadable(name, json));
    Ok(Head {
        count: number("count")?,
        database: json["database"]
            .as_str()
            .ok_or_else(|| unreadable("database", json))?
            .to_owned(),
        timeline: number("timeline")?,
    })
}

/// One answer for each message.
pub(super) fn answers(json: &Value) -> Result<Vec<Answer>, Fault> {
    let results = json["results"]
        .as_array()
        .ok_or_else(|| unreadable("results", json))?;
    results.iter().map(answer).collect()
}

fn answer(json: &Value) -> Result<Answer, Fault> {
    let id: MessageId = text(json, "id").parse().map_err(|_| unreadable("id", json))?;
    let attempt = json["attempt"]
        .as_u64()
        .and_then(|attempt| attempt.try_into().ok())
        .unwrap_or(1);
    let repeat = json["repeat"].as_bool().unwrap_or_default();
    Ok(Answer {
        id,
        attempt,
        repeat,
        end: end(json)?,
    })
}

fn end(json: &Value) -> Result<End, Fault> {
    let error = &json["error"];
    let void = &json["void"];
    Ok(match text(json, "state") {
        "done" => done(json)?,
        "rejected" => End::Rejected(Rejection {
            name: text(error, "name").to_owned(),
            text: text(error, "message").to_owned(),
            step: error["step"].as_str().map(str::to_owned),
            say: error["say"].as_str().map(str::to_owned),
        }),
        "void" => End::Void {
            reason: text(void, "reason").to_owned(),
            by: text(void, "by").to_owned(),
        },
        "split" => End::Split,
        "forbidden" => End::Forbidden(text(error, "message").to_owned()),
        "malformed" => End::Malformed(format!("{}: {}", text(error, "name"), text(error, "message"))),
        "conflict" => End::Conflict,
        "expired" => End::Expired,
        "claimed" => End::Claimed,
        "unknown" => End::Unknown,
        _ => return Err(unreadable("state", json)),
    })
}

fn done(json: &Value) -> Result<End, Fault> {
    let model = text(json, "model").to_owned();
    let id = json["record"]
        .as_i64()
        .ok_or_else(|| unreadable("record", json))?;
    let name = match json["data"]["name"].as_str() {
        Some(name) => name.to_owned(),
        None => format!("{model} {id}"),
    };
    Ok(End::Done(Record { model, id, name }, json["data"].clone()))
}

fn text<'a>(json: &'a Value, field: &str) -> &'a str {
    json[field].as_str().unwrap_or_default()
}

fn unreadable(what: &str, json: &Value) -> Fault {
    let shown: String = json.to_string().chars().take(200).collect();
    let text = format!("the addon's answer has no `{what}` that this program can read: {shown}");
    Fault::new(Class::Malformed, text).ambiguous()
}
