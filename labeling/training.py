"""The life of a run: request, execute, dataset, evaluate, publish.

The run's row is the truth, the queue only a bell: every change of state is a conditional UPDATE that names the attempt,
so a message delivered twice, a killed worker or an orphan can start or publish nothing a second time.
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import numpy as np
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.tasks import async_task

from labeling import agreeing, arrays, selecting
from labeling.models import Consensus, Item, Media, Project, Query, QueryItem, TrainingRun
from segmentation import confidence, promotion

log = logging.getLogger(__name__)

SILENCE = timedelta(minutes=2)  # a running attempt that gives no sign of life for so long is taken for dead
ATTEMPTS = 3
KEPT_RUNS = 3  # arrays of older runs are deleted
NO = 1e-3  # what "not this category" leaves of a likelihood


class CannotLearn(Exception):
    """There is nothing to learn from; the sentence says what is missing."""


# --- request ---------------------------------------------------------------------------------------------------------


def request_if_due(project: Project, now: datetime) -> TrainingRun | None:
    """A run, if enough has been agreed since the last one was asked for."""
    if newly_agreed(project) < project.retrain_every:
        return None
    return request(project, f"{project.retrain_every} newly agreed", now=now)


def newly_agreed(project: Project) -> int:
    """Items (cells, if not exclusive) that people agreed on since a run last read the answers, up to `retrain_every`."""
    last = project.runs.aggregate(at=Max(Coalesce("started", "requested")))["at"]
    agreed = Consensus.objects.agreed().of_people().filter(project=project)
    fresh = agreed.filter(agreed__gt=last) if last else agreed
    return fresh[: project.retrain_every].count()


def request(project: Project, trigger: str, *, now: datetime, seed: int | None = None) -> TrainingRun:
    """Queue a run; while one is pending it is that one."""
    try:
        with transaction.atomic():
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
    except IntegrityError:
        return project.runs.pending().get()


def ring(run: TrainingRun) -> None:
    async_task("labeling.tasks.train", run.pk, cluster="training")


def sweep(now: datetime) -> int:
    """Ring again for runs whose bell was lost, start anew those whose worker died; says how many."""
    lost = TrainingRun.objects.filter(state=TrainingRun.State.QUEUED, requested__lt=now - SILENCE)
    dead = TrainingRun.objects.filter(state=TrainingRun.State.RUNNING, heartbeat__lt=now - SILENCE)
    hopeless = dead.filter(attempt__gte=ATTEMPTS)
    hopeless.update(
        state=TrainingRun.State.FAILED,
        finished=now,
        message=f"The training process died {ATTEMPTS} times. See the log.",
    )
    dead.update(state=TrainingRun.State.QUEUED, message="The training process died; waiting for another attempt.")
    runs = list(lost)
    for run in runs:
        ring(run)
    return len(runs)


# --- execute ---------------------------------------------------------------------------------------------------------


def execute(run: TrainingRun) -> TrainingRun:
    """One run from start to published classifier and refilled queue, in this process."""
    if not start(run):
        return run
    try:
        learned = learn(run)
    except CannotLearn as sentence:
        finish(run, TrainingRun.State.FAILED, str(sentence))
    except Exception as error:
        log.exception("%s failed", run)
        finish(run, TrainingRun.State.FAILED, f"{type(error).__name__}: {error}"[:500])
    else:
        publish(run, learned)
    run.refresh_from_db()
    if run.state == TrainingRun.State.DONE:
        project = Project.objects.get(pk=run.project_id)
        selecting.refill(project, random_state=run.seed)
        request_if_due(project, timezone.now())  # people went on answering meanwhile
    return run


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
    project = run.project
    data = dataset(project)
    report(run, 0.05, "Reading the items")
    X, pointer = features(run, data)
    report(run, 0.3, f"Learning from {data.known} items")
    fitted = fit(run, X, data.targets)
    report(run, 0.9, "Comparing with the published classifier")
    probability = np.full((project.rows, project.columns), np.nan, np.float32)
    probability[np.ix_(data.rows, data.columns)] = probabilities(fitted, X, len(data.columns))
    metrics, verdict = evaluate(project, data, probability)
    return Learned(probability, pointer, metrics, verdict, data.known)


# --- dataset ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dataset:
    """Items in array order with what people agree on.

    rows, columns: array places of items and categories; items: primary keys; targets: (n, C), where exclusive
    proportional to the likelihood of the answers (all ones: unlabeled), else degrees with NaN unknown; known: how many
    items have any target.
    """

    items: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    targets: np.ndarray
    known: int


def dataset(project: Project) -> Dataset:
    """The training set: agreed consensus (or all evidence, as the project chooses), without exam, audit and gold."""
    categories = list(project.categories.order_by("column"))
    table = np.fromiter(
        project.items.order_by("row").values_list("pk", "row").iterator(), dtype=[("pk", "i8"), ("row", "i8")]
    )
    if not len(table) or len(categories) < (2 if project.exclusive else 1):
        raise CannotLearn("The project has no items, or too few categories to tell apart.")
    place = {pk: at for at, pk in enumerate(table["pk"].tolist())}
    column = {category.pk: at for at, category in enumerate(categories)}
    targets = np.full((len(table), len(categories)), 1.0 if project.exclusive else np.nan)
    for cell in cells(project):
        fill(project, targets, place[cell.item_id], column[cell.category_id], cell)
    known = int((targets != 1).any(axis=1).sum() if project.exclusive else (~np.isnan(targets)).any(axis=1).sum())
    if not known:
        raise CannotLearn("Nothing has been agreed yet, so there is nothing to learn from.")
    columns = np.array([category.column for category in categories])
    return Dataset(table["pk"], table["row"], columns, targets, known)


def cells(project: Project):
    """Consensus that may train: never what was asked to measure."""
    measured = QueryItem.objects.filter(
        query__project=project, query__purpose__in=(Query.Purpose.EXAM, Query.Purpose.AUDIT)
    )
    rows = Consensus.objects.filter(project=project).exclude(item__in=measured.values("item"))
    # An item's agreed category is written last, over what single "no" answers said of the others.
    return rows.order_by(F("agreed").asc(nulls_first=True)).iterator()


def fill(project: Project, targets: np.ndarray, row: int, column: int, cell: Consensus) -> None:
    """Put one cell's consensus into the targets."""
    if project.exclusive:
        if cell.agreed and cell.degree >= 0.5:
            targets[row] = np.eye(targets.shape[1])[column]
        elif cell.judgments and evidence_counts(project, cell):
            targets[row, column] = max(NO, cell.posterior) if project.train_on == Project.TrainOn.EVIDENCE else NO
    elif cell.agreed or (cell.judgments and project.train_on == Project.TrainOn.EVIDENCE):
        targets[row, column] = cell.degree


