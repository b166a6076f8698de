"""Ctrl+C: a command that is busy in somebody else's code still ends at once, and says so.

Data flow: ``hub.cli.main`` calls :func:`leave_at_ctrl_c` before any command.

Run it alone: ``hub query "from range(100000000000)" --format csv > /dev/null``, and Ctrl+C.

What does not belong here: cleaning up. Dying at any moment is harmless (promise 1), and the locks
go with the process.
"""

from __future__ import annotations

import os
import signal
import sys
import threading


def leave_at_ctrl_c() -> None:
    """End the process at Ctrl+C at once, whatever it is doing.

    As an exception Ctrl+C gets lost: DuckDB, Great Expectations and Dagster each catch it in their
    way, and then the night goes on waiting for a stalled portal. So a thread of its own hears of
    the signal before any handler does.
    """
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)

    def leave() -> None:
        while os.read(heard, 1) != bytes([signal.SIGINT]):
            pass
        # The progress display has hidden the cursor.
        start = "\x1b[?25h\n" if sys.stderr.isatty() else ""
        os.write(2, f"{start}hub: stopped; nothing is left half done\n".encode())
        os._exit(1)

    threading.Thread(target=leave, daemon=True).start()
