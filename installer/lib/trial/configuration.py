"""The two configurations of a trial, as text. Paths in them are relative to their own folder."""

from dataclasses import dataclass

TOKEN = "mes.token"
SHADOW = """\
# Records what would be posted, and posts nothing.
[shadow]

[[plant]]
agent = "plant-a"
"""


def odoo(url: str, database: str, company: int, domain: str) -> str:
    """The part of `relay.toml` that makes a real Odoo the target."""
    return f"""\
[odoo]
url = "{url}"
database = "{database}"

[[plant]]
agent = "plant-a"
company = {company}
domain = "{domain}"
api_key = "bot.key"
"""


@dataclass(frozen=True)
class Ports:
    """Loopback ports of a trial."""

    broker: int
    link: int  # where the agent dials: the broker itself, or what stands before it
    production: int
    consumption: int
    count: int
    http: int


def relay(ports: Ports, target: str) -> str:
    """`relay.toml`: the broker in the relay, and where messages take effect."""
    return f"""\
# A throw-away configuration for trying Millrace out.
[relay]
data = "relay"

[broker]
host = "localhost"
port = {ports.broker}
ca = "pki/ca.crt"
certificate = "pki/relay.crt"
key = "pki/relay.key"

[broker.embedded]
listen = "127.0.0.1:{ports.broker}"
certificate = "pki/broker.crt"
key = "pki/broker.key"

{target}"""


def agent(name: str, ports: Ports) -> str:
    """`agent.toml`: a station of each kind, each with a port for its scanners, and a door for other systems."""
    return f"""\
# A throw-away configuration for trying Millrace out.
[agent]
name = "{name}"
zone = "Europe/Berlin"
data = "agent"

[relay]
host = "localhost"
port = {ports.link}
ca = "pki/ca.crt"
certificate = "pki/{name}.crt"
key = "pki/{name}.key"

""" + "\n".join([
        _station("line", "production", ports.production),
        _station("issue", "consumption", ports.consumption),
        _station("store", "count", ports.count),
        f"""\
[[http]]
name = "systems"
listen = "127.0.0.1:{ports.http}"

[[http.client]]
name = "mes"
token_file = "{TOKEN}"
station = "line"
""",
    ])


def _station(name: str, makes: str, port: int) -> str:
    return f"""\
[[station]]
name = "{name}"
makes = "{makes}"

[[scanner]]
name = "{name}-guns"
listen = "127.0.0.1:{port}"
station = "{name}"
"""
