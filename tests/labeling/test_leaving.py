"""Roles are changed and taken away, members leave; what they said and earned stays."""

import pytest
from django.urls import reverse

from labeling import answering, asking, leaving, opening
from labeling.models import Assignment, Judgment, Member
from rewards import ledger
from tests.making import a_project, a_query, a_user, a_worker, an_answer, now
from tests.speaking import Speaker
from tests.visiting import page, post, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return a_project(owner=a_user("olga"), agree_count=2)


def joined(project, role, name=""):
    return opening.join(a_user(name), project, role)


def visitor(client, project, role):
    """A browser of somebody with this role."""
    member = project.members.filter(role=role).first() or joined(project, role)
    client.force_login(member.user)
    return client


def roles_of(user, project):
    return set(project.members.present().filter(user=user).values_list("role", flat=True))


# --- what follows ----------------------------------------------------------------------------------------------------


def test_what_a_removed_worker_held_goes_to_others_and_its_money_is_free_again(project):
    query, worker, other = a_query(project, wanted=1), a_worker(project), a_worker(project)
    held = asking.next_assignment(worker, now=now())
    assert project.budget.figures().reserved == held.reward
    leaving.remove(worker, now())
    held.refresh_from_db()
    assert held.state == Assignment.State.EXPIRED and project.budget.figures().reserved == 0
    assert asking.next_assignment(other, now=now()).query == query


def test_what_a_removed_worker_said_and_earned_stays(project, client):
    a_query(project)
    worker = a_worker(project)
    given = asking.next_assignment(worker, now=now())
    answering.record(given, an_answer(given.query, ["cat"]), now=now())
    leaving.remove(worker, now())
    assert Judgment.objects.standing().filter(worker=worker).count() == 1
    assert ledger.balance(worker.user, project.budget) == given.reward
    paid = Speaker(worker.user).post("payouts/", {"project": project.slug, "amount": given.reward})
    assert paid.status_code == 201 and paid.json()["balance"] == 0
    client.force_login(worker.user)
    assert project.name in text(client.get(reverse("account")))


def test_whoever_was_removed_finds_every_door_closed(project, client):
    a_query(project)
    worker = a_worker(project)
    held = asking.next_assignment(worker, now=now())
    Member.objects.filter(pk=worker.pk).update(left=now())  # as if the offer came at the very moment
    client.force_login(worker.user)
    assert project.name not in text(client.get("/"))
    assert client.get(reverse("work", args=[project.slug])).status_code == 404
    assert client.post(reverse("answer", args=[held.pk]), {"answer": "1"}).status_code == 404
    assert client.get(reverse("item_content", args=[held.query.item_list[0].pk])).status_code == 404
    assert Speaker(worker.user).get("me/").json()["memberships"] == []


def test_a_removed_admin_reads_nothing_any_more(project, client):
    admin = joined(project, "admin")
    leaving.remove(admin, now())
    client.force_login(admin.user)
    assert page(client, project).status_code == 404
    assert Speaker(admin.user).get(f"projects/{project.slug}/members/").status_code == 404


def test_an_answer_reopened_for_correction_stays_as_it_was(project):
    a_query(project)
    worker = a_worker(project)
    given = asking.next_assignment(worker, now=now())
    answering.record(given, an_answer(given.query, ["cat"]), now=now())
    answering.undo(worker)
    leaving.remove(worker, now())
    given.refresh_from_db()
    assert not given.reopened and given.state == Assignment.State.ANSWERED


def test_a_project_never_loses_its_last_owner(project):
    owner = project.members.get()
    for deed in (
        lambda: leaving.remove(owner, now()),
        lambda: leaving.leave(owner.user, project, now()),
        lambda: leaving.change_role(owner, "admin", now()),
    ):
        with pytest.raises(leaving.Refused, match="Make somebody else an owner first"):
            deed()
        assert roles_of(owner.user, project) == {"owner"}
    joined(project, "owner")
    leaving.change_role(owner, "admin", now())
    assert roles_of(owner.user, project) == {"admin"}


