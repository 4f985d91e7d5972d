"""Importing what is known beforehand: answers that train, gold that checks workers, and what contradicts them."""

import pytest

from labeling import importing
from labeling.importing import import_rows
from labeling.models import Consensus, Gold, Query
from tests.bringing import cells, from_bytes, reasons
from tests.making import a_project, a_query, now

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


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
