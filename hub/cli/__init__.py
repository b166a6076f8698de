"""The ``hub`` command: one module per group of commands, one place that turns errors into words.

Belongs here: arguments, printing, exit codes (0 done, 1 something failed, 2 wrong use).

Does not belong here: what the commands do. Modules import the heavy layers inside the command, so
that ``hub --help`` answers at once.
"""

from __future__ import annotations

import sys

import typer

from hub.cli import (
    approve,
    backup,
    changes,
    check,
    contract,
    docs,
    erase,
    maintain,
    preview,
    publish,
    query,
    rejects,
    reload,
    sandbox,
    status,
    sync,
    unit,
)
from hub.cli.stopping import leave_at_ctrl_c
from hub.errors import ConfigurationError, HubError

app = typer.Typer(
    name="hub",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The provincial data hub: pull, check, keep and query a province's shared data.",
)
app.command("sync")(sync.sync)
app.command("retry")(sync.retry)
app.command("status")(status.status)
app.command("query")(query.query)
app.command("unit")(unit.unit)
app.command("changes")(changes.changes)
app.command("approve")(approve.approve)
app.command("reload")(reload.reload)
app.command("rejects")(rejects.rejects)
app.command("check")(check.check)
app.command("preview")(preview.preview)
app.command("maintain")(maintain.maintain)
app.command("docs")(docs.docs)
app.command("publish")(publish.publish)
app.command("erase")(erase.erase)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.add_typer(contract.app, name="contract")
app.add_typer(sandbox.app, name="sandbox")


def main() -> None:
    """Run the command line; foreseen trouble becomes one line and exit code 1."""
    leave_at_ctrl_c()
    try:
        app()
    except HubError as error:
        sys.stderr.write(f"hub: {error}\n")
        sys.exit(1)
    except ValueError as error:
        sys.stderr.write(f"hub: {_wrong_setting(error)}\n")
        sys.exit(1)


def _wrong_setting(error: ValueError) -> ConfigurationError:
    """Return the line for a ``HUB_`` variable with a wrong value; raises any other error again."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError) or error.title != "Settings":
        raise error
    first = error.errors(include_url=False)[0]
    name = f"HUB_{'_'.join(map(str, first['loc'])).upper()}"
    return ConfigurationError(
        f"{name} is wrong: {first['msg']}", next_step=f"correct {name}, or unset it"
    )
