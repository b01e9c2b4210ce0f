//! Who may hand messages over: clients with a bearer token, each in a file of its own.

use std::path::{Path, PathBuf};

use axum::http::{HeaderMap, header};
use millrace_shared::ident::Digest;
use subtle::ConstantTimeEq;

/// Shortest token that is accepted, in characters.
pub const TOKEN_CHARS_MIN: usize = 16;
/// Largest token file.
const TOKEN_BYTES_MAX: u64 = 4096;

/// A system that may hand messages over.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// Its name: its ids (`external_id`, `Idempotency-Key`) are its own.
    pub name: String,
    /// The file with its token.
    pub token_file: PathBuf,
    /// The station of its messages that name none.
    pub station: Option<String>,
}

/// Why a token cannot be used. Permanent until a person mends the file.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("the token file {} of client `{client}` cannot be read: {error}", path.display())]
    Read {
        /// The client.
        client: String,
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// It is no good token.
    #[error("the token file {} of client `{client}` must hold one line of {TOKEN_CHARS_MIN} to 4096 printable characters without blanks", path.display())]
    Form {
        /// The client.
        client: String,
        /// The file.
        path: PathBuf,
    },
    /// Two clients with one token could not be told apart.
    #[error("clients `{0}` and `{1}` have the same token")]
    Shared(String, String),
}

/// A client, ready to be recognised. Only the token's digest is held.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its name.
    pub name: String,
    /// The station of its messages that name none.
    pub station: Option<String>,
    token: Digest,
}

/// All clients of a source.
#[derive(Debug, Clone)]
pub struct Clients(Vec<Client>);

impl Clients {
    /// Reads the tokens.
    pub fn read(settings: &[ClientSettings]) -> Result<Self, TokenError> {
        let mut clients: Vec<Client> = Vec::with_capacity(settings.len());
        for client in settings {
            let token = Digest::of(read_token(&client.name, &client.token_file)?.as_bytes());
            if let Some(twin) = clients.iter().find(|twin| twin.token == token) {
                return Err(TokenError::Shared(twin.name.clone(), client.name.clone()));
            }
            clients.push(Client {
                name: client.name.clone(),
                station: client.station.clone(),
                token,
            });
        }
        Ok(Self(clients))
    }

    /// The client of these headers. Takes the same time whichever token is nearly right.
    pub fn recognise(&self, headers: &HeaderMap) -> Option<&Client> {
        let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let token = Digest::of(token.trim().as_bytes());
        self.0.iter().fold(None, |found, client| {
            let equal = bool::from(client.token.0.ct_eq(&token.0));
            if equal { Some(client) } else { found }
        })
    }
}

fn read_token(client: &str, path: &Path) -> Result<String, TokenError> {
    let failed = |error| TokenError::Read {
        client: client.to_owned(),
        path: path.to_owned(),
        error,
    };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    let text = if size <= TOKEN_BYTES_MAX {
        std::fs::read_to_string(path).map_err(failed)?
    } else {
        String::new()
    };
    let token = text.trim_end_matches(['\r', '\n']);
    let good = token.len() >= TOKEN_CHARS_MIN && token.chars().all(|c| c.is_ascii_graphic());
    if good {
        Ok(token.to_owned())
    } else {
        Err(TokenError::Form {
            client: client.to_owned(),
            path: path.to_owned(),
        })
    }
}
