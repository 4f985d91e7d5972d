"""What people once answered about a set of items, read from a folder."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from labeling.models import Media
from labeling.simulating.scenes import Scene


class Unreadable(Exception):
    """The folder does not hold what a replay needs; the sentence says what."""


@dataclass(frozen=True)
class Recording(Scene):
    """A scene and its answers, {item: {worker: chosen categories}}; the test items are those nobody answered."""

    answers: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)


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
    return Recording(media, rows, dict(truth), test, categories, not by_cell, answers=dict(answers))


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
