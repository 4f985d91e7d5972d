"""The life of a run: request, execute, publish."""

import logging
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Coalesce
from django.utils import timezone
from django_q.tasks import async_task

from labeling import accepting, arrays, attempts, classifying, dataset, forecasting, learning, refitting, selecting
from labeling.attempts import CLUSTER
from labeling.dataset import CannotLearn
from labeling.models import Consensus, Project, TrainingRun

log = logging.getLogger(__name__)

KEPT_RUNS = 3  # arrays of older runs are deleted
When = Project.When


# --- request ---------------------------------------------------------------------------------------------------------


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
    """Repair the runs whose process or bell was lost; says for how many it rang."""
    return attempts.sweep(TrainingRun.objects.all(), ring, now)


# --- execute ---------------------------------------------------------------------------------------------------------


def execute(run: TrainingRun) -> TrainingRun:
    """One run from start to published classifier and refilled queue, in this process."""
    return carry_out(run) if attempts.start(run) else run


def carry_out(run: TrainingRun) -> TrainingRun:
    """What follows the start of an attempt."""
    published = False
    try:
        published = publish(run, learning.learn(run, attempts.reporter(run)))
    except CannotLearn as sentence:
        attempts.finish(run, TrainingRun.State.FAILED, str(sentence))
    except Exception as error:
        log.exception("%s failed", run)
        attempts.finish(run, TrainingRun.State.FAILED, f"{type(error).__name__}: {error}"[:500])
    run.refresh_from_db()
    if published:
        go_on(run)
    return run


def go_on(run: TrainingRun) -> None:
    """After a run: ask what its classifier doubts, foretell, and learn from what was agreed meanwhile."""
    project = Project.objects.get(pk=run.project_id)
    if run.state == TrainingRun.State.DONE:
        selecting.refill(project, random_state=run.seed)
        classifying.request(project, timezone.now())
        forecasting.foretell(run, timezone.now())
    request_if_due(project, timezone.now())


# --- publish ---------------------------------------------------------------------------------------------------------


def publish(run: TrainingRun, learned: learning.Learned) -> bool:
    """Store what was learned and flip the project's pointer, all in one step; or keep it as refused."""
    probability = arrays.save(f"{run.project_id}/probability", learned.probability)
    refused = not learned.verdict.publish
    with transaction.atomic():
        won = attempts.mine(run).update(
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
