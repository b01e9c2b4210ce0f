//! A target that is down, and what it is when it returns.

use std::fs;

use super::World;

const SHADOW: &str = "[shadow]\n[[plant]]\nagent = \"plant-a\"\n";
/// Nothing listens on the discard port.
const NOBODY: &str = "[odoo]\nurl = \"http://127.0.0.1:9\"\ndatabase = \"none\"\n[[plant]]\nagent = \"plant-a\"\n\
                      company = 1\ndomain = \"plant-a\"\napi_key = \"nobody.key\"\n";

/// Gives the relay of a world, which does not run yet, an Odoo that does not answer.
pub fn is_down(world: &World) {
    fs::write(world.folder().join("nobody.key"), "0123456789abcdef").expect("a key");
    world.change("relay", |text| text.replace(SHADOW, NOBODY));
}

/// The relay, which does not run now, gets the shadow for a target.
pub fn returns_as_shadow(world: &World) {
    world.change("relay", |text| text.replace(NOBODY, SHADOW));
}
