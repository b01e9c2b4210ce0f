//! Names of things: agents, lanes, epochs, positions, digests and message ids, each with one text form.
//!
//! Nothing here makes a random number or reads a clock: new epochs are given to it.

mod lane;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use lane::Lane;

/// Why a text is not the name it should be. Permanent: the same text never becomes valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentError {
    /// Not 1 to 48 characters of `a-z`, `0-9` and inner `-`.
    #[error("`{0}` is no agent name: use 1 to 48 of a-z, 0-9 and inner `-`, such as `plant-7`")]
    Agent(String),
    /// The relay's own name: brokers give the relay's rights to whoever shows a certificate with it.
    #[error("no agent can be named `{0}`: that is the relay's own name; give it one such as `plant-7`")]
    Reserved(String),
    /// Not a lane.
    #[error("`{0}` is no lane: use critical, normal or bulk")]
    Lane(String),
    /// Not sixteen hexadecimal digits.
    #[error("`{0}` is no epoch: use 16 hexadecimal digits")]
    Epoch(String),
    /// Not `agent:epoch:lane:sequence:digest`.
    #[error("`{0}` is no message id: use agent:epoch:lane:sequence:digest")]
    MessageId(String),
}

/// The common name of the relay's certificate, which brokers give the relay's rights to. No agent may have it.
pub const RELAY_NAME: &str = "relay";

/// The name of an agent: the common name of its certificate and the third level of its topics.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AgentId(String);

impl AgentId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AgentId {
    type Error = IdentError;

    fn try_from(text: String) -> Result<Self, IdentError> {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let good = (1..=48).contains(&text.len())
            && text.chars().all(inner)
            && !text.starts_with('-')
            && !text.ends_with('-');
        match good {
            true if text == RELAY_NAME => Err(IdentError::Reserved(text)),
            true => Ok(Self(text)),
            false => Err(IdentError::Agent(text)),
        }
    }
}

impl FromStr for AgentId {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        Self::try_from(text.to_owned())
    }
}

impl From<AgentId> for String {
    fn from(agent: AgentId) -> Self {
        agent.0
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One life of a spool. A random number, given by whoever opens or cuts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Epoch {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let wrong = || IdentError::Epoch(text.to_owned());
        if text.len() != 16 {
            return Err(wrong());
        }
        u64::from_str_radix(text, 16).map(Epoch).map_err(|_| wrong())
    }
}

/// Where a message stands in its agent's outgoing log. Sequences start at 1 in each lane of each epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The spool's life.
    pub epoch: Epoch,
    /// The lane.
    pub lane: Lane,
    /// The number in the lane.
    pub sequence: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.epoch, self.lane, self.sequence)
    }
}

/// A position and the first eight bytes of what stands there. A position alone names two contents when an agent was
/// restored from an old image or cloned; a stamp names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// Where it stands.
    pub position: Position,
    /// The first eight bytes of its content digest.
    pub digest: [u8; 8],
}

impl Stamp {
    /// The name of that message of this agent.
    pub fn of(&self, agent: &AgentId) -> MessageId {
        MessageId {
            agent: agent.clone(),
            position: self.position,
            digest: self.digest,
        }
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.position, hex::encode(self.digest))
    }
}

/// A SHA-256: of an envelope's bytes, or running over a lane.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The running digest of an empty lane: what its first row is chained to.
    pub fn origin(epoch: Epoch, lane: Lane) -> Self {
        let mut seed = *b"millrace lane           .";
        seed[16..24].copy_from_slice(&epoch.0.to_le_bytes());
        seed[24] = lane.number();
        Self::of(&seed)
    }

    /// The running digest after one more row, from the running digest before it.
    pub fn then(self, row: Digest) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(row.0);
        Self(hash.finalize().into())
    }

    /// The first eight bytes: enough beside a position, where nobody can search for a collision unseen.
    pub fn short(&self) -> [u8; 8] {
        let mut short = [0; 8];
        short.copy_from_slice(&self.0[..8]);
        short
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", hex::encode(&self.0[..6]))
    }
}

/// The name of a message for ever: fixed when it is committed, never changed by retry, salvage or regrouping.
///
/// As text `agent:epoch:lane:sequence:digest`, the digest cut to eight bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId {
    /// The agent that captured it.
    pub agent: AgentId,
    /// Where it stands in that agent's log.
    pub position: Position,
    /// The first eight bytes of its content digest.
    pub digest: [u8; 8],
}

impl MessageId {
    /// The id of the content with this digest at this position.
    pub fn new(agent: AgentId, position: Position, digest: &Digest) -> Self {
        Self {
            agent,
            position,
            digest: digest.short(),
        }
    }

    /// The name without its agent.
    pub fn stamp(&self) -> Stamp {
        Stamp {
            position: self.position,
            digest: self.digest,
        }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.agent, self.position, hex::encode(self.digest))
    }
}

impl FromStr for MessageId {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let wrong = || IdentError::MessageId(text.to_owned());
        let parts: Vec<&str> = text.split(':').collect();
        let [agent, epoch, lane, sequence, digest] = parts[..] else {
            return Err(wrong());
        };
        let mut short = [0; 8];
        hex::decode_to_slice(digest, &mut short).map_err(|_| wrong())?;
        let sequence = sequence.parse().map_err(|_| wrong())?;
        let position = Position {
            epoch: epoch.parse()?,
            lane: lane.parse()?,
            sequence,
        };
        Ok(Self {
            agent: agent.parse()?,
            position,
            digest: short,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_survives_its_text_form() {
        let position = Position {
            epoch: Epoch(0x0123_4567_89ab_cdef),
            lane: Lane::Normal,
            sequence: 42,
        };
        let id = MessageId::new("plant-7".parse().unwrap(), position, &Digest::of(b"x"));
        assert_eq!(id.to_string().parse::<MessageId>().unwrap(), id);
        assert!(id.to_string().starts_with("plant-7:0123456789abcdef:normal:42:"));
    }

    #[test]
    fn an_agent_name_that_could_leave_its_topic_is_refused() {
        for bad in ["", "a/b", "+", "#", "Plant", "-a", "a-", "ä", &"a".repeat(49)] {
            assert!(bad.parse::<AgentId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn no_agent_has_the_relays_name_and_with_it_the_relays_rights() {
        let refused = "relay".parse::<AgentId>().unwrap_err();
        assert_eq!(refused, IdentError::Reserved("relay".to_owned()));
        assert!(refused.to_string().contains("the relay's own name"));
        assert!("relay-2".parse::<AgentId>().is_ok());
    }

    #[test]
    fn running_digests_tell_order_and_lane_apart() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let start = Digest::origin(Epoch(1), Lane::Normal);
        assert_ne!(start.then(a).then(b), start.then(b).then(a));
        assert_ne!(start, Digest::origin(Epoch(1), Lane::Bulk));
    }
}
