"""Rows -> text in pieces, for a response or a file: CSV and JSON Lines.

A row is a dict; each row has the keys of the first, and a value may be a list or a dict of plain values.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from itertools import chain, islice

PIECE = 500  # rows in one piece of text
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet calculate


def as_jsonl(rows: Iterable[dict]) -> Iterator[str]:
    """Each row as it is, one JSON object a line."""
    for batch in pieces(rows):
        yield "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in batch)


def as_csv(rows: Iterable[dict]) -> Iterator[str]:
    """A header and the rows (RFC 4180); lists joined by |, a dict as one column `key:name` for each of its names.

    Text that a spreadsheet would take for a formula gets an apostrophe before it, since identifiers and names come from
    outside and the file is opened by somebody else. JSON Lines has them unchanged.
    """
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    header = list(flat(first))
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([plain(name) for name in header])
    for batch in pieces(chain([first], rows)):
        writer.writerows([plain(value) for value in flat(row).values()] for row in batch)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def pieces(rows: Iterable[dict]) -> Iterator[list[dict]]:
    rows = iter(rows)
    while piece := list(islice(rows, PIECE)):
        yield piece


def flat(row: dict) -> dict:
    found = {}
    for key, value in row.items():
        found |= {f"{key}:{name}": one for name, one in value.items()} if isinstance(value, dict) else {key: value}
    return found


def plain(value):
    if isinstance(value, list):
        value = "|".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
