"""The ring through the API: runs, refills, queries, consensus and exports."""

import csv
import io
import json

import pytest

from labeling import answering, asking, training
from labeling.models import Project, Query, TrainingRun
from tests.making import a_project, a_query, a_worker, an_answer, now
from tests.speaking import Speaker

pytestmark = pytest.mark.django_db


@pytest.fixture
def ring():
    """A project in which two people have agreed on one item."""
    project = a_project(items=4)
    query = a_query(project)
    for _ in range(2):
        assignment = asking.next_assignment(a_worker(project), now=now())
        answering.record(assignment, an_answer(query, ["cat"]), now=now())
    return project, Speaker(project.members.get(role="owner").user), f"projects/{project.slug}/"


def test_a_run_is_asked_for_once_while_it_waits(ring):
    _, speaker, address = ring
    first, again = speaker.post(f"{address}runs/"), speaker.post(f"{address}runs/")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert (first.json()["number"], first.json()["state"]) == (1, "queued")
    assert speaker.get(f"{address}runs/").json()["results"] == [first.json()]
    assert speaker.get(f"{address}runs/1/").json() == first.json()
    assert speaker.get(f"{address}runs/2/").status_code == 404


def test_no_run_is_asked_for_in_an_archived_project(ring):
    project, speaker, address = ring
    Project.objects.filter(pk=project.pk).update(state="archived")
    reply = speaker.post(f"{address}runs/")
    assert (reply.status_code, reply.json()["code"]) == (409, "cannot_learn")
    assert not project.runs.exists()


def test_the_newest_run_comes_first(ring):
    project, speaker, address = ring
    for _ in range(2):
        training.request(project, "by hand", now=now())
        TrainingRun.objects.update(state="failed")
    assert [run["number"] for run in speaker.get(f"{address}runs/").json()["results"]] == [2, 1]


def test_a_refill_opens_queries_that_are_listed_with_reason_and_price(ring):
    _, speaker, address = ring
    said = speaker.post(f"{address}refill/").json()
    assert said == {"opened": 4, "withdrawn": 0, "reason": ""}
    rows = speaker.get(f"{address}queries/", state="open").json()["results"]
    assert len(rows) == 4
    assert {row["purpose"] for row in rows} == {"teach"} and all(row["reason"] for row in rows)
    assert rows[0]["items"] and rows[0]["price"] == 10 * len(rows[0]["items"]) * len(rows[0]["categories"])
    assert [row["id"] for row in speaker.get(f"{address}queries/").json()["results"]][-1] == Query.objects.first().pk


def test_a_refill_that_opens_nothing_says_why():
    project = a_project(state="paused")
    said = Speaker(project.members.get().user).post(f"projects/{project.slug}/refill/").json()
    assert (said["opened"], said["reason"]) == (0, "The project is paused.")


def test_queries_are_listed_by_as_many_statements_however_many(ring, django_assert_max_num_queries):
    project, speaker, address = ring
    for _ in range(20):
        a_query(project, "items")
    with django_assert_max_num_queries(12):
        assert len(speaker.get(f"{address}queries/").json()["results"]) == 21


def test_consensus_names_item_and_category(ring):
    _, speaker, address = ring
    (row,) = speaker.get(f"{address}consensus/").json()["results"]
    assert (row["item"], row["category"], row["degree"], row["judgments"]) == ("item4", "cat", 1.0, 2)
    assert row["agreed"] and row["source"] == "people"


def test_pages_of_consensus_meet_without_a_gap():
    project = a_project(wanted=1, agree_count=1)
    worker = a_worker(project)
    for _ in range(3):
        a_query(project, "items")
        assignment = asking.next_assignment(worker, now=now())
        answering.record(assignment, an_answer(assignment.query, ["cat"]), now=now())
    speaker, address, items = (
        Speaker(project.members.get(role="owner").user),
        f"/api/v1/projects/{project.slug}/consensus/?limit=4",
        [],
    )
    while address:
        page = speaker.said("get", address).json()
        items += [row["item"] for row in page["results"]]
        address = page["next"] and page["next"].removeprefix("http://testserver")
    assert sorted(items) == sorted(project.items.values_list("identifier", flat=True))


@pytest.mark.parametrize("what", ["labeled", "judgments", "predictions", "ledger"])
def test_an_export_is_the_same_rows_in_both_formats(ring, what):
    _, speaker, address = ring
    lines, table = (
        speaker.client.get(
            f"/api/v1/{address}export/", {"what": what, "format": format}, headers={"accept": "text/html"}
        )
        for format in ("jsonl", "csv")
    )
    assert lines.headers["Content-Type"] == "application/jsonl; charset=utf-8"
    assert table.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = [json.loads(line) for line in b"".join(lines.streaming_content).splitlines()]
    columns = list(csv.DictReader(io.StringIO(b"".join(table.streaming_content).decode("utf-8-sig"))))
    assert len(rows) == len(columns) and (rows or what == "predictions")
    assert f'.{"csv"}"' in table.headers["Content-Disposition"]


@pytest.mark.parametrize(("name", "value"), [("what", "secrets"), ("format", "xlsx")])
def test_an_export_of_what_there_is_not_is_refused_by_name(ring, name, value):
    _, speaker, address = ring
    reply = speaker.get(f"{address}export/", **{name: value})
    assert (reply.status_code, reply.json()["field"]) == (400, name)
