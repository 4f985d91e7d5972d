"""A run in a process of its own: torch lives and dies there, and a fork never meets CUDA.

The child watches its standard input: when this process dies the pipe closes, the child exits, and nothing is published.
"""

import os
import subprocess
import sys
import threading

from django.conf import settings
from django.utils import timezone

from labeling.models import TrainingRun

BEAT = 10  # seconds between signs of life


def launch(run: TrainingRun) -> int:
    """Execute a queued run in a child process; returns its exit status."""
    if run.state != TrainingRun.State.QUEUED:
        return 0
    child = subprocess.Popen(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "train", str(run.pk)], stdin=subprocess.PIPE
    )
    try:
        return waited(child, run)
    finally:
        child.kill()
        child.stdin.close()


def waited(child: subprocess.Popen, run: TrainingRun) -> int:
    """Give signs of life while the child runs."""
    while True:
        try:
            return child.wait(timeout=BEAT)
        except subprocess.TimeoutExpired:
            TrainingRun.objects.filter(pk=run.pk, state=TrainingRun.State.RUNNING).update(heartbeat=timezone.now())


def exit_with_parent() -> None:
    """Called in the child: leave at once when standard input closes."""

    def watch():
        while os.read(0, 1):  # not through sys.stdin, whose lock Python wants back when it ends
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
