"""Was the machine quiet while something was measured? Figures of a busy one are worth little.

Data flow: load average and the machine's CPU clock before -> the measurement -> the clock again,
less what this process and its children used: the rest is what others took -> one sentence for the
section, with a warning if it was more than :data:`NOISE`.

Run it alone: ``python -m benchmarks`` uses it.

What does not belong here: waiting until it is quiet.
"""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass

NOISE = 0.05
"""Share of the machine's CPU that others may take."""


@dataclass(frozen=True)
class Clock:
    """The machine at one moment."""

    load: float
    """Load average of the last minute; the section before this one is part of it."""
    seconds: float
    busy: float
    """CPU seconds of everybody."""
    own: float
    """CPU seconds of this process and of its children that ended."""

    @classmethod
    def now(cls) -> Clock:
        """Look at the machine."""
        import psutil  # noqa: PLC0415 - a contestant's own process must not pay for it

        cpu = psutil.cpu_times()
        # Not busy, or nobody's; a guest's seconds are part of user's and nice's already.
        left_out = ("idle", "iowait", "irq", "softirq", "guest", "guest_nice")
        busy = sum(cpu) - sum(getattr(cpu, name, 0.0) for name in left_out)
        own = sum(
            sum(resource.getrusage(who)[:2])
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        return cls(os.getloadavg()[0], time.monotonic(), busy, own)

    def others(self, until: Clock) -> float:
        """Return the share of the machine's CPU that others took from now until then."""
        taken = (until.busy - self.busy) - (until.own - self.own)
        whole = (until.seconds - self.seconds) * (os.cpu_count() or 1)
        return max(taken, 0.0) / max(whole, 1e-9)


def sentence(before: Clock, after: Clock, runs: int) -> str:
    """Say how a section was measured, and warn if the machine was not quiet."""
    others = before.others(after)
    said = (
        f"Runs: {runs}. Load average {before.load:.1f} before; others took {others:.0%} of the CPU "
        f"meanwhile; {(after.seconds - before.seconds) / 60:.1f} minutes."
    )
    if others > NOISE:
        said += " **The machine was not quiet: do not trust these figures.**"
    return said
