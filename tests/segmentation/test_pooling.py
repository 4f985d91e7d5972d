import numpy as np
import pytest

from segmentation import pooling
from segmentation.confidence import log_loss


def truth_and_voices(m, skill, seed=0, categories=3):
    """Truth (m,), and of each skill a voice that gives the true category that much and is right that often."""
    random = np.random.RandomState(seed)
    truth = random.randint(categories, size=m)
    voices = []
    for share in skill:
        says = np.where(random.rand(m) < share, truth, (truth + random.randint(1, categories, size=m)) % categories)
        voice = np.full((m, categories), (1 - share) / (categories - 1))
        voice[np.arange(m), says] = share
        voices.append(voice)
    return truth, np.array(voices)


def one_hot(truth, categories=3):
    return np.eye(categories)[truth]


def test_a_voice_that_knows_nothing_loses_its_weight():
    truth, voices = truth_and_voices(300, [0.9, 0.9, 1 / 3])
    voices[2] = np.random.RandomState(1).dirichlet(np.ones(3), size=300)
    weights = pooling.fit_weights(voices, one_hot(truth), np.ones(300))
    assert weights[2] < 0.1 < min(weights[0], weights[1])


def test_voices_that_err_apart_are_surer_together():
    truth, voices = truth_and_voices(400, [0.8, 0.8, 0.8])
    weights = pooling.fit_weights(voices, one_hot(truth), np.ones(400))
    assert weights.sum() > 2
    together = pooling.pooled(voices, weights)
    assert log_loss(together, truth, True) < min(log_loss(voice, truth, True) for voice in voices) - 0.1


def test_a_voice_three_times_is_no_surer_than_once():
    truth, voices = truth_and_voices(400, [0.8])
    weights = pooling.fit_weights(np.repeat(voices, 3, axis=0), one_hot(truth), np.ones(400))
    assert weights.sum() == pytest.approx(1, abs=0.2)


def test_few_labels_leave_an_equal_vote():
    truth, voices = truth_and_voices(3, [0.9, 0.9, 0.9, 0.9])
    assert pooling.fit_weights(voices, one_hot(truth), np.ones(3)) == pytest.approx(0.25, abs=0.15)


def test_rows_without_weight_do_not_count():
    truth, voices = truth_and_voices(200, [0.9, 0.6])
    lie = np.concatenate([truth, (truth + 1) % 3])
    doubled = np.concatenate([voices, voices], axis=1)
    weight = np.repeat([1.0, 0.0], 200)
    expected = pooling.fit_weights(voices, one_hot(truth), np.ones(200))
    assert pooling.fit_weights(doubled, one_hot(lie), weight) == pytest.approx(expected, abs=1e-3)


def test_a_no_counts_for_what_it_says():
    truth, voices = truth_and_voices(600, [0.9, 0.5])
    wrong = (truth + 1) % 3
    noes = 1 - 0.95 * one_hot(wrong)  # "not this one" of every row
    first, second = pooling.fit_weights(voices, noes, np.ones(600))
    other, way = pooling.fit_weights(voices[::-1], noes, np.ones(600))
    silent = pooling.fit_weights(voices, np.ones((600, 3)), np.ones(600))
    assert first > second + 0.2 and way > other + 0.2
    assert silent == pytest.approx(0.5, abs=1e-3)


def test_a_bold_voice_is_trusted_as_far_as_it_holds_to_what_it_says_better_than_the_plain_one():
    swayed = {"plain": 0.1, "firm": 0.04, "like it": 0.1, "fickle": 0.16, "other": 0.0}
    trust = pooling.trust(swayed, "plain", ("firm", "like it", "fickle"))
    assert trust == pytest.approx([1, (0.11 / 0.05) ** 2 - 0.5, 0.5, 0, 0])


def test_where_nothing_is_swayed_the_bold_ones_together_are_trusted_as_much_as_the_plain_one():
    assert pooling.trust({"plain": 0.0, "a": 0.0, "b": 0.0}, "plain", ("a", "b")).tolist() == [1, 0.5, 0.5]


def test_a_voice_nobody_trusted_is_heard_where_labels_speak_for_it():
    truth, voices = truth_and_voices(200, [0.6, 0.9])
    assert pooling.fit_weights(voices, one_hot(truth), np.ones(200), [0.75, 0], toll=[0, 0.5])[1] > 0.5


def test_luck_on_few_labels_hardly_lets_a_voice_in_that_pays_a_toll():
    def lucky(toll):
        heard = []
        for seed in range(40):
            truth, voices = truth_and_voices(20, [0.7, 0.7], seed)
            voices[1] = np.random.RandomState(seed).dirichlet(np.ones(3), size=20)
            heard.append(pooling.fit_weights(voices, one_hot(truth), np.ones(20), [0.75, 0], [0, toll])[1])
        return np.mean(heard)

    assert lucky(0.5) < lucky(0.0) / 1.5


def test_a_pool_that_labels_speak_against_still_says_what_was_trusted_beforehand():
    truth, voices = truth_and_voices(200, [0.9, 0.9])
    weights = pooling.fit_weights(voices, one_hot((truth + 1) % 3), np.ones(200), [0.5, 0.25])
    assert weights.sum() < 0.1
    assert weights[0] == pytest.approx(2 * weights[1]) and weights[1] > 0


def test_a_pool_is_not_surer_than_its_voices_agree():
    _, voices = truth_and_voices(2000, [0.7, 0.7, 0.7])
    sharp = pooling.pooled(voices, np.full(3, 5.0))
    sober = pooling.tempered(sharp, voices, np.ones(3))
    agreement = np.mean([(voice.argmax(1) == sharp.argmax(1)).mean() for voice in voices])
    assert sharp.max(axis=1).mean() > agreement + 0.05
    assert sober.max(axis=1).mean() == pytest.approx(1 - np.sqrt(0.8) * (1 - agreement), abs=0.01)
    assert (sober.argmax(axis=1) == sharp.argmax(axis=1)).all()


def test_with_all_labels_errors_are_expected_to_be_fewer_than_with_a_fifth_hidden():
    _, voices = truth_and_voices(500, [0.9, 0.9])
    modest = pooling.pooled(voices, np.full(2, 0.2))
    doubt, before = (1 - p.max(axis=1).mean() for p in (pooling.tempered(modest, voices, np.ones(2)), modest))
    assert doubt == pytest.approx(np.sqrt(0.8) * before, abs=0.01)


def test_a_pool_without_any_doubt_keeps_finite():
    sure = one_hot(np.arange(30) % 3)
    assert pooling.tempered(sure, [sure], np.ones(1)) == pytest.approx(sure, abs=1e-2)


def test_folds_hold_every_category_and_each_row_once():
    targets = one_hot(np.repeat([0, 1, 2], 10))
    parts = pooling.folds(targets, np.random.RandomState(0))
    assert sorted(np.concatenate(parts)) == list(range(30))
    assert all(set(targets[part].argmax(axis=1)) == {0, 1, 2} for part in parts)


def test_many_rows_are_judged_by_one_fold():
    targets = one_hot(np.arange(3000) % 3)
    (part,) = pooling.folds(targets, np.random.RandomState(0))
    assert len(part) == 600


def test_two_rows_make_two_folds():
    assert [len(part) for part in pooling.folds(one_hot(np.array([0, 1])), np.random.RandomState(0))] == [1, 1]
