"""Runs the steps of one posting, with the caller's own rights and no others."""

from collections import defaultdict
from datetime import date, datetime

from odoo import fields
from odoo.models import BaseModel
from odoo.service.model import get_public_method
from odoo.tools import lazy

from . import allow, expectations, limits, references
from .faults import Malformed, Refused, WizardRefused

WINDOW = "ir.actions.act_window"
TEXT_OF_A_VALUE = 64  # characters that count like one more value of a result


class Run:
    """One posting on its way. `results` are plain JSON; `step` is the name of the step that runs, for errors."""

    def __init__(self, env, allowed, posting):
        self.env = env
        self.allowed = allowed
        self.posting = posting
        self.results = {}
        self.step = None
        self._checked = False  # something was expected since the last change
        self._prefetch = self._literal_ids()

    def run(self):
        """Runs every step and returns the outcomes as {message id: (model, id, data)}."""
        for step in self.posting.steps:
            self.step = step.name
            if step.when is None or self._holds(step.when):
                self._run_step(step)
        self.step = None
        if not self._checked:
            raise Malformed("the steps that expect something were passed over; nothing was checked after a change")
        return {message.id: self._outcome(self.posting.outcomes[message.id]) for message in self.posting.messages}

    def _holds(self, when):
        return references.is_empty(references.lookup(when["ref"], self.results)) == when["empty"]

    def _run_step(self, step):
        context = references.resolve({**self.posting.context, **step.context}, self.results)
        allow.check_context(self.allowed, context)
        env = self.env(context=context)
        if step.method is not None:
            self.results[step.name] = self._call(env, step)
            self._checked = self._checked and not step.changes
        expectations.check(env, step, self.results)
        self._checked = self._checked or bool(step.expect)

    def _call(self, env, step):
        model = allow.check_model(env, step.model)
        kwargs = references.resolve(step.kwargs, self.results)
        if "context" in kwargs:
            raise Malformed("the context stands beside kwargs, not in them")
        allow.check_call(self.allowed, model, step.method, kwargs)
        method = get_public_method(model, step.method)
        if getattr(method, "_api_model", False):
            if step.ids is not None:
                raise Malformed(f"{step.model}.{step.method} is a method of the model and takes no ids")
            records = [model]
        elif step.ids is None:
            raise Malformed(f"{step.model}.{step.method} is a method of records and needs ids")
        else:
            ids = expectations.as_ids(references.resolve(step.ids, self.results))
            known = model.browse(ids).with_prefetch(tuple({*self._prefetch[step.model], *ids}))
            records = list(known) if step.each else [known]
        rows = len(kwargs["vals_list"]) if step.method == "create" else None
        kwargs = _bounded_search(step.method, kwargs)
        answers = [self._answer(step, method(record, **kwargs)) for record in records]
        answer = answers if step.each else answers[0]
        if rows is not None and len(answer) != rows:
            # stock.quant merges equal rows: every later index would name another record.
            raise Refused(f"{step.model}.create made {len(answer)} records of {rows} rows")
        return answer

    def _answer(self, step, result):
        if isinstance(result, dict) and result.get("type") == WINDOW and not step.action_ok:
            name = result.get("name") or result.get("res_model") or "a window"
            raise WizardRefused(f"{step.model}.{step.method} did not finish, it asks a person: {name}")
        answer = _Plain().plain(result)
        if step.method in ("search", "search_read", "formatted_read_group") and len(answer) > limits.ROWS_PER_SEARCH:
            raise Malformed(f"more than {limits.ROWS_PER_SEARCH} rows found; ask for fewer")
        return answer

    def _outcome(self, outcome):
        resolved = references.resolve(outcome, self.results)
        record = resolved["id"]
        if isinstance(record, bool) or not isinstance(record, int) or record <= 0:
            raise Malformed(f"the id of an outcome is one record, not {str(record)[: limits.NAME_CHARS]}")
        if resolved["model"] not in self.env:
            raise Malformed(f"there is no model {resolved['model']}")
        return resolved["model"], record, resolved.get("data")

    def _literal_ids(self):
        """Ids that the steps name outright: read together, not one by one, when many steps have one record each."""
        ids = defaultdict(set)
        for step in self.posting.steps:
            if isinstance(step.ids, list):
                ids[step.model].update(i for i in step.ids if isinstance(i, int) and not isinstance(i, bool))
        return ids


def _bounded_search(method, kwargs):
    """One row more than the bound, so that reaching it is seen and a whole table is not read."""
    if method not in ("search", "search_read", "formatted_read_group"):
        return kwargs
    most = limits.ROWS_PER_SEARCH + 1
    return {**kwargs, "limit": min(kwargs.get("limit") or most, most)}


class _Plain:
    """A result of the ORM as the JSON that a remote caller would see, up to a bound."""

    def __init__(self):
        self.left = limits.RESULT_NODES

    def plain(self, value):
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        self.left -= 1 + (len(value) // TEXT_OF_A_VALUE if isinstance(value, str) else 0)
        if self.left < 0:
            raise Malformed(f"a result has more than {limits.RESULT_NODES} values; ask for less")
        if isinstance(value, lazy):
            value = value._value
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, BaseModel):
            return value.ids
        if isinstance(value, dict) or hasattr(value, "items"):
            return {str(key): self.plain(child) for key, child in value.items()}
        if isinstance(value, datetime):
            return fields.Datetime.to_string(value)
        if isinstance(value, date):
            return fields.Date.to_string(value)
        if isinstance(value, (list, tuple, set, frozenset)) or hasattr(value, "__iter__"):
            return [self.plain(child) for child in value]
        return str(value)