def test_an_owner_who_left_is_no_other_owner(project):
    first, second = project.members.get(), joined(project, "owner")
    leaving.leave(second.user, project, now())
    with pytest.raises(leaving.Refused):
        leaving.leave(first.user, project, now())


def test_a_worker_who_becomes_a_researcher_leaves_the_answers_behind(project):
    a_query(project)
    worker = a_worker(project)
    given = asking.next_assignment(worker, now=now())
    answering.record(given, an_answer(given.query, ["cat"]), now=now())
    leaving.change_role(worker, "researcher", now())
    assert roles_of(worker.user, project) == {"researcher"}
    assert Judgment.objects.standing().get().worker == worker
    leaving.change_role(project.members.get(role="researcher"), "worker", now())
    assert roles_of(worker.user, project) == {"worker"} and worker.assignments.answered().count() == 1


def test_nobody_is_waited_for_who_has_left(project):
    """Prices and audits are reckoned for who is there."""
    from labeling import quoting

    a_worker(project, rating=0.6)
    best = a_worker(project, rating=0.9)
    leaving.remove(best, now())
    assert quoting.median_rating(project) == 0.6


# --- coming back -----------------------------------------------------------------------------------------------------


def test_an_invitation_lets_in_again_who_left_but_not_who_was_removed(project, client):
    gone, removed = a_worker(project), a_worker(project)
    leaving.leave(gone.user, project, now())
    leaving.remove(removed, now())
    link = reverse("join", args=[opening.invitation(project, "worker")])
    client.force_login(gone.user)
    assert client.post(link).url == reverse("work", args=[project.slug])
    client.force_login(removed.user)
    refused = client.post(link)
    assert refused.status_code == 403 and "You were taken out of this project" in text(refused)
    assert roles_of(gone.user, project) == {"worker"} and not roles_of(removed.user, project)


def test_a_demoted_admin_does_not_rise_again_by_an_old_link(project, client):
    admin = joined(project, "admin")
    link = reverse("join", args=[opening.invitation(project, "admin")])
    leaving.change_role(admin, "researcher", now())
    client.force_login(admin.user)
    assert client.post(link).status_code == 403
    assert roles_of(admin.user, project) == {"researcher"}


def test_an_admin_takes_in_again_whom_he_removed(project, client):
    worker = a_worker(project, "wim")
    leaving.remove(worker, now())
    admin = visitor(client, project, "admin")
    assert "Take wim in again as worker" in text(page(admin, project, "project_member", worker.pk))
    post(admin, project, "project_member", worker.pk, bring_back="")
    worker.refresh_from_db()
    assert (worker.left, worker.removed) == (None, False)


# --- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "other", "allowed"),
    [
        ("owner", "owner", True), ("owner", "admin", True), ("owner", "worker", True),
        ("admin", "worker", True), ("admin", "researcher", True), ("admin", "admin", False), ("admin", "owner", False),
        ("researcher", "worker", False), ("worker", "worker", False),
    ],
)  # fmt: skip
def test_admins_take_away_the_roles_of_workers_and_researchers_and_owners_all(project, client, role, other, allowed):
    mine, theirs, twice = joined(project, role), joined(project, other), joined(project, other)
    client.force_login(mine.user)
    assert (post(client, project, "project_member", theirs.pk, remove="").status_code == 302) is allowed
    reply = Speaker(mine.user).said("delete", f"projects/{project.slug}/members/{twice.pk}/")
    assert reply.status_code == (204 if allowed else 403)
    left = set(Member.objects.exclude(left=None))
    assert left == ({theirs, twice} if allowed else set())


def test_an_admin_makes_no_owner_by_changing_a_role(project, client):
    worker, admin = a_worker(project), visitor(client, project, "admin")
    refused = post(admin, project, "project_member", worker.pk, role="owner")
    assert refused.status_code == 422 and roles_of(worker.user, project) == {"worker"}
    speaker = Speaker(project.members.get(role="admin").user)
    reply = speaker.patch(f"projects/{project.slug}/members/{worker.pk}/", {"role": "owner"})
    assert (reply.status_code, reply.json()["code"]) == (403, "not_in_your_role")
    assert roles_of(worker.user, project) == {"worker"}


