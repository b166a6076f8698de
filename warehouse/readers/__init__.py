"""Readers: files of a landed batch -> ``stg.main.tho``, one module per medium.

Data flow: ``batch.read_batch`` looks at the manifest and calls ``read`` of the module named after
the files' media. Every reader makes the same table: ``_row``, ``_file``, ``_line`` and one text
column per source field that the definition maps. A record that cannot be read becomes a row that
breaks the contract; a file that cannot be read raises ``ProviderError``.

Run it alone: ``pytest tests/warehouse/readers``.

What does not belong here: cleaning or typing of cells (``normalise``), HTTP.
"""
