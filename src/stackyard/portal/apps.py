from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "stackyard.portal"
    label = "portal"
