"""People made up: their skill, their slips, whom they copy; the same ones whoever asks."""

import numpy as np
import pytest

from labeling.simulating.crowds import SECONDS, Hearsay, Quality, crowd, look_alikes, skills

CATEGORIES = 4


def a_scene(n=400, seed=0):
    """Items of four categories; what each is taken for: its own mostly, then the next category."""
    random = np.random.default_rng(seed)
    truth = np.eye(CATEGORIES, dtype=bool)[random.integers(0, CATEGORIES, n)]
    sure = random.uniform(0.4, 1.0, n)[:, None]
    seen = sure * truth + (1 - sure) * (0.8 * np.roll(truth, 1, axis=1) + 0.2 * np.roll(truth, 2, axis=1))
    return seen, truth


def people(exclusive=True, seed=3, n=400, **quality):
    seen, truth = a_scene(n)
    return crowd(seen, truth, Quality(**{"people": 60} | quality), exclusive, seed)


def right_choices(found, workers=range(60)):
    items = range(len(found.truth))
    return np.array([[found.truth[item, found.chosen(item, worker)] for item in items] for worker in workers])


def test_skills_are_between_the_lowest_and_the_highest_and_mostly_in_the_middle():
    found = skills(Quality(people=20_000), np.random.default_rng(0))
    assert 0.55 <= found.min() < 0.56 and 0.94 < found.max() <= 0.95
    assert found.mean() == pytest.approx(0.75, abs=0.005)
    assert found.std() == pytest.approx(0.4 * np.sqrt(1 / 20), abs=0.003)  # of Beta(2, 2)


def test_measured_skills_are_drawn_from():
    assert set(skills(Quality(people=50, skills=(0.6, 0.9)), np.random.default_rng(0))) == {0.6, 0.9}


def test_people_are_right_as_often_as_their_skill_says_on_items_of_ordinary_difficulty():
    found = people(lowest=0.8, spread=0.0, harder=0.0)
    assert right_choices(found).mean() == pytest.approx(0.8, abs=0.01)


def test_what_a_classifier_finds_hard_people_find_hard():
    found, (seen, truth) = people(), a_scene()
    own = (seen * truth).sum(axis=1)
    right = right_choices(found).mean(axis=0)
    assert right[own > 0.85].mean() > right[own < 0.55].mean() + 0.1


def test_errors_go_to_what_an_item_looks_like():
    found = people()
    chosen = np.array([[found.chosen(item, worker) for worker in range(60)] for item in range(400)])
    ahead = (chosen - found.truth.argmax(axis=1)[:, None]) % CATEGORIES
    counts = np.bincount(ahead[ahead > 0], minlength=CATEGORIES)
    assert counts[1] > 3 * counts[2] > 3 * counts[3]


def test_look_alikes_are_more_often_accepted_than_what_an_item_is_nothing_like():
    found = people()
    every = np.array([found.ticked(range(400), range(CATEGORIES), worker, "yes_no") for worker in range(60)])
    yes, own = every.mean(axis=0), found.truth.argmax(axis=1)
    alike, unlike = (yes[range(400), (own + step) % CATEGORIES].mean() for step in (1, 3))
    assert 0.15 < alike < 0.3 and unlike < 0.06
    assert yes[range(400), own].mean() == pytest.approx(1 - 0.6 * (1 - found.right.mean()), abs=0.01)


@pytest.mark.parametrize("kind", ["yes_no", "items"])
def test_slips_multiply_the_errors_of_one_kind_alone(kind):
    usual, careful = people(), people(slips={kind: 0.2})
    other = "items" if kind == "yes_no" else "yes_no"

    def wrong(found, kind):
        every = [found.ticked(range(400), range(CATEGORIES), worker, kind) for worker in range(60)]
        return np.mean([said != found.truth for said in every])

    assert wrong(careful, kind) < 0.3 * wrong(usual, kind)
    assert wrong(careful, other) == wrong(usual, other) and (right_choices(careful) == right_choices(usual)).all()


def test_spammers_are_right_by_chance_only_and_quick():
    found = people(spammers=0.25)
    spammers = np.flatnonzero(found.spams)
    assert len(spammers) == 15
    assert right_choices(found, spammers).mean() == pytest.approx(1 / CATEGORIES, abs=0.02)
    honest = np.flatnonzero(~found.spams)
    assert right_choices(found, honest).mean() > 0.6
    took = [np.mean([found.time([item], [0], who, "yes_no") for item in range(400)]) for who in range(60)]
    assert np.mean(np.array(took)[spammers]) < 0.5 * np.mean(np.array(took)[honest])


def test_copiers_repeat_the_choice_that_was_made_before_them():
    found = people(copiers=0.1)
    talk, copier = Hearsay(found), int(np.flatnonzero(found.copies)[0])
    first = int(np.flatnonzero(~found.copies)[0])
    for item in range(100):
        said = talk.answer([item], range(CATEGORIES), first, "categories", choice=True)
        assert (talk.answer([item], range(CATEGORIES), copier, "categories", choice=True) == said).all()
    alone = Hearsay(found).answer([0], range(CATEGORIES), copier, "categories", choice=True)
    assert alone.sum() == 1  # nobody to copy: a choice of one's own


def test_the_same_seed_makes_the_same_answers_whatever_is_asked_before():
    one, two = people(), people()
    one.chosen(7, 3)
    assert [one.chosen(item, 5) for item in range(50)] == [two.chosen(item, 5) for item in range(50)]
    assert [one.chosen(item, 5) for item in range(50)] != [people(seed=4).chosen(item, 5) for item in range(50)]


def test_a_choice_among_fewer_categories_may_find_none_that_fits():
    found = people()
    offered = [found.answer([item], [0, 1], 0, "categories", choice=True) for item in range(100)]
    assert {int(said.sum()) for said in offered} == {0, 1}


def test_items_of_several_categories_are_judged_cell_by_cell():
    random = np.random.default_rng(0)
    truth = random.random((300, 3)) < 0.4
    found = crowd(np.where(truth, 0.8, 0.2), truth, Quality(people=20), False, 0)
    said = np.array([found.answer(range(300), range(3), who, "categories", choice=False) for who in range(20)])
    assert (said == truth).mean() > 0.8 and said.sum(axis=2).max() > 1
    assert look_alikes(np.where(truth, 0.8, 0.2), truth, False)[truth].max() == 0


def test_a_grid_takes_longer_than_a_yes_or_no():
    found = people()
    took = {kind: np.mean([found.time(list(range(at, at + wide)), [0], 0, kind) for at in range(300)])
            for kind, wide in (("yes_no", 1), ("items", 12))}  # fmt: skip
    assert took["items"] / took["yes_no"] == pytest.approx(
        (SECONDS["items"][0] + 12 * SECONDS["items"][1]) / sum(SECONDS["yes_no"]), rel=0.1
    )
