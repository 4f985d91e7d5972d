"""Consensus of a file of answers, without a project."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from labeling.crowd import Answers, Choices, Consensus
from labeling.entries import BadRow, clean, names, shown
from labeling.management.commands.export import replaced

COLUMNS = ("item", "worker", "label")
SHOWN = 10  # bad rows named one by one; a file of the wrong kind would fill the screen


class Command(BaseCommand):
    help = (
        "Weigh the answers in a CSV file (item, worker, label; several labels joined by |) by what they "
        "tell of their workers. Writes item, label, probability. One label in every row: the labels exclude each other."
    )

    def add_arguments(self, parser):
        parser.add_argument("answers", type=Path, help="a CSV file with the columns item, worker and label")
        parser.add_argument("--out", type=Path, required=True, help="the CSV file to write")
        parser.add_argument("--several", action="store_true", help="an item may have several labels, or none")

    def handle(self, *, answers, out, several, **options):
        rows = self.good(answers)
        several = several or any(len(labels) != 1 for _, _, labels in rows)
        fitted, items, labels = weighed(rows, several)
        try:
            with replaced(out) as file:
                write(file, fitted.probas_, items, labels)
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror or error}.") from None
        workers = len(set(fitted.workers_.name))
        self.stdout.write(f"{len(rows):,} answers of {workers:,} workers about {len(items):,} items. Wrote {out}.")

    def good(self, path):
        """The rows (item, worker, labels); refuses the file if one is bad, since half of the answers mislead."""
        good, bad = {}, []
        for number, row in numbered(path):
            try:
                item, worker, labels = answer(row)
                if (item, worker) in good:
                    raise BadRow(f"{shown(worker)} answered about {shown(item)} before; keep one of the rows.")
                good[item, worker] = labels
            except BadRow as error:
                bad.append(f"Row {number}: {error}")
        if bad:
            rest = [f"... and {len(bad) - SHOWN:,} more."] if len(bad) > SHOWN else []
            raise CommandError("\n".join([*bad[:SHOWN], *rest, "Nothing was written."]))
        if not any(good.values()):
            raise CommandError(f"{path} holds no answer that names a label.")
        return [(item, worker, labels) for (item, worker), labels in good.items()]


def numbered(path: Path) -> Iterator[tuple[int, dict | BadRow]]:
    """Rows as a spreadsheet numbers them: the header is row 1."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
                raise CommandError(
                    f"{path} has no column {' and no column '.join(missing)}; its first line must name item, worker "
                    "and label, with commas between."
                )
            for number, row in enumerate(reader, start=2):
                yield number, BadRow("It has fewer fields than the header.") if None in row.values() else row
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise CommandError(f"{path} is not UTF-8 text. Save it as CSV (UTF-8).") from None
    except csv.Error as error:
        raise CommandError(f"{path} is no CSV file at line {reader.line_num:,}: {error}.") from None


def answer(row) -> tuple[str, str, tuple[str, ...]]:
    """(item, worker, labels) of a row; raises BadRow. An empty label means that none of the labels fits."""
    if isinstance(row, BadRow):
        raise row
    item, worker = (clean(row[name], name).strip() for name in COLUMNS[:2])
    for name, value in (("item", item), ("worker", worker)):
        if not value:
            raise BadRow(f"The {name} is empty.")
    return item, worker, names(row["label"], ())


def weighed(rows, several: bool) -> tuple[Consensus, list[str], list[str]]:
    """(fitted consensus, items, labels), items in the order of the file."""
    items = {name: n for n, name in enumerate(dict.fromkeys(item for item, _, _ in rows))}
    labels = {name: n for n, name in enumerate(sorted({label for _, _, row in rows for label in row}))}
    item = np.array([items[name] for name, _, _ in rows])
    worker = np.array([name for _, name, _ in rows])
    shape = len(items), len(labels)
    if not several:
        chosen = np.array([labels[row[0]] for _, _, row in rows])
        return Consensus().fit(Choices(item, chosen, worker), shape=shape), list(items), list(labels)
    ticked = np.zeros((len(rows), len(labels)))
    for n, (_, _, row) in enumerate(rows):
        ticked[n, [labels[label] for label in row]] = 1
    cells = Answers(np.repeat(item, len(labels)), np.tile(np.arange(len(labels)), len(rows)),
                    np.repeat(worker, len(labels)), ticked.ravel())  # fmt: skip
    return Consensus(exclusive=False).fit(cells, shape=shape), list(items), list(labels)


def write(file, probas, items, labels) -> None:
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(["item", "label", "probability"])
    for item, row in zip(items, probas, strict=True):
        lines.writerows([item, label, f"{probability:.6f}"] for label, probability in zip(labels, row, strict=True))
