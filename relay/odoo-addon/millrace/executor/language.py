"""The step language: JSON in, checked dataclasses out. Sets of keys are closed: an unknown word is an error.

What is checked here needs no database. What the words mean is in `steps` and `expectations`.
"""

import json
from dataclasses import dataclass, field

from . import limits, references
from .faults import Malformed

# Of the ORM's own methods these only read. Everything else is taken to change something.
READS = frozenset({"search", "search_count", "search_read", "read", "formatted_read_group"})
LABELS = ("kind", "agent", "station", "operator")


@dataclass(frozen=True)
class Message:
    """Who asks for an effect: its identity, its place in its lane, and words for people."""

    id: str
    digest: str
    attempt: int
    lane: str
    sequence: int
    labels: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    name: str
    model: str | None
    method: str | None
    ids: object
    kwargs: dict
    context: dict
    each: bool
    when: dict | None
    expect: tuple
    action_ok: bool

    @property
    def changes(self):
        return self.method is not None and self.method not in READS


@dataclass(frozen=True)
class Posting:
    messages: tuple
    void: dict | None = None
    locks: tuple = ()
    context: dict = field(default_factory=dict)
    steps: tuple = ()
    outcomes: dict = field(default_factory=dict)
    singles: tuple = ()


def parse_request(postings, dry_run):
    """The request's postings as (messages, raw posting). Raises Malformed when nothing of it may run."""
    _need(isinstance(postings, list) and postings, "postings is a list with at least one posting")
    _need(len(postings) <= limits.POSTINGS, f"at most {limits.POSTINGS} postings in a request")
    _need(_depth(postings) <= limits.NESTING_DEPTH, f"nested deeper than {limits.NESTING_DEPTH}")
    size = len(json.dumps(postings, ensure_ascii=False).encode())
    _need(size <= limits.REQUEST_BYTES, f"{size} bytes; at most {limits.REQUEST_BYTES} in a request")
    parsed = []
    for posting in postings:
        _need(isinstance(posting, dict), "a posting is an object")
        parsed.append((parse_messages(posting.get("messages")), posting))
    count = sum(len(messages) for messages, _posting in parsed)
    most = limits.DRY_RUN_MESSAGES if dry_run else limits.MESSAGES
    _need(count <= most, f"{count} messages; at most {most} in a {'dry run' if dry_run else 'request'}")
    _need(len({m.id for messages, _posting in parsed for m in messages}) == count, "a message id stands twice")
    steps = sum(_step_count(posting) for _messages, posting in parsed)
    _need(steps <= limits.STEPS, f"{steps} steps; at most {limits.STEPS} in a request")
    return parsed


def parse_messages(messages, most=limits.MESSAGES):
    _need(isinstance(messages, list) and messages, "messages is a list with at least one message")
    _need(len(messages) <= most, f"at most {most} messages")
    parsed = tuple(_parse_message(message) for message in messages)
    _need(len({message.id for message in parsed}) == len(parsed), "a message id stands twice")
    return parsed


def _parse_message(message):
    _closed(message, {"id", "digest", "attempt", "lane", "sequence"}, set(LABELS), "message")
    labels = {}
    for name in LABELS:
        label = message.get(name)
        _need(label is None or isinstance(label, str), f"{name} of a message is text")
        labels[name] = "".join(c for c in label if c.isprintable())[: limits.LABEL_CHARS] if label else None
    return Message(
        id=_text(message["id"], limits.ID_CHARS, "id"),
        digest=_text(message["digest"], limits.DIGEST_CHARS, "digest"),
        attempt=whole(message["attempt"], 1, limits.ATTEMPT, "attempt"),
        lane=_text(message["lane"], limits.ID_CHARS, "lane"),
        sequence=whole(message["sequence"], 0, limits.SEQUENCE, "sequence"),
        labels=labels,
    )


