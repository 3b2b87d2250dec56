"""What an executor uses in an account, and where the jobs of a run were done."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Two columns with defaults."""

    dependencies = [("cmdb", "0009_github")]

    operations = [
        migrations.AddField("sandbox", "executor_options", models.JSONField(blank=True, default=dict)),
        migrations.AddField("historicalsandbox", "executor_options", models.JSONField(blank=True, default=dict)),
        migrations.AddField("run", "builds", models.JSONField(default=list)),
    ]
