"""What was known when there was one repository of issues is known as that repository's afterwards."""

from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from stackyard.settings import get_settings

BEFORE, AFTER = [("cmdb", "0013_pull_comments")], [("cmdb", "0014_issues_per_sandbox")]


def moved_to(target: list[tuple[str, str]]) -> Any:
    """The tables as of a migration; its models."""
    executor = MigrationExecutor(connection)
    executor.migrate(target)
    return MigrationExecutor(connection).loader.project_state(target).apps


@pytest.mark.django_db(transaction=True)
def test_rows_get_the_repository_of_the_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "github_repository", "Acme/Environments")
    monkeypatch.setattr(get_settings(), "record_pull_requests", "acme/record")
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes("cmdb")
    try:
        apps = moved_to(BEFORE)
        apps.get_model("cmdb", "GithubCursor").objects.create(first_run=7, seen_run=9)
        for event in ("poll", "pull_comment"):
            apps.get_model("cmdb", "GithubDelivery").objects.create(guid=event, event=event, number=3)
        apps.get_model("cmdb", "GithubRequest").objects.create(key="issue:3", number=3, login="rika-gh")

        apps = moved_to(AFTER)
        assert apps.get_model("cmdb", "GithubCursor").objects.get().repository == "acme/environments"
        log = apps.get_model("cmdb", "GithubLog").objects.get()
        assert (log.first_run, log.seen_run) == (7, 9)
        found = dict(apps.get_model("cmdb", "GithubDelivery").objects.values_list("event", "repository"))
        assert found == {"poll": "acme/environments", "pull_comment": "acme/record"}
        assert apps.get_model("cmdb", "GithubRequest").objects.get().repository == "acme/environments"
        for model in ("GithubCursor", "GithubDelivery", "GithubRequest", "GithubLog"):
            apps.get_model("cmdb", model).objects.all().delete()
    finally:
        moved_to(newest)
