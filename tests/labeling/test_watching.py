"""Workers who are too fast, guess or copy are found out, in words; honest ones are left alone."""

from datetime import timedelta

import numpy as np
import pytest

from labeling import answering, asking, watching
from labeling.models import Gold, Member, Project, Suspicion
from tests.crowding import a_crowd, said_by
from tests.making import a_project, a_query, a_worker, an_answer, now

pytestmark = pytest.mark.django_db


def watched(project, **rules):
    Project.objects.filter(pk=project.pk).update(**rules)
    project.refresh_from_db()
    watching.watch(project, now())
    return {(one.worker_id, one.reason): one for one in Suspicion.objects.filter(worker__project=project)}


def in_words(found):
    return {reason: watching.sentence(one) for (_, reason), one in found.items()}


def a_guesser(said, at=0, seed=1):
    said[:, at] = np.random.default_rng(seed).integers(said.max() + 1, size=len(said))
    return said


def test_honest_people_are_left_alone():
    project = a_project()
    a_crowd(project, said_by(), np.random.default_rng(0).lognormal(1.5, 0.6, (60, 6)))
    assert watched(project) == {}


def test_who_guesses_is_found_with_what_chance_would_give():
    project = a_project()
    guesser, *_ = a_crowd(project, a_guesser(said_by()))
    found = watched(project)
    assert set(found) == {(guesser.pk, "guessing")}
    figures = found[guesser.pk, "guessing"].figures
    assert figures["of"] == 60 and abs(figures["sides"] - figures["chance"]) < 8
    expected = f"{figures['sides']} of 60, chance {figures['chance']:.1f}."
    assert in_words(found)["guessing"] == f"Sides with others no more than chance would: {expected}"


def test_who_always_says_the_same_is_found_though_it_is_often_right():
    project = a_project(categories=["rare", "common"])
    truth = (np.random.default_rng(0).random(120) < 0.75).astype(int)
    said = np.where(np.random.default_rng(1).random((120, 5)) < 0.9, truth[:, None], 1 - truth[:, None])
    said[:, 0] = 1
    lazy, *_ = a_crowd(project, said)
    assert set(watched(project)) == {(lazy.pk, "guessing")}


def test_who_is_too_fast_is_found_with_the_usual_time():
    project = a_project()
    seconds = np.random.default_rng(0).lognormal(np.log(4.8), 0.3, (20, 6))
    seconds[:14, 0] = 0.9
    hasty, *_ = a_crowd(project, said_by(items=20), seconds)
    found = watched(project)
    assert set(found) == {(hasty.pk, "fast")}
    figures = found[hasty.pk, "fast"].figures
    assert (figures["fast"], figures["of"]) == (14, 20) and figures["median"] == pytest.approx(4.8, abs=0.5)
    expected = f"Answered 14 of 20 in under {figures['limit']:.1f} s; the others' median is {figures['median']:.1f} s."
    assert in_words(found)["fast"] == expected


def test_who_is_quick_by_nature_is_not_too_fast():
    project = a_project()
    seconds = np.random.default_rng(0).lognormal(np.log(5), 0.4, (40, 6))
    seconds[:, 0] /= 2.2
    a_crowd(project, said_by(items=40), seconds)
    assert watched(project) == {}


def test_who_repeats_the_errors_of_another_is_found_with_whose():
    project = a_project(categories=["a", "b", "c", "d"])
    said = said_by(items=60, workers=6, categories=4, skill=0.7)
    said[:, 5] = said[:, 2]
    *others, copier = a_crowd(project, said)
    found = watched(project)
    assert set(found) == {(copier.pk, "copying")}
    figures = found[copier.pk, "copying"].figures
    assert figures["other"] == others[2].user.username and figures["same"] == figures["erred"] >= 10
    assert f"the same wrong answer as {figures['other']} on {figures['same']} of " in in_words(found)["copying"]


@pytest.mark.parametrize("answers, suspected", [(9, False), (16, True)])
def test_nobody_comes_under_suspicion_before_ten_answers(answers, suspected):
    project = a_project(watch_level=0.5)
    seconds = np.full((40, 5), 5.0)
    said = said_by(items=40, workers=5)
    said[answers:, 0] = -1
    seconds[:, 0] = 0.3
    a_crowd(project, said, seconds)
    assert bool(watched(project)) == suspected


