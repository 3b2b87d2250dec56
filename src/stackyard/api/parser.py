"""Request bodies: JSON read strictly, with limits that keep whatever is sent from doing harm."""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from ninja.parser import Parser

from stackyard.errors import Invalid, shown
from stackyard.patterns.types import TOO_FINE, exact

MAX_DEPTH = 10
"""A wish has three levels; deeper nesting is a mistake or an attack on recursive code behind this door."""


class StrictJson(Parser):
    """JSON as RFC 8259 has it: no NaN, no name twice in an object, no lone surrogates, no deep nesting; and no number
    that would lose digits."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The body as Python values. Raises Invalid with the field, or RequestDataTooBig."""
        # Django looks at Content-Length only, which a chunked request does not have.
        if len(request.body) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0):
            raise RequestDataTooBig
        try:
            value = json.loads(
                request.body, parse_float=exact, parse_constant=_no_constant, object_pairs_hook=_each_name_once
            )
        except RecursionError:
            raise Invalid.field("body", f"Is nested more than {MAX_DEPTH} levels deep.") from None
        except UnicodeDecodeError:
            raise Invalid.field("body", "Is not UTF-8.") from None
        except json.JSONDecodeError as error:
            message = f"Is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
            raise Invalid.field("body", message) from None
        except ValueError:  # an integer of more digits than Python converts
            raise Invalid.field("body", "Holds a number that is too large.") from None
        _check(value)
        return value


def _no_constant(name: str) -> NoReturn:
    raise Invalid.field("body", f"Is not JSON: {name} is not a number there.")


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise Invalid.field(shown(name), "Is given twice.")
        result[name] = value
    return result


def _check(value: Any) -> None:
    """Refuse what no part behind can hold. A loop, not recursion: depth is what is being checked."""
    waiting: list[tuple[str, int, Any]] = [("", 0, value)]
    while waiting:
        path, depth, item = waiting.pop()
        if depth > MAX_DEPTH:
            raise Invalid.field("body", f"Is nested more than {MAX_DEPTH} levels deep.")
        if isinstance(item, str):
            _check_text(path, item)
        if isinstance(item, Decimal):
            raise Invalid.field(shown(path, 120) or "body", TOO_FINE)
        children: Iterable[tuple[Any, Any]] = ()
        if isinstance(item, dict):
            children = item.items()
        elif isinstance(item, list):
            children = enumerate(item)
        for key, child in children:
            _check_text(path, str(key))
            waiting.append((f"{path}.{key}" if path else str(key), depth + 1, child))


def _check_text(path: str, text: str) -> None:
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise Invalid.field(shown(path, 120) or "body", "Holds half of a surrogate pair, which is not a character.")