def parse_posting(posting, messages):
    """One posting whose messages are known already. Raises Malformed."""
    if "void" in posting:
        _closed(posting, {"messages", "void"}, set(), "void posting")
        _closed(posting["void"], {"reason", "by"}, set(), "void")
        reason = _text(posting["void"]["reason"], limits.SAY_CHARS, "reason", multiline=True)
        return Posting(messages, void={"reason": reason, "by": _text(posting["void"]["by"], limits.LABEL_CHARS, "by")})
    _closed(posting, {"messages", "steps", "outcomes"}, {"context", "locks", "singles"}, "posting")
    steps, outcomes = posting["steps"], posting["outcomes"]
    _need(isinstance(steps, list) and steps, "a posting has at least one step")
    locks = posting.get("locks", [])
    _need(isinstance(locks, list) and len(locks) <= limits.LOCKS, f"locks is a list of at most {limits.LOCKS}")
    parsed = Posting(
        messages,
        locks=tuple(sorted({_text(lock, limits.LOCK_CHARS, "lock") for lock in locks})),
        context=_object(posting.get("context", {}), "context"),
        steps=_parse_steps(steps),
        outcomes=_parse_outcomes(outcomes, messages, {step["as"] for step in steps}),
        singles=_parse_singles(posting.get("singles", []), messages),
    )
    _need(any(step.changes for step in parsed.steps), "no step changes anything")
    _need(_checked_after_last_change(parsed.steps), "nothing is expected after the last step that changes something")
    return parsed


def _parse_steps(steps):
    parsed, known = [], set()
    for step in steps:
        parsed.append(_parse_step(step, known))
        known.add(parsed[-1].name)
    return tuple(parsed)


def _parse_step(step, known):
    _closed(
        step, {"as"}, {"model", "method", "ids", "kwargs", "context", "each", "when", "expect", "action_ok"}, "step"
    )
    name = _text(step["as"], limits.NAME_CHARS, "as")
    _need(name.isidentifier() and name not in known, f"step names are words that stand once, not {name!r}")
    method = step.get("method")
    _need(("model" in step) == (method is not None), f"step {name}: model and method go together")
    _need(method is not None or step.keys() <= {"as", "when", "expect"}, f"step {name} has no method to apply that to")
    when = step.get("when")
    if when is not None:
        _closed(when, {"ref", "empty"}, set(), f"when of step {name}")
        _need(
            references.is_reference(when["ref"]) and isinstance(when["empty"], bool), f"step {name}: when is misspelt"
        )
    for flag in ("each", "action_ok"):
        _need(isinstance(step.get(flag, False), bool), f"step {name}: {flag} is true or false")
    expect = step.get("expect", [])
    _need(isinstance(expect, list) and (expect or method), f"step {name} does nothing and expects nothing")
    later = references.heads([step.get("ids"), step.get("kwargs"), step.get("context"), when]) - known
    later |= references.heads(expect) - known - {name}
    _need(not later, f"step {name} refers to {', '.join(sorted(later))}, which no earlier step is called")
    return Step(
        name=name,
        model=_text(step["model"], limits.NAME_CHARS, "model") if method is not None else None,
        method=_text(method, limits.NAME_CHARS, "method") if method is not None else None,
        ids=step.get("ids"),
        kwargs=_object(step.get("kwargs", {}), "kwargs"),
        context=_object(step.get("context", {}), "context"),
        each=step.get("each", False),
        when=when,
        expect=tuple(_parse_expect(e, name, method) for e in expect),
        action_ok=step.get("action_ok", False),
    )


# The five forms of an expectation, by their keys.
EXPECTATIONS = ({"model", "ids", "all"}, {"model", "ids", "values"}, {"model", "domain", "count"}, {"len"}, {"result"})


