"""Invitations, members, and a spammer set aside."""

import pytest

from labeling import answering, asking
from labeling.models import Consensus, Member, Project
from tests.making import a_project, a_query, a_user, a_worker, an_answer, now
from tests.visiting import page, post, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return a_project(items=2, owner=a_user("olga"), instructions="Look closely.")


@pytest.fixture
def owner(client, project):
    client.force_login(project.members.get().user)
    return client


def answers_of(workers, project, yes):
    """Each worker answers a query about each of the project's items with the category of that name."""
    for item in project.items.all():
        query = a_query(project, "categories", items=[item])
        for worker, name in zip(workers, yes, strict=True):
            assignment = asking.next_assignment(worker, now=now())
            answering.record(assignment, an_answer(query, yes=[name]), now=now())


def links(client, project):
    return {role: link for role, _, link in page(client, project, "project_people").context["invitations"]}


def test_a_link_lets_somebody_in_with_its_role(owner, project, client):
    link = links(owner, project)["Researcher"]
    guest = a_user()
    client.force_login(guest)
    client.post(link)
    assert Member.objects.get(user=guest).role == "researcher"


def test_renewed_links_revoke_the_old_ones(owner, project, client):
    old = links(owner, project)["Admin"]
    assert post(owner, project, "project_people", renew="").status_code == 302
    new = links(owner, project)["Admin"]
    client.force_login(a_user())
    assert client.post(old).status_code == 404
    assert client.post(new).status_code == 302


def test_nobody_is_invited_to_own(owner, project):
    assert set(links(owner, project)) == {"Worker", "Researcher", "Admin"}


def test_workers_are_shown_with_agreement_answers_and_what_they_earned(owner, project):
    workers = [a_worker(project, name) for name in ("ann", "bob", "eve")]
    answers_of(workers[:2], project, ["cat", "cat"])
    shown = {worker.user.username: worker for worker in page(owner, project, "project_people").context["workers"]}
    ann = shown["ann"]
    assert (ann.answers, ann.agreement.share, ann.agreement.judged, ann.earned) == (2, 1.0, 2, 60)
    assert ann.agreement.low < 0.5, "two judgments prove little"
    assert (shown["eve"].answers, shown["eve"].agreement.share, shown["eve"].earned) == (0, None, 0)


def test_setting_a_spammer_aside_recomputes_consensus_and_moves_no_money(owner, project):
    Project.objects.update(agree_count=1, wanted=2)
    project.refresh_from_db()
    spammer = a_worker(project, "spammer")
    answers_of([spammer], project, ["dog"])
    agreed, figures = Consensus.objects.agreed(), project.budget.figures()
    assert agreed.count() == 2
    assert "Set spammer's judgments aside?" in text(page(owner, project, "set_aside", spammer.pk)).replace(
        "&#x27;", "'"
    )
    assert agreed.count() == 2, "looking changes nothing"
    shown = text(post(owner, project, "set_aside", spammer.pk, aside="1", follow=True))
    assert "consensus was recomputed for 2 items. No money moved." in shown
    assert agreed.count() == 0 and project.budget.figures() == figures
    post(owner, project, "set_aside", spammer.pk, aside="0")
    assert agreed.count() == 2 and project.budget.figures() == figures


def test_an_admin_cannot_be_set_aside(owner, project):
    assert post(owner, project, "set_aside", project.members.get().pk, aside="1").status_code == 404
