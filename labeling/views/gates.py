"""Gates before a view: signed in, by the right method. Whoever is turned back reads a sentence that says what to do."""

from functools import wraps

from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.shortcuts import render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect


def signed_in(view):
    """Send a visitor to sign in and back to the page they saw; a fragment must not be replaced by a sign-in page."""

    @wraps(view)
    def gate(request, *args, **kwargs):
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        away = redirect_to_login(page_of(request))
        return HttpResponseClientRedirect(away.url) if request.htmx else away

    return gate


def page_of(request) -> str:
    """The page a request was made from, as far as one can tell: an address that only takes POST is no page."""
    if request.method in ("GET", "HEAD") and not request.htmx:
        return request.get_full_path()
    page = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or ""
    safe = url_has_allowed_host_and_scheme(page, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return page if safe else resolve_url("home")


def by(*methods: str):
    """Only these methods; any other gets 405 and a page that says so."""

    methods = (*methods, "HEAD") if "GET" in methods else methods

    def gated(view):
        @wraps(view)
        def gate(request, *args, **kwargs) -> HttpResponse:
            if request.method in methods:
                return view(request, *args, **kwargs)
            refusal = render(request, "405.html", status=405)
            refusal["Allow"] = ", ".join(methods)
            return refusal

        return gate

    return gated
