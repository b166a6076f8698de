"""Draft a contract from a sample: names, types, keys and rules, for a person to go over.

Data flow: a sample in staging (``hub.preview.sampled``) -> ``names`` (column of each source
field) -> ``profile`` (what DuckDB counts in its cells) -> ``judge`` (type, form, rules, personal
or not) -> ``keys`` -> ``write`` (ODCS text with comments) -> ``draft`` puts them together and
tries the outcome on the sample.

Run it alone: ``hub contract draft PROVINCE/SYSTEM/DATASET``.

What does not belong here: reading the source (``sources``), the rules themselves (``checks``).
"""
