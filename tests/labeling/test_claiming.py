"""Which open query a worker is asked: the one that tells most for its reward when this worker answers it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.conf import settings
from django.db import connection
from django.urls import reverse

from labeling import asking, claiming, selecting
from labeling.access import worker_for
from labeling.models import Assignment, Project, Reliability
from rewards import ledger
from rewards.auditing import audit
from tests.making import a_project, a_query, a_worker, now
from tests.visiting import text

pytestmark = pytest.mark.django_db
BUSY = {"scarcity": 0.05}  # nineteen willing workers were seen


def known(worker, judged=100, error=0.02, **ratings):
    for kind, rating in ratings.items():
        Reliability.objects.create(worker=worker, kind=kind, rating=rating, error=error, judged=judged)
    return worker


def asked(worker):
    """The kind of what this worker is asked next."""
    return asking.next_assignment(worker_for(worker.user, worker.project.slug), now=now()).query.kind


def refusal(worker):
    with pytest.raises(asking.NothingToAsk) as reason:
        asked(worker)
    return reason.value.code


def test_who_is_weak_in_one_kind_is_asked_another():
    project = a_project()
    a_query(project, "yes_no", value=1.0)
    a_query(project, "categories", value=3.0)
    a_query(project, "items", value=3.0)
    assert asked(known(a_worker(project), yes_no=0.9, categories=0.6, items=0.6)) == "yes_no"
    assert asked(known(a_worker(project), yes_no=0.6, categories=0.9, items=0.6)) == "categories"
    assert asked(known(a_worker(project), yes_no=0.6, categories=0.6, items=0.9)) == "items"


def test_what_is_hard_for_everybody_is_not_held_against_a_worker():
    """The value of a query tells already how well its kind is answered."""
    project = a_project(pace={"yes_no": [1, 1, 0, 0.9], "categories": [1, 1, 0, 0.6]})
    a_query(project, "yes_no", value=1.0)
    a_query(project, "categories", value=3.6)
    usual = known(a_worker(project), yes_no=0.9, categories=0.6)
    assert asked(usual) == "categories"


def test_of_one_kind_what_tells_most_for_its_reward_is_asked():
    project = a_project()
    a_query(project, "items", value=4.0)  # three cells
    cheap = a_query(project, "yes_no", value=2.0)
    dear = a_query(project, "yes_no", value=2.2, signals={"cells": 1, "complexity": 1.0})
    Project.objects.update(factors={"complexity": 1.0})
    worker = a_worker(project)
    first = asking.next_assignment(worker_for(worker.user, project.slug), now=now())
    assert (first.query, first.reward) == (cheap, 10)
    assert asking.next_assignment(worker_for(a_worker(project).user, project.slug), now=now()).query == cheap
    cheap.refresh_from_db()
    assert cheap.asked == 2 and dear.value > cheap.value


@pytest.mark.parametrize("kind", ["yes_no", "items"])
def test_who_is_known_to_tell_too_little_is_passed_over_while_there_are_others(kind):
    project = a_project(wanted=3, queue_size=1)
    a_query(project, kind, signals={"cells": 1, **BUSY})
    weak = known(a_worker(project), **{kind: 0.55})
    assert refusal(weak) == "others"
    assert asked(known(a_worker(project), **{kind: 0.7})) == kind
    assert asked(a_worker(project)) == kind, "of a newcomer nothing is known"


@pytest.mark.parametrize(
    "let",
    [
        {"signals": {"cells": 1, "scarcity": 0.2}},  # four were seen, and three answers are wanted
        {"signals": {"cells": 1}},
        {"least_told": 0.0},
        {"judged": 9},
        {"error": 0.2},
    ],
    ids=str,
)
def test_nobody_is_passed_over_without_need_or_without_knowing(let):
    project = a_project(wanted=3, least_told=let.get("least_told", 0.25))
    a_query(project, signals=let.get("signals", {"cells": 1, **BUSY}))
    weak = known(a_worker(project), judged=let.get("judged", 100), error=let.get("error", 0.02), yes_no=0.55)
    assert asked(weak) == "yes_no"


def test_a_lower_reward_makes_up_for_an_answer_that_tells_less():
    """The rating's factor halves the price at most: who tells a third for half the price tells two thirds for it."""
    project = a_project(wanted=3, cell_price=1000, price_ceiling=10**6, least_told=0.5, queue_size=1)
    query = a_query(project, signals={"cells": 1, **BUSY})
    weak = known(a_worker(project), yes_no=0.63, error=0.0)  # tells .26 of a newcomer
    assert refusal(weak) == "others"
    Project.objects.update(least_told=0.4)
    assert refusal(weak) == "others"
    Project.objects.update(factors={"rating": 1.0})
    assert asked(weak) == "yes_no"
    assert Assignment.objects.get(worker=weak, query=query).reward == 500