def test_a_superuser_may_do_what_an_owner_may(project):
    admin = joined(project, "admin")
    reply = Speaker(a_user(is_superuser=True)).said("delete", f"projects/{project.slug}/members/{admin.pk}/")
    assert reply.status_code == 204


def test_members_of_other_projects_are_out_of_reach(project, client):
    stranger = a_worker(a_project())
    owner = visitor(client, project, "owner")
    assert post(owner, project, "project_member", stranger.pk, remove="").status_code == 404
    speaker = Speaker(project.members.get().user)
    assert speaker.said("delete", f"projects/{project.slug}/members/{stranger.pk}/").status_code == 404
    assert speaker.patch(f"projects/{project.slug}/members/{stranger.pk}/", {"role": "admin"}).status_code == 404


# --- pages and API ---------------------------------------------------------------------------------------------------


def test_the_people_page_says_what_each_role_may_do(project, client):
    shown = text(page(visitor(client, project, "owner"), project, "project_people"))
    for words in ("names and removes owners and admins", "changes nothing", "answers queries and is paid for it"):
        assert words in shown


def test_a_role_is_changed_on_its_page(project, client):
    worker, owner = a_worker(project, "wim"), visitor(client, project, "owner")
    shown = text(page(owner, project, "project_member", worker.pk))
    assert "wim is worker here" in shown and "reads these pages and exports" in shown
    shown = text(post(owner, project, "project_member", worker.pk, role="researcher", follow=True))
    assert "wim is researcher now." in shown and "Who has left" in shown
    assert roles_of(worker.user, project) == {"researcher"}


def test_a_role_that_is_none_is_refused_beside_its_field(project, client):
    worker, owner = a_worker(project), visitor(client, project, "owner")
    refused = post(owner, project, "project_member", worker.pk, role="king")
    assert refused.status_code == 422 and "king is not one of the available choices" in text(refused)
    assert roles_of(worker.user, project) == {"worker"}


def test_the_last_owner_reads_what_to_do_first(project, client):
    owner = visitor(client, project, "owner")
    for name, args, data in (
        ("project_member", [project.members.get().pk], {"remove": ""}),
        ("leave_project", [], {}),
    ):
        refused = post(owner, project, name, *args, **data)
        assert refused.status_code == 422 and "Make somebody else an owner first." in text(refused)


def test_everybody_may_leave(project, client):
    for role in ("worker", "researcher", "admin"):
        leaver = visitor(client, project, role)
        assert f"You are {role} here." in text(page(leaver, project, "leave_project"))
        assert f"You have left {project.name}." in text(post(leaver, project, "leave_project", follow=True))
    assert set(project.members.present().values_list("role", flat=True)) == {"owner"}


def test_by_the_api_a_role_is_changed_and_a_project_left(project):
    worker = a_worker(project, "wim")
    owner = Speaker(project.members.get(role="owner").user)
    (row,) = [
        row for row in owner.get(f"projects/{project.slug}/members/").json()["results"] if row["role"] == "worker"
    ]
    changed = owner.patch(f"projects/{project.slug}/members/{row['id']}/", {"role": "researcher"})
    assert (changed.status_code, changed.json()["role"]) == (200, "researcher")
    speaker = Speaker(worker.user)
    assert speaker.post(f"projects/{project.slug}/leave/", key="once").status_code == 204
    assert speaker.post(f"projects/{project.slug}/leave/", key="once").status_code == 204, "the kept reply"
    assert speaker.post(f"projects/{project.slug}/leave/").status_code == 404
    assert [row["role"] for row in owner.get(f"projects/{project.slug}/members/").json()["results"]] == ["owner"]
    reply = owner.post(f"projects/{project.slug}/leave/")
    assert (reply.status_code, reply.json()["code"]) == (400, "refused")


def test_whoever_was_removed_has_left_also_for_the_database(project):
    from django.db import IntegrityError

    with pytest.raises(IntegrityError, match="who was removed has left"):
        Member.objects.update(removed=True)
