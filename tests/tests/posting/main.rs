//! Postings against a real Odoo 19: each test has a database of its own, and what took effect is read from Odoo's own
//! tables, past the relay.

mod clerk;
mod count;
mod production;
