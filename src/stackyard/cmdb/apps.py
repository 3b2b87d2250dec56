from django.apps import AppConfig


class CmdbConfig(AppConfig):
    name = "stackyard.cmdb"
    label = "cmdb"
    verbose_name = "CMDB"
