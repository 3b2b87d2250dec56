"""The settings of a pattern as a form: what is shown, and what comes back."""

from django.http import QueryDict

from stackyard.patterns.parameters import Parameter, check_settings
from stackyard.portal.forms.settings import changed_settings, parse_settings, settings_form

PARAMETERS = (
    Parameter("container.cpu", "number", 256, enum=(256, 512), group="container"),
    Parameter("container.port", "number", 8080, min=1, max=65535, group="container"),
    Parameter("container.environment", "map", {}, group="container"),
    Parameter("container.command", "list", [], group="container", advanced=True),
    Parameter("network.ports", "list", [443], group="network", advanced=True),
    Parameter("alarms.enabled", "bool", True, group="alarms"),
    Parameter("shell", "bool", False),
    Parameter("path", "string", "/", pattern="/.*"),
    Parameter("ratio", "number", 0.5),
    Parameter("fixed", "string", "as it is", locked=True),
    Parameter("internal", "string", "x", hidden=True),
)


def post(*pairs: tuple[str, str]) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, value in pairs:
        data.appendlist(f"settings.{name}", value)
    return data


def test_text_becomes_the_parameter_s_own_type() -> None:
    values, problems = parse_settings(
        PARAMETERS,
        post(
            ("container.cpu", "512"),
            ("container.port", " 9000 "),
            ("ratio", "0.25"),
            ("path", "/health"),
            ("container.command", "sh\r\n-c\r\n\r\nrun me\r\n"),
            ("network.ports", "443\n5432"),
            ("shell", "on"),
        ),
    )
    assert problems == []
    assert values["container.cpu"] == 512
    assert values["container.port"] == 9000
    assert values["ratio"] == 0.25
    assert values["container.command"] == ["sh", "-c", "run me"]
    assert values["network.ports"] == [443, 5432], "numbers, because the pattern's own are"
    assert values["shell"] is True


def test_an_absent_check_box_means_no() -> None:
    values, _ = parse_settings(PARAMETERS, post(("container.port", "8080")))

    assert values["alarms.enabled"] is False
    assert check_settings(PARAMETERS, values)["alarms.enabled"] is False


def test_what_cannot_be_typed_stays_text_for_the_rule_to_refuse() -> None:
    for text in ("", "lots", "1e999", "0x10", "1_000", "\u0661\u0662", "9" * 400, "nan", "1;2"):
        values, _ = parse_settings(PARAMETERS, post(("container.port", text)))
        assert values["container.port"] == text.strip()
        assert PARAMETERS[1].check(values["container.port"]) is not None


def test_rows_become_a_map_and_empty_rows_are_nothing() -> None:
    data = post()
    data.setlist("settings.container.environment:name", ["A", "", " B "])
    data.setlist("settings.container.environment:value", ["1", "", "two words"])

    values, problems = parse_settings(PARAMETERS, data)

    assert problems == []
    assert values["container.environment"] == {"A": "1", "B": "two words"}


def test_a_name_given_twice_is_a_problem_at_its_field() -> None:
    data = post()
    data.setlist("settings.container.environment:name", ["A", "A"])
    data.setlist("settings.container.environment:value", ["1", "2"])

    _, problems = parse_settings(PARAMETERS, data)

    assert [p.field for p in problems] == ["settings.container.environment"]


def test_locked_and_hidden_settings_cannot_be_sent() -> None:
    values, _ = parse_settings(PARAMETERS, post(("fixed", "mine"), ("internal", "mine")))

    assert "fixed" not in values
    assert "internal" not in values


def test_the_untouched_form_gives_the_pattern_s_own_values() -> None:
    form = settings_form(PARAMETERS)
    data = QueryDict(mutable=True)
    for group in (*form.groups, *form.advanced):
        for field in group.fields:
            if field.widget == "switch":
                if field.value:
                    data[field.name] = "on"
            elif field.widget != "rows":
                data[field.name] = field.value

    values, problems = parse_settings(PARAMETERS, data)

    assert problems == []
    assert check_settings(PARAMETERS, values) == {}


def test_posted_values_and_errors_are_kept_beside_their_fields() -> None:
    data = post(("container.port", "many"), ("container.cpu", "7"))
    form = settings_form(PARAMETERS, data, {"settings.container.port": "Must be a number."})

    fields = {f.parameter.path: f for group in form.groups for f in group.fields}
    assert (fields["container.port"].value, fields["container.port"].error) == ("many", "Must be a number.")
    assert fields["container.cpu"].value == "7"
    assert fields["alarms.enabled"].value is False
    assert "internal" not in fields


def test_groups_keep_the_order_of_the_pattern_and_advanced_ones_are_apart() -> None:
    form = settings_form(PARAMETERS)

    assert [g.title for g in form.groups] == ["Container", "Alarms", "General"]
    assert [g.title for g in form.advanced] == ["Container", "Network"]
    assert form.advanced_count == 2


def test_a_refused_advanced_field_is_not_folded_away() -> None:
    assert not settings_form(PARAMETERS).advanced_open
    assert settings_form(PARAMETERS, post(), {"settings.network.ports": "no"}).advanced_open


def test_left_empty_where_the_pattern_has_no_value_is_not_given() -> None:
    none = tuple(Parameter(kind, kind, None, nullable=True) for kind in ("string", "number", "bool", "list", "map"))

    values, problems = parse_settings(none, post(("string", ""), ("number", ""), ("list", "\r\n")))

    assert (values, problems) == ({}, [])
    assert parse_settings(none, post(("number", "0"), ("bool", "on")))[0] == {"number": 0, "bool": True}


def test_a_secret_is_never_sent_to_a_browser_and_kept_when_left_empty() -> None:
    secret = (Parameter("key", "string", None, secret=True, nullable=True),)
    (field,) = settings_form(secret, post(("key", "typed")), {"settings.key": "No."}).fields
    assert (field.widget, field.value, field.error) == ("password", "", "No.")
    assert parse_settings(secret, post(("key", ""))) == ({}, [])
    assert parse_settings(secret, post(("key", "new")))[0] == {"key": "new"}
    (field,) = settings_form(secret, current={"key": "known"}).fields
    assert field.value == ""
    assert changed_settings(secret, post(("key", "")), {"key": "known"}) == ({}, (), [])
    assert changed_settings(secret, post(("key", "new")), {"key": "known"})[0] == {"key": "new"}
