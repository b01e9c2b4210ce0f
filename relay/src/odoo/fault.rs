//! What an answer of Odoo's that is no success means: by the exception's name first, then by content type, then by
//! status. Never by status alone: Odoo answers 500 for what is permanent, and 404 when PostgreSQL is down.

use std::time::Duration;

use serde_json::Value;

use crate::target::{Class, Fault};

/// The longest text of Odoo's that is passed on, in characters.
const TEXT_CHARS: usize = 500;

/// An answer over HTTP.
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) content_type: &'a str,
    pub(super) retry_after: Option<&'a str>,
    pub(super) body: &'a [u8],
}

/// The fault in an answer that is no success.
pub(super) fn classify(answer: &Answer<'_>) -> Fault {
    let json: Option<Value> = serde_json::from_slice(answer.body).ok();
    let text = |key: &str| {
        json.as_ref()
            .and_then(|json| json.get(key))
            .and_then(Value::as_str)
    };
    let (name, message) = (
        text("name").unwrap_or_default(),
        text("message").unwrap_or_default(),
    );
    let mut fault = by_name(name, message).unwrap_or_else(|| by_form(answer, json.is_some()));
    if !message.is_empty() {
        let short: String = message
            .chars()
            .filter(|c| !c.is_control())
            .take(TEXT_CHARS)
            .collect();
        fault.text = if fault.text.is_empty() {
            short
        } else {
            format!("{}: {short}", fault.text)
        };
    }
    fault.retry_after = answer
        .retry_after
        .and_then(|text| text.trim().parse().ok())
        .map(Duration::from_secs);
    fault.named(name)
}

/// Odoo sends the exception's full name. Nothing where it sends none, or one that says nothing.
fn by_name(name: &str, message: &str) -> Option<Fault> {
    use Class::*;
    let fault = |class, text: &str| Some(Fault::new(class, text));
    match name {
        "odoo.exceptions.UserError"
        | "odoo.exceptions.ValidationError"
        | "odoo.exceptions.MissingError"
        | "odoo.exceptions.RedirectWarning" => fault(Business, ""),
        "odoo.exceptions.AccessError" | "odoo.exceptions.AccessDenied" => fault(
            Configuration,
            "the bot user may not do this: give it the group or the company in Odoo",
        ),
        "werkzeug.exceptions.Unauthorized" | "werkzeug.exceptions.Forbidden" => fault(
            Configuration,
            "the API key is not valid (any more): make a new one and put it into the key file",
        ),
        "werkzeug.exceptions.NotFound" => fault(
            Configuration,
            "Odoo does not have this model or method: install or upgrade the addon and its apps",
        ),
        // Rolled back for certain.
        "odoo.exceptions.LockError"
        | "odoo.exceptions.ConcurrencyError"
        | "psycopg2.errors.SerializationFailure"
        | "psycopg2.errors.DeadlockDetected"
        | "psycopg2.errors.LockNotAvailable" => fault(Transient, "a conflict with other work in Odoo"),
        name if name.starts_with("psycopg2.") => {
            fault(Transient, "Odoo lost its database in the middle").map(Fault::ambiguous)
        }
        // A conflict inside a server action's code: only its text tells.
        "builtins.ValueError" if message.starts_with("UniqueViolation(") => {
            fault(Transient, "the same call twice")
        }
        "werkzeug.exceptions.BadRequest" | "werkzeug.exceptions.UnprocessableEntity" => {
            fault(Malformed, "Odoo does not understand the call")
        }
        name if name.starts_with("builtins.") => fault(Malformed, "Odoo broke on the call"),
        _ => None,
    }
}

