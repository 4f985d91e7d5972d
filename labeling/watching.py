"""Who watches over the workers: what speaks against one is kept in words and, where the admin says so, pauses them.

Nobody comes under suspicion before ten answers. Who is paused is offered nothing further and keeps what was earned,
until an admin lets them go on or sets them aside; what an admin has excused is not held against them again.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import product

import numpy as np
from django.db import transaction
from django.db.models import Q

from labeling.crowd import Answers, Consensus, following, watching
from labeling.hearing import IMPLYING
from labeling.models import (
    Assignment,
    Gold,
    Judgment,
    Member,
    Project,
    QueryCategory,
    QueryItem,
    Suspicion,
    Watch,
)

Reason = Suspicion.Reason
RECENT = 20_000  # answers looked at, the latest of a project: a second at most
CELLS = 60_000  # or the latest that judge so many cells, where an answer judges many
BATCH = 1_000  # keys in one statement
REST = timedelta(minutes=1)  # between two looks at a project
RULES = {Reason.FAST: "on_fast", Reason.GUESSING: "on_guessing", Reason.COPYING: "on_copying"}


# --- when ------------------------------------------------------------------------------------------------------------


def watch_all(now: datetime) -> int:
    """Look at the workers of every project in which answers have come since; says at how many projects."""
    return sum(watch_if_due(project, now) for project in Project.objects.active())


def watch_if_due(project: Project, now: datetime) -> bool:
    """Look at a project's workers if there are new answers, and not again within a minute; says whether it did."""
    if not rules(project):
        return False
    rested = Q(watched=None) | Q(watched__lt=now - REST)
    answered = Assignment.objects.answered().filter(worker__project=project)
    if project.watched and not answered.filter(finished__gt=project.watched).exists():
        return False
    if not Project.objects.filter(rested, pk=project.pk).update(watched=now):
        return False
    watch(project, now)
    return True


def look(project: Project, now: datetime) -> list[Suspicion]:
    """Look at a project's workers now, because an admin asks."""
    Project.objects.filter(pk=project.pk).update(watched=now)
    return watch(project, now)


def rules(project: Project) -> dict[str, str]:
    """What follows from each suspicion, without those that are off."""
    found = {reason: getattr(project, field) for reason, field in RULES.items()}
    return {reason: rule for reason, rule in found.items() if rule != Watch.OFF}


# --- what speaks against whom ----------------------------------------------------------------------------------------


def watch(project: Project, now: datetime) -> list[Suspicion]:
    """Weigh the latest answers; keep what speaks against whom, and pause whom the rules say. Returns what stands."""
    answers = recent(project)
    found = suspicions(project, answers, now) if answers else []
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        standing = Suspicion.objects.filter(worker__project=project, worker__paused=None)
        standing.exclude(pk__in=[one.pk for one in kept(found)]).delete()
        for one in found:
            if rules(project)[one.reason] == Watch.PAUSE:
                pause(one.worker, now)
    return found


def kept(found: Sequence[Suspicion]) -> list[Suspicion]:
    """Write them; of one that stood before the moment it was raised stays."""
    return [
        Suspicion.objects.update_or_create(
            worker=one.worker,
            reason=one.reason,
            defaults={"odds": one.odds, "figures": one.figures},
            create_defaults={"odds": one.odds, "figures": one.figures, "raised": one.raised},
        )[0]
        for one in found
    ]


def pause(worker: Member, now: datetime) -> bool:
    """No further offers; says whether it was not so before."""
    return bool(Member.objects.present().trusted().filter(pk=worker.pk, paused=None).update(paused=now))


def let_go_on(worker: Member, now: datetime) -> None:
    """An admin has looked: what was answered until now is not held against the worker any more."""
    with transaction.atomic():
        Member.objects.filter(pk=worker.pk).update(paused=None, excused=now)
        worker.suspicions.all().delete()


def suspicions(project: Project, answers: Sequence[Assignment], now: datetime) -> list[Suspicion]:
    """What the figures say, not yet written."""
    names = {answer.worker_id: answer.worker for answer in answers}
    workers = np.array(sorted(names))
    found = weighed(project, answers, workers)
    watched = [reason for reason in rules(project) if reason in found]
    odds = np.array([found[reason].odds for reason in watched])
    named = [names[int(worker)].user.get_username() for worker in workers]
    flags = watching.flagged(odds, project.watch_level) if len(watched) else []
    return [
        Suspicion(
            worker=names[int(workers[at])], reason=reason, raised=now,
            odds=round(float(odds[row, at]) / np.log(10), 3), figures=FIGURES[reason](found[reason], at, named),
        )
        for row, reason in enumerate(watched) for at in np.flatnonzero(flags[row])
    ]  # fmt: skip


def weighed(project: Project, answers: Sequence[Assignment], workers: np.ndarray) -> dict:
    """{reason: a row a worker}."""
    held = [one for one in answers if not (one.worker.excused and one.finished <= one.worker.excused)]
    found = {Reason.FAST: hurried(held, workers)}
    table, gold, excused, shape = tables(project, answers)
    if len(table.item):
        model = Consensus(project.exclusive).fit(table, gold=gold, shape=shape)
        forms = watching.foretold(model, table, excused)
        found |= {
            Reason.GUESSING: watching.guessing(forms, workers),
            Reason.COPYING: following.copying(model, table, workers, excused),
        }
    return found


