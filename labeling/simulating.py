"""Replay recorded people's answers through the flows that serve real workers: ask, answer, agree, pay, train, select.

Every recorded answer is used once. A query goes to the worker with the most unused answers among its items; tiles of a
grid that this worker never answered are skipped; when nobody's unused answer fits, the query is withdrawn for good.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from labeling import answering, asking, board, importing, opening, selecting, training
from labeling.models import Consensus, Item, Media, Member, Project, Query
from rewards import ledger


class Unreadable(Exception):
    """The folder does not hold what a replay needs; the sentence says what."""


@dataclass(frozen=True)
class Recording:
    """What people once answered about a set of items.

    rows: importable items; answers: {item: {worker: chosen categories}}; truth: {item: {category: true or false}};
    test: items nobody answered, kept to score the classifier; exclusive: one category an item.
    """

    media: str
    rows: list[dict]
    answers: dict[str, dict[str, frozenset[str]]]
    truth: dict[str, dict[str, bool]]
    test: frozenset[str]
    categories: list[str]
    exclusive: bool


def read(folder: Path) -> Recording:
    """answers.csv (item, worker, label), truth.csv (item[, category], label, split), items.csv or features.npz."""
    answers: dict = defaultdict(dict)
    for row in table(folder / "answers.csv", "item", "worker", "label"):
        answers[row["item"]][row["worker"]] = frozenset(row["label"].split("|"))
    facts = list(table(folder / "truth.csv", "item", "label", "split"))
    by_cell = bool(facts) and "category" in facts[0]
    said = {name for chosen in answers.values() for names in chosen.values() for name in names}
    known = {row["category"] if by_cell else row["label"] for row in facts}
    categories = sorted(said | known)
    truth: dict = defaultdict(dict)
    for row in facts:
        if by_cell:
            truth[row["item"]][row["category"]] = float(row["label"]) >= 0.5
        else:
            truth[row["item"]] = {name: name == row["label"] for name in categories}
    test = frozenset(row["item"] for row in facts if row["split"] == "test")
    media, rows = contents(folder)
    return Recording(media, rows, dict(answers), dict(truth), test, categories, exclusive=not by_cell)


def table(path: Path, *columns: str) -> Iterator[dict]:
    if not path.exists():
        raise Unreadable(f"{path} is missing. A replay needs answers.csv, truth.csv and items.csv or features.npz.")
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if missing := set(columns) - set(reader.fieldnames or ()):
            raise Unreadable(f"{path} has no column {', '.join(sorted(missing))}.")
        yield from reader


def contents(folder: Path) -> tuple[str, list[dict]]:
    """The items, as `importing` takes them: numbers as records, anything else as text."""
    if (folder / "features.npz").exists():
        with np.load(folder / "features.npz", allow_pickle=False) as archive:
            pairs = zip(archive["ids"].tolist(), archive["X"].astype(float), strict=True)
            rows = [{"id": str(name), "values": {f"f{at}": v for at, v in enumerate(x.tolist())}} for name, x in pairs]
        return Media.RECORD, rows
    rows = list(table(folder / "items.csv", "item", "text"))
    extra = [name for name in (rows[0] if rows else ()) if name not in ("item", "text")]
    return Media.TEXT, [
        {"id": row["item"], "text": "\n\n".join([row["text"], *(f"{name}: {row[name]}" for name in extra)])}
        for row in rows
    ]


class Replay:
    """One recording played through one project.

    Parameters: recording; budget in the ledger's smallest unit (None: enough for every recorded answer); policy, a
    `Project.Policy`; seed; settings, further fields of the project.
    """

    def __init__(self, recording: Recording, *, budget: int | None = None, seed: int = 0, **settings):
        self.recording, self.seed = recording, seed
        self.random = np.random.default_rng(seed)
        self.unused = {item: dict(answers) for item, answers in recording.answers.items()}
        self.used = 0
        self.asked: set[str] = set()  # items that somebody answered; a tile that was skipped is not asked
        self.project = self.open(settings)
        total = sum(map(len, recording.answers.values())) * len(recording.categories)
        ledger.fund(self.project.budget, total if budget is None else budget)

    def open(self, settings: dict) -> Project:
        recording = self.recording
        owner = User.objects.create_user("replay")
        fields = {"cell_price": 1, "target_confidence": 1.0, "exam_share": 0.0, "gold_share": 0.0} | settings
        project = opening.open_project(
            owner, name="Replay", categories=recording.categories, media=recording.media,
            exclusive=recording.exclusive, **fields,
        )  # fmt: skip
        importing.import_rows(project, recording.rows)
        project.refresh_from_db()
        self.items = {item.identifier: item for item in project.items.all()}
        silent = [item.pk for name, item in self.items.items() if not self.unused.get(name)]
        Item.objects.filter(pk__in=silent).update(
            withdrawn=True
        )  # nobody answered these: they are there to be predicted
        names = sorted({worker for answers in recording.answers.values() for worker in answers})
        self.workers = {
            name: opening.join(User.objects.create_user(name), project, Member.Role.WORKER) for name in names
        }
        for worker in self.workers.values():
            worker.project = project
        shares = self.random.random(len(self.items)) < 0.2
        self.fixed = {name for name, chosen in zip(sorted(self.items), shares, strict=True) if chosen}
        return project

    def play(self) -> Iterator[dict]:
        """The figures after each run, starting with those before any training."""
        yield self.figures(0)
        selecting.refill(self.project, random_state=self.seed)
        while self.answer_all_open():
            if run := self.train():
                yield self.figures(run.number)
            if (
                not selecting.refill(self.project, random_state=self.seed + self.used).opened
                and not self.open_queries()
            ):
                break
        if training.newly_agreed(self.project):
            training.request(self.project, "the last answers", now=timezone.now(), seed=self.seed)
            if run := self.train():
                yield self.figures(run.number)

    # --- people ------------------------------------------------------------------------------------------------------

    def open_queries(self):
        return Query.objects.filter(project=self.project).open().order_by("-value", "pk")

    def answer_all_open(self) -> bool:
        """Answer what is open, dearest first, until a run is due or nothing is left; says whether any was answered."""
        answered = False
        while query := self.open_queries().first():
            query.project = self.project
            worker = self.most_answers(query)
            if worker is None or query.asked >= query.wanted:
                self.withdraw(query)
                continue
            try:
                self.answer(query, worker)
            except ledger.BudgetExhausted:
                self.withdraw(query)
                continue
            answered = True
            if self.project.runs.pending().exists():
                return True
        return answered

    def most_answers(self, query: Query) -> str | None:
        """The worker with the most unused answers among the query's items; equals at random."""
        counts: dict[str, int] = defaultdict(int)
        for item in query.item_list:
            for worker in self.unused.get(item.identifier, ()):
                counts[worker] += 1
        if not counts:
            return None
        best = max(counts.values())
        return str(self.random.choice(sorted(worker for worker, count in counts.items() if count == best)))

    def answer(self, query: Query, name: str) -> None:
        """The way a browser goes: a place, an offer, an answer."""
        with transaction.atomic():
            query.take_place()
            worker = Member.objects.select_related("user").get(pk=self.workers[name].pk)
            worker.project = self.project
            assignment = asking.offer(query, worker, timezone.now())
        names = {category.pk: category.name for category in query.category_list}
        shown = {item.pk: self.unused[item.identifier].pop(name, None) for item in query.item_list}
        self.used += sum(chosen is not None for chosen in shown.values())
        degrees = {
            cell: float(names[cell.category] in shown[cell.item])
            for cell in query.cells()
            if shown[cell.item] is not None
        }
        try:
            answering.record(assignment, degrees, now=timezone.now())
            self.asked |= {item.identifier for item in query.item_list if shown[item.pk] is not None}
        except answering.AnswerRefused:  # a recorded answer that this query cannot hold, such as a choice not offered
            asking.give_back(assignment, now=timezone.now())
        for item in query.item_list:
            if not self.unused[item.identifier]:
                Item.objects.filter(pk=item.pk).update(withdrawn=True)  # nobody is left to ask

    def withdraw(self, query: Query) -> None:
        Query.objects.filter(pk=query.pk).update(state=Query.State.WITHDRAWN)

    # --- the classifier ----------------------------------------------------------------------------------------------

    def train(self):
        """Execute the run that is due, in this process; None if none is or it could not learn."""
        run = self.project.runs.pending().first()
        if run is None:
            return None
        type(run).objects.filter(pk=run.pk).update(seed=self.seed + run.number)
        run = training.execute(type(run).objects.get(pk=run.pk))
        self.project.refresh_from_db()
        for worker in self.workers.values():
            worker.project = self.project
        return run

    # --- figures -----------------------------------------------------------------------------------------------------

    def figures(self, run: int) -> dict:
        """One line of the table; a figure without data is None."""
        position = board.read(self.project)
        names = [category.name for category in position.categories]
        place = {pk: at for at, pk in enumerate(position.items.tolist())}
        classifier = board.predicted(self.project) if self.project.published_id else None
        delivered = self.delivered(position, place)
        scored = [name for name in self.recording.truth if name not in self.recording.test and name in self.items]

        def accuracy(matrix, identifiers):
            if matrix is None:
                return None
            return self.accuracy(matrix, names, [(place[self.items[name].pk], name) for name in identifiers])

        unasked = [name for name in scored if name not in self.asked]
        metrics = self.project.published.metrics if self.project.published_id else {}
        return {
            "run": run,
            "spend": self.project.budget.spent,
            "judgments": self.used,
            "accuracy": accuracy(delivered, scored),
            "accuracy_unasked": accuracy(delivered, unasked),
            "accuracy_fixed": accuracy(delivered, [name for name in scored if name in self.fixed]),
            "accuracy_test": accuracy(classifier, sorted(self.recording.test & self.items.keys())),
            "mean_confidence": metrics.get("mean_confidence"),
        }

    def delivered(self, position: board.Board, place) -> np.ndarray:
        """(n, C): what is agreed, and where nothing is what people and the classifier together make likely."""
        matrix = position.posterior.astype(float)
        column = {pk: at for at, pk in enumerate(self.project.category_keys)}
        for cell in Consensus.objects.agreed().filter(project=self.project):
            row, at = place[cell.item_id], column[cell.category_id]
            if self.project.exclusive:
                matrix[row] = 0.0
            matrix[row, at] = cell.degree
        return matrix

    def accuracy(self, matrix: np.ndarray, names: list[str], rows: list[tuple[int, str]]) -> float | None:
        """Share right: of items by their top category, or of the truth's cells at 0.5."""
        right = []
        for at, name in rows:
            truth = self.recording.truth[name]
            if self.project.exclusive:
                right.append(truth[names[int(matrix[at].argmax())]])
            else:
                right += [(matrix[at, names.index(category)] >= 0.5) == value for category, value in truth.items()]
        return float(np.mean(right)) if right else None
