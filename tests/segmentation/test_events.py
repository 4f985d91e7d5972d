"""What a customer did is told in numbers: how many, how often, how much, when last, of which kinds."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from segmentation.content import BrokenContent, check_record
from segmentation.features import RecordFeatures
from segmentation.features.events import Amount, days_of, flat

NEW_YEAR = 20_454  # 2026-01-01, in days since 1970
BUYS = [
    {"type": "buy", "amount": 3.5, "shop": "north", "at": "2026-01-01T12:00:00Z"},
    {"type": "buy", "amount": 1.5, "shop": "south", "at": "2026-01-05"},
    {"type": "visit", "shop": "north", "at": "2026-01-09T12:00:00+00:00"},
]


def test_events_become_counts_shares_rates_sums_means_and_the_last_time():
    assert flat({"age": 31, "events": BUYS}) == {
        "age": 31,
        "events: count": 3,
        "events: last": NEW_YEAR + 8.5,
        "events: a day": 3 / 8,
        "events amount: sum": 5.0,
        "events amount: mean": 2.5,
        "events buy: count": 2,
        "events buy: share": 2 / 3,
        "events buy: last": NEW_YEAR + 4,
        "events buy: a day": 2 / 8,
        "events buy amount: sum": 5.0,
        "events buy amount: mean": 2.5,
        "events visit: count": 1,
        "events visit: share": 1 / 3,
        "events visit: last": NEW_YEAR + 8.5,
        "events visit: a day": 1 / 8,
        "events type: distinct": 2,
        "events shop: distinct": 2,
        "events shop north: count": 2,
        "events shop south: count": 1,
    }


def test_the_order_of_events_says_nothing():
    assert flat({"events": BUYS}) == flat({"events": BUYS[::-1]})


def test_what_adds_up_is_an_amount_and_what_does_not_is_none():
    told = flat({"events": BUYS})
    amounts = {name for name, value in told.items() if isinstance(value, Amount)}
    assert "events buy: count" in amounts and "events buy amount: sum" in amounts
    assert not amounts & {"events: count", "events: last", "events amount: mean", "events buy: last"}


def test_no_events_are_none_and_unknown_ones_are_unknown():
    assert flat({"events": []}) == {"events: count": 0}
    assert flat({"events": None}) == {"events": None}
    records = [{"events": BUYS}] * 3 + [{"events": []}] * 3 + [{}] * 3
    fitted = RecordFeatures().fit(records)
    names = [name for name, _ in fitted.columns_]
    X = fitted.transform(records)
    assert len(np.unique(X, axis=0)) == 3
    buys = X[:, sum(_width(column) for _, column in fitted.columns_[: names.index("events buy: count")])]
    assert buys[0] > buys[3] == buys[6]


def _width(column):
    return column(np.array([np.nan]), [None]).shape[1]


def test_a_record_that_never_bought_bought_for_nothing_and_on_no_day_known():
    fitted = RecordFeatures().fit([{"events": BUYS}] * 3 + [{"events": BUYS[2:]}] * 3)
    X = fitted.transform([{"events": BUYS}, {"events": BUYS[2:]}])
    at = 0
    for name, column in fitted.columns_:
        block = X[:, at : at + _width(column)]
        at += _width(column)
        if name == "events buy amount: sum":
            assert block.shape[1] == 1 and block[0] > block[1]
        if name == "events buy: last":
            assert block.shape[1] == 2 and block[:, 1].tolist() == [0, 1]  # the second column says: not known
    assert at == X.shape[1]


def test_numbers_words_and_yes_and_no_may_stand_for_events():
    assert flat({"tags": ["new", "new", "loud"]}) == {
        "tags: count": 3,
        "tags new: count": 2,
        "tags new: share": 2 / 3,
        "tags loud: count": 1,
        "tags loud: share": 1 / 3,
        "tags type: distinct": 2,
    }
    assert flat({"marks": [1, 4]}) == {"marks: count": 2, "marks value: sum": 5, "marks value: mean": 2.5}
    assert flat({"events": [{"gift": True}, {"gift": False}, {"gift": None}]}) == {
        "events: count": 3,
        "events gift: distinct": 2,
        "events gift True: count": 1,
        "events gift False: count": 1,
    }


@pytest.mark.parametrize(
    ("at", "days"),
    [
        ("2026-01-01", NEW_YEAR),
        ("2026-01-01T06:00:00", NEW_YEAR + 0.25),
        ("2026-01-01 02:00:00-04:00", NEW_YEAR + 0.25),
        (NEW_YEAR * 86_400, NEW_YEAR),
        (NEW_YEAR * 86_400_000, NEW_YEAR),
    ],
)
def test_a_time_is_read_as_iso_8601_writes_it_or_in_seconds_or_milliseconds_since_1970(at, days):
    assert flat({"events": [{"at": at}]})["events: last"] == pytest.approx(days)


@pytest.mark.parametrize("at", ["soon", "2026-13-01", "", None, float("nan"), 10**400, "9999-99-99", True])
def test_a_time_that_is_none_is_no_time(at):
    assert flat({"events": [{"at": at}]}) == {"events: count": 1}


def test_a_date_in_a_profile_is_a_number_of_days():
    assert days_of("1970-01-02") == 1 and days_of("about 1970") is None and days_of("12-34-5678") is None
    since = ["2020-01-01", "2021-01-01", "2025-01-01", "2026-01-01"]
    X = RecordFeatures().fit_transform([{"since": date} for date in since])
    assert X.shape == (4, 1) and (np.diff(X[:, 0]) > 0).all()


def test_named_values_within_a_record_are_its_own():
    assert flat({"home": {"town": "Aarhus", "at": {"lat": 56.2}}, "age": 3}) == {
        "home town": "Aarhus",
        "home at lat": 56.2,
        "age": 3,
    }


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"a": object()}, "The value of 'a' is neither"),
        ({"a": [[1]]}, "'a', event 1 is neither"),
        ({"a": [{"b": 1}, {"c": [1]}]}, "'a', event 2: the value of 'c' is neither"),
        ({"a": {"b": 1}, "a b": 2}, "two values that are called 'a b'"),
        ({"a": {"b": {"c": {"d": {}}}}}, "'a b c d' is nested|'a b c' is nested"),
        ({"a": [0] * 10_001}, "lists 10,001 events; at most 10,000"),
        ([1], "A record is a set of named values, not list"),
    ],
)
def test_what_is_no_record_is_refused_by_name(record, sentence):
    with pytest.raises(BrokenContent, match=sentence):
        check_record(record)


def test_hostile_numbers_in_events_stay_finite():
    wild = [1e308, 1e308, -1e308, float("inf"), float("nan"), 10**400, -(10**400), 0]
    records = [{"events": [{"type": "x", "amount": value, "at": value}] * 3} for value in wild] * 2
    X = RecordFeatures().fit_transform(records)
    assert np.isfinite(X).all() and np.abs(X).max() <= 1000


def test_kinds_of_one_record_alone_get_no_column():
    records = [{"events": [{"type": f"own {at}"}, {"type": "shared"}]} for at in range(50)]
    names = [name for name, _ in RecordFeatures().fit(records).columns_]
    assert "events shared: count" in names and not any("own" in name for name in names)


def test_who_will_leave_is_told_from_events_and_profile_alike():
    """Leavers buy less often and were last seen earlier; age and country matter a little; learned from 60 of 400."""
    random = np.random.default_rng(0)

    def customer(leaves):
        days = np.sort(random.uniform(0, 60 if leaves else 100, random.poisson(4 if leaves else 7) + 1))
        events = [
            {
                "type": "buy" if random.random() < (0.3 if leaves else 0.5) else "visit",
                "amount": round(float(random.lognormal(1, 1)), 2),
                "at": f"2026-{1 + int(day) // 28:02}-{1 + int(day) % 28:02}T10:00:00Z",
            }
            for day in days
        ]
        country = random.choice(["FR", "DK", "IT"], p=[0.5, 0.3, 0.2] if leaves else [0.2, 0.3, 0.5])
        return {"age": int(random.normal(40 - 3 * leaves, 12)), "country": str(country), "events": events}

    y = np.arange(400) % 2
    records = [customer(leaves) for leaves in y]
    profiles = [{name: value for name, value in record.items() if name != "events"} for record in records]
    scores = [
        LogisticRegression(C=0.1, max_iter=1000).fit(X[:60], y[:60]).score(X[60:], y[60:])
        for X in (RecordFeatures().fit_transform(records), RecordFeatures().fit_transform(profiles))
    ]
    assert scores[0] > 0.8 and scores[0] > scores[1] + 0.1
