//! An Odoo that is not set up as it must be: what is missing is said, with what to do.

use millrace_relay::odoo::{Key, Odoo};
use millrace_relay::target::{Class, Fault, Target};
use millrace_tests::odoo::{Database, text};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::clerk::{Clerk, key_file};

fn odoo(db: &Database, domain: &str, key: &NamedTempFile) -> Odoo {
    Odoo::new(&db.instance.url, &db.name, domain, Key::in_file(key.path())).unwrap()
}

fn bot(clerk: &Clerk) -> NamedTempFile {
    key_file(&text(&clerk.plant["users"]["bot"]["key"]))
}

fn is(fault: Fault, class: Class, part: &str) {
    assert_eq!(fault.class, class, "{fault}");
    assert!(fault.to_string().contains(part), "{fault}");
}

#[tokio::test]
async fn an_odoo_that_is_ready_tells_what_it_is() {
    let clerk = Clerk::new().await;
    let release = clerk.odoo.check().await.unwrap();
    assert!(release.odoo.starts_with("19.0"), "{release:?}");
    assert!(release.dry_run && release.purchases, "{release:?}");
    assert_eq!(release.user, "millrace-bot-a");
}

#[tokio::test]
async fn a_key_that_is_not_valid_stops_the_domain() {
    let clerk = Clerk::new().await;
    let fault = odoo(&clerk.db, "plant-a", &key_file("0123456789abcdef"))
        .check()
        .await
        .unwrap_err();
    is(fault, Class::Configuration, "API key");
}

#[tokio::test]
async fn a_key_that_was_replaced_in_its_file_counts_at_once() {
    let clerk = Clerk::new().await;
    let file = key_file("0123456789abcdef");
    let odoo = odoo(&clerk.db, "plant-a", &file);
    is(odoo.take(0).await.unwrap_err(), Class::Configuration, "API key");
    std::fs::copy(bot(&clerk).path(), file.path()).unwrap();
    odoo.take(0).await.unwrap();
    std::fs::remove_file(file.path()).unwrap();
    is(
        odoo.take(0).await.unwrap_err(),
        Class::Configuration,
        "No such file",
    );
}

#[tokio::test]
async fn a_domain_that_is_not_there_or_not_bound_is_named() {
    let clerk = Clerk::new().await;
    let fault = odoo(&clerk.db, "plant-b", &bot(&clerk))
        .check()
        .await
        .unwrap_err();
    is(fault, Class::Configuration, "bound to no domain `plant-b`");
    let fault = odoo(&clerk.db, "plant-b", &bot(&clerk))
        .take(0)
        .await
        .unwrap_err();
    assert_eq!(fault.class, Class::Configuration, "{fault}");
}

#[tokio::test]
async fn a_user_without_the_bots_group_is_told_so() {
    let clerk = Clerk::new().await;
    let outsider = key_file(&text(&clerk.plant["users"]["outsider"]["key"]));
    let fault = odoo(&clerk.db, "plant-a", &outsider).check().await.unwrap_err();
    assert_eq!(fault.class, Class::Configuration, "{fault}");
    assert_eq!(fault.name, "odoo.exceptions.AccessError");
}

#[tokio::test]
async fn a_database_that_is_not_there_and_an_odoo_that_is_down_pass() {
    let clerk = Clerk::new().await;
    let some = key_file("x");
    let key = || Key::in_file(some.path());
    let nowhere = Odoo::new(&clerk.db.instance.url, "no-such-database", "plant-a", key()).unwrap();
    let fault = nowhere.take(0).await.unwrap_err();
    assert_eq!(fault.class, Class::Transient, "{fault}");
    let down = Odoo::new("http://127.0.0.1:9", "any", "plant-a", key()).unwrap();
    let fault = down.take(0).await.unwrap_err();
    assert_eq!(
        (fault.class, fault.ambiguous),
        (Class::Transient, false),
        "{fault}"
    );
}

