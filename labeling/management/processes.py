"""The processes of one machine, web server and clusters: started together, watched, stopped together.

Rule: each child leads a process group of its own, so that Ctrl-C reaches it once, through us, and nothing outlives us.
"""

import logging
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path

WINDOWS = os.name == "nt"
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
OWN_GROUP = {"creationflags": 0x200} if WINDOWS else {"start_new_session": True}  # 0x200: CREATE_NEW_PROCESS_GROUP
SHOWN = re.compile(r"\b(ERROR|CRITICAL)\b|\bINFO (labeling|rewards)\b")
GRACE = 8  # seconds a child has to stop by itself
TRIES, MINUTE = 3, 60  # a child that falls this often in a minute will not get up again


class Fallen(Exception):
    """The children will not run; the message says which, and how the log ends."""


@dataclass
class Child:
    """One process with its log file and its environment variables besides ours.

    `gentle` gives way to the others when the processor is busy. `say` takes the lines that a person should see.
    """

    name: str
    command: list
    directory: Path
    log: Path
    say: Callable
    gentle: bool = False
    variables: dict = field(default_factory=dict)

    def __post_init__(self):
        self.process, self.falls, self.tail = None, [], []
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._file = RotatingFileHandler(self.log, maxBytes=5_000_000, backupCount=1, encoding="utf-8", delay=True)

    def start(self):
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        text = {"text": True, "encoding": "utf-8", "errors": "replace"}
        place = {"cwd": self.directory, "env": {**os.environ, **self.variables}}
        self.process = subprocess.Popen(self.command, **place, **pipes, **text, **OWN_GROUP)
        if self.gentle and not WINDOWS:
            os.setpriority(os.PRIO_PROCESS, self.process.pid, 10)
        threading.Thread(target=self._read, args=[self.process.stdout], daemon=True).start()

    def _read(self, output):
        for line in output:
            self.tail = [*self.tail[-7:], line.rstrip()]
            self._file.emit(logging.makeLogRecord({"msg": line.rstrip()}))
            if SHOWN.search(line):
                self.say(f"  {self.name}: {line.rstrip()}")

    @property
    def alive(self):
        return self.process is not None and self.process.poll() is None

    def keep_up(self):
        """Start, or start again after a fall, unless it has fallen too often."""
        if self.process is None:
            self.start()
        elif not self.alive:
            self.kill()  # what its leader has left behind
            self.count_fall()
            self.start()

    def count_fall(self):
        now, code = time.monotonic(), self.process.returncode
        self.falls = [then for then in self.falls if now - then < MINUTE] + [now]
        if len(self.falls) >= TRIES:
            last = "\n".join("    " + line for line in self.tail)
            raise Fallen(f"{self.name} stopped {TRIES} times in a minute. {self.log} ends with:\n{last}")
        self.say(f"  {self.name} stopped by itself (exit status {code}) and is started again; see {self.log}")

    def ask_to_stop(self):
        if self.alive:
            self.process.send_signal(signal.CTRL_BREAK_EVENT if WINDOWS else signal.SIGTERM)

    def kill(self):
        """End whatever is left of its group, also when the leader has gone before."""
        if self.process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            if WINDOWS:
                subprocess.run(["taskkill", "/F", "/T", "/PID", str(self.process.pid)], capture_output=True)
            else:
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Processes:
    """A context manager: inside it the children run; leaving it, however that comes, stops them all."""

    def __init__(self, children, say):
        self.children, self.say, self.stopping, self.hurried = children, say, False, False

    def __enter__(self):
        # A flag and short sleeps: an Event may deadlock when its setter interrupts its waiter.
        self._before = {number: signal.signal(number, self._stop) for number in STOPS}
        return self

    def __exit__(self, *failure):
        self.stopping = True
        for child in self.children:
            child.ask_to_stop()
        deadline = time.monotonic() + GRACE
        while any(child.alive for child in self.children) and time.monotonic() < deadline and not self.hurried:
            time.sleep(0.1)
        for child in self.children:
            child.kill()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, *signal_and_frame):
        if self.stopping:
            self.hurried = True  # no more than this: what the signal interrupts may hold the lock that killing needs
        else:
            self.stopping = True
            with suppress(OSError):  # the terminal may be what has gone
                self.say("\n  Stopping; once more stops at once.")

    def watch(self, until=lambda: False, patience=float("inf")):
        """Keep the children up until the condition holds (True) or a signal says to stop (False); start them first."""
        deadline = time.monotonic() + patience
        while not self.stopping:
            for child in self.children:
                child.keep_up()
            if until():
                return True
            if time.monotonic() > deadline:
                raise Fallen(f"No answer within {patience} seconds; see {self.children[0].log}.")
            time.sleep(0.2)
        return False