fn by_form(answer: &Answer<'_>, is_json: bool) -> Fault {
    use Class::*;
    let html = answer.content_type.starts_with("text/html");
    let status = answer.status;
    match status {
        // Both Odoo's own page for a database that cannot be reached, and that of one that does not exist.
        404 if html => Fault::new(
            Transient,
            "Odoo cannot reach its database, or has none of this name",
        ),
        429 | 503 => Fault::new(Transient, format!("status {status}: told to come back later")),
        502 | 504 => Fault::new(Transient, format!("status {status} from a proxy before Odoo")).ambiguous(),
        415 => Fault::new(Malformed, "Odoo does not take this content type"),
        200..=299 if !is_json => {
            let text = "what answers there is not Odoo's JSON-2: check the URL and the proxy";
            Fault::new(Configuration, text).ambiguous()
        }
        300..=399 => Fault::new(
            Configuration,
            format!("status {status}: redirected; write the final URL"),
        ),
        401 | 403 => Fault::new(
            Configuration,
            format!("status {status}: refused before Odoo; check key and proxy"),
        ),
        404 => Fault::new(
            Configuration,
            "nothing is there: check URL, database and that the addon is installed",
        ),
        400..=499 => Fault::new(Malformed, format!("status {status}")),
        _ => Fault::new(Transient, format!("status {status} without a reason")).ambiguous(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(status: u16, name: &str, message: &str) -> Fault {
        let body = serde_json::json!({ "name": name, "message": message, "debug": "…" }).to_string();
        let content_type = "application/json";
        classify(&Answer {
            status,
            content_type,
            retry_after: None,
            body: body.as_bytes(),
        })
    }

    fn html(status: u16, retry_after: Option<&str>) -> Fault {
        let body = b"<!doctype html><p>No database is selected</p>";
        classify(&Answer {
            status,
            content_type: "text/html; charset=utf-8",
            retry_after,
            body,
        })
    }

    #[test]
    fn the_name_decides_whatever_the_status() {
        let class = |status, name| json(status, name, "text").class;
        assert_eq!(class(422, "odoo.exceptions.UserError"), Class::Business);
        assert_eq!(class(500, "odoo.exceptions.RedirectWarning"), Class::Business);
        assert_eq!(class(404, "odoo.exceptions.MissingError"), Class::Business);
        assert_eq!(class(403, "odoo.exceptions.AccessError"), Class::Configuration);
        assert_eq!(
            class(401, "werkzeug.exceptions.Unauthorized"),
            Class::Configuration
        );
        assert_eq!(class(404, "werkzeug.exceptions.NotFound"), Class::Configuration);
        assert_eq!(class(409, "odoo.exceptions.LockError"), Class::Transient);
        assert_eq!(class(500, "builtins.ValueError"), Class::Malformed);
        assert_eq!(
            class(422, "werkzeug.exceptions.UnprocessableEntity"),
            Class::Malformed
        );
    }

    #[test]
    fn a_lost_database_is_ambiguous_and_a_conflict_is_not() {
        let lost = json(500, "psycopg2.InterfaceError", "cursor already closed");
        let conflict = json(500, "psycopg2.errors.SerializationFailure", "could not serialize");
        assert_eq!((lost.class, lost.ambiguous), (Class::Transient, true));
        assert_eq!((conflict.class, conflict.ambiguous), (Class::Transient, false));
        let twice = json(500, "builtins.ValueError", "UniqueViolation('duplicate key')");
        assert_eq!(twice.class, Class::Transient);
    }

    #[test]
    fn postgres_down_is_an_html_404_and_passes() {
        assert_eq!(html(404, None).class, Class::Transient);
    }

    #[test]
    fn a_proxy_is_told_from_odoo() {
        assert_eq!(html(503, Some("7")).retry_after, Some(Duration::from_secs(7)));
        assert!(html(502, None).ambiguous);
        assert_eq!(html(302, None).class, Class::Configuration);
        let body = b"<p>sign in</p>";
        let page = classify(&Answer {
            status: 200,
            content_type: "text/html",
            retry_after: None,
            body,
        });
        assert_eq!((page.class, page.ambiguous), (Class::Configuration, true));
    }

    #[test]
    fn a_text_of_odoos_is_passed_on_without_what_a_terminal_would_obey() {
        let fault = json(422, "odoo.exceptions.UserError", "no\u{1b}[31m stock\n");
        assert_eq!(fault.text, "no[31m stock");
    }
}
