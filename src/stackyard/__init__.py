"""Stackyard: AWS environments in one click, from your own Terraform design patterns."""

__version__ = "0.1.0"
