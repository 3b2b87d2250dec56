"""Every path of a work folder, in one place. Work folders are disposable: code is in the record, state in its
backend."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Workdir:
    """The work folder of one run."""

    root: Path

    @property
    def code(self) -> Path:
        """The rendered Terraform code; Terraform runs here."""
        return self.root / "code"

    @property
    def lock_file(self) -> Path:
        """The provider lock that `init` writes."""
        return self.code / ".terraform.lock.hcl"

    @property
    def errored_state(self) -> Path:
        """Where Terraform leaves the state when its backend is away at the end of an apply."""
        return self.code / "errored.tfstate"

    @property
    def base(self) -> Path:
        """The commit of the record that the code was made from, where it was not made anew."""
        return self.root / "base"

    @property
    def seed_state(self) -> Path:
        """The empty state that a new environment begins with."""
        return self.root / "seed.tfstate"

    @property
    def rescued_state(self) -> Path:
        """An errored state of a worker that died, kept while the code is made anew."""
        return self.root / "rescued.tfstate"

    @property
    def plan_file(self) -> Path:
        """The saved plan. It holds values in clear, so it never leaves the work folder."""
        return self.root / "plan.tfplan"

    @property
    def cli_config(self) -> Path:
        """Terraform's CLI configuration."""
        return self.root / "terraformrc"

    @property
    def home(self) -> Path:
        """Terraform's HOME, so that nobody's own configuration changes what is built."""
        return self.root / "home"

    def output(self, name: str) -> Path:
        """Where a command's output goes. A file and not a pipe: when its reader dies, Terraform still saves its
        state."""
        return self.root / f"{name}.log"

    def prepare(self) -> None:
        """Make the folders, readable by their owner only."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root.chmod(0o700)
        for folder in (self.code, self.home):
            folder.mkdir(exist_ok=True)
