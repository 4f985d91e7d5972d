"""Exporting: every item with who decided it, from one run, in text that is safe to open."""

import csv
import io
import json
import time

import numpy as np
import pytest

from labeling import accepting, answering, arrays, asking, exporting, renewing
from labeling.exporting import as_csv, as_jsonl, judgments, labeled, ledger, predictions
from labeling.importing import import_rows
from labeling.models import Item, Query, TrainingRun
from rewards import ledger as books
from tests.making import a_project, a_query, a_worker, an_answer, now
from tests.proving import a_sure_project, certify
from tests.teaching import agree

pytestmark = pytest.mark.django_db


def publish(project, probability, number=1) -> TrainingRun:
    """A run that says this, (items, categories) with NaN where it says nothing."""
    pointer = arrays.save(f"{project.pk}/probability", np.array(probability, np.float32))
    run = TrainingRun.objects.create(
        project=project, number=number, state="done", classifier="logistic_regression", seed=0, trigger="test",
        requested=now(), finished=now(), arrays={"probability": pointer},
    )  # fmt: skip
    project.published = run
    project.save(update_fields=["published"])
    return run


def say(query, worker, yes=()):
    """This worker is offered the query and answers it."""
    assert query.take_place()
    return answering.record(asking.offer(query, worker, now()), an_answer(query, yes), now=now())


def by_id(rows) -> dict[str, dict]:
    return {row["id"]: row for row in rows}


# --- what a certificate accepts --------------------------------------------------------------------------------------


def test_an_accepted_item_is_the_classifiers_with_its_certificate():
    project = a_sure_project()
    certificate = certify(project)
    rows, mine = by_id(labeled(project)), certificate.places()
    for item in project.items.all():
        row = rows[item.identifier]
        if mine[item.row]:
            assert (row["categories"], row["decided"], row["decided_by"]) == (["cat"], True, "classifier")
            assert row["decided_at"] == certificate.made.isoformat(timespec="seconds")
            assert row["certificate"] == {
                "number": certificate.pk, "run": 1, "made": row["decided_at"], "threshold": certificate.threshold,
                "share": 0.3, "confidence": 0.95, "bound": certificate.bound, "look": 1,
                "accepted": certificate.accepted, "audited": certificate.audited, "wrong": 0,
            }  # fmt: skip
        else:
            assert row["decided_by"] == "people" and set(row["certificate"].values()) == {None}


def test_without_a_certificate_the_classifiers_word_settles_nothing_where_one_is_wanted():
    project = a_sure_project()
    assert {(row["decided"], row["decided_by"]) for row in labeled(project)} == {(False, "classifier")}
    project.accept_share = None
    assert {(row["decided"], row["decided_by"]) for row in labeled(project)} == {(True, "classifier")}


def test_a_withdrawn_certificate_leaves_the_export():
    project = a_sure_project()
    certify(project)
    accepting.end(project, "for the test")
    rows = [row for row in labeled(project) if row["decided_by"] == "classifier"]
    assert rows and not any(row["decided"] or row["certificate"]["number"] for row in rows)


def test_what_people_decide_of_a_covered_item_is_theirs_and_stays_covered():
    project = a_sure_project()
    certificate = certify(project)
    first, second = project.items.filter(row__in=np.flatnonzero(certificate.places()))[:2]
    agree(first, "dog")
    agree(second, "cat", degree=0.0, agreed=False)  # people say what it is not: the run's guess
    rows = by_id(labeled(project))
    assert (rows[first.identifier]["categories"], rows[first.identifier]["decided_by"]) == (["dog"], "people")
    assert rows[first.identifier]["certificate"]["number"] == certificate.pk
    assert (rows[second.identifier]["decided"], rows[second.identifier]["certificate"]["number"]) == (False, None)


def test_a_certificate_has_columns_of_its_own_in_a_table():
    project = a_sure_project()
    certificate = certify(project)
    rows = list(csv.DictReader(io.StringIO("".join(as_csv(labeled(project))))))
    numbers = [row["certificate:number"] for row in rows]
    assert numbers.count(str(certificate.pk)) == certificate.accepted
    assert numbers.count("") == 120 - certificate.accepted


# --- the labeled set -------------------------------------------------------------------------------------------------


def test_nothing_is_decided_before_anybody_said_anything():
    project = a_project(items=2)
    rows = list(labeled(project))
    assert [row["id"] for row in rows] == ["item0", "item1"]
    row = rows[0]
    assert (row["categories"], row["decided"], row["decided_by"], row["decided_at"]) == ([], False, "nobody", None)
    assert (row["judgments"], row["agreement"], row["confidence"], row["run"]) == (0, None, None, None)
    assert row["degree"] == row["probability"] == {"cat": None, "dog": None, "bird": None}


