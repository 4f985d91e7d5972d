"""What more money will buy: stored with each run, held against what came, read by page, API and export."""

import pytest

from labeling import exporting, forecasting
from labeling.models import Forecast, Project
from tests.foretelling import a_course, runs_of
from tests.making import a_project, a_run, a_user, measured
from tests.speaking import Speaker
from tests.teaching import a_taught_project, examine, run
from tests.visiting import page, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return a_project(owner=a_user("olga"), funds=3_000, aim=0.9)


@pytest.fixture
def owner(client, project):
    client.force_login(project.members.get().user)
    return client


# --- made with a run -------------------------------------------------------------------------------------------------


def test_a_run_stores_what_was_spent_when_it_read_the_answers_and_a_forecast():
    project = a_taught_project()
    examine(project, 30)
    done = run(project)
    assert done.metrics["spent"] == 0
    assert done.forecast.missing.startswith("A forecast needs 4 runs")


def test_runs_before_anything_was_spent_and_refused_ones_are_no_points_of_the_course(project):
    a_run(project, metrics=measured(0.5, 100) | {"spent": 0})
    a_run(project, metrics=measured(0.6, 100))
    a_run(project, metrics=measured(0.7, 100) | {"spent": 10})
    a_run(project, "refused", metrics=measured(0.4, 100) | {"spent": 20})
    assert forecasting.course_of(project).accuracy.tolist() == [0.7]


def test_a_forecast_is_kept_as_it_was_made(project):
    first = runs_of(project, a_course(runs=5))[-1].forecast
    runs_of(project, a_course(runs=2, first=2_000))
    kept = Forecast.objects.get(pk=first.pk)
    assert (kept.fan, kept.money, kept.spent) == (first.fan, first.money, first.spent)


def test_amounts_and_chances_of_a_forecast_rise(project):
    made = runs_of(project, a_course())[-1].forecast
    spends, values, lows, highs = zip(*made.fan, strict=True)
    for column in (spends, values, lows, highs):
        assert list(column) == sorted(column)
    known = [row[1] for row in made.money if row[1] is not None]
    assert known == sorted(known) and known


# --- read ------------------------------------------------------------------------------------------------------------


def test_the_outlook_is_of_the_whole_budget_and_the_projects_aim(project):
    made = runs_of(project, a_course(runs=8))[-1].forecast
    found = forecasting.outlook(project)
    assert (found.budget, found.goal) == (3_000, 0.9)
    assert found.at_end.low < found.at_end.value < found.at_end.high
    assert made.value < found.at_end.value
    assert made.spent < found.needed.low < found.needed.value < found.needed.high


def test_a_target_budget_ends_the_spending_before_the_funds_do(project):
    Project.objects.update(target_spent=2_000)
    project.refresh_from_db()
    runs_of(project, a_course())
    assert forecasting.outlook(project).budget == 2_000


def test_a_reached_aim_takes_nothing_and_a_spent_budget_buys_nothing(project):
    runs_of(project, a_course())
    found = forecasting.outlook(project, budget=100, goal=0.5)
    assert found.needed is None and found.at_end is None


def test_no_run_at_all_is_said(project):
    assert "No run has been finished yet" in forecasting.outlook(project).missing


def test_earlier_forecasts_are_held_against_what_was_measured(project):
    runs_of(project, a_course(runs=8))
    found = forecasting.outlook(project)
    assert [one.run for one in found.past] == [7, 6, 5, 4], "those before said that runs were missing"
    assert found.held == sum(one.foretold.low <= found.forecast.value <= one.foretold.high for one in found.past)
    assert found.past[0].off == pytest.approx(found.forecast.value - found.past[0].foretold.value)


