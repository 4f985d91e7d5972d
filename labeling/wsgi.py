"""The door for a WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labeling.settings")
application = get_wsgi_application()

from labeling.serving import guarded  # noqa: E402 - it reads models, which are there only now

application = guarded(application)