def hurried(answers: Sequence[Assignment], workers: np.ndarray) -> watching.Hurrying:
    seconds = np.array([(one.finished - one.offered).total_seconds() for one in answers], float)
    names = np.array([one.worker_id for one in answers], int)
    return watching.hurrying(names, seconds, np.array([one.query.kind for one in answers]), workers)


# --- answers as a table ----------------------------------------------------------------------------------------------


def recent(project: Project) -> list[Assignment]:
    """The latest answers of those not set aside, oldest first; gold and tests too."""
    answers = Assignment.objects.answered().filter(worker__project=project, worker__set_aside=False)
    found = answers.select_related("worker__user", "query").only(
        "worker__excused", "worker__user__username", "query__kind", "offered", "finished"
    )
    most = RECENT if project.exclusive else min(RECENT, CELLS // max(len(project.category_keys), 1))
    return list(found.order_by("-finished", "-pk")[:most])[::-1]


def tables(project: Project, answers: Sequence[Assignment]):
    """(Answers in the order of answering, gold, {worker: the first row not excused}, shape)."""
    rows = [
        (item, category, one.worker_id, degree, one.query.kind, one.pk)
        for one, cells in zip(answers, cells_of(answers), strict=True)
        for (item, category), degree in cells.items()
    ]
    excused: dict[int, int] = defaultdict(int)
    finished = {one.pk: one for one in answers}
    for at, (*_, answer) in enumerate(rows):
        one = finished[answer]
        if one.worker.excused and one.finished <= one.worker.excused:
            excused[one.worker_id] = at + 1
    item, category, worker, degree, kind, query = zip(*rows, strict=True) if rows else [()] * 6
    items, item = np.unique(np.array(item, int), return_inverse=True)
    columns = {pk: at for at, pk in enumerate(project.category_keys)}
    category = np.array([columns[one] for one in category], int)
    table = Answers(item.ravel(), category, np.array(worker, int), np.array(degree, float), np.array(kind, str),
                    np.array(query, int))  # fmt: skip
    return table, gold_of(items, columns), dict(excused), (len(items), len(columns))


def gold_of(items: np.ndarray, columns: Mapping[int, int]):
    """What is known beforehand of these items, as the model takes it."""
    place = {int(pk): at for at, pk in enumerate(items)}
    rows = list(among(Gold.objects.filter(category__in=columns), "item", place, "category", "degree"))
    if not rows:
        return None
    item, category, degree = zip(*rows, strict=True)
    return np.array([place[one] for one in item]), np.array([columns[one] for one in category]), np.array(degree)


def cells_of(answers: Sequence[Assignment]) -> list[dict[tuple[int, int], float]]:
    """{(item, category): degree} of each answer, zeros by implication included."""
    implying = {one.query_id for one in answers if one.query.kind in IMPLYING}
    shown, offered = defaultdict(list), defaultdict(list)
    for query, item in among(QueryItem.objects, "query", implying, "item"):
        shown[query].append(item)
    for query, category in among(QueryCategory.objects, "query", implying, "category"):
        offered[query].append(category)
    cells = {one.pk: dict.fromkeys(product(shown[one.query_id], offered[one.query_id]), 0.0) for one in answers}
    said = Judgment.objects.standing()
    for answer, item, category, degree in among(said, "assignment", cells, "item", "category", "degree"):
        cells[answer][item, category] = degree
    return list(cells.values())


def among(rows, field: str, keys: Collection[int], *columns: str) -> Iterator[tuple]:
    """(field, *columns) of the rows whose `field` is among these keys, some keys at a time."""
    keys = list(keys)
    for start in range(0, len(keys), BATCH):
        yield from rows.filter(**{f"{field}__in": keys[start : start + BATCH]}).values_list(field, *columns)


# --- in words --------------------------------------------------------------------------------------------------------


def speed(found: watching.Hurrying, at: int, names: Sequence[str]) -> dict:
    return {
        "fast": int(found.fast[at]),
        "of": int(found.of[at]),
        "limit": round(float(found.limit[at]), 2),
        "median": round(float(found.median[at]), 2),
    }


def chance(found: watching.Guessing, at: int, names: Sequence[str]) -> dict:
    return {"sides": int(found.sides[at]), "of": int(found.of[at]), "chance": round(float(found.chance[at]), 1)}


def company(found: following.Copying, at: int, names: Sequence[str]) -> dict:
    other = int(found.other[at])
    return {
        "other": "" if other == following.NOBODY else names[other],
        "same": int(found.same[at]),
        "erred": int(found.erred[at]),
        "usual": round(float(found.usual[at]), 3),
    }


FIGURES: dict[str, Callable] = {Reason.FAST: speed, Reason.GUESSING: chance, Reason.COPYING: company}
WORDS = {
    Reason.FAST: "Answered {fast} of {of} in under {limit:.1f} s; the others' median is {median:.1f} s.",
    Reason.GUESSING: "Sides with others no more than chance would: {sides} of {of}, chance {chance:.1f}.",
    Reason.COPYING: "Gave the same wrong answer as {other} on {same} of {erred} that {other} got wrong; "
    "other people do so on {usual:.0%}.",
}
FIRST = "whoever answered first"


def sentence(suspicion: Suspicion) -> str:
    """What speaks against the worker, for an admin to act on."""
    figures = suspicion.figures | ({"other": suspicion.figures.get("other") or FIRST})
    return WORDS[suspicion.reason].format(**figures)


def rarity(suspicion: Suspicion) -> int:
    """An honest worker comes to look like this at most once in so many; a million stands for more."""
    return int(10 ** min(suspicion.odds, 6))
