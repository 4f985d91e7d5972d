"""Items, known answers and gold come in: streamed, in batches of a transaction each, so that good rows are kept, bad
ones are named, and the same file imported again adds nothing twice.

A known answer is consensus of source `import`: it outranks people, trains, and is never asked about. Gold is kept apart
to check workers by.
"""

import hmac
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from labeling import classifying, contents, knowing, opening, reading, selecting, training
from labeling.contents import Saved
from labeling.entries import BadRow, Entry, entry, shown, tidy
from labeling.models import Item, Media, Project
from labeling.opening import Refused
from segmentation.content import BrokenContent

ROWS = 1_000  # rows of a batch ...
WEIGHT = 5_000_000  # ... or characters, whichever is reached first
FILES = 100  # rows of a batch that brings files: their checks take longer, and progress should be seen
CATEGORIES = 1_000  # created by imports in one project: more are a column chosen by mistake
UNREAD = 20  # columns named in a report
Progress = Callable[[int, int | None], None]


class Numbered(NamedTuple):
    number: int
    entry: Entry


class Refusal(NamedTuple):
    """A row that was not imported: its number in the file (or among the files, by path), and why."""

    row: int
    reason: str


@dataclass
class Report:
    """What an import did: items created, items that were there already, items whose known categories or gold are new,
    and every refused row. `unread`: columns that were not asked for."""

    created: int = 0
    existing: int = 0
    known: int = 0
    gold: int = 0
    refused: list[Refusal] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.created + self.existing + len(self.refused)


def import_rows(project: Project, rows: Iterable[dict], **options) -> Report:
    """Import rows {id, text | values | content, category?, categories?, gold?}, numbered from 1.

    `content` is bytes or a function that reads them. Options: create_categories (those not known yet), progress(rows
    done, rows in all or None), total, now.
    """
    return Import(project, **options).take(enumerate(rows, 1))


def import_file(project: Project, source: Path | str | BinaryIO, *, name: str = "", **options) -> Report:
    """Import whatever a person brings: a folder, a zip, CSV, JSON Lines or a JSON array; a path or an open file.

    Raises Refused, with nothing imported, if it is none of them or does not fit the project's media.
    """
    if not isinstance(source, Path | str):
        file, name = source, name or getattr(source, "name", "") or ""
        return (import_zip if zipped(project, file) else import_table)(project, file, name=name, **options)
    path = Path(source)
    if path.is_dir():
        return import_folder(project, path, **options)
    try:
        with path.open("rb") as file:
            return import_file(project, file, name=path.name, **options)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror or error}.", "file") from None


def zipped(project: Project, file: BinaryIO) -> bool:
    found = zipfile.is_zipfile(file)
    file.seek(0)
    return found and Media(project.media).has_content


def import_table(project: Project, file: BinaryIO, *, name: str = "", **options) -> Report:
    """Import CSV, JSON Lines or a JSON array. Of images and sounds it only brings what is known of them."""
    return Import(project, **options).take(reading.rows_of(file, name))


def import_folder(project: Project, folder: Path, **options) -> Report:
    """Import every image or WAV file of a folder and those below; an item's identifier is its path in the folder."""
    refuse_files_unless_wanted(project)
    return import_members(project, reading.folder_members(Path(folder)), **options)


def import_zip(project: Project, file: BinaryIO, *, name: str = "", **options) -> Report:
    """Import every image or WAV file of a zip, without unpacking it anywhere."""
    refuse_files_unless_wanted(project)
    with reading.opened_zip(file) as archive:
        return import_members(project, reading.zip_members(archive), **options)


def refuse_files_unless_wanted(project: Project) -> None:
    if not Media(project.media).has_content:
        raise Refused("Files are images or sounds; the items of this project come as CSV or JSON Lines.", "file")


def import_members(project: Project, members: list[reading.Member], **options) -> Report:
    return Import(project, **{"total": len(members)} | options).take(reading.member_rows(members))


# --- one import ------------------------------------------------------------------------------------------------------


