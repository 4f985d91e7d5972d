"""Content -> X: texts, images, sounds and records become finite rows that a classifier can learn from."""

import csv
import functools
import io
import warnings
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from segmentation import content
from segmentation.features import (
    AudioFeatures,
    BrokenContent,
    ImageFeatures,
    RecordFeatures,
    TextFeatures,
    check_audio,
    check_image,
)
from segmentation.features.texts import words

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def shared(name):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the shared data {name} is not beside this checkout")
    return path


def picture(pixels, kind="PNG", **options):
    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(file, kind, **options)
    return file.getvalue()


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape)


def sound(samples, rate=8000):
    file = io.BytesIO()
    wavfile.write(file, rate, np.asarray(samples))
    return file.getvalue()


def tone(hertz, seconds=0.5, rate=8000):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


@functools.cache
def digit_pictures():
    """scikit-learn's handwritten digits, drawn large enough to read."""
    return [picture(np.kron(255 - digit * 15.9, np.ones((16, 16)))) for digit in load_digits().images]


def few_labels(X, y, k, seeds=5):
    """Mean accuracy of a logistic regression that knows k of each category, on all others."""
    scores = []
    for seed in range(seeds):
        shuffled = np.random.default_rng(seed).permutation(len(y))
        known = np.concatenate([shuffled[y[shuffled] == category][:k] for category in np.unique(y)])
        rest = np.setdiff1d(shuffled, known)
        scores.append(LogisticRegression(max_iter=2000).fit(X[known], y[known]).score(X[rest], y[rest]))
    return np.mean(scores)


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


# --- images ----------------------------------------------------------------------------------------------------------


def test_drawn_digits_are_read_with_all_labels_and_with_ten_of_each():
    X, y = ImageFeatures(random_state=0).fit_transform(digit_pictures()), load_digits().target
    assert cross_val_score(LogisticRegression(max_iter=2000), X, y, cv=5).mean() > 0.95
    raw = load_digits().data / 16
    assert few_labels(X, y, 3) > few_labels(raw, y, 3) + 0.02 and few_labels(X, y, 10) > 0.92


def test_a_texture_is_told_wherever_it_lies():
    """Stripes and checks of one contrast and colour, each drawn at its own place and phase."""
    random = np.random.default_rng(0)
    down, right = np.mgrid[:64, :64]
    kinds = [
        lambda shift: (right + shift) // 3 % 2,
        lambda shift: (right + shift) // 3 % 2 ^ down // 3 % 2,
        lambda shift: random.random((64, 64)) > 0.5,
        lambda shift: (right + shift) // 8 % 2 ^ down // 8 % 2,
    ]
    y = np.arange(80) % 4
    images = [picture(80 + 90 * kinds[kind](random.integers(16)) + random.integers(-20, 20)) for kind in y]
    assert few_labels(ImageFeatures(random_state=0).fit_transform(images), y, 2) > 0.9


def test_colour_alone_tells_images_apart():
    random = np.random.default_rng(1)
    plain = [np.tile(random.integers(90, 110, 3), (32, 32, 1)) for _ in range(40)]
    for pixels in plain[20:]:
        pixels[..., 0] += 40  # redder, and less green by as much light
        pixels[..., 1] -= 20
    X = ImageFeatures(random_state=0).fit_transform([picture(pixels) for pixels in plain])
    assert cross_val_score(LogisticRegression(), X, np.arange(40) >= 20, cv=4).mean() == 1


def test_path_bytes_file_and_opener_read_the_same_and_a_file_is_left_rewound(tmp_path):
    data = picture(noise(20, 20, 3))
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    file = io.BytesIO(data)
    file.seek(7)
    X = (
        ImageFeatures(random_state=0)
        .fit([data, picture(noise(9, 9))])
        .transform([path, str(path), data, file, functools.partial(open, path, "rb")])
    )
    np.testing.assert_array_equal(X, X[[0] * 5])
    assert file.tell() == 0 and not file.closed


def test_files_are_opened_one_at_a_time_and_closed():
    class Counted(io.BytesIO):
        live = 0

        def __enter__(self):
            Counted.live += 1
            assert Counted.live == 1
            return self

        def __exit__(self, *why):
            Counted.live -= 1
            self.close()

    data = picture(noise(9, 9))
    ImageFeatures().fit_transform([lambda: Counted(data)] * 5)
    assert Counted.live == 0


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_an_image_that_passes_the_check_can_be_learned_from_however_it_was_cut(kind):
    whole = picture(noise(24, 24, 3), kind)
    check_image(whole)
    refused = 0
    for length in np.linspace(0, len(whole) - 1, 60).astype(int):
        try:
            check_image(whole[:length])
        except BrokenContent as broken:
            refused += 1
            assert str(broken).endswith(".") and "Traceback" not in str(broken)
        else:
            ImageFeatures().fit([whole[:length]])
    assert refused > 50


