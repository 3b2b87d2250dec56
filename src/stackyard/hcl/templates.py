"""The part of the parser that reads strings: quoted, or as a heredoc, with `${…}` and `%{…}` in them."""

from stackyard.hcl.errors import HclSyntaxError
from stackyard.hcl.lexis import HEREDOC, HEREDOC_TEXT, QUOTED_TEXT, SPACES, TEMPLATE_END, TEMPLATE_START, WORD
from stackyard.hcl.source import Source
from stackyard.hcl.tree import Expression, Heredoc, Literal, Template
from stackyard.hcl.values import escape_problem

_ESCAPES = '\\n, \\r, \\t, \\", \\\\, \\uNNNN, \\UNNNNNNNN'
_KEYWORDS = "Expected one of if, else, endif, for, endfor."


class TemplateParser:
    """Quoted strings, heredocs and the template language; the rest is `Parser`."""

    source: Source
    text: str
    at: int
    depth: int

    def fail(self, summary: str, expected: str, at: int | None = None) -> HclSyntaxError:
        raise NotImplementedError

    def enter(self) -> None:
        raise NotImplementedError

    def skip(self, ends: bool = False) -> None:
        raise NotImplementedError

    def take(self, word: str) -> bool:
        raise NotImplementedError

    def for_names(self) -> None:
        raise NotImplementedError

    def expression(self, ends: bool) -> Expression:
        raise NotImplementedError

    def quoted(self) -> Expression:
        """A quoted string, from its opening quote."""
        start = self.at
        self.at += 1
        directives: list[str] = []
        plain = True
        while True:
            match = QUOTED_TEXT.match(self.text, self.at)
            assert match is not None
            if "\\" in match[0] and (problem := escape_problem(match[0])):
                raise self.fail("Not an escape sequence", problem[1], self.at + problem[0])
            self.at = match.end()
            if self.take('"'):
                break
            if not self.sequence(directives):
                raise self.unfinished(start)
            plain = False
        self.balanced(directives)
        return (Literal if plain else Template)(self.source, start, self.at)

    def unfinished(self, start: int) -> HclSyntaxError:
        char = self.text[self.at : self.at + 1]
        if char == "\\":
            return self.fail("Not an escape sequence", f"Expected one of {_ESCAPES}.")
        if "\ud800" <= char <= "\udfff":
            return self.fail("Not UTF-8", "Expected text in UTF-8.")
        line = self.source.pos(start).line
        return self.fail(
            f"The string of line {line} is not closed", 'Expected `"` on the same line; for more lines use a heredoc.'
        )

    def heredoc(self) -> Expression:
        """A heredoc, from its `<<`."""
        start = self.at
        match = HEREDOC.match(self.text, start)
        if match is None:
            raise self.fail("Value expected", "Expected a value; a heredoc is `<<MARKER` and text on the next line.")
        marker = match[2]
        self.at = match.end()
        directives: list[str] = []
        plain = True
        at_line_start = True
        while True:
            if at_line_start and self.ends_heredoc(marker):
                break
            piece = HEREDOC_TEXT.match(self.text, self.at)
            assert piece is not None
            self.at = piece.end()
            at_line_start = piece[0].endswith("\n")
            if at_line_start:
                continue
            if not self.sequence(directives):
                raise self.fail(
                    f"The heredoc of line {self.source.pos(start).line} is not closed",
                    f"Expected `{marker[:40]}` on a line of its own.",
                )
            plain = False
        self.balanced(directives)
        return Heredoc(self.source, start, self.at, marker, plain)

    def ends_heredoc(self, marker: str) -> bool:
        """Whether this line holds the marker alone; then step to its end, before the line break."""
        end = self.text.find("\n", self.at)
        if end < 0 or end - self.at < len(marker):
            return False
        end -= self.text[end - 1] == "\r"
        line = self.text[self.at : end]
        if line.strip(SPACES) != marker or "\r" in line:
            return False
        self.at = end
        return True

    def sequence(self, directives: list[str]) -> bool:
        """One `${…}` or `%{…}`, if it comes next."""
        match = TEMPLATE_START.match(self.text, self.at)
        if match is None:
            return False
        self.enter()
        self.at = match.end()
        self.skip()
        if match[0].startswith("$"):
            self.expression(ends=False)
        else:
            self.directive(directives)
        end = TEMPLATE_END.match(self.text, self.at)
        if end is None:
            self.skip()
            raise self.fail("Template sequence is not closed", "Expected `}` after the expression.")
        self.at = end.end()
        self.depth -= 1
        return True

    def directive(self, directives: list[str]) -> None:
        """What stands in `%{…}`. `directives` are the ones still open."""
        word = WORD.match(self.text, self.at)
        keyword = word[0] if word else ""
        opened = directives[-1] if directives else ""
        begin = self.at
        self.at += len(keyword)
        self.skip()
        if keyword == "if":
            self.expression(ends=False)
            directives.append("if")
        elif keyword == "for":
            self.for_names()
            self.skip()
            self.expression(ends=False)
            directives.append("for")
        elif keyword == "else" and opened == "if":
            directives[-1] = "else"
        elif (keyword == "endif" and opened in {"if", "else"}) or (keyword == "endfor" and opened == "for"):
            directives.pop()
        elif keyword in {"else", "endif", "endfor"}:
            raise self.fail(f"Unexpected `{keyword}` directive", "It has no open `if` or `for` before it.", begin)
        else:
            raise self.fail("Not a template directive", _KEYWORDS, begin)

    def balanced(self, directives: list[str]) -> None:
        if directives:
            kind = "for" if directives[-1] == "for" else "if"
            raise self.fail(f"Template directive `{kind}` is not closed", f"Expected `%{{ end{kind} }}` before this.")
