"""What leaves the house, streamed: the labeled set, judgments, predictions, runs and ledger as rows, and rows as text.

Each function yields dicts of the same keys, a thousand items read at a time, and all probabilities of one export come
from one run, whatever is published meanwhile.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import product

from django.db.models import QuerySet
from django.utils import timezone

from labeling import comparing, forecasting, hearing
from labeling.deciding import acceptance, published, ruled_out, said, verdict
from labeling.models import Assignment, Certificate, Consensus, Item, Judgment, Project, Query, QueryCategory, QueryItem
from labeling.writing import as_csv, as_jsonl
from rewards import ledger as books
from segmentation.forecasts import Range

__all__ = ["FORMATS", "WHAT", "as_csv", "as_jsonl", "judgments", "labeled", "ledger", "predictions", "runs"]

CHUNK = 1_000
EXAM = "exam_items", "accuracy", "accuracy_low", "accuracy_high", "people_error", "delivered", "delivered_low"
EXAM += "delivered_high", "log_loss", "mean_confidence"  # of a run's figures


def labeled(project: Project) -> Iterator[dict]:
    """Every item with what is held true of it, decided or not:

    - id, categories: the names it belongs to as far as anybody says;
    - decided: whether that is settled, by agreement or by a classifier at least as sure as the project's `certain`;
      where the project accepts by certificate, the classifier settles only what one accepts;
    - decided_by: whose word the categories are: people, import, survey, admin, classifier (a guess where not decided),
      or nobody; of an item of several categories the least of those that said something;
    - decided_at: when it was agreed, or the run finished;
    - judgments: answers about the item that count; agreement: the share of them behind its foremost category (where
      items have several categories: of its least agreed one), null without any;
    - certificate: the one that covers the item, by its number, run, threshold, sample (`audited`, of which `wrong`),
      `bound` (at most this share of what it covers is wrong, as audits would have it) and `confidence` that it holds;
      where people have decided a covered item since, theirs is the word; nulls without one;
    - confidence, run: the classifier's, and which; withdrawn: taken out, never asked; exported: when this was read;
    - degree, error: {category: share of people who say yes, corrected for how reliable they are, and its standard
      error}; posterior: {category: probability of a yes, from people and, as far as trusted, the classifier};
    - probability: {category: the classifier's}. All null where unknown. While people agree only on what an item is
      not, that has probability 0, and the confidence is that among the rest.
    """
    exported, run = stamp(timezone.now()), published(project)
    categories, proof = list(project.categories.all()), acceptance(project, run)
    for items in chunks(project.items.all(), "row"):
        cells, answers = consensus_of(items), answers_about([item.pk for item in items])
        out = ruled_out(project, [cells[item.pk] for item in items], categories)
        left = said(run, items, categories, project.exclusive, out)
        plain = proof and said(run, items, categories, project.exclusive)
        proven = proof.of(items, plain, left) if proof else [None] * len(items)
        for item, sayings, certificate in zip(items, left, proven, strict=True):
            row = cells[item.pk]
            found = verdict(project, categories, row, sayings, run, certificate)
            yield {
                "id": item.identifier,
                "categories": found.categories,
                "decided": found.decided,
                "decided_by": found.by,
                "decided_at": found.at and stamp(found.at),
                "judgments": answers[item.pk],
                "agreement": agreement(row.values(), project.exclusive),
                "confidence": sayings.confidence,
                "run": run and run.number,
                "certificate": told(certificate),
                "withdrawn": item.withdrawn,
                "exported": exported,
                "degree": {c.name: round(row[c.pk].degree, 4) if c.pk in row else None for c in categories},
                "error": {c.name: round(row[c.pk].error, 4) if c.pk in row else None for c in categories},
                "posterior": {c.name: round(row[c.pk].posterior, 4) if c.pk in row else None for c in categories},
                "probability": {c.name: p for c, p in zip(categories, sayings.probability, strict=True)},
            }


def told(certificate: Certificate | None) -> dict:
    """A certificate in a row of the labeled set; the same names without one, since all rows have the same."""
    told = {name: getattr(certificate, name, None) for name in ("pk", "threshold", "share", "confidence", "bound")}
    counts = {name: getattr(certificate, name, None) for name in ("look", "accepted", "audited", "wrong")}
    run, made = (certificate.run.number, stamp(certificate.made)) if certificate else (None, None)
    return {"number": told.pop("pk"), "run": run, "made": made} | told | counts


def predictions(project: Project) -> Iterator[dict]:
    """What the published classifier says of every item it has seen; nothing where none is published."""
    run, categories = published(project), list(project.categories.all())
    if run is None:
        return
    for items in chunks(project.items.all(), "row"):
        for item, sayings in zip(items, said(run, items, categories, project.exclusive), strict=True):
            if sayings.confidence is not None:
                yield {
                    "id": item.identifier,
                    "categories": [categories[at].name for at in sayings.belongs],
                    "confidence": sayings.confidence,
                    "run": run.number,
                    "withdrawn": item.withdrawn,
                    "probability": {c.name: p for c, p in zip(categories, sayings.probability, strict=True)},
                }


def judgments(project: Project) -> Iterator[dict]:
    """Every judgment that stands, in the order of the answers (`answer` numbers them).

    `implied`: the category was offered beside those chosen, which says 0 of it. `counted`: it makes consensus; not so
    of gold and of workers set aside. Workers are numbered rather than named, so that the file can be shared.
    """
    names = dict(project.categories.values_list("pk", "name"))
    answers = Assignment.objects.answered().filter(query__project=project).select_related("query", "worker")
    for batch in chunks(answers, "pk"):
        cells = cells_answered(batch)
        items = dict(
            Item.objects.filter(pk__in={cell[0] for row in cells.values() for cell in row}).values_list(
                "pk", "identifier"
            )
        )
        for answer in batch:
            for (item, category), (degree, implied) in cells[answer.pk].items():
                yield {
                    "item": items[item],
                    "category": names[category],
                    "worker": f"w{answer.worker_id}",
                    "degree": degree,
                    "implied": implied,
                    "kind": answer.query.kind,
                    "query": answer.query_id,
                    "purpose": answer.query.purpose,
                    "counted": answer.query.purpose != Query.Purpose.GOLD and not answer.worker.set_aside,
                    "answer": answer.pk,
                    "answered": stamp(answer.finished),
                    "seconds": round((answer.finished - answer.offered).total_seconds(), 1),
                }


def ledger(project: Project) -> Iterator[dict]:
    """Every transfer of the project's budget, oldest first; amounts in the smallest unit of its currency."""
    for transfers in chunks(books.entries(project.budget), "pk"):
        for transfer in transfers:
            yield {
                "id": transfer.pk,
                "created": stamp(transfer.created),
                "kind": transfer.kind,
                "amount": transfer.amount,
                "currency": project.budget.currency,
                "debit": transfer.debit.holder,
                "credit": transfer.credit.holder,
                "reference": transfer.reference,
                "resolves": transfer.resolves_id,
                "corrects": transfer.corrects_id,
            }


def agreement_in_pairs(project: Project) -> Iterator[dict]:
    """Every two workers who judged something in common: how often they said the same, and beyond chance (Cohen's
    kappa, null where chance alone would always agree). Workers are numbered as in the judgments."""
    found = comparing.compare(project)
    for pair in found.pairs if found else ():
        yield {
            "worker": f"w{pair.one}",
            "other": f"w{pair.other}",
            "unit": found.unit,
            "common": pair.common,
            "same": pair.same,
            "share": round(pair.same / pair.common, 4),
            "kappa": None if pair.kappa is None else round(pair.kappa, 4),
        }


def runs(project: Project) -> Iterator[dict]:
    """Every finished run, oldest first: what was spent when it read the answers, what the exam found, and what it
    foretold: the accuracy (80% interval) at twice that spend, and what the project's aim takes in all. Null where it is
    not known."""
    for run in project.runs.done().order_by("number").select_related("forecast").defer("arrays"):
        figures, made = run.metrics, getattr(run, "forecast", None)
        twice = forecasting.between(made.fan, 2 * made.spent) if made else None
        needed = forecasting.needed(made, project.aim) if made and not made.missing else None
        yield {
            "number": run.number,
            "state": run.state,
            "classifier": run.classifier,
            "finished": stamp(run.finished),
            "training_items": run.training_items,
            "spent": figures.get("spent"),
            **{name: figures.get(name) for name in EXAM},
            "at_twice": spanned(twice),
            "aim": project.aim,
            "needed": spanned(needed),
        }


def spanned(span: Range | None) -> dict:
    return span._asdict() if span else dict.fromkeys(Range._fields)


WHAT = {
    "labeled": labeled,
    "judgments": judgments,
    "predictions": predictions,
    "agreement": agreement_in_pairs,
    "runs": runs,
    "ledger": ledger,
}
FORMATS = {"csv": (as_csv, "text/csv"), "jsonl": (as_jsonl, "application/jsonl")}  # rows -> pieces of text; media type


def chunks(rows: QuerySet, key: str) -> Iterator[list]:
    """All rows in the order of a unique, growing key, some at a time: no cursor stays open while somebody downloads."""
    last = -1
    while batch := list(rows.filter(**{f"{key}__gt": last}).order_by(key)[:CHUNK]):
        yield batch
        last = getattr(batch[-1], key)


def stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


# --- what people say -------------------------------------------------------------------------------------------------


def consensus_of(items: list[Item]) -> dict[int, dict[int, Consensus]]:
    cells = defaultdict(dict)
    for cell in Consensus.objects.filter(item__in=items):
        cells[cell.item_id][cell.category_id] = cell
    return cells


def answers_about(items: list[int]) -> dict[int, int]:
    """How many answers that make consensus are about each item."""
    counted = Assignment.objects.answered().filter(worker__set_aside=False).exclude(query__purpose=Query.Purpose.GOLD)
    explicit = Judgment.objects.standing().filter(item__in=items, assignment__in=counted)
    pairs = set(explicit.values_list("assignment", "item").distinct())
    implied = counted.filter(query__kind__in=hearing.IMPLYING, query__query_items__item__in=items)
    pairs.update(implied.values_list("pk", "query__query_items__item"))
    answers = defaultdict(int)
    for _, item in pairs:
        answers[item] += 1
    return answers


def agreement(cells: Iterable[Consensus], exclusive: bool) -> float | None:
    """What is agreed because no other category is left rests on people too, though nobody judged it by itself."""
    people = Consensus.Source.PEOPLE
    shares = [cell.share for cell in cells if cell.judgments or (cell.agreed and cell.source == people)]
    if not shares:
        return None
    return round(max(shares) if exclusive else min(max(share, 1 - share) for share in shares), 4)


def cells_answered(answers: list[Assignment]) -> dict[int, dict[tuple[int, int], tuple[float, bool]]]:
    """{answer: {(item, category): (degree, implied)}}, zeros by implication included."""
    cells = defaultdict(dict)
    rows = Judgment.objects.standing().filter(assignment__in=answers).order_by("pk")
    for answer, item, category, degree in rows.values_list("assignment", "item", "category", "degree"):
        cells[answer][item, category] = (degree, False)
    implying = {answer.query_id for answer in answers if answer.query.kind in hearing.IMPLYING}
    items = QueryItem.objects.filter(query__in=implying).order_by("pk").values_list("query", "item")
    categories = QueryCategory.objects.filter(query__in=implying).order_by("pk").values_list("query", "category")
    shown, offered = gathered(items), gathered(categories)
    for answer in answers:
        for cell in product(shown[answer.query_id], offered[answer.query_id]):
            cells[answer.pk].setdefault(cell, (0.0, True))
    return cells


def gathered(pairs: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    found = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found
