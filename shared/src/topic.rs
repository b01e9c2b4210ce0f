//! Where frames and notices are published: `millrace/1/<agent>/<channel>`. The agent's part is what its certificate
//! says, so that a broker can hold every agent to its own subtree. Pure.

use std::fmt;
use std::str::FromStr;

use crate::ident::{AgentId, Lane};

/// What all our topics begin with: the name and the version of the contract.
const ROOT: &str = "millrace/1";

/// One topic: whose, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Topic {
    /// The agent at the plant's end of the line.
    pub agent: AgentId,
    /// What is said there.
    pub channel: Channel,
}

/// What a topic is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Frames from the agent to the relay.
    Up(Lane),
    /// Frames from the relay to the agent.
    Down(Lane),
    /// The agent's account of itself: what it is, has and knows.
    Hello,
    /// The relay's word about what it took.
    Receipt,
    /// Whether the agent is there; retained, and kept true by its last will.
    Status,
}

/// A topic that is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a topic of the form {ROOT}/<agent>/(up/<lane>|down/<lane>|hello|receipt|status)")]
pub struct BadTopic(String);

impl Topic {
    /// A topic of `agent`.
    pub fn new(agent: AgentId, channel: Channel) -> Self {
        Self { agent, channel }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ROOT}/{}/{}", self.agent, self.channel)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up(lane) => write!(f, "up/{lane}"),
            Self::Down(lane) => write!(f, "down/{lane}"),
            Self::Hello => f.write_str("hello"),
            Self::Receipt => f.write_str("receipt"),
            Self::Status => f.write_str("status"),
        }
    }
}

impl FromStr for Topic {
    type Err = BadTopic;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| BadTopic(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Topic> {
    let (agent, channel) = text.strip_prefix(ROOT)?.strip_prefix('/')?.split_once('/')?;
    let channel = match channel.split_once('/') {
        Some(("up", lane)) => Channel::Up(lane.parse().ok()?),
        Some(("down", lane)) => Channel::Down(lane.parse().ok()?),
        None if channel == "hello" => Channel::Hello,
        None if channel == "receipt" => Channel::Receipt,
        None if channel == "status" => Channel::Status,
        _ => return None,
    };
    Some(Topic::new(agent.parse().ok()?, channel))
}

/// What to subscribe to: a set of topics, in MQTT's notation (MQTT 3.1.1, 4.7).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Filter(String);

impl Filter {
    /// All that an agent reads: its own downlink and receipts.
    pub fn of_agent(agent: &AgentId) -> Vec<Self> {
        ["down/+", "receipt"]
            .map(|channel| Self(format!("{ROOT}/{agent}/{channel}")))
            .into()
    }

    /// All that a relay reads: every agent's uplink, hello and status.
    pub fn of_relay() -> Vec<Self> {
        ["up/+", "hello", "status"]
            .map(|channel| Self(format!("{ROOT}/+/{channel}")))
            .into()
    }
}

impl From<&Topic> for Filter {
    fn from(topic: &Topic) -> Self {
        Self(topic.to_string())
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_is_read_as_it_is_written() {
        for text in [
            "millrace/1/plant-a/up/critical",
            "millrace/1/plant-a/up/normal",
            "millrace/1/plant-a/up/bulk",
            "millrace/1/plant-a/down/normal",
            "millrace/1/plant-a/hello",
            "millrace/1/plant-a/receipt",
            "millrace/1/plant-a/status",
        ] {
            let topic: Topic = text.parse().unwrap();
            assert_eq!(topic.to_string(), text);
            assert_eq!(topic.agent.to_string(), "plant-a");
        }
    }

    #[test]
    fn a_topic_that_is_none_of_ours_is_refused() {
        for text in [
            "",
            "millrace/1",
            "millrace/1/plant-a",
            "millrace/2/plant-a/hello",
            "millrace/1/plant-a/up",
            "millrace/1/plant-a/up/fast",
            "millrace/1/plant-a/up/normal/more",
            "millrace/1/plant-a/hello/again",
            "millrace/1/+/hello",
            "millrace/1//hello",
            "/millrace/1/plant-a/hello",
            "millrace/1/plant-a/Hello",
        ] {
            assert_eq!(text.parse::<Topic>(), Err(BadTopic(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn an_agent_and_the_relay_read_disjoint_channels() {
        let agent = "plant-a".parse().unwrap();
        let shown = |filters: Vec<Filter>| filters.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            shown(Filter::of_agent(&agent)),
            ["millrace/1/plant-a/down/+", "millrace/1/plant-a/receipt"]
        );
        assert_eq!(
            shown(Filter::of_relay()),
            ["millrace/1/+/up/+", "millrace/1/+/hello", "millrace/1/+/status"]
        );
    }
}
