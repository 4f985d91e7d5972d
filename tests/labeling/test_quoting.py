"""A query and a worker in the price list's words."""

import pytest

from labeling import quoting
from labeling.models import Member, Reliability
from tests.making import a_project, a_query, a_worker

pytestmark = pytest.mark.django_db


def known(worker, **ratings):
    for kind, rating in ratings.items():
        Reliability.objects.create(worker=worker, kind=kind, rating=rating, error=0.02, judged=100)
    return Member.objects.select_related("project").get(pk=worker.pk)


def test_a_worker_is_paid_by_the_rating_in_the_kind_that_is_asked():
    project = a_project(cell_price=100, factors={"rating": 1.0})
    worker = known(a_worker(project, rating=0.75), yes_no=0.8, categories=0.6)
    assert quoting.quote(a_query(project), worker) == 147
    assert quoting.quote(a_query(project, "categories"), worker) == 150  # three cells at half: it tells little of three
    assert quoting.quote(a_query(project, "items"), worker) == 300  # not answered yet: as over all kinds


def test_the_same_rating_tells_more_where_there_is_more_to_choose():
    project = a_project(categories=[f"c{at}" for at in range(10)], cell_price=100, factors={"rating": 1.0})
    worker = known(a_worker(project), categories=0.6)
    assert quoting.quote(a_query(project, "categories"), worker) == 630  # .63 of a newcomer; among three only .41
    several = a_project(exclusive=False, cell_price=100, factors={"rating": 1.0})
    worker = known(a_worker(several), categories=0.6)
    assert quoting.quote(a_query(several, "categories"), worker) == 150  # a yes or no to each: as to one


def test_with_equal_pay_everybody_is_offered_the_same():
    project = a_project(cell_price=100, factors={"rating": 1.0, "scarcity": 1.0}, equal_pay=True)
    query = a_query(project, signals={"cells": 1, "scarcity": 0.5})
    workers = [known(a_worker(project), yes_no=rating) for rating in (0.5, 0.75, 0.99)]
    assert {quoting.quote(query, worker) for worker in workers} == {150}
    assert quoting.explain(query).price == 150
    project.equal_pay = False
    assert len({quoting.quote(query, worker) for worker in workers}) == 3


def test_a_round_is_quoted_for_the_median_worker_of_each_kind():
    project = a_project(cell_price=100, factors={"rating": 1.0})
    for rating in (0.7, 0.8, 0.9):
        known(a_worker(project, rating=rating), yes_no=rating)
    known(a_worker(project, set_aside=True), yes_no=0.1)
    assert quoting.median_ratings(project) == {"yes_no": 0.8, "categories": 0.8, "items": 0.8}
    assert quoting.quote_ahead(project, [("yes_no", {"cells": 1}), ("yes_no", {"cells": 2})]) == [147, 295]


def test_a_grid_is_as_complex_as_its_items_are_on_average():
    assert quoting.facts(1.0, 2, [0.2, 0.4], {})["complexity"] == 0.3
    assert quoting.facts(1.0, 2, [None, 0.4], {})["complexity"] == 0.4
    assert quoting.facts(1.0, 2, [], {})["complexity"] is None
