"""What must be true after a step, or the posting did not happen.

All but two forms speak Odoo's own domain language, so there is no operator of ours to learn. HTTP 200 and `True` are
no success: methods of Odoo answer both and do nothing. Only an expectation that holds is.
"""

from odoo.tools import float_compare

from . import allow, limits, references
from .faults import ExpectationFailed, Malformed

FLOAT_DIGITS = 6  # where a field states no precision of its own
SHOWN = 20  # records named in an error


def check(env, step, results):
    """Checks every expectation of a step. `results` holds the step's own result under its name."""
    for index, expect in enumerate(step.expect):
        wrong = _check_one(env, references.resolve(expect, results), results.get(step.name))
        if wrong:
            say = expect.get("say")
            raise ExpectationFailed(f"{say} ({wrong})" if say else wrong, expect=index, say=say)


def _check_one(env, expect, result):
    """What is wrong, or nothing."""
    if "all" in expect:
        return _check_all(_records(env, expect), expect["all"])
    if "values" in expect:
        return _check_values(_records(env, expect), expect["values"])
    if "count" in expect:
        found = allow.check_model(env, expect["model"]).search_count(_domain(expect["domain"]))
        return found != expect["count"] and f"{expect['model']}: {found} records, expected {expect['count']}"
    if "len" in expect:
        if not isinstance(result, list):
            raise Malformed("len is of a list")
        return len(result) != expect["len"] and f"{len(result)} results, expected {expect['len']}"
    return result != expect["result"] and f"the result is {_short(result)}, expected {_short(expect['result'])}"


def _check_all(records, domain):
    wrong = records - records.filtered_domain(_domain(domain))
    if not wrong:
        return None
    fields = sorted({leaf[0].split(".")[0] for leaf in domain if isinstance(leaf, list) and isinstance(leaf[0], str)})
    shown = [f"{record.id} {_facts(record, fields)}" for record in wrong[:SHOWN]]
    return f"{records._name}: {len(wrong)} of {len(records)} records do not match: {'; '.join(shown)}"


def _facts(record, fields):
    """The values that the domain asks about, as the person who reads the error would look them up."""
    values = {name: record[name] for name in fields if name in record._fields}
    return ", ".join(f"{name}={_short(getattr(v, 'ids', v))}" for name, v in values.items())


def _check_values(records, values):
    for name, expected in values.items():
        field = records._fields.get(name)
        if field is None:
            raise Malformed(f"{records._name} has no field {name}")
        if not isinstance(expected, list) or len(expected) != len(records):
            raise Malformed(f"values of {name} has one value for each of the {len(records)} records")
        for record, value in zip(records, expected, strict=True):
            found = field.convert_to_read(record[name], record, use_display_name=False)
            if not _same(field, record.env, found, value):
                return f"{records._name} {record.id}: {name} is {_short(found)}, expected {_short(value)}"
    return None


def _same(field, env, found, value):
    if field.type in ("float", "monetary") and isinstance(value, (int, float)):
        digits = field.get_digits(env) if field.type == "float" else None
        return float_compare(found, value, precision_digits=digits[1] if digits else FLOAT_DIGITS) == 0
    return found == value


def _records(env, expect):
    """The records of an expectation. None, or a missing one, fails: of nothing everything is true."""
    model = allow.check_model(env, expect["model"])
    records = model.browse(as_ids(expect["ids"]))
    missing = records - records.exists()
    if missing or not records:
        raise ExpectationFailed(f"{model._name}: {f'{missing.ids} do not exist' if missing else 'no record to check'}")
    # Odoo's cache answers for whoever filled it; a check must see no more than its caller may read.
    records.check_access("read")
    return records


def as_ids(value):
    """Ids as a list: one, several, or a many2one as Odoo reads it is none of them."""
    ids = value if isinstance(value, list) else [value]
    if not all(isinstance(i, int) and not isinstance(i, bool) and i > 0 for i in ids):
        raise Malformed(f"ids are whole numbers, not {_short(ids)}")
    if len(ids) > limits.IDS_PER_STEP:
        raise Malformed(f"{len(ids)} ids; at most {limits.IDS_PER_STEP} in a step")
    return ids


def _domain(domain):
    if not isinstance(domain, list):
        raise Malformed("a domain is a list")
    return domain


def _short(value):
    text = str(value)
    return text if len(text) <= limits.NAME_CHARS else text[: limits.NAME_CHARS - 1] + "…"
