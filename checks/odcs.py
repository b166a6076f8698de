"""Reads an ODCS 3.1 file into the standard's own models, keeping the line of every value.

Data flow: text -> YAML nodes (with marks) -> plain values and a table path -> line -> the
pydantic models of ``open-data-contract-standard``. Whatever is wrong becomes one
:class:`~hub.errors.ConfigurationError` whose ``where`` is ``file:line``. The standard's models
let unknown keys pass below the top level; here they are mistakes, because a misspelt
``severty`` must not switch a rule off in silence.

Run it alone: ``python -m checks.odcs assets/contracts/ho_so.odcs.yaml`` prints what the
standard's models hold.

What does not belong here: this project's own conventions (``contract``).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml
from open_data_contract_standard.model import OpenDataContractStandard
from pydantic import ValidationError

from hub.errors import ConfigurationError, HubError

Where = tuple[str | int, ...]
"""Path of a value in the file: keys and list positions from the root."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times faster


class Document:
    """A parsed contract file that can say on which line a value stands.

    Args:
        path: The file; it is read at once.
    """

    def __init__(self, path: Path) -> None:
        """Read and validate the file against the standard's models."""
        self.path = path
        self._lines: dict[Where, int] = {(): 1}
        values = self._values()
        self.odcs = self._models(values)
        known = self.odcs.model_dump(by_alias=True, exclude_unset=True)
        self._refuse_unknown(values, known, ())

    def mistake(self, at: Where, what: str, next_step: str) -> ConfigurationError:
        """Build the error for a value; ``at`` may name a missing key, then its parent counts."""
        return ConfigurationError(what, where=f"{self.path}:{self.line(at)}", next_step=next_step)

    def line(self, at: Where) -> int:
        """Return the line (from 1) of the deepest part of the path that the file has."""
        while at not in self._lines:
            at = at[:-1]
        return self._lines[at]

    def _values(self) -> dict[str, Any]:
        """Parse the text and note the lines."""
        try:
            text = self.path.read_text(encoding="utf-8")
            loader = _LOADER(text)
            try:
                node = loader.get_single_node()
                self._note(node, ())
                values = loader.construct_document(node) if node is not None else None
            finally:
                loader.dispose()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ConfigurationError(
                f"the contract file cannot be read: {reason}",
                where=str(self.path),
                next_step="check the file's name and permissions",
            ) from error
        except UnicodeDecodeError as error:
            raise ConfigurationError(
                "the contract file is not UTF-8 text",
                where=str(self.path),
                next_step="save it as UTF-8",
            ) from error
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self._lines[()] = mark.line + 1 if mark else 1
            what = " ".join(str(part) for part in (error.context, error.problem) if part)
            raise self.mistake((), f"not valid YAML: {what}", "mend the YAML") from error
        except RecursionError as error:
            raise self.mistake((), "the YAML contains itself", "remove the alias") from error
        except yaml.YAMLError as error:
            what = str(error).splitlines()[0]
            raise self.mistake((), f"not valid YAML: {what}", "mend the YAML") from error
        if not isinstance(values, dict):
            raise self.mistake((), "a contract is a mapping", "see the ODCS 3.1 standard")
        return values

    def _note(self, node: yaml.Node | None, at: Where) -> None:
        """Note the line of a node and of what it holds; refuse a key given twice."""
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                place = (*at, str(key.value))
                if place in self._lines:
                    self._lines[place] = key.start_mark.line + 1
                    raise self.mistake(
                        place, f"`{key.value}` stands twice in one mapping", "keep one of them"
                    )
                self._lines[place] = key.start_mark.line + 1
                self._note(value, place)
        elif isinstance(node, yaml.SequenceNode):
            for position, value in enumerate(node.value):
                self._lines[(*at, position)] = value.start_mark.line + 1
                self._note(value, (*at, position))

    def _models(self, values: dict[str, Any]) -> OpenDataContractStandard:
        """Validate against the standard's models; the first mistake is reported."""
        for key in values:
            if not isinstance(key, str):
                raise self.mistake((str(key),), f"the key `{key}` is not text", "quote it")
        try:
            return OpenDataContractStandard.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            # A union adds the names of its members to the path; the file does not know them.
            at: Where = ()
            for part in first["loc"]:
                at = (*at, part) if (*at, part) in self._lines else at
            name = ".".join(str(part) for part in first["loc"])
            if first["type"] == "extra_forbidden":
                raise self._unknown(at, str(first["loc"][-1])) from error
            raise self.mistake(
                at, f"`{name}`: {first['msg']}", "write it as the ODCS 3.1 standard does"
            ) from error

    def _refuse_unknown(self, given: object, known: object, at: Where) -> None:
        """Compare the file with what the models took from it: what is missing is unknown."""
        if isinstance(given, dict) and isinstance(known, dict):
            for key, value in given.items():
                place = (*at, str(key))
                if key not in known:
                    raise self._unknown(place, str(key))
                self._refuse_unknown(value, known[key], place)
        elif isinstance(given, list) and isinstance(known, list):
            for position, (left, right) in enumerate(zip(given, known, strict=True)):
                self._refuse_unknown(left, right, (*at, position))

    def _unknown(self, at: Where, key: str) -> ConfigurationError:
        return self.mistake(
            at, f"unknown key `{key}`", "correct its spelling, or move it to customProperties"
        )


def main() -> int:
    """Print what the standard's models hold, or the first mistake."""
    try:
        document = Document(Path(sys.argv[1]))
    except HubError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(document.odcs.to_yaml())
    return 0


if __name__ == "__main__":
    sys.exit(main())
