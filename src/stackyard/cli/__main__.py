"""`python -m stackyard.cli`: the same as `stackyard`."""

from stackyard.cli.main import app

app(prog_name="stackyard")
