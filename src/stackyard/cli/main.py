"""`stackyard`: client commands speak to a server over its API, server commands run on the server's machine.

Only what a command needs is imported: Django, moto and boto3 would cost every `stackyard env list` a second.
"""

import importlib
import importlib.util
from typing import Any

import typer
from typer.core import TyperGroup

from stackyard.cli import address, change, deployment, env, fqdn, lifetimes, pattern, proof, run, sandbox, upgrade
from stackyard.cli.doctor.command import doctor
from stackyard.cli.failures import polite
from stackyard.cli.server import commands as server
from stackyard.cli.server import github, job

IMPORTED_ON_USE = {
    "demo": "stackyard.cli.demo.command:demo",
    "hcl": "stackyard.cli.hcl:app",
}
"""Command -> where its function or its typer app is. They bring much with them."""


class Commands(TyperGroup):
    """The commands, with the large ones imported on use, and errors that are told instead of thrown."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of the help."""
        return [*super().list_commands(ctx), *(name for name in IMPORTED_ON_USE if _place(name))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, imported now if need be."""
        place = _place(cmd_name)
        if place is None:
            return _plain_flags(super().get_command(ctx, cmd_name))
        module, attribute = place
        found = getattr(importlib.import_module(module), attribute)
        if isinstance(found, typer.Typer):
            command: Any = typer.main.get_group(found)
        else:
            alone = typer.Typer(add_completion=False)
            alone.command(cmd_name)(found)
            command = typer.main.get_command(alone)
        command.name = cmd_name
        return _plain_flags(command)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; what goes wrong is told on standard error and becomes an exit code."""
        with polite():
            return super().invoke(ctx)


def _plain_flags(command: Any) -> Any:
    """The command, and all below it, whose help shows a flag as `--json`: typer would write `--json <bool>`."""
    if command is not None:
        for parameter in command.params:
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""
        for below in getattr(command, "commands", {}).values():
            _plain_flags(below)
    return command


def _place(name: str) -> tuple[str, str] | None:
    """Module and attribute of a command that is imported on use; None when there is no such command."""
    module, _, attribute = IMPORTED_ON_USE.get(name, "").partition(":")
    return (module, attribute) if module and importlib.util.find_spec(module) else None


app = typer.Typer(
    name="stackyard",
    help="AWS environments in one click, from your own Terraform design patterns.",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from stackyard import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", help="Print the version.", callback=_version, is_eager=True),
) -> None:
    """AWS environments in one click, from your own Terraform design patterns."""


env.app.command("change")(change.change)
env.app.command("upgrade")(upgrade.upgrade)
env.app.command("retry")(change.retry)
env.app.command("back")(change.back)
pattern.app.command("impact")(upgrade.impact)
run.app.command("approve")(change.approve)
run.app.command("reject")(change.reject)
env.app.command("extend")(lifetimes.extend)
env.app.add_typer(fqdn.app, name="fqdn")
env.app.command("drift")(lifetimes.drift)
env.app.command("workflow")(deployment.workflow)
env.app.command("verify")(proof.verify)
app.add_typer(env.app, name="env")
app.add_typer(pattern.app, name="pattern")
app.add_typer(run.app, name="run")
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(address.app, name="address")
app.command("doctor")(doctor)
app.command("serve")(server.serve)
app.command("worker")(server.worker)
app.command("migrate")(server.migrate)
app.command("backup")(server.backup)
app.command("restore")(server.restore)
app.command("settings")(server.show_settings)
app.add_typer(server.users, name="user")
app.add_typer(github.app, name="github")
app.add_typer(job.app, name="job")
