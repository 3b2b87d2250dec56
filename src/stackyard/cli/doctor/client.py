"""Can this machine use the server?"""

from stackyard import __version__
from stackyard.cli.client import Client
from stackyard.cli.doctor.findings import Finding, look
from stackyard.errors import Conflict, Forbidden


def findings() -> list[Finding]:
    """Address, versions and token. Without an answer the rest is not looked at."""
    reached = look("server", _reach)
    if not reached.ok:
        return [reached]
    return [reached, look("versions", _versions), look("token", _token)]


def _reach() -> str:
    client = Client.from_environment()
    client.get("/health")
    return f"{client.url} answers, and so does its database"


def _versions() -> str:
    theirs = str(Client.from_environment().get("/health")["version"])
    if theirs != __version__:
        raise Conflict(f"server {theirs}, this command {__version__}", hint="Install the version of the server.")
    return f"both {__version__}"


def _token() -> str:
    client = Client.from_environment()
    if not client.token:
        raise Forbidden("none", hint="Set STACKYARD_TOKEN to a token from the portal.")
    me = client.get("/me")
    roles = [f"{r['role']} in {r['department']}" if r["department"] else r["role"] for r in me["roles"]]
    return f"{me['username']}: {', '.join(roles) or 'no role'}"
