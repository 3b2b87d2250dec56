"""From text to tree, by recursive descent.

The parser reads the text itself, one pattern of `lexis` per step; there is no list of tokens. It keeps one
position, `at`. Between words it skips a gap; whether a line break ends an expression depends on where the
expression stands (`ends`: it does in a body and in an object, it does not inside brackets and templates).

Opaque expressions are checked to the last character, but leave no tree behind.
"""

from stackyard.hcl.errors import HclSyntaxError
from stackyard.hcl.lexis import (
    CALL,
    DIGITS,
    ELEMENT,
    END_OF_ITEM,
    FOR,
    ITEM,
    LABEL,
    NOT_UNICODE,
    OBJECT_ITEM,
    OPERATOR,
    SKIP_ANY,
    SKIP_SAME_LINE,
    STEP,
    STRING,
    WORD,
    is_name,
)
from stackyard.hcl.source import BOM, Source
from stackyard.hcl.templates import TemplateParser
from stackyard.hcl.tree import (
    Attribute,
    Block,
    Body,
    Expression,
    Literal,
    ObjectCons,
    ObjectItem,
    RawExpr,
    TupleCons,
)
from stackyard.hcl.values import number_problem, unquote

MAX_DEPTH = 100
_VALUE = "Expected a value: a string, a number, a reference, a call, or something in brackets."
_KEYWORDS = frozenset({"true", "false", "null"})


def parse(source: Source) -> Body:
    """The body of a whole file. Raises HclSyntaxError."""
    parser = Parser(source)
    if not source.text.isascii() and (broken := NOT_UNICODE.search(source.text)):
        raise parser.fail("Not UTF-8", "Expected text in UTF-8.", broken.start())
    try:
        return parser.file()
    except RecursionError:
        raise parser.too_deep() from None


