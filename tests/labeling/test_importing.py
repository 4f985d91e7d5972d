"""Importing: good rows are kept, bad ones are named, nothing comes in twice, and no file can do harm."""

import io
import json
import struct
import tracemalloc
import wave
import zipfile
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from labeling import importing
from labeling.importing import import_file, import_folder, import_rows, import_zip
from labeling.models import Consensus, Gold, Item, Query
from labeling.opening import Refused
from tests.making import a_project, a_query, a_worker, now

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def storage(tmp_path, settings):
    """Contents of each test lie in a folder of its own."""
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": str(tmp_path / "stored")}}
    }
    return tmp_path / "stored"


def stored_files(storage: Path) -> list[Path]:
    return [path for path in storage.rglob("*") if path.is_file()]


def from_bytes(project, data: bytes | str, name="items.csv", **options):
    return import_file(project, io.BytesIO(data.encode() if isinstance(data, str) else data), name=name, **options)


def reasons(report) -> dict[int, str]:
    return dict(report.refused)


def a_picture(colour="red", kind="PNG", size=(8, 8)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


def a_sound(samples=800) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(struct.pack(f"<{samples}h", *(at % 100 for at in range(samples))))
    return file.getvalue()


def a_zip(files: dict[str, bytes | str], compression=zipfile.ZIP_DEFLATED) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    file.seek(0)
    return file


# --- text and records ------------------------------------------------------------------------------------------------


def test_a_csv_of_texts_becomes_items_in_the_order_of_its_rows():
    project = a_project()
    report = from_bytes(project, 'id,text\nb,A first text\na,"A second\nof two lines"\n')
    assert (report.created, report.existing, report.refused) == (2, 0, [])
    assert [(item.identifier, item.row, item.text) for item in project.items.all()] == [
        ("b", 0, "A first text"),
        ("a", 1, "A second\nof two lines"),
    ]
    assert all(0 <= item.lot < 1 for item in project.items.all())


def test_the_same_file_again_adds_nothing():
    project = a_project()
    table = "id,text,category,gold\na,one,cat,\nb,two,,dog\n"
    from_bytes(project, table)
    report = from_bytes(project, table)
    assert (report.created, report.existing, report.known, report.gold, report.refused) == (0, 2, 0, 0, [])
    assert (project.items.count(), Consensus.objects.count(), Gold.objects.count()) == (2, 1, 3)


def test_row_numbers_of_arrays_are_never_given_twice():
    project = a_project(items=2)
    from_bytes(project, "id,text\na,one\n,nothing\nb,two\n")
    from_bytes(project, "id,text\na,one\nc,three\n")
    assert list(project.items.values_list("row", flat=True)) == [0, 1, 2, 3, 4]
    project.refresh_from_db()
    assert project.rows == 5


def test_json_lines_and_an_array_bring_the_same_items():
    rows = [{"id": "a", "text": "one"}, {"id": 7, "text": 'zwölf {["x"]}, '}]
    lined, listed = a_project(), a_project()
    from_bytes(lined, "\n".join(map(json.dumps, rows)), "items.jsonl")
    from_bytes(listed, json.dumps(rows, indent=1), "items.json")
    for project in (lined, listed):
        assert list(project.items.values_list("identifier", "text")) == [("a", "one"), ("7", rows[1]["text"])]


def test_a_record_is_named_values():
    project = a_project(media="record")
    report = from_bytes(project, "id,age,city,plz,category\nx,41,,01097,cat\n")
    assert report.created == report.known == 1
    assert project.items.get().values == {"age": "41", "city": None, "plz": "01097"}
    import_rows(project, [{"id": "y", "values": {"age": 41.5, "member": True, "city": None}}, {"id": "z", "age": 3}])
    assert project.items.get(identifier="y").values == {"age": 41.5, "member": True, "city": None}
    assert project.items.get(identifier="z").values == {"age": 3}


def test_a_record_keeps_its_events_and_what_lies_within_it():
    values = {
        "age": 31,
        "home": {"town": "Aarhus", "country": " "},
        "events": [{"type": "buy", "amount": 3.5, "at": "2026-01-01T10:00:00Z"}, {"type": "visit"}],
        "tags": ["new", "loud"],
    }
    project, row = a_project(media="record"), json.dumps({"id": "a", "values": values})
    assert from_bytes(project, row.encode()).created == 1
    assert project.items.get().values == values | {"home": {"town": "Aarhus", "country": None}}
    assert from_bytes(project, row.encode()).existing == 1


def test_a_semicolon_or_a_tab_separates_too_and_a_byte_order_mark_is_no_text():
    for project, table in ((a_project(), "id;text\na;one, two\n"), (a_project(), "id\ttext\na\tone, two\n")):
        from_bytes(project, b"\xef\xbb\xbf" + table.encode())
        assert project.items.get().text == "one, two"


def test_every_bad_row_is_named_with_its_number_and_the_good_ones_are_kept():
    project = a_project()
    table = (
        b"id,text,category\n"
        b"a,one,\n"  # row 2
        b",no id,\n"
        b"b,\n"  # ragged
        b"c,one,cat,more\n"  # ragged
        b"d,   ,\n"
        b"a,again,\n"
        b"e,bad \xff\xfe bytes,\n"
        b"f,nul \0,\n"
        b"g,one,unicorn\n"
        b"h,one,cat|dog\n"
        b'i,"one"two,\n'
        b"\n"
        b"j,the last,cat\n"
    )
    report = from_bytes(project, table)
    assert list(project.items.values_list("identifier", flat=True)) == ["a", "j"]
    assert reasons(report) == {
        3: "The row has no id.",
        4: "The row has 2 fields; the header has 3.",
        5: "The row has 4 fields; the header has 3.",
        6: "The text is empty.",
        7: "The id “a” appears before in this file.",
        8: "The “text” is not valid Unicode. Save the file as UTF-8.",
        9: "The “text” holds a NUL character.",
        10: "The project has no category “unicorn”.",
        11: "The project has no category “cat|dog”.",
        12: "Lines 12 to 12 are no row of a CSV file: ',' expected after '\"'.",
    }
    assert report.rows == 12


def test_a_broken_line_of_json_does_not_hide_the_next():
    project = a_project()
    lines = [
        '{"id": "a", "text": "one"}',
        '{"id": "b", "text"',
        "[1, 2]",
        '"word"',
        "[" * 100_000,
        '{"id": "c", "text": "three"}',
    ]
    report = from_bytes(project, "\n".join(lines), "items.jsonl")
    assert list(project.items.values_list("identifier", flat=True)) == ["a", "c"]
    assert list(reasons(report)) == [2, 3, 4, 5]
    assert reasons(report)[3] == "A row is an object with an id, not “list”."


def test_what_stands_before_the_break_of_an_array_is_kept():
    project = a_project()
    report = from_bytes(project, '[{"id": "a", "text": "one"}, {"id": "b", "text": "tw', "items.json")
    assert project.items.get().identifier == "a"
    assert reasons(report) == {2: "From here on the file is no JSON array, or an element is too long."}


@pytest.mark.parametrize("row", ["", "[]", " [ ] ", "[\n]"])
def test_an_empty_array_is_no_error(row):
    if row:
        assert from_bytes(a_project(), row, "items.json").rows == 0


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"id": "a", "text": 5}, "The text is not text but “int”."),
        ({"id": "a", "text": "x" * 100_001}, "The text has 100,001 characters; at most 100,000 can be kept."),
        ({"id": "a"}, "There is no item “a” yet, and the row brings no text."),
        ({"id": "a", "text": None}, "There is no item “a” yet, and the row brings no text."),
        ({"id": "a", "text": "half \ud83d"}, "The “text” is not valid Unicode. Save the file as UTF-8."),
        ({"id": None, "text": "x"}, "The row has no id."),
        ({"id": "  ", "text": "x"}, "The row has no id."),
        ({"id": True, "text": "x"}, "An id is text or a whole number, not “bool”."),
        ({"id": ["a"], "text": "x"}, "An id is text or a whole number, not “list”."),
        ({"id": 10**400, "text": "x"}, "The value of “id” is no finite number."),
        ({"id": "a\nb", "text": "x"}, "The id holds a control character (U+000A): “a\N{REPLACEMENT CHARACTER}b”."),
        ({"id": "a\0", "text": "x"}, "The “id” holds a NUL character."),
        ({"id": "x" * 1000, "text": "x"}, f"The id has 1,000 characters, more than 200: “{'x' * 60}…”."),
        ({"id": "a", "text": "x", "categories": {"cat": 1}}, "Categories are a list of names, not “dict”."),
        ({"id": "a", "text": "x", "categories": [["cat"]]}, "The name of a category is text, not “list”."),
        ({"id": "a", "text": "x", "categories": "cat|dog"}, "An item here has one category, not 2."),
        ({"id": "a", "text": "x", "gold": ["cat", "dog"]}, "An item here has one category, not 2."),
        ({"id": "a", "text": "x", "gold": "unicorn"}, "The project has no category “unicorn”."),
        ("a", "A row is an object with an id, not “a”."),
        (None, "A row is an object with an id, not “NoneType”."),
    ],
)
def test_a_bad_text_row_is_refused_with_its_reason(row, reason):
    project = a_project()
    report = import_rows(project, [row, {"id": "good", "text": "kept"}])
    assert report.refused == [(1, reason)]
    assert project.items.get().identifier == "good"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"values": {"x": float("nan")}}, "The value of “x” is no finite number."),
        ({"values": {"x": float("-inf")}}, "The value of “x” is no finite number."),
        ({"values": {"x": 10**400}}, "The value of “x” is no finite number."),
        ({"x": "NaN"}, "The value of “x” is NaN, which is no finite number. Leave it empty."),
        ({"x": [[1]]}, "'x', event 1 is neither a set of named values nor a plain one."),
        ({"x": [1, {"y": [2]}]}, "'x', event 2: the value of 'y' is neither a number, text, yes/no nor empty."),
        ({"x": [{"y": float("nan")}]}, "The value of “y” is no finite number."),
        ({"x": [{"y": "a\0b"}]}, "The “y” holds a NUL character."),
        ({"x": {"y": 1, " y": 2}}, "In “x” two values have the same name."),
        ({"x": {"y": 1}, "x y": 2}, "The record holds two values that are called 'x y'."),
        ({"x": {"a": {"b": {"c": {"d": 1}}}}}, "The value of 'x a b c' is nested more than 4 deep."),
        ({"x": [1] * 10_001}, "'x' lists 10,001 events; at most 10,000 can be kept."),
        ({"values": {"x": "a\0b"}}, "The “x” holds a NUL character."),
        ({"values": {"x\0": 1}}, "The “name of a value” holds a NUL character."),
        ({"values": {"": 1}}, "The name of a value has 1 to 200 characters: “”."),
        ({"values": {"x": 1, " x": 2}}, "The record gives two values the same name."),
        ({"values": {f"x{at}": at for at in range(1001)}}, "The record has 1,001 values; at most 1,000 can be kept."),
        ({"values": {"x": "y" * 10_001}}, "The value of “x” has 10,001 characters; at most 10,000 can be kept."),
        ({"values": {}}, "The record has no value."),
        ({"values": {"x": None, "y": " "}}, "The record has no value."),
        ({}, "There is no item “a” yet, and the row brings no record."),
    ],
)
def test_a_bad_record_is_refused_with_its_reason(row, reason):
    project = a_project(media="record")
    report = import_rows(project, [{"id": "a"} | row, {"id": "good", "x": 1}])
    assert report.refused == [(1, reason)]
    assert project.items.get().identifier == "good"