def test_no_more_candidates_are_weighed_however_long_the_queue(monkeypatch):
    weighed = []
    monkeypatch.setattr(claiming, "worth", lambda query, worker: weighed.append(query) or query.value)
    project = a_project()
    for at in range(30):
        a_query(project, "yes_no", value=1 + at)
        a_query(project, "items", value=1 + at)
    assert asked(a_worker(project)) in ("yes_no", "items")
    assert len(weighed) == 2 * claiming.FEW
    assert min(query.value for query in weighed) == 27


# --- so much a day ----------------------------------------------------------------------------------------------------


def test_a_day_that_has_spent_its_money_says_when_it_goes_on(client):
    project = a_project(cell_price=10, instructions="Look.")
    ledger.limit_days(project.budget, 15)
    for _ in range(3):
        a_query(project)
    worker = a_worker(project)
    client.force_login(worker.user)
    first = asking.next_assignment(worker_for(worker.user, project.slug), now=now())
    with pytest.raises(asking.NothingToAsk) as reason:
        asking.next_assignment(worker_for(a_worker(project).user, project.slug), now=now())
    assert reason.value.code == "today"
    assert f"goes on at midnight ({settings.TIME_ZONE})" in reason.value.sentence
    asking.give_back(first, now=now())
    assert asked(a_worker(project)) == "yes_no", "what is given back may be offered again"
    page = client.get(reverse("work", args=[project.slug]), {"waiting": "today"})
    assert "The money that this project spends in a day is spent for today." in text(page)
    assert "That is in" in text(page)


def test_the_next_day_goes_on():
    project = a_project(cell_price=10)
    ledger.limit_days(project.budget, 10)
    a_query(project)
    a_query(project)
    asked(a_worker(project))
    late = a_worker(project)
    assert refusal(late) == "today"
    assert asking.next_assignment(worker_for(late.user, project.slug), now=now() + timedelta(days=1)).reward == 10


def test_something_cheaper_is_still_offered_on_a_day_that_cannot_pay_for_the_best():
    project = a_project(cell_price=10)
    ledger.limit_days(project.budget, 15)
    a_query(project, "items", value=9)
    cheap = a_query(project, "yes_no", value=1)
    worker = a_worker(project)
    assert asking.next_assignment(worker_for(worker.user, project.slug), now=now()).query == cheap


def test_what_a_day_never_pays_for_leaves_the_queue():
    project = a_project(cell_price=10, items=3)
    query = a_query(project, "items")
    ledger.limit_days(project.budget, 25)
    selecting.refill(project)
    query.refresh_from_db()
    assert query.state == "withdrawn"


def test_a_limit_below_any_price_is_said_to_be_that():
    project = a_project(cell_price=10, items=3)
    ledger.limit_days(project.budget, 9)
    assert selecting.refill(project).reason.startswith("A day may not spend as much as one answer costs.")
    assert refusal(a_worker(project)) == "daily"
    ledger.limit_days(project.budget, None)
    assert selecting.refill(project).opened == 3


@pytest.mark.django_db(transaction=True)
def test_offers_at_the_same_moment_never_overspend_a_day():
    project = a_project(cell_price=10, wanted=9, agree_count=9)
    for _ in range(4):
        a_query(project)
    ledger.limit_days(project.budget, 75)
    workers = [a_worker(project) for _ in range(12)]
    start = Barrier(len(workers))

    def ask(worker):
        try:
            start.wait()
            return asking.next_assignment(worker_for(worker.user, project.slug), now=now()).reward
        except asking.NothingToAsk as reason:
            return reason.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(workers)) as pool:
        outcomes = list(pool.map(ask, workers))
    assert sorted(map(str, outcomes)) == ["10"] * 7 + ["today"] * 5
    assert project.budget.spent_on(now().date()).spent == 70
    assert audit().differences == []
