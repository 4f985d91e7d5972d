"""One row that somebody brings -> an Entry fit for the database, or a sentence that says why it is none.

Every value is taken for hostile: what passes here can be stored, shown, and learned from on every database.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass

from labeling.models import Category, Item, Media
from segmentation.content import BrokenContent, check_record

IDENTIFIER = Item._meta.get_field("identifier").max_length
NAME = Category._meta.get_field("name").max_length
TEXT = 100_000  # characters: some forty pages; nobody reads more to answer one query
VALUE, VALUES, VALUE_NAME = 10_000, 1_000, 200  # characters of a value, values of a record, characters of a name
ANSWERS = ("category", "categories", "gold")  # what a row may say of the truth; the rest is its content
NO_NUMBER = re.compile(r"[+-]?(nan|NaN|NAN|inf|INF|Infinity)")  # as programs write it; "Inf" may be somebody's name


class BadRow(Exception):
    """This row cannot be imported; the sentence says why."""


@dataclass(frozen=True)
class Entry:
    """A row fit for import. `content`: bytes, or a function that reads them; `categories`, `gold`: names, () unknown.

    Without any content it only brings answers about an item that is there already. `unread`: columns nobody asked for.
    """

    identifier: str
    text: str = ""
    values: dict | None = None
    content: bytes | Callable[[], bytes] | None = None
    categories: tuple[str, ...] = ()
    gold: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def bare(self) -> bool:
        return not self.text and self.values is None and self.content is None

    @property
    def weight(self) -> int:
        """About how many characters it holds in memory."""
        return len(self.text) + sum(len(str(value)) + len(name) for name, value in (self.values or {}).items())


def entry(row: Mapping, media: str, exclusive: bool, known: Container[str]) -> Entry:
    """The row as an entry; raises BadRow. known: the names of the project's categories, tidy."""
    if not isinstance(row, Mapping):
        raise BadRow(f"A row is an object with an id, not {shown(row)}.")
    identifier = identifier_of(row.get("id"))
    taken, content = CONTENTS[media](row)
    single = [row["category"]] if row.get("category") not in (None, "") else []
    categories = tuple(dict.fromkeys(names(single, known) + names(row.get("categories"), known)))
    gold = names(row.get("gold"), known)
    if exclusive and max(len(categories), len(gold)) > 1:
        raise BadRow(f"An item here has one category, not {len(max(categories, gold, key=len))}.")
    unread = tuple(str(name) for name in row if name not in {"id", *taken, *ANSWERS})
    return Entry(identifier, categories=categories, gold=gold, unread=unread, **content)


def identifier_of(value) -> str:
    """Trimmed and composed (NFC), so that the same name typed on two systems is the same identifier."""
    if value in (None, ""):
        raise BadRow("The row has no id.")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadRow(f"An id is text or a whole number, not {shown(value)}.")
    if isinstance(value, int):
        clean_number(value, "id")
    identifier = unicodedata.normalize("NFC", clean(str(value), "id").strip())
    if not identifier:
        raise BadRow("The row has no id.")
    if len(identifier) > IDENTIFIER:
        raise BadRow(f"The id has {len(identifier):,} characters, more than {IDENTIFIER}: {shown(identifier)}.")
    if control := next((c for c in identifier if unicodedata.category(c) == "Cc"), None):
        raise BadRow(f"The id holds a control character (U+{ord(control):04X}): {shown(identifier)}.")
    return identifier


# --- contents: (names of the row's fields that were read, fields of the entry) ---------------------------------------


def text_of(row: Mapping) -> tuple[tuple, dict]:
    text = row.get("text")
    if text is None:
        return ("text",), {}
    if not isinstance(text, str):
        raise BadRow(f"The text is not text but {shown(text)}.")
    if len(text) > TEXT:
        raise BadRow(f"The text has {len(text):,} characters; at most {TEXT:,} can be kept.")
    if not clean(text, "text").strip():
        raise BadRow("The text is empty.")
    return ("text",), {"text": text}