def _parse_expect(expect, step, method):
    keys = _object(expect, "an expectation").keys() - {"say"}
    _need(keys in EXPECTATIONS, f"step {step}: an expectation is all, values, count, len or result, not {sorted(keys)}")
    if "say" in expect:
        _text(expect["say"], limits.SAY_CHARS, "say", multiline=True)
    _need(method is not None or "model" in keys, f"step {step} has no result to expect something of")
    if "all" in keys:
        # An empty domain is true of every record, so it would check nothing.
        _need(isinstance(expect["all"], list) and expect["all"], f"step {step}: all is a domain that says something")
    if "count" in keys:
        whole(expect["count"], 0, limits.SEQUENCE, "count")
    if "len" in keys:
        whole(expect["len"], 0, limits.SEQUENCE, "len")
    if "values" in keys:
        _need(isinstance(expect["values"], dict) and expect["values"], f"step {step}: values is a map of fields")
    return expect


def _parse_outcomes(outcomes, messages, steps):
    _object(outcomes, "outcomes")
    ids = {message.id for message in messages}
    _need(outcomes.keys() == ids, "outcomes name each message of the posting and no other")
    for outcome in outcomes.values():
        _closed(outcome, {"model", "id"}, {"data"}, "outcome")
        _text(outcome["model"], limits.NAME_CHARS, "model of an outcome")
    unknown = references.heads(list(outcomes.values())) - steps
    _need(not unknown, f"an outcome refers to {', '.join(sorted(unknown))}, which no step is called")
    return outcomes


def _parse_singles(singles, messages):
    _need(isinstance(singles, list), "singles is a list")
    if not singles:
        return ()
    parsed = []
    for single in singles:
        _need(isinstance(single, dict) and "singles" not in single, "singles have no singles")
        own = parse_messages(single.get("messages"))
        _need(len(own) == 1 and own[0] in messages, "each of the singles is for one message of its group")
        parsed.append(parse_posting(single, own))
        _need(parsed[-1].void is None, "singles are no voids")
    _need(len({p.messages[0].id for p in parsed}) == len(parsed) == len(messages), "singles name each message once")
    return tuple(parsed)


def _checked_after_last_change(steps):
    last_change = max((i for i, step in enumerate(steps) if step.changes), default=-1)
    return any(step.expect for step in steps[last_change:])


def _step_count(posting):
    singles = posting.get("singles")
    all_of_it = [posting, *(singles if isinstance(singles, list) else ())]
    steps = [p.get("steps") for p in all_of_it if isinstance(p, dict)]
    return sum(len(s) for s in steps if isinstance(s, list))


def _depth(value):
    """Depth of nesting, without recursion: the value is a stranger's."""
    depth, level = 0, [value]
    while level and depth <= limits.NESTING_DEPTH:
        depth += 1
        containers = [v for v in level if isinstance(v, (dict, list))]
        level = [child for c in containers for child in (c.values() if isinstance(c, dict) else c)]
    return depth


def whole(value, low, high, name):
    """An integer within bounds. JSON's true and false are no numbers."""
    _need(isinstance(value, int) and not isinstance(value, bool), f"{name} is a whole number")
    _need(low <= value <= high, f"{name} is from {low} to {high}")
    return value


def _text(value, most, name, multiline=False):
    _need(isinstance(value, str) and value.strip(), f"{name} is text that is not empty")
    _need(len(value) <= most, f"{name} has at most {most} characters")
    plain = value.replace("\n", "").replace("\t", "") if multiline else value
    _need(plain.isprintable(), f"{name} has characters that cannot be printed")
    return value


def _object(value, name):
    _need(isinstance(value, dict), f"{name}: is an object")
    return value


def _closed(value, needed, allowed, name):
    _object(value, name)
    missing, unknown = needed - value.keys(), value.keys() - needed - allowed
    _need(not missing, f"{name}: needs {', '.join(sorted(missing))}")
    _need(not unknown, f"{name}: knows no {', '.join(sorted(map(str, unknown)))}")


def _need(holds, otherwise):
    if not holds:
        raise Malformed(otherwise)
