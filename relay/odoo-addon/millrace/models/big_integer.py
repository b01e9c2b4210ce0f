"""A 64-bit integer field. Sequences of a lane and counts of outcomes outlive 32 bits."""

from odoo import fields


class BigInteger(fields.Integer):
    _column_type = ("int8", "int8")

    def convert_to_read(self, value, record, use_display_name=True):
        return value  # Odoo's own turns what exceeds 32 bits into a float, for XML-RPC