def evidence_counts(project: Project, cell: Consensus) -> bool:
    """All evidence counts if the project says so; otherwise only a "no" that people agree on."""
    if project.train_on == Project.TrainOn.EVIDENCE:
        return True
    return cell.degree < 0.5 and agreeing.agreed_cell(cell, agreeing.rule_of(project))


# --- features and classifier -----------------------------------------------------------------------------------------


def features(run: TrainingRun, data: Dataset) -> tuple[np.ndarray, dict]:
    """Features of all items, made anew only when items have come since they were last made."""
    project = run.project
    kept = (project.published.arrays if project.published else {}).get("features")
    if kept and kept.get("items") == len(data.items) and kept.get("rows") == project.rows:
        return np.asarray(arrays.load(kept)[data.rows], np.float32), kept
    transformer = import_string(settings.FEATURES[project.media])(random_state=run.seed)
    contents = contents_of(project)
    X = np.asarray(transformer.fit_transform(contents, progress=part(run, 0.05, 0.3)), np.float32)
    if not np.isfinite(X).all():
        raise CannotLearn("The items' features hold values that are not finite numbers.")
    stored = np.zeros((project.rows, X.shape[1]), np.float16)
    stored[data.rows] = np.clip(X, -6e4, 6e4)
    pointer = arrays.save(f"{project.pk}/features", stored)
    return X, pointer | {"items": len(data.items), "rows": project.rows}


