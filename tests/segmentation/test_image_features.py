"""Images -> X: edges, texture and colours become rows that a classifier can learn from; damage is named."""

import functools
import io
import warnings

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from segmentation import content
from segmentation.features import (
    BrokenContent,
    ImageFeatures,
    check_image,
)
from tests.drawing import digit_pictures, few_labels, noise, picture, sound, tone


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
