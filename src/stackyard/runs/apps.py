from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "stackyard.runs"
    label = "runs"
