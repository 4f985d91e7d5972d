"""What people said, made one by a model that knows its workers."""

import csv
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from labeling.crowd import Answers, Choices, Consensus, Row, Said, update
from labeling.crowd.rates import fresh

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def a_crowd(seed, items=400, categories=4, workers=40, answers=5, skill=None, truth=None):
    """(Choices, truth, skill): each item's category chosen by so many workers; who errs, errs evenly."""
    random = np.random.default_rng(seed)
    skill = 0.55 + 0.4 * random.beta(2, 2, workers) if skill is None else skill
    truth = random.integers(categories, size=items) if truth is None else truth
    count = np.maximum(random.poisson(answers, items), 1) if answers % 1 else np.full(items, int(answers))
    item = np.repeat(np.arange(items), count)
    worker = np.concatenate([random.choice(workers, n, replace=False) for n in count])
    wrong = (truth[item] + random.integers(1, categories, size=len(item))) % categories
    chosen = np.where(random.random(len(item)) < skill[worker], truth[item], wrong)
    return Choices(item, chosen, worker), truth, skill


def long_table(choices, categories):
    """The same answers with a row for every category that was offered."""
    m = len(choices.item)
    value = np.eye(categories)[choices.category].ravel()
    repeated = (np.repeat(column, categories) for column in (choices.item, choices.worker))
    item, worker = repeated
    return Answers(item, np.tile(np.arange(categories), m), worker, value)


def right(probas, truth):
    return (probas.argmax(axis=1) == truth).mean()


def votes(choices, categories):
    counts = np.zeros((choices.item.max() + 1, categories))
    np.add.at(counts, (choices.item, choices.category), 1)
    return counts


def real(name):
    """(Choices, truth, categories) of a set kept beside the checkout."""
    if not (DATA / name / "answers.csv").exists():
        pytest.skip(f"there is no {name} in shared/data beside the checkout")
    with (DATA / name / "answers.csv").open(newline="") as answers, (DATA / name / "truth.csv").open() as truth:
        rows, known = list(csv.DictReader(answers)), {row["item"]: row["label"] for row in csv.DictReader(truth)}
    names = sorted({row["item"] for row in rows})
    labels = sorted(set(known.values()))
    item = np.searchsorted(names, [row["item"] for row in rows])
    chosen = np.searchsorted(labels, [row["label"] for row in rows])
    worker = np.array([row["worker"] for row in rows])
    return Choices(item, chosen, worker), np.searchsorted(labels, [known[name] for name in names]), len(labels)


# --- one model for every kind of query -------------------------------------------------------------------------------


def test_the_long_and_the_short_table_say_the_same():
    choices, _, _ = a_crowd(0)
    short = Consensus().fit(choices, shape=(400, 4))
    long = Consensus().fit(long_table(choices, 4), shape=(400, 4))
    assert np.allclose(short.probas_, long.probas_)
    assert np.allclose(short.degrees_.share, long.degrees_.share)


def test_all_three_kinds_feed_one_posterior():
    """Each worker is asked in one kind only; together they decide what none decides by itself."""
    random = np.random.default_rng(1)
    truth, rows = random.integers(4, size=300), []
    for item in range(300):
        for worker in range(2):
            said = truth[item] if random.random() < 0.6 else random.integers(4)
            rows += [(item, c, f"one{worker}", float(c == said), "one", 0) for c in range(4)]
        for worker in range(4):
            category = random.integers(4)
            says = (category == truth[item]) == (random.random() < 0.8)
            rows += [(item, category, f"yes{worker}", float(says), "yes", 1)]
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    whole = Consensus().fit(Answers(*columns), shape=(300, 4))
    alone = [Consensus().fit(Answers(*(column[columns[4] == kind] for column in columns)), shape=(300, 4))
             for kind in ("one", "yes")]  # fmt: skip
    assert right(whole.probas_, truth) > max(right(one.probas_, truth) for one in alone) + 0.03
    assert set(whole.workers_.kind) == {"one", "yes"}


def test_a_no_to_one_category_speaks_for_the_others():
    said = Answers(np.array([0]), np.array([0]), np.array(["ada"]), np.array([0.0]))
    probas = Consensus().fit(said, shape=(1, 3)).probas_[0]
    assert probas[0] < 1 / 3 < probas[1] == pytest.approx(probas[2])
    assert probas.sum() == pytest.approx(1)


