"""Acceptance through the API and from the shell: audits begin, are looked at and end; certificates are read."""

import io

import pytest
from django.core.management import CommandError, call_command

from labeling import accepting
from labeling.models import Audit, Certificate
from tests.making import a_worker, now
from tests.proving import a_sure_project, certify, judge, refill
from tests.speaking import Speaker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_arrays")]


@pytest.fixture
def sure():
    project = a_sure_project()
    return project, Speaker(project.members.get(role="owner").user), f"projects/{project.slug}/"


def test_what_an_audit_would_cost_and_bring_is_read_before_it_begins(sure):
    _, speaker, address = sure
    said = speaker.get(f"{address}acceptance/").json()
    assert (said["audit"], said["certificate"], said["refusal"]) == (None, None, "")
    assert said["plan"]["audits"] >= 50 and said["plan"]["items"] == 120 and said["plan"]["unit"] == "points"


def test_an_audit_begins_once(sure):
    _, speaker, address = sure
    first = speaker.post(f"{address}audits/")
    assert (first.status_code, first.json()["run"], first.json()["state"]) == (201, 1, "open")
    again = speaker.post(f"{address}audits/")
    assert (again.status_code, again.json()["code"]) == (409, "cannot_audit")
    assert speaker.get(f"{address}audits/").json()["results"] == [first.json()]


def test_a_certificate_is_read_until_and_after_it_is_withdrawn(sure):
    project, speaker, address = sure
    certificate = certify(project)
    said = speaker.get(f"{address}acceptance/").json()["certificate"]
    assert (said["number"], said["accepted"], said["withdrawn"]) == (certificate.pk, certificate.accepted, None)
    ended = speaker.post(f"{address}audits/end/", {"reason": "The labels were redefined."})
    assert ended.json()["certificate"] is None
    (row,) = speaker.get(f"{address}certificates/").json()["results"]
    assert row["reason"] == "The labels were redefined." and row["withdrawn"]
    assert speaker.post(f"{address}audits/end/", {}).status_code == 409


def test_an_audit_goes_on_and_is_looked_at(sure):
    project, speaker, address = sure
    certify(project)
    before = Audit.objects.get().wanted
    assert speaker.post(f"{address}audits/more/", {"items": 5}).json()["wanted"] == before + 5
    assert speaker.post(f"{address}audits/look/").json()["code"] == "cannot_audit"  # not asked yet
    refill(project)
    assert speaker.post(f"{address}audits/look/").json()["audit"]["looks"] == 2


def test_the_aim_is_set_by_the_api_and_checked(sure):
    project, speaker, address = sure
    assert speaker.patch(address, {"accept_share": 0.02, "audit_lead": 3}).json()["settings"]["accept_share"] == 0.02
    assert speaker.patch(address, {"accept_share": None}).json()["settings"]["accept_share"] is None
    assert speaker.patch(address, {"accept_share": 0.9}).status_code == 400
    project.refresh_from_db()
    assert (project.accept_share, project.audit_lead) == (None, 3)


def test_workers_neither_see_nor_move_it(sure):
    project, _, address = sure
    worker = Speaker(a_worker(project).user)
    for path in ("acceptance/", "audits/", "certificates/"):
        assert worker.get(f"{address}{path}").status_code == 403
    assert worker.post(f"{address}audits/").status_code == 403 and not Audit.objects.exists()


def command(*words) -> str:
    said = io.StringIO()
    call_command("audit", *words, stdout=said)
    return said.getvalue()


def test_the_command_tells_begins_and_ends(sure):
    project, _, _ = sure
    assert command(project.slug).startswith("Nothing is accepted.\n50 audited items, for about")
    assert "Audit of run 1, under way: 0 of 50 drawn are decided" in command(project.slug, "--begin")
    refill(project)
    judge(project)
    refill(project)
    assert f"Certificate {Certificate.objects.get().pk}: 70 items of confidence" in command(project.slug)
    assert "Nothing is accepted" in command(project.slug, "--end", "for the test")
    with pytest.raises(CommandError, match="audited already"):
        command(project.slug, "--begin")


def test_the_command_looks_and_goes_on(sure):
    project, _, _ = sure
    accepting.begin(project, now(), seed=1)
    refill(project)
    assert "certified nothing" in command(project.slug, "--look")
    assert "under way: 50 of" in command(project.slug, "--more", "3")
