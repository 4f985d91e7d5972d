"""What may be compared: a policy is some settings of a project, laid over those it has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.db import models

from labeling.models import Project
from labeling.simulating.scenes import Unplayable


@dataclass(frozen=True)
class Policy:
    """name: as it is typed; title: as it is read; settings: what differs from the project's."""

    name: str
    title: str
    settings: Mapping = field(default_factory=dict)


THREE_VOTES = {"agree_by": "share", "agree_count": 2, "agree_share": 0.66, "wanted": 3, "train_on": "agreed"}
UNTIL_SURE = {"agree_by": "posterior", "agree_count": 1, "agree_posterior": 0.9, "wanted": 5, "train_on": "evidence"}
POLICIES = {
    policy.name: policy
    for policy in (
        Policy("own", "As the project is set"),
        Policy("planner_sure", "The planner, until sure", {"policy": "planner"} | UNTIL_SURE),
        Policy("sure", "At random, until sure", {"policy": "random"} | UNTIL_SURE),
        Policy("votes", "At random, by votes", {"policy": "random"} | THREE_VOTES),
        Policy("margin_votes", "Smallest margin, by votes", {"policy": "margin"} | THREE_VOTES),
        *(Policy(str(one), one.label, {"policy": str(one)}) for one in Project.Policy),
    )
}
# What makes a project this one and no other, what cannot differ between two that are compared, and the test before the
# first query, which made-up people need not take.
IDENTITY = {"id", "slug", "name", "instructions", "media", "exclusive", "state", "budget", "test_length"}


def settings_of(project: Project) -> dict:
    """{field: value} of all that may be set about a project."""
    return {one.attname: getattr(project, one.attname) for one in settable()}


def settable() -> list[models.Field]:
    fields = Project._meta.concrete_fields
    return [one for one in fields if one.editable and not one.is_relation and one.name not in IDENTITY]


def named(text: str) -> Policy:
    """`margin`, or with settings of its own `margin:wanted=5:classifier=extra_trees`."""
    name, *others = text.split(":")
    if name not in POLICIES:
        raise Unplayable(f"There is no policy {name!r}. There are {', '.join(POLICIES)}.")
    policy = POLICIES[name]
    if not others:
        return policy
    return Policy(text, f"{policy.title} ({', '.join(others)})", policy.settings | read(others))


def read(texts: Iterable[str]) -> dict:
    """`field=value`, as typed -> {field: value}; the value is checked again when a project is opened."""
    fields, found = {one.name: one for one in settable()}, {}
    for name, value in pairs(texts):
        if name not in fields:
            raise Unplayable(f"A project has no setting {name!r}. There are {', '.join(sorted(fields))}.")
        try:
            found[name] = fields[name].to_python(value or None)
        except ValidationError as error:
            raise Unplayable(f"{name}: {' '.join(error.messages)}") from None
    return found


def pairs(texts: Iterable[str]) -> list[tuple[str, str]]:
    for text in texts:
        if "=" not in text:
            raise Unplayable(f"{text!r} sets nothing. Say name=value.")
    return [tuple(text.split("=", 1)) for text in texts]
