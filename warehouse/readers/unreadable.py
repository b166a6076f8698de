"""The one error that a reader keeps for a single record: the row says it, the others go on.

Run it alone: ``python -c "from warehouse.readers.unreadable import UnreadableError"``.

What does not belong here: errors that stop a whole file or batch (``hub.errors``).
"""

from __future__ import annotations


class UnreadableError(Exception):
    """A record that cannot be read; its text is told to the sender, in Vietnamese, no values."""
