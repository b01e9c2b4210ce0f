//! Lots and serial numbers of what a production order makes: found, or made if they are new.

use millrace_shared::message::Code;
use serde_json::{Value, json};

use super::bundle::{Bundle, Finished};
use super::posting::Shard;
use super::production::Way;
use super::step::{Call, Expect, first_of};
use super::steps::{Guarded, Owing, Steps};
use super::why::{Say, Why};

/// The names that the bundle brings.
fn names(bundle: &Bundle) -> &[Code] {
    match &bundle.finished {
        Finished::Plain | Finished::Registered => &[],
        Finished::Lot(lot) => std::slice::from_ref(lot),
        Finished::Serials(serials) => serials,
    }
}

fn each_name(bundles: &[Bundle]) -> impl Iterator<Item = (&Bundle, String, &Code)> {
    bundles.iter().flat_map(|bundle| {
        let named = names(bundle).iter().enumerate();
        named.map(move |(k, name)| (bundle, format!("{}_{k}", bundle.order.id), name))
    })
}

/// Search or create for every lot that is named. The locks keep two transactions from making the same.
pub(super) fn find_lots(guarded: Steps<Guarded>, bundles: &[Bundle]) -> Steps<Owing> {
    let mut steps: Steps<Owing> = guarded.begin();
    for (bundle, key, name) in each_name(bundles) {
        let product = bundle.order.product;
        let domain = json!([
            ["name", "=", name.as_str()],
            ["product_id", "=", product],
            ["company_id", "in", [false, bundle.company]]
        ]);
        let search = Call::on("stock.lot", "search").with(json!({ "domain": domain, "limit": 1 }));
        let row = json!({ "name": name.as_str(), "product_id": product });
        steps = steps.read(&format!("found{key}"), search, []).create_if(
            format!("new{key}"),
            "stock.lot",
            vec![row],
            Some(&format!("found{key}")),
        );
    }
    steps
}

/// What to write on the order, if its lots change.
pub(super) fn lots(bundle: &Bundle) -> Option<Value> {
    let found = |k: usize| {
        let key = format!("{}_{k}", bundle.order.id);
        first_of(&[&format!("found{key}.0"), &format!("new{key}.0")])
    };
    let named = (0..names(bundle).len()).map(found);
    let registered = bundle.order.lots.iter().map(|(id, _)| Value::from(*id));
    let all: Vec<Value> = match bundle.finished {
        Finished::Plain | Finished::Registered => return None,
        Finished::Lot(_) => named.collect(),
        Finished::Serials(_) => registered.chain(named).collect(),
    };
    Some(json!([[6, 0, all]]))
}

/// That what was made has exactly the lots that were scanned: Odoo invents one where it has none.
pub(super) fn proofs(bundle: &Bundle) -> Vec<Expect> {
    let order = &bundle.order;
    let mut wanted: Vec<&str> = order.lots.iter().map(|(_, name)| name.as_str()).collect();
    wanted.extend(names(bundle).iter().map(Code::as_str));
    if bundle.finished == Finished::Plain || wanted.is_empty() {
        return Vec::new();
    }
    let say = || {
        Say::new(
            Why::NotDone,
            format!("{}: the lots made are not those that were scanned", order.name),
        )
    };
    if bundle.way() == Way::Register {
        let on_order = wanted
            .iter()
            .map(|name| json!(["lot_producing_ids.name", "=", name]))
            .collect();
        return vec![Expect::all("mrp.production", json!([order.id]), on_order, say())];
    }
    let made = |lot: Value| {
        json!([
            ["move_id.production_id", "=", order.id],
            ["product_id", "=", order.product],
            ["state", "=", "done"],
            lot
        ])
    };
    let others = made(json!(["lot_id.name", "not in", wanted]));
    let mut proofs = vec![Expect::count("stock.move.line", others, 0, say())];
    for name in &wanted {
        proofs.push(Expect::count(
            "stock.move.line",
            made(json!(["lot_id.name", "=", name])),
            1,
            say(),
        ));
    }
    proofs
}

/// What no two transactions may search or create at the same time.
pub(super) fn locks(bundle: &Bundle) -> Vec<String> {
    let product = bundle.order.product;
    names(bundle)
        .iter()
        .map(|name| format!("lot:{product}:{name}"))
        .collect()
}

/// The lots that it touches.
pub(super) fn shards(bundle: &Bundle) -> Vec<Shard> {
    let product = bundle.order.product;
    let registered = bundle.order.lots.iter().map(|(_, name)| name.clone());
    let named = names(bundle).iter().map(|name| name.as_str().to_owned());
    registered
        .chain(named)
        .map(|name| Shard::Lot { product, name })
        .collect()
}
