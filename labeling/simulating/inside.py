"""What a child does in the home that it was given: it puts the scene on, and plays what it was told to."""

import gc
from collections.abc import Iterator
from pathlib import Path

from django.db import connection

from labeling import opening
from labeling.simulating import bells, playing, policies, seeing
from labeling.simulating.crowds import crowd
from labeling.simulating.scenes import Unplayable, staged


def perform(folder: Path, plays: list[tuple[str, int]]) -> Iterator[dict]:
    """{policy, seed, point} at each point of each play, and {policy, seed, played: true} at its end."""
    careless()
    bells.listen()
    scene = staged(folder)
    try:
        seen = seeing.seen(playing.features(scene), scene.matrix, seed=0)
        for name, seed in plays:
            people = crowd(seen, scene.matrix, scene.quality, scene.exclusive, seed)
            for point in playing.Play(scene, people, policies.named(name), seed).play():
                yield {"policy": name, "seed": seed, "point": point}
            yield {"policy": name, "seed": seed, "played": True}
    except opening.Refused as refusal:
        raise Unplayable(str(refusal)) from None


def careless() -> None:
    """Nothing here outlives a power cut, since it is thrown away at the end; rubbish may lie about for longer."""
    gc.set_threshold(100_000, 50, 50)  # the flows make many short-lived objects: a tenth of the time went into looking
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=OFF")
