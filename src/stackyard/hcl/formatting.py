"""Layout of whole files that Stackyard writes itself."""

from stackyard.hcl.layout import Line, aligned_text, lines
from stackyard.hcl.parser import parse
from stackyard.hcl.source import BOM, Source

_STEP = "  "
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


def format(text: str) -> str:
    """Indent lines, set one space around `=`, and align as `terraform fmt` does; all else stays as it is.

    What `terraform fmt` leaves alone, this leaves alone too. Raises HclSyntaxError.
    """
    source = Source(text, "<text>")
    parse(source)
    spaced = Source(_spaced(source), source.name)
    return aligned_text(spaced)


def _spaced(source: Source) -> str:
    """Every line indented by its depth in brackets, without spaces at its end, with one space around its `=`."""
    text, pieces, at = source.text, [], 1 if source.text.startswith(BOM) else 0
    pieces.append(text[:at])
    open_lines: list[int] = []
    for line in lines(source, at, len(text)):
        if not line.words:
            continue
        start, end = line.words[0].start, line.words[-1].end
        net = _net(line)
        if net < 0:
            _close(open_lines, -net)
        pieces += [text[at:start].rstrip(" \t"), _STEP * len(open_lines), _words(text, line)]
        if net > 0:
            open_lines.append(net)
        at = end
    rest = text[at:]
    return "".join([*pieces, rest.lstrip(" \t") if rest.strip(" \t") else ""])


def _net(line: Line) -> int:
    """Brackets that a line opens, less those that it closes."""
    symbols = [word.text for word in line.words if word.kind == "symbol"]
    return sum(symbol in _OPENING for symbol in symbols) - sum(symbol in _CLOSING for symbol in symbols)


def _close(open_lines: list[int], count: int) -> None:
    """Go back by the lines whose brackets are closed."""
    while count > 0 and open_lines:
        if open_lines[-1] > count:
            open_lines[-1] -= count
            return
        count -= open_lines.pop()


def _words(text: str, line: Line) -> str:
    pieces, at = [], line.words[0].start
    sign = line.opens if line.assign is None else line.assign
    for index, word in enumerate(line.words):
        gap = text[at : word.start]
        if index and sign is not None and index in {sign, sign + 1}:
            gap = " "
        pieces += [gap, word.text]
        at = word.end
    return "".join(pieces)
