"""All answers read together: the log as tables, everybody's reliability, and what moves when they are read anew."""

from datetime import timedelta

import numpy as np
import pytest

from labeling import answering, asking, believing, crowd, opening, recalling, refitting, renewing
from labeling.models import Consensus, Gold, Judgment, Member, Project, Query, Refit, Reliability
from tests.making import a_project, a_query, a_worker, an_answer, an_item, now

pytestmark = pytest.mark.django_db


def say(query, worker, yes=()):
    with_place = Query.objects.filter(pk=query.pk)
    with_place.update(state="open", wanted=100)
    query.refresh_from_db()
    query.take_place()
    assignment = asking.offer(query, worker, now())
    return answering.record(assignment, an_answer(query, yes), now=now())


def a_crowd(project, items=24, good=3, bad=1, kind="categories", seed=0):
    """Good workers who are right, bad ones who answer at random; returns (workers, truth by item)."""
    random, names = np.random.default_rng(seed), [c.name for c in project.categories.all()]
    workers = [a_worker(project) for _ in range(good + bad)]
    truth = {}
    for at in range(items):
        query = a_query(project, kind, categories=None if kind == "categories" else [project.categories.all()[at % 3]])
        truth[query.item_list[0].pk] = names[at % 3]
        for worker in workers[:good]:
            say(query, worker, [names[at % 3]])
        for worker in workers[good:]:
            say(query, worker, [str(random.choice(names))])
    return workers, truth


def test_nobody_has_answered_yet():
    project = a_project(items=3)
    assert recalling.recall(project) is None
    assert refitting.refit(project, now()) is None and not Refit.objects.exists()


@pytest.mark.parametrize("exclusive", [True, False])
def test_the_log_holds_everything_that_was_said_zeros_by_implication_included(exclusive):
    project = a_project(exclusive=exclusive)
    worker, other = a_worker(project), a_worker(project)
    row, cell, grid = a_query(project, "categories"), a_query(project, "yes_no"), a_query(project, "items")
    say(row, worker, ["dog"])
    say(cell, worker, [])
    say(grid, other, ["cat"])
    log = recalling.recall(project)
    said = {(int(log.items[item]), category, int(worker)): value for item, category, worker, value in told(log)}
    keys = {category.name: at for at, category in enumerate(project.categories.all())}
    expected = {(cell.item_list[0].pk, keys["cat"], worker.pk): 0.0}
    expected |= {(item.pk, keys["cat"], other.pk): 1.0 for item in grid.item_list}
    asked = row.item_list[0].pk
    if exclusive:
        assert [int(c) for c in log.tables[0].category] == [keys["dog"]] and log.tables[0].offered is None
    else:
        expected |= {(asked, keys[name], worker.pk): float(name == "dog") for name in keys}
    assert said == expected and log.shape == (5, 3)


def told(log):
    for table in log.tables:
        if isinstance(table, crowd.Answers):
            yield from zip(table.item, table.category, table.worker, table.value, strict=True)


def test_a_pick_all_that_chose_nothing_says_no_to_all():
    project = a_project(exclusive=False)
    say(a_query(project, "categories"), a_worker(project), [])
    assert sorted((int(c), float(v)) for _, c, _, v in told(recalling.recall(project))) == [(0, 0), (1, 0), (2, 0)]


def test_answers_replaced_or_set_aside_are_not_in_the_log():
    project = a_project()
    worker, other = a_worker(project), a_worker(project)
    query = a_query(project, "categories")
    say(query, worker, ["cat"])
    answering.record(answering.undo(worker), an_answer(query, ["dog"]), now=now())
    say(query, other, ["bird"])
    renewing.set_aside(other, True, now=now())
    (choices, rest) = recalling.recall(project).tables
    assert choices.category.tolist() == [1] and len(rest.item) == 0


def test_a_category_added_later_was_not_offered_before():
    project = a_project()
    say(a_query(project, "categories"), a_worker(project), ["cat"])
    opening.add_categories(project, ["fish"])
    project = Project.objects.get()
    say(a_query(project, "categories"), a_worker(project), ["fish"])
    offered = recalling.recall(project).tables[0].offered
    assert sorted(offered.tolist()) == [[True, True, True, False], [True, True, True, True]]
    refitting.refit(project, now())
    first = Consensus.objects.filter(item__row=0)
    assert not first.filter(category__name="fish").exists()
    assert first.get(category__name="cat").evidence > 0 > first.get(category__name="dog").evidence


