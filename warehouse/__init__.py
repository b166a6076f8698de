"""Where rows live: staging, normalisation, and the DuckLake with its transactions.

Belongs here: reading landed files into a staging table (``readers``), repairing and typing
cells (``normalise``, ``stage``), the lake (``lake``), the commit (``commit``), what was loaded
(``loads``), and queries (``query``).

Does not belong here: HTTP, Dagster, rules (``checks``), and where folders lie: paths come in
as arguments.
"""
