"""What a machine can check of the look: readable contrast in light and dark, and nothing the policy would refuse."""

import re

import pytest
from django.conf import settings

CSS = (settings.BASE_DIR / "static" / "app.css").read_text()
TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
WRITTEN = [  # (text, ground) of 4.5 or more, as WCAG 2.2 asks for text
    *[(text, ground) for text in ("ink", "quiet", "accent") for ground in ("card", "paper")],
    ("ink", "well"),
    ("quiet", "well"),
    ("accent", "accent-soft"),
    ("yes", "card"),
    ("yes", "yes-soft"),
    ("ink", "no-soft"),
    ("doubt-text", "doubt-soft"),
    *[(f"on-{colour}", colour) for colour in ("accent", "yes", "no", "doubt")],
]


def tokens(theme):
    """{name: colour} of the light theme, or of the dark one upon it."""
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w+)", block)) for block in re.findall(r":root \{(.*?)\n *\}", CSS, re.S)
    )
    return light if theme == "light" else light | dark


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_on_its_ground(theme):
    colours = tokens(theme)
    faint = {pair: contrast(*(colours[name] for name in pair)) for pair in WRITTEN}
    assert {pair: ratio for pair, ratio in faint.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_edges_of_what_is_pressed_can_be_seen(theme):
    colours = tokens(theme)
    assert contrast(colours["edge"], colours["card"]) >= 3


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_yes_no_and_doubt_differ_in_lightness_too(theme):
    colours = tokens(theme)
    pairs = [("yes", "no"), ("no", "doubt"), ("yes", "doubt")]
    assert all(contrast(colours[one], colours[other]) > 1.25 for one, other in pairs)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_style_or_script(template):
    source = template.read_text()
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|hx-on|javascript:", source)
    assert not re.search(r"<script(?![^>]*\ssrc=)", source)
