"""Items, their units, barcodes and packagings.

The numbers are GTINs under GS1's prefix 952, which is set aside for demonstrations and examples.
"""

_ITEMS = [  # code, name, unit, tracking, cost, item reference in the GTIN
    ("RAW-STEEL", "Steel sheet", "kg", "none", 2.0, 1),
    ("RAW-RESIN", "Resin", "kg", "lot", 5.0, 2),
    ("PART-BOLT", "Bolt M8", "unit", "none", 0.1, 3),
    ("PART-CELL", "Power cell", "unit", "serial", 12.0, 4),
    ("FG-BRACKET", "Bracket", "unit", "none", 6.0, 11),
    ("FG-PANEL", "Panel", "unit", "lot", 14.0, 12),
    ("FG-PUMP", "Pump", "unit", "serial", 60.0, 13),
    ("FG-SEAL", "Seal, moulded", "unit", "lot", 3.0, 14),
]
_ARCHIVED = ("OLD-PART", "Part no longer used", "unit", "none", 1.0, 90)
_PACKED = ["PART-BOLT", "FG-BRACKET"]
_CASE = 12
_PREFIX = "9521234"


def gtin(digits):
    """The digits with GS1's check digit: weights 3 and 1 in turn from the right (GS1 General Specifications, 7.9)."""
    total = sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def units(env):
    """The units that the plants use, and a case of twelve."""
    unit = env.ref("uom.product_uom_unit")
    return {
        "unit": unit, "kg": env.ref("uom.product_uom_kgm"), "g": env.ref("uom.product_uom_gram"),
        "hour": env.ref("uom.product_uom_hour"),
        "case": env["uom.uom"].create({"name": "Case of 12", "relative_factor": _CASE, "relative_uom_id": unit.id}),
    }


def items(env, letter, unit_of):
    """The plant's items by code. A packaging's barcode is unique in the whole database, so the plants' cases differ in
    the indicator digit, as cases of different make-up do."""
    made = {row[0]: _item(env, row, unit_of) for row in _ITEMS}
    for code in _PACKED:
        item = made[code]
        item.product_tmpl_id.uom_ids = [(4, unit_of["case"].id)]
        barcode = gtin({"A": "1", "B": "2"}[letter] + item.barcode[:-1])
        env["product.uom"].create({
            "product_id": item.id, "uom_id": unit_of["case"].id, "barcode": barcode, "company_id": env.company.id,
        })
    old = _item(env, _ARCHIVED, unit_of)
    old.product_tmpl_id.active = False
    return made | {_ARCHIVED[0]: old}


def _item(env, row, unit_of):
    code, name, unit, tracking, cost, number = row
    return env["product.product"].create({
        "name": name, "default_code": code, "barcode": gtin(f"{_PREFIX}{number:05}"), "type": "consu",
        "is_storable": True, "tracking": tracking, "uom_id": unit_of[unit].id, "company_id": env.company.id,
        "standard_price": cost,
    })


def describe(item):
    """An item for the note. `gtin14` is what a GS1 element string with AI 01 carries."""
    note = {
        "id": item.id, "template_id": item.product_tmpl_id.id, "code": item.default_code, "barcode": item.barcode,
        "gtin14": item.barcode.zfill(14), "tracking": item.tracking, "uom_id": item.uom_id.id, "active": item.active,
    }
    packing = item.product_uom_ids[:1]
    if packing:
        note["case"] = {"barcode": packing.barcode, "uom_id": packing.uom_id.id, "quantity": _CASE}
    return note
