from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cmdb", "0012_github_edits"),
    ]

    operations = [
        migrations.AddField(
            model_name="pullrequest",
            name="read_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
