"""Idempotency keys: one effect and one reply for each key, under repetition, refusal, failure and at the same time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from labeling import answering, asking, replying
from labeling.models import Assignment, Item, Project, Reply
from rewards import ledger
from tests.making import a_project, a_query, a_user, a_worker, now
from tests.speaking import Speaker

pytestmark = pytest.mark.django_db


def a_rich_worker(project, earned=100):
    """A worker with a balance."""
    worker = a_worker(project)
    ledger.post(ledger.reserve(project.budget, earned), worker.user, earned)
    return worker


def test_a_payout_sent_again_under_its_key_pays_once():
    project = a_project()
    worker = a_rich_worker(project)
    speaker = Speaker(worker.user)
    body = {"project": project.slug, "amount": 30}
    first, again = speaker.post("payouts/", body, key="k"), speaker.post("payouts/", body, key="k")
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert first.status_code == 201 and "Idempotent-Replay" not in first.headers
    assert again.headers["Idempotent-Replay"] == "true"
    assert ledger.balance(worker.user, project.budget) == 70


def test_without_a_key_two_payouts_are_two():
    project = a_project()
    worker = a_rich_worker(project)
    speaker = Speaker(worker.user)
    for _ in range(2):
        speaker.post("payouts/", {"project": project.slug, "amount": 30})
    assert ledger.balance(worker.user, project.budget) == 40


def test_a_key_with_another_request_is_422_and_changes_nothing():
    project, other = a_project(), a_project()
    worker = a_rich_worker(project)
    speaker = Speaker(worker.user)
    speaker.post("payouts/", {"project": project.slug, "amount": 30}, key="k")
    for path, body in (
        ("payouts/", {"project": project.slug, "amount": 31}),
        ("payouts/", {"project": other.slug, "amount": 30}),
        (f"projects/{project.slug}/next/", {}),
    ):
        reply = speaker.post(path, body, key="k")
        assert (reply.status_code, reply.json()["code"], reply.json()["field"]) == (
            422,
            "key_reused",
            "Idempotency-Key",
        )
    assert ledger.balance(worker.user, project.budget) == 70


def test_the_query_part_of_the_address_belongs_to_the_request():
    project = a_project()
    a_query(project)
    worker = a_worker(project)
    speaker = Speaker(worker.user)
    address = f"assignments/{asking.next_assignment(worker, now=now()).pk}/answer/"
    body = {"judgments": [{"item": Item.objects.get().identifier, "category": "cat", "degree": 1}]}
    assert speaker.post(address, body, key="k").status_code == 200
    assert speaker.post(address, body, key="k", query="?next=1").status_code == 422


def test_a_key_is_the_users_own():
    project = a_project()
    workers = [a_rich_worker(project) for _ in range(2)]
    for worker in workers:
        Speaker(worker.user).post("payouts/", {"project": project.slug, "amount": 30}, key="k")
    assert [ledger.balance(worker.user, project.budget) for worker in workers] == [70, 70]


def test_what_was_refused_may_be_sent_again_corrected_under_its_key():
    project = a_project()
    worker = a_rich_worker(project)
    speaker = Speaker(worker.user)
    assert speaker.post("payouts/", {"project": project.slug, "amount": 300}, key="k").status_code == 409
    assert speaker.post("payouts/", {"project": project.slug, "amount": -3}, key="k").status_code == 400
    assert not Reply.objects.exists()
    assert speaker.post("payouts/", {"project": project.slug, "amount": 30}, key="k").status_code == 201


def test_no_effect_stays_where_its_reply_could_not_be_made(monkeypatch):
    speaker = Speaker(a_user())
    body = {"name": "Birds", "media": "text", "categories": ["tit", "owl"]}
    with monkeypatch.context() as broken:
        broken.setattr(Reply, "save", lambda *args, **options: 1 / 0)
        assert (
            speaker.client.post("/api/v1/projects/", body, format="json", headers={"Idempotency-Key": "k"}).status_code
            == 500
        )
    assert not Project.objects.exists()
    assert speaker.post("projects/", body, key="k").json()["id"] == "birds"
    assert speaker.post("projects/", body, key="k").json()["id"] == "birds"
    assert Project.objects.count() == 1


def test_a_lease_is_kept_with_its_reply():
    project = a_project(ahead=5)
    for value in (2, 1):
        a_query(project, value=value)
    worker = a_worker(project)
    speaker, address = Speaker(worker.user), f"projects/{project.slug}/next/"
    first = speaker.post(address, {}, key="a").json()
    second = speaker.post(address, {"holding": [first["id"]]}, key="b").json()
    assert speaker.post(address, {"holding": [first["id"]]}, key="b").json() == second != first
    assert speaker.post(address, {}, key="a").json() == first
    assert Assignment.objects.count() == 2


def test_that_there_is_nothing_is_a_reply_too():
    project = a_project()
    speaker = Speaker(a_worker(project).user)
    first, again = (speaker.post(f"projects/{project.slug}/next/", {}, key="k") for _ in range(2))
    assert first.status_code == again.status_code == 204
    assert first.headers["Reason"] == again.headers["Reason"] == "choosing"
    assert again.headers["Reason-Message"] == asking.SENTENCES["choosing"]
    assert set(Reply.objects.get().body) == {"Reason", "Reason-Message"}
    assert again.headers["Idempotent-Replay"] == "true"


@pytest.fixture
def answering_twice():
    """A worker who holds one of two queries, and its answer as a request."""
    project = a_project()
    for value in (2, 1):
        a_query(project, value=value)
    worker = a_worker(project)
    assignment = asking.next_assignment(worker, now=now())
    judgments = [{"item": assignment.query.item_list[0].identifier, "category": "cat", "degree": 1}]
    request = {"path": f"assignments/{assignment.pk}/answer/", "body": {"judgments": judgments}, "key": "k"}
    return project, worker, request | {"query": "?next=1"}


def test_an_answer_sent_again_gets_the_same_next_query(answering_twice):
    project, worker, request = answering_twice
    speaker = Speaker(worker.user)
    first, again = speaker.post(**request).json(), speaker.post(**request).json()
    assert again == first and first["next"]["id"] and not first["repeated"]
    assert ledger.balance(worker.user, project.budget) == first["paid"]
    assert Assignment.objects.live().count() == 1


def test_an_answer_stands_when_asking_for_the_next_breaks_and_its_retry_completes_the_reply(
    answering_twice, monkeypatch
):
    project, worker, request = answering_twice
    speaker = Speaker(worker.user)
    with monkeypatch.context() as broken:
        broken.setattr(asking, "next_assignment", lambda *args, **options: 1 / 0)
        reply = speaker.client.post(
            f"/api/v1/{request['path']}?next=1", request["body"], format="json", headers={"Idempotency-Key": "k"}
        )
    assert reply.status_code == 500
    assert Assignment.objects.answered().count() == 1 and Reply.objects.get().body["paid"] == 10
    completed = speaker.post(**request).json()
    assert completed["paid"] == 10 and not completed["repeated"]
    assert completed["next"]["id"] == Assignment.objects.live().get().pk
    assert speaker.post(**request).json() == completed
    assert ledger.balance(worker.user, project.budget) == 10


def test_a_broken_answer_leaves_neither_judgment_nor_reply(answering_twice, monkeypatch):
    _, worker, request = answering_twice
    with monkeypatch.context() as broken:
        broken.setattr(answering.ledger, "post", lambda *args, **options: 1 / 0)
        Speaker(worker.user).client.post(
            f"/api/v1/{request['path']}", request["body"], format="json", headers={"Idempotency-Key": "k"}
        )
    assert Assignment.objects.live().exists() and not Reply.objects.exists()


def test_a_file_sent_again_is_the_same_request_though_its_boundary_is_another():
    project = a_project()
    speaker = Speaker(project.members.get().user)
    rows = b"id,text\na,One\nb,Two\n"
    replies = []
    for boundary in ("first", "second"):
        part = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\n'.encode()
        body = part + rows + f"\r\n--{boundary}--\r\n".encode()
        media = f"multipart/form-data; boundary={boundary}"
        address = f"projects/{project.slug}/items/"
        replies.append(speaker.post(address, body, key="k", format=None, content_type=media).json())
    assert replies[0] == replies[1] and replies[0]["created"] == 2


def test_another_file_under_the_same_key_is_another_request():
    project = a_project()
    speaker = Speaker(project.members.get().user)
    codes = []
    for text in ("One", "Two"):
        file = SimpleUploadedFile("x.csv", f"id,text\na,{text}\n".encode())
        reply = speaker.post(f"projects/{project.slug}/items/", {"file": file}, key="k", format="multipart")
        codes.append(reply.status_code)
    assert codes == [200, 422]


def test_old_replies_are_forgotten():
    user = a_user()
    for key, age in (("old", replying.KEPT + timedelta(minutes=1)), ("new", timedelta(hours=1))):
        Reply.objects.create(user=user, key=key, request="", status=200)
        Reply.objects.filter(key=key).update(created=now() - age)
    assert replying.forget(now()) == 1
    assert Reply.objects.get().key == "new"


@pytest.mark.django_db(transaction=True)
def test_ten_at_the_same_time_under_one_key_pay_out_once():
    project = a_project()
    worker = a_rich_worker(project)
    speaker = Speaker(worker.user)

    def pay(_):
        try:
            return speaker.post("payouts/", {"project": project.slug, "amount": 60}, key="k")
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as threads:
        replies = list(threads.map(pay, range(10)))
    assert {reply.status_code for reply in replies} == {201}
    assert {reply.json()["balance"] for reply in replies} == {40}
    assert sum("Idempotent-Replay" not in reply.headers for reply in replies) == 1
    assert ledger.balance(worker.user, project.budget) == 40
