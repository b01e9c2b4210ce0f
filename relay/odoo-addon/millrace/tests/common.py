"""What the tests share: a domain, its bot, and postings on models that every Odoo has."""

import json
from unittest.mock import patch

from odoo.tests.common import TransactionCase, new_test_user, tagged

ALLOW = {
    "context": ["millrace_test"],
    "models": {
        "res.partner": {
            "create": {
                "name": True, "ref": True, "comment": True, "parent_id": True, "color": True,
                "category_id": {"link": True, "set": True},
                "child_ids": {"create": {"name": True}},
            },
            "write": {"name": True, "ref": True, "comment": True, "color": True},
            "unlink": True,
            "test_commits": True, "test_commits_quietly": True, "test_hooks": True, "test_wizard": True,
            "test_raises": True, "test_one": True,
        },
        "res.partner.category": {"create": {"name": True}},
    },
}  # fmt: skip


# Only when every module is loaded: another one may have made a field of res.partner mandatory.
@tagged("post_install", "-at_install")
class PostingCase(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        groups = "base.group_user,base.group_partner_manager,millrace.group_dry_run"
        cls.bot = new_test_user(cls.env, "millrace_bot", groups=groups)
        cls.domain = cls.env["millrace.domain"].create(
            {"name": "test-plant", "user_ids": [(6, 0, cls.bot.ids)], "allow": json.dumps(ALLOW)}
        )
        cls.executor = cls.env["millrace.posting"].with_user(cls.bot)
        cls.fence = cls.executor.take("test-plant")["number"]
        cls.sequence = 0

    # -- calls -----------------------------------------------------------------------------------------------------

    def apply(self, *postings, **kwargs):
        return self.executor.apply("test-plant", list(postings), **{"fence": self.fence, **kwargs})

    def results(self, *postings, **kwargs):
        answer = self.apply(*postings, **kwargs)
        self.assertIn(answer["state"], ("ok", "dry"), answer)
        return answer["results"]

    def states(self, *postings, **kwargs):
        return [result["state"] for result in self.results(*postings, **kwargs)]

    def ask(self, *messages):
        answer = self.executor.ask("test-plant", list(messages))
        return [result["state"] for result in answer["results"]]

    # -- what is posted --------------------------------------------------------------------------------------------

    def message(self, name, attempt=1, digest=None, sequence=None, lane="agent-1:e1:normal", **labels):
        if sequence is None:
            type(self).sequence += 1
            sequence = self.sequence
        digest = digest or f"digest of {name}"
        return {"id": name, "digest": digest, "attempt": attempt, "lane": lane, "sequence": sequence, **labels}

    def creating(self, *names, message=None, **changed):
        """A posting that makes a partner for each name, and expects that it did."""
        posting = {
            "messages": [message] if message else [self.message(name) for name in names],
            "steps": [
                {
                    "as": "new", "model": "res.partner", "method": "create",
                    "kwargs": {"vals_list": [{"name": name, "ref": "millrace"} for name in names]},
                    "expect": [{"model": "res.partner", "ids": {"$": "new"}, "all": [["ref", "=", "millrace"]]}],
                }
            ],
        }  # fmt: skip
        posting["outcomes"] = {
            m["id"]: {"model": "res.partner", "id": {"$": f"new.{k}"}} for k, m in enumerate(posting["messages"])
        }
        return {**posting, **changed}

    def refused(self, name, say="not today", **changed):
        """A posting that makes a partner and then expects what is not true."""
        posting = self.creating(name, **changed)
        posting["steps"][0]["expect"] = [
            {"model": "res.partner", "ids": {"$": "new"}, "all": [["ref", "=", "other"]], "say": say}
        ]
        return posting

    def calling(self, name, method, **step):
        """A posting that makes a partner and calls one of its methods, which the test adds to the model."""
        posting = self.creating(name)
        expect = [{"model": "res.partner", "ids": {"$": "new"}, "all": [["ref", "=", "millrace"]]}]
        posting["steps"].append(
            {"as": "called", "model": "res.partner", "method": method, "ids": {"$": "new"}, "expect": expect, **step}
        )
        return posting

    def add_method(self, name, function):
        patcher = patch.object(self.registry["res.partner"], name, function, create=True)
        patcher.start()
        self.addCleanup(patcher.stop)

    def partners(self, *names):
        return self.env["res.partner"].search_count([("name", "in", names)])

    def void(self, *messages, reason="scrapped by hand", by="anna"):
        return {"messages": list(messages), "void": {"reason": reason, "by": by}}

    # -- attacks --------------------------------------------------------------------------------------------------

    def forbidden(self, step, **changed):
        posting = self.creating("pump")
        posting["steps"].append({"as": "attack", "expect": [{"result": True}], **step})
        (result,) = self.results({**posting, **changed})
        self.assertEqual(result["state"], "forbidden", result)
        self.assertEqual((self.partners("pump"), self.ask(self.message("pump"))), (0, ["unknown"]))
        return result["error"]

    def allow(self, models, context=()):
        self.domain.allow = json.dumps({"context": list(context), "models": {**ALLOW["models"], **models}})
