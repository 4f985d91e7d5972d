"""Files that people bring -> numbered rows: CSV, JSON, and folders or zips of images and sounds.

A reader yields (row number, row), or (row number, BadRow) where it could not make one, and goes on with the next. It
holds a line or two in memory, whatever the size of the file.
"""

import codecs
import csv
import json
import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from itertools import chain, count
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from labeling.entries import BadRow, shown
from labeling.opening import Refused
from segmentation import content

LINE = 2**20  # bytes of one line, or characters of one element of a JSON array
CHUNK = 2**16
RATIO = 300  # a file this many times its size in the zip is a bomb: no picture or sound shrinks so much ...
INNOCENT = 2**22  # ... unless it is small, such as a blank page
ENCODED = "surrogateescape"  # bytes that are not UTF-8 are kept, for the check of the row to name
JSON_NAMES = (".json", ".jsonl", ".ndjson")
HIDDEN = (".", "__MACOSX", "Thumbs.db", "desktop.ini")
Rows = Iterator[tuple[int, dict | BadRow]]


def rows_of(file: BinaryIO, name: str = "") -> Rows:
    """Rows of a CSV, JSON Lines or JSON array file; raises Refused if it is none of them."""
    head = file.read(CHUNK)
    file.seek(0)
    if not head.strip():
        raise Refused("The file is empty.", "file")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Refused("The file is UTF-16 text. Save it as UTF-8.", "file")
    if head.startswith(b"PK\x03\x04"):
        raise Refused("This is a zip or a spreadsheet. Save a spreadsheet as CSV (UTF-8).", "file")
    if head[:1024].count(0) > 3:  # a stray one costs its row only
        raise Refused("This is neither CSV nor JSON Lines. Images and sounds come as a folder or a zip.", "file")
    first = head.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    if first == b"[":
        return array_rows(file)
    if first == b"{" or name.lower().endswith(JSON_NAMES):
        return json_lines(file)
    return csv_rows(file)


def lines(file: BinaryIO) -> Iterator[str | None]:
    """Decoded lines; None in place of one that is too long."""
    encoding = "utf-8-sig"
    while piece := file.readline(LINE + 1):
        whole = rest = piece
        while len(rest) > LINE and not rest.endswith(b"\n") and (rest := file.readline(LINE + 1)):
            whole = None
        yield whole if whole is None else whole.decode(encoding, ENCODED)
        encoding = "utf-8"


# --- CSV -------------------------------------------------------------------------------------------------------------


def csv_rows(file: BinaryIO) -> Rows:
    """Rows as a spreadsheet numbers them: the header is row 1."""
    too_long = "x" * (csv.field_size_limit() + 1)  # one such field makes the csv module refuse its row and go on
    text = (too_long if line is None else line for line in lines(file))
    first = next(text, None) or ""
    reader = csv.reader(chain([first], text), delimiter=max(",;\t", key=first.count), strict=True)
    header = header_of(reader)
    for number in count(2):
        before = reader.line_num
        try:
            fields = next(reader, None)
        except csv.Error as error:
            yield number, BadRow(f"Lines {before + 1:,} to {reader.line_num:,} are no row of a CSV file: {error}.")
            continue
        if fields is None:
            return
        if fields:
            yield number, matched(header, fields)


def header_of(reader) -> list[str]:
    try:
        header = [name.strip() for name in next(reader)]
    except csv.Error as error:
        raise Refused(f"The first line is no header of a CSV file: {error}.", "file") from None
    header = [name.lower() if name.lower() in ("id", "category", "categories", "gold") else name for name in header]
    if twice := next((name for name in header if header.count(name) > 1), None):
        raise Refused(f"The first line names the column {shown(twice)} twice.", "file")
    if "id" not in header:
        raise Refused(f"The first line names no column “id”; it names {shown(', '.join(header))}.", "file")
    return header


def matched(header: list[str], fields: list[str]) -> dict | BadRow:
    if len(fields) != len(header):
        return BadRow(f"The row has {len(fields):,} fields; the header has {len(header):,}.")
    return dict(zip(header, fields, strict=True))


# --- JSON ------------------------------------------------------------------------------------------------------------


def json_lines(file: BinaryIO) -> Rows:
    for number, line in enumerate(lines(file), 1):
        if line is None:
            yield number, BadRow(f"The line is longer than {LINE:,} bytes.")
        elif line.strip():
            yield number, parsed(line)


def parsed(line: str) -> dict | BadRow:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:  # also digits without end
        return BadRow(f"The line is no JSON: {error}.")


def array_rows(file: BinaryIO) -> Rows:
    """Elements of a JSON array, one after the other. Behind one that is broken nothing can be told apart any more."""
    chunks = codecs.iterdecode(iter(lambda: file.read(CHUNK), b""), "utf-8-sig", errors=ENCODED)
    text, at, lead = "", 0, BEFORE_FIRST
    for number in count(1):
        while not (found := element(text, at, lead)):
            if END.match(text, at):
                return
            more = next(chunks, "")
            if not more or len(text) - at > LINE:
                yield number, BadRow("From here on the file is no JSON array, or an element is too long.")
                return
            text, at = text[at:] + more, 0
        row, at = found
        lead = BEFORE_NEXT
        yield number, row


