//! What a client is told when something is wrong: RFC 9457 problem details, with one entry for each error.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::convert::form::FormError;

/// A problem of a request. The `type` is stable; scripts may rely on it.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// `urn:millrace:problem:…`
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in a few words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened, and what to do.
    pub detail: String,
    /// Each message that is wrong, with the field and the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ItemError>,
    /// The messages of the same request that were kept nevertheless.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    /// Seconds after which the client may try again.
    #[serde(skip)]
    pub retry_after: Option<u32>,
}

/// What is wrong with one message of a request.
#[derive(Debug, Clone, Serialize)]
pub struct ItemError {
    /// Its place in the request, from 0.
    pub index: usize,
    /// What the sender calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The status that it would have got alone.
    pub status: u16,
    /// The field and the reason.
    #[serde(flatten)]
    pub error: FormError,
}

/// A message of a request that is kept.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// Its place in the request, from 0.
    pub index: usize,
    /// What the sender calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Its name.
    pub id: String,
}

impl Problem {
    /// A problem of this status; `word` ends its type.
    pub fn new(status: StatusCode, word: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:millrace:problem:{word}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            items: Vec::new(),
            retry_after: None,
        }
    }

    /// The request cannot be read.
    pub fn malformed(detail: impl Into<String>) -> Self {
        let title = "The request cannot be read";
        Self::new(StatusCode::BAD_REQUEST, "malformed", title, detail)
    }

    /// The body is of a kind that is not known here.
    pub fn media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type",
            "The media type is not known here",
            "send Content-Type application/json, or application/x-ndjson for one message a line",
        )
    }

    /// The request has no valid token.
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "The token is missing or not known",
            "send the header `Authorization: Bearer` with the token of this client",
        )
    }

    /// The request is larger than allowed.
    pub fn too_large(detail: impl Into<String>) -> Self {
        let title = "The request is too large";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", title, detail)
    }

    /// Messages are wrong.
    pub fn invalid(detail: impl Into<String>, errors: Vec<ItemError>) -> Self {
        let title = "A message is not valid";
        Self {
            errors,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-message", title, detail)
        }
    }

    /// The id was used for other content.
    pub fn conflict(detail: impl Into<String>) -> Self {
        let title = "The id was used before for other content";
        Self::new(StatusCode::CONFLICT, "conflict", title, detail)
    }

    /// Nothing can be kept now; the same request may succeed after so many seconds.
    pub fn unavailable(detail: impl Into<String>, retry_after: u32) -> Self {
        let title = "Nothing can be kept now";
        Self {
            retry_after: Some(retry_after),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", title, detail)
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
