"""How a project begins and who comes in: opening, categories, invitations, roles."""

from collections import Counter
from datetime import datetime

from django.core import signing
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.text import slugify

from labeling import accepting, agreeing, entries, selecting
from labeling.models import Category, Consensus, Gold, Judgment, Member, Project, QueryCategory, invitation_key
from rewards import ledger
from rewards.models import Budget, Transfer

INVITATION_DAYS = 14


class Refused(Exception):
    """It cannot be done; the sentence says why, `field` which value is at fault."""

    def __init__(self, sentence: str, field: str | None = None):
        super().__init__(sentence)
        self.field = field


def open_project(user, *, name: str, categories: list[str] = (), currency: str = "points", **fields) -> Project:
    """A project with its owner, its categories and an empty budget. The owner has every right but answering."""
    name, currency = tidied(name, "name"), tidied(currency, "currency")
    if not name:
        raise Refused("A project needs a name.", "name")
    project = Project(name=name, **fields)
    check(project, Budget(name=name, currency=currency))
    if project.exclusive and len(categories) == 1:
        raise Refused("Where every item belongs to exactly one category, there are at least two.", "categories")
    with transaction.atomic():
        project.slug, project.budget = free_slug(name), ledger.open_budget(name, currency)
        project.save()
        Member.objects.create(project=project, user=user, role=Member.Role.OWNER)
        add_categories(project, categories)
    return project


def check(project: Project, budget: Budget) -> None:
    """What the fields say of themselves, said before the database says it. Instructions may still be written later."""
    cleaned(project.instructions, "instructions")
    try:
        project.full_clean(exclude=["slug", "budget", "instructions"])
        budget.clean_fields(exclude=["daily_limit", "day"])  # a new budget has neither
    except ValidationError as invalid:
        field, (sentence, *_) = next(iter(invalid.message_dict.items()))
        if field == NON_FIELD_ERRORS:
            raise Refused(sentence) from None
        raise Refused(f"{field.replace('_', ' ').capitalize()}: {sentence}", field) from None


def tidied(value: str, field: str) -> str:
    """Without superfluous blanks, composed (NFC), and such that every database can hold it."""
    return entries.tidy(cleaned(value, field))


def cleaned(value: str, field: str) -> str:
    try:
        return entries.clean(value, field)
    except entries.BadRow as reason:
        raise Refused(str(reason), field) from None


def free_slug(name: str) -> str:
    """The name as an address, numbered if it is taken."""
    stem = slugify(name)[:70] or "project"
    taken = {"new"}  # projects/new/ is the page that makes one
    taken.update(Project.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    return (
        stem
        if stem not in taken
        else next(f"{stem}-{n}" for n in range(2, len(taken) + 3) if f"{stem}-{n}" not in taken)
    )


def add_categories(project: Project, names: list[str]) -> list[Category]:
    """New categories at the end; each gets a column that was never used before."""
    names = category_names(names)
    try:
        with transaction.atomic():
            if names and project.exclusive:
                agreeing.forget_left_over(project)
            first, created = allot(project, columns=len(names)), timezone.now()
            if names:
                accepting.end(project, "Categories were added, which the audited run does not know.")
            return Category.objects.bulk_create(
                Category(project=project, name=name, column=first + at, created=created)
                for at, name in enumerate(names)
            )
    except IntegrityError:
        raise Refused("The project has a category of that name already.", "categories") from None


def category_names(names: list[str]) -> list[str]:
    """As an import would write them; raises Refused."""
    names = [tidied(str(name), "categories") for name in names]
    if not all(0 < len(name) <= entries.NAME for name in names):
        raise Refused(f"A category's name has 1 to {entries.NAME} characters.", "categories")
    if twice := next((name for name, times in Counter(names).items() if times > 1), None):
        raise Refused(f"The category {entries.shown(twice)} is named twice.", "categories")
    return names


def unused(categories: QuerySet[Category]) -> QuerySet[Category]:
    """Those of which nothing was said or asked yet."""
    for rows in (Gold, Consensus, Judgment, QueryCategory):
        categories = categories.exclude(Exists(rows.objects.filter(category=OuterRef("pk"))))
    return categories


def remove_category(category: Category) -> None:
    """Take out a category of which nothing was said or asked yet; its column is not reused. Raises Refused."""
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=category.project_id)
        if not unused(Category.objects.filter(pk=category.pk)).exists():
            raise Refused(f"The category {category.name!r} has been used, so it stays.", "categories")
        category.delete()


def allot(project: Project, **counts: int) -> int:
    """Take the next row or column numbers; returns the first. They are never given out again."""
    ((field, count),) = counts.items()
    locked = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    first = getattr(locked, field)
    Project.objects.filter(pk=project.pk).update(**{field: first + count})
    setattr(project, field, first + count)
    return first


def fund(project: Project, amount: int, now: datetime, key: str | None = None) -> Transfer:
    """Add to what may be spent; where few queries are left, more are chosen at once."""
    funded = ledger.fund(project.budget, amount, key=key)
    selecting.refill_if_low(project, now)
    return funded


def invitation(project: Project, role: str) -> str:
    """A token that lets whoever holds it join in this role, until it expires or the invitations are renewed."""
    return signing.dumps([project.pk, role, project.invitation_key], salt="invitation")


def renew_invitations(project: Project) -> None:
    """From now on no link given out before lets anybody in; who is in stays."""
    Project.objects.filter(pk=project.pk).update(invitation_key=invitation_key())


def invited(token: str) -> tuple[Project, str]:
    """The project and role of an invitation; raises Refused when it is not valid (any more)."""
    try:
        pk, role, key = signing.loads(token, salt="invitation", max_age=INVITATION_DAYS * 86_400)
        return Project.objects.get(pk=pk, invitation_key=key), Member.Role(role).value
    except (signing.BadSignature, Project.DoesNotExist, ValueError):
        raise Refused("This invitation is not valid any more. Ask the project's admin for a new link.") from None


def accept(user, project: Project, role: str) -> Member:
    """Join as invited. Raises Refused for whom others took the role from."""
    if project.members.filter(user=user, role=role, removed=True).exists():
        raise Refused("You were taken out of this project, so the link does not let you in. Its admin can.")
    return join(user, project, role)


def join(user, project: Project, role: str) -> Member:
    """Give this role; who had it before has it again."""
    member, _ = Member.objects.get_or_create(user=user, project=project, role=role)
    if Member.objects.exclude(left=None).filter(pk=member.pk).update(left=None, removed=False):
        member.refresh_from_db()
    return member
