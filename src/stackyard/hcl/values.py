"""HCL literals as Python values, and Python values as HCL text.

Strings are normalised to NFC, as Terraform does. Numbers become int, or float where that keeps every digit,
else Decimal.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias
from unicodedata import normalize

from stackyard.hcl.errors import ValueRefused
from stackyard.hcl.lexis import DIGITS, NAME, QUOTED_TEXT, SPACES, WIDE_ESCAPE, is_name
from stackyard.hcl.source import width

Number: TypeAlias = int | float | Decimal

MAX_DEPTH = 90
MAX_EXPONENT = 1_000_000_000
_PYTHON_INT_DIGITS = 4000
_KEYWORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_ESCAPED = re.compile(r"\$\$\{|%%\{|\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)")
_SHORT = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_TO_ESCAPE = re.compile(r'["\\\n\r\t]|[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]|[\u200b-\u200f\u202a-\u202e\u2066-\u2069]')
_LONG = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_BARE_KEY = re.compile(rf"({NAME})|{DIGITS.pattern}")


@dataclass(frozen=True, slots=True)
class Raw:
    """An expression as HCL text, to stand inside a value: `{"cpu": Raw("var.cpu")}`."""

    text: str


# From HCL


def literal_value(text: str) -> Any:
    """The value of a literal as it is written."""
    if text[0] == '"':
        return unquote(text)
    if text in _KEYWORDS:
        return _KEYWORDS[text]
    return _number(text)


def unquote(text: str) -> str:
    """The text of a quoted string that has no template sequences."""
    inner = text[1:-1]
    return nfc(_ESCAPED.sub(_unescaped, inner) if "\\" in inner or "{" in inner else inner)


def _unescaped(match: re.Match[str]) -> str:
    found = match[0]
    if found[0] != "\\":
        return found[1:]
    return _SHORT[found[1]] if len(found) == 2 else chr(int(found[2:], 16))


def nfc(text: str) -> str:
    """The text in normal form C."""
    return text if text.isascii() else normalize("NFC", text)


def escape_problem(text: str) -> tuple[int, str] | None:
    """Offset and rule of the first \\u or \\U that names no character."""
    for match in WIDE_ESCAPE.finditer(text):
        code = int(match[1] or match[2] or "0", 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            return match.start(), "Expected the number of a Unicode character."
    return None


def number_problem(text: str) -> str | None:
    """The rule that the digits of a number break, if any."""
    if not _NUMBER.fullmatch(text):
        return "Expected digits, at most one decimal point, at most one exponent."
    _, _, exponent = text.lower().partition("e")
    if len(exponent) > 11 or abs(int(exponent or 0)) > MAX_EXPONENT:
        return f"Expected an exponent of at most {MAX_EXPONENT}."
    return None


def _number(text: str) -> Number:
    compact = "".join(text.split())
    if compact.lstrip("-").isdigit() and len(compact) <= _PYTHON_INT_DIGITS:
        return int(compact)
    exact = Decimal(compact)
    near = float(exact)
    return near if math.isfinite(near) and Decimal(repr(near)) == exact else exact


def same_number(one: Number, two: Number) -> bool:
    """Whether two numbers are the same as HCL text: 0.1 and Decimal("0.1") are."""
    return _exact(one) == _exact(two)


def _exact(value: Number) -> int | Decimal:
    return Decimal(repr(value)) if isinstance(value, float) else value


def heredoc_value(text: str) -> str:
    """The text of a heredoc without template sequences, as it is written from `<<` to its end marker."""
    head, _, rest = text.partition("\n")
    body = rest[: rest.rfind("\n") + 1]
    if head.startswith("<<-"):
        body = "\n".join(_dedented(body.split("\n")))
    return nfc(body.replace("$${", "${").replace("%%{", "%{"))


def _dedented(lines: list[str]) -> list[str]:
    """Without the indentation that all lines share; blank lines neither count nor change."""
    indents = [len(line) - len(line.lstrip(SPACES)) for line in lines if line.strip(SPACES)]
    least = min(indents, default=0)
    return [line[least:] if line.strip(SPACES) else line for line in lines]


def _is_plain(text: str) -> bool:
    """Whether a quoted string, known to be HCL, has no template sequences."""
    match = QUOTED_TEXT.match(text, 1)
    return match is not None and match.end() == len(text) - 1


def key_value(text: str) -> str | None:
    """An object's key as text; None where it is an expression."""
    if text[0] == '"':
        return unquote(text) if _is_plain(text) else None
    match = _BARE_KEY.fullmatch(text)
    if match is None:
        return nfc(text) if is_name(text) else None
    return text if match[1] else str(_number(text))


# To HCL


