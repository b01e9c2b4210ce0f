"""Attacks by somebody who has an API key: each of these once worked on a prototype, or is next to one that did."""

import json

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests.common import new_test_user
from odoo.tools import mute_logger

from ..executor import allow
from .common import ALLOW, PostingCase


class TestAttackRights(PostingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = new_test_user(cls.env, "clerk", groups="base.group_user")
        cls.other = new_test_user(cls.env, "other_bot", groups="base.group_user,millrace.group_bot")
        cls.other_domain = cls.env["millrace.domain"].create({"name": "other-plant", "user_ids": cls.other.ids})

    def forbidden(self, step, **changed):
        posting = self.creating("pump")
        posting["steps"].append({"as": "attack", "expect": [{"result": True}], **step})
        (result,) = self.results({**posting, **changed})
        self.assertEqual(result["state"], "forbidden", result)
        self.assertEqual((self.partners("pump"), self.ask(self.message("pump"))), (0, ["unknown"]))
        return result["error"]

    def allow(self, models, context=()):
        self.domain.allow = json.dumps({"context": list(context), "models": {**ALLOW["models"], **models}})

    # -- who -------------------------------------------------------------------------------------------------------

    def test_a_user_who_is_no_bot_cannot_call_anything(self):
        executor = self.executor.with_user(self.clerk)
        for call in (
            lambda: executor.apply("test-plant", [self.creating("x")], self.fence),
            lambda: executor.apply("test-plant", [self.creating("x")], dry_run=True),
            lambda: executor.ask("test-plant", [self.message("x")]),
            lambda: executor.take("test-plant", 0),
            lambda: executor.purge("test-plant", self.fence, []),
            executor.version,
        ):
            with self.assertRaises(AccessError):
                call()

    def test_the_bot_of_another_domain_cannot_claim_ids_or_raise_the_fence_of_this_one(self):
        executor = self.executor.with_user(self.other)
        for name in ("test-plant", "no-such-plant", None, ["test-plant"]):
            with self.assertRaises(AccessError) as caught:
                executor.apply(name, [self.void(self.message("m1"))], self.fence)
            self.assertIn("no domain of this name", str(caught.exception), "and learns nothing about it")
            with self.assertRaises(AccessError):
                executor.take(name, 10**6)
        self.assertEqual(self.states(self.creating("pump", message=self.message("m1"))), ["done"])

    def test_the_same_message_id_in_another_domain_is_another_message(self):
        executor = self.executor.with_user(self.other)
        fence = executor.take("other-plant", 0)["number"]
        answer = executor.apply("other-plant", [self.void(self.message("m1"))], fence)
        self.assertEqual(answer["results"][0]["state"], "void")
        self.assertEqual(self.states(self.creating("pump", message=self.message("m1"))), ["done"])

    def test_a_bot_reads_the_outcomes_of_its_own_domains_and_an_auditor_reads_all(self):
        self.results(self.creating("pump"))
        inbox, domain = self.env["millrace.inbox"], self.env["millrace.domain"]
        self.assertEqual(inbox.with_user(self.bot).search_count([]), 1)
        self.assertEqual(inbox.with_user(self.other).search([]), inbox)
        self.assertEqual(domain.with_user(self.other).search([]), self.other_domain)
        with self.assertRaises(AccessError):
            inbox.with_user(self.clerk).search([])
        auditor = new_test_user(self.env, "auditor", groups="millrace.group_auditor")
        self.assertGreaterEqual(inbox.with_user(auditor).search_count([]), 1)
        self.assertGreaterEqual(domain.with_user(auditor).search_count([]), 2)

    def test_nobody_writes_the_inbox_or_the_bookkeeping_through_the_orm_not_even_a_manager(self):
        self.results(self.creating("pump", locks=["a"]))
        manager = new_test_user(self.env, "manager", groups="millrace.group_manager")
        vals = {"domain_id": self.domain.id, "message_id": "x", "digest": "x", "attempt": 1, "lane": "x", "sequence": 1, "state": "done"}
        for user in (self.bot, manager, self.env.ref("base.user_admin")):
            inbox = self.env["millrace.inbox"].with_user(user)
            row = inbox.sudo().search([("message_id", "=", "pump")]).with_user(user)
            for call in (lambda i=inbox: i.create(vals), lambda r=row: r.write({"state": "rejected"}), row.unlink):
                with self.assertRaises(AccessError):
                    call()
            for model in ("millrace.floor", "millrace.tally", "millrace.lock"):
                with self.assertRaises(AccessError):
                    self.env[model].with_user(user).create({})

    def test_a_message_whose_transaction_was_broken_waits_for_a_manager(self):
        self.results(self.creating("a"), self.creating("b"))
        self.env.cr.execute("UPDATE millrace_inbox SET state = 'claimed' WHERE domain_id = %s", (self.domain.id,))
        asked = [self.message("a"), self.message("b")]
        self.assertEqual(self.states(self.creating("a"), self.void(self.message("b"))), ["claimed", "claimed"])
        rows = self.env["millrace.inbox"].search([("domain_id", "=", self.domain.id)], order="message_id")
        rows.invalidate_recordset()
        with self.assertRaises(AccessError):
            rows[0].with_user(self.bot).action_may_run()
        manager = new_test_user(self.env, "manager", groups="millrace.group_manager")
        rows[0].with_user(manager).action_may_run()
        rows[1].with_user(manager).action_never_run()
        rows.flush_recordset()
        self.assertEqual(self.ask(*asked), ["rejected", "void"])
        self.assertEqual(self.states(self.creating("a", message=self.message("a", attempt=2))), ["done"])
        with self.assertRaises(UserError):
            rows[1].with_user(manager).action_may_run()

    def test_a_bot_cannot_widen_its_own_allow_list(self):
        with self.assertRaises(AccessError):
            self.domain.with_user(self.bot).write({"allow": "{}"})
        with self.assertRaises(AccessError):
            self.domain.with_user(self.bot).write({"user_ids": [(4, self.clerk.id)]})

    def test_the_private_parts_of_the_executor_are_no_methods_for_a_remote_caller(self):
        from odoo.service.model import get_public_method

        for model in ("millrace.posting", "millrace.domain", "millrace.inbox", "millrace.floor", "millrace.lock"):
            own = [name for name in vars(type(self.env[model])) if not name.startswith("__")]
            for name in own:
                if name.startswith("_") and callable(getattr(type(self.env[model]), name)):
                    with self.assertRaises(AccessError):
                        get_public_method(self.env[model], name)

    def test_steps_run_with_the_rights_of_the_caller_even_if_the_request_came_in_as_superuser(self):
        self.allow({"res.currency": {"write": {"symbol": True}}})
        currency = self.env.ref("base.EUR")
        step = {"model": "res.currency", "method": "write", "ids": currency.ids, "kwargs": {"vals": {"symbol": "x"}}}
        for executor in (self.executor, self.executor.sudo()):
            self.executor = executor
            error = self.forbidden(step)
            self.assertEqual(error["name"], "odoo.exceptions.AccessError")

    def test_a_dry_run_needs_a_right_of_its_own(self):
        self.bot.group_ids -= self.env.ref("millrace.group_dry_run")
        self.bot.group_ids += self.env.ref("millrace.group_bot")
        self.assertEqual(self.apply(self.creating("a"))["state"], "ok")
        with self.assertRaises(AccessError):
            self.apply(self.creating("b"), dry_run=True)

    # -- what ------------------------------------------------------------------------------------------------------

    def test_models_on_the_never_list_are_refused_even_if_somebody_allowed_them(self):
        for model in ("ir.rule", "ir.cron", "ir.actions.server", "ir.config_parameter", "res.users", "res.users.apikeys",
                      "res.groups", "res.groups.privilege", "res.config.settings", "res.company", "base", "base.module.upgrade", "base_import.import", "bus.bus",
                      "mail.mail", "mail.template", "millrace.posting", "millrace.inbox", "millrace.domain", "sms.sms"):  # fmt: skip
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
        methods = ("_write", "sudo", "with_user", "with_context", "browse", "mapped", "filtered", "exists", "env",
                   "lock_for_update", "flush_recordset", "__class__", "_fields", "modified", "invalidate_recordset")  # fmt: skip
        self.allow({"res.partner": {**ALLOW["models"]["res.partner"], **dict.fromkeys(methods, True)}})
        for method in methods:
            with self.subTest(method=method):
                posting = self.creating("pump")
                posting["steps"].append({"as": "a", "model": "res.partner", "method": method, "ids": {"$": "new"}, "expect": [{"result": True}]})
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
        self.allow({"res.partner": {"write": {"category_id": {"link": True}, "child_ids": {"create": {"name": True}}, "name": True},
                                    "create": ALLOW["models"]["res.partner"]["create"]}})  # fmt: skip
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
        self.allow({"res.partner": {"write": {"user_ids": {"create": {"login": True}}}, "create": ALLOW["models"]["res.partner"]["create"]}})
        vals = {"user_ids": [[0, 0, {"login": "root2"}]]}
        step = {"model": "res.partner", "method": "write", "ids": {"$": "new"}, "kwargs": {"vals": vals}}
        self.assertIn("never-list", self.forbidden(step)["message"])

    def test_a_list_of_ids_is_no_way_around_the_commands(self):
        self.allow({"res.partner": {"write": {"category_id": {"link": True}}, "create": ALLOW["models"]["res.partner"]["create"]}})
        posting = self.creating("pump")
        posting["steps"].append({"as": "a", "model": "res.partner", "method": "write", "ids": {"$": "new"},
                                 "kwargs": {"vals": {"category_id": [1, 2]}}, "expect": [{"result": True}]})  # fmt: skip
        self.assertEqual(self.states(posting), ["malformed"])

    def test_context_keys_cannot_write_fields_or_change_behaviour_past_the_list(self):
        for key in ("default_email", "default_user_ids", "tracking_disable", "install_mode"):
            with self.subTest(key=key):
                self.assertIn(key, self.forbidden({"expect": [{"model": "res.partner", "domain": [["id", "=", 0]], "count": 0}]}, context={key: 1})["message"])
        with self.assertRaises(ValidationError):
            self.allow({}, context=["default_email"])

    def test_the_context_of_the_request_does_not_reach_the_steps(self):
        self.executor = self.executor.with_context(default_email="x@x", tracking_disable=True)
        (result,) = self.results(self.creating("pump"))
        self.assertFalse(self.env["res.partner"].browse(result["record"]).email)

    def test_a_company_that_the_user_lacks_is_refused(self):
        company = self.env["res.company"].create({"name": "foreign"})
        posting = self.creating("pump", context={"allowed_company_ids": [company.id]})
        posting["steps"].insert(0, {"as": "s", "model": "res.partner", "method": "search_count", "kwargs": {"domain": [["company_id", "=", company.id]]}})
        self.assertEqual(self.states(posting), ["forbidden"])

    def test_domains_that_step_around_record_rules_are_refused(self):
        posting = self.creating("pump")
        posting["steps"][0]["expect"] = [{"model": "res.partner", "domain": [["parent_id", "any!", [["id", "=", 1]]]], "count": 0}]
        with mute_logger("odoo.addons.millrace.models.millrace_posting"):
            self.assertEqual(self.states(posting), ["malformed"])

    def test_an_allow_list_that_cannot_be_read_is_refused_when_it_is_saved(self):
        for text in ("[]", "{", '{"modles": {}}', '{"models": {"res.partner": {"write": true}}}', '{"context": {}}',
                     '{"models": {"res.partner": {"unlink": "yes"}}}',
                     '{"models": {"res.partner": {"write": {"child_ids": {"upsert": true}}}}}'):  # fmt: skip
            with self.subTest(text=text), self.assertRaises(ValidationError):
                self.domain.allow = text
