"""A worker's judgments are left out of consensus, or taken in again, and all they spoke of is made anew.

Rule: what counts is decided at once. The consensus of a few items follows while one waits, that of many in the cluster,
and a row says how far it has come; no money moves.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest, Least
from django.utils import timezone
from django_q.tasks import async_task

from labeling import agreeing, rating
from labeling.models import Assignment, Member, Query, QueryItem, Renewal

AT_ONCE = 200  # items: a quarter of a second
SILENCE = timedelta(minutes=1)  # after which a renewal is rung for again


def set_aside(worker: Member, aside: bool, *, now: datetime) -> Renewal:
    """Leave a worker's judgments out, or take them in again; returns what is renewed for it, and how far it is."""
    with transaction.atomic():
        if Member.objects.filter(pk=worker.pk, set_aside=not aside).update(set_aside=aside):
            yield_places(worker, aside)
        renewal, _ = Renewal.objects.update_or_create(
            worker=worker, defaults={"begun": now, "heard": now, "done": 0, "items": judged_by(worker).count()}
        )
    worker.set_aside = aside
    if renewal.items > AT_ONCE:
        ring(renewal)
    else:
        renew(renewal)
    return renewal


def ring(renewal: Renewal) -> None:
    async_task("labeling.tasks.renew", renewal.pk)


def sweep(now: datetime) -> int:
    """Ring again for what was begun and is not heard of; says for how many."""
    silent = list(Renewal.objects.filter(heard__lt=now - SILENCE))
    for renewal in silent:
        ring(renewal)
    return len(silent)


def renew(renewal: Renewal) -> None:
    """From the beginning. Twice does no harm; where it was begun anew meanwhile, the earlier one stops."""
    project, items = renewal.worker.project, list(judged_by(renewal.worker).values_list("item", flat=True))
    mine = Renewal.objects.filter(pk=renewal.pk, begun=renewal.begun)
    for start in range(0, len(items), agreeing.BATCH):
        batch = items[start : start + agreeing.BATCH]
        with transaction.atomic():
            agreeing.renew_batch(project, batch, timezone.now())
        renewal.done = start + len(batch)
        if not mine.update(done=renewal.done, heard=timezone.now()):
            return
    rating.count_all(project)
    mine.delete()


def judged_by(worker: Member):
    """Rows that name the items this worker answered about, each once."""
    answered = Assignment.objects.answered().filter(worker=worker)
    return QueryItem.objects.filter(query__in=answered.values("query")).order_by("item").values("item").distinct()


def yield_places(worker: Member, aside: bool) -> None:
    """Somebody else is asked in place of who is set aside; who comes back takes a place that is still free."""
    answered = Assignment.objects.answered().filter(worker=worker).values("query")
    places = Greatest(F("asked") - 1, 0) if aside else Least(F("asked") + 1, F("wanted"))
    queries = Query.objects.open().filter(pk__in=answered)
    queries.update(asked=places)
    if not aside:
        for query in queries:
            agreeing.close_if_answered(query, settled=False)
