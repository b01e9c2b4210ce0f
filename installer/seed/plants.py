"""Two plants for tests and the quick start, written through Odoo's own models, and a note of all that was made.

Both plants hold the same item codes, barcodes and location codes, each for its own company: what one plant scans must
never be found in the other. Runs inside Odoo's shell; `build` is the only way in.
"""

import json

import company
import goods
import places
import work


def build(env, note_path):
    """Makes both plants, commits, and writes ids, codes and keys as JSON to `note_path`."""
    env = env(context={**env.context, "lang": "en_US", "tz": "UTC", "tracking_disable": True})
    company.prepare(env)
    units = goods.units(env)
    note = {
        "admin": {"login": "admin", "password": "admin", "key": company.key_of(env.ref("base.user_admin"))},
        "units": {name: unit.id for name, unit in units.items()},
        "plants": {letter: _plant(env, letter, units) for letter in "AB"},
    }
    company.open_to_admin(env)
    env.flush_all()
    env.cr.commit()
    with open(note_path, "w") as file:
        json.dump(note, file, indent=1)


def _plant(env, letter, units):
    """One company with everything in it, as a tree of ids and codes."""
    firm = company.make(env, letter)
    env = env(context={**env.context, "allowed_company_ids": firm.ids})
    env = env["base"].with_company(firm).env
    items = goods.items(env, letter, units)
    houses = places.warehouses(env, letter)
    lots = places.stock(env, items, houses)
    center = work.center(env)
    recipes = work.recipes(env, items, center, units)
    return {
        "company": {"id": firm.id, "name": firm.name, "domain": f"plant-{letter.lower()}"},
        "users": company.users(env, letter),
        "items": {code: goods.describe(item) for code, item in items.items()},
        "lots": lots,
        "warehouses": {name: places.describe(house) for name, house in houses.items()},
        "work_center": {"id": center.id, "code": center.code},
        "boms": {code: bom.id for code, bom in recipes.items()},
        "orders": work.orders(env, recipes, houses),
        "purchases": work.purchases(env, items, houses, units),
    }
