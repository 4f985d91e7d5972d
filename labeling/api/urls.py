"""Every address of the API on one screen, with the methods it takes."""

from django.urls import path, re_path
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularJSONAPIView

from labeling.api import (
    acceptance,
    foretelling,
    items,
    loop,
    people,
    prices,
    projects,
    refusals,
    results,
    trials,
    work,
    workers,
)
from labeling.api.bodies import Files, JsonLines, JsonOrLines
from labeling.api.doors import Open, door

rows = (JsonOrLines, JsonLines, Files)
METHODS = ("get", "post", "put", "patch", "delete", "options")
nowhere = door(Open, **dict.fromkeys(METHODS, extend_schema(exclude=True)(refusals.unknown)))

urlpatterns = [
    path("schema/", SpectacularJSONAPIView.as_view(), name="api_schema"),
    path("token/", door(Open, post=people.token)),
    path("me/", door(get=people.me)),
    path("work/", door(get=work.waits)),
    path("payouts/", door(post=projects.pay_out)),
    path("projects/", door(get=projects.projects, post=projects.open_project)),
    path("projects/<slug:project>/", door(get=projects.project, patch=projects.change_project)),
    path("projects/<slug:project>/items/", door(get=items.items, post=items.add_items, parsers=rows)),
    path("projects/<slug:project>/members/", door(get=people.members, post=people.add_member)),
    path("projects/<slug:project>/members/<int:member>/", door(patch=people.change_role, delete=people.remove)),
    path("projects/<slug:project>/leave/", door(post=people.leave)),
    path("projects/<slug:project>/budget/", door(post=projects.fund)),
    path("projects/<slug:project>/budget/limit/", door(post=prices.limit_days)),
    path("projects/<slug:project>/prices/effect/", door(post=prices.effect)),
    path("projects/<slug:project>/earnings/", door(get=prices.earnings)),
    path("projects/<slug:project>/next/", door(post=work.next_query)),
    path("projects/<slug:project>/runs/", door(get=loop.runs, post=loop.request_run)),
    path("projects/<slug:project>/runs/<int:number>/", door(get=loop.run)),
    path("projects/<slug:project>/forecast/", door(get=foretelling.forecast)),
    path("projects/<slug:project>/acceptance/", door(get=acceptance.acceptance)),
    path("projects/<slug:project>/audits/", door(get=acceptance.audits, post=acceptance.begin_audit)),
    path("projects/<slug:project>/audits/more/", door(post=acceptance.audit_more)),
    path("projects/<slug:project>/audits/look/", door(post=acceptance.look_now)),
    path("projects/<slug:project>/audits/end/", door(post=acceptance.end_audit)),
    path("projects/<slug:project>/certificates/", door(get=acceptance.certificates)),
    path("projects/<slug:project>/trials/", door(get=trials.trials, post=trials.request_trial)),
    path("projects/<slug:project>/trials/<int:number>/", door(get=trials.trial, delete=trials.delete_trial)),
    path("projects/<slug:project>/refill/", door(post=loop.refill)),
    path("projects/<slug:project>/queries/", door(get=loop.queries)),
    path("projects/<slug:project>/queries/<int:query>/price/", door(get=prices.price)),
    path("projects/<slug:project>/consensus/", door(get=results.consensus)),
    path("projects/<slug:project>/agreement/", door(get=results.agreement)),
    path("projects/<slug:project>/workers/", door(get=workers.workers)),
    path("projects/<slug:project>/workers/invite/", door(post=workers.invite_workers)),
    path("projects/<slug:project>/workers/watch/", door(post=workers.watch)),
    path("projects/<slug:project>/workers/<int:worker>/", door(patch=workers.change_worker)),
    path("projects/<slug:project>/workers/<int:worker>/set-aside/", door(post=workers.set_aside)),
    path("projects/<slug:project>/workers/<int:worker>/let-go-on/", door(post=workers.let_go_on)),
    path("projects/<slug:project>/export/", door(get=results.export)),
    path("assignments/<int:assignment>/answer/", door(post=work.answer)),
    path("assignments/<int:assignment>/skip/", door(post=work.skip)),
    path("assignments/<int:assignment>/report/", door(post=work.report)),
    path("assignments/<int:assignment>/undo/", door(post=work.undo)),
    path("items/<int:item>/content/", door(get=items.item_content), name="api_item_content"),
    re_path("", nowhere),
]
