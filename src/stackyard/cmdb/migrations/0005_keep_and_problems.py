from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cmdb", "0004_state_backend"),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="keep",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="run",
            name="problems",
            field=models.JSONField(default=list),
        ),
    ]
