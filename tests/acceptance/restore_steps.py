"""The two ends of the story of a restore, each as a process of its own on the data folder that the settings name."""

import sys

from stackyard.aws.emulator.process import Emulator
from stackyard.cli.server.prepare import prepared


def build(account: str) -> None:
    """An organisation, and an environment that stands."""
    from tests.yard import log_of, make_yard

    yard = make_yard(Emulator.__new__(Emulator), account)  # it runs already, in another process
    run = yard.create()
    yard.carry(run)
    assert run.status == "succeeded", log_of(run)


def destroy() -> None:
    """Take the environment away, and ask AWS whether it is gone."""
    import asyncio

    from stackyard.aws.inventory import leftovers
    from stackyard.cmdb.models import Allocation, Environment, RunEvent
    from stackyard.environments import destroy as destruction
    from stackyard.runs.context import access_to
    from stackyard.settings import get_settings
    from tests.yard import log_of, work_until_ended

    environment = Environment.objects.get()
    assert environment.status == "ready"
    assert RunEvent.objects.exists(), "the log is there as well"
    run = destruction.destroy(environment.owner, environment, via="api")
    asyncio.run(work_until_ended([run.pk]))
    run.refresh_from_db()
    assert run.status == "succeeded", run.error + log_of(run)
    access = access_to(environment.sandbox, get_settings())
    tag = {"tag_key": "stackyard:environment", "tag_value": environment.uid}
    assert leftovers(access, **tag, name=environment.slug) == []
    assert not Allocation.objects.filter(released_at=None).exists()


if __name__ == "__main__":
    with prepared():
        build(sys.argv[2]) if sys.argv[1] == "build" else destroy()