def test_a_choice_among_few_is_read_within_what_was_offered():
    item, category = np.array([0, 0]), np.array([0, 1])
    two = Consensus(sweeps=0).fit(Answers(item, category, np.array(["ada", "ada"]), np.array([1.0, 0.0])), shape=(1, 4))
    four = Consensus(sweeps=0).fit(Choices(np.array([0]), np.array([0]), np.array(["ada"])), shape=(1, 4))
    assert two.evidence_[0, 0] - two.evidence_[0, 1] == pytest.approx(four.evidence_[0, 0] - four.evidence_[0, 1])
    assert two.evidence_[0, 0] > two.evidence_[0, 2] > two.evidence_[0, 1]  # who never saw it did not say no to it


def test_a_project_fits_its_short_and_long_tables_together():
    choices, truth, _ = a_crowd(0)
    short = Choices(*(column[:900] for column in choices[:3]))
    rest = Choices(*(column[900:] for column in choices[:3]))
    for tables in ([short, rest], [short, long_table(rest, 4)], [long_table(short, 4), rest]):
        assert np.allclose(Consensus().fit(tables).probas_, Consensus().fit(choices).probas_)
    asked = [short._replace(kind=np.full(900, "one")), long_table(rest, 4)._replace(kind=np.full(4 * 1100, "all"))]
    fitted = Consensus().fit(asked)
    assert set(fitted.workers_.kind) == {"one", "all"} and right(fitted.probas_, truth) > 0.8
    assert fitted.workers_.judged.sum() == 2000
    assert Consensus().fit([], shape=(3, 4)).probas_ == pytest.approx(0.25)


def test_what_was_offered_is_read_alike_from_both_tables():
    choices, _, _ = a_crowd(0)
    offered = np.random.default_rng(0).random((len(choices.item), 4)) < 0.7
    offered[np.arange(len(offered)), choices.category] = True
    offered[offered.sum(axis=1) < 2] = True  # alone on offer, a category is no choice but a yes
    long = long_table(choices, 4)
    kept = offered.ravel()
    long = Answers(*(column[kept] for column in long[:4]))
    short = choices._replace(offered=offered)
    fits = [Consensus().fit(table) for table in (short, long)]
    assert np.allclose(fits[0].probas_, fits[1].probas_) and not np.allclose(
        fits[0].probas_, Consensus().fit(choices).probas_
    )
    assert np.allclose(fits[0].degrees_.share, fits[1].degrees_.share, equal_nan=True)


def test_a_category_that_was_not_offered_is_unknown_there_and_not_no():
    """The last category came when 400 items had been answered."""
    choices, _, _ = a_crowd(0, categories=3)
    old = choices._replace(offered=np.ones((len(choices.item), 3), bool))
    fitted, before = Consensus(sweeps=0).fit(old, shape=(400, 4)), Consensus().fit(choices)
    weights = np.exp(fitted.raw_)
    assert np.allclose(weights[:, 3], weights[:, :3].mean(axis=1))  # so its probability is what it was
    fitted = Consensus().fit(old, shape=(400, 4))
    assert fitted.base_ == pytest.approx(1 / 4)  # nothing says that the new one is frequent, or rare
    assert (fitted.probas_.argmax(axis=1) == before.probas_.argmax(axis=1)).mean() > 0.97
    assert fitted.probas_[:, 3].min() > 0.1 and before.probas_.max() > 0.97


def test_a_category_added_to_a_running_project_is_found_by_asking_again():
    choices, _, _ = a_crowd(0, categories=3)
    old = choices._replace(offered=np.ones((len(choices.item), 3), bool))
    again = Choices(np.repeat(np.arange(100, 140), 4), np.full(160, 3), np.tile(np.arange(4), 40))
    alone, after = (Consensus().fit(tables, shape=(400, 4)).probas_ for tables in (old, [old, again]))
    as_if_no = Consensus().fit([choices, again], shape=(400, 4)).probas_
    assert (after[100:140].argmax(axis=1) == 3).all() and (as_if_no[100:140].argmax(axis=1) == 3).mean() < 0.9
    others = np.r_[:100, 140:400]
    assert (after[others].argmax(axis=1) == alone[others].argmax(axis=1)).mean() > 0.9


