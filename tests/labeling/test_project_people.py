"""Invitations, members, and a spammer set aside."""

import numpy as np
import pytest
from django.forms import FloatField

from labeling import answering, asking, opening
from labeling.models import Consensus, Member, Project
from tests.crowding import a_crowd, said_by
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


# --- watching over workers -------------------------------------------------------------------------------------------


@pytest.fixture
def guesser(project):
    """The first of six workers answers at random."""
    said = said_by()
    said[:, 0] = np.random.default_rng(1).integers(3, size=len(said))
    return a_crowd(project, said)[0]


def test_an_admin_reads_what_speaks_against_whom_and_lets_go_on_with_one_click(owner, project, guesser):
    assert "Worth a look" not in text(page(owner, project, "project_people")), "opening the page decides nothing"
    shown = text(post(owner, project, "project_people", look="", follow=True))
    assert "1 worth a look" in shown and "No better than chance." in shown
    assert "Sides with others no more than chance would:" in shown
    shown = text(post(owner, project, "project_worker", guesser.pk, let_go_on="", follow=True))
    assert "goes on" in shown and "Nothing speaks against these answers." in shown
    assert "Worth a look" not in text(post(owner, project, "project_people", look="", follow=True))


def test_the_rule_of_the_settings_page_pauses_and_the_people_page_says_so(owner, project, guesser):
    Project.objects.filter(pk=project.pk).update(on_guessing="pause")
    shown = text(post(owner, project, "project_people", look="", follow=True))
    assert '<span class="badge doubt">Paused</span>' in shown
    guesser.refresh_from_db()
    assert guesser.paused
    assert "No further offers are made; what was earned stays." in text(
        page(owner, project, "project_worker", guesser.pk)
    )
    post(owner, project, "project_worker", guesser.pk, let_go_on="")
    guesser.refresh_from_db()
    assert not guesser.paused


def test_what_is_known_beforehand_is_recorded(owner, project):
    worker = a_worker(project)
    sent = {"qualifications": "Nurse", "experience": "Ten years", "starting_rating": "90", "starting_answers": "20"}
    assert post(owner, project, "project_worker", worker.pk, **sent).status_code == 302
    worker.refresh_from_db()
    assert (worker.qualifications, worker.rating, worker.starting_answers) == ("Nurse", 0.9, 20)
    refused = post(owner, project, "project_worker", worker.pk, **sent | {"starting_rating": "900"})
    assert refused.status_code == 422 and "100" in text(refused)


def test_a_past_history_is_shown_where_one_may_read_it(owner, project):
    worker = a_worker(project)
    mine = a_project(owner=project.members.get(role="owner").user, name="Earlier work")
    for other in (mine, a_project(name="Somebody else's")):
        member = opening.join(worker.user, other, "worker")
        Member.objects.filter(pk=member.pk).update(judged=340, agreed=310, rating=0.91)
    shown = text(page(owner, project, "project_worker", worker.pk))
    assert "Earlier work</a> rating 91%, 340 judgments" in shown and "Somebody else" not in shown


def test_whoever_failed_the_test_is_let_in_with_one_click(owner, project):
    Project.objects.filter(pk=project.pk).update(test_length=3)
    worker = a_worker(project, tested=now(), test_score=0.4)
    assert "Below the pass mark" in text(page(owner, project, "project_people"))
    assert "40% right" in text(page(owner, project, "project_worker", worker.pk))
    post(owner, project, "project_worker", worker.pk, admit="")
    worker.refresh_from_db()
    assert worker.admitted
    assert "You let them in" in text(page(owner, project, "project_worker", worker.pk))


def test_a_researcher_reads_and_decides_nothing(client, project, guesser):
    client.force_login(opening.join(a_user(), project, "researcher").user)
    assert page(client, project, "project_worker", guesser.pk).status_code == 200
    for sent in ({"let_go_on": ""}, {"admit": ""}, {"qualifications": "x"}):
        assert post(client, project, "project_worker", guesser.pk, **sent).status_code == 403
    assert post(client, project, "project_people", look="").status_code == 403


def test_a_test_longer_than_the_gold_is_refused_on_the_settings_page(owner, project):
    form = page(owner, project, "project_settings").context["form"]
    sent = {name: "" if form[name].value() is None else form[name].value() for name in form.fields}
    refused = post(owner, project, "project_settings", **sent | {"test_length": "5"})
    assert refused.status_code == 422
    assert "Only 0 items are known beforehand" in text(refused)


def test_every_share_of_the_settings_is_typed_in_percent(owner, project):
    """A field that takes a fraction would read 5 as five hundred percent."""
    form = page(owner, project, "project_settings").context["form"]
    fractions = {name for name, field in form.fields.items() if type(field) is FloatField}
    assert not fractions
