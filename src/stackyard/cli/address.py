"""`stackyard address`: pools of addresses, and who holds which block."""

import csv
import sys
from typing import Any

import typer

from stackyard.cli.client import Client, part
from stackyard.cli.output import JsonOption, print_json, printable, say, table, when
from stackyard.errors import Invalid, NotFound, shown

app = typer.Typer(
    help="Look at address pools and who holds which block; note and release blocks.", no_args_is_help=True
)

Pool = typer.Argument(help="Name of the pool.", show_default=False)

CSV_COLUMNS = (
    *("pool", "block", "first", "last", "addresses", "purpose"),
    *("environment", "sandbox", "department", "account_id", "since"),
)


@app.command("pools")
def pools(as_json: bool = JsonOption) -> None:
    """List the pools, and how much of each is free."""
    items, count = Client.from_environment().pages("/address-pools", 10_000)
    if as_json:
        print_json({"items": items, "count": count})
        return
    columns = ("POOL", "BLOCK", "VPC", "GIVEN", "RESERVED", "FREE", "LARGEST FREE", "SANDBOXES")
    table(columns, [_pool_row(item) for item in items])
    if not items:
        typer.echo("None. `stackyard address add-pool NAME BLOCK` makes one.", err=True)


@app.command("add-pool")
def add_pool(
    name: str = typer.Argument(help="A DNS label.", show_default=False),
    block: str = typer.Argument(help="IPv4, such as 10.20.0.0/16.", show_default=False),
    reserved: list[str] = typer.Option([], "--reserve", metavar="BLOCK", help="Never given. May be given many times."),
    vpc_prefix: int = typer.Option(20, "--vpc-prefix", help="Length of the block of a sandbox's VPC, 16 to 24."),
    as_json: bool = JsonOption,
) -> None:
    """Add a pool. For platform staff."""
    wish = {"name": name, "block": block, "reserved": reserved, "vpc_prefix": vpc_prefix}
    made = Client.from_environment().post("/address-pools", wish)
    if as_json:
        print_json(made)
    else:
        say(f"Pool {made['name']}: {made['block']}, {made['free']:,} of {made['total']:,} addresses are free.")


@app.command("list")
def list_(
    pool: str = typer.Option("", "--pool", help="Only of this pool."),
    block: str = typer.Option("", "--block", help="Only what has addresses in common with this block."),
    as_csv: bool = typer.Option(False, "--csv", help="As CSV, with a line of names."),
    as_json: bool = JsonOption,
) -> None:
    """List the blocks that are held, in the order of addresses."""
    if as_csv and as_json:
        raise Invalid.field("--csv", "Choose one of --csv and --json.")
    items, count = Client.from_environment().pages("/address-blocks", 1_000_000, pool=pool, block=block)
    if as_json:
        print_json({"items": items, "count": count})
    elif as_csv:
        _write_csv(items)
    else:
        rows = [(i["pool"], i["block"], i["environment"], i["purpose"], i["sandbox"], when(i["since"])) for i in items]
        table(("POOL", "BLOCK", "ENVIRONMENT", "PURPOSE", "SANDBOX", "SINCE"), rows)
        if not items:
            typer.echo("Nobody holds a block.", err=True)


@app.command()
def claim(
    pool: str = Pool,
    purpose: str = typer.Argument(help="Who holds it, or what for.", show_default=False),
    block: str = typer.Option("", "--block", help="This very block."),
    prefix: int | None = typer.Option(None, "--prefix", help="The lowest free block of this length, 16 to 28."),
    as_json: bool = JsonOption,
) -> None:
    """Note a block as held outside of Stackyard, so that nobody else gets it. For platform staff."""
    wish = {"purpose": purpose, "block": block, "prefix": prefix}
    made = Client.from_environment().post(f"/address-pools/{part(pool)}/blocks", wish)
    if as_json:
        print_json(made)
    else:
        say(f"{made['block']} of pool {made['pool']} is held: {made['purpose']}.")


@app.command()
def release(
    pool: str = Pool,
    block: str = typer.Argument(help="As `stackyard address list` shows it.", show_default=False),
    as_json: bool = JsonOption,
) -> None:
    """Give back a block that was held outside of Stackyard. For platform staff."""
    client = Client.from_environment()
    items, _ = client.pages("/address-blocks", 10_000, pool=pool, block=block)
    found = next((item for item in items if item["block"] == block), None)
    if found is None:
        raise NotFound(f"Nobody holds {shown(block)} in pool {shown(pool)}.", hint="`stackyard address list` tells.")
    gone = client.delete(f"/address-blocks/{found['id']}")
    if as_json:
        print_json(gone)
    else:
        say(f"{gone['block']} of pool {gone['pool']} is free again.")


def _pool_row(item: Any) -> tuple[str, ...]:
    return (
        item["name"],
        item["block"],
        f"/{item['vpc_prefix']}",
        f"{item['given']:,}",
        f"{item['reserved_addresses']:,}",
        f"{item['free']:,}",
        item["largest_free"] or "none",
        ", ".join(item["sandboxes"]),
    )


def _write_csv(items: list[Any]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for item in items:
        cells = (printable(str(item[name])) for name in CSV_COLUMNS)
        # What a spreadsheet would take for a formula is marked as text (CWE-1236).
        writer.writerow([f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell for cell in cells])