def test_somebody_called_inf_is_no_number():
    project = a_project(media="record")
    assert import_rows(project, [{"id": "a", "name": "Inf"}, {"id": "b", "name": "Nan"}]).created == 2


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty"),
        (b" \n\n ", "The file is empty"),
        (b"text,category\na,b\n", "names no column “id”; it names “text, category”"),
        (b"id,text,text\na,b,c\n", "names the column “text” twice"),
        (b"ID,Category,category\na,b,c\n", "names the column “category” twice"),
        ("id,text\na,b\n".encode("utf-16"), "UTF-16"),
        (bytes(range(256)) * 40, "neither CSV nor JSON Lines"),
        (b"x" * 3_000_000, "no header of a CSV file"),
        (b'"id,text\na,b\n', "no header of a CSV file|names no column"),
        (a_zip({"a.txt": "x"}).getvalue(), "a zip or a spreadsheet"),
        (a_picture(), "neither CSV nor JSON Lines"),
    ],
)
def test_a_file_of_another_kind_is_refused_as_a_whole(data, sentence):
    project = a_project()
    with pytest.raises(Refused, match=sentence):
        from_bytes(project, data)
    assert not project.items.exists()


def test_a_field_of_ten_megabytes_costs_its_row_and_no_memory():
    project = a_project()
    table = b"id,text\na,one\nb," + b"x" * 10_000_000 + b'\nc,"' + b"y" * 200_000 + b"\nd,four\n"
    tracemalloc.start()
    report = from_bytes(project, table)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert list(project.items.values_list("identifier", flat=True)) == ["a", "d"]
    assert list(reasons(report)) == [3, 4]
    assert all("field larger than field limit" in reason for reason in reasons(report).values())
    assert peak < len(table) + 8_000_000  # the file itself is in memory here


