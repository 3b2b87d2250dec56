from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cmdb", "0005_keep_and_problems"),
    ]

    operations = [
        migrations.AddField(
            model_name="addresspool",
            name="full_below",
            field=models.BigIntegerField(default=0, editable=False),
        ),
        migrations.AddIndex(
            model_name="addressblock",
            index=models.Index(
                condition=models.Q(("released_at__isnull", True)),
                fields=["pool", "block"],
                name="held_blocks_in_order",
            ),
        ),
    ]
