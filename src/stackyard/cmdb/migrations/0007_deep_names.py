from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cmdb", "0006_addresses_in_order"),
    ]

    operations = [
        migrations.AddField(
            model_name=name,
            name="deep_names",
            field=models.BooleanField(
                default=False,
                help_text="Host names may have more labels than the wildcard certificate covers; environments get their own.",
            ),
        )
        for name in ("sandbox", "historicalsandbox")
    ]
