"""Pull one dataset of one system into landing: the entrance to ``sources/``.

Data flow: definition + position + environment -> the kind's module -> a sealed
:class:`sources.landing.LandedBatch`. A :class:`Session` holds what a system's datasets share:
connections, the token, the budget of threads.

Run it alone: ``python -m sources.pull DEFS DATASET ROOT`` with the definition's variables set,
for example ``python -m sources.pull assets/danh_muc/don_vi_hanh_chinh/defs.yaml don_vi data/l``.

What does not belong here: how any kind is read, and what becomes of a batch.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
import pydantic

from hub.errors import ConfigurationError, HubError
from sources import environment as env
from sources.auth import authorizer
from sources.client import Client
from sources.context import Progress, PullContext, Warn, unheard
from sources.deadline import Deadline
from sources.hosts import Hosts
from sources.journal import Journal
from sources.landing import EnoughError, LandedBatch, Landing, Position, Window
from sources.redact import Redactor
from sources.spec import BasicAuth, DatasetSpec, NoAuth, Strict, SystemSpec, faults, read_definition
from sources.transport import Route

KINDS: dict[str, str] = {
    "admin_units": "sources.admin_units",
    "ckan": "sources.ckan",
    "database": "sources.database",
    "dcat": "sources.dcat",
    "edxml": "sources.edxml",
    "files": "sources.files",
    "oai_pmh": "sources.oai_pmh",
    "ogc_features": "sources.ogc_features",
    "portal": "sources.portal",
    "rest": "sources.rest",
    "webdav": "sources.webdav",
}

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
CONTACT = "HUB_CONTACT"
"""Variable with the address that a provider may write to; without it, the system's owner."""


@dataclass(frozen=True)
class Session:
    """What the pulls of one system share; close it when the last one is done."""

    system: SystemSpec
    client: Client | None
    folders: Mapping[str, str] = field(default_factory=dict)
    """Variable -> folder on this machine, for the datasets that read one."""
    address: str = field(default="", repr=False)
    """For kinds that talk no HTTP: the address as it is set, password included."""
    login: tuple[str, str] | None = field(default=None, repr=False)
    """For those kinds: user and password, if they have variables of their own."""
    answered: dict[str, LandedBatch] = field(default_factory=dict, repr=False)
    """What was asked -> what came: datasets that ask the same read the same answers."""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    @property
    def place(self) -> str:
        """The address, where answers of another one would be another system's."""
        return self.client.base_url if self.client is not None else self.address

    @property
    def out(self) -> bool:
        """Whether the system has not answered a single request for data so far."""
        return self.client is not None and not self.client.served

    def close(self) -> None:
        """Close the connections."""
        if self.client is not None:
            self.client.close()


def check_spec(system: SystemSpec) -> None:
    """Raise ``ConfigurationError`` if the kind is unknown or an option of a dataset is wrong."""
    module = _module(system)
    if module.NEEDS_ADDRESS and system.base_url is None:
        raise ConfigurationError(
            f"kind {system.kind} needs `base_url`",
            where=system.name,
            next_step="add base_url: {env: NAME} to its defs.yaml",
        )
    if getattr(module, "NEEDS_OFFICER", False) and system.classified_officer is None:
        raise ConfigurationError(
            f"kind {system.kind} needs `classified_officer`",
            where=system.name,
            next_step="name in defs.yaml who is told of a state secret (docs/secrets.md)",
        )
    for dataset in system.datasets:
        options = _options(module, system, dataset)
        if dataset.mode == "incremental" and not _windows(options)[0]:
            raise ConfigurationError(
                "an incremental dataset needs a way to ask for rows since a moment",
                where=f"{system.name}/{dataset.name}",
                next_step="set fetch.since_parameter, or mode: full",
            )


def missing_environment(system: SystemSpec, environment: Mapping[str, str]) -> list[str]:
    """Return the names of the variables that a system needs and the environment lacks."""
    return env.missing(env.references(system), environment)


def open_session(system: SystemSpec, environment: Mapping[str, str]) -> Session:
    """Read address and credentials; raises ``ConfigurationError`` naming all that is missing."""
    try:
        values = env.resolve(env.references(system), environment)
        folders = {item.env: values[item.env] for item in env.folders(system)}
        if system.base_url is None:
            return Session(system, None, folders)
        address = values[system.base_url.env]
        if not getattr(_module(system), "HTTP", True):
            return Session(system, None, folders, address, _login(system, values))
        _require_address(address, system.base_url.env)
        redactor = Redactor()
        auth = authorizer(system.auth, values, redactor)
        if auth.certificate and urlsplit(address).scheme != "https":
            raise ConfigurationError(
                "a client certificate can only be shown over https",
                next_step=f"set {system.base_url.env} to an https address",
            )
    except HubError as error:
        raise error.at(system.name) from None
    route = _route(system, values, redactor)
    contact = environment.get(CONTACT, "").strip() or system.owner
    client = Client(
        system.name,
        address,
        system.limits,
        auth,
        redactor=redactor,
        contact=contact,
        hosts=Hosts(address, system.hosts, proxy=route.proxy),
        route=route,
    )
    return Session(system, client, folders)


