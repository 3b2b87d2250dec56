"""What can go wrong, in words for the person who wrote the file.

HclError
├── HclSyntaxError        the text is not HCL; shown like Terraform's own diagnostics
├── PathError             a path does not lead to one place
│   ├── PathNotFound      nothing is there
│   ├── PathAmbiguous     more than one place is meant; the message names all of them
│   └── PathOpaque        the way leads into an expression that only Terraform can work out
├── EditRefused           the edit would lose comments, or its result would not be HCL
└── ValueRefused          a Python value has no HCL form (NaN, infinity, an unknown type)
"""

import unicodedata

SNIPPET_WIDTH = 120


class HclError(Exception):
    """Base of all errors of this library."""


class PathError(HclError):
    """A path does not lead to one place."""


class PathNotFound(PathError):
    """Nothing is at this path."""


class PathAmbiguous(PathError):
    """The path leads to more than one place."""


class PathOpaque(PathError):
    """The path leads into, or the value lies in, an expression that only Terraform can work out."""


class EditRefused(HclError):
    """The edit would lose comments (pass `force=True` to accept that), or its result would not be HCL."""


class ValueRefused(HclError):
    """A Python value that has no HCL form."""


class HclSyntaxError(HclError):
    """The text is not HCL.

    `name` is the file's name, `line` and `column` count from 1 (column in characters), `byte` from 0;
    `summary` says what was found, `expected` what would have been right, `source_line` is the line itself.
    """

    def __init__(
        self, summary: str, *, expected: str, name: str, line: int, column: int, byte: int, source_line: str
    ) -> None:
        self.summary, self.expected, self.name = summary, expected, name
        self.line, self.column, self.byte, self.source_line = line, column, byte, source_line
        super().__init__(self.diagnostic())

    def diagnostic(self) -> str:
        """The message as Terraform would print it: where, the line with a caret, what was expected."""
        skipped = max(0, self.column - 1 - SNIPPET_WIDTH // 2)
        lead = "…" if skipped else ""
        snippet = _printable(self.source_line[skipped : skipped + SNIPPET_WIDTH])
        number = f"{self.line:>4}: "
        caret = " " * (len(number) + len(lead) + self.column - 1 - skipped) + "^"
        return (
            f"Error: {self.summary}\n\n  on {self.name} line {self.line}, column {self.column}:\n"
            f"{number}{lead}{snippet}\n{caret}\n{self.expected}"
        )


def _printable(text: str) -> str:
    """One column per character, without control characters and marks that turn the direction of the text."""
    return "".join(
        " " if c == "\t" else "\ufffd" if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else c for c in text
    )
