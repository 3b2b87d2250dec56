"""The words of HCL as regular expressions: the one place that knows characters.

Every repetition is possessive (`*+`), so that no text makes a match take more than linear time. Patterns that
end in a look-ahead are short cuts: they recognise the plain case of a construct in one step, and when they do
not match, the parser takes the long way. Short cuts know ASCII names only; the long way checks the others.

Source of the rules: HCL native syntax specification, and what Terraform accepts and refuses.
"""

import re
from unicodedata import category

NAME = r"[A-Za-z_][A-Za-z0-9_-]*+"
WIDE_NAME = r"(?:[A-Za-z_]|[^\x00-\x7f])(?:[A-Za-z0-9_-]|[^\x00-\x7f])*+"
INLINE_COMMENT = r"/\*(?s:.*?)\*/"
# Gaps are what lies between two words: SAME_LINE stops before a line break or a comment that runs to it.
SAME_LINE = rf"[ \t]*+(?:{INLINE_COMMENT}[ \t]*+)*+"
ANY_GAP = rf"(?:[ \t\n]++|\r\n|\#[^\n]*+|//[^\n]*+|{INLINE_COMMENT})*+"
LINE_END = r"(?=[ \t]*+(?:\r?\n|\#|//|\Z))"
PLAIN = r"[^\"\\$%\n\r\ud800-\udfff]*+"
# In these strings nothing has to be checked or undone but the five short escapes.
PLAIN_STRING = rf'"{PLAIN}(?:(?:\\["\\nrt]|[$%](?![{{$%])){PLAIN})*+"'
NUMBER = r"[0-9]++(?:\.*+(?:[eE][+-]?)?[0-9]++)*+"
PLAIN_NUMBER = r"-?[0-9]++(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]{1,8}+)?+"
CONSTANT = rf"({PLAIN_STRING}|{PLAIN_NUMBER}|true|false|null)"
REFERENCE = rf"({NAME}(?:\.{NAME}|\[[0-9]++\]|\[\*\])*+)"

# Halves of characters; U+DC80 to U+DCFF stand for bytes that are not UTF-8, which comments may have.
NOT_UNICODE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
SKIP_SAME_LINE = re.compile(SAME_LINE)
SKIP_ANY = re.compile(ANY_GAP)

# A body's next item. Groups: 1 name; 2 a constant or 3 a reference that is all of the argument's value.
ITEM = re.compile(
    rf"{ANY_GAP}(?:({NAME}){SAME_LINE}={SAME_LINE}(?:{CONSTANT}|{REFERENCE}){LINE_END}|({WIDE_NAME}){SAME_LINE})?+"
)
# An object's next item. Groups: 1 key; 2 and 3 as above.
OBJECT_ITEM = re.compile(
    rf"{ANY_GAP}(?:({NAME}|{PLAIN_STRING}){SAME_LINE}[=:]{SAME_LINE}(?:{CONSTANT}|{REFERENCE})"
    rf"(?={SAME_LINE}(?:[,}}\n\#]|\r\n|//)))?+"
)
# A tuple's or a call's next element. Groups 1 and 2: constant, reference.
ELEMENT = re.compile(rf"{ANY_GAP}(?:(?:{CONSTANT}|{REFERENCE})(?={ANY_GAP}[,\])]))?+")

WORD = re.compile(WIDE_NAME)
DIGITS = re.compile(NUMBER)
STRING = re.compile(PLAIN_STRING)
FOR = re.compile(rf"{ANY_GAP}for(?![A-Za-z0-9_-]|[^\x00-\x7f])")
LABEL = re.compile(rf"(?:({WIDE_NAME})|({PLAIN_STRING})){SAME_LINE}")
END_OF_ITEM = re.compile(rf"{SAME_LINE}(?:\r?\n|(?=\#|//)|\Z)")
_OPERATOR = r"(\|\||&&|[=!<>]=|[<>+\-*%?]|/(?![/*]))"
_STEP = rf"(?:\.{{gap}}(?:({WIDE_NAME})|({NUMBER})|(\*))|\[{{gap}}(\*){{gap}}\]|(\[))"
# Indexed by "does a line break end the expression?".
OPERATOR = tuple(re.compile(f"{gap}{_OPERATOR}{gap}") for gap in (ANY_GAP, SAME_LINE))
STEP = tuple(re.compile(gap + _STEP.replace("{gap}", gap)) for gap in (ANY_GAP, SAME_LINE))
CALL = tuple(re.compile(rf"(?:{gap}::{gap}({WIDE_NAME}))*+{gap}\(") for gap in (ANY_GAP, SAME_LINE))

HEREDOC = re.compile(rf"<<(-?)({WIDE_NAME})\r?\n")
_NO_TEMPLATE = r"\$\$\{|%%\{|[$%](?!\{)"
# What white space is at the ends of a heredoc's lines: Unicode's property, without Python's additions.
SPACES = " \t\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_ESCAPE = r'\\(?:["\\nrt]|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})'
QUOTED_TEXT = re.compile(rf'(?:[^"\\$%\n\r\ud800-\udfff]++|{_NO_TEMPLATE}|{_ESCAPE})*+')
HEREDOC_TEXT = re.compile(rf"(?:[^\n\r$%\ud800-\udfff]++|{_NO_TEMPLATE}|\r(?=\n))*+\n?")
WIDE_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|.)")
TEMPLATE_START = re.compile(r"[$%]\{~?")
TEMPLATE_END = re.compile(rf"{ANY_GAP}~?\}}")

# What can follow an item on its line: a comma (group 1) and comments.
AFTER = re.compile(rf"{SAME_LINE}(,?){SAME_LINE}(?:(?:\#|//)[^\n]*+)?")
COMMENT = re.compile(rf"\#[^\n]*+|//[^\n]*+|{INLINE_COMMENT}")


# Characters of names by general category, and the few that Unicode adds by hand (Other_ID_Start, Other_ID_Continue).
_STARTS = {"Lu", "Ll", "Lt", "Lm", "Lo", "Nl"}
_GOES_ON = _STARTS | {"Mn", "Mc", "Nd", "Pc"}
_MORE_STARTS = frozenset("_\u1885\u1886\u2118\u212e\u309b\u309c")
_MORE_GOES_ON = _MORE_STARTS | frozenset("-\u00b7\u0387\u19da") | frozenset(map(chr, range(0x1369, 0x1372)))


def is_name(text: str) -> bool:
    """Whether `text` can be written bare as the name of an argument, a block or an object's key."""
    if text.isascii():
        return WORD.fullmatch(text) is not None
    return (text[0] in _MORE_STARTS or category(text[0]) in _STARTS) and all(
        c in _MORE_GOES_ON or category(c) in _GOES_ON for c in text
    )
