"""Plays in processes and databases of their own: a child has a home that is thrown away, and no way to the real one.

A child tells on its standard output how it goes, one JSON object a line, and ends when its standard input closes.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, Queue

from django.conf import settings

from labeling.simulating.scenes import Staged, Unplayable

# What leads to this installation's database and files: no child may know of it.
REAL = (
    "DATABASE_URL", "CACHE_URL", "STORAGE_BACKEND", "STORAGE_OPTIONS", "ARRAYS_BACKEND", "ARRAYS_OPTIONS", "SECRET_KEY",
    "Q_CLUSTER_NAME",
)  # fmt: skip
BEAT = 5.0  # seconds at most between two signs of life
END = object()
Plays = Sequence[tuple[str, int]]  # a policy's name, with its settings, and a seed


def environment(home: Path) -> dict[str, str]:
    """Of a child that lives in `home`, on SQLite whatever this installation runs on, with one thread a process."""
    kept = {name: value for name, value in os.environ.items() if name not in REAL}
    return kept | {"CLOSECALL_HOME": str(home), "LOG_LEVEL": "WARNING", "OMP_NUM_THREADS": "1"}


def command(*words: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), "simulate", *words, "--inside"]


def play(
    scene: Staged, plays: Plays, *, processes: int = 1, home: Path | None = None, until: float = float("inf")
) -> Iterator[dict]:
    """Yields what the children tell as they do, and {} as a sign of life when they are silent; raises Unplayable.

    processes: children at a time; home: an empty folder to work in, by default one that is removed at the end; until:
    when, by the monotonic clock, to end it whatever is done by then.
    """
    with tempfile.TemporaryDirectory(prefix="closecall-", dir=home) as folder:
        scene.write(Path(folder))
        shares = [list(plays[at::processes]) for at in range(min(processes, len(plays)))]
        with children(Path(folder), shares) as (running, told):
            yield from heard(running, told, until)


@contextmanager
def children(folder: Path, shares: Sequence[Plays]):
    """One child for each share of the plays, and the queue of what they tell; at the end none is left."""
    told, running = Queue(), []
    try:
        for at, share in enumerate(shares):
            home = folder / f"home{at}"
            home.mkdir()
            words = command(str(folder), "--plays", json.dumps(share))
            child = subprocess.Popen(
                words, env=environment(home), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            running.append(child)
            threading.Thread(target=listen, args=[child, told], daemon=True).start()
        yield running, told
    finally:
        for child in running:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                with suppress(OSError):
                    pipe.close()


def listen(child: subprocess.Popen, told: Queue) -> None:
    with suppress(ValueError, OSError):  # its pipe was closed: nobody listens any more
        for line in child.stdout:
            told.put(json.loads(line))
    told.put(END)


def heard(running: Sequence[subprocess.Popen], told: Queue, until: float) -> Iterator[dict]:
    left = len(running)
    while left and time.monotonic() < until:
        try:
            line = told.get(timeout=min(BEAT, max(0.05, until - time.monotonic())))
        except Empty:
            yield {}
            continue
        if line is END:
            left -= 1
        elif "sorry" in line:
            raise Unplayable(line["sorry"])
        else:
            yield line
    if not left and (status := next((bad for child in running if (bad := child.wait())), 0)):
        raise Unplayable(f"A simulation ended with status {status}. See the log.")
