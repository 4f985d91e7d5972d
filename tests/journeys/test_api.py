"""The whole loop through the API alone, as a program would turn it: from signing in to being paid out."""

import json

import pytest
from rest_framework.test import APIClient

from labeling import training
from labeling.models import TrainingRun
from tests.making import a_user
from tests.speaking import Speaker

pytestmark = pytest.mark.django_db

WORDS = {"sea": "wave tide harbour salt gull sail", "wood": "oak moss fern bark deer owl"}


def texts():
    """Forty texts of two kinds; an id says nothing of the kind."""
    for n in range(40):
        kind = list(WORDS)[n % 2]
        words = WORDS[kind].split()
        yield {"id": f"t{n}", "text": " ".join(words[(n // 2 + step) % 6] for step in range(4))}, kind


TRUTH = {row["id"]: kind for row, kind in texts()}


def signed_in(name):
    """A speaker by its own password and token, as a client would have it."""
    a_user(name)
    token = Speaker().post("token/", {"username": name, "password": "correct horse"}).json()["token"]
    speaker = Speaker()
    speaker.client = APIClient()
    speaker.client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return speaker


def work(speaker, project, most=1000):
    """Ask once, then answer truthfully and take the next from the same reply; returns how often, and why it ended."""
    asked = speaker.post(f"projects/{project}/next/")
    assignment = asked.json() if asked.status_code == 200 else None
    reason = asked.headers.get("Reason")
    done = 0
    while assignment and done < most:
        cells = [
            {"item": item["id"], "category": category, "degree": int(TRUTH[item["id"]] == category)}
            for item in assignment["items"]
            for category in assignment["categories"]
        ]
        address = f"assignments/{assignment['id']}/answer/"
        reply = speaker.post(address, {"judgments": cells}, key=address, query="?next=1")
        assert reply.json()["paid"] == assignment["reward"]
        assignment, reason, done = reply.json()["next"], reply.json()["reason"], done + 1
    return done, reason


def opened(owner):
    """A project with items, two workers and money; its id."""
    project = owner.post("projects/", {"name": "Texts", "media": "text", "categories": list(WORDS)}, key="open").json()[
        "id"
    ]
    settings = {"classifier": "logistic_regression", "exam_share": 0, "gold_share": 0, "queue_size": 12}
    owner.patch(f"projects/{project}/", settings | {"retrain_every": 8, "certain": 1, "target_confidence": 1})
    rows = "\n".join(json.dumps(row) for row, _ in texts())
    said = owner.post(f"projects/{project}/items/", rows, format=None, content_type="application/jsonl").json()
    assert said["created"] == 40
    for name in ("ada", "bob"):
        owner.post(f"projects/{project}/members/", {"username": name, "role": "worker"})
    assert owner.post(f"projects/{project}/budget/", {"amount": 5_000}, key="fund").json()["available"] == 5_000
    return project


def listed(speaker, project, name, **query):
    return speaker.get(f"projects/{project}/{name}/", **query).json()["results"]


def labeled(speaker, project):
    reply = speaker.client.get(f"/api/v1/projects/{project}/export/", {"what": "labeled", "format": "jsonl"})
    return [json.loads(line) for line in b"".join(reply.streaming_content).splitlines()]


def test_a_program_turns_the_whole_loop():
    owner, ada, bob = (signed_in(name) for name in ("owner", "ada", "bob"))
    project = opened(owner)

    # The first queries are about typical items, and two people answer them.
    assert owner.post(f"projects/{project}/refill/").json()["opened"] == 12
    assert {row["purpose"] for row in listed(owner, project, "queries")} == {"teach"}
    assert work(ada, project, 8)[0] == work(bob, project, 8)[0] == 8
    agreed = [row for row in listed(owner, project, "consensus") if row["agreed"]]
    assert len(agreed) >= 6 and all(TRUTH[row["item"]] == row["category"] for row in agreed)

    # A run has started by itself, or is asked for; its classifier chooses the next queries.
    number = owner.post(f"projects/{project}/runs/", key="run").json()["number"]
    training.execute(TrainingRun.objects.get(number=number))
    run = owner.get(f"projects/{project}/runs/{number}/").json()
    assert (run["state"], run["progress"]) == ("done", 1.0)
    published = owner.get(f"projects/{project}/").json()["published"]
    assert (published["number"], published["metrics"]) == (number, run["metrics"])
    fresh = [row for row in listed(owner, project, "queries", state="open") if not row["asked"]]
    assert {row["purpose"] for row in fresh} == {"teach"}

    # People go on until nothing is left to ask them; not a point is lost.
    for speaker in (ada, bob):
        assert work(speaker, project)[1] in {"training", "others", "choosing", "reached", "done"}
    budget = owner.get(f"projects/{project}/").json()["budget"]
    assert budget["funded"] == 5_000 == budget["available"] + budget["reserved"] + budget["spent"]

    # The labeled set leaves the house, and the money too.
    rows = labeled(owner, project)
    by_people = [row for row in rows if row["decided_by"] == "people"]
    assert len(rows) == 40 and len(by_people) >= len(agreed)
    assert all(row["categories"] == [TRUTH[row["id"]]] for row in by_people)
    earned = [speaker.get("me/").json()["balances"][0]["balance"] for speaker in (ada, bob)]
    assert sum(earned) == budget["spent"]
    assert ada.post("payouts/", {"project": project, "amount": earned[0]}, key="out").json()["balance"] == 0
