"""The page on which an admin sees and moves what the classifier may decide."""

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from labeling import accepting
from labeling.accepting import looking
from labeling.accepting.proceeding import underway
from labeling.models import Audit, Certificate
from labeling.views.curves import curve
from tests.making import a_worker, now
from tests.proving import a_sure_project, certify, judge, refill
from tests.visiting import page, post, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_arrays")]


@pytest.fixture
def project():
    return a_sure_project()


@pytest.fixture
def owner(client, project):
    client.force_login(project.members.get(role="owner").user)
    return client


def acceptance(client, project):
    return text(page(client, project, "project_acceptance"))


def test_a_project_that_accepts_nothing_says_how_it_might(owner, project):
    project.accept_share = None
    project.save()
    shown = acceptance(owner, project)
    assert "does not say what share may be wrong" in shown and "Begin the audit" not in shown


def test_what_an_audit_would_cost_and_bring_is_shown_before_it_begins(owner, project):
    shown = acceptance(owner, project)
    plan = accepting.outlook(project).plan
    assert f"{plan.audits} " in shown and f"About {plan.cost} points" in shown and f"{plan.saved}" in shown
    assert "Begin the audit of run 1" in shown


def test_an_audit_that_does_not_pay_is_refused_with_its_reason(client):
    project = a_sure_project(items=90)
    client.force_login(project.members.get(role="owner").user)
    shown = acceptance(client, project)
    assert "90 items are too few" in shown and "Begin the audit" not in shown
    answer = post(client, project, "project_acceptance", begin="")
    assert answer.status_code == 422 and "90 items are too few" in text(answer) and not Audit.objects.exists()


def test_an_audit_is_begun_and_its_progress_shown(owner, project):
    assert post(owner, project, "project_acceptance", begin="").status_code == 302
    refill(project)
    drawn = Audit.objects.get().wanted
    assert f"0 of {drawn} items drawn are decided" in acceptance(owner, project)
    judge(project)
    assert f"{drawn} of {drawn} items drawn are decided, 0 of them against" in acceptance(owner, project)


def test_a_certificate_is_shown_with_its_sample_and_bound(owner, project):
    certificate = certify(project)
    shown = acceptance(owner, project)
    assert f"{certificate.accepted} <span" in shown and '0 <span class="unit">of' in shown
    assert f"{certificate.bound:.1%}" in shown and "95.0% confidence" in shown
    assert '<svg class="chart"' in shown and 'class="certified"' in shown


def test_the_page_says_what_wrong_means_and_how_good_audits_must_be(owner, project):
    shown = acceptance(owner, project)
    assert "means against the audit" in shown and "Where 95% of the audited items are judged rightly" in shown


def test_a_certificate_is_withdrawn_by_hand_and_says_so(owner, project):
    certify(project)
    post(owner, project, "project_acceptance", withdraw="")
    assert Certificate.objects.get().withdrawn
    assert "withdrawn by hand" in acceptance(owner, project)


def test_further_audits_are_asked_for(owner):
    project = a_sure_project(items=160)
    owner.force_login(project.members.get(role="owner").user)
    certify(project)
    before = Audit.objects.get().wanted
    post(owner, project, "project_acceptance", more="", items="10")
    assert Audit.objects.get().wanted == before + 10
    assert accepting.resting(project)


def test_the_last_undecided_items_are_counted_as_wrong_on_demand(owner, project):
    accepting.begin(project, now(), seed=1)
    refill(project)
    answer = post(owner, project, "project_acceptance", look="")
    assert "certified nothing" in " ".join(str(one) for one in get_messages(answer.wsgi_request))


def test_who_may_only_read_sees_the_page_without_its_buttons(client, project):
    from labeling import opening

    certify(project)
    reader = a_worker(project).user
    opening.join(reader, project, "researcher")
    client.force_login(reader)
    assert "Withdraw the certificate" not in acceptance(client, project)
    assert post(client, project, "project_acceptance", withdraw="").status_code == 403
    assert Certificate.objects.standing().exists()


def test_a_worker_has_no_such_page(client, project):
    client.force_login(a_worker(project).user)
    assert page(client, project, "project_acceptance").status_code == 404


def test_a_worker_cannot_tell_an_audit_from_an_exam(client):
    """The same card byte by byte, but for the item and the numbers of query and assignment."""
    import re

    project = a_sure_project()
    accepting.begin(project, now(), seed=1)
    refill(project)
    worker = a_worker(project)
    client.force_login(worker.user)
    cards = []
    for purpose in ("audit", "exam"):
        project.queries.open().update(purpose=purpose)
        card = text(client.post(reverse("next_query", args=[project.slug]), follow=True))
        assert "What item" in card
        cards.append(re.sub(r"[A-Za-z0-9]{32,}|\d+", "#", card))
        project.queries.filter(assignments__worker=worker).delete()
    assert cards[0] == cards[1]


def test_the_picture_has_the_figures_of_the_audit(project):
    accepting.begin(project, now(), seed=1)
    refill(project)
    judge(project, dict.fromkeys(range(0, 120, 10), "dog"))
    case = looking.case_of(underway(project))
    drawn = curve(case.frozen, *case.decided, 0.3, None)
    last = drawn.rows[-1]
    assert (last.accepted, last.share, last.audited) == (120, 1.0, len(case.places))
    assert last.wrong == case.wrong.sum() > 0 and last.expected == pytest.approx(0.0155, abs=1e-4)
    assert drawn.found.startswith("M") and drawn.certified is None
