"""What a row must be: contracts, the rules they hold, Great Expectations, quarantine.

Belongs here: reading an ODCS 3.1 contract (``contract``), the rules it yields (``rules``),
running them as a Great Expectations suite on the DuckDB staging table (``dialect``,
``expectations``, ``validate``), and marking the rows that break them (``quarantine``).

Does not belong here: HTTP, Dagster, DuckLake, typing and repair of cells (``warehouse``).
Great Expectations costs 5 s and 230 MB to import, so only ``validate`` and what it calls may
import it, and ``hub`` imports ``validate`` only when there is a changed batch.
"""
