"""The worker's page as pressed without a browser."""

from django.urls import reverse

from labeling.models import Assignment

HTMX = {"HX-Request": "true"}


def page_of(project):
    return reverse("work", args=[project.slug])


def begin(browser, project):
    return browser.post(reverse("next_query", args=[project.slug]), headers=HTMX)


def press(browser, assignment, *, door="answer", htmx=True, **sent):
    return browser.post(reverse(door, args=[assignment.pk]), sent, headers=HTMX if htmx else {})


def text(response):
    return response.content.decode()


def held():
    return Assignment.objects.live().latest("pk")


def undo(browser, project, htmx=True):
    return browser.post(reverse("undo", args=[project.slug]), headers=HTMX if htmx else {})
