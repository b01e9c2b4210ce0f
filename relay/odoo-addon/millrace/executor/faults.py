"""What can go wrong in a posting, and the four classes it falls into.

RETRY      raised on: the whole request rolls back and Odoo (or the caller) runs it again
REJECTED   the business refuses: stored, answered again on a repeat
FORBIDDEN  rights or allow-list: stored nowhere, so that the ids work once somebody has granted them
MALFORMED  the posting cannot be run as it is written: stored nowhere, for the same reason
"""

import psycopg2
from odoo.exceptions import AccessDenied, AccessError, ConcurrencyError, LockError, RedirectWarning, UserError

from . import limits

RETRY, REJECTED, FORBIDDEN, MALFORMED = "retry", "rejected", "forbidden", "malformed"


class Fault(Exception):
    """One of ours. `step` is the name of the step that failed, `facts` are details for a person or a machine."""

    def __init__(self, message, **facts):
        super().__init__(message)
        self.facts = facts


class Malformed(Fault):
    """The posting does not say something that can be run."""


class Forbidden(Fault):
    """The domain's allow-list or the executor's never-list does not permit a call."""


class CommitForbidden(Forbidden):
    """A method tried to commit or to roll back the posting's transaction."""


class Refused(Fault):
    """Business reasons against this posting."""


class ExpectationFailed(Refused):
    """Odoo did what it was told and the result is not what had to come of it."""


class WizardRefused(Refused):
    """A method answered with a window for a person instead of doing its work."""


def classify(exc):
    """Which of the four classes an exception belongs to."""
    if isinstance(exc, (LockError, ConcurrencyError, psycopg2.OperationalError, psycopg2.InterfaceError)):
        return RETRY
    if isinstance(exc, (Forbidden, AccessError, AccessDenied)):
        return FORBIDDEN
    # Odoo itself turns a broken constraint into a ValidationError at the end of a request.
    if isinstance(exc, (Refused, UserError, RedirectWarning, psycopg2.IntegrityError)):
        return REJECTED
    return MALFORMED


def describe(exc, env=None, step=None):
    """The exception as the `error` object of an answer."""
    message = exc.args[0] if exc.args else type(exc).__name__
    if isinstance(exc, psycopg2.IntegrityError) and env is not None:
        message = _constraint_message(exc, env)
    kind = type(exc)
    module = "millrace" if isinstance(exc, Fault) else kind.__module__
    error = {"name": f"{module}.{kind.__name__}", "message": _bounded(message)}
    if step is not None:
        error["step"] = step
    error.update((name, fact) for name, fact in getattr(exc, "facts", {}).items() if fact is not None)
    return error


def _constraint_message(exc, env):
    """What Odoo would tell a person about this constraint. Needs a transaction that works again."""
    table = exc.diag.table_name
    for model_class in env.registry.values():
        if model_class._table == table and not model_class._abstract:
            return env[model_class._name].sudo()._sql_error_to_message(exc)
    return str(exc)


def _bounded(message):
    text = str(message).replace("\x00", "")
    return text if len(text) <= limits.ERROR_CHARS else text[: limits.ERROR_CHARS - 1] + "…"
