import numpy as np
import pytest

from labeling.forecasting import Outlook
from labeling.models import Forecast
from labeling.views.fans import fan, steps
from segmentation.forecasts import Course, Range
from tests.foretelling import a_course

NOTHING = Course(np.empty(0), np.empty(0), np.empty(0))
AHEAD = [[1_000, 0.8, 0.75, 0.85], [2_000, 0.85, 0.8, 0.9], [8_000, 0.9, 0.8, 0.95]]


def an_outlook(**fields):
    fields = {"at_end": Range(0.85, 0.8, 0.9), "needed": Range(2_500, 1_500, 9_000)} | fields
    return Outlook(Forecast(fan=AHEAD, value=0.8, spent=1_000), "", 2_000, 0.88, **fields)


def test_without_a_measured_run_there_is_no_picture():
    assert fan(NOTHING, an_outlook()) is None


def test_everything_stands_where_its_axes_say():
    drawn = fan(a_course(), an_outlook())
    assert drawn.left < drawn.measured[0].x < drawn.measured[-1].x < drawn.budget < drawn.needed.x < drawn.right
    assert drawn.needed.y == drawn.aim
    assert drawn.measured[0].high < drawn.measured[0].y < drawn.measured[0].low, "up is less"
    zero, *_, last = drawn.x
    assert zero.at == drawn.left and zero.text == "0"
    assert drawn.budget == pytest.approx(
        zero.at + (last.at - zero.at) * 2_000 / float(last.text.replace(",", "")), abs=0.2
    )


def test_an_interval_that_leaves_the_picture_ends_open_at_its_edge():
    drawn = fan(a_course(), an_outlook())
    assert drawn.cut and drawn.needed.high == drawn.right
    assert fan(a_course(), an_outlook(needed=Range(2_500, 1_500, None))).cut


def test_what_cannot_be_foreseen_is_not_drawn():
    drawn = fan(a_course(), an_outlook(needed=Range(None, 5_000, None), at_end=None))
    assert drawn.needed is None
    assert fan(a_course(), Outlook(None, "Too few.", 2_000, 0.9)).band == ""


def test_the_spend_has_a_few_round_ticks():
    assert steps(4_700) == [0, 2000, 4000]
    assert steps(930) == [0, 250, 500, 750]