def test_a_choice_among_what_was_offered_then_is_renewed_online_as_a_fit_reads_it():
    offered = np.array([True, True, False])
    said = Choices(np.array([0]), np.array([0]), np.array(["ada"]), offered=offered[None])
    fitted = Consensus(sweeps=0).fit(said, shape=(1, 3))
    answer = Said(0, choice=True, offered=offered)
    done = update(Row(np.zeros(3), np.zeros(1)), np.zeros((3, 3)), answer, fitted.prior_[0])
    assert np.allclose(done.row.raw, fitted.raw_[0])
    assert done.row.raw[0] > done.row.raw[2] > done.row.raw[1]
    assert not done.counts[2].any()


def test_not_ticking_a_box_is_weaker_than_saying_no():
    """Workers who tick half of what holds and hardly anything else, beside workers who are asked yes or no."""
    random = np.random.default_rng(2)
    truth, rows = random.random((200, 4)) < 0.4, []
    for item in range(200):
        for worker in range(5):
            ticked = truth[item] & (random.random(4) < 0.5) | (random.random(4) < 0.03)
            rows += [(item, c, f"w{worker}", float(ticked[c]), "all") for c in range(4)]
            told = truth[item] ^ (random.random(4) < 0.15)
            rows += [(item, c, f"w{worker}", float(told[c]), "yes") for c in range(4)]
    fitted = Consensus(exclusive=False).fit(Answers(*(np.array(column) for column in zip(*rows, strict=True))))
    no = {
        kind: np.mean([np.log(rates[0, 0] / rates[1, 0]) for rates, asked in zip(fitted.workers_.rates,
              fitted.workers_.kind, strict=True) if asked == kind])
        for kind in ("all", "yes")
    }  # fmt: skip
    assert 0 < no["all"] < no["yes"] - 0.5


def test_half_a_yes_says_nothing():
    said = Answers(np.array([0, 1]), np.array([0, 0]), np.array(["ada", "ada"]), np.array([0.5, 0.5]))
    assert Consensus(exclusive=False).fit(said).probas_ == pytest.approx(0.5)


@pytest.mark.parametrize(("exclusive", "open"), [(True, 0.25), (False, 0.5)])
def test_nothing_said_leaves_everything_open(exclusive, open):
    empty = np.zeros(0, int)
    nothing = Answers(empty, empty, empty.astype(str), empty.astype(float))
    fitted = Consensus(exclusive).fit(nothing, shape=(3, 4))
    assert np.allclose(fitted.probas_, open) and np.isnan(fitted.degrees_.share).all()
    assert len(fitted.workers_.name) == 0 and fitted.blend_ == 0
    assert Consensus(exclusive).fit(nothing).probas_.shape == (0, 0)


def test_one_category_is_no_question():
    assert Consensus().fit(Choices(np.array([0]), np.array([0]), np.array(["ada"]))).probas_ == pytest.approx(1)


# --- people ----------------------------------------------------------------------------------------------------------


def test_the_good_outweigh_the_many():
    skill = np.r_[np.full(6, 0.95), np.full(24, 0.3)]
    choices, truth, _ = a_crowd(3, items=600, workers=30, answers=7, skill=skill)
    fitted = Consensus().fit(choices)
    assert right(fitted.probas_, truth) > right(votes(choices, 4), truth) + 0.05


def test_workers_are_rated_better_than_by_agreement_with_the_vote():
    errors, covered = [], []
    for seed in range(5):
        choices, truth, skill = a_crowd(seed, items=500, workers=60)
        fitted = Consensus().fit(choices)
        share = [np.bincount(choices.worker, labels[choices.item] == choices.category) / np.bincount(choices.worker)
                 for labels in (votes(choices, 4).argmax(axis=1), truth)]  # fmt: skip
        errors.append([abs(rating - skill).mean() for rating in (fitted.workers_.rating, *share)])
        covered.append(abs(fitted.workers_.rating - skill) < 2 * fitted.workers_.error)
    rated, voted, told = np.mean(errors, axis=0)
    assert rated < 0.95 * voted
    assert rated < told  # the truth of so few answers says less than the truth of all the workers together
    assert np.mean(covered) > 0.85


