"""The demonstration: real digits a person can read, people to sign in as, and a loop that one person can turn."""

import io

import numpy as np
import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django_q.models import Schedule
from PIL import Image
from sklearn.datasets import load_digits

from labeling import answering, asking, demonstration
from labeling.kinds import AnswerForm
from labeling.models import Consensus, Member, Project
from labeling.schedules import ensure_schedules
from tests.making import a_project, now

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def storage(tmp_path, settings):
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": str(tmp_path)}}
    }


@pytest.fixture
def few(monkeypatch):
    """Fifty digits stand for all of them where the number does not matter."""
    digits = load_digits()
    digits.images = digits.images[:50]
    monkeypatch.setattr(demonstration, "load_digits", lambda: digits)


def test_a_picture_is_the_digit_in_dark_ink_on_light_paper():
    ink = load_digits().images[3]
    with Image.open(io.BytesIO(demonstration.picture(ink))) as picture:
        assert (picture.format, picture.size) == ("PNG", (160, 160))
        seen = np.asarray(picture.convert("L"), float)
    assert seen[0].min() == seen[:, -1].min() == 255
    cells = seen.reshape(10, 16, 10, 16).mean(axis=(1, 3))[1:-1, 1:-1]
    assert np.corrcoef(cells.ravel(), ink.ravel())[0, 1] < -0.97


def test_all_digits_are_loaded_with_a_funded_budget_and_a_queue():
    steps = []
    sign_ins = demonstration.load(lambda done, total: steps.append((done, total)))
    project = Project.objects.get()
    assert (project.items.count(), project.queries.open().count()) == (1797, project.queue_size)
    assert project.budget.available == project.budget.funded == 100_000
    assert [category.name for category in project.categories.all()] == list("0123456789")
    assert not Consensus.objects.exists()
    assert steps[-1] == (1797, 1797)
    assert len(steps) > 10
    assert "One person alone" in project.instructions
    assert [role for _, _, role in sign_ins] == ["admin", "worker", "worker"]
    assert demonstration.load() == []
    assert Project.objects.count() == 1


def test_everybody_can_sign_in_with_a_password_of_their_own(few):
    sign_ins = demonstration.load()
    assert len({password for _, password, _ in sign_ins}) == 3
    for name, password, role in sign_ins:
        user = authenticate(username=name, password=password)
        assert user.is_superuser == (role == "admin")
        roles = [member.role for member in user.memberships.all()]
        assert roles == [Member.Role.OWNER if role == "admin" else Member.Role.WORKER]


def test_a_name_that_is_taken_is_left_to_who_has_it(few):
    User.objects.create_user("admin", password="mine")
    names = [name for name, _, _ in demonstration.load()]
    assert names == ["admin2", "ada", "ben"]
    assert authenticate(username="admin", password="mine")


def test_where_there_is_a_project_nothing_is_loaded(few):
    a_project()
    assert demonstration.load() == []
    assert not User.objects.filter(username="admin").exists()


def test_a_demonstration_cut_short_leaves_nothing(few, monkeypatch):
    def refuse(project, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(demonstration.selecting, "refill", refuse)
    with pytest.raises(KeyboardInterrupt):
        demonstration.load()
    assert not Project.objects.exists()
    assert not User.objects.exists()


def test_one_person_alone_makes_enough_agree_for_a_run(few):
    demonstration.load()
    worker = Member.objects.workers().first()
    pay = 0
    while not worker.project.runs.exists():
        assignment = asking.next_assignment(worker, now=now())
        form = AnswerForm(assignment.query, {"answer": assignment.query.category_list[0].pk})
        assert form.is_valid(), form.errors
        pay += answering.record(assignment, form.degrees(), now=now()).paid
    assert Consensus.objects.agreed().count() >= worker.project.retrain_every == 20
    assert pay > 0


def test_the_sweep_is_scheduled_once_and_a_change_of_it_is_kept():
    ensure_schedules()
    Schedule.objects.update(minutes=5)
    ensure_schedules()
    schedule = Schedule.objects.get(name="sweep")
    assert (schedule.func, schedule.minutes, schedule.schedule_type) == ("labeling.tasks.sweep", 5, Schedule.MINUTES)