def test_what_people_agree_on_is_decided_by_people():
    project = a_project(agree_count=2, agree_share=0.6)
    query = a_query(project, "categories", wanted=3)
    for chosen in ("dog", "cat", "dog"):
        say(query, a_worker(project), [chosen])
    (row,) = labeled(project)
    assert (row["categories"], row["decided"], row["decided_by"]) == (["dog"], True, "people")
    assert (row["judgments"], row["agreement"]) == (3, 0.6667)
    assert row["degree"]["dog"] > 0.6667 > 0.3333 > row["degree"]["cat"] > row["degree"]["bird"] == 0.0
    assert all(0 < error < 0.5 for error in row["error"].values())
    assert row["posterior"]["dog"] > 0.7 and sum(row["posterior"].values()) == pytest.approx(1, abs=1e-3)
    assert row["decided_at"] <= row["exported"]


def test_people_who_do_not_agree_decide_nothing_but_are_counted():
    project = a_project(agree_count=3)
    query = a_query(project, "categories", wanted=3)
    for chosen in ("dog", "cat"):
        say(query, a_worker(project), [chosen])
    (row,) = labeled(project)
    assert (row["decided"], row["decided_by"], row["judgments"], row["agreement"]) == (False, "nobody", 2, 0.5)


def test_the_classifier_decides_the_rest_and_says_how_sure_it_is():
    project = a_project(items=3, certain=0.9)
    run = publish(project, [[0.05, 0.92, 0.03], [0.5, 0.3, 0.2], [np.nan] * 3])
    sure, unsure, unknown = labeled(project)
    assert (sure["categories"], sure["decided"], sure["decided_by"], sure["confidence"]) == (
        ["dog"],
        True,
        "classifier",
        0.92,
    )
    assert sure["probability"] == {"cat": 0.05, "dog": 0.92, "bird": 0.03}
    assert (sure["run"], sure["decided_at"]) == (1, run.finished.isoformat(timespec="seconds"))
    assert (unsure["categories"], unsure["decided"], unsure["decided_by"]) == (["cat"], False, "classifier")
    assert (unknown["categories"], unknown["decided"], unknown["decided_by"]) == ([], False, "nobody")
    assert unknown["probability"] == {"cat": None, "dog": None, "bird": None}


def test_people_and_imports_outrank_the_classifier():
    project = a_project(agree_count=1, agree_share=0.5)
    import_rows(project, [{"id": "known", "text": "x", "category": "bird"}, {"id": "asked", "text": "y"}])
    query = a_query(project, "categories", [project.items.get(identifier="asked")], wanted=1)
    say(query, a_worker(project), ["cat"])
    publish(project, [[0.1, 0.8, 0.1]] * 2, number=7)
    rows = by_id(labeled(project))
    assert (rows["known"]["categories"], rows["known"]["decided_by"], rows["known"]["judgments"]) == (
        ["bird"],
        "import",
        0,
    )
    assert rows["known"]["agreement"] is None
    assert (rows["asked"]["categories"], rows["asked"]["decided_by"]) == (["cat"], "people")
    assert rows["asked"]["confidence"] == 0.8


def test_the_classifier_decides_nothing_that_people_ruled_out():
    project = a_project(items=2, agree_count=1, agree_share=0.5, certain=0.7)
    first, second = project.items.all()
    publish(project, [[0.95, 0.04, 0.01], [0.96, 0.02, 0.02]])
    for item in (first, second):
        say(a_query(project, "yes_no", [item], [project.categories.get(name="cat")]), a_worker(project))  # not a cat
    dog, torn = labeled(project)
    assert (dog["categories"], dog["decided"], dog["decided_by"]) == (["dog"], True, "classifier")
    assert (dog["confidence"], dog["probability"]) == (0.8, {"cat": 0.0, "dog": 0.8, "bird": 0.2})
    assert (torn["decided"], torn["confidence"]) == (False, 0.5)
    assert next(predictions(project))["probability"]["cat"] == 0.95  # what the classifier itself says


def test_an_item_of_which_people_ruled_out_all_is_nobodys():
    project = a_project(items=1, agree_count=1, agree_share=0.5)
    publish(project, [[0.95, 0.04, 0.01]])
    for category in project.categories.all():
        say(a_query(project, "yes_no", list(project.items.all()), [category]), a_worker(project))
    (row,) = labeled(project)
    assert (row["categories"], row["decided"], row["decided_by"]) == ([], False, "nobody")


def test_an_item_and_a_category_that_came_after_the_run_are_undecided():
    from labeling import opening

    project = a_project(items=1, categories=("cat", "dog"))
    publish(project, [[0.95, 0.05]])
    opening.add_categories(project, ["bird"])
    import_rows(project, [{"id": "new", "text": "x"}])
    old, new = labeled(project)
    assert old["probability"] == {"cat": 0.95, "dog": 0.05, "bird": None}
    assert old["categories"] == ["cat"]
    assert new["decided_by"] == "nobody"


