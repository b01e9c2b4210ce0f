"""References to what earlier steps answered: ``{"$": "found.0.name"}``.

A path walks plain JSON only (list index, key, ``*`` for every element), so it reaches nothing that the answer did not
already contain. ``{"$": ["found.0", "new.0"]}`` takes the first path that leads to something: search-or-create.
"""

import copy

from .faults import Malformed

MARK = "$"
NOTHING = object()


def is_reference(value):
    return isinstance(value, dict) and MARK in value


def paths(reference):
    """The paths of a reference, as lists of parts; refuses anything that is not one."""
    wanted = reference[MARK]
    alternatives = wanted if isinstance(wanted, list) else [wanted]
    if len(reference) != 1 or not alternatives or not all(isinstance(p, str) and p for p in alternatives):
        raise Malformed('a reference is {"$": "step.path"} or {"$": ["step.path", …]} and nothing else')
    return [path.split(".") for path in alternatives]


def heads(value):
    """Names of the steps that `value` refers to, however deep."""
    if is_reference(value):
        return {path[0] for path in paths(value)}
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*(heads(child) for child in children)) if children else set()


def resolve(value, results):
    """A deep copy of `value` with every reference replaced.

    Always a copy: Odoo's methods change the dictionaries that they are given, and a replay must find the original.
    """
    if is_reference(value):
        found = lookup(value, results)
        if found is NOTHING:
            raise Malformed(f"the reference {value[MARK]!r} leads to nothing")
        return copy.deepcopy(found)  # as data: what Odoo holds is never read as a reference
    if isinstance(value, dict):
        return {key: resolve(child, results) for key, child in value.items()}
    if isinstance(value, list):
        return [resolve(child, results) for child in value]
    return value


def lookup(reference, results):
    """What a reference leads to, or NOTHING."""
    alternatives = paths(reference)
    for path in alternatives:
        found = _walk(results, path)
        if found is not NOTHING and not (len(alternatives) > 1 and is_empty(found)):
            return found
    return NOTHING


def is_empty(value):
    """Zero is a value; null, false, and empty text, list or map are not."""
    return value is NOTHING or value is None or value is False or value in ("", [], {})


def _walk(value, path):
    for index, part in enumerate(path):
        if part == "*":
            if not isinstance(value, list):
                return NOTHING
            found = [_walk(child, path[index + 1 :]) for child in value]
            return NOTHING if any(child is NOTHING for child in found) else found
        if isinstance(value, dict):
            value = value.get(part, NOTHING)
        elif isinstance(value, list) and part.isdigit():
            value = value[int(part)] if int(part) < len(value) else NOTHING
        else:
            return NOTHING
        if value is NOTHING:
            return NOTHING
    return value
