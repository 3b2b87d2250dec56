"""Validation conditions are worked out only where the answer is certain; everything else is left to Terraform."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.integration.test_modules import needs_terraform, terraform

from stackyard.patterns.evaluate import UNKNOWN, holds

VARIABLES: dict[str, Any] = {
    "n": 5,
    "t": "abc-1",
    "l": ["a", "b"],
    "o": {"x": 1, "y": UNKNOWN},
    "none": None,
    "b": True,
    "known": {"k": {"z": "q"}},
}
CERTAIN = [
    ("var.n > 3", True),
    ("var.n >= 6 || var.b", True),
    ("!(var.n == 5)", False),
    ("var.n > 3 && var.n < 5", False),
    ('contains(["a", "abc-1"], var.t)', True),
    ("contains(var.l, var.t)", False),
    ('can(regex("^[a-z]+-[0-9]$", var.t))', True),
    ('can(regex("^[0-9]+$", var.t))', False),
    ("length(var.l) == 2 && length(var.t) <= 5", True),
    ("var.none == null", True),
    ("var.n % 2 == 1", True),
    ("var.n + 1 * 2 == 7", True),
    ("-var.n < 0", True),
    ('var.known.k["z"] == "q"', True),
    ('var.l[1] == "b"', True),
    ('startswith(var.t, "abc") && endswith(upper(var.t), "C-1")', True),
    ('var.b ? var.n == 5 : var.t == "x"', True),
    ("var.n != 5 # no\n", False),
    ("var.n == 4\n  || var.n == 5", True),
    ('var.n == "5"', False),
]
UNCERTAIN = [
    "var.o.y == 1",
    "length(var.o) == 2",
    "var.missing == 1",
    "local.x == 1",
    'alltrue([for x in var.l : x != ""])',
    "var.none > 3",
    'can(regex("(a+)+$", var.t))',
    'can(regex("[[:alpha:]]", var.t))',
    'regex("abc", var.t) == "abc"',
    "var.n",
    'cidrhost(var.t, 1) == "x"',
    "(",
    '"${var.t}" == "abc-1"',
    "(" * 300,
]


@pytest.mark.parametrize(("condition", "answer"), CERTAIN)
def test_common_conditions_are_worked_out(condition: str, answer: bool) -> None:
    assert holds(condition, VARIABLES) is answer


@pytest.mark.parametrize("condition", UNCERTAIN)
def test_all_else_is_left_to_terraform(condition: str) -> None:
    assert holds(condition, VARIABLES) is None


def test_one_known_side_is_enough() -> None:
    assert holds("var.o.y == 1 || var.n == 5", VARIABLES) is True
    assert holds("var.o.y == 1 && var.n == 4", VARIABLES) is False
    assert holds("var.o.y == 1 || var.n == 4", VARIABLES) is None


@needs_terraform
def test_terraform_gives_the_same_answers(tmp_path: Path) -> None:
    lines = [f"a{i} = {' '.join(c.split(' #')[0].split())}" for i, (c, _) in enumerate(CERTAIN)]
    known = {k: v for k, v in VARIABLES.items() if k != "o"}
    declared = "".join(f'variable "{name}" {{\n  default = {json.dumps(v)}\n}}\n' for name, v in known.items())
    code = f'{declared}output "all" {{\n  value = {{\n' + "\n".join(lines) + "\n}\n}\n"
    (tmp_path / "main.tf").write_text(code)
    done = subprocess.run(
        [terraform, "apply", "-auto-approve", "-no-color"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = subprocess.run([terraform, "output", "-json", "all"], cwd=tmp_path, capture_output=True, check=True)
    assert [json.loads(told.stdout)[f"a{i}"] for i in range(len(CERTAIN))] == [answer for _, answer in CERTAIN]
