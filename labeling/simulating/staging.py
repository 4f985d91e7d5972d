"""A scene put on: a project of its own in this database, with its people and its money, and how well it is doing."""

from itertools import count

import numpy as np
from django.contrib.auth.models import User

from labeling import board, importing, opening
from labeling.models import Consensus, Item, Member, Project
from labeling.simulating.scenes import Scene, Unplayable
from rewards import ledger

FIXED = 0.2  # share of the items whose accuracy is told apart, the same ones whoever asks
numbers = count(1)  # of stages in this process: their people are not each other's


class Stage:
    """One project with the items of a scene. Those of its test are there to be predicted, and never asked about."""

    def __init__(self, scene: Scene, names: list[str], budget: int, seed: int, **fields):
        self.scene, self.seed = scene, seed
        self.random = np.random.default_rng(seed)
        self.asked: set[str] = set()  # items that somebody answered; a tile that was skipped is not asked
        self.used = 0  # judgments
        self.number = next(numbers)
        self.project = self.open(fields)
        self.items = {item.identifier: item for item in self.project.items.all()}
        self.workers = {name: self.join(name) for name in names}
        shares = self.random.random(len(self.items)) < FIXED
        self.fixed = {name for name, chosen in zip(sorted(self.items), shares, strict=True) if chosen}
        ledger.fund(self.project.budget, budget)

    def open(self, fields: dict) -> Project:
        scene, owner = self.scene, self.user("owner")
        project = opening.open_project(
            owner, name=f"Play {self.number}", categories=scene.categories, media=scene.media,
            exclusive=scene.exclusive, **fields,
        )  # fmt: skip
        if refused := importing.import_rows(project, map(self.row_of, scene.rows)).refused:
            raise Unplayable(f"The item in row {refused[0].row} cannot be imported: {refused[0].reason}")
        project.refresh_from_db()
        return project

    def row_of(self, row: dict) -> dict:
        if row["id"] not in self.scene.gold:
            return row
        return row | {"gold": [name for name, yes in self.scene.truth[row["id"]].items() if yes]}

    def user(self, name: str) -> User:
        user = User(username=f"{self.number} {name}"[:150])
        user.set_unusable_password()  # nobody signs in here, and a password takes long to hash
        user.save()
        return user

    def join(self, name: str) -> Member:
        return opening.join(self.user(name), self.project, Member.Role.WORKER)

    def leave_unasked(self, identifiers) -> None:
        Item.objects.filter(pk__in=[self.items[name].pk for name in identifiers]).update(withdrawn=True)

    # --- figures -----------------------------------------------------------------------------------------------------

    def figures(self, run: int) -> dict:
        """One line of the table; a figure without data is None."""
        position = board.read(self.project)
        place = {pk: at for at, pk in enumerate(position.items.tolist())}
        classifier = board.predicted(self.project) if self.project.published_id else None
        delivered = self.delivered(position, place)
        beside = self.scene.test | self.scene.gold
        scored = [name for name in self.scene.truth if name not in beside and name in self.items]

        def accuracy(matrix, identifiers):
            if matrix is None:
                return None
            return self.accuracy(matrix, [(place[self.items[name].pk], name) for name in identifiers])

        metrics = self.project.published.metrics if self.project.published_id else {}
        return {
            "run": run,
            "spend": self.project.budget.spent,
            "judgments": self.used,
            "accuracy": accuracy(delivered, scored),
            "accuracy_unasked": accuracy(delivered, [name for name in scored if name not in self.asked]),
            "accuracy_fixed": accuracy(delivered, [name for name in scored if name in self.fixed]),
            "accuracy_test": accuracy(classifier, sorted(self.scene.test & self.items.keys())),
            "mean_confidence": metrics.get("mean_confidence"),
        }

    def delivered(self, position: board.Board, place) -> np.ndarray:
        """(n, C): what is agreed, and where nothing is what people and the classifier together make likely."""
        matrix = position.posterior.astype(float)
        column = {pk: at for at, pk in enumerate(self.project.category_keys)}
        agreed = Consensus.objects.agreed().filter(project=self.project)
        for item, category, degree in agreed.values_list("item", "category", "degree"):
            row, at = place[item], column[category]
            if self.project.exclusive:
                matrix[row] = 0.0
            matrix[row, at] = degree
        return matrix

    def accuracy(self, matrix: np.ndarray, rows: list[tuple[int, str]]) -> float | None:
        """Share right: of items by their top category, or of the truth's cells at 0.5."""
        right, names = [], self.scene.categories
        for at, name in rows:
            truth = self.scene.truth[name]
            if self.project.exclusive:
                right.append(truth[names[int(matrix[at].argmax())]])
            else:
                right += [(matrix[at, names.index(category)] >= 0.5) == value for category, value in truth.items()]
        return float(np.mean(right)) if right else None
