"""Consensus of a file of answers from the shell."""

import csv
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

GOOD = "item,worker,label\na,ada,cat\na,bob,cat\na,eve,dog\nb,ada,dog\nb,bob,dog\n"


def consensus(tmp_path, text, **options):
    answers, out = tmp_path / "answers.csv", tmp_path / "posteriors.csv"
    answers.write_bytes(text if isinstance(text, bytes) else text.encode())
    said = StringIO()
    call_command("consensus", str(answers), out=out, stdout=said, **options)
    with out.open(newline="") as file:
        return said.getvalue(), {(row["item"], row["label"]): float(row["probability"]) for row in csv.DictReader(file)}


def test_every_item_gets_a_probability_of_every_label(tmp_path):
    said, found = consensus(tmp_path, GOOD)
    assert said.startswith("5 answers of 3 workers about 2 items.")
    assert found["a", "cat"] > 0.5 and found["b", "dog"] > 0.5
    assert found["a", "cat"] + found["a", "dog"] == pytest.approx(1, abs=1e-5)


def test_a_row_with_several_labels_or_none_makes_them_independent(tmp_path):
    _, found = consensus(tmp_path, "item,worker,label\na,ada,cat|dog\na,bob,cat|dog\nb,ada,\nb,bob,\n")
    assert found["a", "cat"] > 0.5 and found["a", "dog"] > 0.5
    assert found["b", "cat"] < 0.5 and found["b", "dog"] < 0.5


def test_the_same_file_gives_the_same_numbers(tmp_path):
    assert consensus(tmp_path, GOOD) == consensus(tmp_path, GOOD)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (GOOD + "a,ada,dog\n", "Row 7: “ada” answered about “a” before"),
        (GOOD + ",ada,dog\n", "Row 7: The item is empty."),
        (GOOD + "c,,dog\n", "Row 7: The worker is empty."),
        (GOOD + "c,ada\n", "Row 7: It has fewer fields than the header."),
        (GOOD + "c,a\0da,dog\n", "NUL"),
        ("item,label\na,cat\n", "no column worker"),
        ("", "no column item and no column worker and no column label"),
        ("item,worker,label\n", "holds no answer"),
        ("item,worker,label\na,ada,\n", "holds no answer"),
        ('item,worker,label\na,ada,"cat\n', "is no CSV file at line"),
        (b"item,worker,label\na,ada,\xff\n", "is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_weighed_is_a_sentence_and_writes_nothing(tmp_path, text, sentence):
    with pytest.raises(CommandError, match=sentence):
        consensus(tmp_path, text)
    assert not (tmp_path / "posteriors.csv").exists()


def test_many_bad_rows_are_counted(tmp_path):
    with pytest.raises(CommandError, match="and 15 more"):
        consensus(tmp_path, GOOD + ",ada,dog\n" * 25)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("consensus", str(tmp_path / "none.csv"), out=tmp_path / "out.csv")