def test_who_guesses_is_found_out():
    project = a_project(agree_count=3)
    workers, _ = a_crowd(project)
    refitting.refit(project, now())
    ratings = [Member.objects.get(pk=worker.pk).rating for worker in workers]
    assert min(ratings[:3]) > 0.85 > 0.65 > ratings[3]
    row = Reliability.objects.get(worker=workers[0])
    assert row.kind == "categories" and row.judged == 24 and 0 < row.error < 0.1


def test_after_a_refit_one_good_worker_outweighs_a_guesser():
    project = a_project(agree_count=3)
    workers, _ = a_crowd(project)
    refitting.refit(project, now())
    query = a_query(Project.objects.get(), "categories")
    say(query, workers[0], ["cat"])
    say(query, workers[3], ["dog"])
    rows = {row.category.name: row for row in Consensus.objects.filter(item=query.item_list[0])}
    assert rows["cat"].posterior > 0.8 > 0.2 > rows["dog"].posterior
    assert rows["cat"].share == rows["dog"].share == 0.5 and rows["cat"].degree > rows["dog"].degree


def test_answer_by_answer_is_believed_what_a_refit_believes():
    project = a_project(agree_count=3)
    _, truth = a_crowd(project, good=2, bad=2, seed=3)
    online = leading(project)
    refitting.refit(project, now())
    assert sum(online[item] == name for item, name in leading(project).items()) >= 0.98 * len(truth)


def leading(project):
    rows = Consensus.objects.filter(project=project).order_by("posterior").values_list("item", "category__name")
    return dict(rows)


def test_what_is_stored_after_a_refit_is_what_the_model_says():
    project = a_project(agree_count=3)
    a_crowd(project, seed=5)
    refitting.refit(project, now())
    log = recalling.recall(project)
    fitted = crowd.Consensus(True).fit(log.tables, gold=log.gold, shape=log.shape)
    place = {int(pk): at for at, pk in enumerate(log.items)}
    for row in Consensus.objects.all():
        at = place[row.item_id], log.categories.index(row.category_id)
        assert row.posterior == pytest.approx(fitted.probas_[at], abs=0.011)
    again = crowd.Consensus(True).fit(recalling.recall(project).tables, gold=log.gold, shape=log.shape)
    assert np.array_equal(fitted.probas_, again.probas_)


def test_a_refit_without_news_writes_nothing(django_assert_max_num_queries):
    project = a_project(agree_count=3)
    a_crowd(project, items=9)
    refitting.refit(project, now())
    log = recalling.recall(project)
    fitted = crowd.Consensus(True).fit(log.tables, gold=log.gold, shape=log.shape)
    assert refitting.moved_by(project, log, fitted) == []


def test_gold_rates_the_worker_in_a_refit_as_online():
    project = a_project()
    worker = a_worker(project)
    for at in range(12):
        query = a_query(project, "yes_no", purpose="gold")
        Gold.objects.create(item=query.item_list[0], category=query.category_list[0], degree=float(at % 2))
        say(query, worker, [] if at % 2 else ["cat"])  # always wrong
    online = Member.objects.get(pk=worker.pk).rating
    assert online < 0.55
    refitting.refit(project, now())
    assert Member.objects.get(pk=worker.pk).rating == pytest.approx(online, abs=0.1)
    assert not Consensus.objects.exists()


def test_the_clock_refits_only_what_has_news():
    project = a_project()
    a_crowd(project, items=3)
    assert refitting.sweep(now()) == 1
    assert refitting.sweep(now() + 2 * refitting.REST) == 0
    say(a_query(Project.objects.get(), "categories"), a_worker(project), ["cat"])
    assert refitting.sweep(now() + timedelta(minutes=1)) == 0  # it has just been done
    assert refitting.sweep(now() + 2 * refitting.REST) == 1


def test_old_refits_and_their_arrays_are_deleted(settings):
    project = a_project()
    a_crowd(project, items=3)
    for at in range(4):
        say(a_query(Project.objects.get(), "categories"), a_worker(project), ["cat"])
        refitting.refit(Project.objects.get(), now() + timedelta(minutes=at))
    assert Refit.objects.count() == refitting.KEPT
    assert believing.of(Project.objects.get()).base.shape == (3,)


