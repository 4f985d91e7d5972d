"""Replay recorded people's answers through the flows that serve real workers: ask, answer, agree, pay, train, select.

Every recorded answer is used once. A query goes to the worker with the most unused answers among its items; tiles of a
grid that this worker never answered are skipped; when nobody's unused answer fits, the query is withdrawn for good.
"""

from collections import defaultdict
from collections.abc import Iterator

from django.db import transaction
from django.utils import timezone

from labeling import answering, asking, selecting, training
from labeling.models import Item, Member, Query
from labeling.simulating.recorded import Recording
from labeling.simulating.staging import Stage
from rewards import ledger

PLAIN = {"cell_price": 1, "target_confidence": 1.0, "exam_share": 0.0, "gold_share": 0.0}


class Replay(Stage):
    """One recording played through one project.

    Parameters: recording; budget in the ledger's smallest unit (None: enough for every recorded answer); seed;
    settings, further fields of the project.
    """

    def __init__(self, recording: Recording, *, budget: int | None = None, seed: int = 0, **settings):
        self.unused = {item: dict(answers) for item, answers in recording.answers.items()}
        names = sorted({worker for answers in recording.answers.values() for worker in answers})
        total = sum(map(len, recording.answers.values())) * len(recording.categories)
        super().__init__(recording, names, total if budget is None else budget, seed, **PLAIN | settings)
        self.leave_unasked(name for name in self.items if not self.unused.get(name))  # there to be predicted
        for worker in self.workers.values():
            worker.project = self.project

    def play(self) -> Iterator[dict]:
        """The figures after each run, starting with those before any training."""
        yield self.figures(0)
        selecting.refill(self.project, random_state=self.seed)
        while self.answer_all_open():
            if run := self.train():
                yield self.figures(run.number)
            opened = selecting.refill(self.project, random_state=self.seed + self.used).opened
            if not opened and not self.open_queries():
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