def test_a_worker_who_turns_two_categories_round_is_understood():
    random = np.random.default_rng(5)
    truth = random.integers(2, size=400)
    choices, _, _ = a_crowd(5, categories=2, workers=10, skill=np.full(10, 0.85), truth=truth)
    flipped = Choices(choices.item, np.where(choices.worker == 0, 1 - choices.category, choices.category),
                      choices.worker)  # fmt: skip
    fitted = Consensus().fit(flipped)
    assert fitted.workers_.rating[0] < 0.4 < 0.75 < fitted.workers_.rating[1:].min()


def test_known_truth_rates_its_workers_and_answers_its_items():
    """Most of the crowd is misled; without truth it is believed, with truth of half the items it is not."""
    skill = np.r_[np.full(4, 0.9), np.full(10, 0.2)]
    gains, errors = [], []
    for seed in range(6):
        choices, truth, _ = a_crowd(seed, items=120, workers=14, answers=4, skill=skill)
        alone = Consensus().fit(choices)
        told = Consensus().fit(choices, gold=(np.arange(60), truth[:60], np.ones(60)))
        assert (told.probas_[:60].argmax(axis=1) == truth[:60]).all()
        gains.append(right(told.probas_[60:], truth[60:]) - right(alone.probas_[60:], truth[60:]))
        errors.append([abs(one.workers_.rating - skill).mean() for one in (told, alone)])
    assert np.mean(gains) > 0.1
    assert np.mean(errors, axis=0)[0] < 0.5 * np.mean(errors, axis=0)[1]


def test_a_known_no_takes_its_category_out():
    choices = Choices(np.array([0, 0]), np.array([1, 1]), np.array(["ada", "bob"]))
    probas = Consensus().fit(choices, gold=(np.array([0]), np.array([1]), np.array([0.0])), shape=(1, 3)).probas_
    assert probas[0] == pytest.approx([0.5, 0, 0.5])


# --- what broke ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answers", [1.1, 1.4, 1.8, 2.2])
@pytest.mark.parametrize("seed", range(3))
def test_a_cold_start_does_not_slide_into_one_category(answers, seed):
    choices, truth, _ = a_crowd(seed, items=500, categories=5, answers=answers - 0.3 if answers < 1.5 else answers)
    fitted = Consensus().fit(choices)
    share = np.bincount(fitted.probas_.argmax(axis=1), minlength=5) / 500
    assert share.max() < 0.32
    assert right(fitted.probas_, truth) > right(votes(choices, 5), truth) - 0.02


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 1.0])
def test_a_prior_that_is_sure_and_wrong_on_a_cluster_does_not_mislead(share):
    choices, truth, categories = real("amazon_isbook")
    random = np.random.default_rng(7)
    rows = random.random(len(choices.item)) < share
    choices = Choices(*(column[rows] for column in choices[:3]))
    claimed = np.where((random.random(len(truth)) < 0.3) & (truth == 0), 1, truth)  # a third of one class
    prior = np.full((len(truth), categories), 0.05)
    prior[np.arange(len(truth)), claimed] = 0.95
    alone = Consensus().fit(choices, shape=prior.shape)
    joint = Consensus().fit(choices, prior=prior)
    assert right(joint.probas_, truth) > right(alone.probas_, truth) - 0.01


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_a_prior_that_knows_nothing_is_not_believed(share):
    choices, truth, categories = real("music_genre")
    random = np.random.default_rng(8)
    prior = np.full((len(truth), categories), 0.05 / (categories - 1))
    prior[np.arange(len(truth)), random.integers(categories, size=len(truth))] = 0.95
    rows = random.random(len(choices.item)) < share
    fitted = Consensus().fit(Choices(*(column[rows] for column in choices[:3])), prior=prior)
    assert fitted.blend_ == 0


