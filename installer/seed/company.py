"""Companies, the functions of Odoo that a plant has switched on, and the people and programs that log in."""

_FUNCTIONS = [  # groups that Odoo's settings give to every internal user when a function is switched on
    "stock.group_stock_multi_locations",
    "stock.group_stock_multi_warehouses",
    "stock.group_production_lot",
    "stock.group_adv_location",
    "mrp.group_mrp_routings",
    "uom.group_uom",
]
# The least that a bot needs. Reading accounts: an order with a backorder reads its analytic lines when costs are on.
_BOT = ["base.group_user", "mrp.group_mrp_user", "stock.group_stock_user", "account.group_account_readonly"]
_BOT_OF_ADDON = ["millrace.group_bot", "millrace.group_dry_run"]
_OFFICE = ["base.group_user", "mrp.group_mrp_manager", "stock.group_stock_manager", "purchase.group_purchase_user"]
_OFFICE_OF_ADDON = ["millrace.group_auditor"]


def prepare(env):
    """Once for the database. Attachments go into it, so that a copy of the database is a whole copy."""
    env["ir.config_parameter"].set_param("ir_attachment.location", "db")
    env["ir.attachment"].force_storage()
    everybody = env.ref("base.group_user")
    everybody.implied_ids = [(4, env.ref(name).id) for name in _FUNCTIONS]


def make(env, letter):
    """A company with books. Plant A is the company that a new database has; its warehouse is renamed."""
    country = env.ref("base.us")
    values = {"name": f"Plant {letter}", "country_id": country.id, "currency_id": env.ref("base.USD").id}
    if letter == "A":
        firm = env.ref("base.main_company")
        firm.write(values)
    else:
        firm = env["res.company"].create(values)
    env.user.company_ids = [(4, firm.id)]
    if not firm.chart_template:
        env["account.chart.template"].try_loading("generic_coa", firm, install_demo=False)
    return firm


def users(env, letter):
    """The plant's bot, a person of its office, and an internal user who may do nothing in particular."""
    small = letter.lower()
    made = {
        "bot": _user(env, f"millrace-bot-{small}", f"Millrace bot {letter}", _BOT, _BOT_OF_ADDON),
        "office": _user(env, f"office-{small}", f"Office {letter}", _OFFICE, _OFFICE_OF_ADDON),
        "outsider": _user(env, f"outsider-{small}", f"Outsider {letter}", ["base.group_user"], []),
    }
    if "millrace.domain" in env:
        env["millrace.domain"].create({"name": f"plant-{small}", "user_ids": [(6, 0, made["bot"].ids)]})
    return {role: {"id": user.id, "login": user.login, "key": key_of(user)} for role, user in made.items()}


def _user(env, login, name, groups, groups_of_addon):
    """A user of one company. Logs in to Odoo's screens with the login as password: these databases are thrown away."""
    found = [env.ref(group) for group in groups] + [env.ref(group, False) for group in groups_of_addon]
    return env["res.users"].create({
        "name": name, "login": login, "password": login, "email": f"{login}@example.com",
        "company_id": env.company.id, "company_ids": [(6, 0, env.company.ids)],
        "group_ids": [(6, 0, [group.id for group in found if group])],
    })


def key_of(user):
    """An API key that does not expire: a template may lie in the cache for longer than a bot's key may live."""
    return user.env["res.users.apikeys"].with_user(user).sudo()._generate("rpc", "seed", None)


def open_to_admin(env):
    """The administrator sees both plants."""
    env.ref("base.user_admin").company_ids = [(6, 0, env["res.company"].search([]).ids)]
