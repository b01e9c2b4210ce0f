"""Three small tables that the executor keeps for itself: purge floors, counts, locks. No user writes them."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..executor import limits
from .big_integer import BigInteger


class MillraceFloor(models.Model):
    """Outcomes of a lane below this sequence were purged; their messages answer *expired* and never run again."""

    _name = "millrace.floor"
    _description = "Millrace Purge Floor"
    _order = "domain_id, lane"
    _rec_name = "lane"

    domain_id = fields.Many2one("millrace.domain", required=True, readonly=True, ondelete="restrict")
    lane = fields.Char(required=True, readonly=True)
    below = BigInteger(required=True, readonly=True)

    _lane_uniq = models.Constraint("UNIQUE (domain_id, lane)", "A lane has one floor.")

    def _raise_floors(self, domain, floors):
        """`floors` is {lane: below}. A floor never falls."""
        self.env.cr.execute(
            """INSERT INTO millrace_floor AS f (domain_id, lane, below, create_uid, create_date, write_uid, write_date)
               SELECT %(domain)s, lane, below, %(user)s, now() AT TIME ZONE 'UTC', %(user)s, now() AT TIME ZONE 'UTC'
               FROM unnest(%(lane)s::text[], %(below)s::bigint[]) AS n(lane, below) ORDER BY lane
               ON CONFLICT (domain_id, lane) DO UPDATE
               SET below = greatest(f.below, excluded.below), write_uid = excluded.write_uid,
                   write_date = excluded.write_date""",
            {"domain": domain.id, "user": self.env.uid, "lane": list(floors), "below": list(floors.values())},
        )
        self.invalidate_model()


class MillraceTally(models.Model):
    """How many outcomes were ever stored, spread over a few rows; see `Ledger.add_to_count`."""

    _name = "millrace.tally"
    _description = "Millrace Count of Outcomes"
    _log_access = False

    domain_id = fields.Many2one("millrace.domain", required=True, readonly=True, ondelete="restrict")
    slot = fields.Integer(required=True, readonly=True)
    stored = BigInteger(required=True, readonly=True)

    _slot_uniq = models.Constraint("UNIQUE (domain_id, slot)", "A slot has one count.")


class MillraceLock(models.Model):
    """What must not be worked on twice at a time, by name; see `Ledger.lock`."""

    _name = "millrace.lock"
    _description = "Millrace Lock"
    _log_access = False
    _rec_name = "key"

    key = fields.Char(required=True, readonly=True)
    uses = BigInteger(required=True, readonly=True)
    used_at = fields.Datetime(required=True, readonly=True, index=True)

    _key_uniq = models.Constraint("UNIQUE (key)", "A lock has one row.")

    @api.autovacuum
    def _remove_unused(self):
        """Rows that no transaction can still be waiting for, or have missed: none lives that long."""
        oldest = fields.Datetime.now() - timedelta(days=limits.LOCK_KEPT_DAYS)
        self.env.cr.execute(
            SQL(
                """DELETE FROM millrace_lock WHERE id IN (
                       SELECT id FROM millrace_lock WHERE used_at < %s FOR UPDATE SKIP LOCKED)""",
                oldest,
            )
        )
        self.invalidate_model(flush=False)
