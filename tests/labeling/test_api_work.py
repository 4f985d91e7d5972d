"""A worker through the API: asked, answering, giving back, undoing."""

import json
from datetime import timedelta

import pytest

from labeling.kinds import KINDS
from labeling.models import Assignment, Judgment, Query, Report
from rewards import ledger
from tests.making import a_project, a_query, a_user, a_worker, an_item, now
from tests.speaking import Speaker

pytestmark = pytest.mark.django_db


def asked(kind="yes_no", **fields):
    """A project with one open query, its worker, and the worker's voice."""
    project = a_project(**fields)
    query = a_query(project, kind)
    worker = a_worker(project)
    return project, query, worker, Speaker(worker.user)


def next_of(project, speaker, **body):
    return speaker.post(f"projects/{project.slug}/next/", body)


def everything(assignment, degree=1):
    """A judgment of each cell; of a choose-one query only its first."""
    judgments = [
        {"item": item["id"], "category": category, "degree": degree}
        for item in assignment["items"]
        for category in assignment["categories"]
    ]
    return {"judgments": judgments[:1] if assignment["kind"] == "categories" else judgments}


def answer(speaker, assignment, body=None, **options):
    return speaker.post(f"assignments/{assignment['id']}/answer/", body or everything(assignment), **options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_query_of_any_kind_is_asked_and_answered_by_names(kind):
    project, query, worker, speaker = asked(kind)
    offered = next_of(project, speaker).json()
    assert offered["kind"] == kind
    assert [item["id"] for item in offered["items"]] == [item.identifier for item in query.item_list]
    assert [item["text"] for item in offered["items"]] == [item.text for item in query.item_list]
    assert offered["categories"] == [category.name for category in query.category_list]
    reply = answer(speaker, offered).json()
    assert reply["paid"] == offered["reward"] == reply["balance"] == ledger.balance(worker.user, project.budget)
    assert Judgment.objects.count() == len(everything(offered)["judgments"])
    assert reply["counted"] and not reply["repeated"] and "next" not in reply


def test_what_is_held_is_offered_again_and_what_is_named_is_not():
    project, _, _, speaker = asked(ahead=2)
    a_query(project, value=0.5)
    first = next_of(project, speaker).json()["id"]
    assert next_of(project, speaker).json()["id"] == first
    second = next_of(project, speaker, holding=[first]).json()["id"]
    assert second != first
    reply = next_of(project, speaker, holding=[first, second])
    assert (reply.status_code, reply.headers["Reason"]) == (204, "holding")
    assert reply.headers["Reason-Message"] == "Answer what you hold first."


def test_the_next_query_comes_with_the_reply_if_asked_for():
    project, _, _, speaker = asked()
    a_query(project, value=0.5)
    reply = answer(speaker, next_of(project, speaker).json(), query="?next=1").json()
    assert reply["next"]["id"] == Assignment.objects.live().get().pk
    assert reply["reason"] is None
    last = answer(speaker, reply["next"], query="?next=1").json()
    assert (last["next"], last["reason"]) == (None, "choosing")


def test_a_next_query_that_cannot_be_paid_undoes_no_answer():
    project, _, worker, speaker = asked(funds=10)
    a_query(project, value=0.5)
    reply = answer(speaker, next_of(project, speaker).json(), query="?next=1").json()
    assert (reply["paid"], reply["next"], reply["reason"]) == (10, None, "budget")
    assert ledger.balance(worker.user, project.budget) == 10


def test_the_assignment_is_the_key_of_an_answer_without_one():
    project, _, worker, speaker = asked()
    offered = next_of(project, speaker).json()
    first, again = answer(speaker, offered).json(), answer(speaker, offered, everything(offered, degree=0)).json()
    assert again == first | {"repeated": True}
    assert ledger.balance(worker.user, project.budget) == first["paid"]
    assert Judgment.objects.get().degree == 1


def test_a_late_answer_says_what_became_of_it():
    project, _, _, speaker = asked(wanted=1, agree_count=1)
    offered = next_of(project, speaker).json()
    Assignment.objects.update(expires=now() - timedelta(seconds=1))
    other = Speaker(a_worker(project).user)
    answer(other, next_of(project, other).json())
    reply = answer(speaker, offered).json()
    assert (reply["paid"], reply["counted"]) == (0, False)
    assert "too late" in reply["message"]


@pytest.mark.parametrize(
    ("judgment", "code", "field", "row"),
    [
        ({"item": "nowhere"}, "unknown_item", "item", 2),
        ({"category": "fish"}, "unknown_category", "category", 2),
        ({}, "judged_twice", "judgments", 2),
        ({"degree": 1.5}, "max_value", "degree", 2),
        ({"degree": True}, "invalid", "degree", 2),
        ({"degree": "1"}, "invalid", "degree", 2),
        ({"degree": None}, "null", "degree", 2),
        ({"item": 7}, "invalid", "item", 2),
        ({"category": ["cat"]}, "invalid", "category", 2),
    ],
)
def test_a_bad_judgment_is_named_by_row_and_field_and_records_nothing(judgment, code, field, row):
    project, _, _, speaker = asked("items")
    offered = next_of(project, speaker).json()
    good = everything(offered)["judgments"][0]
    reply = answer(speaker, offered, {"judgments": [good, good | judgment]})
    assert reply.status_code == 400
    said = reply.json()
    assert (said["code"], said["field"], said["row"]) == (code, field, row)
    assert not Judgment.objects.exists() and Assignment.objects.live().exists()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_what_is_no_number_in_json_is_refused(number):
    project, _, _, speaker = asked()
    offered = next_of(project, speaker).json()
    body = json.dumps(everything(offered)).replace('"degree": 1', f'"degree": {number}')
    reply = answer(speaker, offered, body, format=None, content_type="application/json")
    assert (reply.status_code, reply.json()["code"]) == (400, "parse_error")


def test_an_empty_answer_is_refused_where_it_says_nothing():
    project, _, _, speaker = asked()
    offered = next_of(project, speaker).json()
    reply = answer(speaker, offered, {"judgments": []})
    assert (reply.status_code, reply.json()["code"], reply.json()["field"]) == (400, "empty", "judgments")


def test_nobody_answers_for_somebody_else():
    project, _, _, speaker = asked()
    offered = next_of(project, speaker).json()
    other = Speaker(a_worker(project).user)
    for verb, body in {"answer": everything(offered), "skip": {}, "report": {}, "undo": {}}.items():
        assert other.post(f"assignments/{offered['id']}/{verb}/", body).status_code == 404
    assert Assignment.objects.live().count() == 1


@pytest.mark.parametrize("reason", ["skip", "cannot_tell"])
def test_a_query_given_back_is_free_for_others_and_answered_no_more(reason):
    project, _, _, speaker = asked()
    offered = next_of(project, speaker).json()
    reply = speaker.post(f"assignments/{offered['id']}/skip/", {"reason": reason, "note": "blurred"})
    assert reply.json() == {"id": offered["id"], "state": "given_back"}
    assert Assignment.objects.values_list("reason", "note").get() == (reason, "blurred")
    assert project.budget.reserved == 0 and Query.objects.get().asked == 0
    reply = answer(speaker, offered)
    assert (reply.status_code, reply.json()["code"]) == (409, "given_back")
    again = speaker.post(f"assignments/{offered['id']}/skip/")
    assert (again.status_code, again.json()["code"]) == (409, "not_held")


def test_a_broken_item_is_reported_by_its_id():
    project, _, _, speaker = asked("items", agree_count=1)
    offered = next_of(project, speaker).json()
    address = f"assignments/{offered['id']}/report/"
    assert speaker.post(address, {}).json()["field"] == "items"
    assert speaker.post(address, {"items": ["nowhere"]}).json()["row"] == 1
    broken = offered["items"][1]["id"]
    assert speaker.post(address, {"items": [broken], "note": "black"}).json()["state"] == "given_back"
    assert Report.objects.get().item.identifier == broken
    assert project.items.get(identifier=broken).withdrawn


def test_the_only_item_of_a_query_needs_no_name():
    project, query, _, speaker = asked()
    speaker.post(f"assignments/{next_of(project, speaker).json()['id']}/report/")
    assert Report.objects.get().item == query.item_list[0]


def test_an_answer_is_undone_corrected_and_not_paid_again():
    project, _, worker, speaker = asked()
    offered = next_of(project, speaker).json()
    answer(speaker, offered)
    reopened = speaker.post(f"assignments/{offered['id']}/undo/").json()
    assert reopened == offered | {"reopened": True}
    assert next_of(project, speaker).json() == reopened
    reply = answer(speaker, offered, everything(offered, degree=0)).json()
    assert "corrected" in reply["message"]
    assert Judgment.objects.standing().get().degree == 0
    assert ledger.balance(worker.user, project.budget) == offered["reward"]


def test_a_reopened_answer_that_is_skipped_stays_as_it_was():
    project, _, _, speaker = asked()
    offered = next_of(project, speaker).json()
    answer(speaker, offered)
    speaker.post(f"assignments/{offered['id']}/undo/")
    assert speaker.post(f"assignments/{offered['id']}/skip/").json()["state"] == "answered"
    assert not Assignment.objects.get().reopened


def test_what_was_not_answered_cannot_be_undone():
    project, _, _, speaker = asked()
    reply = speaker.post(f"assignments/{next_of(project, speaker).json()['id']}/undo/")
    assert (reply.status_code, reply.json()["code"]) == (409, "nothing_to_undo")


def test_only_workers_are_asked():
    project, *_ = asked()
    owner = Speaker(project.members.get(role="owner").user)
    assert next_of(project, owner).status_code == 403
    assert next_of(project, Speaker(a_user())).status_code == 404
    assert not Assignment.objects.exists()


def test_a_record_is_read_as_its_values():
    project, _, _, speaker = asked(media="record")
    item = an_item(project, values={"age": 41, "city": "Bern"}, text="")
    a_query(project, items=[item], value=9)
    assert next_of(project, speaker).json()["items"] == [
        {"id": item.identifier, "media": "record", "values": {"age": 41, "city": "Bern"}}
    ]
