"""Items that come after a run are classified by it at once, and so join the doubt before the next run.

The published array grows by their rows: a new version, to which one conditional UPDATE turns that names the run and the
attempt. Until then, and where a run kept nothing to classify by, nothing is known of these items, as the board has it.
"""

import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django_q.tasks import async_task

from labeling import arrays, artifacts, attempts, selecting
from labeling.attempts import CLUSTER, State
from labeling.dataset import CannotLearn, Report, Some
from labeling.models import Classification, Project, TrainingRun

log = logging.getLogger(__name__)

BLOCK = 2_000  # items read, described and classified at a time: memory holds these, however many have come
OVERTAKEN = "Another run was published meanwhile."
BEFORE = "probability before"  # among a run's arrays: the version that readers may still hold


# --- request ---------------------------------------------------------------------------------------------------------


def behind(project: Project) -> int:
    """How many rows the published run does not know; 0 without one."""
    known = project.published.arrays.get("probability") if project.published_id else None
    return max(0, project.rows - known["shape"][0]) if known else 0


def is_due(project: Project) -> bool:
    """Can the published run classify what came after it, and is nobody at it, nor has it failed at just that?"""
    if not behind(project) or artifacts.why_not(project.published):
        return False
    settled = Q(state__in=Classification.PENDING) | Q(state=State.FAILED, rows__gte=project.rows)
    return not project.published.classifications.filter(settled).exists()


def request(project: Project, now: datetime) -> Classification | None:
    """Queue the classification of what came after the published run, if there is anything to classify."""
    with transaction.atomic():
        list(Project.objects.select_for_update(no_key=True).filter(pk=project.pk).values("pk"))  # one after the other
        project.refresh_from_db(fields=["published", "rows"])
        if not is_due(project):
            return None
        run = project.published
        last = run.classifications.values_list("pk", flat=True).first()  # which its process may still be looking at
        run.classifications.exclude(pk=last).delete()
        new = Classification.objects.create(run=run, rows=project.rows, requested=now)
        ring(new)
        return new


def ring(new: Classification) -> None:
    async_task("labeling.tasks.classify", new.pk, cluster=CLUSTER)


def sweep(now: datetime) -> int:
    """Repair what lost its process or its bell, and find imports that ended before they rang; says for how many it
    rang."""
    published = Project.objects.active().exclude(published=None).select_related("published")
    lost = sum(request(project, now) is not None for project in published if is_due(project))
    return lost + attempts.sweep(Classification.objects.all(), ring, now)


@dataclass(frozen=True)
class Newcomers:
    """Items that came after the published run: how many, who is at them or has failed at them, and why it cannot."""

    count: int
    work: Classification | None
    sentence: str

    @property
    def pending(self) -> Classification | None:
        return self.work if self.work and self.work.state in Classification.PENDING else None


def newcomers(project: Project) -> Newcomers | None:
    """None where the published run knows every item, or there is none."""
    if not behind(project):
        return None
    run = project.published
    count = project.items.filter(row__gte=run.arrays["probability"]["shape"][0]).count()
    work = run.classifications.first()
    failed = work.message if work and work.state == State.FAILED else ""
    return Newcomers(count, work, artifacts.why_not(run) or failed) if count else None


# --- execute ---------------------------------------------------------------------------------------------------------


def execute(new: Classification) -> Classification:
    """From start to the array that holds them, in this process."""
    return carry_out(new) if attempts.start(new, "Reading the new items") else new


def carry_out(new: Classification) -> Classification:
    """What follows the start of an attempt; then what is in doubt is asked, and what came meanwhile classified."""
    try:
        if new.run.project.published_id == new.run_id:
            publish(new, grown(new, attempts.reporter(new)))
        else:
            attempts.finish(new, State.REFUSED, OVERTAKEN)
    except CannotLearn as sentence:
        attempts.finish(new, State.FAILED, str(sentence))
    except Exception as error:
        log.exception("%s failed", new)
        attempts.finish(new, State.FAILED, f"{type(error).__name__}: {error}"[:500])
    new.refresh_from_db()
    now, project = timezone.now(), new.run.project
    selecting.ring(project, now)
    request(project, now)
    return new


def grown(new: Classification, report: Report) -> dict:
    """The pointer to the run's probabilities with the rows of the new items, made block by block on disk."""
    run = new.run
    stored, columns = arrays.load(run.arrays["probability"]), run.arrays["probability"]["shape"][1]
    classifier, maker = artifacts.classifier_of(run), artifacts.maker_of(run)
    with tempfile.TemporaryFile(dir=settings.ARRAYS_CACHE) as file:
        whole = np.memmap(file, np.float32, "w+", shape=(max(new.rows, len(stored)), columns))
        whole[: len(stored)] = stored
        whole[len(stored) :] = np.nan
        for some in blocks(run.project, len(stored), new.rows):
            whole[some.rows] = artifacts.classify(run, classifier, maker, some)
            done = int(some.rows[-1]) + 1 - len(stored)
            report(done / len(whole[len(stored) :]), f"Classified {done:,} of {new.rows - len(stored):,} new items")
        return arrays.save(f"{run.project_id}/probability", whole)


def blocks(project: Project, first: int, end: int) -> Iterator[Some]:
    """The items in rows from `first` to before `end`, in array order, a BLOCK at a time."""
    for start in range(first, end, BLOCK):
        rows = project.items.filter(row__range=(start, min(start + BLOCK, end) - 1)).order_by("row")
        table = np.array(list(rows.values_list("pk", "row")), int).reshape(-1, 2)
        if len(table):
            yield Some(project, table[:, 0], table[:, 1])


# --- publish ---------------------------------------------------------------------------------------------------------


def publish(new: Classification, pointer: dict) -> bool:
    """Turn the run to its grown array, if it is still the published one and this the attempt at it."""
    run = new.run
    made = run.arrays | {"probability": pointer, BEFORE: run.arrays["probability"]}
    with transaction.atomic():
        published = Project.objects.filter(published=OuterRef("pk"))
        mine = attempts.mine(new).filter(run=OuterRef("pk"))
        won = TrainingRun.objects.filter(Exists(published), Exists(mine), pk=run.pk).update(arrays=made)
        if won:
            attempts.finish(new, State.DONE, f"{new.rows:,} rows are classified.")
        else:
            attempts.finish(new, State.REFUSED, OVERTAKEN)
    if won and BEFORE in run.arrays:
        kept = run.project.runs.values_list("arrays", flat=True)
        arrays.delete([run.arrays[BEFORE]], kept=[pointer for made in kept for pointer in made.values()])
    return bool(won)