def test_only_the_evidence_whose_rule_is_not_off_is_kept():
    project = a_project()
    a_crowd(project, a_guesser(said_by()))
    assert watched(project, on_guessing="off") == {}
    assert watched(project, on_guessing="flag") and not Member.objects.exclude(paused=None).exists()


def test_who_is_paused_is_told_kindly_and_keeps_what_was_earned():
    project = a_project()
    guesser, honest, *_ = a_crowd(project, a_guesser(said_by()))
    held = asking.offer(a_query(project), guesser, now())
    assert watched(project, on_guessing="pause")
    guesser.refresh_from_db(), a_query(project)
    with pytest.raises(asking.NothingToAsk, match="What you have earned is yours") as refused:
        asking.next_assignment(guesser, now=now())
    assert refused.value.code == "on_hold"
    assert asking.next_assignment(honest, now=now())
    held.refresh_from_db()
    assert held.state == "live", "what is held may still be answered and is paid"


def test_who_is_let_go_on_is_not_held_to_what_was_excused():
    project = a_project()
    guesser, *others = a_crowd(project, a_guesser(said_by()))
    watched(project, on_guessing="pause")
    watching.let_go_on(guesser, now())
    assert watched(project) == {} and not Member.objects.exclude(paused=None).exists()
    a_crowd(project, a_guesser(said_by(1)), workers=[guesser, *others], start=now() + timedelta(seconds=1))
    assert set(watched(project)) == {(guesser.pk, "guessing")}, "new answers count"


def test_who_improves_is_cleared():
    project = a_project()
    guesser, *others = a_crowd(project, a_guesser(said_by(items=30)))
    assert watched(project)
    a_crowd(project, said_by(2, items=200), workers=[guesser, *others])
    assert watched(project) == {}


def test_gold_speaks_against_a_worker_whom_nobody_stands_beside():
    project = a_project()
    said = said_by(items=60, workers=4)
    a_crowd(project, said)
    alone = np.full((40, 1), 1)
    (guesser,) = a_crowd(project, alone)
    assert watched(project) == {}, "nobody else had a word"
    items = [answer.query.item_list[0] for answer in guesser.assignments.all()]
    names = list(project.categories.all())
    Gold.objects.bulk_create(
        Gold(item=item, category=category, degree=float(n % 3 == at))
        for n, item in enumerate(items) for at, category in enumerate(names)
    )  # fmt: skip
    assert set(watched(project)) == {(guesser.pk, "guessing")}


def test_a_project_is_looked_at_when_answers_came_and_no_more_than_once_a_minute():
    project = a_project()
    moment = now()
    assert watching.watch_if_due(project, moment), "never looked at"
    project.refresh_from_db()
    assert not watching.watch_if_due(project, moment + timedelta(minutes=5)), "nothing new"
    a_crowd(project, said_by(items=3), start=moment + timedelta(seconds=30))
    assert not watching.watch_if_due(project, moment + timedelta(seconds=50))
    assert watching.watch_all(moment + timedelta(seconds=90)) == 1


def test_yes_or_no_and_several_categories_are_watched_too():
    project = a_project(exclusive=False)
    said = a_guesser(said_by(items=80))
    guesser, *_ = a_crowd(project, said)
    assert set(watched(project)) == {(guesser.pk, "guessing")}


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("kind", ["categories", "yes_no", "items"])
def test_few_answers_of_any_kind_raise_nothing(exclusive, kind):
    """One answer, then two about different items, then two about the same."""
    project = a_project(exclusive=exclusive, agree_count=9, wanted=9)
    one, other = a_worker(project), a_worker(project)
    for worker, query in ((one, a_query(project, kind)), (other, a_query(project, kind)), (other, None)):
        query = query or project.queries.first()
        query.take_place()
        answering.record(asking.offer(query, worker, now()), an_answer(query, ["cat"]), now=now())
        assert watched(project) == {}


def test_a_project_of_one_category_is_watched():
    project = a_project(exclusive=False, categories=["cat"], agree_count=9, wanted=9)
    for _ in range(12):
        query = a_query(project, "yes_no")
        for worker in [a_worker(project) for _ in range(2)]:
            query.take_place()
            answering.record(asking.offer(query, worker, now()), an_answer(query, ["cat"]), now=now())
    assert watched(project) == {}
