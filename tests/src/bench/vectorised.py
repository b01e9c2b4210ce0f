# Run in Odoo's shell, behind lines that set ORDERS, ITEMS, PLACE and LOGIN: the same work as the relay's postings, done
# inside Odoo, fifty at a time, by the same user, with nothing checked.
import json
import time

bot = env["res.users"].search([("login", "=", LOGIN)])
env = env(user=bot.id, context={"allowed_company_ids": bot.company_id.ids})
mine = [("company_id", "=", bot.company_id.id)]


def fifty(names):
    return [names[first:first + 50] for first in range(0, len(names), 50)]


begun = time.perf_counter()
for names in fifty(ORDERS):
    orders = env["mrp.production"].search([("name", "in", names), *mine])
    orders.with_context(skip_consumption=True, skip_backorder=True, skip_redirection=True).button_mark_done()
    env.cr.commit()
orders_took = time.perf_counter() - begun
begun = time.perf_counter()
place = env["stock.location"].search([("barcode", "=", PLACE), *mine])
for names in fifty(ITEMS):
    items = env["product.product"].search([("default_code", "in", names), *mine])
    env["stock.quant"].with_context(inventory_mode=True).create([
        {"product_id": item.id, "location_id": place.id, "inventory_quantity": 7} for item in items
    ]).action_apply_inventory()
    env.cr.commit()
counts_took = time.perf_counter() - begun
print(json.dumps({"orders": orders_took, "counts": counts_took}))
