"""Content -> X: texts, images, sounds and records become finite rows that a classifier can learn from."""

import csv
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from segmentation.features import (
    AudioFeatures,
    BrokenContent,
    ImageFeatures,
    RecordFeatures,
    TextFeatures,
)
from segmentation.features.texts import words
from tests.drawing import few_labels, noise, picture, shared, sound, tone

EXAMPLES = {
    TextFeatures: ["a red car", "a blue car", "the sea", ""],
    ImageFeatures: [picture(noise(20, 30, 3)), picture(noise(9, 9)), picture(np.zeros((5, 5)))],
    AudioFeatures: [sound(tone(440)), sound(tone(880)), sound(tone(100, 0.01))],
    RecordFeatures: [{"age": 31, "town": "Rome"}, {"age": None}, {"town": "Oslo", "member": True}],
}
all_features = pytest.mark.parametrize("features", EXAMPLES, ids=lambda features: features.__name__)


# --- all of them -----------------------------------------------------------------------------------------------------


@all_features
def test_rows_are_finite_float32_and_the_same_in_one_step_or_two(features):
    items = EXAMPLES[features]
    X = features(random_state=0).fit_transform(items)
    assert X.dtype == np.float32 and len(X) == len(items) and np.isfinite(X).all()
    np.testing.assert_allclose(features(random_state=0).fit(items).transform(items), X, atol=1e-5)


@all_features
def test_unlike_items_get_unlike_rows(features):
    X = features(random_state=0).fit_transform(EXAMPLES[features])
    assert len(np.unique(X, axis=0)) == len(X)


@all_features
def test_a_clone_with_the_same_seed_learns_the_same(features):
    made = features(random_state=3)
    items = EXAMPLES[features]
    np.testing.assert_array_equal(made.fit_transform(items), clone(made).fit_transform(items))


@all_features
def test_one_item_is_enough_and_none_is_refused_in_a_sentence(features):
    one = EXAMPLES[features][:1]
    fitted = features().fit(one)
    assert np.isfinite(fitted.transform(one)).all()
    assert fitted.transform([]).shape == (0, fitted.transform(one).shape[1])
    with pytest.raises(ValueError, match="no items"):
        features().fit([])


@all_features
def test_a_single_item_in_place_of_a_list_is_refused(features):
    with pytest.raises(ValueError, match="put it in a list"):
        features().fit(EXAMPLES[features][0])


@all_features
def test_a_sample_is_learned_from_and_all_items_are_transformed(features):
    items = EXAMPLES[features] * 20
    X = features(sample=30, random_state=0).fit_transform(items)
    assert len(X) == len(items) and np.isfinite(X).all()


@all_features
def test_what_was_learned_from_is_not_read_a_second_time(features, monkeypatch):
    read, raw = [], features._raw
    monkeypatch.setattr(features, "_raw", lambda self, item: read.append(1) or raw(self, item))
    items = EXAMPLES[features] * 20
    features(sample=30, random_state=0).fit_transform(items)
    assert len(read) == len(items)


@all_features
def test_progress_grows_to_the_end(features):
    for sample in (1_000, 30):
        told = []
        items = EXAMPLES[features] * 50
        features(sample=sample).fit_transform(items, progress=lambda done, message: told.append((done, message)))  # noqa: B023
        fractions = [done for done, _ in told]
        assert fractions == sorted(fractions) and fractions[-1] == 1
        assert f"of {len(items)} items" in told[-1][1]


@all_features
def test_broken_content_is_named_by_its_position(features):
    items = [*EXAMPLES[features], object()]
    with pytest.raises(BrokenContent) as refusal:
        features().fit(items)
    assert refusal.value.position == len(items) - 1
    assert str(refusal.value).startswith(f"Position {len(items) - 1}: ")


@all_features
def test_more_than_a_block_of_items_keeps_its_order(features):
    items = (EXAMPLES[features] * 400)[:1100]
    fitted = features(random_state=0).fit(EXAMPLES[features])
    once, told = fitted.transform(EXAMPLES[features]), []
    X = fitted.transform(items, progress=lambda done, message: told.append(done))
    np.testing.assert_allclose(X, np.tile(once, (400, 1))[:1100], atol=1e-5)
    assert told == sorted(told) and told[-1] == 1


def test_the_sample_is_drawn_from_all_items_not_the_first():
    records = [{"early": 1}] * 100 + [{"late": i} for i in range(100)]
    assert [name for name, _ in RecordFeatures(sample=50, random_state=0).fit(records).columns_] == ["early", "late"]


