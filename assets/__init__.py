"""What is synced, as data: contracts, source systems, derived tables.

Belongs here: ``contracts/*.odcs.yaml``; ``<province>/<system>/defs.yaml`` (production only:
addresses and credentials are names of environment variables); derived tables as SQL with a few
lines of YAML (``chi_so/`` indicators, ``danh_muc/`` reference data).

Does not belong here: Python that moves rows, anything that names a test system or an address.
"""
