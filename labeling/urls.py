"""Every address on one screen."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from labeling.views import accounts, contents, projects, working

project = [
    path("", projects.detail, name="project"),
    path("loop/", projects.loop, name="project_loop"),
    path("forecast/", projects.forecast, name="project_forecast"),
    path("settings/", projects.settings, name="project_settings"),
    path("items/", projects.items, name="project_items"),
    path("people/", projects.people, name="project_people"),
    path("people/renewals/", projects.renewals, name="project_renewals"),
    path("people/agreement/", projects.agreement, name="project_agreement"),
    path("people/invite/", projects.invite, name="project_invite"),
    path("people/<int:member>/", projects.worker, name="project_worker"),
    path("people/<int:member>/role/", projects.member, name="project_member"),
    path("people/<int:member>/set-aside/", projects.set_aside, name="set_aside"),
    path("acceptance/", projects.acceptance, name="project_acceptance"),
    path("money/", projects.money, name="project_money"),
    path("prices/", projects.prices, name="project_prices"),
    path("prices/effect/", projects.price_effect, name="price_effect"),
    path("state/", projects.state, name="project_state"),
    path("retrain/", projects.retrain, name="project_retrain"),
    path("refill/", projects.refill, name="project_refill"),
    path("queries/", projects.queries, name="project_queries"),
    path("queries/<int:query>/", projects.query, name="project_query"),
    path("runs/<int:number>/", projects.run, name="project_run"),
    path("export/", projects.export, name="project_export"),
    path("trials/", projects.trials, name="project_trials"),
    path("trials/<int:trial>/", projects.trial, name="project_trial"),
    path("trials/<int:trial>/progress/", projects.progress, name="project_trial_progress"),
    path("trials/<int:trial>/delete/", projects.delete_trial, name="delete_trial"),
]
work = [
    path("", working.work, name="work"),
    path("next/", working.next_query, name="next_query"),
    path("undo/", working.undo, name="undo"),
    path("stop/", working.stop, name="stop"),
]
urlpatterns = [
    path("", accounts.home, name="home"),
    path("sign-in/", accounts.sign_in, name="sign_in"),
    path("sign-out/", LogoutView.as_view(), name="sign_out"),
    path("join/<str:token>/", accounts.join, name="join"),
    path("account/", accounts.account, name="account"),
    path("account/pay-out/", accounts.pay_out, name="pay_out"),
    path("account/password/", accounts.password, name="password"),
    path("work/<slug:slug>/", include(work)),
    path("assignments/<int:assignment>/answer/", working.answer, name="answer"),
    path("assignments/<int:assignment>/give-back/", working.give_back, name="give_back"),
    path("items/<int:item>/content/", contents.content, name="item_content"),
    path("leave/<slug:slug>/", projects.leave, name="leave_project"),
    path("projects/new/", projects.new, name="new_project"),
    path("projects/<slug:slug>/", include(project)),
    path("api/v1/", include("labeling.api.urls")),
    path("admin/", admin.site.urls),
]
# In JSON for the API, else the pages of these names in templates/.
handler400 = "labeling.api.refusals.bad_request"
handler404 = "labeling.api.refusals.not_found"
handler500 = "labeling.api.refusals.server_error"
