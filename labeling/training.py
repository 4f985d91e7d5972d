"""The life of a run: request, execute, publish.

The run's row is the truth, the queue only a bell: every change of state is a conditional UPDATE that names the attempt,
so a message delivered twice, a killed worker or an orphan can start or publish nothing a second time.
"""

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Max, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.tasks import async_task

from labeling import accepting, arrays, dataset, learning, refitting, selecting
from labeling.dataset import CannotLearn
from labeling.models import Consensus, Project, TrainingRun

log = logging.getLogger(__name__)

SILENCE = timedelta(minutes=2)  # a running attempt that gives no sign of life for so long is taken for dead
ATTEMPTS = 3
KEPT_RUNS = 3  # arrays of older runs are deleted
CLUSTER = "training"  # its name in settings


# --- request ---------------------------------------------------------------------------------------------------------


When = Project.When


def request_if_due(project: Project, now: datetime) -> TrainingRun | None:
    """A run, if its time has come and enough is newly agreed; none while it would end a certificate."""
    if now < not_before(project) or newly_agreed(project) < enough(project) or accepting.holding(project):
        return None
    return request(project, reason(project), now=now)


def enough(project: Project) -> int:
    """How much must be newly agreed for a run to start by itself."""
    return project.retrain_every if project.retrain_when == When.SIZE else 1


def not_before(project: Project) -> datetime:
    """When the next run may start by itself: on a schedule, so many hours after the last one was asked for."""
    if project.retrain_when != When.SCHEDULE:
        return project.created
    last = project.runs.aggregate(at=Max("requested"))["at"] or project.created
    return last + timedelta(hours=project.retrain_hours)


def reason(project: Project) -> str:
    if project.retrain_when == When.SCHEDULE:
        return f"on schedule, every {project.retrain_hours} hours"
    return f"{enough(project)} newly agreed"


def newly_agreed(project: Project, most: int | None = None) -> int:
    """Items (cells, if not exclusive) to learn from that people agreed on since a run last read the answers.

    Counted as far as `most`, by default as a run needs, since every answer asks for it.
    """
    last = project.runs.aggregate(at=Max(Coalesce("started", "requested")))["at"]
    agreed = dataset.trained_by(project).filter(agreed__isnull=False)
    if project.retrain_when != When.SCHEDULE:  # what was imported asks for a run of its own, if for any
        agreed = agreed.filter(source=Consensus.Source.PEOPLE)
    fresh = agreed.filter(agreed__gt=last) if last else agreed
    return fresh[: enough(project) if most is None else most].count()


def keep_schedules(now: datetime) -> int:
    """Ask for the runs whose hour has come, where anything was newly agreed; says how many."""
    scheduled = Project.objects.active().filter(retrain_when=When.SCHEDULE).select_related("published")
    return sum(request_if_due(project, now) is not None for project in scheduled)


def request_after_import(project: Project, known: int, now: datetime) -> TrainingRun | None:
    """A first set that was imported is learned from at once, and so is a large addition; on a schedule it waits."""
    needed = enough(project) if project.published_id else 1
    if known < needed or (project.published_id and project.retrain_when == When.SCHEDULE):
        return None
    return request(project, f"{known} imported", now=now)


def by_hand(project: Project, trigger: str, *, now: datetime) -> TrainingRun:
    """What somebody asks for rather than the answers: `request`, refused by CannotLearn in an archived project."""
    if project.state == Project.State.ARCHIVED:
        raise CannotLearn("This project is archived. Take it up again before you train its classifier.")
    return request(project, trigger, now=now)


def request(project: Project, trigger: str, *, now: datetime, seed: int | None = None) -> TrainingRun:
    """Queue a run; while one is pending it is that one."""
    with transaction.atomic():
        list(Project.objects.select_for_update(no_key=True).filter(pk=project.pk).values("pk"))  # one after the other
        if pending := project.runs.pending().first():
            return pending
        run = TrainingRun.objects.create(
            project=project,
            number=1 + (project.runs.aggregate(last=Max("number"))["last"] or 0),
            trigger=trigger[:200],
            classifier=project.classifier,
            seed=secrets.randbelow(2**31) if seed is None else seed,
            requested=now,
        )
        ring(run)
        return run


def ring(run: TrainingRun) -> None:
    async_task("labeling.tasks.train", run.pk, cluster=CLUSTER)


def sweep(now: datetime) -> int:
    """Queue anew the runs whose process died, ring again where the bell was lost; says for how many it rang.

    While bells wait to be heard none is added: the cluster is busy or down, and they would pile up.
    """
    silent = TrainingRun.objects.filter(state=TrainingRun.State.RUNNING, heartbeat__lt=now - SILENCE)
    bury(silent, now, "gave no sign of life")
    if get_broker(CLUSTER).queue_size():
        return 0
    unheard = list(TrainingRun.objects.filter(state=TrainingRun.State.QUEUED, requested__lt=now - SILENCE))
    for run in unheard:
        ring(run)
    return len(unheard)