def test_a_long_file_is_imported_in_several_transactions(monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(importing, "ROWS", 10)
    project, seen = a_project(), []
    report = import_rows(
        project,
        ({"id": at, "text": f"text {at}"} for at in range(35)),
        progress=lambda *step: seen.append(step),
        total=35,
    )
    assert report.created == 35
    assert seen == [(10, 35), (20, 35), (30, 35), (35, 35)]


def test_a_failure_in_a_later_batch_keeps_the_earlier_ones(monkeypatch):
    monkeypatch.setattr(importing, "ROWS", 10)
    project = a_project()

    def rows():
        yield from ({"id": at, "text": "x"} for at in range(15))
        raise RuntimeError("the line went dead")

    with pytest.raises(RuntimeError):
        import_rows(project, rows())
    assert project.items.count() == 10
    assert import_rows(project, ({"id": at, "text": "x"} for at in range(15))).created == 5


def test_identifiers_with_slashes_and_spaces_are_kept_and_equal_ones_in_two_normal_forms_are_one():
    project = a_project()
    report = import_rows(
        project,
        [
            {"id": "../../etc/passwd", "text": "x"},
            {"id": " b c ", "text": "x"},
            {"id": "caf\u00e9", "text": "x"},
            {"id": "cafe\u0301", "text": "x"},
        ],
    )
    assert list(project.items.values_list("identifier", flat=True)) == ["../../etc/passwd", "b c", "caf\u00e9"]
    assert list(reasons(report)) == [4]


def test_another_text_for_an_item_that_is_there_is_named_and_not_taken():
    project = a_project()
    import_rows(project, [{"id": "a", "text": "one"}])
    report = import_rows(project, [{"id": "a", "text": "two"}])
    assert report.refused == [(1, "The item “a” is there with another content, which was kept.")]
    assert project.items.get().text == "one"


def test_columns_that_nobody_reads_are_reported():
    report = from_bytes(a_project(), "id,text,catgory\na,one,cat\n")
    assert report.unread == ["catgory"]


def test_two_projects_may_use_the_same_identifier_and_draw_it_differently():
    first, second = a_project(), a_project()
    for project in (first, second):
        import_rows(project, [{"id": "a", "text": "x"}])
    assert first.items.get().lot != second.items.get().lot


def test_lots_are_spread_evenly():
    project = a_project()
    import_rows(project, ({"id": at, "text": "x"} for at in range(2000)))
    low = project.items.filter(lot__lt=0.05).count()
    assert 60 < low < 140  # 100 expected, standard deviation 10


def test_new_items_ring_for_a_refill():
    project = a_project()
    import_rows(project, [{"id": "a", "text": "x"}])
    project.refresh_from_db()
    assert project.refill_requested


# --- what is known beforehand ----------------------------------------------------------------------------------------


def cells(project, **fields):
    rows = Consensus.objects.filter(project=project, **fields).order_by("item__row", "category__column")
    return [(row.item.identifier, row.category.name, row.degree) for row in rows.select_related("item", "category")]


def test_a_known_category_is_agreed_and_starts_a_run():
    project = a_project()
    report = from_bytes(project, "id,text,category\na,one,dog\nb,two,\n")
    assert report.known == 1
    row = Consensus.objects.get()
    assert (row.item.identifier, row.category.name, row.source) == ("a", "dog", "import")
    assert (row.degree, row.posterior, row.judgments) == (1, 1, 0)
    assert row.agreed
    assert project.runs.get().trigger == "1 imported"


def test_where_items_have_several_categories_those_not_named_are_known_too():
    project = a_project(exclusive=False)
    from_bytes(project, "id,text,categories\na,one,dog|cat\n")
    assert cells(project, agreed__isnull=False, source="import") == [("a", "cat", 1), ("a", "dog", 1), ("a", "bird", 0)]


def test_no_categories_are_unknown_rather_than_none():
    project = a_project(exclusive=False)
    import_rows(project, [{"id": "a", "text": "x", "categories": []}, {"id": "b", "text": "x", "categories": None}])
    assert not cells(project)
    assert not project.runs.exists()


def test_a_category_whose_name_holds_the_separator_is_found():
    project = a_project(categories=("yes|no", "maybe"))
    assert from_bytes(project, "id,text,categories\na,one,yes|no\n").known == 1


def test_unknown_categories_are_created_when_asked_for():
    project = a_project(categories=("cat", "cow"))
    report = from_bytes(project, "id,text,category\na,x,dog\nb,x,cat\nc,x, dog \n", create_categories=True)
    assert report.known == 3
    assert list(project.categories.values_list("name", "column")) == [("cat", 0), ("cow", 1), ("dog", 2)]


def test_a_column_of_free_text_does_not_become_a_thousand_categories(monkeypatch):
    monkeypatch.setattr(importing, "CATEGORIES", 5)
    project = a_project()
    rows = [{"id": at, "text": "x", "category": f"name {at}"} for at in range(5)]
    report = import_rows(project, rows, create_categories=True)
    assert project.categories.count() == 5
    assert list(reasons(report)) == [3, 4, 5]


def test_known_answers_may_follow_later():
    project = a_project()
    import_rows(project, [{"id": "a", "text": "one"}])
    report = from_bytes(project, "id,category\na,dog\nb,cat\n")
    assert (report.existing, report.known) == (1, 1)
    assert reasons(report) == {3: "There is no item “b” yet, and the row brings no text."}
    assert cells(project) == [("a", "dog", 1)]


def test_what_contradicts_an_earlier_import_is_refused_whole():
    project = a_project()
    import_rows(project, [{"id": "a", "text": "one", "category": "dog"}])
    report = import_rows(project, [{"id": "a", "text": "one", "category": "cat", "gold": "cat"}])
    assert report.refused == [(1, "Something else is known of “a” already, which was kept.")]
    assert (report.existing, report.known, report.gold) == (0, 0, 0)
    assert cells(project) == [("a", "dog", 1)]
    assert not Gold.objects.exists()


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_known_category_outranks_what_people_agreed_on(exclusive):
    project = a_project(exclusive=exclusive)
    import_rows(project, [{"id": "a", "text": "one"}])
    fields = {"project": project, "item": project.items.get(), "exclusive": exclusive, "agreed": now()}
    Consensus.objects.create(
        category=project.categories.get(name="cat"), degree=1, posterior=0.9, judgments=3, **fields
    )
    report = import_rows(project, [{"id": "a", "text": "one", "category": "dog"}])
    assert (report.existing, report.known) == (1, 1)
    agreed = [cell for cell in cells(project, agreed__isnull=False) if cell[2] == 1]
    assert agreed == [("a", "dog", 1)]


def test_gold_knows_the_whole_row_and_is_no_consensus():
    project = a_project()
    report = from_bytes(project, "id,text,gold\na,one,dog\n")
    assert report.gold == 1
    assert list(Gold.objects.order_by("category__column").values_list("category__name", "degree")) == [
        ("cat", 0), ("dog", 1), ("bird", 0),
    ]  # fmt: skip
    assert not Consensus.objects.exists()


def test_a_query_about_what_is_now_known_is_withdrawn_unless_somebody_has_it():
    project = a_project(items=2)
    first, second = project.items.all()
    fresh = a_query(project, "categories", [first], wanted=3)
    held = a_query(project, "categories", [second], wanted=3, asked=1)
    import_rows(project, [{"id": item.identifier, "category": "cat"} for item in (first, second)])
    fresh.refresh_from_db(), held.refresh_from_db()
    assert (fresh.state, held.state) == (Query.State.WITHDRAWN, Query.State.OPEN)


# --- images and sounds -----------------------------------------------------------------------------------------------


def test_a_folder_of_images_becomes_items_named_by_their_paths(tmp_path, storage):
    folder = tmp_path / "birds"
    (folder / "north").mkdir(parents=True)
    (folder / "north" / "one.png").write_bytes(a_picture())
    (folder / "two.jpg").write_bytes(a_picture(kind="JPEG"))
    (folder / ".DS_Store").write_bytes(b"\0\0\0")
    (folder / "known.csv").write_text("id,category,gold\nnorth/one.png,cat,\ntwo.jpg,,dog\nthree.png,cat,\n")
    project = a_project(media="image")
    report = import_folder(project, folder)
    assert (report.created, report.known, report.gold) == (2, 1, 1)
    assert [item.identifier for item in project.items.all()] == ["north/one.png", "two.jpg"]
    assert reasons(report) == {4: "There is no item “three.png” yet, and the row brings no image."}
    with default_storage.open(project.items.first().content.name) as file:
        assert file.read() == a_picture()
    assert import_folder(project, folder).existing == 2
    assert len(stored_files(storage)) == 2


def test_a_stored_name_tells_the_type_and_nothing_else(storage):
    project = a_project(media="image")
    import_zip(project, a_zip({"secret/plan.jpg": a_picture()}))
    (file,) = stored_files(storage)
    assert file.suffix == ".png"
    assert "plan" not in str(file)
    assert len(file.stem) == 32


def test_known_answers_lie_beside_the_files_of_a_zip():
    project = a_project(media="image")
    files = {"pictures/a.png": a_picture(), "pictures/known.csv": "id,category\na.png,dog\n", "__MACOSX/x.png": b"junk"}
    report = import_file(project, a_zip(files), name="pictures.zip")
    assert (report.created, report.known, report.refused) == (1, 1, [])
    assert cells(project) == [("pictures/a.png", "dog", 1)]


def test_sounds_are_imported_and_silent_files_are_not():
    project = a_project(media="audio")
    files = {"a.wav": a_sound(), "b.wav": a_sound(0), "c.wav": b"RIFF", "d.wav": a_picture()}
    report = import_zip(project, a_zip(files))
    assert project.items.get().identifier == "a.wav"
    assert list(reasons(report)) == [2, 3, 4]
    assert reasons(report)[2] == "“b.wav”: The file holds no sound."


def test_broken_images_are_named_and_leave_no_file_behind(storage):
    project = a_project(media="image")
    files = {
        "good.png": a_picture(),
        "cut.png": a_picture(size=(64, 64))[:-30],
        "text.png": b"this is a text",
        "empty.png": b"",
        "script.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    }
    report = import_zip(project, a_zip(files))
    assert project.items.get().identifier == "good.png"
    assert list(reasons(report)) == [2, 3, 4, 5]
    assert reasons(report)[2] == "“cut.png”: The image is damaged or cut short."
    assert "This is not an image" in reasons(report)[3]
    assert len(stored_files(storage)) == 1


@pytest.mark.parametrize("path", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "..\\evil.png", "C:/evil.png"])
def test_a_path_out_of_the_zip_is_refused(path, storage, tmp_path):
    project = a_project(media="image")
    report = import_zip(project, a_zip({path: a_picture(), "good.png": a_picture()}))
    assert project.items.get().identifier == "good.png"
    assert "Its path leads out of the zip." in reasons(report)[1]
    assert not list(tmp_path.rglob("*evil*"))


def test_a_zip_bomb_is_not_unpacked():
    project = a_project(media="image")
    report = import_zip(project, a_zip({"bomb.png": b"\0" * 50_000_000, "good.png": a_picture()}))
    assert project.items.get().identifier == "good.png"
    assert reasons(report) == {1: "“bomb.png”: It unpacks to more than 300 times its size, as only a zip bomb does."}


def test_a_zip_whose_files_overlap_is_refused():
    file = a_zip({f"{at}.png": a_picture(size=(200, 200)) for at in range(3)}, zipfile.ZIP_STORED)
    with zipfile.ZipFile(file) as archive:
        first = archive.infolist()[0]
        for info in archive.infolist():
            info.header_offset, info.compress_size = first.header_offset, archive.start_dir
        data = io.BytesIO(file.getvalue())
        with zipfile.ZipFile(data, "a") as forged:
            forged.filelist, forged._didModify = archive.infolist(), True
    project = a_project(media="image")
    with pytest.raises(Refused, match="overlap"):
        import_zip(project, data)


def test_a_damaged_member_costs_only_itself():
    file = a_zip({"a.png": a_picture(size=(200, 200)), "b.png": a_picture()}, zipfile.ZIP_STORED)
    data = bytearray(file.getvalue())
    data[60] ^= 0xFF  # inside the first file: its checksum no longer fits
    project = a_project(media="image")
    report = import_zip(project, io.BytesIO(data))
    assert project.items.get().identifier == "b.png"
    assert list(reasons(report)) == [1]


def test_a_member_without_a_name_is_refused():
    data = a_zip({"a": a_picture(), "b.png": a_picture()}).getvalue()
    at = data.index(b"PK\x01\x02")  # its entry in the directory: 46 bytes, then a name of one letter
    nameless = data[: at + 28] + b"\0\0" + data[at + 30 : at + 46] + data[at + 47 :]
    end = nameless.index(b"PK\x05\x06")
    size = struct.unpack_from("<I", nameless, end + 12)[0] - 1
    nameless = nameless[: end + 12] + struct.pack("<I", size) + nameless[end + 16 :]
    report = import_zip(a_project(media="image"), io.BytesIO(nameless))
    assert (report.created, reasons(report)) == (1, {1: "The row has no id."})


def test_a_zip_cut_short_is_refused():
    data = a_zip({"a.png": a_picture()}).getvalue()[:-20]
    with pytest.raises(Refused, match="The zip cannot be read"):
        import_zip(a_project(media="image"), io.BytesIO(data))


def test_the_known_answers_beside_files_are_as_suspicious_as_any_table():
    project = a_project(media="image")
    table = "id,category\na.png,unicorn\nb.png,dog\nb.png,cat\nc.png,cat,more\n"
    files = {"a.png": a_picture(), "b.png": a_picture(), "known.csv": table, "empty.csv": "", "odd.csv": "x\ny\n"}
    report = import_zip(project, a_zip(files))
    assert cells(project) == [("b.png", "dog", 1)]
    said = " ".join(reason for _, reason in report.refused)
    assert "no category “unicorn”" in said
    assert "name “b.png” twice" in said
    assert "“known.csv”: The row has 3 fields" in said
    assert "“empty.csv”: The first line names no column “id”" in said


def test_a_row_cannot_name_a_file_of_the_server(tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(a_picture())
    project = a_project(media="image")
    report = import_rows(project, [{"id": "a", "content": str(secret)}, {"id": "b", "path": str(secret)}])
    assert list(reasons(report)) == [1, 2]
    assert not project.items.exists()


def test_files_do_not_fit_a_project_of_texts(tmp_path):
    project = a_project()
    with pytest.raises(Refused, match="come as CSV or JSON Lines"):
        import_folder(project, tmp_path)
    with pytest.raises(Refused, match="cannot be read"):
        import_file(project, tmp_path / "missing.csv")


def test_what_is_no_plain_file_is_not_opened(tmp_path):
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "dangling.png").symlink_to(tmp_path / "nothing")
    report = import_folder(a_project(media="image"), folder)
    assert reasons(report) == {1: "“dangling.png”: This is no plain file."}


def test_an_item_that_appears_while_its_content_is_checked_is_not_stored_twice(monkeypatch, storage):
    project = a_project(media="image")

    def meanwhile():
        import_rows(project, [{"id": "a", "content": a_picture()}])
        return a_picture()

    report = import_rows(project, [{"id": "a", "content": meanwhile}])
    assert (report.created, report.existing) == (0, 1)
    assert Item.objects.count() == len(stored_files(storage)) == 1


def test_workers_are_asked_about_what_was_imported():
    from labeling import asking, selecting

    project = a_project(gold_share=0.0)
    import_rows(project, [{"id": at, "text": f"text {at}"} for at in range(5)])
    selecting.refill(project, random_state=0)
    assignment = asking.next_assignment(a_worker(project), now=now())
    assert assignment.query.item_list[0].text.startswith("text ")
