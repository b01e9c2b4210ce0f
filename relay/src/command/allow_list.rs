//! `allow-list`: which of Odoo's methods and fields the postings of this relay need.

use millrace_shared::exit::Exit;

use crate::post;

/// Prints it.
pub fn allow_list() -> Exit {
    println!("{}", post::ALLOW_LIST.trim_end());
    Exit::Done
}
