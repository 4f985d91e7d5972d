"""Importing: good rows are kept, bad ones are named, nothing comes in twice, and no file can do harm."""

import json
import tracemalloc

import pytest

from labeling import importing
from labeling.importing import import_rows
from labeling.models import Consensus, Gold
from labeling.opening import Refused
from tests.bringing import a_picture, a_zip, from_bytes, reasons
from tests.making import a_project

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


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
