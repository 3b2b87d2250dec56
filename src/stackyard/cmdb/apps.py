from django.apps import AppConfig


class CmdbConfig(AppConfig):
    name = "stackyard.cmdb"
    label = "cmdb"
    verbose_name = "CMDB"

    def ready(self) -> None:
        """Its signals are heard from the first sign-in on."""
        from stackyard.cmdb import guessing  # noqa: F401