@pytest.mark.parametrize("share", [0.4, 0.6])
def test_a_classifier_that_learns_from_the_posterior_does_not_run_away_with_it(share):
    """It sees clusters that have little to do with the question, and is 95% sure of each cluster's majority."""
    choices, truth, categories = real("amazon_isbook")
    random = np.random.default_rng(12)
    rows = random.random(len(choices.item)) < share
    choices = Choices(*(column[rows] for column in choices[:3]))
    cluster = np.where(random.random(len(truth)) < 0.3, truth, random.integers(12, size=len(truth)))
    fitted = alone = Consensus().fit(choices, shape=(len(truth), categories))
    for _ in range(6):
        leaning = np.array([fitted.probas_[cluster == one].sum(axis=0) for one in range(12)])
        prior = np.where(leaning == leaning.max(axis=1, keepdims=True), 0.95, 0.05)[cluster]
        fitted = Consensus().fit(choices, prior=prior)
        assert right(fitted.probas_, truth) > right(alone.probas_, truth) - 0.01


def test_a_prior_that_knows_is_believed_and_leaves_the_evidence_alone():
    choices, truth, _ = a_crowd(9, answers=2)
    random = np.random.default_rng(9)
    claimed = np.where(random.random(400) < 0.8, truth, random.integers(4, size=400))
    prior = np.full((400, 4), 0.05)
    prior[np.arange(400), claimed] = 0.85
    alone, joint = Consensus().fit(choices), Consensus().fit(choices, prior=prior)
    assert joint.blend_ > 0
    assert right(joint.probas_, truth) > right(alone.probas_, truth) + 0.05
    assert np.array_equal(alone.evidence_, joint.evidence_)


def test_a_prior_made_from_little_counts_little():
    choices, truth, _ = a_crowd(10, answers=2)
    prior = np.full((400, 4), 0.02)
    prior[np.arange(400), truth] = 0.94
    little, much = (Consensus().fit(choices, prior=prior, mass=np.full(400, mass)) for mass in (1.0, 1000.0))
    assert little.probas_.max(axis=1).mean() < much.probas_.max(axis=1).mean()


def test_many_who_agree_are_less_sure_than_coins():
    """Ten people of 75% who all say the same are not ten independent witnesses."""
    said = Choices(np.zeros(10, int), np.zeros(10, int), np.arange(10))
    probas = Consensus(sweeps=0).fit(said, shape=(1, 2)).probas_
    assert 0.9 < probas[0, 0] < 1 / (1 + 3.0**-10)


# --- degrees ---------------------------------------------------------------------------------------------------------


def test_a_degree_corrects_the_share_for_who_ticks_too_little():
    random = np.random.default_rng(11)
    degree = random.choice([0.0, 0.3, 0.7, 1.0], size=300, p=[0.4, 0.1, 0.1, 0.4])
    item = np.repeat(np.arange(300), 20)
    worker = np.tile(np.arange(20), 300)
    thinks = random.random(len(item)) < degree[item]
    ticks = thinks & (random.random(len(item)) < 0.6) | (random.random(len(item)) < 0.02)
    said = Answers(item, np.zeros(len(item), int), worker, ticks.astype(float))
    fitted = Consensus(exclusive=False).fit(said)
    raw = np.bincount(item, ticks) / 20
    share = fitted.degrees_.share[:, 0]
    assert abs(share - degree).mean() < 0.75 * abs(raw - degree).mean()


def test_a_degree_grows_surer_with_people():
    """Half of so many people say yes to the last cell; on the cells before, everybody agrees."""

    def error(people):
        item, worker = np.repeat(np.arange(21), people), np.tile(np.arange(people), 21)
        value = np.where(item < 20, item % 2, worker % 2).astype(float)
        said = Answers(item, np.zeros(len(item), int), worker, value)
        return Consensus(exclusive=False).fit(said).degrees_.error[-1, 0]

    assert error(40) < 0.6 * error(10)
    assert error(10) < 0.8 * error(4)


# --- one answer more -------------------------------------------------------------------------------------------------


def replayed(choices, categories, items, refits):
    """Every answer online, with the counts, pool and base of a refit at these answers; the posteriors at the end."""
    model, rows, workers = None, [Row(np.zeros(categories), np.zeros(1))] * items, {}
    probas = np.full((items, categories), 1 / categories)
    for n, (item, chosen, worker) in enumerate(zip(*choices[:3], strict=True)):
        if n in refits:
            model = Consensus().fit(Choices(*(column[:n] for column in choices[:3])), shape=(items, categories))
            rows = model.rows()
            workers = dict(zip(model.workers_.name, model.workers_.counts, strict=True))
        base = np.full(categories, 1 / categories) if model is None else model.base_
        pool = None if model is None else model.pools_["", categories]
        counts = workers.get(worker, np.zeros((categories, categories)))
        done = update(rows[item], counts, Said(chosen, choice=True), base, pool=pool)
        rows[item], workers[worker], probas[item] = done.row, done.counts, done.posterior
    return probas


