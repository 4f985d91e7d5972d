import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import RequestFactory

from rewards import ledger
from rewards.models import Account, Budget, Transfer


@pytest.fixture
def request_of_admin(db):
    request = RequestFactory().get("/")
    request.user = User.objects.create_superuser("root")
    return request


@pytest.mark.parametrize("model", [Budget, Account, Transfer])
def test_the_ledger_is_read_only_for_admins_too(request_of_admin, model):
    desk = admin.site._registry[model]
    assert desk.has_view_permission(request_of_admin)
    assert not desk.has_add_permission(request_of_admin)
    assert not desk.has_change_permission(request_of_admin)
    assert not desk.has_delete_permission(request_of_admin)


@pytest.mark.parametrize("model", [Budget, Account, Transfer])
def test_its_lists_and_pages_show_what_is_there(request_of_admin, model, budget, ada):
    ledger.post(ledger.reserve(budget, 10, "assignment:1"), ada, 10, "k")
    desk = admin.site._registry[model]
    listed = desk.changelist_view(request_of_admin).render().content.decode()
    newest = model.objects.latest("pk")
    page = desk.change_view(request_of_admin, str(newest.pk)).render().content.decode()
    assert "Birds" in listed and "Birds" in page
