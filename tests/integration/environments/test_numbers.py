"""A number that somebody sets is, to Terraform, the number that was written: through API, rows and code."""

import json
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from tests.factories import Organisation, make_organisation
from tests.integration.api.conftest import caller
from tests.integration.portal.site import keep, ready

from stackyard.cmdb.models import Environment, Run
from stackyard.environments import change as changes
from stackyard.patterns.catalogue import Catalogue
from stackyard.patterns.workspace import fill_interface
from stackyard.runs.filling import filling_of
from stackyard.runs.interface import Interface
from stackyard.runs.wish import Wish
from stackyard.settings import get_settings

NUMBERS = [
    *("0.1", "1e3", "-2.50", "12345678901234567890", "-12345678901234567890", "9007199254740993", "1e-7", "1e29"),
    *("0.30000000000000004", "1.7976931348623157e29", "100", "0.0"),
]
BY_NAME = {f"N{i}": Decimal(number) for i, number in enumerate(NUMBERS)}
# As it is written, which `json.dumps` would not do.
AS_JSON = ", ".join(f'"N{i}": {number}' for i, number in enumerate(NUMBERS))

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="needs terraform on PATH")


@pytest.fixture
def org(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Organisation:
    monkeypatch.setattr(get_settings(), "data", tmp_path)
    return make_organisation()


def as_terraform_reads(code: bytes, folder: Path) -> dict[str, Decimal]:
    """The numbers in `container.environment` of an interface file, as Terraform itself evaluates them."""
    folder.mkdir()
    (folder / "locals.tf").write_bytes(code)
    asked = b"jsonencode({for k, v in local.container.environment : k => v})\n"
    argv = ["terraform", "console", "-no-color"]
    done = subprocess.run(argv, cwd=folder, input=asked, capture_output=True, check=True)
    found: dict[str, Decimal] = json.loads(json.loads(done.stdout), parse_float=Decimal, parse_int=Decimal)
    return found


def test_a_number_is_to_terraform_what_was_written(org: Organisation, tmp_path: Path) -> None:
    rika = caller(org.requester)
    wish = {"product": "shop", "pattern": "ecs-service", "name": "dev", "settings": {"container.environment": {}}}
    body = json.dumps(wish).replace("{}", f"{{{AS_JSON}}}").encode()
    created = rika.ask("POST", "/environments", body)
    assert created.status_code == 202, created.content
    env = Environment.objects.get()
    pattern = Catalogue.from_settings().get("ecs-service")
    code = fill_interface(pattern, filling_of(env, get_settings()), env.settings)
    assert as_terraform_reads(code, tmp_path / "new") == BY_NAME

    ready(Run.objects.get())
    Environment.objects.update(settings={})
    keep(Environment.objects.get(), tmp_path)
    env = Environment.objects.get()
    interface = Interface.of(env.pattern, get_settings())
    accepted = rika.ask(
        "POST", "/environments/shop-dev/change", f'{{"set": {{"container.environment": {{{AS_JSON}}}}}}}'.encode()
    )
    assert accepted.status_code == 202, accepted.content
    asked = Wish.from_dict(Run.objects.get(kind="change").request)
    edited = interface.edited(changes.recorded_interface(env), asked, filling_of(env, get_settings()))
    assert edited.problems == ()
    assert as_terraform_reads(edited.text, tmp_path / "changed") == BY_NAME
    again = interface.edited(edited.text, asked, filling_of(env, get_settings()))
    assert (again.touched, again.text) == (False, edited.text), "what is read back is what was set"


def test_a_number_in_the_record_that_no_row_keeps_stays_there_as_it_is(org: Organisation, tmp_path: Path) -> None:
    rika = caller(org.requester)
    rika.ask("POST", "/environments", {"product": "shop", "pattern": "ecs-service", "name": "dev"})
    ready(Run.objects.get())
    env = Environment.objects.get()
    keep(env, tmp_path)
    interface = Interface.of(env.pattern, get_settings())
    text = changes.recorded_interface(env).replace(b"retention_days = 14", b"retention_days = 14.00000000000000000001")
    wish = Wish(set={"scaling.max": 3})
    edited = interface.edited(text, wish, filling_of(env, get_settings()))
    assert edited.problems == ()
    assert b"retention_days = 14.00000000000000000001" in edited.text
    assert "logs.retention_days" not in interface.values(text)
    json.dumps(interface.differing(edited.text))  # a row can hold it
