"""Refit: all answers read together. Every worker, every kind and the classifier's worth are found anew, and what is
stored of items is renewed wherever that moved it. Answers go on meanwhile; an item is renewed from its rows as they are
then."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import numpy as np
from django.db import transaction

from labeling import agreeing, arrays, believing, crowd, predicting, rating
from labeling.crowd import posteriors
from labeling.models import Consensus, Judgment, Member, Project, Refit, Reliability
from labeling.recalling import Log, recall

REST = timedelta(minutes=5)  # between refits by the clock
MOVED = 0.01  # of a posterior: less is not worth a write
KEPT = 2  # refits whose arrays stay: who reads the one before may still do so


def sweep(now: datetime) -> int:
    """Refit what people have answered since it was last refitted; says how many projects."""
    due = [project for project in Project.objects.active().select_related("refit") if is_due(project, now)]
    for project in due:
        refit(project, now)
    return len(due)


def is_due(project: Project, now: datetime) -> bool:
    last = project.refit
    if last and last.made > now - REST:
        return False
    return Judgment.objects.filter(pk__gt=last.last if last else 0, worker__project=project).exists()


def refit(project: Project, now: datetime) -> Refit | None:
    """The new refit, None while nobody has answered."""
    log = recall(project)
    if log is None:
        rating.count_all(project)
        return None
    prior, mass = foretold(project, log)
    begun = {worker.pk: believing.known_beforehand(worker) for worker in project.members.workers()}
    fitted = crowd.Consensus(project.exclusive).fit(
        log.tables, gold=log.gold, prior=prior, mass=mass, shape=log.shape, begun=begun
    )
    done = publish(project, log, fitted, now)
    for start in range(0, len(moved := moved_by(project, log, fitted)), agreeing.BATCH):
        with transaction.atomic():
            agreeing.renew_batch(project, moved[start : start + agreeing.BATCH], now)
    rating.count_all(project)
    return done


def foretold(project: Project, log: Log) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The published run's cross-fitted probabilities of these items, and how much evidence lies near each.

    Of items that measure the classifier it has nothing to say, and of new items and categories it knows nothing.
    """
    run = project.published if project.published_id else None
    if run is None or "prior" not in run.arrays:
        return None, None
    near, columns = arrays.load(run.arrays["mass"]), project.categories.order_by("column")
    prior = predicting.known(arrays.load(run.arrays["prior"]), log.rows, columns.values_list("column", flat=True))
    prior = prior.astype(float)
    known = ~np.isnan(prior).all(axis=1)
    prior = np.where(np.isnan(prior), 1 / log.shape[1] if project.exclusive else 0.5, prior)
    mass = np.where(known & ~log.blind, near[np.minimum(log.rows, len(near) - 1)], 0.0)
    return prior / prior.sum(axis=1, keepdims=True) if project.exclusive else prior, mass


def publish(project: Project, log: Log, fitted: crowd.Consensus, now: datetime) -> Refit:
    """What answers are read by from now on, and everybody's reliability."""
    width = believing.of(project).width
    pools = {str(kind): pool for (kind, size), pool in fitted.pools_.items() if size == width(str(kind))}
    made = {f"rates.{kind}": pool.rates for kind, pool in pools.items()} | {"base": fitted.base_}
    made |= fitted.looks_._asdict()
    if fitted.blend_:
        made["prior"] = spread(project, log, fitted.prior_)
    done = Refit(
        project=project,
        run=project.published,
        made=now,
        last=log.last,
        judgments=sum(len(table.item) for table in log.tables),
        categories=log.categories,
        blend=fitted.blend_,
        asked={kind: float(share) for kind, share in fitted.asked_.items()},
        skills={kind: pool.skill for kind, pool in pools.items()},
        arrays={name: arrays.save(f"{project.pk}/refit", np.asarray(array)) for name, array in made.items()},
    )
    with transaction.atomic():
        done.save()
        rate(fitted.workers_)
        Project.objects.filter(pk=project.pk).update(refit=done)
    project.refit = done
    prune(project)
    return done


def spread(project: Project, log: Log, prior: np.ndarray) -> np.ndarray:
    """(rows, C) float32, NaN where nobody has judged yet: there the published run speaks for itself."""
    whole = np.full((int(log.rows.max()) + 1, len(log.categories)), np.nan, np.float32)
    whole[log.rows] = prior
    return whole


def rate(workers: crowd.Workers) -> None:
    """Write everybody's reliability in each kind, and over all kinds."""
    rows = [
        Reliability(worker_id=int(name), kind=str(kind), rating=float(right), error=min(1.0, float(error)),
                    judged=int(judged), counts=believing.packed(counts), copies=float(copies))
        for name, kind, right, error, judged, counts, copies in zip(
            workers.name, workers.kind, workers.rating, workers.error, workers.judged, workers.counts, workers.copies,
            strict=True)
    ]  # fmt: skip
    Reliability.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["worker", "kind"], update_fields=rating.FIGURES
    )
    by_worker: dict[int, list[Reliability]] = {}
    for row in rows:
        by_worker.setdefault(row.worker_id, []).append(row)
    members = [Member(pk=pk, rating=rating.overall(kinds)) for pk, kinds in by_worker.items()]
    Member.objects.bulk_update(members, ["rating"], batch_size=500)


def moved_by(project: Project, log: Log, fitted: crowd.Consensus) -> list[int]:
    """Items of which people's rows say something else than is believed now."""
    place = {int(pk): at for at, pk in enumerate(log.items)}
    column = {pk: at for at, pk in enumerate(log.categories)}
    posterior, evidence = np.full(log.shape, np.nan), np.zeros(log.shape)
    rows = Consensus.objects.of_people().filter(project=project)
    for item, category, probable, nats in rows.values_list("item", "category", "posterior", "evidence").iterator():
        if item in place:
            at = place[item], column[category]
            posterior[at], evidence[at] = probable, nats
    flat = np.full(log.shape[1], 1 / log.shape[1] if project.exclusive else 0.5)
    likely = [posteriors.posterior(one, flat, project.exclusive) for one in (evidence, fitted.evidence_)]
    moved = (abs(posterior - fitted.probas_) > MOVED) | (abs(likely[0] - likely[1]) > MOVED)
    moved &= ~np.isnan(posterior)
    moved[log.gold[0]] &= False if project.exclusive else moved[log.gold[0]]
    moved[log.gold[0], log.gold[1]] = False  # known beforehand: not people's to say
    new = np.isnan(posterior).all(axis=1)
    new[log.gold[0]] = False
    return log.items[moved.any(axis=1) | new].tolist()


def prune(project: Project) -> None:
    """Delete refits that nobody reads any more, with their arrays."""
    refits = list(project.refits.order_by("-made", "-pk"))
    arrays.delete(pointers(refits[KEPT:]), kept=pointers(refits[:KEPT]))
    for refit in refits[KEPT:]:
        refit.delete()


def pointers(refits: Iterable[Refit]) -> list[dict]:
    return [pointer for refit in refits for pointer in refit.arrays.values()]
