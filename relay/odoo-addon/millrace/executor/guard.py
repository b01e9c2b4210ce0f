"""What a posting may not do to its transaction.

Exactly one effect rests on one transaction: the outcome and the effect commit together or not at all. A method that
commits half-way would leave an effect without its outcome, so commit and rollback are refused while steps run, and
the refusal stands even if the method swallows it. A cursor that a method opens for itself cannot be guarded; the
never-list keeps the known ones out.
"""

import copy
from contextlib import contextmanager

from .faults import CommitForbidden

HOOKS = ("precommit", "postcommit", "prerollback", "postrollback")


@contextmanager
def atomic(cr):
    """A savepoint around the steps of a posting. Whatever is raised leaves nothing behind, hooks included."""
    before = [_snapshot(getattr(cr, name)) for name in HOOKS]
    try:
        with cr.savepoint(), _no_commit(cr):
            yield
            cr.flush()  # constraints, tracking and hooks of the flush belong to the posting that caused them
    except BaseException:
        for name, (functions, data) in zip(HOOKS, before, strict=True):
            callbacks = getattr(cr, name)
            callbacks.clear()
            for function in functions:
                callbacks.add(function)
            callbacks.data.update(data)
        raise


def _snapshot(callbacks):
    """Its functions and data. The data are containers that hooks add to, so each is copied."""
    return list(callbacks._funcs), {key: copy.copy(value) for key, value in callbacks.data.items()}


@contextmanager
def _no_commit(cr):
    tried = []

    def refuse(name):
        def refused(*_args, **_kwargs):
            tried.append(name)
            raise CommitForbidden(f"a method called cr.{name}(); a posting is one transaction")

        return refused

    outer = {name: cr.__dict__[name] for name in ("commit", "rollback") if name in cr.__dict__}
    cr.commit, cr.rollback = refuse("commit"), refuse("rollback")
    try:
        yield
    finally:
        del cr.commit, cr.rollback
        cr.__dict__.update(outer)  # a dry run has one guard around all of its postings
    if tried:
        raise CommitForbidden(f"a method called cr.{tried[0]}() and went on; a posting is one transaction")
