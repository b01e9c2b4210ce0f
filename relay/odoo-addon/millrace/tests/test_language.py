"""The step language: what references, conditions and expectations do, and what is refused at the door."""

from odoo.tests.common import BaseCase, tagged

from ..executor import faults, language, references
from .common import PostingCase


@tagged("post_install", "-at_install")
class TestReferences(BaseCase):
    RESULTS = {"m": [{"id": 7, "p": [3, "WH/3"]}, {"id": 8, "p": False}], "none": [], "n": 0}

    def resolve(self, path):
        return references.resolve({"$": path}, self.RESULTS)

    def test_a_path_walks_lists_and_maps_and_every_element(self):
        self.assertEqual(self.resolve("m.0.p.0"), 3)
        self.assertEqual(self.resolve("m.*.id"), [7, 8])
        self.assertEqual(self.resolve("n"), 0)

    def test_the_first_alternative_that_is_not_empty_wins_and_zero_is_not_empty(self):
        self.assertEqual(self.resolve(["none.0", "m.1.p", "m.1.id"]), 8)
        self.assertEqual(self.resolve(["none", "n"]), 0)

    def test_what_leads_to_nothing_is_an_error(self):
        for path in ("none.0", "m.2", "m.0.x", "n.0", "m.*.p.0", ["none.0", "none"], "absent", "m.-1", "m.__len__"):
            with self.subTest(path=path), self.assertRaises(faults.Malformed):
                self.resolve(path)

    def test_what_odoo_holds_is_data_and_never_a_reference(self):
        results = {"a": [{"note": {"$": "b"}}], "b": "secret"}
        self.assertEqual(references.resolve({"x": {"$": "a.0.note"}}, results), {"x": {"$": "b"}})

    def test_values_are_copied_because_methods_change_what_they_are_given(self):
        vals = references.resolve({"vals_list": [{"a": {"$": "m"}}]}, self.RESULTS)
        vals["vals_list"][0]["a"][0].clear()
        self.assertEqual(self.RESULTS["m"][0]["id"], 7)


