"""The command itself."""

from dataclasses import asdict
from enum import StrEnum

import typer

from stackyard.cli.output import JsonOption, print_json, say


class Side(StrEnum):
    """What to look at."""

    CLIENT = "client"
    SERVER = "server"
    AUTO = "auto"


def doctor(
    side: Side = typer.Option(Side.AUTO, help="`auto` looks at the server's side where there is a data folder."),
    as_json: bool = JsonOption,
) -> None:
    """Look at what is needed and say what is missing. Exits 6 when something is."""
    from stackyard.cli.doctor import client, server

    found = []
    if side is not Side.SERVER:
        found += client.findings()
    if side is Side.SERVER or (side is Side.AUTO and server.is_server()):
        found += server.findings()
    if as_json:
        print_json([asdict(finding) for finding in found])
    else:
        for finding in found:
            say(f"{'ok ' if finding.ok else 'BAD'} {finding.name:<13} {finding.found}")
            if finding.fix:
                say(f"{'':<17} {finding.fix}")
    if not all(finding.ok for finding in found):
        raise typer.Exit(6)
