//! Odoo's bad times.