def contents_of(project: Project) -> list:
    """What the features read of each item, in array order."""
    rows = project.items.order_by("row")
    if Media(project.media).has_content:
        storage = Item._meta.get_field("content").storage
        return [partial(storage.open, content) for content in rows.values_list("content", flat=True)]
    field = "text" if project.media == Media.TEXT else "values"
    return [content if content is not None else {} for content in rows.values_list(field, flat=True)]


def fit(run: TrainingRun, X: np.ndarray, targets: np.ndarray):
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


def evaluate(project: Project, data: Dataset, probability: np.ndarray) -> tuple[dict, promotion.Verdict]:
    """Figures of the new classifier, and whether it may replace the published one, on the same exam items."""
    at, truth = exam(project, data)
    rows = data.rows[at]
    new = probability[np.ix_(rows, data.columns)]
    verdict = promotion.promote(published_probabilities(project, rows, data.columns), new, truth, project.exclusive)
    everything = probability[np.ix_(data.rows, data.columns)]
    agreed = agreed_cells(project, data)
    metrics = {
        "mean_confidence": confidence.mean_confidence(everything, project.exclusive, agreed),
        "by_category": dict(
            zip(names(project), confidence.category_confidence(everything, agreed).tolist(), strict=True)
        ),
        "exam_items": len(at),
    }
    if len(at):
        accuracy = promotion.accuracy(new, truth, project.exclusive)
        metrics |= {
            "accuracy": accuracy.value,
            "accuracy_low": accuracy.low,
            "accuracy_high": accuracy.high,
            "log_loss": confidence.log_loss(new, truth, project.exclusive),
        }
    return metrics, verdict


def names(project: Project) -> list[str]:
    return list(project.categories.order_by("column").values_list("name", flat=True))


def exam(project: Project, data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Places of the exam items people agree on, and their truth: (m,) columns where exclusive, else (m, C) with NaN."""
    examined = Query.objects.filter(project=project, purpose=Query.Purpose.EXAM)
    items = QueryItem.objects.filter(query__in=examined).values("item")
    rows = Consensus.objects.agreed().of_people().filter(project=project, item__in=items)
    place = {pk: at for at, pk in enumerate(data.items.tolist())}
    column = {pk: at for at, pk in enumerate(project.categories.order_by("column").values_list("pk", flat=True))}
    truth = np.full((len(data.items), len(column)), np.nan)
    for item, category, degree in rows.values_list("item", "category", "degree"):
        truth[place[item], column[category]] = float(degree >= 0.5)
    at = np.flatnonzero(~np.isnan(truth).all(axis=1))
    return at, np.nanargmax(truth[at], axis=1) if project.exclusive else truth[at]


def published_probabilities(project: Project, rows: np.ndarray, columns: np.ndarray) -> np.ndarray | None:
    """What the published classifier says of these rows; NaN for items that came after it."""
    if project.published is None:
        return None
    kept = arrays.load(project.published.arrays["probability"])
    found = np.full((len(rows), len(columns)), np.nan)
    seen, known = rows < len(kept), columns < kept.shape[1]
    found[np.ix_(seen, known)] = kept[np.ix_(rows[seen], columns[known])]
    found[np.ix_(seen, ~known)] = 0.0
    return found


def agreed_cells(project: Project, data: Dataset) -> np.ndarray:
    """(n, C) bool."""
    place = {pk: at for at, pk in enumerate(data.items.tolist())}
    column = {pk: at for at, pk in enumerate(project.categories.order_by("column").values_list("pk", flat=True))}
    agreed = np.zeros(data.targets.shape, bool)
    for item, category in Consensus.objects.agreed().filter(project=project).values_list("item", "category"):
        agreed[place[item], column[category]] = True
    return agreed


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
