"""A domain: a named lane from one relay into one part of Odoo, usually one company.

It is a record of its own, and bot users are bound to it, so that a bot user can be replaced without losing what was
posted. Nothing in here is written through RPC but what an administrator decides: name, users, allow-list.
"""

import psycopg2
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from ..executor import allow


class MillraceDomain(models.Model):
    _name = "millrace.domain"
    _description = "Millrace Domain"
    _order = "name"

    name = fields.Char(required=True, help="As the relay's configuration names it.")
    active = fields.Boolean(default=True, help="An archived domain answers its bots as if it did not exist.")
    user_ids = fields.Many2many("res.users", string="Bot Users", help="Who may post in this domain.")
    allow = fields.Text(
        string="Allow-List", default='{"context": [], "models": {}}', required=True,
        help="JSON. Which methods, fields and context keys postings may use; reading needs no entry.",
    )  # fmt: skip
    fence_number = fields.Integer(
        readonly=True, copy=False, default=0, help="Raised whenever a relay takes the domain; older ones are refused."
    )
    outcome_count = fields.Integer(compute="_compute_outcome_count", help="Outcomes ever stored, purged ones included.")
    floor_ids = fields.One2many("millrace.floor", "domain_id", string="Purge Floors", readonly=True)

    _name_uniq = models.Constraint("UNIQUE (name)", "There is a domain of this name already.")

    def _compute_outcome_count(self):
        self.env.cr.execute(
            "SELECT domain_id, sum(stored)::bigint FROM millrace_tally WHERE domain_id = ANY(%s) GROUP BY domain_id",
            (self.ids,),
        )
        counts = dict(self.env.cr.fetchall())
        for domain in self:
            domain.outcome_count = counts.get(domain.id, 0)

    @api.constrains("allow")
    def _check_allow(self):
        for domain in self:
            try:
                allow.parse(domain.allow)
            except ValueError as exc:
                raise ValidationError(self.env._("Allow-list of %(name)s: %(exc)s", name=domain.name, exc=exc)) from exc

    @api.model_create_multi
    def create(self, vals_list):
        self._refuse_fence(vals_list)
        return super().create(vals_list)

    def write(self, vals):
        self._refuse_fence([vals])
        return super().write(vals)

    def _refuse_fence(self, vals_list):
        if any("fence_number" in vals for vals in vals_list):
            raise UserError(self.env._("Only take() raises the fence of a domain."))

    # -- for the executor ------------------------------------------------------------------------------------------

    @api.model
    def _enter(self, name):
        """The domain of that name, if the user is bound to it. Who is not learns nothing about it."""
        domain = isinstance(name, str) and self.sudo().search(
            [("name", "=", name), ("user_ids", "in", self.env.uid)], limit=1
        )
        if not domain:
            raise AccessError(self.env._("There is no domain of this name to which you are bound."))
        return domain

    def _allowed(self):
        return allow.parse(self.allow)

    def _share_fence(self):
        """The fence's number, held until the end of the transaction.

        FOR SHARE: postings of a domain run side by side, a take waits for them, and what started before a take and
        comes to this line after it gets a serialization failure and replays.
        """
        self.env.cr.execute("SELECT fence_number FROM millrace_domain WHERE id = %s FOR SHARE", (self.id,))
        return self.env.cr.fetchone()[0]

    def _raise_fence(self, floor):
        self.env.cr.execute(
            """UPDATE millrace_domain SET fence_number = greatest(fence_number, %s) + 1 WHERE id = %s
               RETURNING fence_number""",
            (floor, self.id),
        )
        self.invalidate_recordset(["fence_number"])
        return self.env.cr.fetchone()[0]

    @api.model
    def _database_identity(self):
        """What names this database and changes when another one takes its place.

        Odoo's own uuid changes when Odoo duplicates a database; PostgreSQL's system identifier and the database's
        oid change when a dump is restored into another cluster or a new database. A file-level restore keeps all
        three: that one shows in the count of outcomes, and mostly in the timeline.
        """
        uuid = self.env["ir.config_parameter"].sudo().get_param("database.uuid")
        self.env.cr.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
        (oid,) = self.env.cr.fetchone()
        system, timeline = self._cluster_identity()
        return f"{uuid}/{system}/{oid}", timeline

    @api.model
    def _cluster_identity(self):
        """System identifier and timeline; some hosts keep them from their customers, which is no reason to stop."""
        try:
            with self.env.cr.savepoint(flush=False):
                self.env.cr.execute(
                    "SELECT system_identifier, timeline_id FROM pg_control_system(), pg_control_checkpoint()",
                    log_exceptions=False,
                )
                return self.env.cr.fetchone()
        except psycopg2.errors.InsufficientPrivilege:
            return "-", None

    def action_open_inbox(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("millrace.millrace_inbox_action")
        return {**action, "domain": [("domain_id", "=", self.id)], "context": {}}
