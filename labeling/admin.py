"""The house for support staff to look into. Its rows are written by the flows; only members are let in from here."""

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm

from labeling.guarding import Guarded
from labeling.models import (
    Assignment,
    Audit,
    Category,
    Certificate,
    Consensus,
    Gold,
    Item,
    Judgment,
    Member,
    Project,
    Query,
    Refit,
    Reliability,
    Report,
    Suspicion,
    TrainingRun,
)
from rewards.admin import ReadOnly


class CategoryLines(admin.TabularInline):
    model = Category
    fields = ("name", "description", "column")
    extra = 0

    def has_add_permission(self, request, obj=None):
        return False

    has_change_permission = has_delete_permission = has_add_permission


@admin.register(Project)
class ProjectAdmin(ReadOnly):
    """Superusers change a project on its own pages, where what belongs together is checked together."""

    list_display = ("name", "slug", "media", "exclusive", "state", "classifier", "published", "created")
    list_filter = ("state", "media", "classifier")
    list_select_related = ("published__project",)
    search_fields = ("name", "slug")
    inlines = (CategoryLines,)
    view_on_site = False


@admin.register(Member)
class MemberAdmin(ReadOnly):
    list_display = ("user", "project", "role", "rating", "agreed", "judged", "paused", "set_aside", "joined")
    list_filter = ("role", "set_aside")
    list_select_related = ("user", "project")
    search_fields = ("user__username", "project__name", "project__slug")
    autocomplete_fields = ("user", "project")

    def has_add_permission(self, request):
        return admin.ModelAdmin.has_add_permission(self, request)

    def get_fields(self, request, obj=None):
        return ("project", "user", "role") if obj is None else super().get_fields(request, obj)


@admin.register(Item)
class ItemAdmin(ReadOnly):
    list_display = ("identifier", "project", "row", "withdrawn", "created")
    list_filter = ("withdrawn",)
    list_select_related = ("project",)
    search_fields = ("=identifier", "=project__slug")
    ordering = ("-id",)


@admin.register(Gold)
class GoldAdmin(ReadOnly):
    list_display = ("item", "category", "degree")
    list_select_related = ("item", "category")
    search_fields = ("=item__identifier",)
    ordering = ("-id",)


@admin.register(Query)
class QueryAdmin(ReadOnly):
    list_display = ("id", "project", "kind", "purpose", "state", "value", "asked", "wanted", "given_back", "reason")
    list_filter = ("state", "purpose", "kind")
    list_select_related = ("project",)
    search_fields = ("=project__slug", "=id")
    ordering = ("-id",)


@admin.register(Assignment)
class AssignmentAdmin(ReadOnly):
    list_display = ("id", "query", "worker", "state", "reward", "paid", "offered", "expires", "finished", "reason")
    list_filter = ("state", "reason")
    list_select_related = ("query", "worker__user")
    search_fields = ("=worker__user__username", "=query__id")
    ordering = ("-id",)


@admin.register(Judgment)
class JudgmentAdmin(ReadOnly):
    list_display = ("id", "worker", "item", "category", "degree", "created", "replaced")
    list_select_related = ("worker__user", "item", "category")
    search_fields = ("=worker__user__username", "=item__identifier")
    ordering = ("-id",)


@admin.register(Consensus)
class ConsensusAdmin(ReadOnly):
    list_display = ("item", "category", "degree", "error", "posterior", "judgments", "agreed", "source")
    list_filter = ("source",)
    list_select_related = ("item", "category")
    search_fields = ("=item__identifier",)
    ordering = ("-id",)


@admin.register(Reliability)
class ReliabilityAdmin(ReadOnly):
    list_display = ("worker", "kind", "rating", "error", "judged", "copies")
    list_filter = ("kind",)
    list_select_related = ("worker__user",)
    search_fields = ("=worker__user__username",)


@admin.register(Refit)
class RefitAdmin(ReadOnly):
    list_display = ("project", "made", "run", "judgments", "blend")
    list_select_related = ("project", "run")
    search_fields = ("=project__slug",)


@admin.register(Audit)
class AuditAdmin(ReadOnly):
    list_display = ("project", "run", "state", "share", "confidence", "lead", "size", "wanted", "looks", "begun")
    list_filter = ("state",)
    list_select_related = ("project", "run__project")
    search_fields = ("=project__slug",)


@admin.register(Certificate)
class CertificateAdmin(ReadOnly):
    list_display = (
        "project",
        "run",
        "threshold",
        "accepted",
        "audited",
        "wrong",
        "bound",
        "share",
        "made",
        "withdrawn",
    )
    list_select_related = ("project", "run__project")
    search_fields = ("=project__slug",)


@admin.register(Suspicion)
class SuspicionAdmin(ReadOnly):
    list_display = ("worker", "reason", "odds", "figures", "raised")
    list_filter = ("reason",)
    list_select_related = ("worker__user",)
    search_fields = ("=worker__user__username",)


@admin.register(Report)
class ReportAdmin(ReadOnly):
    list_display = ("item", "worker", "note", "created")
    list_select_related = ("item", "worker__user")
    search_fields = ("=item__identifier", "=worker__user__username")
    ordering = ("-id",)


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnly):
    list_display = (
        "project",
        "number",
        "state",
        "classifier",
        "attempt",
        "progress",
        "requested",
        "finished",
        "message",
    )
    list_filter = ("state", "classifier")
    list_select_related = ("project",)
    search_fields = ("=project__slug",)
    ordering = ("-id",)


class SignInForm(Guarded, AdminAuthenticationForm):
    """The same name and password as on the site's own page, tried as often."""


admin.site.login_form = SignInForm
