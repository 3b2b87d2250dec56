"""One variant of a pattern, step by step. Each step runs only if the one before passed; the destroy always."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from stackyard.aws.facts import BaselineFacts
from stackyard.aws.inventory import kept_snapshots, leftovers
from stackyard.aws.left_behind import clear_left_behinds
from stackyard.aws.path_proof import prove_path
from stackyard.errors import StackyardError
from stackyard.executors.local import LocalExecutor
from stackyard.patterns.catalogue import Pattern
from stackyard.patterns.parameters import Parameter
from stackyard.patterns.workspace import (
    Filling,
    fill_interface,
    interface_file,
    made_up_secrets,
    render_workspace,
    secret_settings,
    secret_variables,
)
from stackyard.settings import Settings
from stackyard.terraform.diagnostics import TerraformFailed
from stackyard.terraform.plan import Plan
from stackyard.terraform.workdir import Workdir
from stackyard.testing.place import Place
from stackyard.testing.report import Outcome, Step, Variant

TAG = "stackyard:environment"
PATIENCE = (0, 2, 5, 15, 30)
"""Pauses in seconds between two looks whether something is left: AWS forgets slowly."""


TRIES = 5
"""So many changes are tried until one is not refused by conditions that only Terraform knows."""


class Failed(Exception):
    """What a step expected does not hold."""


class Trial:
    """Builds one variant in `place` under a name of its own.

    `settings` were checked by the pattern's rules. `change`: path and value of the one change, None: it
    is chosen.
    """

    def __init__(
        self,
        pattern: Pattern,
        name: str,
        settings: Mapping[str, Any],
        change: tuple[str, Any] | None,
        place: Place,
        number: int,
        settings_of_stackyard: Settings,
        folder: Path,
    ) -> None:
        self.pattern, self.name, self.settings, self.place = pattern, name, dict(settings), place
        self.changes = [change] if change else list(islice(possible_changes(pattern.parameters, settings), TRIES))
        self.log: list[str] = []
        self.uid = secrets.token_hex(4)
        self.slug = f"test-{self.uid}"
        self.fqdn = f"{self.slug}.{place.facts['zone_name']}"
        self._priority = place.first_priority + number
        self._workdir = Workdir(folder / self.uid)
        hidden = {**made_up_secrets(pattern.manifest), **secret_settings(pattern, settings)}
        self._terraform = LocalExecutor.from_settings(settings_of_stackyard, emulated=place.access.emulated).terraform(
            self._workdir,
            {
                **place.access.environment(f"stackyard-{self.uid}"),
                **place.access.terraform_variables(),
                **secret_variables(hidden),
            },
            on_event=lambda event: self.log.append(event.message) if event.message else None,
        )
        self._applied = False

    async def run(self, tell: Callable[[str, str], None]) -> Variant:
        """All steps. `tell` hears the variant's name and each step that begins. Who stops it, as Ctrl-C does, waits for
        the destroy; stopped once more it ends at once."""
        steps: list[Step] = []
        forward: list[tuple[str, Callable[[], Awaitable[str]]]] = [
            ("init", self._init),
            ("plan", self._plan),
            ("apply", self._apply),
            ("verify", self._verify),
            ("plan again", self._nothing_to_do),
            ("change", self._change),
        ]
        try:
            for name, step in forward:
                if any(s.outcome == "failed" for s in steps):
                    steps.append(Step(name, "skipped", message="A step before it failed."))
                else:
                    tell(self.name, name)
                    steps.append(await self._step(name, step))
        finally:
            steps += await self._take_back(tell)
        return Variant(self.name, self.settings, tuple(steps), tuple(self.log))

    async def _take_back(self, tell: Callable[[str, str], None]) -> list[Step]:
        if not self._applied:
            return [Step(n, "skipped", message="Nothing was applied.") for n in ("destroy", "proof of deletion")]
        steps = []
        for name, step in (("destroy", self._destroy), ("proof of deletion", self._prove)):
            tell(self.name, name)
            steps.append(await self._step(name, step))
        return steps

    async def _step(self, name: str, step: Callable[[], Awaitable[str]]) -> Step:
        begin = time.monotonic()
        outcome: Outcome = "passed"
        try:
            message = await step()
        except (Failed, StackyardError) as error:
            outcome, message = "failed", str(error)
        except Exception as error:  # whatever it is, what was built is destroyed
            outcome, message = "failed", f"{type(error).__name__}: {error}"
        return Step(name, outcome, round(time.monotonic() - begin, 3), message)

    def _filling(self, *, exists: bool) -> Filling:
        access = self.place.access
        tags = {TAG: self.uid, "stackyard:name": self.slug}
        return Filling(
            environment={
                "name": self.slug,
                "fqdn": self.fqdn,
                "further_fqdns": [],
                "tags": tags,
                "exists": exists,
            },
            sandbox={**self.place.facts, "region": access.region, "account_id": access.account_id},
            allocation={"listener_rule_priority": self._priority, "cidr": "10.0.255.0/26"},
            region=access.region,
            role_arn=access.role_arn,
            external_id=access.external_id,
            session_name=f"stackyard-{self.uid}",
            emulated=access.emulated,
            backend="local",
        )

    def _fill(self, *, exists: bool) -> None:
        text = fill_interface(self.pattern, self._filling(exists=exists), self.settings)
        (self._workdir.code / interface_file(self.pattern)).write_bytes(text)

    async def _init(self) -> str:
        await asyncio.to_thread(
            render_workspace, self.pattern, self._filling(exists=False), self.settings, self._workdir.code
        )
        await self._terraform.init()
        return f"As {self.slug}."

    async def _plan(self) -> str:
        plan = await self._terraform.plan()
        others = [c.address for c in plan.changes if c.action != "create"]
        if others or plan.is_empty:
            raise Failed(f"A first plan only creates, but: {', '.join(others) or 'there is nothing in it'}.")
        return f"{plan.summary}."

    async def _apply(self) -> str:
        self._applied = True
        await self._terraform.apply()
        self._fill(exists=True)
        return ""

    async def _verify(self) -> str:
        outputs = (await self._terraform.state()).outputs
        unknown = [name for name in self.pattern.manifest.outputs if name not in outputs]
        if unknown:
            raise Failed(f"pattern.yaml names outputs that are not there: {', '.join(unknown)}.")
        held = await self._hops_that_hold()
        return f"{len(held)} hops hold: {', '.join(held)}."

    async def _hops_that_hold(self) -> list[str]:
        outputs = (await self._terraform.state()).outputs
        facts = BaselineFacts.from_dict(self.place.facts)
        hops = await asyncio.to_thread(prove_path, self.place.access, fqdn=self.fqdn, facts=facts, outputs=outputs)
        broken = next((h for h in hops if h.ok is False), None)
        if broken is not None:
            raise Failed(f"{broken.title}: {broken.found} {broken.fix}")
        return [h.title for h in hops if h.ok is True]

    async def _nothing_to_do(self) -> str:
        _require_empty(await self._terraform.plan())
        return "A second plan has nothing to do."

    async def _change(self) -> str:
        """The change that was asked for, or the first that the pattern's own conditions let pass."""
        before, refused = dict(self.settings), ""
        for path, value in self.changes:
            self.settings = {**before, path: value}
            self._fill(exists=True)
            try:
                plan = await self._terraform.plan()
            except TerraformFailed as error:
                refused = f"{path} = {value!r}: {error}"
                continue
            if plan.is_empty:
                raise Failed(f"Setting {path} to {value!r} changes nothing.")
            await self._terraform.apply()
            _require_empty(await self._terraform.plan())
            held = await self._hops_that_hold()
            return f"{path} = {value!r}: {plan.summary}; {len(held)} hops hold."
        self.settings = before
        if refused:
            raise Failed(f"The pattern refuses every change that was tried; the last: {refused}")
        return "Nothing of it can be changed."

    async def _destroy(self) -> str:
        await self._clear()
        self._fill(exists=False)
        await self._terraform.destroy()
        await self._clear()
        return ""

    async def _clear(self) -> None:
        await asyncio.to_thread(
            clear_left_behinds, self.place.access, tag_key=TAG, tag_value=self.uid, name=self.slug, force_empty=True
        )

    async def _prove(self) -> str:
        zone = str(self.place.facts.get("zone_id", ""))
        for pause in PATIENCE:
            await asyncio.sleep(0 if self.place.access.emulated else pause)
            left = await asyncio.to_thread(
                leftovers,
                self.place.access,
                tag_key=TAG,
                tag_value=self.uid,
                name=self.slug,
                fqdn=self.fqdn,
                zone_id=zone,
            )
            if not left:
                return f"Nothing is left.{self._kept()}"
        raise Failed(f"Still there: {'; '.join(f'{i.kind} {i.id} ({i.how_to_clear})' for i in left)}")

    def _kept(self) -> str:
        kept = kept_snapshots(self.place.access, tag_key=TAG, tag_value=self.uid, name=self.slug)
        return "".join(f" Kept, as it was asked for: {item.kind} {item.id}." for item in kept)


def possible_changes(parameters: tuple[Parameter, ...], settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Parameters that can be given another value by their own rules, with that value: numbers, switches, choices."""
    free = [p for p in parameters if not (p.hidden or p.locked or p.secret or p.depends_on or p.advanced)]
    for parameter in sorted(free, key=lambda p: (bool(p.enum), p.kind != "number", p.kind != "bool")):
        now = settings.get(parameter.path, parameter.default)
        candidates: tuple[Any, ...] = parameter.enum
        if not candidates and parameter.kind == "number" and isinstance(now, int | float):
            candidates = (now + 1, now - 1)
        elif not candidates and parameter.kind == "bool":
            candidates = (not now,)
        yield from ((parameter.path, v) for v in candidates if v != now and parameter.check(v) is None)


def _require_empty(plan: Plan) -> None:
    if not plan.is_empty:
        first = ", ".join(f"{c.address} ({c.action})" for c in plan.changes[:3])
        raise Failed(f"A plan right after an apply still has something to do: {plan.summary}; {first}.")
