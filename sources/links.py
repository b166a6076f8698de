"""Read the ``Link`` header (RFC 8288): the address that a relation points at.

Data flow: the header's text -> :func:`target` -> a URL reference, relative or whole, or None.

Run it alone: ``python -c "from sources.links import target; print(target('</a?p=2>; rel=next'))"``

What does not belong here: following it; the client refuses addresses of another host.
"""

from __future__ import annotations

import re

_LINK = re.compile(r"\s*,*\s*<([^<>]*)>((?:[^\",]|\"(?:[^\"\\]|\\.)*\")*)", re.DOTALL)
_PARAMETER = re.compile(
    r";\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;,\"]+))"
)


def target(header: str, relation: str = "next") -> str | None:
    """Return the first target whose ``rel`` names the relation; names are compared without case.

    A link with an ``anchor`` speaks of another page and is passed over (section 3.2).
    """
    position = 0
    while found := _LINK.match(header, position):
        position = found.end()
        parameters: dict[str, str] = {}
        for name, quoted, plain in _PARAMETER.findall(found[2]):
            # Of several `rel` parameters only the first counts (section 3.3).
            parameters.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) or plain)
        relations = parameters.get("rel", "").lower().split()
        if relation.lower() in relations and "anchor" not in parameters:
            return found[1].strip()
    return None
