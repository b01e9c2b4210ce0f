//! A plant rehearses in the shadow before it goes live.

use millrace_tests::odoo::Database;
use millrace_tests::world::{Target, World};

use crate::books::{all_applied, on_hand, outcomes};
use crate::shelf::count;

#[test]
fn what_was_settled_in_a_rehearsal_stays_so_and_what_comes_after_it_takes_effect_in_odoo() {
    let db = Database::new();
    let mut world = World::new(&Target::Odoo(&db));
    let empty = db.back_up();
    let odoo = format!(
        "[odoo]\nurl = \"{}\"\ndatabase = \"{}\"\n",
        db.instance.url, db.name
    );
    world.change("relay", |text| text.replace(&odoo, "[shadow]\n"));
    world.start_relay();
    world.start_agent();
    count(&world, "Q:31");
    world.eventually("the shadow has it", || all_applied(&world, 1));
    world.kill_relay();
    world.change("relay", |text| text.replace("[shadow]\n", &odoo));
    count(&world, "Q:29");
    world.start_relay();
    world.eventually("both are applied", || all_applied(&world, 2));
    assert_eq!(outcomes(&db), ["done 1"]);
    assert_eq!(on_hand(&db, 1, "PART-BOLT", "SHELF-1"), 29.0);

    // Not even when a restored Odoo is given again what it lost.
    world.kill_relay();
    world.change("relay", |text| text.replace(&db.name, &empty.name));
    world.start_relay();
    world.eventually("the domain has stopped", || {
        world.logs().contains("Odoo was restored")
    });
    world.order(&["domain", "replay", "plant-a"]);
    world.eventually("the second is there again", || outcomes(&empty) == ["done 1"]);
    assert_eq!(on_hand(&empty, 1, "PART-BOLT", "SHELF-1"), 29.0);
    let audit = world.order(&["audit", "list"]).into_iter();
    let told: Vec<_> = audit.filter(|row| row["what"] == "replayed").collect();
    assert_eq!(told[0]["detail"], "1 asked for, 1 done again");
}