def test_a_changed_byte_in_a_png_is_found():
    data = bytearray(picture(noise(24, 24, 3)))
    data[len(data) // 2] ^= 1
    with pytest.raises(BrokenContent, match="damaged"):
        check_image(bytes(data))


def test_a_wrong_checksum_is_found_where_the_pixels_are_whole():
    data = bytearray(picture(noise(24, 24, 3)))
    data[-13] ^= 1  # of the chunk of pixels, the last but one
    content.decode_image(bytes(data))
    with pytest.raises(BrokenContent, match="damaged"):
        check_image(bytes(data))


def test_a_decompression_bomb_is_refused_before_it_is_decoded():
    for side in (8_000, 20_000):  # within what Pillow itself warns of, and beyond what it refuses
        bomb = io.BytesIO()
        Image.new("1", (side, side)).save(bomb, "PNG")
        assert len(bomb.getvalue()) < 100_000
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with pytest.raises(BrokenContent, match="too large"):
                check_image(bomb)
            with pytest.raises(BrokenContent, match="too large"):
                ImageFeatures().fit([bomb])


def test_what_is_not_an_image_is_refused_in_a_sentence(tmp_path):
    tiff = io.BytesIO()
    Image.new("L", (4, 4)).save(tiff, "TIFF")
    for file in (b"", b"<svg/>", tiff, sound(tone(440))):
        with pytest.raises(BrokenContent, match="use PNG, JPEG, GIF, WebP or BMP"):
            check_image(file)
    with pytest.raises(BrokenContent, match="cannot be opened: No such file"):
        check_image(tmp_path / "missing.png")
    with pytest.raises(BrokenContent, match="opened as text"):
        check_image(io.StringIO("text"))


def test_a_file_beyond_the_limit_is_refused_unread(monkeypatch):
    monkeypatch.setattr(content, "MAX_BYTES", 2**20)
    with pytest.raises(BrokenContent, match="larger than 1 MB"):
        check_image(io.BytesIO(bytes(2**20 + 1)))


def test_a_photo_is_turned_upright_by_its_own_note():
    pixels = np.zeros((40, 40, 3))
    pixels[:20] = 255  # light above
    exif = Image.Exif()
    exif[0x0112] = 3  # the camera was upside down
    upright = picture(pixels[::-1, ::-1], "JPEG", exif=exif)
    assert content.decode_image(upright)[:28].mean() > 250 > 5 > content.decode_image(upright)[36:].mean()


def test_sixteen_bits_of_grey_keep_their_shades_and_transparency_is_white():
    grey = io.BytesIO()
    Image.fromarray(np.full((8, 8), 0x8000, np.uint16)).save(grey, "PNG")
    assert abs(content.decode_image(grey).astype(int) - 128).max() <= 1
    assert (content.decode_image(picture(np.zeros((8, 8, 4)))) == 255).all()


# --- sounds ----------------------------------------------------------------------------------------------------------


def test_tones_of_two_pitches_are_told_apart_whatever_their_loudness():
    random = np.random.default_rng(0)
    pitches = [440 if i % 2 else 660 for i in range(40)]
    files = [
        sound((tone(pitch) * random.uniform(0.1, 1) + random.normal(0, 0.01, 4000)).astype("f4")) for pitch in pitches
    ]
    X = AudioFeatures().fit_transform(files)
    assert cross_val_score(LogisticRegression(), X, pitches, cv=4).mean() == 1


@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "i8", "f4", "f8"])
def test_a_sound_reads_the_same_in_every_width(kind):
    unit = np.iinfo(kind).max if kind[0] == "i" else 1
    written = tone(440) * 127 + 128 if kind == "u1" else tone(440) * unit
    _, samples = content.decode_sound(sound(written.astype(kind)))
    np.testing.assert_allclose(samples, tone(440), atol=0.02)  # eight bits are coarse


def test_twenty_four_bits_and_two_channels_are_read():
    samples = (tone(440) * (2**23 - 1)).astype("<i4")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((2, 3, 8000, 0, "NONE", ""))
        out.writeframes(np.repeat(samples, 2).view("u1").reshape(-1, 4)[:, :3].tobytes())
    check_audio(file)
    rate, read = content.decode_sound(file)
    assert rate == 8000
    np.testing.assert_allclose(read, tone(440), atol=1e-4)


def test_sounds_of_any_rate_and_length_have_the_same_columns():
    files = [sound([7], 8000), sound(tone(440, 0.01, 44100), 44100), sound(tone(440, 1, 96000), 96000), sound([0] * 99)]
    features = AudioFeatures(random_state=0)
    files = [sound(np.int16([7])), *files[1:]]
    assert {features._raw(file).shape for file in files} == {(201,)}
    assert np.isfinite(features.fit_transform(files)).all()


def test_only_the_first_seconds_are_heard():
    beginning, longer = tone(440, 1), np.concatenate([tone(440, 1), tone(100, 3)])
    _, heard = content.decode_sound(sound(longer), seconds=1)
    np.testing.assert_allclose(heard, beginning, atol=1e-6)


def test_samples_that_are_not_numbers_do_no_harm():
    wild = np.float32([np.nan, np.inf, -np.inf, 1e38] * 500)
    assert np.isfinite(AudioFeatures().fit_transform([sound(wild), sound(tone(440))])).all()


def test_what_holds_no_sound_is_refused_in_a_sentence():
    for file in (b"", b"RIFF", b"ID3 an mp3", picture(noise(9, 9)), sound(tone(440))[:30]):
        with pytest.raises(BrokenContent, match="a WAV file of plain"):
            check_audio(file)
    with pytest.raises(BrokenContent, match="no sound"):
        check_audio(sound(np.int16([])))
    with pytest.raises(BrokenContent, match="4000000 samples a second"):
        check_audio(sound(np.int16([1, 2]), 4_000_000))


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