# --- texts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It isn't  RED, is it?", ["it", "isn't", "red", "is", "it"]),
        ("ＦＵＬＬ width", ["full", "width"]),
        ("我喜欢iPhone 15", ["我", "喜", "欢", "iphone", "15"]),
        ("मेरी बिल्ली", ["मेरी", "बिल्ली"]),
        (":-) !", [":", "-", ")", "!"]),
        (" \n", []),
    ],
)
def test_words_are_found_in_any_script(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize("texts", [["", "  "], ["word"], ["", "word"], ["same", "same"], ["!!!", "?"], ["😀", "😀😢"]])
def test_texts_with_hardly_a_word_still_become_rows(texts):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        X = TextFeatures(random_state=0).fit_transform(texts)
    assert X.shape[0] == len(texts) and X.shape[1] >= 1 and np.isfinite(X).all()


def test_a_text_of_unknown_words_lies_where_a_blank_one_does():
    fitted = TextFeatures(random_state=0).fit(["red car", "blue car", "red sea"])
    unknown, blank = fitted.transform(["zzzz qqqq", ""])
    np.testing.assert_array_equal(unknown, blank)


@pytest.mark.parametrize(
    ("about_cats", "about_stocks"),
    [
        (["我喜欢猫和狗", "猫在睡觉", "小猫很可爱"], ["股票市场下跌", "今天股票上涨", "市场很不稳定"]),
        (["ฉันชอบแมว", "แมวกำลังนอน", "แมวน่ารักมาก"], ["ตลาดหุ้นตก", "หุ้นขึ้นวันนี้", "ตลาดไม่แน่นอน"]),
        (["बिल्ली सो रही है", "मेरी बिल्ली प्यारी है", "बिल्ली और कुत्ता"], ["शेयर बाजार गिरा", "बाजार आज ऊपर गया", "शेयर महंगे हैं"]),
    ],
    ids=["Chinese", "Thai", "Hindi"],
)
def test_texts_of_one_subject_are_nearer_in_any_script(about_cats, about_stocks):
    X = TextFeatures(random_state=0).fit_transform(about_cats + about_stocks)
    distance = np.linalg.norm(X[:, None] - X[None], axis=2)
    same = np.kron(np.eye(2), np.ones((3, 3))).astype(bool)
    assert distance[same & ~np.eye(6, dtype=bool)].mean() < distance[~same].mean()


def test_letters_that_only_look_different_are_the_same_word():
    fitted = TextFeatures(random_state=0).fit(["CAFÉ noir", "cafe\u0301 noir", "thé vert"])
    capital, combined, _ = fitted.transform(["CAFÉ noir", "cafe\u0301 noir", "thé vert"])
    np.testing.assert_allclose(capital, combined, atol=1e-6)


def test_a_hundred_texts_that_share_no_word_are_learned_all_the_same():
    texts = [chr(0x4E00 + i) for i in range(120)]
    assert np.isfinite(TextFeatures(random_state=0).fit_transform(texts)).all()


def test_reviews_of_books_are_told_from_others_with_few_labels_and_with_all():
    with shared("amazon_isbook/items.csv").open(newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)][:1500]
    with shared("amazon_isbook/truth.csv").open(newline="") as file:
        y = np.array([row["label"] == "book" for row in csv.DictReader(file)])[:1500]
    X = TextFeatures(random_state=0).fit_transform(texts)
    assert cross_val_score(LogisticRegression(max_iter=1000), X, y, cv=5).mean() > 0.93
    assert few_labels(X, y, 3) > 0.75 and few_labels(X, y, 30) > 0.9


# --- records ---------------------------------------------------------------------------------------------------------


def test_numbers_alone_come_through_in_order_and_those_that_do_not_lean_unchanged():
    with np.load(shared("music_genre/features.npz")) as songs:
        raw = songs["X"].astype(np.float64)
    X = RecordFeatures().fit_transform([{f"x{i}": value for i, value in enumerate(row)} for row in raw.tolist()])
    assert X.shape == raw.shape
    Z = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    upright = np.abs((Z**3).mean(axis=0)) < 2
    assert 20 < upright.sum() < 110
    np.testing.assert_allclose(X[:, upright], Z[:, upright], atol=1e-5)
    for before, after in zip(Z.T, X.T, strict=True):
        assert (np.diff(after[np.argsort(before)]) >= 0).all()


def test_a_few_large_values_do_not_hide_the_others():
    random = np.random.default_rng(0)
    spent = np.exp(random.normal(0, 2, 500))
    X = RecordFeatures().fit_transform([{"spent": value} for value in spent.tolist()])[:, 0]
    assert (spent > spent.mean() + 3 * spent.std()).any()
    Z = (spent - spent.mean()) / spent.std()
    lower = spent < np.median(spent)
    assert np.abs(X).max() < 5 < Z.max() and X[lower].std() > 3 * Z[lower].std()


def test_spam_is_told_with_three_labels_of_each_kind_better_than_by_standardising_alone():
    with np.load(shared("ssl/spambase.npz")) as spam:
        chosen = np.random.default_rng(0).permutation(len(spam["y"]))[:1500]
        raw, y = spam["X"][chosen].astype(np.float64), spam["y"][chosen]
    X = RecordFeatures().fit_transform([{f"x{i}": value for i, value in enumerate(row)} for row in raw.tolist()])
    Z = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    assert few_labels(X, y, 3) > few_labels(Z, y, 3) + 0.03