def _login(system: SystemSpec, values: Mapping[str, str]) -> tuple[str, str] | None:
    """Return user and password for a kind that talks no HTTP."""
    auth = system.auth
    if isinstance(auth, BasicAuth):
        return values[auth.username.env], values[auth.password.env]
    if not isinstance(auth, NoAuth):
        raise ConfigurationError(
            f"kind {system.kind} knows no auth of kind {auth.kind}", next_step="use kind basic"
        )
    return None


def _route(system: SystemSpec, values: Mapping[str, str], redactor: Redactor) -> Route:
    """Return certificates and proxy; raises ``ConfigurationError`` if a file is not there."""
    bundle = values[system.tls.ca_bundle.env] if system.tls else None
    if bundle and not Path(bundle).is_file():
        raise ConfigurationError(
            "the file with the certificates to trust is not there",
            where=system.name,
            next_step=f"correct the path in {system.tls.ca_bundle.env}" if system.tls else "",
        )
    proxy = values[system.proxy.env] if system.proxy else None
    if proxy and system.proxy:
        _require_address(proxy, system.proxy.env)
        redactor.learn(urlsplit(proxy).password or "")
    return Route(bundle, proxy)


def pull(
    system: SystemSpec,
    dataset: DatasetSpec,
    *,
    position: Position,
    landing: Landing,
    environment: Mapping[str, str],
    since: datetime | None = None,
    until: datetime | None = None,
    whole: bool = False,
    sample: int | None = None,
    progress: Progress = lambda _fetched, _claimed: None,
    warn: Warn = unheard,
    session: Session | None = None,
) -> LandedBatch:
    """Fetch what is new and return it sealed.

    Args:
        system: The definition.
        dataset: One of its datasets.
        position: Where the last committed pull ended.
        landing: Where batches lie.
        environment: Addresses and credentials; not needed beside a ``session``.
        since: With ``until``, a window asked for by hand: a backfill.
        until: End of the window, not included.
        whole: Pull everything, whatever the position: a reconciliation.
        sample: Stop once so many rows have come: for a look, never to be loaded.
        progress: Called with rows so far and the total that the source claims.
        warn: Called with what somebody must read, whether the pull ends well or not.
        session: From :func:`open_session`, to share one token among datasets.
    """
    if session is None:
        with open_session(system, environment) as own:
            return pull(
                system, dataset, position=position, landing=landing, environment=environment,
                since=since, until=until, whole=whole, sample=sample, progress=progress,
                warn=warn, session=own,
            )  # fmt: skip
    where = f"{system.name}/{dataset.name}"
    module = _module(system)
    options = _options(module, system, dataset)
    window = window_of(dataset, position, since, until, whole=whole)
    _require_window(where, options, window)
    deadline = Deadline(system.limits.dataset_deadline)
    with (
        landing.open(system.name, dataset.name, position, window) as batch,
        Journal.begin(
            batch.folder,
            [where, session.place, dataset.model_dump(mode="json"), position, window],
            _now(),
            hours=system.limits.resume_hours if sample is None else 0,
            secret=session.client.redactor.knows if session.client else lambda _: False,
        ) as journal,
    ):
        batch.sample = sample
        context = PullContext(
            system=system,
            dataset=dataset,
            fetch=options,
            window=window,
            now=journal.began,
            batch=batch,
            deadline=deadline,
            progress=progress,
            connection=session.client,
            journal=journal,
            folders=session.folders,
            previous=landing.find(system.name, dataset.name, position.batch),
            address=session.address,
            login=session.login,
            warn=warn,
            beside=landing.beside,
        )
        asked = f"{options.model_dump_json(exclude={'reader'})} {window}"
        same = session.answered.get(asked) if sample is None else None
        try:
            sealed = _landed(module, context, same)
        except HubError as error:
            if not journal.begin_anew(error, _now()):
                raise journal.note(error.at(where)) from None
            batch.start_over()
            again = replace(context, now=journal.began, deadline=deadline.again())
            try:
                sealed = _landed(module, again, same)
            except HubError as again_error:
                raise journal.note(again_error.at(where)) from None
    if sample is None and _is_of_pages(sealed):
        session.answered[asked] = sealed
    return sealed


