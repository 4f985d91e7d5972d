"""What an audit comes to: looks, certificates, what is accepted under them, and what ends them."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from labeling import accepting, arrays, board, opening, renewing
from labeling.accepting import beginning, looking
from labeling.accepting.proceeding import underway
from labeling.models import Assignment, Audit, Certificate, Query
from tests.making import a_project, a_query, a_run, a_worker, now
from tests.proving import a_sure_project, audits, certify, judge, publish, refill, say
from tests.teaching import a_taught_project, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_arrays")]


def rows(queries):
    return {query.item_list[0].row for query in queries}


# --- look ------------------------------------------------------------------------------------------------------------


def test_what_the_audit_proves_is_accepted():
    project = a_sure_project()
    certificate = certify(project)
    audited = audits(project).count()
    assert certificate.wrong == 0 and certificate.audited == audited >= 50
    assert certificate.accepted == 120 - audited == certificate.places().sum()
    assert certificate.bound <= certificate.share == 0.3
    assert (certificate.run, certificate.confidence, certificate.look) == (project.published, 0.95, 1)
    assert Audit.objects.get().state == Audit.State.DONE


def test_a_classifier_that_audits_contradict_is_not_certified():
    project = a_sure_project()
    assert certify(project, truth="dog") is None
    audit = Audit.objects.get()
    assert audit.state == Audit.State.DONE and "certified nothing" in audit.reason
    assert not accepting.holding(project)


def test_an_audited_item_on_which_no_answer_leads_counts_as_wrong():
    project = a_sure_project()
    accepting.begin(project, now(), seed=1)
    refill(project)
    query, workers = audits(project).first(), [a_worker(project) for _ in range(8)]
    for at, worker in enumerate(workers):
        say(query, worker, ["cat", "dog"][at % 2])
    query.refresh_from_db()
    assert query.state == "closed" and query.asked == 8
    judge(project, workers=workers[:2])
    refill(project)
    assert Certificate.objects.get().wrong == 1


def test_a_look_need_not_wait_for_what_nobody_can_answer():
    project = a_sure_project()
    audit = accepting.begin(project, now(), seed=1)
    refill(project)
    left = audits(project).first()
    Query.objects.filter(pk=left.pk).update(state="closed")
    judge(project)
    Query.objects.filter(pk=left.pk).update(state="open")
    refill(project)
    audit.refresh_from_db()
    assert audit.looks == 0
    assert accepting.look_now(project, now())
    left.refresh_from_db()
    assert left.state == Query.State.EXHAUSTED and Certificate.objects.get().wrong == 1


def test_who_has_not_come_for_a_day_is_not_waited_for():
    project = a_sure_project()
    accepting.begin(project, now(), seed=1)
    refill(project)
    a_worker(project, "never there")
    undecided, workers = audits(project).first(), [a_worker(project) for _ in range(2)]
    for worker, yes in zip(workers, ["cat", "dog"], strict=True):
        say(undecided, worker, [yes])
    mine = Query.objects.filter(pk=undecided.pk)
    mine.update(state="closed")
    judge(project, workers=workers)
    mine.update(state="open")
    assert not accepting.proceed(project, now())
    assert not accepting.proceed(project, now() + timedelta(days=2))  # nobody has come since: the project rests
    Assignment.objects.exclude(query=undecided).update(offered=now() + timedelta(days=2))
    assert accepting.proceed(project, now() + timedelta(days=2))
    assert Certificate.objects.get().wrong == 1


def test_who_is_set_aside_has_no_say_in_an_audit():
    project = a_sure_project()
    accepting.begin(project, now(), seed=1)
    refill(project)
    liar = a_worker(project)
    judge(project, workers=[liar, a_worker(project)])
    renewing.set_aside(liar, True, now=now())
    refill(project)
    assert not Certificate.objects.exists()
    assert audits(project, state="open").count() == audits(project).count()  # asked again of others
    judge(project, workers=[a_worker(project)])
    refill(project)
    assert Certificate.objects.get().wrong == 0


def test_two_machines_take_a_look_once():
    project = a_sure_project()
    accepting.begin(project, now(), seed=1)
    refill(project)
    judge(project)
    case = looking.case_of(underway(project))
    assert looking.look(case, now()) and not looking.look(case, now())
    assert Certificate.objects.count() == 1


def test_audits_of_several_categories_lead_in_each():
    project = a_sure_project(exclusive=False)
    certificate = certify(project)
    assert certificate and certificate.wrong == 0


# --- what is accepted ------------------------------------------------------------------------------------------------


def test_nobody_is_asked_about_what_is_accepted_but_in_exam_and_audit():
    project = a_sure_project()
    certify(project)
    project.exam_share = 0.6
    seen = board.read(project)
    mine = Certificate.objects.of(project).accepts(np.arange(120))
    assert mine.sum() == Certificate.objects.get().accepted
    assert not seen.askable[mine].any() and not seen.doubtful[mine].any()
    assert seen.exam[mine].all() and not seen.exam[~mine].any()


def test_what_a_certificate_leaves_is_peoples_however_sure_the_classifier_is():
    project = a_sure_project(target_confidence=1.0)
    mask = np.arange(120) < 60
    audit = an_audit(project, run=project.published)
    items = arrays.save(f"{project.pk}/accepted", mask)
    a_certificate(audit, items=items)
    Audit.objects.update(state="done")
    refill(project)
    asked = {item.row for query in project.queries.open() for item in query.item_list}
    assert asked and min(asked) >= 60


def test_open_questions_about_accepted_items_are_withdrawn():
    project = a_sure_project()
    inside, outside = a_query(project, "yes_no", [project.items.get(row=3)]), a_query(project, "yes_no")
    mask = np.zeros(10, bool)
    mask[3] = True
    assert looking.take_back(project, mask) == 1
    inside.refresh_from_db(), outside.refresh_from_db()
    assert (inside.state, outside.state) == (Query.State.WITHDRAWN, Query.State.OPEN)


# --- what ends it ----------------------------------------------------------------------------------------------------


def test_a_new_run_supersedes_the_certificate():
    project = a_sure_project()
    certificate = certify(project)
    accepting.supersede(a_run(project))
    certificate.refresh_from_db()
    assert certificate.withdrawn and "Run 2 was published" in certificate.reason
    assert not Certificate.objects.of(project)
    assert Audit.objects.get().state == Audit.State.ENDED


def test_a_run_that_training_publishes_ends_the_audit_of_the_one_before():
    project = a_taught_project(agreed=6)
    run(project)
    audit = an_audit(project, run=project.published)
    certificate = a_certificate(audit)
    run(project)
    audit.refresh_from_db(), certificate.refresh_from_db()
    assert project.published.number == 2 and audit.state == Audit.State.ENDED
    assert "Run 2 was published" in certificate.reason


def test_a_new_run_withdraws_the_audit_queries_of_the_old():
    project = a_sure_project()
    accepting.begin(project, now())
    refill(project)
    accepting.supersede(a_run(project))
    assert not audits(project, state="open").exists()


def test_what_an_ended_audit_had_stored_is_deleted_as_the_next_begins():
    project = a_sure_project()
    _, plan = beginning.weighed(project, board.read(project))
    certificate = certify(project)
    audit = certificate.audit
    files = [arrays.local_path(pointer["path"]) for pointer in (audit.pool, certificate.items)]
    publish(project, arrays.load(audit.run.arrays["probability"]))
    accepting.supersede(project.published)
    assert all(file.exists() for file in files), "somebody may be reading them"
    another = beginning.opened(project, np.arange(120) < 60, 2, plan, now())
    audit.refresh_from_db(), certificate.refresh_from_db()
    assert audit.pool == certificate.items == {} and not any(file.exists() for file in files)
    assert arrays.load(another.pool).sum() == 60


def test_equal_arrays_of_an_ended_audit_and_a_new_one_are_kept():
    project = a_sure_project()
    ended = accepting.begin(project, now(), seed=1)
    publish(project, arrays.load(ended.run.arrays["probability"]))
    accepting.supersede(project.published)
    assert accepting.begin(project, now(), seed=2).pool == ended.pool
    assert arrays.local_path(ended.pool["path"]).exists()


def test_a_later_audit_that_contradicts_withdraws_the_certificate():
    project = a_sure_project(items=200)
    certificate = certify(project)
    accepting.go_on(project, 40)
    refill(project)
    assert (
        rows(audits(project, state="open"))
        and not certificate.places()[list(rows(audits(project, state="open")))].any()
    )
    judge(project, "dog")
    refill(project)
    certificate.refresh_from_db()
    assert certificate.withdrawn and "later audit found too many wrong" in certificate.reason
    assert not Certificate.objects.of(project)


def test_a_later_audit_that_agrees_leaves_it():
    project = a_sure_project(items=200)
    certificate = certify(project)
    accepting.go_on(project, 30)
    refill(project)
    judge(project)
    refill(project)
    assert Certificate.objects.standing().filter(project=project).exists()
    certificate.refresh_from_db()
    assert not certificate.withdrawn or certificate.reason == "A later look accepts more."


def test_a_new_category_ends_what_did_not_know_it():
    project = a_sure_project()
    certify(project)
    opening.add_categories(project, ["fish"])
    assert "Categories were added" in Certificate.objects.get().reason
    assert not accepting.holding(project)


# --- what the database holds -----------------------------------------------------------------------------------------


def a_certificate(audit, **fields):
    fields = {
        "project": audit.project, "audit": audit, "run": audit.run, "threshold": 0.9, "share": 0.05, "confidence": 0.95,
        "look": 1, "accepted": 10, "audited": 5, "wrong": 0, "bound": 0.05, "made": now(),
    } | fields  # fmt: skip
    return Certificate.objects.create(**fields)


def an_audit(project, **fields):
    fields = {
        "project": project, "run": fields.get("run") or a_run(project),
        "share": 0.05, "confidence": 0.95, "lead": 2, "seed": 1, "size": 100,
        "wanted": 50, "begun": now(),
    } | fields  # fmt: skip
    return Audit.objects.create(**fields)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"bound": 0.06}, "a certificate keeps to its share"),
        ({"wrong": 6}, "no more are wrong than were audited"),
        ({"accepted": 0}, "a certificate accepts something"),
        ({"confidence": 0.4}, "a certificate's confidence is between a half and 1"),
        ({"share": 0.0, "bound": 0.0}, "a certified share is between 0 and 1"),
        ({"withdrawn": now().replace(year=2000)}, "withdrawn after it was made"),
    ],
)
def test_a_certificate_that_cannot_be_is_refused_by_the_database(fields, sentence):
    audit = an_audit(a_project())
    with pytest.raises(IntegrityError, match=sentence), transaction.atomic():
        a_certificate(audit, **fields)


def test_one_certificate_of_a_project_stands():
    audit = an_audit(a_project())
    a_certificate(audit)
    with pytest.raises(IntegrityError), transaction.atomic():
        a_certificate(audit, look=2)
    Certificate.objects.update(withdrawn=now())
    assert a_certificate(audit, look=2)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"wanted": 101}, "no more is audited than there is"),
        ({"share": 0.0}, "an audited share is between 0 and 1"),
        ({"lead": 0}, "an audited answer leads by somebody"),
    ],
)
def test_an_audit_that_cannot_be_is_refused_by_the_database(fields, sentence):
    with pytest.raises(IntegrityError, match=sentence), transaction.atomic():
        an_audit(a_project(), **fields)


def test_a_project_audits_one_run_at_a_time():
    project = a_project()
    an_audit(project)
    with pytest.raises(IntegrityError), transaction.atomic():
        an_audit(project)
