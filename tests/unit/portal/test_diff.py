"""The difference of two files, as it is looked at."""

from stackyard.portal.diff import diff_of

BEFORE = "".join(f"line {i}\n" for i in range(1, 41))


def test_equal_files_have_no_lines() -> None:
    assert diff_of(BEFORE, BEFORE, "locals.tf").lines == ()


def test_numbers_and_signs_are_those_of_each_side() -> None:
    after = BEFORE.replace("line 5\n", "").replace("line 20\n", "line 20\nand one more\n")
    diff = diff_of(BEFORE, after, "locals.tf")
    assert (diff.added, diff.removed) == (1, 1)
    told = [(line.sign, line.old, line.new) for line in diff.lines if line.sign != " "]
    assert told == [("-", 5, None), ("+", None, 20)]
    assert [line.kind for line in diff.lines].count("gap") == 1
    assert len(diff.lines) == 3 + 1 + 3 + 1 + 3 + 1 + 3


def test_the_words_that_differ_are_marked() -> None:
    diff = diff_of("  cpu = 256 # small\n", "  cpu = 512 # small\n", "locals.tf")
    assert [[text for text, new in line.parts if new] for line in diff.lines] == [["256"], ["512"]]
    assert ["".join(text for text, _ in line.parts) for line in diff.lines] == [
        "  cpu = 256 # small",
        "  cpu = 512 # small",
    ]


def test_lines_that_have_nothing_in_common_are_not_marked_word_by_word() -> None:
    diff = diff_of("environment = {}\n", "}\n", "locals.tf")
    assert not any(new for line in diff.lines for _, new in line.parts)


def test_a_line_that_is_too_long_is_shown_as_it_is() -> None:
    diff = diff_of(f'a = "{"x " * 3000}"', f'a = "{"y " * 3000}"', "locals.tf")
    assert [len(line.parts) for line in diff.lines] == [1, 1]
