"""Made-up people at work on a scene: each comes, is asked, answers after a while, and is paid, as anybody would be.

The clusters' work is done in between, when their bells ring and by the clock; a run takes no time. Who comes next is
drawn beforehand, so that all policies of a seed meet the same people in the same order.
"""

import heapq
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain

import numpy as np
from django.utils import timezone

from labeling import access, answering, asking, classifying, dataset, refitting, selecting, training, watching
from labeling.kinds import KINDS
from labeling.models import Assignment, Classification, Project, TrainingRun
from labeling.simulating import bells, clock
from labeling.simulating.crowds import Crowd, Hearsay
from labeling.simulating.policies import Policy
from labeling.simulating.scenes import Staged, Unplayable
from labeling.simulating.staging import Stage

AT_ONCE = 3  # people at work at the same time
BREATH = 1.0  # seconds between an answer and the next query
PAUSE = 61.0  # seconds until somebody else looks whether there is anything: a refill in vain rests for a minute
EVERY = timedelta(minutes=5)  # what the cluster does by the clock
ROUNDS = 50  # in which everybody comes once, in another order each time
POINTS = 40  # of a curve
FIRST = 0.01  # of the budget, the first of them


class Play(Stage):
    """One policy played by one crowd. The crowd's items are the scene's rows, in their order."""

    def __init__(self, scene: Staged, crowd: Crowd, policy: Policy, seed: int):
        people = [f"w{at}" for at in range(len(crowd.pace))]
        super().__init__(scene, people, scene.budget, seed, **scene.settings | dict(policy.settings))
        self.crowd, self.talk = crowd, Hearsay(crowd)
        self.row = {self.items[row["id"]].pk: at for at, row in enumerate(scene.rows)}
        self.column = {pk: at for at, pk in enumerate(self.project.category_keys)}
        self.leave_unasked(scene.test)
        self.people = [member.user for member in self.workers.values()]
        rounds = np.tile(np.arange(len(people)), (ROUNDS, 1))
        self.coming = np.random.default_rng([seed, 3]).permuted(rounds, axis=1).ravel()
        self.clock, self.busy, self.turn, self.swept = clock.Clock(), set(), 0, timezone.now()
        self.trouble = ""  # why the last run failed
        self.nothing = ""  # why nobody was asked, the last time
        self.lasted = 0.0  # seconds until the last answer

    def play(self) -> Iterator[dict]:
        """The figures whenever the spend has passed the next point, and at the end."""
        with clock.ticking(self.clock):
            self.swept = timezone.now()
            selecting.refill(self.project, random_state=self.seed)
            marks = chain(np.geomspace(FIRST, 1, POINTS) * self.scene.budget, [np.inf])
            mark, spent = next(marks), 0
            for spent in self.answers():
                if spent >= mark:
                    yield self.reading()
                    mark = next(one for one in marks if one > spent)
            yield self.reading()
        if self.trouble and self.project.published_id is None:
            raise Unplayable(f"The classifier cannot learn here: {self.trouble}")

    def reading(self) -> dict:
        self.project = Project.objects.select_related("budget", "published").get(pk=self.project.pk)
        return self.figures(self.project.runs.count()) | {"seconds": round(self.lasted)}

    def answers(self) -> Iterator[int]:
        """What was spent after each answer, until nobody finds anything to answer any more."""
        due = [(0.0, place, None, None) for place in range(AT_ONCE)]
        spent, vain = 0, 0
        while vain < self.patience or self.run_by_the_clock():
            when, place, who, assignment = heapq.heappop(due)
            now = self.clock.at(when)
            if assignment is not None:
                spent += self.answer(who, assignment)
                heapq.heappush(due, (when + BREATH, place, None, None))
                self.work(now)
                yield spent
            elif (who := self.comer()) is not None and (assignment := self.ask(who)):
                heapq.heappush(due, (when + self.time(who, assignment), place, who, assignment))
                vain = 0
            else:
                heapq.heappush(due, (when + PAUSE, place, None, None))
                vain = vain + 1 if not self.busy else 0
            self.work(now)

    @property
    def patience(self) -> int:
        """How many find nothing before all have: what waits for other people waits for each of them."""
        return len(self.people) if self.nothing == "others" else 2 * AT_ONCE

    def run_by_the_clock(self) -> bool:
        """Nobody finds anything to answer: does a run come that was due on a schedule?"""
        if self.project.retrain_when != Project.When.SCHEDULE:
            return False
        now = self.clock.at(self.clock.seconds + 3600 * self.project.retrain_hours + 1)
        training.keep_schedules(now)
        self.work(now)
        return self.project.queries.fresh().exists()

    # --- people ------------------------------------------------------------------------------------------------------

    def comer(self) -> int | None:
        """Who comes next, of those not at work already."""
        for _ in self.people:
            who = int(self.coming[self.turn % len(self.coming)])
            self.turn += 1
            if who not in self.busy:
                return who
        return None

    def ask(self, who: int) -> Assignment | None:
        worker = access.worker_for(self.people[who], self.project.slug)
        try:
            assignment = asking.next_assignment(worker, now=timezone.now())
        except asking.NothingToAsk as nothing:
            self.nothing = nothing.code
            return None
        self.busy.add(who)
        return assignment

    def time(self, who: int, assignment: Assignment) -> float:
        """Seconds until the answer, which comes before the lease is over."""
        query = assignment.query
        usual = self.crowd.time(*self.rectangle(query), who, query.kind)
        return min(usual, 0.9 * self.project.lease_seconds)

    def rectangle(self, query) -> tuple[list[int], list[int]]:
        rows, columns = [self.row[item.pk] for item in query.item_list], query.category_list
        return rows, [self.column[category.pk] for category in columns]

    def answer(self, who: int, assignment: Assignment) -> int:
        """What is paid for it."""
        self.busy.discard(who)
        self.lasted = self.clock.seconds
        query, (rows, columns) = assignment.query, self.rectangle(assignment.query)
        implied = KINDS[query.kind].implied
        said = self.talk.answer(rows, columns, who, query.kind, choice=implied and self.project.exclusive)
        if implied and self.project.exclusive and not said.any():  # what they would choose is not among what is offered
            asking.give_back(assignment, "cannot_tell", now=timezone.now())
            return 0
        degrees = dict(zip(query.cells(), said.ravel().astype(float), strict=True))
        outcome = answering.record(assignment, degrees, now=timezone.now())
        self.used += len(rows)
        self.asked |= {item.identifier for item in query.item_list}
        return outcome.paid

    # --- the clusters ------------------------------------------------------------------------------------------------

    def work(self, now) -> None:
        """What bells have rung for, and what is due by the clock."""
        while rung := bells.heard():
            for flow, arguments in rung:
                FLOWS[flow](self, *arguments)
        if now - self.swept >= EVERY:
            self.swept = now
            refitting.sweep(now)
            watching.watch_all(now)
            training.keep_schedules(now)

    def train(self, pk: int) -> None:
        TrainingRun.objects.filter(pk=pk).update(seed=self.seed)
        run = training.execute(TrainingRun.objects.get(pk=pk))
        self.trouble = run.message if run.state == TrainingRun.State.FAILED else ""

    def refill(self, pk: int) -> None:
        selecting.refill(Project.objects.get(pk=pk), random_state=self.seed + self.used)

    def classify(self, pk: int) -> None:
        classifying.execute(Classification.objects.get(pk=pk))


FLOWS = {f"labeling.tasks.{flow.__name__}": flow for flow in (Play.train, Play.refill, Play.classify)}


def features(scene: Staged) -> np.ndarray:
    """(n, d) what a classifier reads of the scene's items, in the order of its rows."""
    stage = Stage(scene, [], 1, 0)
    keys = np.array([stage.items[row["id"]].pk for row in scene.rows])
    places = np.array([stage.items[row["id"]].row for row in scene.rows])
    categories = list(stage.project.categories.order_by("column"))
    data = dataset.Dataset(stage.project, keys, places, categories, np.ones((len(keys), len(categories))))
    found, _ = dataset.features(data, 0, lambda fraction, message: None)
    return found
