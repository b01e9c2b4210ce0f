"""Recipes, open manufacturing orders and confirmed purchase orders."""

_RECIPES = {  # made item: components, whether a work centre does it
    "FG-BRACKET": ([("RAW-STEEL", 2), ("PART-BOLT", 4)], False),
    "FG-PANEL": ([("RAW-STEEL", 0.5), ("RAW-RESIN", 1.5)], True),
    "FG-PUMP": ([("PART-BOLT", 6), ("RAW-RESIN", 0.25)], False),
    "FG-SEAL": ([("RAW-RESIN", 0.1)], False),
}
_ORDERS = [  # group in the note, made item, how many orders, quantity of each
    ("untracked", "FG-BRACKET", 12, 10),
    ("large", "FG-BRACKET", 1, 500),
    ("lot_work_order", "FG-PANEL", 4, 10),
    ("serial", "FG-PUMP", 3, 3),
    ("lot", "FG-SEAL", 4, 100),
]
_ORDERS_OF_MORE_STEPS = [("untracked", "FG-BRACKET", 3, 10), ("lot", "FG-SEAL", 2, 100)]
_PURCHASES = 3
_PURCHASED = [("RAW-RESIN", 100), ("PART-BOLT", 240)]


def center(env):
    """A work centre that is open around the clock."""
    calendar = env["resource.calendar"].create({
        "name": "Around the clock", "company_id": env.company.id, "tz": "UTC", "attendance_ids": [(5,)] + [
            (0, 0, {"name": "Day", "dayofweek": str(day), "hour_from": 0, "hour_to": 24}) for day in range(7)
        ],
    })
    return env["mrp.workcenter"].create({
        "name": "Press 1", "code": "PRESS-1", "company_id": env.company.id, "resource_calendar_id": calendar.id,
        "costs_hour": 30,
    })


def recipes(env, items, center, units):
    """A bill of materials for each made item."""
    made = {}
    for code, (components, operated) in _RECIPES.items():
        operation = [(0, 0, {"name": "Press", "workcenter_id": center.id, "time_cycle_manual": 2})] if operated else []
        made[code] = env["mrp.bom"].create({
            "product_tmpl_id": items[code].product_tmpl_id.id, "product_id": items[code].id, "product_qty": 1,
            "product_uom_id": units["unit"].id, "company_id": env.company.id, "operation_ids": operation,
            "bom_line_ids": [
                (0, 0, {"product_id": items[each].id, "product_qty": amount, "product_uom_id": items[each].uom_id.id})
                for each, amount in components
            ],
        })
    return made


def orders(env, recipes, houses):
    """Confirmed manufacturing orders: of every kind in the plant's first warehouse, a few in the others."""
    note = {}
    for number, (name, house) in enumerate(houses.items()):
        for group, code, count, quantity in _ORDERS_OF_MORE_STEPS if number else _ORDERS:
            key = f"{name}_{group}" if number else group
            note[key] = [_order(env, recipes[code], house, quantity) for _ in range(count)]
    return note


def _order(env, bom, house, quantity):
    order = env["mrp.production"].create({
        "product_id": bom.product_id.id, "bom_id": bom.id, "product_qty": quantity, "company_id": env.company.id,
        "picking_type_id": house.manu_type_id.id,
    })
    order.action_confirm()
    return {
        "id": order.id, "name": order.name, "item": bom.product_id.default_code, "quantity": order.product_qty,
        "warehouse": house.code, "state": order.state, "components": {
            move.product_id.default_code: {"move_id": move.id, "quantity": move.product_uom_qty}
            for move in order.move_raw_ids
        },
    }


def purchases(env, items, houses, units):
    """Confirmed purchase orders with an open receipt each, for every warehouse of the plant."""
    vendor = env["res.partner"].create({"name": f"Supplier of {env.company.name}", "company_id": env.company.id})
    note = {}
    for name, house in houses.items():
        note[name] = [_purchase(env, items, vendor, house) for _ in range(_PURCHASES)]
    return note


def _purchase(env, items, vendor, house):
    order = env["purchase.order"].create({
        "partner_id": vendor.id, "company_id": env.company.id, "picking_type_id": house.in_type_id.id, "order_line": [
            (0, 0, {"product_id": items[code].id, "product_qty": quantity, "product_uom_id": items[code].uom_id.id,
                    "price_unit": items[code].standard_price})
            for code, quantity in _PURCHASED
        ],
    })
    order.button_confirm()
    lines = {line.product_id.default_code: {"id": line.id, "quantity": line.product_qty} for line in order.order_line}
    receipts = [{"id": each.id, "name": each.name} for each in order.picking_ids]
    return {"id": order.id, "name": order.name, "lines": lines, "receipts": receipts}
