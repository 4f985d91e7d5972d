"""The desk of support staff: everything can be looked at, nothing changed but by the flows."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse

from labeling import answering, asking, refitting, training
from labeling.models import Audit, Certificate, Consensus, Gold, Judgment, Member, Reply
from tests.making import a_project, a_query, a_user, a_worker, an_answer, now

pytestmark = pytest.mark.django_db
SHOWN = [model for model in apps.get_app_config("labeling").get_models() if model in admin.site._registry]


@pytest.fixture
def desk(client):
    client.force_login(a_user("root", is_superuser=True, is_staff=True))
    return client


@pytest.fixture
def project():
    """A project with a row of everything."""
    project = a_project(items=1)
    item, cat = project.items.first(), project.categories.first()
    query, worker = a_query(project, items=[item], reason="close call"), a_worker(project, "wilma")
    assignment = asking.next_assignment(worker, now=now())
    answering.record(assignment, an_answer(query), now=now())
    asking.report(item, worker, "blurred", now())
    Gold.objects.create(item=item, category=cat, degree=1)
    run = training.request(project, "by hand", now=now())
    audit = Audit.objects.create(
        project=project, run=run, share=0.05, confidence=0.95, lead=2, seed=1, size=100, wanted=50, begun=now()
    )
    Certificate.objects.create(
        project=project, audit=audit, run=run, threshold=0.9, share=0.05, confidence=0.95, look=1, accepted=40,
        audited=50, wrong=0, bound=0.05, made=now(),
    )  # fmt: skip
    worker.suspicions.create(reason="fast", odds=3.0, raised=now())
    refitting.refit(project, now())
    assert Consensus.objects.exists() and Judgment.objects.exists()
    return project


@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model.__name__)
def test_every_list_and_page_shows_what_is_there(desk, project, model):
    name = f"admin:labeling_{model._meta.model_name}"
    listed = desk.get(reverse(f"{name}_changelist"))
    assert listed.status_code == 200 and listed.context["cl"].result_count
    row = model._default_manager.order_by("-pk").first()
    assert desk.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200


@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model.__name__)
@pytest.mark.parametrize("words", ["wilma", "item0", "1", "'; drop", "9" * 40])
def test_every_list_can_be_searched_for_anything(desk, project, model, words):
    answer = desk.get(reverse(f"admin:labeling_{model._meta.model_name}_changelist"), {"q": words})
    assert answer.status_code == 200


@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model.__name__)
def test_nothing_is_changed_or_deleted_from_the_desk(desk, project, model):
    name = f"admin:labeling_{model._meta.model_name}"
    row = model._default_manager.first()
    assert desk.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
    assert desk.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert model._default_manager.filter(pk=row.pk).exists()


def test_a_member_is_let_in_from_the_desk(desk, project):
    guest = a_user()
    fields = {"project": project.pk, "user": guest.pk, "role": "admin"}
    assert desk.post(reverse("admin:labeling_member_add"), fields).status_code == 302
    assert Member.objects.get(user=guest).role == "admin"


def test_replies_to_clients_are_nobodys_business(project):
    assert Reply not in admin.site._registry


def test_the_desk_is_for_staff(client, project):
    client.force_login(project.members.get(role="owner").user)
    assert client.get(reverse("admin:labeling_project_changelist")).status_code == 302
