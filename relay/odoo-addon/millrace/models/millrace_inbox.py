"""The inbox: one row for each message that Odoo answered for good, or refused. Written by the executor only."""

import json
from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from .big_integer import BigInteger

_LAST_SECOND = 253_402_300_799  # the end of the year 9999, since 1970


class MillraceInbox(models.Model):
    _name = "millrace.inbox"
    _description = "Millrace Inbox"
    _order = "id desc"
    _rec_name = "message_id"

    domain_id = fields.Many2one("millrace.domain", required=True, readonly=True, ondelete="restrict", index=True)
    message_id = fields.Char(string="Message", required=True, readonly=True)
    digest = fields.Char(
        required=True, readonly=True, help="Of the message's content. The same id with another one is a conflict."
    )
    attempt = fields.Integer(
        required=True, readonly=True, help="A rejected message runs again for a higher attempt only."
    )
    lane = fields.Char(required=True, readonly=True, help="The sequence that the message has its place in.")
    sequence = BigInteger(required=True, readonly=True)
    state = fields.Selection(
        [("claimed", "Claimed"), ("done", "Done"), ("rejected", "Rejected"), ("void", "Void")],
        required=True, readonly=True, index=True,
        help="Claimed is seen only if a method broke the transaction of its posting: a person has to look.",
    )  # fmt: skip
    kind = fields.Char(readonly=True, index=True)
    agent = fields.Char(readonly=True)
    station = fields.Char(readonly=True)
    operator = fields.Char(readonly=True)
    user_id = fields.Many2one("res.users", string="Bot User", readonly=True, ondelete="restrict")
    res_model = fields.Char(string="Posted Model", readonly=True)
    res_id = fields.Many2oneReference(string="Posted Id", model_field="res_model", readonly=True)
    data = fields.Json(readonly=True)
    error = fields.Json(readonly=True)
    void = fields.Json(readonly=True)
    write_date = fields.Datetime(string="Answered On", readonly=True)

    record_name = fields.Char(string="Posted Record", compute="_compute_record_name")
    captured_on = fields.Datetime(
        compute="_compute_captured_on", help="When it happened at the plant, as far as the caller said."
    )
    reason = fields.Text(compute="_compute_reason", help="Why it was rejected, or declared void and by whom.")
    data_text = fields.Text(string="Data as Text", compute="_compute_texts")
    error_text = fields.Text(string="Error as Text", compute="_compute_texts")

    _message_uniq = models.Constraint("UNIQUE (domain_id, message_id)", "A message has one outcome in its domain.")
    _lane_index = models.Index("(domain_id, lane, sequence)")
    _answered_index = models.Index("(write_date)")
    _record_index = models.Index("(res_model, res_id)")

    def _posted(self):
        """The posted record, if it still exists and the user may read it."""
        self.ensure_one()
        if not self.res_model or self.res_model not in self.env:
            return None
        record = self.env[self.res_model].browse(self.res_id).exists()
        return record if record and record.has_access("read") else None

    def _told(self, member, kind):
        """What the caller said in `data`, which may be anything."""
        value = self.data.get(member) if isinstance(self.data, dict) else None
        return value if isinstance(value, kind) and not isinstance(value, bool) else None

    @api.depends("res_model", "res_id", "data")
    @api.depends_context("uid")
    def _compute_record_name(self):
        for row in self:
            record = row._posted()
            made = record.display_name if record else row.res_model and f"{row.res_model} {row.res_id}"
            row.record_name = row._told("name", str) or made

    @api.depends("data")
    def _compute_captured_on(self):
        for row in self:
            second = (row._told("captured", int) or -1) // 1000
            known = 0 <= second <= _LAST_SECOND
            row.captured_on = known and datetime(1970, 1, 1) + timedelta(seconds=second)

    @api.depends("error", "void")
    def _compute_reason(self):
        for row in self:
            void, error = row.void or {}, row.error or {}
            row.reason = f"{void['reason']} ({void['by']})" if void else error.get("message", False)

    @api.depends("data", "error")
    def _compute_texts(self):
        for row in self:
            row.data_text = _pretty(row.data)
            row.error_text = _pretty(row.error)

    def action_open_record(self):
        record = self._posted()
        if record is None:
            raise UserError(self.env._("The record was deleted, or you may not read it."))
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "views": [(False, "form")],
        }

    def action_never_run(self):
        """A manager looked: the effect of a claimed message took place, or was put right by hand."""
        self._settle_claimed("void", "void", {"reason": "its transaction had been broken", "by": self.env.user.name})

    def action_may_run(self):
        """A manager looked: the effect of a claimed message did not take place. A higher attempt runs it."""
        self._settle_claimed(
            "rejected", "error", {"name": "millrace.Claimed", "message": "its transaction had been broken"}
        )

    def _settle_claimed(self, state, column, value):
        if not self.env.user.has_group("millrace.group_manager"):
            raise AccessError(self.env._("Only a Millrace manager settles claimed messages."))
        if any(row.state != "claimed" for row in self):
            raise UserError(self.env._("Only claimed messages need a person."))
        self.sudo().write({"state": state, column: value})

    def _purge(self, domain, floors, most):
        """Deletes up to `most` rows below the floors, {lane: below}; the number deleted. Claimed ones stay."""
        self.env.cr.execute(
            """DELETE FROM millrace_inbox WHERE id IN (
                   SELECT i.id FROM unnest(%s::text[], %s::bigint[]) AS f(lane, below)
                   JOIN millrace_inbox i ON i.domain_id = %s AND i.lane = f.lane AND i.sequence < f.below
                   WHERE i.state != 'claimed' LIMIT %s)""",
            (list(floors), list(floors.values()), domain.id, most),
        )
        self.invalidate_model()
        return self.env.cr.rowcount


def _pretty(value):
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) if value else False
