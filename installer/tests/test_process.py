"""Processes are told apart by number and birth, and waiting has a limit."""

import os
import signal
import subprocess
import unittest

from lib.process import Process, end, free_ports, in_session, wait_until


class Processes(unittest.TestCase):
    def test_a_process_number_that_was_given_to_another_is_not_taken_for_the_old_one(self) -> None:
        myself = Process.of(os.getpid())
        assert myself is not None
        stranger = Process(myself.pid, myself.born - 1)
        self.assertTrue(myself.alive())
        self.assertFalse(stranger.alive())
        stranger.send(signal.SIGKILL)  # would end this test

    def test_a_zombie_counts_as_dead(self) -> None:
        child = subprocess.Popen(["true"])
        self.assertTrue(wait_until(lambda: Process.of(child.pid) is None, 5))
        child.wait()

    def test_a_process_that_ignores_the_request_is_ended_all_the_same(self) -> None:
        child = subprocess.Popen(["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"],
                                 stdout=subprocess.PIPE, start_new_session=True)
        assert child.stdout is not None
        child.stdout.readline()
        end(in_session(child.pid), patience_seconds=0.3)
        self.assertEqual(child.wait(5), -signal.SIGKILL)
        child.stdout.close()

    def test_those_left_of_a_session_are_found_after_its_leader_has_died(self) -> None:
        leader = subprocess.Popen(["sh", "-c", "sleep 60 & echo started"], stdout=subprocess.PIPE,
                                  start_new_session=True)
        assert leader.stdout is not None
        leader.stdout.readline()
        leader.wait(5)
        left = in_session(leader.pid)
        self.assertEqual(len(left), 1)
        end(left, patience_seconds=5)
        self.assertEqual(in_session(leader.pid), [])
        leader.stdout.close()

    def test_waiting_ends_at_its_limit(self) -> None:
        self.assertFalse(wait_until(lambda: False, 0.1))

    def test_free_ports_are_different(self) -> None:
        self.assertEqual(len(set(free_ports(20))), 20)