#[tokio::test]
async fn what_the_allow_list_does_not_name_is_forbidden_and_usable_afterwards() {
    let mut clerk = Clerk::new().await;
    let body = json!({ "item": "PART-BOLT", "location": "LINE-A", "quantity": { "value": "5" } });
    let paper = clerk.paper("inventory.count", body);
    let domain = json!({ "domain": [["name", "=", "plant-a"]] });
    let ids = clerk.db.admin(clerk.company, "millrace.domain", "search", domain);
    let allow = |list: Value| {
        let vals = json!({ "ids": ids, "vals": { "allow": list } });
        clerk.db.admin(clerk.company, "millrace.domain", "write", vals);
    };
    allow(json!("{}"));
    let posting = clerk.posting(&paper).await;
    let answers = match clerk
        .odoo
        .apply(&clerk.tenure, std::slice::from_ref(&posting))
        .await
        .unwrap()
    {
        millrace_relay::target::Reply::Answers(_, answers) => answers,
        other => panic!("{other:?}"),
    };
    assert!(
        matches!(answers[0].end, millrace_relay::target::End::Forbidden(_)),
        "{answers:?}"
    );
    allow(json!(millrace_relay::post::ALLOW_LIST));
    clerk.post(&paper).await.record();
}

#[tokio::test]
async fn a_dry_run_tells_what_would_happen_and_changes_nothing() {
    let mut clerk = Clerk::new().await;
    let body = json!({ "item": "FG-BRACKET", "location": "LINE-A", "quantity": { "value": "5" } });
    let paper = clerk.paper("inventory.count", body);
    let posting = clerk.posting(&paper).await;
    let rehearsal = clerk.odoo.rehearse(&[posting]).await.unwrap();
    assert!(matches!(
        crate::clerk::fate(&rehearsal.answers[0]),
        crate::clerk::Fate::Done(_)
    ));
    assert_eq!(
        rehearsal.changes["stock.move"]["created"], 1,
        "{}",
        rehearsal.changes
    );
    assert_eq!(
        clerk.on_hand("FG-BRACKET", clerk.location("one_step", "LINE-A")),
        95.0
    );
    clerk.post(&paper).await.record();
}

#[tokio::test]
async fn a_relay_that_was_overtaken_is_told_and_posts_nothing() {
    let mut clerk = Clerk::new().await;
    let body = json!({ "item": "FG-BRACKET", "location": "LINE-A", "quantity": { "value": "5" } });
    let paper = clerk.paper("inventory.count", body);
    let posting = clerk.posting(&paper).await;
    clerk.odoo.take(0).await.unwrap();
    let reply = clerk.odoo.apply(&clerk.tenure, &[posting]).await.unwrap();
    assert!(
        matches!(reply, millrace_relay::target::Reply::Stale(_)),
        "{reply:?}"
    );
    assert_eq!(
        clerk.on_hand("FG-BRACKET", clerk.location("one_step", "LINE-A")),
        95.0
    );
}

#[tokio::test]
async fn a_discarded_message_is_void_in_odoo_unless_it_was_done() {
    let mut clerk = Clerk::new().await;
    let count =
        |value: &str| json!({ "item": "PART-BOLT", "location": "LINE-A", "quantity": { "value": value } });
    let done = clerk.paper("inventory.count", count("5"));
    clerk.post(&done).await.record();
    let discarded = clerk.paper("inventory.count", count("6"));
    let stamps = [done.stamp.clone(), discarded.stamp.clone()];
    let reply = clerk
        .odoo
        .void(&clerk.tenure, &stamps, "typed in by hand", "anna")
        .await
        .unwrap();
    let ends: Vec<String> = match reply {
        millrace_relay::target::Reply::Answers(_, answers) => {
            answers.iter().map(|answer| format!("{:?}", answer.end)).collect()
        }
        other => panic!("{other:?}"),
    };
    assert!(
        ends[0].starts_with("Done") && ends[1].starts_with("Void"),
        "{ends:?}"
    );
    let (_, asked) = clerk.odoo.ask(&stamps).await.unwrap();
    assert!(asked.iter().all(|answer| answer.repeat), "{asked:?}");
}
