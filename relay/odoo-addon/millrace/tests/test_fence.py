"""The fence, and seeing that Odoo's database is not the one that it was."""

from odoo.exceptions import AccessError, UserError
from odoo.tests.common import new_test_user

from .common import PostingCase


class TestFence(PostingCase):
    def test_another_number_is_stale_whether_lower_or_higher_and_nothing_runs(self):
        for number in (self.fence - 1, self.fence + 1, 0):
            answer = self.apply(self.creating("pump"), fence=number)
            self.assertEqual((answer["state"], answer["current"]), ("stale", self.fence))
        self.assertEqual((self.partners("pump"), self.ask(self.message("pump"))), (0, ["unknown"]))

    def test_take_raises_above_both_numbers(self):
        number = self.fence
        self.assertEqual(self.executor.take("test-plant", 0)["number"], number + 1)
        self.assertEqual(self.executor.take("test-plant", number + 50)["number"], number + 51)
        self.assertEqual(self.apply(self.creating("pump"))["state"], "stale")
        self.assertEqual(self.apply(self.creating("pump"), fence=number + 51)["state"], "ok")

    def test_a_fence_that_is_no_number_is_malformed(self):
        for fence in (None, True, "1", 1.0, -1):
            self.assertEqual(self.apply(self.creating("pump"), fence=fence)["state"], "malformed")
        self.assertEqual(self.executor.take("test-plant", 10**9 + 1)["state"], "malformed")

    def test_fewer_outcomes_than_the_caller_saw_means_restored_and_nothing_runs(self):
        answer = self.apply(self.creating("a"))
        seen = {"count": answer["count"], "database": answer["database"]}
        self.assertEqual(self.apply(self.creating("b"), seen=seen)["state"], "ok")
        answer = self.apply(self.creating("c"), seen={**seen, "count": seen["count"] + 2})
        self.assertEqual((answer["state"], answer["count"]), ("restored", seen["count"] + 1))
        self.assertEqual(self.partners("c"), 0)

    def test_another_database_means_restored(self):
        answer = self.apply(self.creating("a"))
        seen = {"count": 0, "database": answer["database"]}
        self.env["ir.config_parameter"].sudo().set_param("database.uuid", "another")
        self.assertEqual(self.apply(self.creating("b"), seen=seen)["state"], "restored")

    def test_restored_is_told_before_stale_because_the_fence_went_back_as_well(self):
        answer = self.apply(self.creating("a"), seen={"count": 10**9, "database": "x"}, fence=self.fence + 1)
        self.assertEqual(answer["state"], "restored")

    def test_a_purge_does_not_look_like_a_restore(self):
        answer = self.apply(self.creating("a", message=self.message("a", sequence=1)))
        self.executor.purge("test-plant", self.fence, [{"lane": "agent-1:e1:normal", "below": 5}])
        seen = {"count": answer["count"], "database": answer["database"]}
        self.assertEqual(
            self.apply(self.creating("b", message=self.message("b", sequence=9)), seen=seen)["state"], "ok"
        )

    def test_replacing_the_bot_user_keeps_what_is_known(self):
        self.results(self.creating("pump", message=self.message("m1")))
        groups = "base.group_user,base.group_partner_manager,millrace.group_bot"
        successor = new_test_user(self.env, "millrace_bot_2", groups=groups)
        self.domain.user_ids = successor
        with self.assertRaises(AccessError):
            self.apply(self.creating("pump", message=self.message("m1")))
        self.executor = self.executor.with_user(successor)
        (result,) = self.results(self.creating("pump", message=self.message("m1")))
        self.assertEqual((result["state"], result["repeat"]), ("done", True))

    def test_an_archived_domain_is_none(self):
        self.domain.active = False
        with self.assertRaises(AccessError):
            self.apply(self.creating("pump"))

    def test_nobody_writes_the_fence_through_the_orm(self):
        with self.assertRaises(UserError):
            self.domain.write({"fence_number": 1})
        with self.assertRaises(UserError):
            self.env["millrace.domain"].create({"name": "x", "fence_number": 1})

    def test_version_tells_bounds_domains_and_rights(self):
        version = self.executor.version()
        manifest = self.env["ir.module.module"].search([("name", "=", "millrace")])
        self.assertEqual(version["addon"], manifest.installed_version)
        self.assertEqual([d["name"] for d in version["domains"]], ["test-plant"])
        self.assertEqual(
            (version["dry_run"], version["user"], version["limits"]["messages"]), (True, "millrace_bot", 200)
        )
