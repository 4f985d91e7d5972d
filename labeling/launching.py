"""Long work in a process of its own: torch lives and dies there, and a fork never meets CUDA.

The child watches its standard input: when this process dies the pipe closes, the child exits, and nothing is published.
When the child dies, this process says so in the work's row; when both die, the sweep does.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

from django.conf import settings
from django.utils import timezone
from django_q.exceptions import TimeoutException

from labeling import attempts, classifying, training
from labeling.models import Attempt, Classification, TrainingRun

log = logging.getLogger(__name__)

BEAT = 10  # seconds between signs of life


def launch(run: TrainingRun) -> TrainingRun:
    """Start a queued run and carry it out in a child process; however that ends, the run is not left running."""
    if attempts.start(run):
        carried("train", run, training.ring)
    return run


def classify(new: Classification) -> Classification:
    """The same for the items that came after a run."""
    if attempts.start(new, "Reading the new items"):
        carried("classify", new, classifying.ring)
    return new


def carried(verb: str, work: Attempt, ring: Callable[[Attempt], None]) -> None:
    attempt, how = attempts.mine(work), "could not be started"
    manage = str(settings.BASE_DIR / "manage.py")
    command = [sys.executable, manage, verb, str(work.pk), "--attempt", str(work.attempt)]
    try:
        with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
            how = waited(child, attempt)
    except TimeoutException:  # django-q2 raises it here when the task has lasted too long
        attempts.finish(work, Attempt.State.FAILED, f"It took longer than {settings.TRAINING_TIMEOUT:,} seconds.")
        raise
    finally:
        if attempts.bury(attempt, timezone.now(), how):
            ring(work)
        work.refresh_from_db()
        log.info("%s: %s. %s", work, work.get_state_display().lower(), work.message)


def waited(child: subprocess.Popen, attempt) -> str:
    """Give signs of life while the child runs; says how it ended."""
    try:
        while True:
            try:
                return ended(child.wait(timeout=BEAT))
            except subprocess.TimeoutExpired:
                attempt.update(heartbeat=timezone.now())
    finally:
        child.kill()


def ended(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    hint = ", perhaps for want of memory" if -status == getattr(signal, "SIGKILL", 9) else ""
    return f"was killed by signal {-status}{hint}"


def exit_with_parent() -> None:
    """Called in the child: leave at once when standard input closes."""

    def watch():
        while os.read(0, 1024):  # not through sys.stdin, whose lock the interpreter wants when it ends
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
