"""What must hold before anything serves: the ledger's guards.

Neither web servers nor clusters run Django's checks of the database by themselves.
"""

from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from rewards import guards


def guarded(application):
    """The application, if the ledger's guards are in place; else ImproperlyConfigured says what to do."""
    with ThreadPoolExecutor(1) as thread:  # an ASGI server imports within its event loop, where Django refuses to query
        thread.submit(require_guards).result()
    return application


def require_guards() -> None:
    """Leaves no connection open: what is asked here forks."""
    try:
        guards.require()
    finally:
        connections.close_all()
