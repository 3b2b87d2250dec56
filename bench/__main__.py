"""`python -m bench [NAME ...]`: run benchmarks, print a table, write bench/results/<name>.json."""

import argparse
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

NAMES = ("hcl", "addresses", "queue", "github", "portal", "proof", "overhead", "executors", "parallel", "load")
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Run what was asked for, the quick ones first."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="which; all without")
    wanted = parser.parse_args().names or NAMES
    console = Console(width=120)
    if len(wanted) > 1:  # a process has one database, and each of them starts its own
        for name in wanted:
            subprocess.run([sys.executable, "-m", "bench", name], check=True)
        return
    for name in wanted:
        console.print(f"[bold]{name}[/] ...")
        figures: dict[str, Any] = importlib.import_module(f"bench.{name}").run()
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n")
        console.print(_table(name, figures))


def _table(name: str, figures: dict[str, Any]) -> Table:
    table = Table(title=name, show_header=False)
    for key, value in figures.items():
        table.add_row(key, f"{value:.3f}" if isinstance(value, float) else str(value))
    return table


main()
