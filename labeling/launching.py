"""A run in a process of its own: torch lives and dies there, and a fork never meets CUDA.

The child watches its standard input: when this process dies the pipe closes, the child exits, and nothing is published.
When the child dies, this process says so in the run's row; when both die, the sweep does.
"""

import logging
import os
import signal
import subprocess
import sys
import threading

from django.conf import settings
from django.utils import timezone
from django_q.exceptions import TimeoutException

from labeling import training
from labeling.models import TrainingRun

log = logging.getLogger(__name__)

BEAT = 10  # seconds between signs of life


def launch(run: TrainingRun) -> TrainingRun:
    """Start a queued run and carry it out in a child process; however that ends, the run is not left running."""
    if not training.start(run):
        return run
    attempt, how = training.mine(run), "could not be started"
    manage = str(settings.BASE_DIR / "manage.py")
    command = [sys.executable, manage, "train", str(run.pk), "--attempt", str(run.attempt)]
    try:
        with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
            how = waited(child, attempt)
    except TimeoutException:  # django-q2 raises it here when the task has lasted too long
        training.finish(run, TrainingRun.State.FAILED, f"It took longer than {settings.TRAINING_TIMEOUT:,} seconds.")
        raise
    finally:
        if training.bury(attempt, timezone.now(), how):
            training.ring(run)
        run.refresh_from_db()
        log.info("%s: %s. %s", run, run.get_state_display().lower(), run.message)
    return run


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