class Import:
    """One import under way."""

    def __init__(
        self,
        project: Project,
        *,
        create_categories: bool = False,
        progress: Progress | None = None,
        total: int | None = None,
        now: datetime | None = None,
    ):
        self.project, self.media = project, Media(project.media)
        self.create_categories, self.progress, self.total = create_categories, progress, total
        self.now = now or timezone.now()
        self.report, self.seen = Report(), set()
        self.read_categories()

    def take(self, numbered: reading.Rows) -> Report:
        """Import all rows, then ring for what follows: training on known answers, queries about new items."""
        for batch in self.batches(numbered):
            self.store(batch)
            if self.progress:
                self.progress(self.report.rows, self.total)
        self.report.refused.sort()
        self.ring()
        return self.report

    def ring(self) -> None:
        """A first set that was imported is learned from at once (the pre-trained start), as is a large addition."""
        self.project.refresh_from_db(fields=["published"])
        training.request_after_import(self.project, self.report.known, self.now)
        if self.report.created and not classifying.request(self.project, self.now):
            selecting.refill_if_low(self.project, self.now)

    def refuse(self, number: int, reason) -> None:
        self.report.refused.append(Refusal(number, str(reason)))

    # --- rows -> checked entries, in batches that fit into memory ---

    def batches(self, numbered: reading.Rows) -> Iterator[dict[str, Numbered]]:
        most, weight, batch = FILES if self.media.has_content else ROWS, 0, {}
        for number, row in numbered:
            try:
                found = self.checked(row)
            except BadRow as reason:
                self.refuse(number, reason)
                continue
            batch[found.identifier] = Numbered(number, found)
            weight += found.weight
            if len(batch) >= most or weight >= WEIGHT:
                yield batch
                weight, batch = 0, {}
        yield batch

    def checked(self, row) -> Entry:
        if isinstance(row, BadRow):
            raise row
        found = entry(row, self.media, self.project.exclusive, self.categories)
        if found.identifier in self.seen:
            raise BadRow(f"The id {shown(found.identifier)} appears before in this file.")
        self.provide(found.categories + found.gold)
        self.seen.add(found.identifier)
        unread = [name for name in found.unread if name not in self.report.unread]
        self.report.unread += unread[: UNREAD - len(self.report.unread)]
        return found

    def provide(self, names: Iterable[str]) -> None:
        """See that the project has these categories."""
        missing = [name for name in dict.fromkeys(names) if name not in self.categories]
        if missing and not self.create_categories:
            raise BadRow(f"The project has no category {shown(missing[0])}.")
        if missing and len(self.categories) + len(missing) > CATEGORIES:
            raise BadRow(f"There would be more than {CATEGORIES:,} categories. Is it the right column?")
        if missing:
            try:
                opening.add_categories(self.project, missing)
            except Refused as reason:
                raise BadRow(str(reason)) from None
            finally:
                self.read_categories()

    def read_categories(self) -> None:
        self.categories = {tidy(category.name): category.pk for category in self.project.categories.all()}

    # --- checked entries -> the database ---

    def store(self, batch: dict[str, Numbered]) -> None:
        """Contents first, outside the transaction, so that nobody waits for their checks; then all rows in one."""
        saved = {}
        try:
            self.save_contents(batch, saved)
            with transaction.atomic():
                self.lock(batch)
                created = self.write(batch, saved)
            saved = {name: one for name, one in saved.items() if name not in created}
        finally:
            for one in saved.values():  # somebody else imported it meanwhile, or the transaction failed
                contents.delete(one.path)

    def lock(self, batch: dict[str, Numbered]) -> None:
        """One import at a time, and no answer about these items meanwhile; items first, as answering has it."""
        known = self.project.items.filter(identifier__in=batch)
        list(known.select_for_update(no_key=True).order_by("pk").values("pk"))
        list(Project.objects.select_for_update(no_key=True).filter(pk=self.project.pk).values("pk"))

    def save_contents(self, batch: dict[str, Numbered], saved: dict[str, Saved]) -> None:
        """Store the contents of new items; broken ones are refused and leave the batch."""
        there = self.there(batch)
        for name, (number, found) in list(batch.items()):
            if found.content is not None and name not in there:
                try:
                    data = found.content() if callable(found.content) else found.content
                    saved[name] = contents.save(self.project, data)
                except (BadRow, BrokenContent) as reason:
                    self.refuse(number, f"{shown(name)}: {reason}")
                    del batch[name]

    def there(self, batch: dict[str, Numbered]) -> dict[str, Item]:
        return {item.identifier: item for item in self.project.items.filter(identifier__in=batch)}

    def write(self, batch: dict[str, Numbered], saved: dict[str, Saved]) -> set[str]:
        """All rows of a batch; returns the identifiers of the items it created."""
        there = self.there(batch)
        created = self.create({name: one for name, one in batch.items() if name not in there}, saved)
        same = [item for item in there.values() if self.same(item, *batch[item.identifier])]
        self.report.created += len(created)
        self.report.existing += len(same)
        self.learn({item.pk: batch[item.identifier] for item in created + same})
        return {item.identifier for item in created}

    def create(self, fresh: dict[str, Numbered], saved: dict[str, Saved]) -> list[Item]:
        for name, (number, found) in list(fresh.items()):
            if found.bare or (found.content is not None and name not in saved):
                self.refuse(number, f"There is no item {shown(name)} yet, and the row brings no {self.media.value}.")
                del fresh[name]
        first = opening.allot(self.project, rows=len(fresh))
        return Item.objects.bulk_create(
            Item(
                project=self.project, identifier=name, row=first + at, lot=lot(self.project, name),
                text=found.text, values=found.values, **stored(saved.get(name)),
            )
            for at, (name, (_, found)) in enumerate(fresh.items())
        )  # fmt: skip

    def same(self, item: Item, number: int, found: Entry) -> bool:
        """Does the row bring nothing else than the item has? Files are not compared."""
        same = found.bare or (found.text == item.text and found.values == item.values)
        if not same:
            self.refuse(number, f"The item {shown(item.identifier)} is there with another content, which was kept.")
        return same

    def learn(self, rows: dict[int, Numbered]) -> None:
        known = {pk: self.keys(found.categories) for pk, (_, found) in rows.items() if found.categories}
        gold = {pk: self.keys(found.gold) for pk, (_, found) in rows.items() if found.gold}
        learned = knowing.learn(self.project, known, gold, now=self.now)
        self.report.known += len(learned.known)
        self.report.gold += len(learned.gold)
        self.report.existing -= len(learned.contradicted)
        for pk in learned.contradicted:
            number, found = rows[pk]
            self.refuse(number, f"Something else is known of {shown(found.identifier)} already, which was kept.")

    def keys(self, names: Iterable[str]) -> list[int]:
        return [self.categories[name] for name in names]


def stored(saved: Saved | None) -> dict:
    return {"content": saved.path, "seconds": saved.seconds} if saved else {}


def lot(project: Project, identifier: str) -> float:
    """A number in [0, 1) that only the holder of the secret key can foretell."""
    digest = hmac.digest(settings.SECRET_KEY.encode(), f"{project.pk}:{identifier}".encode(), "sha256")
    return (int.from_bytes(digest[:8]) >> 11) / 2**53
