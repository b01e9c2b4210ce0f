# Run in Odoo's shell, behind lines that set ORDERS, QUANTITY and ITEMS: confirmed orders and countable items
# for a measurement.
import json

house = env["stock.warehouse"].search([("code", "=", "WA1")])
company = house.company_id
env = env(context={**env.context, "allowed_company_ids": [company.id]})
unit = env.ref("uom.product_uom_unit")
made = env["product.product"].search([("default_code", "=", "FG-BRACKET"), ("company_id", "=", company.id)])
bom = env["mrp.bom"].search([("product_id", "=", made.id)], limit=1)
counting = env["stock.quant"].with_context(inventory_mode=True)
needed = [(line.product_id, line.product_qty * ORDERS * QUANTITY) for line in bom.bom_line_ids]
counting.create([
    {"product_id": item.id, "location_id": house.lot_stock_id.id, "inventory_quantity": amount}
    for item, amount in needed
]).action_apply_inventory()
orders = env["mrp.production"].create([{
    "product_id": made.id, "bom_id": bom.id, "product_qty": QUANTITY, "company_id": company.id,
    "picking_type_id": house.manu_type_id.id,
} for _ in range(ORDERS)])
for first in range(0, ORDERS, 50):
    orders[first:first + 50].action_confirm()
items = env["product.product"].create([{
    "name": f"Item {number}", "default_code": f"BENCH-{number:05}", "type": "consu", "is_storable": True,
    "tracking": "none", "uom_id": unit.id, "company_id": company.id,
} for number in range(ITEMS)])
env.cr.commit()
print(json.dumps({"orders": orders.mapped("name"), "items": items.mapped("default_code")}))
