"""What the cache promises: whole or absent, one builder at a time, and damage is seen."""

import os
import tempfile
import unittest
from multiprocessing import Process, Queue
from pathlib import Path

from lib import cache


class Cache(unittest.TestCase):
    def setUp(self) -> None:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = Path(place.name)

    def test_a_folder_appears_only_when_its_builder_ends_well(self) -> None:
        target = self.place / "thing"
        with self.assertRaises(RuntimeError), cache.building(target) as unfinished:
            (unfinished / "half").write_text("x")
            raise RuntimeError("the builder fails")
        self.assertEqual(list(self.place.iterdir()), [])
        with cache.building(target) as unfinished:
            (unfinished / "whole").write_text("x")
            self.assertFalse(target.exists())
        self.assertTrue((target / "whole").exists())

    def test_what_a_killed_builder_left_is_swept_by_the_next(self) -> None:
        left = self.place / "thing.unfinished"
        left.mkdir()
        (left / "old").write_text("x")
        with cache.building(self.place / "thing") as unfinished:
            self.assertEqual(list(unfinished.iterdir()), [])

    def test_a_second_command_waits_for_the_first(self) -> None:
        heard: Queue[str] = Queue()
        with cache.lock(self.place / "lock"):
            other = Process(target=_say_when_locked, args=(self.place / "lock", heard))
            other.start()
            self.assertEqual(heard.get(timeout=10), "asked")
            self.assertTrue(heard.empty())
        self.assertEqual(heard.get(timeout=10), "locked")
        other.join(10)

    def test_a_changed_download_is_not_used(self) -> None:
        file = self.place / "package.deb"
        file.write_bytes(b"as fetched")
        cache.record(file)
        self.assertTrue(cache.verified(file))
        file.write_bytes(b"as damaged")
        self.assertFalse(cache.verified(file))

    def test_the_name_of_a_make_changes_with_a_file_s_content_and_with_its_name(self) -> None:
        (self.place / "a").write_text("1")
        first = cache.digest("recipe", self.place)
        self.assertEqual(cache.digest("recipe", self.place), first)
        (self.place / "a").write_text("2")
        second = cache.digest("recipe", self.place)
        (self.place / "a").rename(self.place / "b")
        self.assertEqual(len({first, second, cache.digest("recipe", self.place)}), 3)

    def test_only_the_makes_used_last_are_kept(self) -> None:
        for age, name in enumerate(["oldest", "older", "new"]):
            (self.place / name).mkdir()
            os.utime(self.place / name, (age, age))
        cache.trim(self.place, keep=2)
        self.assertEqual({each.name for each in self.place.iterdir()}, {"older", "new"})


def _say_when_locked(path: Path, heard: "Queue[str]") -> None:
    heard.put("asked")
    with cache.lock(path):
        heard.put("locked")
