"""No item is read or encoded twice, and a cache that is lost, damaged or full costs time and nothing else."""

import io
import sqlite3

import numpy as np
import pytest
from PIL import Image

from segmentation.content import BrokenContent, Stored
from segmentation.encodings import EncodingCache
from segmentation.features import AudioFeatures, ImageFeatures, TextFeatures

TEXTS = [f"text number {at} is about {'cats' if at % 2 else 'dogs'}" for at in range(150)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache" / "encodings.sqlite3"


@pytest.fixture
def cache(path):
    with EncodingCache(path) as cache:
        yield cache


@pytest.fixture
def encoded(monkeypatch):
    """Every item that is encoded, in order."""
    found = []
    for features in (TextFeatures, ImageFeatures, AudioFeatures):
        raw = features._raw
        monkeypatch.setattr(features, "_raw", lambda self, item, raw=raw: found.append(item) or raw(self, item))
    return found


class Shelf:
    """Files under names, that counts how often each is opened."""

    def __init__(self, files):
        self.files, self.opened = dict(files), []

    def open(self, name):
        self.opened.append(name)
        return io.BytesIO(self.files[name])

    def items(self):
        return [Stored(name, lambda name=name: self.open(name)) for name in self.files]


def picture(shade):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(shade).integers(0, 255, (9, 9, 3)).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def features_of(texts, cache, **options):
    return TextFeatures(random_state=0, **options).fit_transform(texts, cache=cache)


def test_features_are_the_same_without_a_cache_with_an_empty_one_and_with_a_full_one(cache):
    plain, first, second = (features_of(TEXTS, which) for which in (None, cache, cache))
    np.testing.assert_array_equal(plain, first)
    np.testing.assert_array_equal(plain, second)
    images = [picture(at) for at in range(5)]
    plain, first, second = (ImageFeatures(random_state=0).fit_transform(images, cache=c) for c in (None, cache, cache))
    np.testing.assert_array_equal(plain, first)
    np.testing.assert_array_equal(plain, second)


def test_only_new_texts_are_encoded_and_the_same_text_once(cache, encoded):
    features_of(TEXTS[:100] * 2, cache)
    assert encoded == TEXTS[:100]
    features_of(TEXTS, cache)
    assert encoded == TEXTS


def test_another_process_finds_what_was_kept(path, encoded):
    with EncodingCache(path) as first:
        features_of(TEXTS, first)
    with EncodingCache(path) as second:
        features_of(TEXTS, second)
    assert len(encoded) == len(TEXTS)


def test_files_read_before_are_not_even_opened(cache, encoded):
    shelf = Shelf({f"{at}.png": picture(at) for at in range(70)})
    first = ImageFeatures(random_state=0).fit_transform(shelf.items(), cache=cache)
    assert len(shelf.opened) == len(encoded) == 70
    second = ImageFeatures(random_state=0).fit_transform(shelf.items(), cache=cache)
    assert len(shelf.opened) == len(encoded) == 70
    np.testing.assert_array_equal(first, second)


def test_a_file_met_under_another_name_is_read_to_know_it_and_not_encoded(cache, encoded):
    ImageFeatures(random_state=0).fit_transform(Shelf({"a.png": picture(1), "b.png": picture(2)}).items(), cache=cache)
    elsewhere = Shelf({"c.png": picture(1), "d.png": picture(2)})
    for _ in range(2):
        ImageFeatures(random_state=0).fit_transform(elsewhere.items(), cache=cache)
    assert elsewhere.opened == ["c.png", "d.png"] and len(encoded) == 2


def test_other_settings_of_the_reader_find_nothing_and_other_settings_of_what_follows_find_all(cache, encoded):
    features_of(TEXTS, cache)
    features_of(TEXTS, cache, width=3)
    assert len(encoded) == len(TEXTS)
    features_of(TEXTS, cache, characters=10)
    assert len(encoded) == 2 * len(TEXTS)


def test_a_newer_version_of_the_reader_reads_anew(cache, encoded, monkeypatch):
    features_of(TEXTS, cache)
    monkeypatch.setattr(TextFeatures, "version", 99)
    features_of(TEXTS, cache)
    assert len(encoded) == 2 * len(TEXTS)


def test_progress_says_how_many_were_known_before(cache):
    told = []
    features_of(TEXTS[:100], cache)
    TextFeatures().fit_transform(TEXTS, progress=lambda done, message: told.append((done, message)), cache=cache)
    messages = [message for _, message in told]
    assert "read 150 of 150 items, 100 known before" in messages
    assert "learning features from 150 of 150 items" in messages
    assert [done for done, _ in told] == sorted(done for done, _ in told) and told[-1][0] == 1


def test_a_broken_file_is_named_by_its_position_and_the_others_are_kept(cache, encoded):
    shelf = Shelf({"a.png": picture(1), "b.png": b"no image", "c.png": picture(3)})
    with pytest.raises(BrokenContent) as refusal:
        ImageFeatures().fit(shelf.items(), cache=cache)
    assert refusal.value.position == 1


# --- damage and limits -----------------------------------------------------------------------------------------------


def test_a_file_that_is_no_database_is_begun_anew(path, encoded, caplog):
    path.parent.mkdir(parents=True)
    path.write_bytes(b"this is no database" * 1000)
    with EncodingCache(path) as cache:
        features_of(TEXTS, cache)
        assert "begun anew" in caplog.text
        features_of(TEXTS, cache)
    assert len(encoded) == len(TEXTS)


@pytest.mark.parametrize("start", [0, 100, 5_000, 20_000])
def test_overwritten_bytes_anywhere_change_no_feature(path, start):
    with EncodingCache(path) as cache:
        right = features_of(TEXTS, cache)
    data = bytearray(path.read_bytes())
    data[start : start + 3_000] = b"\xaa" * 3_000
    path.write_bytes(data)
    for _ in range(2):
        with EncodingCache(path) as cache:
            np.testing.assert_array_equal(features_of(TEXTS, cache), right)


def test_one_changed_bit_is_found_and_that_item_alone_is_encoded_again(path, encoded):
    with EncodingCache(path) as cache:
        right = features_of(TEXTS, cache)
    with sqlite3.connect(path) as connection:
        array = bytearray(connection.execute("SELECT array FROM encoding WHERE place = 7").fetchone()[0])
        array[3] ^= 4
        connection.execute("UPDATE encoding SET array = ? WHERE place = 7", [bytes(array)])
    for _ in range(2):
        with EncodingCache(path) as cache:
            np.testing.assert_array_equal(features_of(TEXTS, cache), right)
    assert len(encoded) == len(TEXTS) + 1


@pytest.mark.parametrize("length", [0, 50, 9_000, 30_000])
def test_a_file_cut_short_costs_one_more_reading(path, encoded, length):
    with EncodingCache(path) as cache:
        right = features_of(TEXTS, cache)
    path.write_bytes(path.read_bytes()[:length])
    for _ in range(3):
        with EncodingCache(path) as cache:
            np.testing.assert_array_equal(features_of(TEXTS, cache), right)
    assert len(TEXTS) < len(encoded) <= 2 * len(TEXTS) + 64


def test_a_place_where_nothing_can_be_written_is_done_without(tmp_path, caplog):
    (tmp_path / "file").write_text("not a folder")
    with EncodingCache(tmp_path / "file" / "cache.sqlite3") as cache:
        np.testing.assert_array_equal(features_of(TEXTS, cache), features_of(TEXTS, None))
    assert caplog.text.count("cannot be used") == 1


def test_beyond_its_limit_it_forgets_what_was_kept_first_and_its_file_stays_bounded(path):
    limit = 400_000
    with EncodingCache(path, limit) as cache:
        for start in range(0, 2_000, 50):
            arrays = {at.to_bytes(20, "big"): np.full(500, at, np.float32) for at in range(start, start + 50)}
            cache.keep(arrays, {f"name {at}": bytes(20) for at in range(start, start + 50)})
            assert cache.filled() <= limit
        assert not cache.find([(0).to_bytes(20, "big")]) and not cache.digests(["name 0"])
        newest = (1_999).to_bytes(20, "big")
        np.testing.assert_array_equal(cache.find([newest])[newest], np.full(500, 1_999, np.float32))
        assert cache.digests(["name 1999"])
    assert path.stat().st_size < 2 * limit


def test_pruned_to_nothing_it_is_empty_and_can_be_filled_again(cache, encoded):
    features_of(TEXTS, cache)
    cache.prune(0)
    features_of(TEXTS, cache)
    assert len(encoded) == 2 * len(TEXTS)
    cache.prune(10**9)
    features_of(TEXTS, cache)
    assert len(encoded) == 2 * len(TEXTS)


def test_two_runs_at_a_time_share_it(path):
    with EncodingCache(path) as first, EncodingCache(path) as second:
        first.keep({b"a": np.arange(3.0)}, {})
        second.keep({b"b": np.arange(4)}, {})
        found = first.find([b"a", b"b", b"c"])
    assert found.keys() == {b"a", b"b"} and found[b"b"].dtype == np.int64
