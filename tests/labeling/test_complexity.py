"""How hard a text is to read and a sound to hear."""

import io

import numpy as np
import pytest
from scipy.io import wavfile

from labeling import complexity, importing, selecting
from labeling.models import Item, Query
from tests.making import a_project

PLAIN = "The cat sat on the mat. It was warm. The dog came in and sat down too. "
# From the United Nations Charter and the like: long words in long sentences.
HARD = (
    "Notwithstanding aforementioned considerations regarding organisational responsibility, administrative authorities "
    "shall periodically communicate comprehensive recommendations concerning international institutional cooperation. "
)


def test_reading_ease_is_what_flesch_says_of_known_sentences():
    # "The cat sat on the mat." is the textbook's example: six words of one syllable, 116.1.
    assert complexity.reading_ease("The cat sat on the mat.") == pytest.approx(116.145)
    # "This sentence, taken as a reading passage unto itself, is being used to prove a point." 69 in the textbooks,
    # with two syllables each in "passage" and "being", one in "used".
    sentence = "This sentence, taken as a reading passage unto itself, is being used to prove a point."
    assert complexity.reading_ease(sentence) == pytest.approx(69, abs=12)
    assert complexity.reading_ease(HARD) < 0


@pytest.mark.parametrize(
    ("word", "count"), [("cat", 1), ("make", 1), ("table", 2), ("reading", 2), ("the", 1), ("banana", 3), ("rhythm", 1)]
)
def test_syllables_are_groups_of_vowels(word, count):
    assert complexity.syllables(word) == count


def test_long_texts_and_hard_ones_are_more_complex():
    assert complexity.of_text("") == 0
    assert complexity.of_text(PLAIN) == pytest.approx(17 / 300)
    assert complexity.of_text(PLAIN * 3) == pytest.approx(3 * complexity.of_text(PLAIN))
    assert complexity.of_text(PLAIN * 50) == complexity.of_text(HARD * 50) == 1
    words = len(HARD.split())
    assert complexity.of_text(HARD) == pytest.approx(2 * words / 300)


def test_a_script_without_blanks_is_counted_by_its_letters():
    assert complexity.of_text("\u732b" * 600) == pytest.approx(100 / 300)


def test_a_minute_of_sound_is_much():
    assert complexity.of_sound(30) == 0.5
    assert complexity.of_sound(600) == 1
    assert complexity.of_sound(None) is None


def a_sound(seconds, rate=4000):
    file = io.BytesIO()
    wavfile.write(file, rate, (np.sin(np.arange(int(seconds * rate)) / 9) * 9000).astype(np.int16))
    return file.getvalue()


@pytest.mark.django_db
def test_how_long_a_sound_is_is_read_at_import_and_priced(storage):
    project = a_project(media="audio", agree_count=1, wanted=1, cell_price=10, factors={"complexity": 1.0})
    importing.import_rows(project, [{"id": "short", "content": a_sound(1.5)}, {"id": "long", "content": a_sound(30)}])
    assert dict(Item.objects.values_list("identifier", "seconds")) == {"short": 1.5, "long": 30.0}
    selecting.refill(project, random_state=0)
    hard = {query.items.get().identifier: query.signals["complexity"] for query in Query.objects.all()}
    assert hard == {"short": 0.025, "long": 0.5}


@pytest.mark.django_db
def test_an_unread_or_other_content_changes_no_price():
    project = a_project(media="record", agree_count=1, wanted=1)
    importing.import_rows(project, [{"id": "a", "values": {"age": 3}}])
    selecting.refill(project, random_state=0)
    assert Query.objects.get().signals["complexity"] is None
