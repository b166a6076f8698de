"""Landing: a pull's bytes on disk, as the source sent them, visible by one rename.

Data flow: a kind module hands pages of records (JSON, each record's own bytes) or whole files to
a :class:`BatchWriter`; it writes them under ``<root>/<system>/<dataset>/.partial-<pid>/`` and
:meth:`BatchWriter.seal` fsyncs everything, writes ``manifest.json`` and renames the folder to
``<root>/<system>/<dataset>/<batch>/``. A batch is immutable from then on: it can be loaded
again without asking the portal.

The batch's name is a digest of what it holds and of what came before it (previous batch and
cursor). The same pull repeated after a crash therefore has the same name, and the same content
arriving again on a later night has another: that is what makes commits idempotent.
"""
