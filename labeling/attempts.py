"""Attempts at long work: start, report, finish, and what follows when a process dies.

The row is the truth, the queue only a bell: every change of state is a conditional UPDATE that names the attempt, so a
message delivered twice, a killed worker or an orphan can start or publish nothing a second time.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import F, QuerySet
from django.utils import timezone
from django_q.brokers import get_broker

from labeling.models import Attempt

State = Attempt.State
SILENCE = timedelta(minutes=2)  # a running attempt that gives no sign of life for so long is taken for dead
ATTEMPTS = 3
CLUSTER = "training"  # its name in settings


def start(work: Attempt, message: str = "Reading the answers") -> bool:
    """Take the work; a message delivered twice stops here."""
    now = timezone.now()
    won = rows_of(work).filter(state=State.QUEUED).update(
        state=State.RUNNING, attempt=F("attempt") + 1, started=now, heartbeat=now, progress=0.0, message=message
    )  # fmt: skip
    work.refresh_from_db()
    return bool(won)


def rows_of(work: Attempt) -> QuerySet:
    return type(work).objects.filter(pk=work.pk)


def mine(work: Attempt) -> QuerySet:
    """This attempt at this work, while it is running: no other may report or publish."""
    return rows_of(work).filter(attempt=work.attempt, state=State.RUNNING)


def report(work: Attempt, progress: float, message: str) -> None:
    mine(work).update(progress=min(1.0, max(0.0, progress)), message=message[:500], heartbeat=timezone.now())


def reporter(work: Attempt) -> Callable[[float, str], None]:
    """Progress as it comes, about five rows a second at most."""
    last = [timezone.now() - timedelta(seconds=1)]

    def progress(fraction: float, message: str = "") -> None:
        if timezone.now() - last[0] >= timedelta(seconds=0.2):
            last[0] = timezone.now()
            report(work, fraction, message or work.message)

    return progress


def finish(work: Attempt, state: str, message: str) -> bool:
    return bool(mine(work).update(state=state, message=message[:500], finished=timezone.now()))


def sweep(all_work: QuerySet, ring: Callable[[Attempt], None], now: datetime, cluster: str = CLUSTER) -> int:
    """Queue anew the work whose process died, ring again where the bell was lost; says for how much it rang.

    While bells wait to be heard none is added: the cluster is busy or down, and they would pile up.
    """
    bury(all_work.filter(state=State.RUNNING, heartbeat__lt=now - SILENCE), now, "gave no sign of life")
    if get_broker(cluster).queue_size():
        return 0
    unheard = list(all_work.filter(state=State.QUEUED, requested__lt=now - SILENCE))
    for work in unheard:
        ring(work)
    return len(unheard)


def bury(dead: QuerySet, now: datetime, how: str) -> bool:
    """Give these running attempts up: another one follows, to be rung for, until ATTEMPTS; says whether one does."""
    dead.filter(attempt__gte=ATTEMPTS).update(
        state=State.FAILED,
        finished=now,
        message=f"The process died {ATTEMPTS} times; the last one {how}. See the log.",
    )
    message = f"The process {how}; waiting for another attempt."
    return bool(dead.update(state=State.QUEUED, message=message))
