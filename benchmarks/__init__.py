"""Measurements of the hub, against its peers and against what the machine can do at all.

Belongs here: data made for measuring (``rows``), a hub project over it (``project``), the peers'
own programs (``peers``, run in an environment of their own), one module per question, and
``RESULTS.md``, which they write. Ratios, interleaved runs, medians.

Does not belong here: tests, and limits that would fail one.
"""