@pytest.mark.parametrize("seed", range(2))
def test_replaying_the_log_online_agrees_with_a_refit(seed):
    choices, _, _ = a_crowd(seed, items=300, workers=25)
    order = np.random.default_rng(seed).permutation(len(choices.item))
    choices = Choices(*(column[order] for column in choices[:3]))
    online = replayed(choices, 4, 300, refits=range(150, 1500, 150))
    batch = Consensus().fit(choices, shape=(300, 4)).probas_
    assert (online.argmax(axis=1) == batch.argmax(axis=1)).mean() >= 0.98


def test_an_update_leaves_what_came_in_alone_and_takes_at_most_a_millisecond():
    row, counts, prior = Row(np.zeros(10), np.zeros(1)), np.zeros((10, 10)), np.full(10, 0.1)
    seconds = []
    for _ in range(50):
        start = perf_counter()
        done = update(row, counts, Said(3, choice=True), prior)
        seconds.append(perf_counter() - start)
    assert min(seconds) < 1e-3
    assert done.posterior.argmax() == 3 and not row.raw.any() and not counts.any()


def test_an_update_of_a_cell_touches_that_cell_alone():
    row = Row(np.zeros(3), np.zeros(3))
    done = update(row, np.zeros((2, 2)), Said(1, 0.0), np.full(3, 0.5), exclusive=False)
    assert done.posterior[1] < 0.5 and done.posterior[[0, 2]] == pytest.approx(0.5)
    assert done.row.judgments.tolist() == [0, 1, 0]


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"value": np.array([2.0, 0.0])}, "answers.value must hold numbers from 0 to 1"),
        ({"value": np.array([np.nan, 0.0])}, "answers.value must hold numbers from 0 to 1"),
        ({"item": np.array([-1, 0])}, "answers.item must hold row numbers from 0"),
        ({"category": np.array([0.5, 1])}, "answers.category must hold row numbers from 0"),
        ({"worker": np.array(["ada"])}, "differ in length"),
    ],
)
def test_answers_that_cannot_be_are_named(change, sentence):
    good = Answers(np.array([0, 0]), np.array([0, 1]), np.array(["ada", "bob"]), np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match=sentence):
        Consensus().fit(good._replace(**change))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"prior": np.full((2, 2), 2.0)}, "prior must hold probabilities"),
        ({"prior": np.full((2, 2), 0.5), "mass": np.ones(3)}, "mass must hold 2 numbers"),
        ({"shape": (1, 1)}, "does not hold them"),
        ({"gold": (np.array([5]), np.array([0]), np.array([1.0])), "shape": (2, 2)}, "does not hold them"),
    ],
)
def test_options_that_cannot_be_are_named(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        Consensus().fit(Choices(np.array([0, 1]), np.array([0, 1]), np.array(["ada", "bob"])), **options)


@pytest.mark.parametrize(
    ("offered", "sentence"),
    [
        (np.ones((2, 3), bool), "rows of at most 2 columns"),
        (np.ones((2, 2)), "answers.offered must be bool"),
        (np.array([[True, False]] * 2), "must hold the category that was chosen"),
    ],
)
def test_what_cannot_have_been_offered_is_named(offered, sentence):
    with pytest.raises(ValueError, match=sentence):
        Consensus().fit(Choices(np.array([0, 1]), np.array([0, 1]), np.array(["ada", "bob"]), offered=offered))


@pytest.mark.parametrize(("said", "sentence"), [(Said(3), "answer.category"), (Said(0, 1.5), "answer.value")])
def test_an_update_that_cannot_be_is_named(said, sentence):
    with pytest.raises(ValueError, match=sentence):
        update(Row(np.zeros(3), np.zeros(3)), fresh(2), said, np.full(3, 0.5), exclusive=False)