def test_errors_on_other_projects_here_move_the_forecast(project):
    """Projects that came to a halt, whatever was foretold of them, make it modest."""
    before = forecasting.foretold(a_course(), forecasting.own_errors(project))
    for _ in range(6):
        stuck = a_course(runs=16)
        stuck.accuracy[6:] = stuck.accuracy[6]
        runs_of(a_project(), stuck)
    after = forecasting.foretold(a_course(), forecasting.own_errors(project))
    assert after["fan"][-1][1] < before["fan"][-1][1] - 0.01
    assert len(forecasting.own_errors(project)) == 6


# --- seen ------------------------------------------------------------------------------------------------------------


def test_the_page_says_it_in_words_and_draws_the_fan(owner, project):
    runs_of(project, a_course())
    found = forecasting.outlook(project)
    shown = text(page(owner, project))
    assert f"<strong>{found.at_end.value:.0%}</strong>" in shown
    assert f"about <strong>{found.needed.value:,}\N{NO-BREAK SPACE}points</strong>" in shown
    assert 'class="band"' in shown and "4 earlier forecasts" in shown


def test_another_budget_and_aim_are_answered_by_a_fragment(owner, project):
    runs_of(project, a_course())
    answer = owner.get(
        f"/projects/{project.slug}/forecast/", {"budget": "2500", "aim": "85"}, headers={"HX-Request": "true"}
    )
    shown = text(answer)
    assert "When 2,500" in shown and "For 85.0% you would need" in shown
    assert "<html" not in shown


NONSENSE = [{"budget": "x", "aim": "nan"}, {"budget": "-3", "aim": "-1"}, {"aim": "1e999"}, {"budget": "9" * 30}]


@pytest.mark.parametrize("asked", NONSENSE)
def test_nonsense_shows_the_projects_own_budget_and_aim(owner, project, asked):
    runs_of(project, a_course())
    answer = page(owner, project, "project_forecast", **asked)
    assert answer.context["outlook"].budget == 3_000
    assert answer.context["outlook"].goal == 0.9


def test_before_the_first_measured_run_the_page_says_what_is_missing(owner, project):
    shown = text(page(owner, project, "project_forecast"))
    assert "No run has been finished yet" in shown and "<svg" not in shown.split("</header>")[-1]


def test_a_strangers_project_has_no_forecast(client, project):
    client.force_login(a_user())
    assert page(client, project, "project_forecast").status_code == 404


# --- taken away -------------------------------------------------------------------------------------------------------


def test_a_program_asks_what_another_budget_buys(project):
    runs_of(project, a_course())
    speaker, address = Speaker(project.members.get().user), f"projects/{project.slug}/forecast/"
    told = speaker.get(f"{address}?budget=2500&aim=0.85").json()
    found = forecasting.outlook(project, 2_500, 0.85)
    assert told["at_end"] == found.at_end._asdict() and told["needed"] == found.needed._asdict()
    assert told["now"]["value"] == found.forecast.value and told["run"] == 8
    assert [one["run"] for one in told["past"]] == [7, 6, 5, 4]
    assert told["fan"][0]["spent"] == found.forecast.spent
    assert speaker.get(f"{address}?aim=2").status_code == 400


def test_a_program_is_told_what_is_missing(project):
    told = Speaker(project.members.get().user).get(f"projects/{project.slug}/forecast/").json()
    assert "No run has been finished yet" in told["missing"]
    assert (told["run"], told["now"], told["at_end"], told["fan"]) == (None, None, None, [])


def test_runs_are_exported_with_what_they_foretold(project):
    made = runs_of(project, a_course())
    first, *_, last = rows = list(exporting.runs(project))
    assert [row["number"] for row in rows] == [run.number for run in made]
    assert first["at_twice"] == {"value": None, "low": None, "high": None}, "too few runs yet"
    assert last["at_twice"] == forecasting.between(made[-1].forecast.fan, 2 * last["spent"])._asdict()
    assert last["needed"] == forecasting.needed(made[-1].forecast, 0.9)._asdict()
    assert "".join(exporting.as_csv(rows)).count("\n") == 9
