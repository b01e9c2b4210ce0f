//! Who may say and hear what. An agent speaks for itself alone and hears only what is meant for it; the relay hears
//! every agent and answers each. The same rules as `installer/mosquitto/millrace.acl`. Pure.

use std::fmt;

use millrace_shared::ident::{AgentId, Lane};
use millrace_shared::topic::{Channel, Topic};

/// Who a client is, by its certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Party {
    /// The relay.
    Relay,
    /// An agent.
    Agent(AgentId),
}

impl Party {
    /// The party with this common name; `None` if nobody can have it.
    pub(super) fn named(common_name: &str, relay: &str) -> Option<Self> {
        // Without a name of its own the relay is nobody: otherwise every certificate without a name would be its.
        if common_name == relay && !relay.is_empty() {
            return Some(Self::Relay);
        }
        common_name.parse().ok().map(Self::Agent)
    }

    pub(super) fn may_publish(&self, topic: &Topic) -> bool {
        match (self, topic.channel) {
            (Self::Relay, Channel::Down(_) | Channel::Receipt) => true,
            (Self::Agent(own), Channel::Up(_) | Channel::Hello | Channel::Status) => *own == topic.agent,
            _ => false,
        }
    }

    /// Whether everything that the filter can match is meant for this party.
    pub(super) fn may_hear(&self, filter: &str) -> bool {
        let levels: Vec<&str> = filter.split('/').collect();
        let ["millrace", "1", agent, channel @ ..] = levels.as_slice() else {
            return false;
        };
        let lane = |lane: &str| lane == "+" || lane.parse::<Lane>().is_ok();
        match (self, channel) {
            (Self::Relay, ["up", which]) => lane(which),
            (Self::Relay, ["hello" | "status"]) => true,
            (Self::Agent(own), ["down", which]) => own.as_str() == *agent && lane(which),
            (Self::Agent(own), ["receipt"]) => own.as_str() == *agent,
            _ => false,
        }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relay => f.write_str("the relay"),
            Self::Agent(agent) => write!(f, "agent {agent}"),
        }
    }
}

/// Whether a filter of levels and `+` matches a topic (MQTT 3.1.1, 4.7.1).
pub(super) fn matches(filter: &str, topic: &str) -> bool {
    let (mut wanted, mut given) = (filter.split('/'), topic.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == "+" || wanted == given => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_shared::topic::Filter;

    const CHANNELS: [Channel; 5] = [
        Channel::Up(Lane::Normal),
        Channel::Down(Lane::Bulk),
        Channel::Hello,
        Channel::Receipt,
        Channel::Status,
    ];

    fn agent(id: &str) -> Party {
        Party::Agent(id.parse().unwrap())
    }

    fn topic(id: &str, channel: Channel) -> Topic {
        Topic::new(id.parse().unwrap(), channel)
    }

    #[test]
    fn whoever_may_publish_on_a_topic_may_not_hear_it() {
        for channel in CHANNELS {
            let own = topic("plant-a", channel);
            for party in [agent("plant-a"), Party::Relay] {
                assert_ne!(
                    party.may_publish(&own),
                    party.may_hear(&own.to_string()),
                    "{party} on {own}"
                );
            }
        }
    }

    #[test]
    fn an_agent_may_do_nothing_on_the_topics_of_another() {
        for channel in CHANNELS {
            let foreign = topic("plant-b", channel);
            assert!(!agent("plant-a").may_publish(&foreign), "{foreign}");
            assert!(!agent("plant-a").may_hear(&foreign.to_string()), "{foreign}");
        }
    }

    #[test]
    fn each_party_may_hear_what_it_subscribes_to_and_nothing_wider() {
        let own = "plant-a".parse().unwrap();
        assert!(
            Filter::of_agent(&own)
                .iter()
                .all(|filter| agent("plant-a").may_hear(&filter.to_string()))
        );
        assert!(
            Filter::of_relay()
                .iter()
                .all(|filter| Party::Relay.may_hear(&filter.to_string()))
        );
        for wider in [
            "#",
            "+/#",
            "millrace/#",
            "millrace/1/#",
            "millrace/1/plant-a/#",
            "millrace/1/+/receipt",
            "millrace/1/+/down/+",
            "millrace/1/plant-a/+",
            "millrace/+/plant-a/receipt",
            "$SYS/#",
            "$share/x/millrace/1/plant-a/receipt",
            "millrace/1/plant-a/down/#",
            "millrace/1/plant-a/down/",
            "",
        ] {
            assert!(!agent("plant-a").may_hear(wider), "{wider}");
        }
        assert!(!Party::Relay.may_hear("millrace/1/+/+"));
        assert!(!Party::Relay.may_hear("millrace/1/#"));
    }

    #[test]
    fn nobody_has_a_name_that_is_neither_the_relays_nor_an_agents() {
        assert_eq!(Party::named("relay", "relay"), Some(Party::Relay));
        assert_eq!(Party::named("plant-a", "relay"), Some(agent("plant-a")));
        for name in ["", "+", "#", "Plant A", "plant-a/up"] {
            assert_eq!(Party::named(name, "relay"), None, "{name}");
        }
        assert_eq!(Party::named("", ""), None);
        assert_eq!(Party::named("relay", "central"), None);
    }

    #[test]
    fn a_plus_stands_for_exactly_one_level() {
        assert!(matches("a/+/c", "a/b/c"));
        assert!(matches("a/+", "a/"));
        for (filter, topic) in [
            ("a/+", "a/b/c"),
            ("a/+/c", "a/c"),
            ("a/b", "a/b/c"),
            ("a/b/c", "a/b"),
            ("+", "a/b"),
        ] {
            assert!(!matches(filter, topic), "{filter} {topic}");
        }
    }
}
