"""The seed's barcodes are ones that a scanner accepts."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "seed"))
import goods  # noqa: E402


class Barcodes(unittest.TestCase):
    def test_the_check_digit_is_gs1_s(self) -> None:
        # A GTIN-13 and a GTIN-14 printed in GS1's own documents.
        self.assertEqual(goods.gtin("629104150021"), "6291041500213")
        self.assertEqual(goods.gtin("0950600013435"), "09506000134352")

    def test_an_item_and_its_case_have_different_numbers_of_the_right_length(self) -> None:
        item = goods.gtin("952123400003")
        case = goods.gtin("1" + item[:-1])
        self.assertEqual((len(item), len(case)), (13, 14))
        self.assertNotEqual(item[-1], case[-1])