class TestLanguage(PostingCase):
    def error(self, posting):
        (result,) = self.results(posting)
        self.assertEqual(result["state"], "malformed", result)
        self.assertEqual(self.ask(self.message(result["id"])), ["unknown"])
        return result["error"]["message"]

    def steps(self, *steps, **changed):
        posting = self.creating("pump")
        return {**posting, "steps": [*posting["steps"], *steps], **changed}

    def test_search_or_create_makes_one_and_finds_it_the_next_time(self):
        def posting(name):
            found = {
                "as": "found",
                "model": "res.partner",
                "method": "search",
                "kwargs": {"domain": [["name", "=", "LOT7"]], "limit": 1},
            }
            new = {
                "as": "new",
                "model": "res.partner",
                "method": "create",
                "when": {"ref": {"$": "found"}, "empty": True},
                "kwargs": {"vals_list": [{"name": "LOT7", "color": 1}]},
            }
            ids = [{"$": ["found.0", "new.0"]}]
            use = {
                "as": "use",
                "model": "res.partner",
                "method": "write",
                "ids": ids,
                "kwargs": {"vals": {"color": 2}},
                "expect": [{"model": "res.partner", "ids": ids, "all": [["color", "=", 2]]}],
            }
            outcomes = {name: {"model": "res.partner", "id": {"$": ["found.0", "new.0"]}}}
            return {
                "messages": [self.message(name)],
                "locks": ["lot:LOT7"],
                "steps": [found, new, use],
                "outcomes": outcomes,
            }

        first, second = self.results(posting("a"), posting("b"))
        self.assertEqual((first["record"], self.partners("LOT7")), (second["record"], 1))

    def test_each_calls_a_method_for_one_record_at_a_time(self):
        self.add_method("test_one", lambda records: records.ensure_one().name)
        posting = self.creating("a", "b")
        posting["steps"].append(
            {
                "as": "names",
                "model": "res.partner",
                "method": "test_one",
                "ids": {"$": "new"},
                "each": True,
                "expect": [{"result": ["a", "b"]}],
            }
        )
        self.assertEqual(self.states(posting), ["done", "done"])

    def test_values_are_compared_record_by_record(self):
        def check(values):
            posting = self.creating("a", "b")
            posting["steps"][0]["expect"] = [{"model": "res.partner", "ids": {"$": "new"}, "values": values}]
            return self.results(posting)[0]

        self.assertIn("name is b, expected c", check({"name": ["a", "c"]})["error"]["message"])
        self.assertIn("parent_id is False, expected 1", check({"parent_id": [1, 1]})["error"]["message"])
        self.assertEqual(check({"name": ["a", "b"], "parent_id": [False, False]})["state"], "done")

    def test_floats_are_compared_by_the_precision_of_their_field(self):
        posting = self.creating("pump")
        value = {"model": "res.partner", "ids": {"$": "new"}, "values": {"partner_latitude": [0.00000001]}}
        posting["steps"][0]["expect"].append(value)
        self.assertEqual(self.states(posting), ["done"])

    def test_a_sum_is_checked_with_odoos_own_grouping(self):
        def posting(name, color):
            check = {
                "as": "sum",
                "model": "res.partner",
                "method": "formatted_read_group",
                "kwargs": {
                    "domain": [["ref", "=", "millrace"]],
                    "groupby": ["ref"],
                    "aggregates": ["color:sum"],
                    "having": [["color:sum", ">", 5]],
                },
                "expect": [{"len": 0, "say": "too much"}],
            }
            made = self.creating(name)
            made["steps"][0]["kwargs"]["vals_list"][0]["color"] = color
            return {**made, "steps": [*made["steps"], check]}

        self.assertEqual(self.states(posting("a", 3), posting("b", 3), posting("c", 2)), ["done", "rejected", "done"])

    def test_of_no_record_nothing_is_true(self):
        for ids in ([], {"$": "new.*"}, [999999999]):
            posting = self.creating("pump", message=self.message(f"m{ids}"))
            expect = {"model": "res.partner", "ids": ids, "all": [["id", "!=", 0]]}
            posting["steps"].insert(
                0, {"as": "none", "model": "res.partner", "method": "search", "kwargs": {"domain": [["id", "=", 0]]}}
            )
            posting["steps"][1]["expect"] = [expect]
            self.assertEqual(self.states(posting), ["done" if ids == {"$": "new.*"} else "rejected"])

    def test_a_posting_that_does_nothing_or_expects_nothing_is_refused(self):
        self.assertIn("at least one step", self.error(self.creating("a", steps=[])))
        posting = self.creating("b")
        del posting["steps"][0]["expect"]
        self.assertIn("nothing is expected", self.error(posting))
        read = {"as": "r", "model": "res.partner", "method": "search", "kwargs": {"domain": []}, "expect": [{"len": 0}]}
        self.assertIn(
            "no step changes",
            self.error(self.creating("c", steps=[read], outcomes={"c": {"model": "res.partner", "id": 1}})),
        )

    def test_an_expectation_before_the_last_change_is_not_enough(self):
        more = {
            "as": "more",
            "model": "res.partner",
            "method": "write",
            "ids": {"$": "new"},
            "kwargs": {"vals": {"color": 1}},
        }
        self.assertIn("after the last step", self.error(self.steps(more)))

    def test_an_expectation_that_was_passed_over_is_none(self):
        posting = self.creating("pump")
        never = {"when": {"ref": {"$": "new"}, "empty": True}}
        expect = posting["steps"][0].pop("expect")
        self.assertIn(
            "passed over", self.error({**posting, "steps": [*posting["steps"], {"as": "c", "expect": expect, **never}]})
        )

    def test_missing_and_surplus_outcomes_are_refused(self):
        self.assertIn("outcomes", self.error(self.creating("a", outcomes={})))
        posting = self.creating("b")
        posting["outcomes"]["other"] = {"model": "res.partner", "id": 1}
        self.assertIn("outcomes", self.error(posting))
        posting = self.creating("c")
        posting["outcomes"]["c"]["id"] = {"$": "new"}
        self.assertIn("one record", self.error(posting))

    def test_unknown_words_and_wrong_shapes_are_refused_with_their_name(self):
        step = self.creating("x")["steps"][0]
        for changed, says in [
            ({"stpes": []}, "stpes"),
            ({"context": []}, "context"),
            ({"locks": [1]}, "lock"),
            ({"steps": [{**step, "methode": 1}]}, "methode"),
            ({"steps": [step, step]}, "stand once"),
            ({"steps": [{**step, "ids": {"$": "later"}}]}, "later"),
            ({"steps": [{**step, "expect": [{"len": 1, "result": 1}]}]}, "expectation"),
            ({"steps": [{**step, "expect": [{"model": "res.partner", "ids": [1], "all": []}]}]}, "says something"),
            ({"steps": [{**step, "when": {"ref": 1, "empty": True}}]}, "when"),
            ({"steps": [{**step, "kwargs": {"vals_list": [{"$": "a", "b": 1}]}}]}, "reference"),
            ({"steps": [{"as": "a", "ids": [1], "expect": [{"len": 1}]}]}, "no method"),
            ({"singles": [{"messages": []}]}, "messages"),
        ]:
            with self.subTest(changed=changed):
                self.assertIn(says, self.error(self.creating("pump", **changed)))

    def test_a_reference_to_nothing_is_malformed_and_names_its_step(self):
        posting = self.steps(
            {
                "as": "w",
                "model": "res.partner",
                "method": "write",
                "ids": {"$": "new.5"},
                "kwargs": {"vals": {"color": 1}},
                "expect": [{"result": True}],
            }
        )
        (result,) = self.results(posting)
        self.assertEqual((result["state"], result["error"]["step"]), ("malformed", "w"))

    def test_a_missing_record_is_a_refusal_of_the_business(self):
        posting = self.steps(
            {
                "as": "w",
                "model": "res.partner",
                "method": "write",
                "ids": [999999999],
                "kwargs": {"vals": {"color": 1}},
                "expect": [{"result": True}],
            }
        )
        self.assertEqual(self.results(posting)[0]["error"]["name"], "odoo.exceptions.MissingError")

    def test_times_are_answered_as_odoo_writes_them(self):
        read = {
            "as": "r",
            "model": "res.partner",
            "method": "read",
            "ids": {"$": "new"},
            "kwargs": {"fields": ["create_date"]},
        }
        posting = self.steps(read)
        posting["outcomes"]["pump"]["data"] = {"$": "r.0.create_date"}
        self.assertRegex(self.results(posting)[0]["data"], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")

    def test_messages_that_cannot_be_read_refuse_the_whole_request(self):
        good = self.message("m1")
        for message, says in [
            ({**good, "extra": 1}, "extra"),
            ({**good, "id": ""}, "id"),
            ({**good, "id": "a\x00b"}, "printed"),
            ({**good, "id": "x" * 256}, "255"),
            ({**good, "attempt": 0}, "attempt"),
            ({**good, "attempt": True}, "whole"),
            ({**good, "sequence": 1.5}, "sequence"),
            ({k: v for k, v in good.items() if k != "digest"}, "digest"),
            ({**good, "kind": 5}, "kind"),
            ("m1", "message"),
        ]:
            answer = self.apply(self.creating("a"), self.creating("b", message=good, messages=[message]))
            self.assertEqual(answer["state"], "malformed")
            self.assertIn(says, answer["error"]["message"])
        self.assertEqual(self.partners("a", "b"), 0)

    def test_words_for_people_are_cut_and_never_refused_for_what_they_hold(self):
        self.results(self.creating("pump", message=self.message("m1", operator="Änne\n\x00" + "x" * 500)))
        row = self.env["millrace.inbox"].search([("message_id", "=", "m1")])
        self.assertEqual((row.operator[:4], len(row.operator)), ("Änne", 120))

    def test_reads_are_known_so_that_everything_else_counts_as_a_change(self):
        for method in language.READS:
            self.assertTrue(hasattr(type(self.env["base"]), method), method)
