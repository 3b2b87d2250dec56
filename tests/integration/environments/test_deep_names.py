"""A host name that the sandbox's wildcard does not cover needs a certificate of its own, or is refused where asked."""

import re
import shutil
from pathlib import Path

import pytest
from tests.factories import Organisation, make_organisation, make_sandbox

from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Invalid
from stackyard.patterns.catalogue import Catalogue
from stackyard.settings import get_settings

ZONE = "d1111.dev.example.com"


@pytest.fixture
def org(db: None) -> Organisation:
    """An organisation whose sandbox gives names of two labels before its zone."""
    made = make_organisation()
    made.sandbox.fqdn_rule, made.sandbox.deep_names = "<environment>.<product>.<zone>", True
    made.sandbox.save()
    return made


@pytest.fixture
def certless(tmp_path: Path) -> Catalogue:
    """A catalogue with a pattern that relies on the sandbox's certificate alone."""
    settings = get_settings()
    folder = tmp_path / "ecs-service"
    shutil.copytree(settings.patterns / "ecs-service", folder)
    main = folder / "main.tf"
    text, gone = re.subn(r'module "own_certificate" \{.*?\n\}\n', "", main.read_text(), flags=re.DOTALL)
    assert gone == 1
    main.write_text(text)
    return Catalogue(tmp_path, settings.modules)


@pytest.mark.parametrize("pattern", ["ecs-service", "ecs-web-db"])
def test_a_shipped_pattern_takes_a_deep_name(org: Organisation, pattern: str) -> None:
    run = create(org.requester, CreateRequest("shop", pattern, "dev"), via="api")
    assert run.environment.fqdn == f"dev.shop.{ZONE}"


def test_a_pattern_without_certificates_is_refused_where_names_are_deep(org: Organisation, certless: Catalogue) -> None:
    with pytest.raises(Invalid) as refused:
        create(org.requester, CreateRequest("shop", "ecs-service", "dev"), via="api", catalogue=certless)
    (problem,) = refused.value.problems
    assert problem.field == "sandbox"
    assert f"dev.shop.{ZONE}" in problem.message
    assert f"*.{ZONE} does not cover" in problem.message
    assert "makes no certificate of its own" in problem.message


def test_another_sandbox_with_flat_names_is_chosen_for_it(org: Organisation, certless: Catalogue) -> None:
    flat = make_sandbox(org.sandbox.department, "flat", "222233334444")
    run = create(org.requester, CreateRequest("shop", "ecs-service", "dev"), via="api", catalogue=certless)
    assert run.environment.sandbox == flat


def test_what_an_account_s_own_certificate_covers_is_left_to_the_plan(org: Organisation, certless: Catalogue) -> None:
    org.sandbox.own_baseline = True
    org.sandbox.save()
    assert create(org.requester, CreateRequest("shop", "ecs-service", "dev"), via="api", catalogue=certless)


def test_a_name_that_no_certificate_takes_is_refused_at_the_field(org: Organisation) -> None:
    org.sandbox.fqdn_rule = f"<environment>.{'x' * 40}.<zone>"
    org.sandbox.save()
    with pytest.raises(Invalid) as refused:
        create(org.requester, CreateRequest("shop", "ecs-service", "dev"), via="api")
    (problem,) = refused.value.problems
    assert (problem.field, "takes 64 characters; this has 66" in problem.message) == ("name", True)
    assert create(org.requester, CreateRequest("shop", "ecs-worker", "dev"), via="api"), "nobody opens a worker"
