"""Keep secrets out of every message, URL and manifest.

Data flow: :class:`Redactor` learns each secret when a session opens and each token when it is
fetched; whatever text may quote a source or an address passes through it before it reaches an
error, a log line or ``manifest.json``.

Run it alone: ``python -c "from sources.redact import Redactor; print(Redactor().url('https://a/?token=1'))"``

What does not belong here: personal values. They are kept out by never quoting rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

MASK = "***"
SHORTEST = 4
"""Masking shorter values would blot out ordinary words and gain nothing."""
QUOTED = 200
"""How much of a source's own sentence is worth repeating."""

_SENSITIVE = re.compile(r"token|key|secret|pass|pwd|sign|auth|session|credential", re.IGNORECASE)


class Redactor:
    """Masks the secrets it has learned, and query parameters whose name says secret."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Start with the secrets known at the beginning."""
        self._forms: list[str] = []
        self._hidden: frozenset[str] = frozenset()
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """Mask this value from now on, as it is and as a URL writes it."""
        if len(secret) >= SHORTEST:
            forms = {secret, quote(secret, safe=""), quote_plus(secret), *self._forms}
            # Longest first: a secret may begin with another one. A new list, since other
            # threads may be masking with the old one.
            self._forms = sorted(forms, key=lambda form: (-len(form), form))

    def hide(self, parameter: str) -> None:
        """Mask this query parameter from now on, whatever its value."""
        self._hidden |= {parameter}

    def text(self, text: str) -> str:
        """Return the text with every learned secret masked."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text

    def knows(self, data: bytes) -> bool:
        """Say whether a secret stands in a source's answer: some lead on by links that hold one."""
        return any(form.encode() in data for form in self._forms)

    def quote(self, text: str) -> str:
        """Return a source's own sentence: one line, short, masked."""
        # Masked before it is cut: half a secret would not be recognised.
        line = self.text(" ".join(text.split()))
        return line if len(line) <= QUOTED else line[: QUOTED - 1] + "…"

    def url(self, url: str) -> str:
        """Return the URL without user info, with sensitive parameters and secrets masked."""
        parts = urlsplit(url)
        pairs = [
            # Masked before it is encoded again: `learn` cannot foresee every encoding.
            (name, MASK if self._is_secret(name) else self.text(value))
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
        ]
        host = parts.netloc.rsplit("@", 1)[-1]
        query = urlencode(pairs, safe="*/:")
        return self.text(urlunsplit((parts.scheme, host, parts.path, query, "")))

    def _is_secret(self, parameter: str) -> bool:
        """Say whether a query parameter is masked by its name."""
        return parameter in self._hidden or _SENSITIVE.search(parameter) is not None
