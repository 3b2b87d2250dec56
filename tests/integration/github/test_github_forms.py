"""The forms are what GitHub takes, and ask what is read."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.factories import make_organisation

from stackyard.github.forms import write_forms
from stackyard.github.reading import CHANGE, DELETE, NEW
from stackyard.patterns.catalogue import Catalogue

pytestmark = pytest.mark.django_db


def test_github_takes_them(tmp_path: Path) -> None:
    make_organisation()
    files = write_forms(tmp_path / "forms", Catalogue.from_settings(), "")
    checker = [str(Path(sys.executable).with_name("check-jsonschema")), "--builtin-schema", "vendor.github-issue-forms"]
    done = subprocess.run([*checker, *map(str, files)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_they_offer_what_there_is_and_ask_what_is_read(tmp_path: Path) -> None:
    make_organisation()
    new, change, delete = (yaml.safe_load(p.read_text()) for p in write_forms(tmp_path, Catalogue.from_settings(), ""))
    fields = {field["id"]: field["attributes"] for field in new["body"]}
    assert fields["product"]["options"] == ["fleet", "shop"]
    assert "ecs-worker" in fields["pattern"]["options"]
    for form, read in ((new, NEW), (change, CHANGE), (delete, DELETE)):
        assert [(f["id"], f["attributes"]["label"]) for f in form["body"]] == [(f.name, f.label) for f in read]