def test_several_categories_are_decided_cell_by_cell():
    project = a_project(items=3, exclusive=False, agree_count=1, agree_share=0.5, certain=0.9)
    first, second, third = project.items.all()
    say(a_query(project, "yes_no", [first], [project.categories.get(name="cat")]), a_worker(project), ["cat"])
    say(a_query(project, "categories", [second]), a_worker(project), ["cat", "bird"])
    say(a_query(project, "yes_no", [third], [project.categories.get(name="cat")]), a_worker(project), ["cat"])
    rows = by_id(labeled(project))
    assert (rows["item0"]["categories"], rows["item0"]["decided"], rows["item0"]["decided_by"]) == (
        ["cat"],
        False,
        "people",
    )
    assert (rows["item1"]["categories"], rows["item1"]["decided"]) == (["cat", "bird"], True)
    publish(project, [[0.1, 0.95, 0.05], [0.1, 0.1, 0.1], [0.5, 0.7, 0.05]])
    rows = by_id(labeled(project))
    assert (rows["item0"]["categories"], rows["item0"]["decided"]) == (["cat", "dog"], True)
    assert rows["item0"]["decided_by"] == "classifier"
    assert (rows["item1"]["categories"], rows["item1"]["decided_by"]) == (["cat", "bird"], "people")
    assert (rows["item2"]["categories"], rows["item2"]["decided"]) == (["cat", "dog"], False)
    assert rows["item2"]["confidence"] == 0.5


def test_answers_are_counted_by_item_and_only_those_that_make_consensus():
    project = a_project(exclusive=False, agree_count=2)
    query = a_query(project, "items", wanted=9)  # three items, one category
    both = [a_worker(project) for _ in range(2)]
    for worker in both:
        say(query, worker)
    picking = a_query(project, "categories", [query.item_list[0]], wanted=9)
    say(picking, both[0])  # chose none: nothing stored, everything implied
    gold = a_query(project, "yes_no", [query.item_list[1]], purpose=Query.Purpose.GOLD, wanted=9)
    say(gold, a_worker(project))
    assert [row["judgments"] for row in labeled(project)] == [3, 2, 2]
    renewing.set_aside(both[0], True, now=now())
    assert [row["judgments"] for row in labeled(project)] == [1, 1, 1]


def test_withdrawn_items_are_marked_and_stay():
    project = a_project(items=2)
    asking.withdraw(project.items.first())
    assert [row["withdrawn"] for row in labeled(project)] == [True, False]


def test_an_export_under_way_keeps_to_its_run(monkeypatch):
    monkeypatch.setattr(exporting, "CHUNK", 1)
    project = a_project(items=3)
    first = publish(project, [[0.9, 0.1, 0.0]] * 3)
    rows = labeled(project)
    seen = [next(rows)]
    publish(project, [[0.1, 0.9, 0.0]] * 3, number=2)
    arrays.delete([first.arrays["probability"]], kept=[])
    seen += rows
    assert [(row["run"], row["categories"]) for row in seen] == [(1, ["cat"])] * 3


