"""Attacks by somebody who has an API key: each of these once worked on a prototype, or is next to one that did."""

from odoo.exceptions import AccessError, UserError
from odoo.service.model import get_public_method
from odoo.tests.common import new_test_user

from .common import PostingCase


class TestAttackRights(PostingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = new_test_user(cls.env, "clerk", groups="base.group_user")
        cls.other = new_test_user(cls.env, "other_bot", groups="base.group_user,millrace.group_bot")
        cls.other_domain = cls.env["millrace.domain"].create({"name": "other-plant", "user_ids": cls.other.ids})

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
        vals = {
            "domain_id": self.domain.id,
            "message_id": "x",
            "digest": "x",
            "attempt": 1,
            "lane": "x",
            "sequence": 1,
            "state": "done",
        }
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
