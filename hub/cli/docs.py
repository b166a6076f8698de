"""``hub docs``: build the pages about what the checks found, and say where they are.

Run it alone: ``hub docs``.

What does not belong here: the pages themselves (``hub.data_docs``).
"""

from __future__ import annotations

import sys

from hub.errors import ConfigurationError


def docs() -> None:
    """Build Great Expectations' pages of the last checks anew, and print where they begin."""
    from hub.data_docs import rebuild, site
    from hub.settings import Settings

    settings = Settings()
    if not rebuild(settings, always=True):
        raise ConfigurationError(
            "there is nothing to show: no dataset was checked yet", next_step="run `hub sync` first"
        )
    sys.stdout.write(f"{site(settings) / 'index.html'}\n")
