"""The ledger for reading. It is written by the functions in ledger.py alone."""

from django.contrib import admin

from .models import Account, Budget, Transfer


class ReadOnly(admin.ModelAdmin):
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(Budget)
class BudgetAdmin(ReadOnly):
    list_display = ("name", "currency", "funded", "available", "reserved", "spent")
    fields = (
        "name", "currency", "created", "funded", "available", "reserved", "spent", "daily_limit", "day", "day_spent",
    )  # fmt: skip
    readonly_fields = ("funded", "available", "reserved", "spent")
    search_fields = ("name",)


@admin.register(Account)
class AccountAdmin(ReadOnly):
    list_display = ("budget", "role", "user", "balance")
    list_filter = ("role",)
    list_select_related = ("budget", "user")
    search_fields = ("user__username", "budget__name")


@admin.register(Transfer)
class TransferAdmin(ReadOnly):
    list_display = ("id", "created", "budget", "kind", "amount", "debit", "credit", "reference")
    list_filter = ("kind",)
    list_select_related = ("budget", "debit__budget", "debit__user", "credit__budget", "credit__user")
    ordering = ("-id",)
    search_fields = ("reference", "key", "credit__user__username", "debit__user__username", "budget__name")
