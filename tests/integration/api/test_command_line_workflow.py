"""`stackyard env workflow`, as a person and as a script uses it."""

import json
from pathlib import Path

import pytest
from tests.integration.actions.test_deploy_workflow import OUTPUTS
from tests.integration.api.test_command_line import Stackyard, create, end, org, server, stackyard

from stackyard.cmdb.models import Environment, Run

__all__ = ["org", "server", "stackyard"]


@pytest.fixture
def standing(stackyard: Stackyard) -> Environment:
    assert create(stackyard).exit_code == 0
    end(Run.objects.get(), "succeeded", "ready")
    Environment.objects.update(outputs=OUTPUTS)
    return Environment.objects.get()


def test_it_is_printed_and_written(stackyard: Stackyard, standing: Environment, tmp_path: Path) -> None:
    printed = stackyard("env", "workflow", "shop-dev")
    assert printed.exit_code == 0
    assert OUTPUTS["deploy_role_arn"] in printed.stdout

    done = stackyard("env", "workflow", "shop-dev", "--write", str(tmp_path), "--json")
    file = tmp_path / ".github" / "workflows" / "deploy-shop-dev.yml"
    assert json.loads(done.stdout) == {"name": file.name, "text": file.read_text()}
    assert file.read_text() == printed.stdout


def test_what_is_in_the_way_is_told(stackyard: Stackyard, standing: Environment, tmp_path: Path) -> None:
    missing = stackyard("env", "workflow", "shop-dev", "--write", str(tmp_path / "nowhere"))
    assert (missing.exit_code, "There is no folder" in missing.stderr) == (2, True)

    Environment.objects.update(outputs={**OUTPUTS, "deploy_role_arn": ""})
    refused = stackyard("env", "workflow", "shop-dev")
    assert refused.exit_code == 5
    assert "--set github.repository=owner/name" in refused.stderr
