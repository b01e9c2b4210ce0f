//! Tells the programs when they were built, so that a clock from before that is known for wrong.

use std::time::{SystemTime, UNIX_EPOCH};

fn main() {
    // https://reproducible-builds.org/specs/source-date-epoch/
    let given = std::env::var("SOURCE_DATE_EPOCH").ok();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |age| age.as_secs());
    println!(
        "cargo:rustc-env=MILLRACE_BUILT={}",
        given.unwrap_or(now.to_string())
    );
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    println!("cargo:rerun-if-changed=build.rs");
}
