"""What a test of a pattern found, as values, as text and as JUnit XML."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Outcome = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Step:
    """One step of a variant. `message`: why it failed or was skipped, or what it found."""

    name: str
    outcome: Outcome
    seconds: float = 0.0
    message: str = ""


@dataclass(frozen=True)
class Variant:
    """The pattern with one choice of settings. `log`: what Terraform said, for a failure."""

    name: str
    settings: Mapping[str, Any]
    steps: Sequence[Step]
    log: Sequence[str] = field(default=(), repr=False)

    @property
    def passed(self) -> bool:
        """True when no step failed."""
        return not any(step.outcome == "failed" for step in self.steps)


@dataclass(frozen=True)
class Report:
    """All variants of one pattern."""

    pattern: str
    version: str
    digest: str
    variants: Sequence[Variant]

    @property
    def passed(self) -> bool:
        """True when every variant passed."""
        return all(variant.passed for variant in self.variants)

    def as_dict(self) -> dict[str, Any]:
        """For JSON; without the logs of variants that passed."""
        variants = [{**asdict(v), "passed": v.passed, "log": [] if v.passed else list(v.log)} for v in self.variants]
        return {
            "pattern": self.pattern,
            "version": self.version,
            "digest": self.digest,
            "passed": self.passed,
            "variants": variants,
        }

    def junit(self) -> str:
        """JUnit XML: a suite per variant, a case per step, as CI systems read it."""
        root = ET.Element("testsuites", name=f"{self.pattern} {self.version}")
        for variant in self.variants:
            count = {o: str(sum(s.outcome == o for s in variant.steps)) for o in ("failed", "skipped")}
            suite = ET.SubElement(
                root,
                "testsuite",
                name=variant.name,
                tests=str(len(variant.steps)),
                failures=count["failed"],
                skipped=count["skipped"],
                time=f"{sum(s.seconds for s in variant.steps):.3f}",
            )
            for step in variant.steps:
                named = {"classname": f"{self.pattern}.{variant.name}", "name": step.name}
                case = ET.SubElement(suite, "testcase", named, time=f"{step.seconds:.3f}")
                if step.outcome == "failed":
                    ET.SubElement(case, "failure", message=_printable(step.message)).text = _printable(
                        "\n".join(variant.log)
                    )
                elif step.outcome == "skipped":
                    ET.SubElement(case, "skipped", message=_printable(step.message))
        return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _printable(text: str) -> str:
    """XML 1.0 has no place for control characters."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)
