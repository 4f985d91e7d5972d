"""The life of a run: request, execute, learn, evaluate, publish.

The run's row is the truth, the queue only a bell: every change of state is a conditional UPDATE that names the attempt,
so a message delivered twice, a killed worker or an orphan can start or publish nothing a second time.
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.brokers import get_broker
from django_q.tasks import async_task

from labeling import agreeing, arrays, dataset, predicting, selecting
from labeling.dataset import CannotLearn, Dataset
from labeling.models import Consensus, Gold, Project, Query, QueryItem, TrainingRun
from segmentation import confidence, promotion

log = logging.getLogger(__name__)

SILENCE = timedelta(minutes=2)  # a running attempt that gives no sign of life for so long is taken for dead
ATTEMPTS = 3
KEPT_RUNS = 3  # arrays of older runs are deleted
CLUSTER = "training"  # its name in settings


# --- request ---------------------------------------------------------------------------------------------------------


def request_if_due(project: Project, now: datetime) -> TrainingRun | None:
    """A run, if enough has been agreed since the last one was asked for."""
    if newly_agreed(project) < project.retrain_every:
        return None
    return request(project, f"{project.retrain_every} newly agreed", now=now)


def newly_agreed(project: Project) -> int:
    """Items (cells, if not exclusive) to learn from that people agreed on since a run last read the answers.

    Counted as far as `retrain_every`, since every answer asks for it.
    """
    last = project.runs.aggregate(at=Max(Coalesce("started", "requested")))["at"]
    agreed = dataset.trained_by(project).filter(agreed__isnull=False, source=Consensus.Source.PEOPLE)
    fresh = agreed.filter(agreed__gt=last) if last else agreed
    return fresh[: project.retrain_every].count()


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
        published = publish(run, learn(run))
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


def part(run: TrainingRun, low: float, high: float) -> Callable[[float, str], None]:
    """A progress callback for one part of the run; at most about five rows are written a second."""
    last = [timezone.now() - timedelta(seconds=1)]

    def progress(fraction: float, message: str = "") -> None:
        if timezone.now() - last[0] >= timedelta(seconds=0.2):
            last[0] = timezone.now()
            report(run, low + (high - low) * fraction, message or run.message)

    return progress


def finish(run: TrainingRun, state: str, message: str) -> bool:
    return bool(mine(run).update(state=state, message=message[:500], finished=timezone.now()))


@dataclass(frozen=True)
class Learned:
    """What a run has to publish: (rows, columns) probabilities with NaN where there is no item, and figures."""

    probability: np.ndarray
    features: dict
    metrics: dict
    verdict: promotion.Verdict
    training_items: int


def learn(run: TrainingRun) -> Learned:
    data = dataset.read(run.project)
    report(run, 0.05, "Reading the items")
    X, pointer = dataset.features(data, run.seed, part(run, 0.05, 0.3))
    report(run, 0.3, f"Learning from {data.known} items")
    fitted = fit(run, X, data.targets)
    report(run, 0.9, "Comparing with the published classifier")
    probability = np.full(data.shape, np.nan, np.float32)
    probability[np.ix_(data.rows, data.columns)] = probabilities(fitted, X, len(data.columns))
    metrics, verdict = evaluate(data, probability)
    return Learned(probability, pointer, metrics, verdict, data.known)


def fit(run: TrainingRun, X: np.ndarray, targets: np.ndarray):
    if run.classifier not in settings.CLASSIFIERS:
        raise CannotLearn(f"This installation has no classifier {run.classifier!r}. Choose one in the settings.")
    _, path = settings.CLASSIFIERS[run.classifier]
    classifier = import_string(path)(exclusive=run.project.exclusive, random_state=run.seed)
    if "progress" in classifier.get_params(deep=False):
        classifier.set_params(progress=part(run, 0.3, 0.9))
    return classifier.fit(X, targets)


def probabilities(fitted, X: np.ndarray, columns: int) -> np.ndarray:
    found = getattr(fitted, "transduction_", None)
    found = fitted.predict_proba(X) if found is None else found
    if found.shape != (len(X), columns) or not np.isfinite(found).all():
        raise CannotLearn("The classifier gave probabilities that are not finite numbers, one for each cell.")
    return np.asarray(found, np.float32)


# --- evaluate --------------------------------------------------------------------------------------------------------


def evaluate(data: Dataset, probability: np.ndarray) -> tuple[dict, promotion.Verdict]:
    """Figures of the new classifier, and whether it may replace the published one, on the same exam items."""
    exclusive = data.project.exclusive
    at, truth = exam(data)
    new = probability[np.ix_(data.rows[at], data.columns)]
    verdict = promotion.promote(published_probabilities(data, at), new, truth, exclusive)
    everything, closed = probability[np.ix_(data.rows, data.columns)], closed_cells(data)
    by_category = confidence.category_confidence(everything, closed).tolist()
    metrics = {
        "mean_confidence": confidence.mean_confidence(everything, exclusive, closed),
        "by_category": {category.name: mean for category, mean in zip(data.categories, by_category, strict=True)},
        "exam_items": len(at),
    }
    if len(at):
        accuracy = promotion.accuracy(new, truth, exclusive)
        metrics |= {
            "accuracy": accuracy.value,
            "accuracy_low": accuracy.low,
            "accuracy_high": accuracy.high,
            "log_loss": confidence.log_loss(new, truth, exclusive),
        }
    return metrics, verdict


def exam(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Places of the exam items, and their truth: (m,) columns where exclusive, else (m, C) with NaN.

    The truth is what most people say, of as many as must agree: without the items on which some differ, which are the
    hard ones, every classifier would look better than it is.
    """
    project = data.project
    examined = QueryItem.objects.filter(query__project=project, query__purpose=Query.Purpose.EXAM)
    cells = Consensus.objects.of_people().filter(
        project=project, item__in=examined.values("item"), judgments__gte=project.agree_count
    )
    degrees = np.full(data.targets.shape, np.nan)
    for row, column, degree in data.within(cells.values_list("item", "category", "degree")):
        degrees[row, column] = degree
    if project.exclusive:
        at = np.flatnonzero((degrees > 0.5).any(axis=1))
        return at, np.nanargmax(degrees[at], axis=1)
    degrees[degrees == 0.5] = np.nan
    at = np.flatnonzero(~np.isnan(degrees).all(axis=1))
    return at, np.where(np.isnan(degrees[at]), np.nan, degrees[at] > 0.5)


