"""How a source system is read: HTTP session, auth, paging, landing, one small module per kind.

Belongs here: everything between a system's answer and the landed bytes (``client``, ``auth``,
``landing``), and the kinds (``portal``, ``rest``, ``edxml``, ``ckan``, ``files``, ``database``,
``ogc_features``, ``oai_pmh``, ``webdav``, ``admin_units``), each with a ``Fetch`` model for its
options and one function ``land``. A new kind of system is one new module here and one line in
``pull.KINDS``.

Does not belong here: what a row means (contracts), typing and repair (``warehouse``), rules
(``checks``), schedules and Dagster (``hub``). Nothing here names an address: those come from
the environment through the definitions in ``assets/``.
"""
