"""What the agent says of its own backlog, second by second: `millrace-agent backlog --watch`, which goes on while the
service is dead."""

import json
import subprocess
import threading
from pathlib import Path

from ..trial.programs import environment

_END_SECONDS = 5.0


class Backlog:
    """The command, followed. Where it ends by itself its words are kept, and the figures stay as they were."""

    def __init__(self, program: Path, configuration: Path) -> None:
        self.waiting, self.stored = 0, 0
        self.complaint = ""
        command = [str(program), "-c", str(configuration), "--json", "backlog", "--watch", "--every", "1"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                         process_group=0, env=environment())
        self._reader = threading.Thread(target=self._follow, name="backlog", daemon=True)
        self._reader.start()

    def stop(self) -> None:
        """Ends the command."""
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reader.join(_END_SECONDS)

    def is_empty(self) -> bool:
        """Whether the agent says that everything is settled."""
        return self.waiting == 0 and self.stored == 0

    def _follow(self) -> None:
        assert self._process.stdout and self._process.stderr
        for line in self._process.stdout:
            whole = next(lane for lane in json.loads(line)["lanes"] if lane["lane"] == "all")
            self.waiting, self.stored = whole["waiting"], whole["stored"]
        self.complaint = self._process.stderr.read().strip()
        self._process.wait()
