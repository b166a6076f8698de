"""What a row must be: contracts, the rules they hold, Great Expectations, quarantine.

Data flow: ``assets/contracts/*.odcs.yaml`` -> ``contract`` (with ``odcs``, ``conventions``,
``forms``, ``proof``) -> rules (``rules``, ``kinds``; data in ``model``) -> fitted to a staging
table (``staging``) -> rows marked (``quarantine``) and counted by Great Expectations
(``validate``, with ``dialect`` and ``expectations``) -> counts for people (``report``).

Run it alone: ``python -m checks.contract assets/contracts/ho_so.odcs.yaml``.

Does not belong here: HTTP, Dagster, DuckLake, typing and repair of cells (``warehouse``).
Great Expectations costs 5 s and 230 MB to import, so only ``validate`` and what it calls may
import it, and ``hub`` imports ``validate`` only when there is a changed batch.
"""