BEFORE_FIRST, BEFORE_NEXT, END = re.compile(r"\s*\[\s*"), re.compile(r"\s*,\s*"), re.compile(r"\s*(\[\s*)?\]")


def element(text: str, at: int, lead: re.Pattern) -> tuple[object, int] | None:
    """The next element and where it ends; None where the text ends first, or is none."""
    if start := lead.match(text, at):
        try:
            return json.JSONDecoder().raw_decode(text, start.end())
        except (ValueError, RecursionError):
            pass
    return None


# --- folders and zips ------------------------------------------------------------------------------------------------


class Member(NamedTuple):
    """A file of a folder or zip: its path in it, and how to open it."""

    path: str
    open: Callable[[], BinaryIO]
    refusal: str = ""

    @property
    def hidden(self) -> bool:
        return not self.refusal and any(part.startswith(HIDDEN) for part in PurePosixPath(self.path).parts)

    def read(self) -> bytes:
        """The content; raises BadRow. A zip's decoders meet damage with errors of many kinds."""
        try:
            return content.read(self.open)
        except content.BrokenContent as broken:
            raise BadRow(str(broken)) from None
        except Exception as error:
            raise BadRow(f"The file in the zip cannot be read: {error}.") from None


def folder_members(folder: Path) -> list[Member]:
    paths = sorted(path for path in folder.rglob("*") if not path.is_dir())
    return [folder_member(folder, path) for path in paths]


def folder_member(folder: Path, path: Path) -> Member:
    refusal = "" if path.is_file() else "This is no plain file."
    return Member(path.relative_to(folder).as_posix(), lambda: path.open("rb"), refusal)


def opened_zip(file: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except Exception as error:  # a hostile directory is met with errors of many kinds
        raise Refused(f"The zip cannot be read: {error}.", "file") from None


def zip_members(archive: zipfile.ZipFile) -> list[Member]:
    infos = [info for info in archive.infolist() if not info.filename.endswith("/")]
    if sum(info.compress_size for info in infos) > archive.start_dir:
        raise Refused("The files in the zip overlap, as only those of a zip bomb do.", "file")
    return [Member(info.filename, opener(archive, info), zip_refusal(info)) for info in infos]


def opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    return lambda: archive.open(info)


def zip_refusal(info: zipfile.ZipInfo) -> str:
    """Why this file is not even opened, if it is not."""
    path = PurePosixPath(info.filename)
    if path.is_absolute() or ".." in path.parts or "\\" in info.filename or ":" in info.filename.split("/")[0]:
        return "Its path leads out of the zip."
    if info.flag_bits & 1:
        return "It is encrypted."
    if info.file_size > content.MAX_BYTES:
        return f"It is larger than {content.MAX_BYTES // 2**20} MB."
    if info.file_size > INNOCENT and info.file_size > RATIO * info.compress_size:
        return f"It unpacks to more than {RATIO} times its size, as only a zip bomb does."
    return ""


def member_rows(members: list[Member]) -> Rows:
    """One row a file, its path for an id, with the answers of the CSV files among them (ids relative to their place).

    What such a CSV says of other items follows at the end, for items that were imported before.
    """
    members = [member for member in members if not member.hidden]
    tables = [member for member in members if member.path.lower().endswith(".csv") and not member.refusal]
    answers, bad = {}, []
    for number, row in chain.from_iterable(map(answer_rows, tables)):
        if isinstance(row, BadRow):
            bad.append((number, row))
        elif row["id"] in answers:
            bad.append((number, BadRow(f"The known answers name {shown(row['id'])} twice.")))
        else:
            answers[row["id"]] = (number, row)
    for number, member in enumerate((member for member in members if member not in tables), 1):
        path = unicodedata.normalize("NFC", member.path)
        _, answer = answers.pop(path, (0, {}))
        refused = member.refusal and BadRow(f"{shown(path)}: {member.refusal}")
        yield number, refused or answer | {"id": path, "content": member.read}
    yield from chain(bad, answers.values())


def answer_rows(table: Member) -> Rows:
    """Rows of a CSV file of answers; a bad one says which file it is in, since files are numbered too."""
    folder = PurePosixPath(table.path).parent
    try:
        with table.open() as file:
            for number, row in csv_rows(file):
                if isinstance(row, BadRow):
                    row = BadRow(f"{shown(table.path)}: {row}")
                else:
                    row["id"] = unicodedata.normalize("NFC", str(folder / row["id"].strip()))
                yield number, row
    except Exception as error:  # a damaged zip is met with errors of many kinds
        yield 1, BadRow(f"{shown(table.path)}: {error}")
