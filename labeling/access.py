"""Who may do what: the one place where pages and the API look up a role."""

from django.http import Http404

from labeling.models import Assignment, Item, Member, Project

Role = Member.Role
RUNS = (Role.OWNER, Role.ADMIN)  # may change the project
READS = (Role.OWNER, Role.ADMIN, Role.RESEARCHER)  # may see and export its results
ANY = tuple(Role)
RIGHTS = {
    Role.OWNER: "may do all that an admin may, and names and removes owners and admins",
    Role.ADMIN: "changes everything here, money included; invites, and removes workers and researchers",
    Role.RESEARCHER: "reads these pages and exports, changes nothing",
    Role.WORKER: "answers queries and is paid for it",
}
GIVES = {Role.OWNER: ANY, Role.ADMIN: (Role.ADMIN, Role.RESEARCHER, Role.WORKER)}
TAKES = {Role.OWNER: ANY, Role.ADMIN: (Role.RESEARCHER, Role.WORKER)}


def project_for(user, slug: str, roles=ANY) -> Project:
    """The project, if this user has one of these roles in it. To anybody else it does not exist."""
    projects = Project.objects.select_related("budget", "published").filter(slug=slug)
    if not user.is_superuser:
        projects = projects.filter(members__in=Member.objects.present().filter(user=user, role__in=roles))
    project = projects.distinct().first()
    if project is None:
        raise Http404(f"There is no project {slug!r} that you may see.")
    return project


def may(user, project: Project, roles=RUNS) -> bool:
    """Has this user one of these roles in the project?"""
    return user.is_superuser or project.members.present().filter(user=user, role__in=roles).exists()


def among(rights, user, project: Project) -> list[Role]:
    """The roles that this user may give (rights: GIVES) or take (TAKES) in the project, as one role or another."""
    held = project.members.present().filter(user=user).values_list("role", flat=True)
    mine = [Role.OWNER] if user.is_superuser else list(held)
    return [role for role in Role if any(role in rights.get(one, ()) for one in mine)]


def may_see(user, item: Item) -> bool:
    """Stored content is for those who run or study the project, and for workers who were asked about the item."""
    if user.is_superuser or Project.objects.of(user, *READS).filter(pk=item.project_id).exists():
        return True
    return Assignment.objects.filter(worker__user=user, worker__left=None, query__query_items__item=item).exists()


def worker_for(user, slug: str) -> Member:
    """This user as a worker of the project."""
    workers = Member.objects.workers().present().select_related("project__budget")
    worker = workers.filter(user=user, project__slug=slug).first()
    if worker is None:
        raise Http404(f"You are no worker of a project {slug!r}.")
    worker.user = user
    return worker


def assignment_for(user, pk: int) -> Assignment:
    """An assignment of this user with all that an answer touches, each row read once. Anybody else's does not exist."""
    rows = Assignment.objects.select_related("query", "worker__project__budget", "reservation")
    assignment = rows.filter(pk=pk, worker__user=user, worker__role=Role.WORKER, worker__left=None).first()
    if assignment is None:
        raise Http404(f"You have no assignment {pk}.")
    assignment.worker.user, assignment.query.project = user, assignment.worker.project
    return assignment