def published_probabilities(data: Dataset, at: np.ndarray) -> np.ndarray | None:
    """What the published classifier says of the items at these places; NaN for items that came after it.

    Of categories that came after it it has no opinion: even odds, and where exclusive the others share the rest.
    """
    if data.project.published is None:
        return None
    stored = arrays.load(data.project.published.arrays["probability"])
    found = predicting.known(stored, data.rows[at], data.columns)
    new = np.isnan(found) & ~np.isnan(found).all(axis=1, keepdims=True)
    if not data.project.exclusive:
        return np.where(new, 0.5, found)
    even = 1 / len(data.columns)
    return np.where(new, even, found * (1 - even * new.sum(axis=1, keepdims=True)))


def closed_cells(data: Dataset) -> np.ndarray:
    """(n, C) bool: agreed, or never to be agreed as their item is withdrawn or gold."""
    closed = np.zeros(data.targets.shape, bool)
    agreed = Consensus.objects.agreed().filter(project=data.project)
    for row, column in data.within(agreed.values_list("item", "category")):
        closed[row, column] = True
    withdrawn = data.project.items.filter(withdrawn=True).values_list("pk", flat=True)
    gold = Gold.objects.filter(item__project=data.project).values_list("item", flat=True)
    closed[np.isin(data.items, [*withdrawn, *gold])] = True
    return closed


# --- publish ---------------------------------------------------------------------------------------------------------


def publish(run: TrainingRun, learned: Learned) -> bool:
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
            arrays={"probability": probability, "features": learned.features},
        )
        if won and not refused:
            Project.objects.filter(pk=run.project_id).update(published=run.pk)
    if won:
        agreeing.rate_all(run.project)
        prune(run.project)
    return bool(won)


def prune(project: Project) -> None:
    """Delete the arrays of runs that nobody reads any more."""
    project.refresh_from_db(fields=["published"])
    kept = set(project.runs.done().values_list("pk", flat=True)[:KEPT_RUNS]) | {project.published_id}
    used = {pointer["path"] for run in project.runs.filter(pk__in=kept) for pointer in run.arrays.values()}
    for run in project.runs.exclude(pk__in=kept).exclude(arrays={}):
        for pointer in run.arrays.values():
            if pointer["path"] not in used:
                arrays.delete(pointer)
        TrainingRun.objects.filter(pk=run.pk).update(arrays={})
