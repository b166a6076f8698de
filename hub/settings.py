"""Every path and environment variable of the hub, in one place.

Data flow: environment -> :class:`Settings` -> the folders below ``HUB_DATA_DIR`` and the
environment that sources resolve their addresses and secrets from. ``HUB_ENV`` may name an overlay
file (``KEY=value`` lines): production keeps its secrets in one, and ``hub sandbox up`` writes one
that points at the sandbox. A variable of the process wins over the overlay.

Run it alone: ``python -m hub.settings`` prints the settings in force, without any secret.

What does not belong here: the names of a source's own variables (its ``defs.yaml`` has them).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from hub.errors import ConfigurationError

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Settings of one deployment; each field's variable is ``HUB_`` and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="HUB_", env_ignore_empty=True)

    data_dir: Path = Field(default=ROOT / "data", description="Everything the hub writes")
    assets_dir: Path = Field(default=ROOT / "assets", description="Definitions and contracts")
    env: Path | None = Field(default=None, description="Overlay file with KEY=value lines")
    dataset_deadline: float | None = Field(
        default=None, gt=0, description="Upper bound in seconds on the pull of any dataset"
    )
    docs_url: str | None = Field(
        default=None, description="Address under which a web server shows data/docs/site"
    )
    lock_timeout: float = Field(
        default=900, gt=0, description="Seconds to wait for another sync of the same system"
    )

    memory: str = Field(
        default="1GB",
        pattern=r"^\d+(\.\d+)?(MB|GB|MiB|GiB)$",
        description="What DuckDB may hold in memory while it loads; the rest goes to disk",
    )
    keep_snapshots_days: float = Field(
        default=30, gt=0, description="Days that time travel in the warehouse reaches back"
    )
    keep_landing_days: float = Field(
        default=90, gt=0, description="Days that landed batches are kept after they were loaded"
    )
    keep_journals_days: float = Field(
        default=7, gt=0, description="Days that answers of a pull that was cut off are kept"
    )
    keep_runs_days: float = Field(
        default=90, gt=0, description="Days that the Dagster pages show a run"
    )
    keep_backups_days: float = Field(
        default=30, gt=0, description="Days that a backup may be kept, and `--prune` removes it"
    )
    publish_license: str | None = Field(
        default=None,
        pattern=r"^[-a-zA-Z0-9._]+$",
        description="Terms of the published open data: an Open Definition identifier, as CC-BY-4.0",
    )
    suppression_dir: Path | None = Field(
        default=None, description="Key and list of erased persons; beside the data folder if unset"
    )
    longest_read_hours: float = Field(
        default=24, gt=0, description="Longest query: a replaced file stays on the disk so long"
    )

    @property
    def landing(self) -> Path:
        """Raw batches as the sources sent them.

        Beside it lie what must not be in a batch: ``attachments``, ``held`` (state secrets that
        came by), ``acknowledged`` (``sources.landing.Landing.beside``).
        """
        return self.data_dir / "landing"

    @property
    def lake(self) -> Path:
        """Catalog and Parquet files of the warehouse."""
        return self.data_dir / "lake"

    @property
    def suppression(self) -> Path:
        """Key and list that keep erased persons away; never within the data folder."""
        return self.suppression_dir or self.data_dir.with_name(f"{self.data_dir.name}-suppression")

    @property
    def staging(self) -> Path:
        """Scratch files of syncs under way."""
        return self.data_dir / "staging"

    @property
    def locks(self) -> Path:
        """One lock file per system."""
        return self.data_dir / "locks"

    @property
    def docs(self) -> Path:
        """What the checks found last, dataset by dataset, and Great Expectations' pages of it."""
        return self.data_dir / "docs"

    @property
    def publish(self) -> Path:
        """Masked files for agencies; ``current`` in it is what they read."""
        return self.data_dir / "publish"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own storage."""
        return self.data_dir / "dagster"

    @property
    def sandbox(self) -> Path:
        """State of a running sandbox: its overlay file, its process id, its log."""
        return self.data_dir / "sandbox"

    def environment(self) -> dict[str, str]:
        """Return the process environment over the overlay file.

        ``HUB_ASSETS_DIR`` is always in it: data that is recorded beside the definitions is read
        like any other folder of files.

        Raises:
            ConfigurationError: ``HUB_ENV`` names a file that cannot be read.
        """
        assets = {"HUB_ASSETS_DIR": str(self.assets_dir.resolve())}
        return {**self._overlay(), **os.environ, **assets}

    def _overlay(self) -> Mapping[str, str]:
        if self.env is None:
            return {}
        if not self.env.is_file():
            raise ConfigurationError(
                f"HUB_ENV names {self.env}, which is not there",
                next_step="start the sandbox with `hub sandbox up`, or correct HUB_ENV",
            )
        return {key: value or "" for key, value in dotenv_values(self.env).items()}


def main() -> None:
    """Print the settings in force."""
    settings = Settings()
    for name, field in Settings.model_fields.items():
        sys.stdout.write(f"HUB_{name.upper()}={getattr(settings, name)}  # {field.description}\n")


if __name__ == "__main__":
    main()