def tokens_for_value(
    value: Any, *, newline: str = "\n", indent: str = "", one_line: bool = False, tall: bool = False
) -> str:
    """HCL text of a Python value, laid out as `terraform fmt` would.

    Takes str, bool, int, float, Decimal, None, and lists, tuples and mappings of these (keys are text). Objects
    stand on several lines, lists of scalars on one; `one_line` puts everything on one, `tall` a list on several.
    `indent` is the indentation of the line on which the value starts. Raises ValueRefused for anything else, NaN and
    infinity.
    """
    writer = _Writer(newline, one_line)
    if tall and value and isinstance(value, list | tuple):
        return writer.tall_tuple(value, indent, 0)
    return writer.write(value, indent, 0)


class _Writer:
    def __init__(self, newline: str, one_line: bool) -> None:
        self.newline, self.one_line = newline, one_line

    def write(self, value: Any, indent: str, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise ValueRefused(f"A value may be nested {MAX_DEPTH} deep at most.")
        if isinstance(value, Mapping):
            return self.object_text(value, indent, depth)
        if isinstance(value, list | tuple):
            return self.tuple_text(value, indent, depth)
        return scalar_tokens(value)

    def tuple_text(self, value: list[Any] | tuple[Any, ...], indent: str, depth: int) -> str:
        if self.one_line or not any(isinstance(item, Mapping | list | tuple) and item for item in value):
            return f"[{', '.join(self.write(item, indent, depth + 1) for item in value)}]"
        return self.tall_tuple(value, indent, depth)

    def tall_tuple(self, value: list[Any] | tuple[Any, ...], indent: str, depth: int) -> str:
        """One element per line."""
        inner = indent + "  "
        lines = "".join(f"{inner}{self.write(item, inner, depth + 1)},{self.newline}" for item in value)
        return f"[{self.newline}{lines}{indent}]"

    def object_text(self, value: Mapping[Any, Any], indent: str, depth: int) -> str:
        if not value:
            return "{}"
        inner = indent + "  "
        pairs = [(key_tokens(key), self.write(item, inner, depth + 1)) for key, item in value.items()]
        if len({nfc(key) for key in value}) < len(value):
            raise ValueRefused("Two keys of a map are the same text to Terraform.")
        if self.one_line:
            return f"{{ {', '.join(f'{key} = {item}' for key, item in pairs)} }}"
        return f"{{{self.newline}{self._aligned(pairs, inner)}{indent}}}"

    def _aligned(self, pairs: list[tuple[str, str]], indent: str) -> str:
        """The equals signs of neighbouring one-line items stand below each other."""
        lines, group = [], []
        for key, item in [*pairs, ("", "\n")]:
            if "\n" not in item:
                group.append((key, item))
                continue
            widest = max((width(k) for k, _ in group), default=0)
            lines += [f"{indent}{k}{' ' * (widest - width(k))} = {i}{self.newline}" for k, i in group]
            group = []
            if key:
                lines.append(f"{indent}{key} = {item}{self.newline}")
        return "".join(lines)


def scalar_tokens(value: Any) -> str:
    """HCL text of one scalar."""
    if isinstance(value, str):
        return quote(value)
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, int):
        return format(Decimal(value), "f")
    if isinstance(value, float | Decimal):
        if not (value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)):
            raise ValueRefused("HCL has no NaN and no infinity.")
        return _digits(value)
    raise ValueRefused(f"A value of type {type(value).__name__} has no HCL form.")


def _digits(value: float | Decimal) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)
    if abs(value.adjusted()) > MAX_EXPONENT // 2:
        raise ValueRefused("This number is too large or too small for HCL.")
    return str(value)


def quote(text: str) -> str:
    """A quoted HCL string that means exactly `text` (in NFC), whatever is in it.

    Control characters and marks that turn the direction of text are written as escapes, so that they can be seen.
    Raises ValueRefused for text that is not Unicode (lone surrogates).
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueRefused("Text with lone surrogates is not Unicode; HCL cannot hold it.") from None
    escaped = _TO_ESCAPE.sub(lambda match: _LONG.get(match[0]) or f"\\u{ord(match[0]):04x}", nfc(text))
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'


def heredoc_tokens(value: str, old: str, newline: str) -> str | None:
    """`value` as a heredoc like `old` (its marker, its indentation), or None where a heredoc cannot mean it."""
    head, _, _ = old.partition("\n")
    last = old[old.rfind("\n") + 1 :]
    marker = last.strip()
    indent = last[: len(last) - len(last.lstrip())] + "  " if head.startswith("<<-") else ""
    lines = value.replace("${", "$${").replace("%{", "%%{").split("\n")
    if newline != "\n" or lines.pop() != "" or any(line.strip() == marker for line in lines):
        return None
    text = "\n".join([head, *(indent + line if line else line for line in lines), last])
    try:
        text.encode()
    except UnicodeEncodeError:
        return None
    return text if "\r" not in text and heredoc_value(text) == nfc(value) else None


def key_tokens(key: Any, *, quoted: bool = False) -> str:
    """An object's key: bare where it can be, quoted where it must (or shall) be."""
    if not isinstance(key, str):
        raise ValueRefused(f"A key of a map is text, not {type(key).__name__}.")
    if quoted or key == "for" or key in _KEYWORDS or not (key.isascii() and is_name(key)):
        return quote(key)
    return key
