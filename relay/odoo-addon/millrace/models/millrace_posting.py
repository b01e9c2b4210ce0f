"""The public surface: `apply`, `ask`, `take`, `purge` and `version`, called as ``POST /json/2/millrace.posting/…``.

README.md states the contract. Each answers HTTP 200 with a `state`; what is raised instead is either a matter of
rights (AccessError) or of the database (to be tried again).
"""

import logging

from odoo import api, models, release
from odoo.exceptions import AccessError
from odoo.tools import SQL

from ..executor import faults, guard, language, limits
from ..executor.faults import Malformed
from ..executor.ledger import Ledger
from ..executor.steps import Run

_logger = logging.getLogger(__name__)


class _Rehearsed(Exception):
    """Ends a dry run: what it is raised through rolls back."""


class MillracePosting(models.AbstractModel):
    _name = "millrace.posting"
    _description = "Millrace Posting"

    # -- public ----------------------------------------------------------------------------------------------------

    @api.model
    def apply(self, domain, postings, fence=None, dry_run=False, seen=None):
        """Runs postings, each in one savepoint of this one transaction, and stores what became of their messages."""
        self._need_group("millrace.group_dry_run" if dry_run else "millrace.group_bot")
        record = self.env["millrace.domain"]._enter(domain)
        try:
            requested = language.parse_request(postings, dry_run)
            seen = _parse_seen(seen)
            if not dry_run:
                language.whole(fence, 0, limits.FENCE_NUMBER * 2, "fence")
        except Malformed as exc:
            return {"state": "malformed", "error": faults.describe(exc)}
        self._bound_time()
        ledger = Ledger(self.env.cr, record.id, self.env.uid)
        if dry_run:
            return self._rehearse(record, ledger, requested)
        current = record._share_fence()
        database, timeline = record._database_identity()
        head = {"database": database, "timeline": timeline, "count": ledger.count()}
        # Restored before stale: the fence of a restored database is an old one, and no reason to take it.
        if seen and (seen["database"] != database or seen["count"] > head["count"]):
            return {"state": "restored", **head}
        if fence != current:
            return {"state": "stale", "current": current, **head}
        results = [answer for one in requested for answer in self._run(record, ledger, *one)]
        ledger.add_to_count()
        return {"state": "ok", **head, "count": head["count"] + ledger.stored, "results": results}

    @api.model
    def ask(self, domain, messages):
        """What is stored of these messages. Needs no fence and changes nothing."""
        self._need_group("millrace.group_bot")
        record = self.env["millrace.domain"]._enter(domain)
        try:
            messages = language.parse_messages(messages, limits.ASK_MESSAGES)
        except Malformed as exc:
            return {"state": "malformed", "error": faults.describe(exc)}
        ledger = Ledger(self.env.cr, record.id, self.env.uid)
        known = ledger.known(messages)
        results = [_answer(m, known[m.id].state, known[m.id].answer) if m.id in known else _answer(m, "unknown")
                   for m in messages]  # fmt: skip
        return {"state": "ok", **self._head(record, ledger), "results": results}

    @api.model
    def take(self, domain, floor_number=0):
        """Raises the domain's fence above both its own number and the caller's; whoever had it is stale from now on."""
        self._need_group("millrace.group_bot")
        record = self.env["millrace.domain"]._enter(domain)
        try:
            language.whole(floor_number, 0, limits.FENCE_NUMBER, "floor_number")
        except Malformed as exc:
            return {"state": "malformed", "error": faults.describe(exc)}
        self._bound_time()
        number = record._raise_fence(floor_number)
        return {"state": "ok", "number": number, **self._head(record, Ledger(self.env.cr, record.id, self.env.uid))}

    @api.model
    def purge(self, domain, fence, floors):
        """Raises purge floors and deletes some of what is below them; call again while `more` is true."""
        self._need_group("millrace.group_bot")
        record = self.env["millrace.domain"]._enter(domain)
        try:
            floors = _parse_floors(floors)
            language.whole(fence, 0, limits.FENCE_NUMBER * 2, "fence")
        except Malformed as exc:
            return {"state": "malformed", "error": faults.describe(exc)}
        self._bound_time()
        current = record._share_fence()
        if fence != current:
            return {"state": "stale", "current": current}
        self.env["millrace.floor"]._raise_floors(record, floors)
        deleted = self.env["millrace.inbox"]._purge(record, floors, limits.PURGE_ROWS)
        return {"state": "ok", "deleted": deleted, "more": deleted == limits.PURGE_ROWS}

    @api.model
    def version(self):
        """What a relay checks at its start: versions, bounds, and the domains that its user is bound to."""
        self._need_group("millrace.group_bot")
        domains = self.env["millrace.domain"].sudo().search([("user_ids", "in", self.env.uid)])
        return {
            "addon": limits.ADDON_VERSION,
            "language": limits.LANGUAGE_VERSION,
            "odoo": release.version,
            "limits": limits.as_dict(),
            "user": self.env.user.login,
            "dry_run": self.env.user.has_group("millrace.group_dry_run"),
            "domains": [{"name": domain.name, "allow": domain.allow} for domain in domains],
        }

    # -- one posting -----------------------------------------------------------------------------------------------

    def _run(self, domain, ledger, messages, raw):
        """The answers for the messages of one posting. Whatever is refused left nothing behind."""
        try:
            posting = language.parse_posting(raw, messages)
        except Malformed as exc:
            return [_answer(m, "malformed", {"error": faults.describe(exc)}) for m in messages]
        known = ledger.known(messages)
        known = {i: k for i, k in known.items() if not _reopened(posting, k, messages, i)}
        if posting.void:
            return self._void(ledger, posting, known)
        if known:
            # A group with any known message runs nothing: it was put together without knowing that.
            return [_answer(m, known[m.id].state, known[m.id].answer) if m.id in known else _answer(m, "split")
                    for m in messages]  # fmt: skip
        return self._post(domain, ledger, posting)

    def _post(self, domain, ledger, posting):
        run = None
        try:
            with guard.atomic(self.env.cr):
                ledger.claim(posting.messages)
                ledger.lock(posting.locks)
                run = Run(self._clean_env(), domain._allowed(), posting)
                outcomes = run.run()
                ledger.done(outcomes)
        except Exception as exc:
            fault = faults.classify(exc)
            if fault == faults.RETRY:
                raise
            if fault == faults.MALFORMED and not isinstance(exc, Malformed):
                _logger.warning("posting of %s failed", posting.messages[0].id, exc_info=True)
            return self._refused(domain, ledger, posting, fault, faults.describe(exc, self.env, run and run.step))
        ledger.stored += len(outcomes)
        return [_answer(m, "done", dict(zip(("model", "record", "data"), outcomes[m.id], strict=True)))
                for m in posting.messages]  # fmt: skip

    def _refused(self, domain, ledger, posting, fault, error):
        if fault == faults.FORBIDDEN or (fault == faults.MALFORMED and len(posting.messages) == 1):
            return [_answer(m, fault, {"error": error}) for m in posting.messages]
        if len(posting.messages) == 1:
            ledger.reject(posting.messages, error)
            return [_answer(posting.messages[0], "rejected", {"error": error})]
        if posting.singles:
            return [answer for single in posting.singles for answer in self._post(domain, ledger, single)]
        return [_answer(m, "split", {"error": error}) for m in posting.messages]

    def _void(self, ledger, posting, known):
        """Declares that a message will never take effect. Each on its own; where *done* stands, done wins."""
        fresh = [m for m in posting.messages if m.id not in known]
        if fresh:
            ledger.void(fresh, posting.void)
        return [_answer(m, known[m.id].state, known[m.id].answer) if m.id in known
                else _answer(m, "void", {"void": posting.void}) for m in posting.messages]  # fmt: skip

    # -- around it -------------------------------------------------------------------------------------------------

    def _rehearse(self, domain, ledger, requested):
        """Runs everything and rolls all of it back. Stores nothing; sequences that were drawn stay drawn."""
        results = changes = None
        before = self._table_changes()
        try:
            with guard.atomic(self.env.cr):
                results = [answer for one in requested for answer in self._run(domain, ledger, *one)]
                self.env.cr.flush()
                changes = self._changes_since(before)
                raise _Rehearsed
        except _Rehearsed:
            pass
        return {"state": "dry", "results": results, "changes": changes}

    def _table_changes(self):
        """{table: (inserted, updated, deleted)} by this transaction, as PostgreSQL counts them."""
        self.env.cr.execute("SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_xact_user_tables")
        return {name: counts for name, *counts in self.env.cr.fetchall()}

    def _changes_since(self, before):
        now, changes = self._table_changes(), {}
        tables = {model._table: model._name for model in self.env.registry.values() if not model._abstract}
        for table, counts in sorted(now.items()):
            delta = [new - old for new, old in zip(counts, before.get(table, (0, 0, 0)), strict=True)]
            if any(delta) and not table.startswith("millrace_"):
                changes[tables.get(table, table)] = dict(zip(("created", "written", "deleted"), delta, strict=True))
        return changes

    def _clean_env(self):
        """The caller's own rights, and nothing of the request's context: that is the posting's to state."""
        user = self.env.user
        return self.env(su=False, context={"lang": user.lang, "tz": user.tz})

    def _bound_time(self):
        self.env.cr.execute(
            SQL(
                "SET LOCAL statement_timeout = %s; SET LOCAL lock_timeout = %s",
                limits.STATEMENT_TIMEOUT_SECONDS * 1000,
                limits.LOCK_TIMEOUT_SECONDS * 1000,
            )
        )

    def _need_group(self, group):
        if not self.env.user.has_group(group):
            raise AccessError(self.env._("This needs the group %s.", group))

    def _head(self, domain, ledger):
        database, timeline = domain._database_identity()
        return {"database": database, "timeline": timeline, "count": ledger.count()}


