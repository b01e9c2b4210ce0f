# Copyright Millrace contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Millrace",
    "summary": "Runs postings: several ORM calls as one transaction, exactly once",
    # Said here so that Odoo does not read README.md as reStructuredText.
    "description": """
Runs *postings*: a few calls of Odoo methods, checked and stored as one transaction, exactly once, with the caller's
own rights and within an allow-list. It knows no business. README.md states the contract for callers.
""",
    "version": "19.0.1.0.0",
    "category": "Technical",
    "license": "LGPL-3",
    "author": "Millrace contributors",
    "website": "https://github.com/millrace/millrace",
    "depends": ["base", "web"],
    "data": [
        "security/millrace_groups.xml",
        "security/ir.model.access.csv",
        "security/millrace_rules.xml",
        "views/millrace_inbox_views.xml",
        "views/millrace_domain_views.xml",
        "views/millrace_menus.xml",
    ],
    "application": True,
    "installable": True,
}
