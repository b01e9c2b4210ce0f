"""The oracle of the story: what is lost, doubled or reordered on purpose must be found, by message."""

import random
import unittest

from lib.story.ledger import Entry, Verdict, compare


def entry(number: int, *keys: str, sent: float | None = None, answered: float | None = -1.0) -> Entry:
    """An entry that was sent at the second of its number and acknowledged half a second later."""
    begun = float(number) if sent is None else sent
    told = begun + 0.5 if answered == -1.0 else answered
    return Entry(f"quantity {number}", keys or ("order A",), "line-1", begun, told)


class Ledger(unittest.TestCase):
    def setUp(self) -> None:
        self.entries = [entry(number, f"order {number % 3}") for number in range(1, 61)]
        self.effects = [each.says for each in self.entries]

    def verdict(self) -> Verdict:
        return compare(self.entries, self.effects)

    def test_a_whole_story_is_clean_and_says_so(self) -> None:
        self.assertTrue(self.verdict().is_clean())
        self.assertEqual(self.verdict().line(), "lost=0 twice=0 out_of_order=0")
        self.assertEqual(self.verdict().offences(), [])

    def test_an_acknowledged_entry_without_effect_is_lost(self) -> None:
        self.effects.remove("quantity 17")
        self.assertEqual(self.verdict().lost, ["quantity 17 (line-1)"])
        self.assertEqual(self.verdict().line(), "lost=1 twice=0 out_of_order=0")

    def test_an_entry_that_nobody_was_told_of_may_have_an_effect_or_none(self) -> None:
        self.entries[-1].answered = None
        self.assertTrue(self.verdict().is_clean())
        self.effects.pop()
        self.assertTrue(self.verdict().is_clean())

    def test_an_entry_that_nobody_was_told_of_must_not_take_effect_twice(self) -> None:
        self.entries[-1].answered = None
        self.effects.append(self.effects[-1])
        self.assertEqual(self.verdict().twice, ["quantity 60 (2 times)"])

    def test_a_second_effect_is_found_wherever_it_stands(self) -> None:
        for place in (0, 30, 60):
            with self.subTest(place=place):
                self.setUp()
                self.effects.insert(place, "quantity 31")
                self.assertEqual(self.verdict().twice, ["quantity 31 (2 times)"])

    def test_two_effects_of_one_key_in_the_wrong_order_are_found(self) -> None:
        self.effects[9], self.effects[12] = self.effects[12], self.effects[9]
        self.assertEqual(self.verdict().out_of_order, ["quantity 10, behind quantity 13, for order 1"])
        self.assertEqual((self.verdict().lost, self.verdict().twice), ([], []))

    def test_an_effect_far_behind_its_place_is_found_once(self) -> None:
        self.effects.append(self.effects.pop(0))
        self.assertEqual(len(self.verdict().out_of_order), 1)

    def test_effects_of_different_keys_may_take_any_order(self) -> None:
        groups = [self.effects[0::3], self.effects[1::3], self.effects[2::3]]
        self.effects = groups[2] + groups[0] + groups[1]
        self.assertTrue(self.verdict().is_clean())

    def test_an_entry_of_two_keys_is_held_to_both(self) -> None:
        self.entries = [entry(1, "order A", "lot L"), entry(2, "lot L"), entry(3, "order A")]
        self.effects = ["quantity 2", "quantity 1", "quantity 3"]
        self.assertEqual(self.verdict().out_of_order, ["quantity 1, behind quantity 2, for lot L"])
        self.effects = ["quantity 3", "quantity 1", "quantity 2"]
        self.assertEqual(self.verdict().out_of_order, ["quantity 1, behind quantity 3, for order A"])

    def test_entries_that_were_under_way_at_the_same_time_may_take_either_order(self) -> None:
        self.entries = [entry(1, sent=1.0, answered=9.0), entry(2, sent=2.0, answered=3.0), entry(3, sent=3.5)]
        for effects, found in ((["quantity 2", "quantity 1", "quantity 3"], 0),
                               (["quantity 2", "quantity 3", "quantity 1"], 0),
                               (["quantity 1", "quantity 3", "quantity 2"], 1)):
            with self.subTest(effects=effects):
                self.effects = effects
                self.assertEqual(len(self.verdict().out_of_order), found)

    def test_an_effect_that_no_scanner_booked_is_found(self) -> None:
        self.effects.append("quantity 4711")
        self.assertEqual(self.verdict().unknown, ["quantity 4711"])
        self.assertEqual(self.verdict().line(), "lost=0 twice=0 out_of_order=0 unknown=1")
        self.assertFalse(self.verdict().is_clean())

    def test_a_changed_effect_is_a_loss_and_an_unknown(self) -> None:
        self.effects[4] = "quantity 5, order B"
        self.assertEqual((len(self.verdict().lost), len(self.verdict().unknown)), (1, 1))

    def test_entries_that_cannot_be_told_apart_are_refused(self) -> None:
        self.entries.append(self.entries[0])
        with self.assertRaises(ValueError):
            self.verdict()

    def test_many_offences_are_counted_and_some_are_listed(self) -> None:
        self.effects = []
        lines = self.verdict().offences()
        self.assertEqual(len(lines), 21)
        self.assertEqual(lines[-1], "lost: and 40 more")

    def test_no_single_planted_fault_escapes(self) -> None:
        dice = random.Random(7)
        for _ in range(300):
            self.setUp()
            place = dice.randrange(len(self.effects) - 3)
            fault = dice.choice(["lose", "double", "swap"])
            if fault == "lose":
                del self.effects[place]
            elif fault == "double":
                self.effects.insert(dice.randrange(60), self.effects[place])
            else:  # with the next of its key
                self.effects[place], self.effects[place + 3] = self.effects[place + 3], self.effects[place]
            self.assertFalse(self.verdict().is_clean(), (fault, place))