def test_after_a_new_category_the_old_refit_is_read_as_far_as_it_goes():
    project = a_project()
    a_crowd(project, items=6)
    refitting.refit(project, now())
    opening.add_categories(project, ["fish"])
    beliefs = believing.of(Project.objects.get())
    assert beliefs.even.tolist() == [0.25] * 4 and "categories" not in beliefs.pools
    say(a_query(Project.objects.get(), "categories"), a_worker(project), ["fish"])
    assert Consensus.objects.get(category__name="fish").posterior > 0.5


@pytest.mark.parametrize("exclusive", [True, False])
def test_agreement_by_how_sure_we_are(exclusive):
    project = a_project(agree_by="posterior", agree_posterior=0.95, agree_count=1, exclusive=exclusive)
    query, one, other = a_query(project, "yes_no"), a_worker(project), a_worker(project)
    say(query, one, ["cat"])
    assert not Consensus.objects.agreed().exists()  # one newcomer's word
    workers, _ = a_crowd(project, items=15, kind="yes_no", good=3, bad=0)
    refitting.refit(project, now())
    for worker in workers:
        say(query, worker, ["cat"])
    cell = Consensus.objects.get(item=query.item_list[0], category__name="cat")
    assert cell.agreed and cell.posterior >= 0.95
    renewing.set_aside(one, True, now=now())
    for worker in workers:
        renewing.set_aside(worker, True, now=now())
    say(query, other, [])
    assert not Consensus.objects.agreed().filter(item=query.item_list[0], degree__gte=0.5).exists()


def test_what_measures_the_classifier_is_judged_without_it(monkeypatch):
    project, item = a_project(), None
    worker, item = a_worker(project), an_item(project)
    sure = believing.Beliefs(tuple(project.category_keys), True, prior=np.array([[0.98, 0.01, 0.01]] * 9))
    monkeypatch.setattr(believing, "of", lambda project: sure)
    say(a_query(project, "categories", [item], purpose="exam"), worker, ["dog"])
    assert Consensus.objects.get(item=item, category__name="dog").posterior > 0.5
    other = an_item(project)
    say(a_query(project, "categories", [other]), worker, ["dog"])
    assert Consensus.objects.get(item=other, category__name="cat").posterior > 0.5


def test_a_worker_who_answers_while_it_is_refitted_loses_no_judgment(monkeypatch):
    project = a_project(agree_count=3)
    workers, _ = a_crowd(project, items=6)
    query, fit = a_query(project, "categories"), crowd.Consensus.fit

    def slowly(self, *args, **options):
        if not Judgment.objects.filter(item=query.item_list[0]).exists():
            say(query, workers[0], ["cat"])
        return fit(self, *args, **options)

    monkeypatch.setattr(crowd.Consensus, "fit", slowly)
    refitting.refit(project, now())
    assert Consensus.objects.filter(item=query.item_list[0]).exists()
    assert refitting.is_due(Project.objects.get(), now() + 2 * refitting.REST)


def test_careful_people_who_are_asked_about_likely_categories_are_no_yes_sayers():
    project = a_project(categories=[f"genre {at}" for at in range(10)], agree_count=2)
    names, workers = [category.name for category in project.categories.all()], [a_worker(project) for _ in range(3)]
    for at in range(20):
        query = a_query(project, "yes_no", categories=[project.categories.all()[at % 10]])
        for worker in workers:
            say(query, worker, [names[at % 10]])
    refitting.refit(project, now())
    assert min(Member.objects.get(pk=worker.pk).rating for worker in workers) > 0.85
    assert min(Consensus.objects.agreed().values_list("posterior", flat=True)) > 0.9
    assert Reliability.objects.filter(copies__gt=0).count() == 0


def test_what_an_admin_knows_of_a_worker_counts_from_the_first_answer_on_and_in_refits():
    project = a_project(agree_count=3)
    novice, expert = a_worker(project), a_worker(project, starting_rating=0.97, starting_answers=40)
    query = a_query(project, "categories")
    say(query, novice, ["cat"])
    say(query, expert, ["dog"])
    leads = Consensus.objects.filter(item=query.item_list[0]).order_by("-posterior")
    assert leads[0].category.name == "dog" and leads[0].posterior > 0.6
    refitting.refit(project, now())
    assert leads[0].category.name == "dog" and leads[0].posterior > 0.6
    assert Member.objects.get(pk=expert.pk).rating > 0.9 > 0.8 > Member.objects.get(pk=novice.pk).rating
