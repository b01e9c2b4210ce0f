"""Attacks through what a posting may say: models, methods, fields, nested commands, contexts, domains."""

from odoo.exceptions import ValidationError
from odoo.tools import mute_logger

from ..executor import allow
from .common import ALLOW, PostingCase


class TestAttackCalls(PostingCase):
    def test_models_on_the_never_list_are_refused_even_if_somebody_allowed_them(self):
        for model in (
            "ir.rule",
            "ir.cron",
            "ir.actions.server",
            "ir.config_parameter",
            "res.users",
            "res.users.apikeys",
            "res.groups",
            "res.groups.privilege",
            "res.config.settings",
            "res.company",
            "base",
            "base.module.upgrade",
            "base_import.import",
            "bus.bus",
            "mail.mail",
            "mail.template",
            "millrace.posting",
            "millrace.inbox",
            "millrace.domain",
            "sms.sms",
        ):
            with self.subTest(model=model):
                self.assertTrue(allow.is_never(model))
                with self.assertRaises(ValidationError):
                    self.allow({model: {"unlink": True}})
                if model in self.env:
                    read = {"model": model, "method": "search", "kwargs": {"domain": []}}
                    self.assertIn("never-list", self.forbidden(read)["message"])
                    count = {"expect": [{"model": model, "domain": [], "count": 0}]}
                    self.assertIn("never-list", self.forbidden(count)["message"])

    def test_a_posting_cannot_call_the_executor(self):
        step = {"model": "millrace.posting", "method": "take", "kwargs": {"domain": "test-plant", "floor_number": 9}}
        self.assertIn("never-list", self.forbidden(step)["message"])

    def test_a_method_that_is_not_allowed_is_refused(self):
        step = {"model": "res.partner", "method": "open_commercial_entity", "ids": {"$": "new"}}
        self.assertIn("res.partner.open_commercial_entity", self.forbidden(step)["message"])

    def test_private_methods_cannot_be_reached_even_if_they_are_allowed(self):
        methods = (
            "_write",
            "sudo",
            "with_user",
            "with_context",
            "browse",
            "mapped",
            "filtered",
            "exists",
            "env",
            "lock_for_update",
            "flush_recordset",
            "__class__",
            "_fields",
            "modified",
            "invalidate_recordset",
        )
        self.allow({"res.partner": {**ALLOW["models"]["res.partner"], **dict.fromkeys(methods, True)}})
        for method in methods:
            with self.subTest(method=method):
                posting = self.creating("pump")
                posting["steps"].append(
                    {
                        "as": "a",
                        "model": "res.partner",
                        "method": method,
                        "ids": {"$": "new"},
                        "expect": [{"result": True}],
                    }
                )
                (result,) = self.results(posting)
                self.assertIn(result["state"], ("forbidden", "malformed"))
                self.assertEqual(self.partners("pump"), 0)

    def test_orm_methods_that_write_past_the_list_of_fields_are_refused_even_if_they_are_allowed(self):
        methods = ("copy", "load", "web_save", "name_create", "update", "onchange", "export_data", "get_metadata")
        self.allow({"res.partner": {**ALLOW["models"]["res.partner"], **dict.fromkeys(methods, True)}})
        for method in methods:
            with self.subTest(method=method):
                self.forbidden({"model": "res.partner", "method": method, "ids": {"$": "new"}})

    def test_a_field_that_is_not_allowed_is_refused(self):
        step = {"model": "res.partner", "method": "write", "ids": {"$": "new"}, "kwargs": {"vals": {"email": "x@x"}}}
        self.assertIn("res.partner.write email", self.forbidden(step)["message"])

    def test_a_nested_command_cannot_change_what_the_list_does_not_name(self):
        self.allow(
            {
                "res.partner": {
                    "write": {"category_id": {"link": True}, "child_ids": {"create": {"name": True}}, "name": True},
                    "create": ALLOW["models"]["res.partner"]["create"],
                }
            }
        )
        victim = self.env["res.partner"].create({"name": "victim"})
        for vals, says in [
            ({"child_ids": [[1, victim.id, {"name": "x"}]]}, "command update"),
            ({"child_ids": [[2, victim.id]]}, "command delete"),
            ({"child_ids": [[6, 0, [victim.id]]]}, "command set"),
            ({"child_ids": [[0, 0, {"name": "x", "email": "y"}]]}, "create email"),
            ({"child_ids": [[0, 0, {"name": "x", "child_ids": [[0, 0, {"name": "z"}]]}]]}, "create child_ids"),
            ({"category_id": [[0, 0, {"name": "x"}]]}, "command create"),
            ({"bank_ids": [[5]]}, "bank_ids"),
            ({"user_ids": [[0, 0, {"login": "root2"}]]}, "user_ids"),
        ]:
            with self.subTest(vals=vals):
                step = {"model": "res.partner", "method": "write", "ids": {"$": "new"}, "kwargs": {"vals": vals}}
                self.assertIn(says, self.forbidden(step)["message"])
        self.assertEqual(victim.name, "victim")

    def test_a_nested_command_never_reaches_a_model_on_the_never_list(self):
        self.allow(
            {
                "res.partner": {
                    "write": {"user_ids": {"create": {"login": True}}},
                    "create": ALLOW["models"]["res.partner"]["create"],
                }
            }
        )
        vals = {"user_ids": [[0, 0, {"login": "root2"}]]}
        step = {"model": "res.partner", "method": "write", "ids": {"$": "new"}, "kwargs": {"vals": vals}}
        self.assertIn("never-list", self.forbidden(step)["message"])

    def test_a_list_of_ids_is_no_way_around_the_commands(self):
        self.allow(
            {
                "res.partner": {
                    "write": {"category_id": {"link": True}},
                    "create": ALLOW["models"]["res.partner"]["create"],
                }
            }
        )
        posting = self.creating("pump")
        posting["steps"].append(
            {
                "as": "a",
                "model": "res.partner",
                "method": "write",
                "ids": {"$": "new"},
                "kwargs": {"vals": {"category_id": [1, 2]}},
                "expect": [{"result": True}],
            }
        )
        self.assertEqual(self.states(posting), ["malformed"])

    def test_context_keys_cannot_write_fields_or_change_behaviour_past_the_list(self):
        for key in ("default_email", "default_user_ids", "tracking_disable", "install_mode"):
            with self.subTest(key=key):
                self.assertIn(
                    key,
                    self.forbidden(
                        {"expect": [{"model": "res.partner", "domain": [["id", "=", 0]], "count": 0}]}, context={key: 1}
                    )["message"],
                )
        with self.assertRaises(ValidationError):
            self.allow({}, context=["default_email"])

    def test_the_context_of_the_request_does_not_reach_the_steps(self):
        self.executor = self.executor.with_context(default_email="x@x", tracking_disable=True)
        (result,) = self.results(self.creating("pump"))
        self.assertFalse(self.env["res.partner"].browse(result["record"]).email)

    def test_a_company_that_the_user_lacks_is_refused(self):
        company = self.env["res.company"].create({"name": "foreign"})
        posting = self.creating("pump", context={"allowed_company_ids": [company.id]})
        posting["steps"].insert(
            0,
            {
                "as": "s",
                "model": "res.partner",
                "method": "search_count",
                "kwargs": {"domain": [["company_id", "=", company.id]]},
            },
        )
        self.assertEqual(self.states(posting), ["forbidden"])

    def test_domains_that_step_around_record_rules_are_refused(self):
        posting = self.creating("pump")
        posting["steps"][0]["expect"] = [
            {"model": "res.partner", "domain": [["parent_id", "any!", [["id", "=", 1]]]], "count": 0}
        ]
        with mute_logger("odoo.addons.millrace.models.millrace_posting"):
            self.assertEqual(self.states(posting), ["malformed"])

    def test_an_allow_list_that_cannot_be_read_is_refused_when_it_is_saved(self):
        for text in (
            "[]",
            "{",
            '{"modles": {}}',
            '{"models": {"res.partner": {"write": true}}}',
            '{"context": {}}',
            '{"models": {"res.partner": {"unlink": "yes"}}}',
            '{"models": {"res.partner": {"write": {"child_ids": {"upsert": true}}}}}',
        ):
            with self.subTest(text=text), self.assertRaises(ValidationError):
                self.domain.allow = text

    def test_an_expectation_is_no_oracle_for_records_that_the_bot_may_not_read(self):
        company = self.env["res.company"].create({"name": "foreign"})
        secret = self.env["res.partner"].create({"name": "secret", "company_id": company.id})
        self.assertEqual(secret.name, "secret", "and now it is in the cache of this transaction")
        self.env["ir.rule"].create(
            {
                "name": "own company",
                "model_id": self.env["ir.model"]._get("res.partner").id,
                "domain_force": "[('company_id', 'in', [False] + company_ids)]",
            }
        )
        for check in ({"all": [["name", "=", "other"]]}, {"values": {"name": ["other"]}}):
            error = self.forbidden({"expect": [{"model": "res.partner", "ids": secret.ids, **check}]})
            self.assertEqual(error["name"], "odoo.exceptions.AccessError")
            self.assertNotIn("name=secret", error["message"])
