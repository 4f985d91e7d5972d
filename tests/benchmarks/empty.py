"""The least that Django does through the same server: settings and addresses of one view that says "{}"."""

from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from labeling.settings import *  # noqa: F403

ROOT_URLCONF = __name__


@csrf_exempt
def empty(request):
    return HttpResponse("{}", content_type="application/json")


urlpatterns = [path("empty/", empty)]