def bury(dead: QuerySet[TrainingRun], now: datetime, how: str) -> bool:
    """Give these running attempts up: another one follows, to be rung for, until ATTEMPTS; says whether one does."""
    dead.filter(attempt__gte=ATTEMPTS).update(
        state=TrainingRun.State.FAILED,
        finished=now,
        message=f"The training process died {ATTEMPTS} times; the last one {how}. See the log.",
    )
    message = f"The training process {how}; waiting for another attempt."
    return bool(dead.update(state=TrainingRun.State.QUEUED, message=message))


# --- execute ---------------------------------------------------------------------------------------------------------


def execute(run: TrainingRun) -> TrainingRun:
    """One run from start to published classifier and refilled queue, in this process."""
    return carry_out(run) if start(run) else run


def carry_out(run: TrainingRun) -> TrainingRun:
    """What follows the start of an attempt."""
    published = False
    try:
        published = publish(run, learning.learn(run, reporter(run)))
    except CannotLearn as sentence:
        finish(run, TrainingRun.State.FAILED, str(sentence))
    except Exception as error:
        log.exception("%s failed", run)
        finish(run, TrainingRun.State.FAILED, f"{type(error).__name__}: {error}"[:500])
    run.refresh_from_db()
    if published:
        go_on(run)
    return run


def go_on(run: TrainingRun) -> None:
    """After a run: ask what its classifier doubts, and learn from what was agreed meanwhile."""
    project = Project.objects.get(pk=run.project_id)
    if run.state == TrainingRun.State.DONE:
        selecting.refill(project, random_state=run.seed)
    request_if_due(project, timezone.now())


def start(run: TrainingRun) -> bool:
    """Take the run; a message delivered twice stops here."""
    now = timezone.now()
    won = TrainingRun.objects.filter(pk=run.pk, state=TrainingRun.State.QUEUED).update(
        state=TrainingRun.State.RUNNING,
        attempt=F("attempt") + 1,
        started=now,
        heartbeat=now,
        progress=0.0,
        message="Reading the answers",
    )
    run.refresh_from_db()
    return bool(won)


def mine(run: TrainingRun):
    """This attempt at this run, while it is running: no other may report or publish."""
    return TrainingRun.objects.filter(pk=run.pk, attempt=run.attempt, state=TrainingRun.State.RUNNING)


def report(run: TrainingRun, progress: float, message: str) -> None:
    mine(run).update(progress=min(1.0, max(0.0, progress)), message=message[:500], heartbeat=timezone.now())


def reporter(run: TrainingRun) -> Callable[[float, str], None]:
    """Progress as it comes, about five rows a second at most."""
    last = [timezone.now() - timedelta(seconds=1)]

    def progress(fraction: float, message: str = "") -> None:
        if timezone.now() - last[0] >= timedelta(seconds=0.2):
            last[0] = timezone.now()
            report(run, fraction, message or run.message)

    return progress


def finish(run: TrainingRun, state: str, message: str) -> bool:
    return bool(mine(run).update(state=state, message=message[:500], finished=timezone.now()))


# --- publish ---------------------------------------------------------------------------------------------------------


def publish(run: TrainingRun, learned: learning.Learned) -> bool:
    """Store what was learned and flip the project's pointer, all in one step; or keep it as refused."""
    probability = arrays.save(f"{run.project_id}/probability", learned.probability)
    refused = not learned.verdict.publish
    with transaction.atomic():
        won = mine(run).update(
            state=TrainingRun.State.REFUSED if refused else TrainingRun.State.DONE,
            finished=timezone.now(),
            progress=1.0,
            message=learned.verdict.reason[:500],
            metrics=learned.metrics,
            training_items=learned.training_items,
            arrays={"probability": probability} | learned.made,
        )
        if won and not refused:
            Project.objects.filter(pk=run.project_id).update(published=run.pk)
            accepting.supersede(run)
    if won:
        run.project.refresh_from_db(fields=["published"])
        refitting.refit(run.project, timezone.now())
        prune(run.project)
    return bool(won)


def prune(project: Project) -> None:
    """Delete the arrays of runs that nobody reads any more."""
    project.refresh_from_db(fields=["published"])
    kept = set(project.runs.done().values_list("pk", flat=True)[:KEPT_RUNS]) | {project.published_id}
    used = [pointer for run in project.runs.filter(pk__in=kept) for pointer in run.arrays.values()]
    for run in project.runs.exclude(pk__in=kept).exclude(arrays={}):
        arrays.delete(run.arrays.values(), kept=used)
        TrainingRun.objects.filter(pk=run.pk).update(arrays={})
