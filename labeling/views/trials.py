"""What a comparison has come to, as a page or a file shows it."""

from collections.abc import Sequence
from dataclasses import asdict

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from labeling.simulating import curves
from labeling.simulating.comparing import Comparison
from labeling.views.spending import LETTERS, drawn


def found(comparison: Comparison, currency: str, wanted: Sequence[float] = ()) -> dict:
    """The context of `labeling/trials/_found.html`; {} while no play is over."""
    delivered = drawn(comparison)
    if delivered is None:
        return {}
    levels = comparison.levels(wanted)
    rows = [asdict(row) | {"letter": letter} for letter, row in zip(LETTERS, comparison.rows(levels), strict=False)]
    for row in rows:  # asdict turns what a template reads by name into dictionaries, which read alike
        row["needs"] = [tuple(pair) for pair in row["needs"]]
    return {
        "delivered": delivered, "unseen": drawn(comparison, curves.UNSEEN), "rows": rows, "levels": levels,
        "currency": currency, "seeds": max(row["seeds"] for row in rows),
        "banded": any(line.band for line in delivered.lines),
    }  # fmt: skip


def picture(comparison: Comparison, *, title: str, told: str, currency: str, wanted: Sequence[float] = ()) -> str:
    """One HTML file that needs no other."""
    sheet = (settings.BASE_DIR / "static" / "app.css").read_text(encoding="utf-8")
    style = mark_safe(f"<style>\n{sheet}</style>")
    context = {"title": title, "told": told, "style": style} | found(comparison, currency, wanted)
    return render_to_string("labeling/trials/picture.html", context)
