"""The door for an ASGI server."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labeling.settings")
application = get_asgi_application()

from labeling.serving import guarded  # noqa: E402 - it reads models, which are there only now

application = guarded(application)