def test_a_large_project_is_read_some_items_at_a_time(monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(exporting, "CHUNK", 100)
    project = a_project()
    import_rows(project, ({"id": at, "text": "x"} for at in range(1000)))
    with django_assert_max_num_queries(60):
        assert [row["id"] for row in labeled(project)] == [str(at) for at in range(1000)]


def test_twenty_thousand_items_leave_within_seconds():
    project = a_project(categories=[str(at) for at in range(10)])
    project.rows = 20_000
    project.save()
    Item.objects.bulk_create(
        Item(project=project, identifier=f"i{at}", row=at, lot=0.5, text="x") for at in range(20_000)
    )
    publish(project, np.full((20_000, 10), 0.1))
    started = time.perf_counter()
    size = sum(len(piece) for piece in as_csv(labeled(project)))
    assert size > 1_000_000
    assert time.perf_counter() - started < 15


# --- judgments, predictions, the ledger ------------------------------------------------------------------------------


def test_judgments_tell_zeros_that_were_implied_from_those_that_were_said():
    project = a_project()
    worker = a_worker(project, "eve@example.org")
    say(a_query(project, "categories"), worker, ["dog"])
    say(a_query(project, "yes_no", categories=[project.categories.get(name="cat")]), worker)
    rows = list(judgments(project))
    assert [(row["item"], row["category"], row["degree"], row["implied"]) for row in rows] == [
        ("item0", "dog", 1.0, False),
        ("item0", "cat", 0.0, True),
        ("item0", "bird", 0.0, True),
        ("item1", "cat", 0.0, False),
    ]
    assert {row["worker"] for row in rows} == {f"w{worker.pk}"}
    assert [row["kind"] for row in rows] == ["categories"] * 3 + ["yes_no"]
    assert all(row["counted"] and row["seconds"] >= 0 for row in rows)


def test_judgments_that_were_replaced_are_gone_and_those_set_aside_are_marked():
    project = a_project()
    worker, other = a_worker(project), a_worker(project)
    query = a_query(project, "categories", wanted=3)
    outcome = say(query, worker, ["dog"])
    answering.record(answering.undo(worker, outcome.assignment), an_answer(query, ["cat"]), now=now())
    say(query, other, ["dog"])
    renewing.set_aside(other, True, now=now())
    said = [(row["worker"], row["category"], row["counted"]) for row in judgments(project) if row["degree"]]
    assert said == [(f"w{worker.pk}", "cat", True), (f"w{other.pk}", "dog", False)]


def test_predictions_are_those_of_the_published_run():
    project = a_project(items=2)
    assert list(predictions(project)) == []
    publish(project, [[0.2, 0.7, 0.1], [np.nan] * 3])
    assert list(predictions(project)) == [
        {
            "id": "item0", "categories": ["dog"], "confidence": 0.7, "run": 1, "withdrawn": False,
            "probability": {"cat": 0.2, "dog": 0.7, "bird": 0.1},
        }
    ]  # fmt: skip


def test_the_ledger_adds_up():
    project = a_project(funds=500, cell_price=10)
    worker = a_worker(project, "ada")
    say(a_query(project, "yes_no"), worker)
    rows = list(ledger(project))
    assert [(row["kind"], row["debit"], row["credit"]) for row in rows] == [
        ("fund", "Funding", "Available"), ("reserve", "Available", "Reserved"), ("post", "Reserved", "ada"),
    ]  # fmt: skip
    earned = sum(row["amount"] for row in rows if row["credit"] == "ada")
    assert earned == books.balance(worker.user, project.budget) == 500 - project.budget.available


# --- rows as text ----------------------------------------------------------------------------------------------------


def table(rows) -> list[dict]:
    return list(csv.DictReader(io.StringIO("".join(as_csv(rows)), newline="")))


def test_csv_has_one_column_a_category_and_json_lines_nest_them():
    project = a_project(items=1)
    publish(project, [[0.2, 0.7, 0.1]])
    (row,) = table(labeled(project))
    assert (row["id"], row["categories"], row["decided"]) == ("item0", "dog", "false")
    assert (row["probability:dog"], row["degree:dog"]) == ("0.7", "")
    (line,) = map(json.loads, "".join(as_jsonl(labeled(project))).splitlines())
    assert line["probability"] == {"cat": 0.2, "dog": 0.7, "bird": 0.1}
    assert line["categories"] == ["dog"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x","y")'])
def test_no_cell_of_a_csv_is_a_formula(text):
    (row,) = table([{"id": text, "categories": [text, "b"]}])
    assert row == {"id": f"'{text}", "categories": f"'{text}|b"}
    assert json.loads("".join(as_jsonl([{"id": text}])))["id"] == text


def test_quotes_lines_and_letters_of_any_script_survive():
    text = 'a "quoted", line\nand 數字 🙂'
    assert table([{"id": text}]) == [{"id": text}]
    assert json.loads("".join(as_jsonl([{"id": text}])))["id"] == text


def test_rows_are_written_in_pieces_and_none_is_nothing():
    rows = ({"id": at} for at in range(1200))
    pieces = list(as_csv(rows))
    assert len(pieces) == 3
    assert "".join(pieces).split() == ["id", *map(str, range(1200))]
    assert list(as_csv([])) == list(as_jsonl([])) == []


def test_what_is_exported_can_be_imported_again():
    project = a_project(agree_count=1, agree_share=0.5)
    import_rows(project, [{"id": "a", "text": "one", "category": "cat"}, {"id": "b", "text": "two"}])
    again = a_project()
    import_rows(again, [{"id": "a", "text": "one"}, {"id": "b", "text": "two"}])
    report = import_rows(again, [{"id": row["id"], "categories": row["categories"]} for row in labeled(project)])
    assert (report.known, report.refused) == (1, [])


def test_what_is_agreed_because_one_category_is_left_tells_how_many_agree():
    project = a_project(categories=["book", "other"])
    query = a_query(project)
    for _ in range(2):
        assignment = asking.next_assignment(a_worker(project), now=now())
        answering.record(assignment, an_answer(query), now=now())
    row = next(exporting.labeled(project))
    assert (row["categories"], row["decided_by"], row["agreement"]) == (["other"], "people", 1.0)
