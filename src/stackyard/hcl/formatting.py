"""Layout of whole files that Stackyard writes itself."""

from stackyard.hcl.layout import Line, aligned_text, lines
from stackyard.hcl.parser import parse
from stackyard.hcl.source import BOM, Source

_STEP = "  "
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


def format(text: str) -> str:
    """Indent lines, set one space around `=` and in the heads of blocks, and align, as `terraform fmt` does.

    The words inside an expression stay as they are. What `terraform fmt` leaves alone, this leaves alone too. Raises
    HclSyntaxError.
    """
    source = Source(text, "<text>")
    parse(source)
    spaced = Source(_spaced(source), source.name)
    return aligned_text(spaced)


def _spaced(source: Source) -> str:
    """Every line indented by its depth in brackets, without spaces at its end; alignment comes after this."""
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
        pieces += [_breaks(text[at:start]), _STEP * len(open_lines), _words(text, line)]
        if net > 0:
            open_lines.append(net)
        at = end
    return "".join([*pieces, _breaks(text[at:])])


def _breaks(gap: str) -> str:
    """The line breaks of a gap between two lines, without spaces before or between them."""
    return gap.replace(" ", "").replace("\t", "")


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
    sign = line.opens if line.assign is None else line.assign
    single = {sign, sign + 1} if sign is not None else set(range(1, _header(line) + 1))
    pieces, at = [line.words[0].text], line.words[0].end
    for index, word in enumerate(line.words[1:], start=1):
        pieces += [" " if index in single else text[at : word.start], word.text]
        at = word.end
    return "".join(pieces)


def _header(line: Line) -> int:
    """Which word is the brace after the type and the labels of a block; 0 if the line opens none."""
    for index, word in enumerate(line.words):
        if word.text == "{" and word.kind == "symbol":
            return index
        if word.kind != "word":
            return 0
    return 0