def values_of(row: Mapping) -> tuple[tuple, dict]:
    """`values`, or every field that is neither the id nor an answer. Empty values stay: they mean "not known"."""
    values, taken = row.get("values"), ("values",)
    if not isinstance(values, Mapping):
        values = {name: value for name, value in row.items() if name != "id" and name not in ANSWERS}
        taken = tuple(values)
    if not taken:
        return (), {}
    if len(values) > VALUES:
        raise BadRow(f"The record has {len(values):,} values; at most {VALUES:,} can be kept.")
    checked = {value_name(name): value_of(value, name) for name, value in values.items()}
    if len(checked) < len(values):
        raise BadRow("The record gives two values the same name.")
    if all(value in (None, {}) for value in checked.values()):
        raise BadRow("The record has no value.")
    refuse_unfit(checked)
    return taken, {"values": checked}


def value_name(name) -> str:
    name = clean(str(name), "name of a value").strip()
    if not 0 < len(name) <= VALUE_NAME:
        raise BadRow(f"The name of a value has 1 to {VALUE_NAME} characters: {shown(name)}.")
    return name


def value_of(value, name: str):
    """A plain value, named values within the record, or a list of events, each checked to its last word."""
    refuse_unfit({name: value})
    return checked_value(value, name)


def refuse_unfit(values: Mapping) -> None:
    try:
        check_record(values)
    except BrokenContent as broken:
        raise BadRow(str(broken)) from None


def checked_value(value, name: str):
    if isinstance(value, Mapping):
        found = {value_name(key): checked_value(one, str(key)) for key, one in value.items()}
        if len(found) < len(value):
            raise BadRow(f"In {shown(name)} two values have the same name.")
        return found
    if isinstance(value, list | tuple):
        return [checked_value(one, name) for one in value]
    if not isinstance(value, str):
        return value if value is None or isinstance(value, bool) else clean_number(value, name)
    if len(value) > VALUE:
        raise BadRow(f"The value of {shown(name)} has {len(value):,} characters; at most {VALUE:,} can be kept.")
    if NO_NUMBER.fullmatch(value.strip()):
        raise BadRow(f"The value of {shown(name)} is {value.strip()}, which is no finite number. Leave it empty.")
    return clean(value, name) if value.strip() else None


def file_of(row: Mapping) -> tuple[tuple, dict]:
    """Bytes, or a function that reads them: what a program brings, never a path that a row names."""
    content = row.get("content")
    if content is None or isinstance(content, bytes) or callable(content):
        return ("content",), {"content": content}
    raise BadRow("Files come as a folder or a zip, not as a row's content.")


CONTENTS = {Media.TEXT: text_of, Media.RECORD: values_of, Media.IMAGE: file_of, Media.AUDIO: file_of}


# --- values ----------------------------------------------------------------------------------------------------------


def names(value, known: Container[str]) -> tuple[str, ...]:
    """Names of categories: a list, or text that joins them by |. None and nothing are both "not known"."""
    if value is None:
        return ()
    if isinstance(value, str):
        value = [value] if tidy(value) in known else value.split("|")
    if not isinstance(value, list | tuple):
        raise BadRow(f"Categories are a list of names, not {shown(value)}.")
    return tuple(dict.fromkeys(name for name in map(category_name, value) if name))


def category_name(value) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadRow(f"The name of a category is text, not {shown(value)}.")
    name = tidy(clean(str(value), "category"))
    if len(name) > NAME:
        raise BadRow(f"The name of a category has at most {NAME} characters: {shown(name)}.")
    return name


def tidy(name: str) -> str:
    return unicodedata.normalize("NFC", re.sub(r"\s+", " ", name).strip())


def clean(text: str, name: str) -> str:
    """Text that every database can hold."""
    if "\0" in text:
        raise BadRow(f"The {shown(name)} holds a NUL character.")
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate: bytes that were not UTF-8, or half an escaped character
        raise BadRow(f"The {shown(name)} is not valid Unicode. Save the file as UTF-8.") from None
    return text


def clean_number(value, name: str):
    """A number that is finite as a float too."""
    try:
        if math.isfinite(value):
            return value
    except OverflowError:
        pass
    raise BadRow(f"The value of {shown(name)} is no finite number.")


def shown(value, most: int = 60) -> str:
    """A value as a sentence can hold it."""
    text = value if isinstance(value, str) else type(value).__name__
    text = text.encode(errors="replace").decode()
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return f"“{text[:most]}…”" if len(text) > most else f"“{text}”"