class Parser(TemplateParser):
    """One pass over one text."""

    def __init__(self, source: Source) -> None:
        self.source, self.text = source, source.text
        self.at = 1 if source.text.startswith(BOM) else 0
        self.depth = 0

    # Steps

    def fail(self, summary: str, expected: str, at: int | None = None) -> HclSyntaxError:
        """The diagnostic at `at`, or at the next character."""
        at = self.at if at is None else at
        if at >= len(self.text):
            summary = f"{summary}: the file ends here"
        return self.source.fail(at, summary, expected)

    def too_deep(self) -> HclSyntaxError:
        return self.fail("Nested too deeply", f"Brackets, blocks and templates may lie {MAX_DEPTH} deep in each other.")

    def enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.too_deep()

    def skip(self, ends: bool = False) -> None:
        match = (SKIP_SAME_LINE if ends else SKIP_ANY).match(self.text, self.at)
        self.at = match.end() if match else self.at

    def next_is(self, word: str) -> bool:
        return self.text.startswith(word, self.at)

    def take(self, word: str) -> bool:
        """Step over `word` if it comes next."""
        if self.text.startswith(word, self.at):
            self.at += len(word)
            return True
        return False

    def name(self, summary: str, expected: str) -> str:
        match = WORD.match(self.text, self.at)
        if match is None or not is_name(match[0]):
            raise self.fail(summary, expected)
        self.at = match.end()
        return match[0]

    # Bodies

    def file(self) -> Body:
        body = self.body(0)
        if self.at < len(self.text):
            raise self.fail("Argument or block expected", "Expected the name of an argument or the type of a block.")
        return Body(self.source, 0, len(self.text), body.items, body._by_name)

    def body(self, start: int) -> Body:
        """Items up to something that is none; the caller checks that this is a brace or the end of the file."""
        text, source, item = self.text, self.source, ITEM.match
        items: list[Attribute | Block] = []
        by_name: dict[str, Attribute] = {}
        while match := item(text, self.at):
            self.at = match.end()
            kind = match.lastindex
            if kind is None:
                break
            begin = match.start(1 if kind < 4 else 4)
            if kind < 4:
                value: Expression = (Literal if kind == 2 else RawExpr)(source, match.start(kind), match.end(kind))
                attribute = Attribute(source, begin, match.end(kind), match[1], value)
            elif self.next_is("="):
                attribute = self.attribute(begin, match[4])
                self.end_of_item("argument")
            else:
                items.append(self.block(begin, match[4]))
                self.end_of_item("block")
                continue
            self.add(attribute, items, by_name)
        return Body(source, start, self.at, items, by_name)

    def add(self, attribute: Attribute, items: list[Attribute | Block], by_name: dict[str, Attribute]) -> None:
        if attribute.name in by_name:
            first = self.source.pos(by_name[attribute.name].start)
            raise self.fail(
                f"Argument `{attribute.name}` stands twice",
                f"It was already set on line {first.line}; an argument can be set once only.",
                attribute.start,
            )
        by_name[attribute.name] = attribute
        items.append(attribute)

    def attribute(self, begin: int, name: str) -> Attribute:
        """From the equals sign on."""
        if not is_name(name):
            raise self.fail("Not a name", "Expected a name made of letters, digits, `_` and `-`.", begin)
        if self.text[self.at + 1 : self.at + 2] in {"=", ">"}:
            raise self.fail("Argument or block expected", "Expected a single equals sign, or a block in braces.")
        self.at += 1
        self.skip(ends=True)
        value = self.expression(ends=True)
        return Attribute(self.source, begin, value.end, name, value)

    def end_of_item(self, kind: str) -> None:
        match = END_OF_ITEM.match(self.text, self.at)
        if match is None:
            self.skip(ends=True)
            raise self.fail(f"Line break missing after this {kind}", f"Expected the end of the line after the {kind}.")
        self.at = match.end()

    def block(self, begin: int, block_type: str) -> Block:
        """From the first label on."""
        if not is_name(block_type):
            raise self.fail("Not a name", "Expected a name made of letters, digits, `_` and `-`.", begin)
        labels = []
        while match := LABEL.match(self.text, self.at):
            labels.append(match[1] if match[1] is not None else unquote(match[2]))
            if match[1] is not None and not is_name(match[1]):
                raise self.fail("Not a name", "Expected a label: a name, or text in quotes.")
            self.at = match.end()
        if self.next_is('"'):
            labels.extend(self.quoted_label())
        if not self.next_is("{"):
            raise self.fail("Argument or block expected", "Expected `=` and a value, or labels and `{`.")
        self.enter()
        opened = self.at
        self.at += 1
        body = self.block_body(opened + 1)
        if not self.next_is("}"):
            raise self.fail(
                f"Block `{block_type}` of line {self.source.pos(begin).line} is not closed",
                "Expected an argument, a block, or `}`.",
            )
        self.at += 1
        self.depth -= 1
        return Block(self.source, begin, self.at, block_type, tuple(labels), body)

    def quoted_label(self) -> list[str]:
        """A label with escapes that the short cut does not know, and all labels after it."""
        node = self.quoted()
        if not isinstance(node, Literal):
            raise self.fail("A label cannot have template sequences", 'Write "$${" for "${" itself.', node.start)
        self.skip(ends=True)
        labels = [node.value]
        while match := LABEL.match(self.text, self.at):
            labels.append(match[1] if match[1] is not None else unquote(match[2]))
            self.at = match.end()
        return [*labels, *self.quoted_label()] if self.next_is('"') else labels

    def block_body(self, start: int) -> Body:
        """Several lines, or one argument on the line of the braces, or nothing."""
        self.skip(ends=True)
        if self.text[self.at : self.at + 1] in {"\n", "\r", "#", "}"} or self.next_is("//") or not self.text[self.at :]:
            body = self.body(start)
            return body
        begin = self.at
        name = self.name("Argument expected", "Expected one argument, or a line break after `{`.")
        self.skip(ends=True)
        if not self.next_is("="):
            raise self.fail("Argument expected", "A block on one line can hold a single argument only.")
        attribute = self.attribute(begin, name)
        self.skip(ends=True)
        if not self.next_is("}"):
            raise self.fail("Closing brace expected", "A block on one line holds one argument; expected `}` after it.")
        return Body(self.source, start, self.at, [attribute], {name: attribute})

    # Expressions

    def expression(self, ends: bool) -> Expression:
        """One expression; gaps before it are skipped by the caller, gaps after it stay."""
        start = self.at
        node = self.operand(ends)
        match = OPERATOR[ends].match(self.text, self.at)
        if match is None:
            return node
        while match:
            self.at = match.end()
            if match[1] == "?":
                self.enter()
                self.expression(ends)
                self.depth -= 1
                self.skip(ends)
                if not self.take(":"):
                    raise self.fail("Condition without its second half", "Expected `:` and a value, as in `a ? b : c`.")
                self.skip(ends)
            self.operand(ends)
            match = OPERATOR[ends].match(self.text, self.at)
        return RawExpr(self.source, start, self.at)

    def operand(self, ends: bool) -> Expression:
        """A term with its signs before and its steps (`.name`, `[…]`) after."""
        start = self.at
        signs = 0
        while self.text[self.at : self.at + 1] in {"-", "!"}:
            self.at += 1
            signs += 1
            self.skip(ends)
        term = self.term(ends)
        if self.steps(ends):
            return RawExpr(self.source, start, self.at)
        if signs:
            negative = signs == 1 and self.text[start] == "-" and self.text[term.start : term.start + 1].isdigit()
            return (Literal if negative else RawExpr)(self.source, start, self.at)
        return term

    def term(self, ends: bool) -> Expression:
        text, start = self.text, self.at
        char = text[start : start + 1]
        if char == '"':
            match = STRING.match(text, start)
            if match is None:
                return self.quoted()
            self.at = match.end()
            return Literal(self.source, start, self.at)
        if match := DIGITS.match(text, start):
            problem = number_problem(match[0])
            if problem:
                raise self.fail("Not a number", problem)
            self.at = match.end()
            return Literal(self.source, start, self.at)
        if char == "[":
            return self.tuple_cons()
        if char == "{":
            return self.object_cons()
        if char == "(":
            return self.parentheses()
        if char == "<":
            return self.heredoc()
        return self.word(ends)

    def word(self, ends: bool) -> Expression:
        start = self.at
        word = self.name("Value expected", _VALUE)
        call = CALL[ends].match(self.text, self.at)
        if call:
            self.at = call.end()
            self.arguments()
        elif word in _KEYWORDS:
            return Literal(self.source, start, self.at)
        return RawExpr(self.source, start, self.at)

    def steps(self, ends: bool) -> bool:
        """Whatever is reached from a term by dots and indices. Returns whether there was anything."""
        start, in_splat = self.at, False
        while match := STEP[ends].match(self.text, self.at):
            name, number, star, _, index = match.groups()
            if (name and not is_name(name)) or (number and "." in number) or (star and in_splat):
                raise self.fail("Not a step to an attribute", "Expected a name, an index in brackets, or one `*`.")
            self.at = match.end()
            in_splat = bool(star) or (in_splat and not match[0].endswith(("]", "[")))
            if index:
                self.enter()
                self.skip()
                self.expression(ends=False)
                self.close("]", "index")
        return self.at > start

    def parentheses(self) -> RawExpr:
        start = self.at
        self.enter()
        self.at += 1
        self.skip()
        self.expression(ends=False)
        self.close(")", "parenthesis")
        return RawExpr(self.source, start, self.at)

    def close(self, bracket: str, kind: str) -> None:
        self.skip()
        if not self.take(bracket):
            raise self.fail(f"This {kind} is not closed", f"Expected `{bracket}`.")
        self.depth -= 1

    def arguments(self) -> None:
        """After the opening parenthesis of a call."""
        self.enter()
        self.skip()
        while not self.next_is(")"):
            self.element()
            self.skip()
            if self.take("...") or not self.take(","):
                break
            self.skip()
        self.close(")", "call")

    def tuple_cons(self) -> Expression:
        start = self.at
        self.enter()
        self.at += 1
        if FOR.match(self.text, self.at):
            return self.for_expression(start, "]")
        items = []
        self.skip()
        while not self.next_is("]"):
            items.append(self.element())
            self.skip()
            if not self.take(","):
                break
            self.skip()
        self.skip()
        if not self.take("]"):
            raise self.fail("Comma missing between elements", "Expected `,` and a value, or `]`.")
        self.depth -= 1
        return TupleCons(self.source, start, self.at, items)

    def element(self) -> Expression:
        match = ELEMENT.match(self.text, self.at)
        if match and match.lastindex:
            kind = match.lastindex
            self.at = match.end(kind)
            return (Literal if kind == 1 else RawExpr)(self.source, match.start(kind), self.at)
        return self.expression(ends=False)

    def object_cons(self) -> Expression:
        start = self.at
        self.enter()
        self.at += 1
        if FOR.match(self.text, self.at):
            return self.for_expression(start, "}")
        items: list[ObjectItem] = []
        while True:
            match = OBJECT_ITEM.match(self.text, self.at)
            if match and match.lastindex:
                kind = match.lastindex
                self.at = match.end(kind)
                value: Expression = (Literal if kind == 2 else RawExpr)(self.source, match.start(kind), self.at)
                items.append(ObjectItem(self.source, match.start(1), self.at, match.end(1), value))
            else:
                self.skip()
                if self.next_is("}"):
                    break
                items.append(self.object_item())
            if not self.separator():
                break
        if not self.take("}"):
            raise self.fail("Separator missing between items", "Expected `,`, a line break, or `}`.")
        self.depth -= 1
        return ObjectCons(self.source, start, self.at, items)

    def object_item(self) -> ObjectItem:
        start = self.at
        self.expression(ends=True)
        key_end = self.at
        self.skip(ends=True)
        if not (self.next_is("=") or self.next_is(":")) or self.text[self.at + 1 : self.at + 2] in {"=", ">"}:
            raise self.fail("Item without a value", "Expected `=` (or `:`) and a value after the key.")
        self.at += 1
        self.skip(ends=True)
        value = self.expression(ends=True)
        return ObjectItem(self.source, start, self.at, key_end, value)

    def separator(self) -> bool:
        """Step over a comma or a line break. False if the object must end here."""
        self.skip(ends=True)
        if self.take(",") or self.text[self.at : self.at + 1] in {"\n", "#"} or self.next_is("//"):
            return True
        return self.next_is("\r\n")

    def for_expression(self, start: int, closing: str) -> RawExpr:
        """From the keyword `for` on."""
        self.skip()
        self.at += len("for")
        self.for_names()
        self.skip()
        self.expression(ends=False)
        self.skip()
        if not self.take(":"):
            raise self.fail("`for` without its result", "Expected `:` and a value, as in `for x in list : x`.")
        self.skip()
        self.expression(ends=False)
        self.skip()
        if closing == "}":
            if not self.take("=>"):
                raise self.fail("`for` in braces without a value", "Expected `=>` and a value after the key.")
            self.skip()
            self.expression(ends=False)
            self.skip()
            self.take("...")
            self.skip()
        word = WORD.match(self.text, self.at)
        if word and word[0] == "if":
            self.at = word.end()
            self.skip()
            self.expression(ends=False)
        self.close(closing, "`for` expression")
        return RawExpr(self.source, start, self.at)

    def for_names(self) -> None:
        """`x in` or `x, y in`, after the keyword."""
        self.skip()
        self.name("`for` without a name", "Expected a name, as in `for x in list`.")
        self.skip()
        if self.take(","):
            self.skip()
            self.name("`for` without its second name", "Expected a name, as in `for k, v in map`.")
            self.skip()
        word = WORD.match(self.text, self.at)
        if word is None or word[0] != "in":
            raise self.fail("`for` without `in`", "Expected `in` and a value, as in `for x in list`.")
        self.at = word.end()
