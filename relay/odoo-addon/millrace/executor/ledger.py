"""The SQL of the inbox: what is known of a message, claiming it, and storing what became of it.

Plain SQL and not the ORM, for two reasons: no user, not even the bot, has the right to write these rows in any other
way; and a claim rests on ``ON CONFLICT`` under REPEATABLE READ, where a row that a concurrent transaction committed
is a serialization failure, so that Odoo replays the request and the replay finds the row and answers it.
"""

import json
from dataclasses import dataclass

from odoo.exceptions import ConcurrencyError
from psycopg2.extras import Json

from . import limits
from .faults import Malformed


@dataclass(frozen=True)
class Known:
    """What Odoo answers for a message without running anything."""

    state: str
    answer: dict


class Ledger:
    def __init__(self, cr, domain_id, user_id):
        self.cr = cr
        self.domain_id = domain_id
        self.user_id = user_id
        self.stored = 0  # outcomes stored by this request; counted when nothing can take them back any more

    # -- what is known ---------------------------------------------------------------------------------------------

    def known(self, messages):
        """{message id: Known} for those that must not run: stored, of other content, or purged."""
        rows, floors = self._rows(messages), self._floors(messages)
        known = {}
        for message in messages:
            row = rows.get(message.id)
            if row is None:
                if message.sequence < floors.get(message.lane, 0):
                    known[message.id] = Known("expired", {"below": floors[message.lane]})
            elif row["digest"] != message.digest:
                known[message.id] = Known("conflict", {"digest": row["digest"]})
            else:
                known[message.id] = Known(row["state"], _stored_answer(row))
        return known

    def _rows(self, messages):
        self.cr.execute(
            """SELECT message_id, digest, attempt, state, res_model, res_id, data, error, void
               FROM millrace_inbox WHERE domain_id = %s AND message_id = ANY(%s)""",
            (self.domain_id, [m.id for m in messages]),
        )
        return {row["message_id"]: row for row in self.cr.dictfetchall()}

    def _floors(self, messages):
        self.cr.execute(
            "SELECT lane, below FROM millrace_floor WHERE domain_id = %s AND lane = ANY(%s)",
            (self.domain_id, list({m.lane for m in messages})),
        )
        return dict(self.cr.fetchall())

    # -- what becomes of it ----------------------------------------------------------------------------------------

    def claim(self, messages):
        """Takes the ids, before anything runs. A rejected one is taken again by a higher attempt only."""
        self._upsert(messages, "claimed")

    def reject(self, messages, error):
        self._upsert(messages, "rejected", error=error)
        self.stored += len(messages)

    def void(self, messages, void):
        self._upsert(messages, "void", void=void)
        self.stored += len(messages)

    def done(self, outcomes):
        """Stores the outcomes of claimed messages, as {message id: (model, id, data)}."""
        data = [None if d is None else _bounded_json(d) for _model, _record, d in outcomes.values()]
        self.cr.execute(
            """UPDATE millrace_inbox AS i
               SET state = 'done', res_model = o.model, res_id = o.record, data = o.data::jsonb
               FROM unnest(%s::text[], %s::text[], %s::int[], %s::text[]) AS o(message_id, model, record, data)
               WHERE i.domain_id = %s AND i.message_id = o.message_id AND i.state = 'claimed'""",
            (
                list(outcomes),
                [model for model, _record, _data in outcomes.values()],
                [record for _model, record, _data in outcomes.values()],
                data,
                self.domain_id,
            ),
        )

    def _upsert(self, messages, state, error=None, void=None):
        self.cr.execute(
            """INSERT INTO millrace_inbox AS i (domain_id, message_id, digest, attempt, lane, sequence, kind, agent,
                   station, operator, state, error, void, user_id, create_uid, write_uid, create_date, write_date)
               SELECT %(domain)s, m.*, %(state)s, %(error)s, %(void)s, %(user)s, %(user)s, %(user)s,
                   now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
               FROM unnest(%(id)s::text[], %(digest)s::text[], %(attempt)s::int[], %(lane)s::text[],
                   %(sequence)s::bigint[], %(kind)s::text[], %(agent)s::text[], %(station)s::text[],
                   %(operator)s::text[]) AS m
               ON CONFLICT (domain_id, message_id) DO UPDATE
               SET attempt = greatest(i.attempt, excluded.attempt), state = excluded.state, kind = excluded.kind,
                   agent = excluded.agent, station = excluded.station, operator = excluded.operator,
                   error = CASE WHEN excluded.state = 'void' THEN i.error ELSE excluded.error END,
                   void = excluded.void, user_id = excluded.user_id,
                   write_uid = excluded.write_uid, write_date = excluded.write_date
               WHERE i.state = 'rejected' AND (excluded.state = 'void' OR i.attempt < excluded.attempt)""",
            {
                "domain": self.domain_id,
                "user": self.user_id,
                "state": state,
                "error": None if error is None else Json(error),
                "void": None if void is None else Json(void),
                **{
                    name: [getattr(m, name) for m in messages]
                    for name in ("id", "digest", "attempt", "lane", "sequence")
                },
                **{
                    label: [m.labels.get(label) for m in messages] for label in ("kind", "agent", "station", "operator")
                },
            },
        )
        if self.cr.rowcount != len(messages):
            # PostgreSQL reports the race itself under REPEATABLE READ; this stands for any other isolation.
            raise ConcurrencyError("a message was stored by somebody else meanwhile")

    def lock(self, keys):
        """Takes locks by writing rows: whoever waited for one finds it changed and replays on a new snapshot.

        An advisory lock would not do: the waiter would go on with a snapshot from before the lock.
        """
        if keys:
            self.cr.execute(
                """INSERT INTO millrace_lock AS l (key, uses, used_at)
                   SELECT key, 1, now() AT TIME ZONE 'UTC' FROM unnest(%s::text[]) AS key ORDER BY key
                   ON CONFLICT (key) DO UPDATE SET uses = l.uses + 1, used_at = excluded.used_at""",
                (list(keys),),
            )

    # -- the count -------------------------------------------------------------------------------------------------

    def count(self):
        """How many outcomes were ever stored in this domain; never falls, unless Odoo's database was restored."""
        self.cr.execute(
            "SELECT coalesce(sum(stored), 0)::bigint FROM millrace_tally WHERE domain_id = %s", (self.domain_id,)
        )
        return self.cr.fetchone()[0]

    def add_to_count(self):
        """One row for each backend, nearly, so that concurrent requests of a domain do not wait for each other."""
        if self.stored:
            self.cr.execute(
                """INSERT INTO millrace_tally AS t (domain_id, slot, stored)
                   VALUES (%s, pg_backend_pid() %% %s, %s)
                   ON CONFLICT (domain_id, slot) DO UPDATE SET stored = t.stored + excluded.stored""",
                (self.domain_id, limits.TALLY_SLOTS, self.stored),
            )


def _stored_answer(row):
    answer = {"repeat": True, "attempt": row["attempt"]}
    if row["state"] == "done":
        answer.update(model=row["res_model"], record=row["res_id"], data=row["data"])
    for name in ("error", "void"):
        if row[name] is not None:
            answer[name] = row[name]
    return answer


def _bounded_json(data):
    text = json.dumps(data, ensure_ascii=False)
    if len(text.encode()) > limits.DATA_BYTES:
        raise Malformed(f"the data of an outcome has more than {limits.DATA_BYTES} bytes")
    return text.replace("\\u0000", "")