def test_numbers_of_any_scale_are_standardised_and_a_constant_is_nought():
    scales = np.array([1e-20, 1e-3, 1, 1e25])
    raw = np.random.default_rng(0).normal(size=(50, 4)) * scales
    X = RecordFeatures().fit_transform([{**dict(zip("abcd", row, strict=True)), "same": 0.1} for row in raw.tolist()])
    np.testing.assert_allclose(X[:, :4].std(axis=0), 1, rtol=1e-5)
    np.testing.assert_allclose(X[:, 4], 0, atol=1e-9)


def test_a_missing_number_is_the_median_and_says_so():
    X = RecordFeatures().fit_transform(
        [{"age": 10}, {"age": 20}, {"age": 90}, {"age": None}, {"age": float("nan")}, {}]
    )
    np.testing.assert_array_equal(X[:, 1], [0, 0, 0, 1, 1, 1])
    assert (X[3:, 0] == X[1, 0]).all()


def test_text_that_reads_as_a_number_is_one_and_a_code_is_not():
    X = RecordFeatures().fit_transform([{"n": text} for text in ("1", " 2.5 ", "-3e2")])
    np.testing.assert_allclose(X[:, 0], RecordFeatures().fit_transform([{"n": n} for n in (1, 2.5, -300)])[:, 0])
    codes = RecordFeatures().fit_transform([{"code": text} for text in ("007", "007", "012", "012")])
    np.testing.assert_array_equal(codes, [[1, 0], [1, 0], [0, 1], [0, 1]])


def test_frequent_words_get_a_column_each_and_rare_ones_share_one():
    towns = ["Rome"] * 3 + ["Oslo"] * 2 + ["Bonn", "Linz"]
    fitted = RecordFeatures().fit([{"town": town} for town in towns])
    X = fitted.transform([{"town": town} for town in ("Rome", "Oslo", "Bonn", "Linz", "never seen", None, "")])
    np.testing.assert_array_equal(X, [[1, 0, 0], [0, 1, 0], *[[0, 0, 1]] * 3, *[[0, 0, 0]] * 2])


def test_a_word_never_seen_is_nought_where_no_word_was_rare():
    fitted = RecordFeatures().fit([{"town": "Rome"}] * 2 + [{"town": "Oslo"}] * 2)
    np.testing.assert_array_equal(fitted.transform([{"town": "Bonn"}]), [[0, 0]])


def test_yes_and_no_are_words_not_numbers():
    X = RecordFeatures().fit_transform([{"member": value} for value in (True, True, False, False)])
    np.testing.assert_array_equal(X, [[1, 0], [1, 0], [0, 1], [0, 1]])


def test_numbers_and_words_under_one_name_keep_both():
    X = RecordFeatures().fit_transform([{"age": value} for value in (1, 2, "unknown", "unknown")])
    assert X.shape == (4, 3)  # the number, that it is missing, "unknown"
    np.testing.assert_array_equal(X[:, 2], [0, 0, 1, 1])


def test_many_different_texts_are_hashed_by_words():
    records = [{"note": f"customer {i} is {'happy' if i % 2 else 'angry'}"} for i in range(200)]
    X = RecordFeatures(levels=32).fit_transform(records)
    assert X.shape == (200, 32)
    assert cross_val_score(LogisticRegression(C=100), X, np.arange(200) % 2, cv=4).mean() > 0.95


def test_names_unknown_in_fit_are_ignored_and_the_fullest_are_kept():
    fitted = RecordFeatures().fit([{"a": 1.0}, {"a": 2.0}])
    np.testing.assert_array_equal(fitted.transform([{"a": 1.0, "b": 9}]), fitted.transform([{"a": 1.0}]))
    crowded = RecordFeatures(columns=1).fit_transform([{f"own{i}": i, "full": i} for i in range(50)])
    assert crowded.shape == (50, 1) and len(np.unique(crowded)) == 50


def test_records_without_values_still_become_rows():
    np.testing.assert_array_equal(RecordFeatures().fit_transform([{}, {"a": None}]), [[0], [0]])


def test_hostile_numbers_stay_finite():
    wild = [1e308, -1e308, float("inf"), 10**400, -(10**400), 5e-324, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = RecordFeatures().fit([{"a": value, "b": 1e-20 * i} for i, value in enumerate(wild)])
        X = fitted.transform([{"a": value, "b": value} for value in wild])
    assert np.isfinite(X).all() and np.abs(X).max() <= 1000  # half precision ends at 65504


def test_a_value_that_is_none_of_these_is_refused_by_name():
    with pytest.raises(BrokenContent, match=r"Position 1: The value of 'visits' is neither"):
        RecordFeatures().fit([{"visits": 1}, {"visits": {1, 2}}])
