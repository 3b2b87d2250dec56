"""The catalogue, kept between requests: a pattern is read again when a file of it changed."""

from functools import cache
from typing import Any

from stackyard.cmdb.models import PatternVersion
from stackyard.errors import StackyardError
from stackyard.patterns.catalogue import Catalogue
from stackyard.settings import get_settings


@cache
def catalogue() -> Catalogue:
    """The catalogue of this process, for pages. Creation reads the pattern afresh."""
    return Catalogue.from_settings(get_settings())


def manifest_of(version: PatternVersion) -> dict[str, Any]:
    """The manifest that an environment was built with.

    The catalogue's own is preferred while it has that version, because PostgreSQL's jsonb does not keep the order of
    keys, and the order of outputs and components means something.
    """
    try:
        manifest = catalogue().get(version.name).manifest
    except StackyardError:
        return dict(version.manifest)
    return manifest.model_dump(mode="json") if manifest.version == version.version else dict(version.manifest)
