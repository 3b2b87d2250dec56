"""How long it takes to parse a file, and to parse it, set one value and write it out; beside other implementations.

`python -m bench.hcl` prints a table. python-hcl2 and tree-sitter-hcl are measured where they are installed, hclwrite
where Go and its Debian package are. All times are medians in milliseconds, peak memory is in MB.
"""

import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

LINES = (200, 10_000)
REFERENCE = Path(__file__).resolve().parents[1] / "tests" / "integration" / "hcl_oracles" / "reference.go"
_COMPONENT = """\
  # Service number {n}: size and number of its tasks.
  service_{n} = {{
    name          = "api-{n}"
    cpu           = 256 # units
    memory        = 512
    desired_count = 2
    image         = "${{var.registry}}/api:${{var.tag}}"
    subnets       = ["10.0.{n}.0/24", "10.1.{n}.0/24"]
    public        = false
    environment = {{
      LOG_LEVEL = "info"
      REGION    = data.aws_region.current.name
    }}
    policy = jsonencode({{
      Version   = "2012-10-17"
      Statement = [for s in var.statements : {{ Effect = "Allow", Action = s.actions }} if s.enabled]
    }})
  }}

"""
_MEMORY = """
import re, sys
from pathlib import Path
from stackyard import hcl
text = Path(sys.argv[1]).read_bytes()
hcl.File.parse(text).set_attribute_value(("locals", "cpu"), 512).bytes()
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def sample(lines: int) -> str:
    """A `locals.tf` of about so many lines, as patterns have them."""
    text, number = "locals {\n  cpu = 256\n\n", 0
    count = text.count("\n")
    pieces = [text]
    while count < lines - 1:
        piece = _COMPONENT.format(n=number)
        pieces.append(piece)
        count += piece.count("\n")
        number += 1
    return "".join([*pieces, "}\n"])


def run(rounds: int = 9) -> dict[str, Any]:
    """All figures: for each size and implementation `parse_ms` and `edit_ms`; `peak_mb`; the ratios of the aims."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        reference = _reference(Path(folder))
        for lines in LINES:
            text = sample(lines)
            path = Path(folder) / f"{lines}.tf"
            path.write_text(text, encoding="utf-8")
            sized = {"stackyard": _stackyard(text, rounds), **_others(text, max(3, rounds // 3))}
            if reference:
                answer = subprocess.run([reference, "bench", path, str(rounds)], capture_output=True, check=True)
                sized["hclwrite"] = json.loads(answer.stdout)
            figures[f"{lines}_lines"] = sized
        memory = subprocess.run([sys.executable, "-c", _MEMORY, path], capture_output=True, check=True)
        figures["peak_mb"] = round(int(memory.stdout) / 1024, 1)
    large = figures[f"{LINES[-1]}_lines"]
    if "python-hcl2" in large:
        figures["times_python_hcl2"] = round(large["python-hcl2"]["parse_ms"] / large["stackyard"]["parse_ms"], 1)
    if "hclwrite" in large:
        figures["edit_against_hclwrite"] = round(large["stackyard"]["edit_ms"] / large["hclwrite"]["edit_ms"], 2)
    return figures


def _timed(work: Callable[[], object], rounds: int) -> float:
    samples = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        samples.append((time.perf_counter() - start) * 1000)
    return round(median(samples), 2)


def _stackyard(text: str, rounds: int) -> dict[str, float]:
    from stackyard import hcl

    def edit() -> bytes:
        return hcl.File.parse(text).set_attribute_value(("locals", "cpu"), 512).bytes()

    return {"parse_ms": _timed(lambda: hcl.File.parse(text), rounds), "edit_ms": _timed(edit, rounds)}


def _others(text: str, rounds: int) -> dict[str, dict[str, float]]:
    found = {}
    if importlib.util.find_spec("hcl2"):
        import hcl2

        found["python-hcl2"] = {"parse_ms": _timed(lambda: hcl2.loads(text), rounds)}
    if importlib.util.find_spec("tree_sitter_hcl"):
        import tree_sitter
        import tree_sitter_hcl

        parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_hcl.language()))
        found["tree-sitter-hcl"] = {"parse_ms": _timed(lambda: parser.parse(text.encode()), rounds)}
    return found


def _reference(folder: Path) -> Path | None:
    sys.path.insert(0, str(REFERENCE.parent))
    try:
        from reference import build
    finally:
        sys.path.pop(0)
    return build(folder)


def main() -> None:
    figures = run()
    for size, implementations in figures.items():
        if isinstance(implementations, dict):
            for name, times in implementations.items():
                row = "  ".join(f"{what} {value:>9.2f}" for what, value in times.items())
                print(f"{size:>12}  {name:<16} {row}")
    print(json.dumps({key: value for key, value in figures.items() if not isinstance(value, dict)}))


if __name__ == "__main__":
    main()
