"""The program that ties the layers together: settings, command line, sync, Dagster, sandbox.

Belongs here: ``settings`` (every path and environment variable), ``catalog`` (definitions and
contracts on disk), ``sync`` (one system's way from pull to commit), ``components`` and
``definitions`` (the same for Dagster), ``automation`` (schedules), ``cli``, and ``sandbox/``
(a simulated province).

Does not belong here: how a kind of system is read (``sources``), what a rule means
(``checks``), how rows are kept (``warehouse``), which datasets exist (``assets``).
"""
