"""When people agree: the plain rule of shares and the rule of posteriors, and workers' agreement with it."""

import pytest
from scipy.stats import binomtest

from labeling.consensus import Cell, Rule, agreement, agrees, settle

NAN = float("nan")


def said(degrees, posterior=0.5):
    """A cell as the rule reads it."""
    return Cell(sum(degrees) / max(len(degrees), 1), posterior, len(degrees))


def test_the_default_rule_wants_two_agreeing_people():
    assert not agrees(said([1]), Rule())
    assert agrees(said([1, 1]), Rule()) and agrees(said([0, 0]), Rule())
    assert not agrees(said([1, 0]), Rule())
    assert agrees(said([1, 0, 1]), Rule()) and agrees(said([0, 1, 0]), Rule())


@pytest.mark.parametrize(("people", "share"), [(3, 2 / 3), (4, 0.75), (5, 0.8), (10, 0.9)])
def test_a_share_met_exactly_is_met_on_both_sides(people, share):
    against = [1] + [0] * (people - 1)
    assert agrees(said(against), Rule(share=share))
    assert agrees(said([1 - degree for degree in against]), Rule(share=share))


def test_one_answer_suffices_where_the_rule_says_so():
    assert agrees(said([1]), Rule(count=1))


def test_an_even_split_never_agrees():
    assert not agrees(said([1, 0, 1, 0]), Rule(share=0.5))


@pytest.mark.parametrize("rule", [{"count": 0}, {"share": 0.4}, {"share": 1.1}, {"share": NAN}])
def test_a_rule_that_cannot_be_met_or_missed_is_refused(rule):
    with pytest.raises(ValueError, match=f"Rule.{next(iter(rule))}"):
        Rule(**rule)


def test_an_exclusive_item_settles_on_the_category_that_meets_the_rule():
    cells = dict(zip(["rock", "jazz", "blues"], [said([1, 1, 0]), said([0, 0, 1]), said([0, 0, 0])], strict=True))
    assert settle(cells, Rule()) == "rock"
    assert settle(cells, Rule(share=0.7)) is None


def test_agreed_noes_settle_nothing():
    assert settle({"rock": said([0, 0, 0]), "jazz": said([])}, Rule()) is None
    assert settle({}, Rule()) is None


def test_a_tie_is_no_agreement():
    yes = said([1, 1])
    assert settle({"rock": yes, "jazz": yes}, Rule()) is None
    assert settle({"rock": yes, "jazz": said([1, 1, 0])}, Rule()) == "rock"


def test_a_tie_undoes_no_agreement():
    yes, more = said([1, 1, 0]), said([1, 1])
    assert settle({"rock": yes, "jazz": yes}, Rule(), standing="jazz") == "jazz"
    assert settle({"rock": yes, "jazz": yes}, Rule(), standing="folk") is None
    assert settle({"rock": more, "jazz": yes}, Rule(), standing="jazz") == "rock"


def test_where_it_asks_how_sure_we_are_shares_do_not_matter():
    sure = Rule(count=2, sure=0.9)
    assert agrees(Cell(0.5, 0.92, 2), sure) and agrees(Cell(0.5, 0.08, 2), sure)
    assert not agrees(Cell(1.0, 0.88, 5), sure)
    assert not agrees(Cell(1.0, 0.99, 1), sure)  # too few people, however sure
    assert settle({"rock": Cell(0.0, 0.93, 3), "jazz": Cell(1.0, 0.07, 3)}, sure) == "rock"


@pytest.mark.parametrize("sure", [0.3, 1.0])
def test_a_posterior_that_cannot_be_met_or_missed_is_refused(sure):
    with pytest.raises(ValueError, match=r"Rule\.sure"):
        Rule(sure=sure)


@pytest.mark.parametrize(("agreed", "judged"), [(0, 1), (1, 1), (3, 10), (10, 10), (512, 700)])
def test_agreement_carries_wilsons_interval(agreed, judged):
    figure = agreement(agreed, judged)
    interval = binomtest(agreed, judged).proportion_ci(0.95, method="wilson")
    assert figure.share == agreed / judged
    assert (figure.low, figure.high) == pytest.approx((interval.low, interval.high), abs=1e-4)


def test_agreement_without_judgments_claims_nothing():
    assert agreement(0, 0) == (None, 0.0, 1.0, 0)
    with pytest.raises(ValueError, match="3 agreed of 2"):
        agreement(3, 2)
