"""A filled form is read as it was meant, whatever is written in it."""

import pytest
from tests.github_emulator import form

from stackyard.errors import Invalid
from stackyard.github.reading import lines_of, read_form, read_settings
from stackyard.patterns.parameters import Parameter

PARAMETERS = [Parameter("cpu", "number", 256), Parameter("image", "string", ""), Parameter("ports", "list", [])]


def test_answers_are_found_by_their_fields() -> None:
    filled = read_form(form(name="dev", expires="5").replace("\n", "\r\n"))
    assert filled is not None
    assert filled.form == "new"
    assert filled.answers["name"] == "dev"
    assert filled.answers["settings"] == ""


def test_a_heading_inside_the_last_field_is_a_part_of_it() -> None:
    filled = read_form(form(name="dev", settings="a = 1\n\n### Product\n\nother\n\n### Name of the environment\n\nx"))
    assert filled is not None
    assert filled.answers["name"] == "dev"
    assert filled.answers["product"] == "shop"
    assert "### Product" in filled.answers["settings"]


@pytest.mark.parametrize("body", ["", "Hello", "### Products\n\nshop", "Please\n\n### Product\n\nshop", "### Product"])
def test_what_no_form_made_is_none(body: str) -> None:
    assert read_form(body) is None


def test_a_body_without_end_is_refused() -> None:
    with pytest.raises(Invalid):
        read_form(form(settings="x" * 80_000))


def test_settings_are_typed_by_the_pattern() -> None:
    found, unset = read_settings(
        lines_of("```yaml\ncpu = 512\n# why\nimage = 123\nports=[443]\nunset image\nother = x\n```"), PARAMETERS
    )
    assert found == {"cpu": 512, "image": "123", "ports": [443], "other": "x"}
    assert unset == ("image",)


@pytest.mark.parametrize("line", ["cpu", "= 5", "cpu: 5"])
def test_a_line_that_is_no_setting_is_refused_at_its_field(line: str) -> None:
    with pytest.raises(Invalid) as error:
        read_settings([line], PARAMETERS)
    assert error.value.problems[0].field == "settings"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "[" * 10_000, "{"])
def test_a_value_that_is_none_stays_text(value: str) -> None:
    found, _ = read_settings([f"cpu = {value}"], PARAMETERS)
    assert isinstance(found["cpu"], str)
