"""Somebody at work in a project, without a browser's window."""

import pytest

from tests.making import a_project, a_worker


@pytest.fixture
def project():
    return a_project(instructions="Listen to the whole piece.\nThen decide.")


@pytest.fixture
def worker(project):
    return a_worker(project)


@pytest.fixture
def browser(client, worker):
    client.force_login(worker.user)
    return client
