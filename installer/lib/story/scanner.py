"""An operator with a scanner: scans over TCP, waits for the answer, and scans again when none comes."""

import random
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from .ledger import Entry

_ANSWER_SECONDS = 10.0  # longer than the agent ever leaves a scanner without an answer
_AGAIN_SECONDS = 0.2  # before what was not answered is scanned again
_PAUSE_SECONDS = (0.05, 0.4)  # between two entries
_CANCEL = "CMD:CANCEL"


@dataclass(frozen=True)
class Job:
    """What an operator is going to book: the scans, the last of which books."""

    scans: tuple[str, ...]
    says: str
    keys: tuple[str, ...]
    shows: str  # a part of what the display says when it is booked


class Silence(Exception):
    """No answer came."""


class Scanner(threading.Thread):
    """One operator with one device. `address` is the device's own on the loopback, so that it keeps its dialogue."""

    def __init__(self, name: str, address: str, port: int, jobs: Iterator[Job], seed: str) -> None:
        super().__init__(name=name, daemon=True)
        self.log: list[Entry] = []
        self.surprises: list[str] = []
        self._address, self._port, self._jobs = address, port, jobs
        self._dice = random.Random(seed)
        self._connection: socket.socket | None = None
        self._unread = b""
        self._closing, self._gone = threading.Event(), threading.Event()

    def close(self) -> None:
        """Finish the open entry, and begin no other."""
        self._closing.set()

    def leave(self) -> None:
        """Drop everything."""
        self._closing.set()
        self._gone.set()

    def run(self) -> None:
        while not self._closing.is_set():
            self._book(next(self._jobs))
            self._closing.wait(self._dice.uniform(*_PAUSE_SECONDS))
        self._hang_up()

    def _book(self, job: Job) -> None:
        """Books a job, however often that takes."""
        entry = Entry(job.says, job.keys, self.name, sent=0.0)
        while not self._gone.is_set():
            if not self._gather(job.scans[:-1]):
                self._insist(_CANCEL)
                continue
            if not entry.sent:
                entry.sent = time.monotonic()
                self.log.append(entry)
            answer, again = self._insist(job.scans[-1])
            entry.repeats += again
            if _tone(answer) in ("BOOKED", "ALREADY") and job.shows in answer:
                entry.answered = time.monotonic()
                return
            if answer:
                # The display shows that this entry is not booked: begin it again, as a person would.
                self.surprises.append(f"{self.name}: {job.scans[-1]} for {job.says} was answered: {answer}")
                self._insist(_CANCEL)

    def _gather(self, scans: tuple[str, ...]) -> bool:
        """Scans everything but the closing code. False where it is not sure what was taken: an item that is scanned
        twice counts twice."""
        for code in scans:
            try:
                answer = self._scan(code)
            except Silence:
                self._gone.wait(_AGAIN_SECONDS)
                return False
            if _tone(answer) not in ("OK", "ALREADY"):
                self._gone.wait(_AGAIN_SECONDS)
                return False
        return True

    def _insist(self, code: str) -> tuple[str, int]:
        """Scans until it is answered by more than "not kept". Gives the answer and the number of repetitions."""
        again = -1
        while not self._gone.is_set():
            again += 1
            try:
                answer = self._scan(code)
            except Silence:
                answer = ""
            if answer and _tone(answer) != "FAILED":
                return answer, again
            self._gone.wait(_AGAIN_SECONDS)
        return "", again

    def _scan(self, code: str) -> str:
        """One scan and its answer."""
        try:
            if not self._connection:
                self._unread = b""
                self._connection = socket.create_connection(
                    ("127.0.0.1", self._port), _ANSWER_SECONDS, source_address=(self._address, 0)
                )
            self._connection.sendall(f"{code}\r\n".encode())
            while b"\n" not in self._unread:
                piece = self._connection.recv(4096)
                if not piece:
                    raise ConnectionError
                self._unread += piece
        except OSError:  # a time-out is one too
            self._hang_up()
            raise Silence from None
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode(errors="replace").strip()

    def _hang_up(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None


def _tone(answer: str) -> str:
    """The word that an answer begins with: what the operator hears."""
    return answer.partition(" ")[0]
