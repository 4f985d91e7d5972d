"""How a test visits a project's pages: with a client signed in, by the names of the addresses."""

from django.urls import reverse


def text(response) -> str:
    return response.content.decode()


def page(client, project, name="project", /, *args, **query):
    return client.get(reverse(name, args=[project.slug, *args]), query)


def post(client, project, name, /, *args, follow=False, **data):
    return client.post(reverse(name, args=[project.slug, *args]), data, follow=follow)
