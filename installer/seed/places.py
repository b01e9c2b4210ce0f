"""Warehouses with routes of one, two and three steps, locations with barcodes, and what lies in them."""

_HOUSES = {  # by plant: name, code, steps of production, steps of receipt
    "A": [("one_step", "WA1", "mrp_one_step", "one_step"), ("two_step", "WA2", "pbm", "two_steps")],
    "B": [("three_step", "WB1", "pbm_sam", "three_steps")],
}
_INSIDE_STOCK = ["LINE-A", "LINE-B", "SHELF-1", "SHELF-2"]
# Beside the stock location, not in it: what lies there must not be reserved for anything.
_BESIDE_STOCK = ["QC-HOLD"]
_ON_HAND = [  # item, lot or first serial, quantity, number of serials
    ("RAW-STEEL", None, 50_000, 0),
    ("PART-BOLT", None, 100_000, 0),
    ("RAW-RESIN", "RESIN-2601", 5_000, 0),
    ("RAW-RESIN", "RESIN-2602", 3_000, 0),
    ("PART-CELL", "CELL-", 1, 20),
]
_AT_LINE = ("FG-BRACKET", "LINE-A", 95)


def warehouses(env, letter):
    """The plant's warehouses by the number of their steps."""
    model = env["stock.warehouse"]
    first = model.search([("company_id", "=", env.company.id)], limit=1)
    made = {}
    for name, code, making, receiving in _HOUSES[letter]:
        values = {"name": f"{env.company.name} {name.replace('_', '-')}", "code": code}
        house = first if first and not made else model.create({**values, "company_id": env.company.id})
        house.write({**values, "manufacture_steps": making, "reception_steps": receiving})
        house.manu_type_id.sequence_id.prefix = f"{code}/MO/"  # Odoo leaves the first warehouse's as it was
        made[name] = house
        _locations(env, house, code)
    return made


def _locations(env, house, code):
    """Location barcodes are the same in both plants; a second warehouse of a plant has its code before them."""
    prefix = "" if code.endswith("1") else f"{code}-"
    house.lot_stock_id.barcode = f"{prefix}STOCK"
    for parent, names in ((house.lot_stock_id, _INSIDE_STOCK), (house.view_location_id, _BESIDE_STOCK)):
        for name in names:
            env["stock.location"].create({
                "name": name, "barcode": prefix + name, "usage": "internal", "location_id": parent.id,
                "company_id": env.company.id,
            })


def stock(env, items, houses):
    """Puts stock into each warehouse, where its orders take it from, and gives the lots' ids by item and name. It is
    counted in, as people would, so that stock and movements agree."""
    lots = {}
    for code, start, _, serials in _ON_HAND:
        for name in _lot_names(start, serials):
            lot = env["stock.lot"].create({"name": name, "product_id": items[code].id, "company_id": env.company.id})
            lots.setdefault(code, {})[name] = lot
    for number, house in enumerate(houses.values()):
        # A serial lies in one place only, so the first warehouse has them all.
        rows = [row for row in _ON_HAND if not (number and row[3])]
        _count(env, items, lots, house.lot_stock_id, rows)
        if house.manufacture_steps != "mrp_one_step":
            _count(env, items, lots, house.pbm_loc_id, [row for row in rows if not row[3]])
    item, place, quantity = _AT_LINE
    line = env["stock.location"].search([("barcode", "=", place), ("company_id", "=", env.company.id)])
    _count(env, items, lots, line, [(item, None, quantity, 0)])
    return {item: {name: lot.id for name, lot in names.items()} for item, names in lots.items()}


def _lot_names(start, serials):
    if serials:
        return [f"{start}{number:04}" for number in range(1, serials + 1)]
    return [start] if start else []


def _count(env, items, lots, location, rows):
    """Counts what the rows say into a location."""
    counted = [
        {"product_id": items[code].id, "location_id": location.id, "lot_id": lot and lot.id,
         "inventory_quantity": amount}
        for code, start, amount, serials in rows
        for lot in [lots[code][name] for name in _lot_names(start, serials)] or [None]
    ]
    quants = env["stock.quant"].with_context(inventory_mode=True, inventory_name="Opening stock").create(counted)
    quants.action_apply_inventory()


def describe(house):
    """A warehouse for the note: the locations and operation types that its work goes through."""
    inside = house.env["stock.location"].search([("id", "child_of", house.view_location_id.id)])
    steps = {
        "input": house.wh_input_stock_loc_id, "quality": house.wh_qc_stock_loc_id,
        "pre_production": house.pbm_loc_id, "post_production": house.sam_loc_id,
    }
    return {
        "id": house.id, "code": house.code, "manufacture_steps": house.manufacture_steps,
        "reception_steps": house.reception_steps, "stock_location_id": house.lot_stock_id.id,
        "locations": {each.barcode: each.id for each in inside if each.barcode},
        "step_locations": {name: place.id for name, place in steps.items() if place.active},
        "receipts_type_id": house.in_type_id.id, "internal_type_id": house.int_type_id.id,
        "manufacturing_type_id": house.manu_type_id.id,
    }
