"""The repository of issues becomes a choice of each sandbox; what is known so far is of the installation's."""

from typing import Any

from django.db import migrations, models

from stackyard.settings import get_settings


def name_the_repository(apps: Any, schema_editor: Any) -> None:
    """Everything so far happened in the one repository that there was, and on pull requests of the record."""
    settings = get_settings()
    repository, record = settings.github_repository.lower(), settings.record_pull_requests.lower()
    for model in ("GithubIssue", "GithubDelivery", "GithubRequest", "GithubCursor"):
        apps.get_model("cmdb", model).objects.update(repository=repository)
    apps.get_model("cmdb", "GithubDelivery").objects.filter(event="pull_comment").update(repository=record)
    apps.get_model("cmdb", "GithubRequest").objects.exclude(pull=None).update(repository=record)
    for cursor in apps.get_model("cmdb", "GithubCursor").objects.all():
        apps.get_model("cmdb", "GithubLog").objects.create(first_run=cursor.first_run, seen_run=cursor.seen_run)


def repository(**more: Any) -> "models.CharField[str, str]":
    """The column."""
    return models.CharField(blank=True, max_length=140, **more)


class Migration(migrations.Migration):
    dependencies = [("cmdb", "0013_pull_comments")]

    operations = [
        migrations.AddField("sandbox", "issues", repository(default=""), preserve_default=False),
        migrations.AddField("historicalsandbox", "issues", repository(default=""), preserve_default=False),
        migrations.CreateModel(
            "GithubLog",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("first_run", models.BigIntegerField()),
                ("seen_run", models.BigIntegerField()),
            ],
        ),
        migrations.AddField("githubissue", "repository", repository(default=""), preserve_default=False),
        migrations.AddField("githubdelivery", "repository", repository(default=""), preserve_default=False),
        migrations.AddField("githubrequest", "repository", repository(default=""), preserve_default=False),
        migrations.AddField("githubcursor", "repository", repository(default=""), preserve_default=False),
        migrations.RunPython(name_the_repository, migrations.RunPython.noop),
        migrations.AlterField("githubcursor", "repository", models.CharField(max_length=140, unique=True)),
        migrations.RemoveField("githubcursor", "first_run"),
        migrations.RemoveField("githubcursor", "seen_run"),
        migrations.AlterField("githubissue", "number", models.PositiveIntegerField(blank=True, null=True)),
        migrations.AddConstraint(
            "githubissue",
            models.UniqueConstraint(fields=["repository", "number"], name="one_environment_per_issue"),
        ),
        migrations.AlterField("githubrequest", "key", models.CharField(max_length=60)),
        migrations.AddConstraint(
            "githubrequest", models.UniqueConstraint(fields=["repository", "key"], name="a_wish_counts_once")
        ),
    ]
