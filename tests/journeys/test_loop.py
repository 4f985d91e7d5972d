"""The whole loop in a browser: people answer, the classifier learns, the next queries change, the export holds it."""

import csv
from collections import Counter

import pytest
from playwright.sync_api import expect
from sklearn.datasets import load_digits

from labeling import demonstration, importing, opening, selecting, training
from labeling.models import Assignment, Item, Member, Query, TrainingRun
from rewards import ledger
from rewards.auditing import audit
from tests.journeys.conftest import sign_in
from tests.making import a_project, a_user, a_worker

pytestmark = pytest.mark.django_db(transaction=True)
SOME = 240  # pictures: enough to learn from, quick to read


@pytest.fixture(autouse=True)
def files_of_its_own(settings, tmp_path):
    for name in ("default", "arrays"):
        files = {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / name)},
        }
        settings.STORAGES = settings.STORAGES | {name: files}
    settings.ARRAYS_CACHE = tmp_path / "cache"


@pytest.fixture
def project():
    project = a_project(
        name="Digits", media="image", categories="0123456789", agree_count=1, wanted=1, retrain_every=24, queue_size=30,
        exam_share=0.1, grid=6, target_confidence=None, owner=a_user("boss"), funds=100_000,
    )  # fmt: skip
    importing.import_rows(project, demonstration.rows(load_digits().images[:SOME]))
    selecting.refill(project, random_state=0)
    return project


def truth_of(item: Item) -> str:
    return str(load_digits().target[int(item.identifier.removeprefix("digit-")) - 1])


def answer(page, worker) -> str:
    """Answer what is on the card as somebody does who can read; returns its kind."""
    expect(page.locator("form.query")).to_be_visible()
    held = Assignment.objects.live().filter(worker=worker).order_by("-pk").first()
    query = held.query
    category, truths = query.category_list[0].name, [truth_of(item) for item in query.item_list]
    if query.kind == "yes_no":
        page.keyboard.press("y" if truths == [category] else "n")
    else:
        for option, truth in zip(page.locator("form.query [name=answer]").all(), truths, strict=False):
            if query.kind == "items" and truth == category:
                option.check()
        if query.kind == "categories":
            page.keyboard.press(truths[0])
        page.keyboard.press("Enter")
    expect(page.locator(f"form[action='/assignments/{held.pk}/answer/']")).to_have_count(0)
    return query.kind


def answer_until(page, worker, done) -> Counter:
    kinds = Counter()
    while not done(kinds):
        kinds[answer(page, worker)] += 1
        assert kinds.total() < 80
    return kinds


def test_people_answer_the_classifier_learns_and_the_next_queries_are_others(open_page, project):
    worker, page = a_worker(project, "ada"), open_page()
    sign_in(page, worker.user)
    page.get_by_role("link", name="Begin").click()
    page.get_by_role("button", name="Begin").click()

    first = answer_until(page, worker, lambda kinds: TrainingRun.objects.exists())
    assert set(first) == {"categories"}  # nothing is known yet: typical items
    before = set(Query.objects.fresh().values_list("pk", flat=True))

    run = training.execute(TrainingRun.objects.get())
    assert run.state == TrainingRun.State.DONE and run.training_items >= 20
    after = Query.objects.fresh()
    wanted = set(after.values_list("kind", flat=True))
    assert wanted > {"categories"}  # which others, the classifier's doubts decide
    assert not before & set(after.filter(purpose="teach").values_list("pk", flat=True))

    answer_until(page, worker, lambda kinds: set(kinds) >= wanted)
    assert ledger.balance(worker.user, project.budget) == project.budget.spent > 0
    assert audit().differences == []

    boss = open_page()
    sign_in(boss, project.members.get(role=Member.Role.OWNER).user)
    boss.goto(f"/projects/{project.slug}/")
    expect(boss.get_by_text("Run 1").first).to_be_visible()
    researcher = opening.join(a_user("reader"), project, Member.Role.RESEARCHER)
    reader = open_page()
    sign_in(reader, researcher.user)
    reader.goto(f"/projects/{project.slug}/export/")
    with reader.expect_download() as download:
        reader.get_by_role("button", name="Download").click()
    with open(download.value.path(), newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == SOME
    decided = Counter(row["decided_by"] for row in rows)
    assert decided["people"] >= first["categories"] and decided["classifier"] > 100
    people = [row for row in rows if row["decided_by"] == "people"]
    right = sum(row["categories"] == truth_of(Item(identifier=row["id"])) for row in people)
    assert right == len(people)