def _landed(module: ModuleType, context: PullContext[Any], same: LandedBatch | None) -> LandedBatch:
    """Have the kind land what is new, unless another dataset asked the same; seal it."""
    context.batch.started = context.now.replace(tzinfo=VIETNAM)
    try:
        with contextlib.suppress(EnoughError):
            if same is None:
                module.land(context)
            else:
                context.batch.take_over(same)
        return context.batch.seal(resumed=context.journal.resumed)
    finally:
        context.deadline.give_up()


def _is_of_pages(batch: LandedBatch) -> bool:
    """Say whether a batch is pages of records, as lists within them are read from."""
    return all(file.media == "ndjson" for file in batch.manifest.files)


def _now() -> datetime:
    """Return the moment, Vietnam time."""
    return datetime.now(VIETNAM).replace(tzinfo=None, microsecond=0)


def window_of(
    dataset: DatasetSpec,
    position: Position,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    whole: bool = False,
) -> Window:
    """Return what to ask for: a window by hand, all, or what is new since the cursor."""
    if since is not None or until is not None:
        return Window(_vietnam(since), _vietnam(until), backfill=True)
    if whole or dataset.mode == "full" or position.cursor is None:
        return Window()
    try:
        cursor = datetime.fromisoformat(position.cursor)
    except ValueError:
        raise ConfigurationError(
            f"the stored cursor {position.cursor!r} is no time", where=dataset.name
        ) from None
    return Window(cursor - timedelta(minutes=dataset.overlap_minutes))


def _vietnam(moment: datetime | None) -> datetime | None:
    """Return a moment as Vietnam time without zone; one without zone already is."""
    if moment is None or moment.tzinfo is None:
        return moment
    return moment.astimezone(VIETNAM).replace(tzinfo=None)


def kind_module(kind: str) -> ModuleType:
    """Return the module that reads a kind; raises ``ConfigurationError`` if there is none."""
    name = KINDS.get(kind)
    if name is None:
        raise ConfigurationError(
            f"unknown kind {kind!r}", next_step=f"one of: {', '.join(sorted(KINDS))}"
        )
    return importlib.import_module(name)


def _module(system: SystemSpec) -> ModuleType:
    """Return the module of a system's kind."""
    try:
        return kind_module(system.kind)
    except ConfigurationError as error:
        raise error.at(system.name) from None


def _options(module: ModuleType, system: SystemSpec, dataset: DatasetSpec) -> Strict:
    """Return a dataset's options as the kind's model; all mistakes on one line."""
    try:
        options: Strict = module.Fetch.model_validate(dataset.fetch)
    except pydantic.ValidationError as error:
        raise ConfigurationError(
            "; ".join(faults(error, "fetch")),
            where=f"{system.name}/{dataset.name}",
            next_step=f"the options of kind {system.kind} are the Fetch model of {module.__name__}",
        ) from None
    return options


def _windows(options: Strict) -> tuple[bool, bool]:
    """Say whether a source can be asked for rows since, and until, a moment."""
    can: tuple[bool, bool] = getattr(options, "windows", (False, False))
    return can


def _require_window(where: str, options: Strict, window: Window) -> None:
    """Raise if the source cannot be asked for the window: rows outside it would come unnoticed."""
    since, until = _windows(options)
    if (window.since and not since) or (window.until and not until):
        raise ConfigurationError(
            "this source cannot be asked for a window of time",
            where=where,
            next_step="pull it without --since and --until",
        )


def _require_address(address: str, name: str) -> None:
    """Raise if the address is none; it may hold a password, so it is not repeated."""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(
            f"the value of {name} is no http or https address", next_step=f"set {name} anew"
        )


def _main(definition: str = "", dataset: str = "", root: str = "") -> int:
    """Pull a dataset without a position and print the manifest."""
    try:
        system = read_definition(Path(definition))
        check_spec(system)
        found = {known.name: known for known in system.datasets}.get(dataset)
        if found is None or not root:
            names = ", ".join(known.name for known in system.datasets)
            raise ConfigurationError("say which dataset and where to land it", next_step=names)
        batch = pull(
            system,
            found,
            position=Position(),
            landing=Landing(Path(root)),
            environment=os.environ,
            warn=lambda sentence: print(f"attention: {sentence}", file=sys.stderr),  # noqa: T201 - this is a command
        )
    except HubError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    manifest: Any = msgspec.to_builtins(batch.manifest)
    shown = {**manifest, "files": len(manifest["files"])}
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(shown)).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:4]))
