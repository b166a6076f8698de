"""Files for agencies: the shared tables, masked, as Parquet and as one DuckDB file.

Belongs here: what a classification leaves of a value (``masks``), what is published of a table
(``table``), the files and the documents beside them (``parquet``, ``database``, ``datapackage``,
``odcs``), generations of the folder and the switch between them (``generations``), and the order
of it all (``build``).

Does not belong here: which contracts and folders there are, locks and schedules (``hub.publish``).
"""
