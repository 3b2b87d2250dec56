"""What is HCL and what is not, as Terraform decides it; and what the tree says about what is."""

import pytest

from stackyard import hcl

ACCEPTED = [
    *("", "\n\n", "# c", "// c", "/**/ a = 1", "#c\r", "\ufeff", "\ufeffa=1", "a=1\r\nb=2", "a = 1 /* x\n */\nb = 2"),
    *("_a = 1", "a-=1", "a--b=1", "é = 1", "日本 = é.ü", "a·=1", "a = 01", "a = 1.foo", "a = foo.1e5", "a = - 5"),
    *("a = --1", "a = !-1", "a = f(x...)", "a = f(x ...\n)", "a = f(\n)", "a = f(1,\n)", "a = [1,]", "a=[1\n,2\n]"),
    *("a = provider::aws::arn_parse(x)", "a = a :: b(1)", "a = f (x)", "a = true(1)", "a=for", "a = null.foo"),
    *("a=x .y", "a=(x\n.\ny)", "a=x[\n0\n]", "a=x[ * ].y", "a=x.*[0]", "a=x[*].*", "a=x.*.y[0].*", "a=x.0.y.1"),
    *("a=1 - -2", "a=a?b?c:d:e", "a=a?b:c?d:e", "a=(a?\nb\n:\nc)", "a=(1\n+\n2)", "a=a<b>c", "a=1 // 2", "b {}"),
    *("b {a=1}", "b { # c\n}", "b { /* c */\n }", 'b "$${x}" {}', 'b "\\n" c {}', "b {\nc {}\n}"),
    *("b { a = [\n1\n] }", "a=1\na {}", "a = {null=1, true=2, 1.5=3, -1=4}", "a={a.b=1}", "a={f(x)=1}"),
    *("a={a:1,b=2}", "a={a ? b : c : d}", "a={a=1, for=2}", 'a={"for"=1}', "a={a=f(x) // note\nb=2}"),
    *("a={a=f(x) /* c */ }", "a={(a)=1}", 'a={"a${b}"=1}', "a={a=(1\n+2)}", "a={a=x[\n0]}"),
    *("a={\n# only\n// comments\n}", "a={a=1,\n\n}", "a=[for x in y : x if z]", "a={for x, w in y : x => w... if z}"),
    *("a=[for in in in : in]", "a={# c\nfor x in y : x=>x\n}", 'a="$${x}"', 'a="$$${"', 'a="%%{x}"', 'a="$"'),
    *('a="100%"', 'a="${~x~}"', 'a="${ x\n }"', 'a="${"${"x"}"}"', 'a="${{a=1\nb=2}}"', 'a="${a # c\n}"'),
    *('a="\\U00012345"', 'a="\x00\u2028\u202e"', "# \x00\u2028", 'a="%{if x}y%{else}z%{endif}"'),
    *('a="%{~ for x, y in z ~}w%{ endfor }"', 'a="%{ if a } ${b} %{ endif }"', "a=<<E\nE\n", "a=<<-E\nx\n  E\n"),
    *("a=<<E\nx\n\tE\t\n", "a=<<E\r\nx\r\nE\r\n", "a=<<é-1\nx\né-1\n", "a=<<E\n${x}E\nE\n", "a=<<E\nx\nE # no\nE\n"),
    *("a=<<E\n${<<F\nx\nF\n}\nE\n", "a=<<EE\nE\nEE\n", "a=[<<E\nx\nE\n,1]\n", "a={b=<<E\nx\nE\n}"),
    *("a=(<<E\nx\nE\n+ 1)", "a = x ? 1: <<E\nx\nE\n", 'a=<<E\n\\x " $ % $${ %%{\nE\n'),
    *(f"a=<<{'M' * 5000}\nx\n{'M' * 5000}\n",),
]
REFUSED = [
    *("a", "a=", "a==1", "a=1,", "a=1 b=2", "a=1\na=2", "b {\na=1\na=2\n}", '"a" = 1', "a.b = 1", "-a=1", "a² = 1"),
    *("a=1\rb=2", "a=1\x00", "a=1\u2028", "a=\u202e1", "a=\xa01", " \ufeffa=1", "a=1;", "a='x'", "a=`x`", "a=@"),
    *("a = .5", "a = 1.", "a = 1.2.3", "a=1e", "a = 1_0", "a = 0x10", "a=1e9999999999", "a=foo.0.1", "a=x.1y"),
    *("a=x.[0]", "a=x.*.*", "a=x[]", "a=x[0,1]", "a=x[*", "a=x\n.y", "a=foo\n[1]\n", "a=f\n(x)", "a=x.f(1)"),
    *("a=a::b", "a=a::1(1)", "a=+1", "a=1 +", "a=1+\n2", "a=a&b", "a=a|b", "a=a^b", "a=a=b", "a=a=>b", "a=a?b"),
    *("a=a?\nb:c", "a=-\n1", "a=()", "a=(1,2)", "a=[,]", "a=[1,,]", "a=[1 2]", "a=[1\n2]", "a=f(,)", "a=f(1 2)"),
    *("a=f(x..., )", "a = 1 /* x", "a={,}", "a={a=1,,}", "a={a=1 b=2}", "a={a=1\n,b=2}", "a={a\n=1}", "a={a=\n1}"),
    *("a={a}", "a={for = 1}", "a={a=b=c}", "a={a=>b}", "a={<<E\nx\nE\n=1}", "a={a=x\n[0]\n}"),
    *("a={a=1 /* c\n */ b=2}", "a=[for]", "a=[for, 1]", "a={for.x=1}", "a=[for x in y : x => x]"),
    *("a={for x in y : x}", "a=[for x in y : x...]", "a=[for x in y : x,]", "a=[for x y : x]", "b", "b\n{\n}"),
    *('b "x"', 'b "x" = 1', 'b "${x}" {}', 'b "\\q" {}', "b {", "}", "b {} c {}", "b {a=1\n}", "b {a=1, c=2}"),
    *("b {\na=1}", "b {c {}}", "b {a=<<E\nx\nE\n}", "a={b", "a={b=1", "a=[", "a=(", "a=x.", 'a="', 'a="x\n"'),
    *('a="\\x"', 'a="\\u12"', 'a="\\ud800"', 'a="\\U00110000"', 'a="${}"', 'a="${x"', 'a="${a b}"', 'a="${ ~x}"'),
    *('a="%{}"', 'a="%{foo}"', 'a="%{if x}"', 'a="%{endif}"', 'a="%{for x in y}%{endif}"', 'a="\ud800"'),
    *('a="%{if a}%{else}%{else}%{endif}"', 'a="%{endif x}"', "a=<<", "a=<<E", "a=<<E\n", "a=<<E\nx\nE"),
    *("a=<< E\nx\nE\n", 'a=<<"E"\nx\nE\n', "a=<<E \nx\nE\n", "a=<<E # c\nx\nE\n", "a=<<E\n${x\nE\n}\nE\n"),
    *("a=<<E\nx\ry\nE\n", "a=<<E\nx\nE\n.foo"),
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_terraform_accepts_is_accepted_and_kept(text: str) -> None:
    assert hcl.File.parse(text).text() == text


@pytest.mark.parametrize("text", REFUSED)
def test_what_terraform_refuses_is_refused(text: str) -> None:
    with pytest.raises(hcl.HclSyntaxError):
        hcl.File.parse(text)


@pytest.mark.parametrize(
    ("content", "accepted"),
    [(b"#\xff\n", True), (b'a="\xff"', False), (b"a=<<E\n\xff\nE\n", False), (b"\xff\xfea", False)],
)
def test_bytes_that_are_not_utf8_may_stand_in_comments_only(content: bytes, accepted: bool) -> None:
    if accepted:
        assert hcl.File.parse(content).bytes() == content
    else:
        with pytest.raises(hcl.HclSyntaxError):
            hcl.File.parse(content)


def test_a_diagnostic_says_where_and_what_was_expected() -> None:
    with pytest.raises(hcl.HclSyntaxError) as caught:
        hcl.File.parse("locals {\n  cpu = = 5\n}\n", "locals.tf")
    error = caught.value
    assert (error.name, error.line, error.column, error.byte) == ("locals.tf", 2, 9, 17)
    assert error.source_line == "  cpu = = 5"
    assert str(error).splitlines()[2:5] == ["  on locals.tf line 2, column 9:", "   2:   cpu = = 5", "              ^"]


def test_a_diagnostic_shows_no_mark_that_turns_the_text_and_little_of_a_long_line() -> None:
    with pytest.raises(hcl.HclSyntaxError) as caught:
        hcl.File.parse('a = "\u202e' + "x" * 1_000_000)
    shown = str(caught.value)
    assert "\u202e" not in shown
    assert len(shown) < 600


def test_the_tree_knows_kinds_labels_and_places() -> None:
    text = '# é\nb "l" m {\n  a = [1, { k : "é", t = "${x}" }]\n  h = <<-E\n    x\n    E\n  r = f(x)\n}\n'
    body = hcl.File.parse(text).body
    (block,) = body.blocks
    assert (block.type, block.labels) == ("b", ("l", "m"))
    tuple_, heredoc, raw = (attribute.expr for attribute in block.body.attributes)
    assert isinstance(tuple_, hcl.TupleCons)
    assert isinstance(heredoc, hcl.Heredoc)
    assert isinstance(raw, hcl.RawExpr)
    one, two = tuple_.items
    assert isinstance(one, hcl.Literal)
    assert isinstance(two, hcl.ObjectCons)
    assert [type(item.expr) for item in two.items] == [hcl.Literal, hcl.Template]
    end = two.items[0].range.end
    assert (end.byte, end.line, end.column) == (len(text[: text.index(", t")].encode()), 3, 20)


def test_columns_count_what_is_seen_and_bytes_what_is_stored() -> None:
    (attribute,) = hcl.File.parse('\ufeffa = "e\u0301" # x').body.attributes
    assert (attribute.range.start.byte, attribute.range.start.column) == (3, 1)
    assert (attribute.range.end.byte, attribute.range.end.column) == (12, 8)


def test_comments_above_and_beside_belong_to_a_value() -> None:
    text = """
# far away

# first line
// second line
a = {
  # about b
  b = 1, # beside b
  /* c has
   * two lines */
  c = [ # opening
    1,
  ]
  d = "# no comment"
} # end
"""
    comments = {hcl.format_path(path): a.comment for path, a in hcl.File.parse(text).attributes()}
    assert comments == {"a": "first line\nsecond line\nend"}
    leaves = {hcl.format_path(leaf.path): leaf.comment for leaf in hcl.leaves(hcl.File.parse(text))}
    assert leaves == {"a.b": "about b\nbeside b", "a.c": "c has\ntwo lines\nopening", "a.d": ""}


def test_leaves_are_the_constants_with_their_paths() -> None:
    text = """
locals {
  a = 1
  o = { x = null, (k) = 2, y = {} }
}
locals {
  b = [1, [2]]
  c = [1, var.x]
  d = var.y
}
m "x" {
  p {
    q = true
  }
  p {
    q = false
  }
}
"""
    found = {hcl.format_path(leaf.path): leaf.value for leaf in hcl.leaves(hcl.File.parse(text))}
    assert found == {
        "locals.a": 1,
        "locals.o.x": None,
        "locals.o.y": {},
        "locals.b": [1, [2]],
        "locals.c[0]": 1,
        "m.x.p[0].q": True,
        "m.x.p[1].q": False,
    }
    file = hcl.File.parse(text)
    assert all(file.get_value(hcl.parse_path(path)) == value for path, value in found.items())
