"""The catalogue, kept between requests: a pattern is read again when a file of it changed."""

from functools import cache

from stackyard.patterns.catalogue import Catalogue
from stackyard.settings import get_settings


@cache
def catalogue() -> Catalogue:
    """The catalogue of this process, for pages. Creation reads the pattern afresh."""
    return Catalogue.from_settings(get_settings())
