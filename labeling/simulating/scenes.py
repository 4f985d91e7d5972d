"""What is played: items, what they truly are, and which of them nobody is asked about; kept in a folder."""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np

from labeling.models import Media
from labeling.simulating.crowds import Quality

CONTENTS = "contents"


class Unplayable(Exception):
    """This cannot be played; the sentence says why and what to do."""


@dataclass(frozen=True)
class Scene:
    """Items whose truth is known.

    media: the items' kind; rows: importable items; truth: {item: {category: true or false}}; test: items nobody is
    asked about, kept to score the classifier; categories: names; exclusive: one category an item; gold: items that
    check the people.
    """

    media: str
    rows: list[dict]
    truth: dict[str, dict[str, bool]]
    test: frozenset[str]
    categories: list[str]
    exclusive: bool
    gold: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Staged(Scene):
    """A scene of a project, with all that a play of it needs.

    settings: the project's, to begin with; quality: of the crowd; budget: the most a play may spend; known: where the
    truth is from, in words.
    """

    settings: dict = field(default_factory=dict)
    quality: Quality = field(default_factory=Quality)
    budget: int = 0
    known: str = ""

    @property
    def matrix(self) -> np.ndarray:
        """(n, C) bool, in the order of the rows."""
        rows = (self.truth[row["id"]] for row in self.rows)
        return np.array([[truth[name] for name in self.categories] for truth in rows])

    def write(self, folder: Path) -> None:
        """Contents lie in files of their own, the rest in one."""
        rows = [write_row(folder, at, row) for at, row in enumerate(self.rows)]
        told = {one.name: getattr(self, one.name) for one in fields(self)} | {
            "rows": rows, "test": sorted(self.test), "gold": sorted(self.gold), "quality": asdict(self.quality),
        }  # fmt: skip
        (folder / "scene.json").write_text(json.dumps(told))


def write_row(folder: Path, at: int, row: dict) -> dict:
    if "content" not in row:
        return row
    (folder / CONTENTS).mkdir(exist_ok=True)
    (folder / CONTENTS / str(at)).write_bytes(row["content"]())
    return {"id": row["id"]}


def staged(folder: Path) -> Staged:
    """The scene that was written there."""
    told = json.loads((folder / "scene.json").read_text())
    if Media(told["media"]).has_content:
        told["rows"] = [
            row | {"content": (folder / CONTENTS / str(at)).read_bytes} for at, row in enumerate(told["rows"])
        ]
    sets = {"test": frozenset(told["test"]), "gold": frozenset(told["gold"])}
    return Staged(**told | sets | {"quality": quality(told["quality"])})


def quality(told: dict) -> Quality:
    seconds = {kind: tuple(pair) for kind, pair in told["seconds"].items()}
    return Quality(**told | {"skills": tuple(told["skills"]), "seconds": seconds})