def _answer(message, state, facts=None):
    return {"id": message.id, "state": state, "repeat": False, "attempt": message.attempt, **(facts or {})}


def _reopened(posting, known, messages, message_id):
    """A rejection gives way to a higher attempt, and to a void of any."""
    if known.state != "rejected":
        return False
    attempt = next(m.attempt for m in messages if m.id == message_id)
    return posting.void is not None or attempt > known.answer["attempt"]


def _parse_seen(seen):
    if seen is not None:
        if not isinstance(seen, dict) or seen.keys() != {"count", "database"} or not isinstance(seen["database"], str):
            raise Malformed('seen is {"count": number, "database": text} or null')
        language.whole(seen["count"], 0, limits.SEQUENCE, "count of seen")
    return seen


def _parse_floors(floors):
    if not isinstance(floors, list) or not 0 < len(floors) <= limits.PURGE_FLOORS:
        raise Malformed(f"floors is a list of one to {limits.PURGE_FLOORS}")
    parsed = {}
    for floor in floors:
        if not isinstance(floor, dict) or floor.keys() != {"lane", "below"} or not isinstance(floor["lane"], str):
            raise Malformed('a floor is {"lane": text, "below": sequence}')
        parsed[floor["lane"]] = language.whole(floor["below"], 0, limits.SEQUENCE, "below")
    return parsed
