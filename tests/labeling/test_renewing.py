"""Much consensus is renewed in the cluster, from what counts already, with its progress shown."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from labeling import answering, asking, renewing, tasks
from labeling.models import Consensus, Renewal
from tests.making import a_project, a_query, a_user, a_worker, an_answer, now
from tests.visiting import page, post, text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch):
    monkeypatch.setattr(renewing, "AT_ONCE", 1)
    monkeypatch.setattr("labeling.agreeing.BATCH", 2)


@pytest.fixture
def project():
    return a_project(owner=a_user("olga"), agree_count=1, wanted=2)


@pytest.fixture
def spammer(project):
    """Has answered about three items, alone."""
    worker = a_worker(project, "spammer")
    for _ in range(3):
        query = a_query(project, "categories")
        answering.record(asking.next_assignment(worker, now=now()), an_answer(query, yes=["dog"]), now=now())
    return worker


def agreed():
    return Consensus.objects.agreed().count()


def test_it_is_decided_at_once_and_followed_in_the_cluster(spammer):
    renewal = renewing.set_aside(spammer, True, now=now())
    spammer.refresh_from_db()
    assert spammer.set_aside and agreed() == 3
    assert (renewal.done, renewal.items) == (0, 3)
    tasks.renew(renewal.pk)
    assert agreed() == 0 and not Renewal.objects.exists()


def test_a_message_delivered_twice_does_no_harm(spammer):
    renewal = renewing.set_aside(spammer, True, now=now())
    tasks.renew(renewal.pk), tasks.renew(renewal.pk)
    assert agreed() == 0


def test_whoever_is_taken_back_meanwhile_counts_in_the_end(spammer, monkeypatch):
    first = renewing.set_aside(spammer, True, now=now())
    second = renewing.set_aside(spammer, False, now=now())
    assert first.pk == second.pk
    renewing.renew(first)
    assert Renewal.objects.get().done == 0, "the earlier one stops, and the later one is still to do"
    tasks.renew(second.pk)
    assert agreed() == 3 and not Renewal.objects.exists()


def test_what_is_not_heard_of_is_rung_for_again(spammer):
    renewal = renewing.set_aside(spammer, True, now=now())
    assert renewing.sweep(now()) == 0
    assert renewing.sweep(now() + timedelta(minutes=2)) == 1
    renewing.renew(renewal)
    assert renewing.sweep(now() + timedelta(minutes=2)) == 0


def test_its_progress_is_shown_until_it_is_done(spammer, project, client):
    client.force_login(project.members.get(role="owner").user)
    shown = text(post(client, project, "set_aside", spammer.pk, aside="1", follow=True))
    assert "consensus is being recomputed for 3 items. No money moved." in shown
    assert "0 of 3 items, without spammer" in shown
    Renewal.objects.update(done=2)
    assert "2 of 3 items" in text(page(client, project, "project_renewals"))
    tasks.renew(Renewal.objects.get().pk)
    again = client.get(f"/projects/{project.slug}/people/renewals/", headers={"HX-Request": "true"})
    assert again.headers["HX-Refresh"] == "true"
    assert "being recomputed" not in text(page(client, project, "project_people"))


def test_strangers_see_no_progress(spammer, project, client):
    client.force_login(a_user())
    assert page(client, project, "project_renewals").status_code == 404


def test_no_more_is_renewed_than_there_is(spammer):
    renewing.set_aside(spammer, True, now=now())
    with pytest.raises(IntegrityError, match="no more is renewed than there is"):
        Renewal.objects.update(done=4)
