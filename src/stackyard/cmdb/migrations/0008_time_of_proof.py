from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cmdb", "0007_deep_names"),
    ]

    operations = [
        migrations.AddField(
            model_name="environment",
            name="proven_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
