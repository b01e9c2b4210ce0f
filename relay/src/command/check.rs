//! `check`: whether the configuration can be used. Its problems were printed when it was read.

use std::path::Path;

use millrace_shared::exit::Exit;
use millrace_shared::print::{self, Style};

/// Says that nothing is wrong with the file that was read.
pub fn check(file: &Path, style: Style) -> Exit {
    match style {
        Style::Table => println!("{}: no problems", file.display()),
        Style::Json => print!(
            "{}",
            print::json(&serde_json::json!({ "file": file, "problems": [] }))
        ),
    }
    Exit::Done
}
