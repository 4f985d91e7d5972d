"""What a person sees while a command works: one line a piece of work, moving while it lasts, with its time at the end.

Rule: the standard library only, because the first lines are shown before anything is installed.
"""

import shutil
import sys
import threading
import time


class Step:
    """One piece of work as a context manager; what is written to it (a command's own output) is shown as its detail.

    On a terminal its one line is redrawn twice a second. Elsewhere, in a log, a line is added every ten seconds.
    """

    def __init__(self, title, stream=None):
        self.title, self.stream, self.detail = title, stream or sys.stdout, ""
        self.live = self.stream.isatty()
        self.lines, self._piece = [], ""
        self.width = shutil.get_terminal_size().columns - 1 if self.live else 120
        self._done = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self):
        self.started = time.monotonic()
        self._ticker.start()
        return self

    def __exit__(self, failure, *rest):
        self._done.set()
        self._ticker.join()
        mark = "failed" if failure else "done"
        self._print(f"{self._erase()}  {self.title}: {mark} ({self.seconds} s)")

    def write(self, text):
        """Take a command's output in whole lines or pieces of them; the last that says something is the detail."""
        *whole, self._piece = (self._piece + text).split("\n")
        self.lines += [line.strip() for line in whole if line.strip()]
        self.detail = self._piece.strip() or (self.lines or [""])[-1]

    def flush(self):
        self.stream.flush()

    @property
    def seconds(self):
        return round(time.monotonic() - self.started)

    def _tick(self):
        pause = 0.5
        while not self._done.wait(pause):
            going = f"({self.seconds} s)  {self.detail}" if self.seconds else "..."
            self._print(self._erase() + f"  {self.title} {going}"[: self.width], end="" if self.live else "\n")
            pause = 0.5 if self.live else 10

    def _erase(self):
        return "\r" + " " * self.width + "\r" if self.live else ""

    def _print(self, text, end="\n"):
        print(text, end=end, file=self.stream, flush=True)
