"""The kinds of source that the kit tries: a definition, a server, and what each expects otherwise.

Data flow: :data:`SUBJECTS` -> ``test_kit``. A new kind is added here: one :class:`Subject` with
its YAML, a server in ``kit_servers``, and every fault is tried on it.

What does not belong here: what is expected of all (``kit.CASES``).
"""

from __future__ import annotations

import base64
from datetime import datetime
from operator import itemgetter
from typing import Any

from hub.errors import ConfigurationError, ProviderError
from tests.sources import kit_servers as servers
from tests.sources.kit import Expected, Rows, Subject, passing, refused
from tests.sources.real_servers import PASSWORD, USER

_AUTUMN = (datetime(2026, 8, 1), datetime(2026, 10, 2))  # noqa: DTZ001 - Vietnam time
_SEPTEMBER = (datetime(2026, 9, 1), datetime(2026, 10, 2))  # noqa: DTZ001 - Vietnam time
_ITS_READERS = Expected(
    "unseen", why="a damaged message is refused by its reader, and its neighbours are kept"
)
_XML = {
    "login page": refused("HTML page"),
    "bad UTF-8": refused("the XML is damaged"),
    "length too short": passing("XML ends in the middle", ProviderError),
    "half, well announced": passing("XML ends in the middle", ProviderError),
}
_PAGING = frozenset(
    {"body cut", "half, well announced", "503", "404", "login page", "earlier page"}
    | {"refusal in a 200", "empty 200"}
)
"""What is tried on a paging kind whose requests and envelopes another subject tries."""
_FILES = (_PAGING - {"earlier page"}) | {"length too short", "gzip cut", "redirect elsewhere"}


_BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def _named(suffix: str, *, whole: bool = False) -> Any:
    """Return a view of the store: the files with this ending, by name or by path."""

    def view(files: Rows) -> Rows:
        return [
            (path if whole else path.rpartition("/")[2], body)
            for path, body in files
            if path.endswith(suffix)
        ]

    return view


SUBJECTS = {
    subject.name: subject
    for subject in (
        Subject(
            "portal",
            "{kind: portal, fetch: {path: /rows, page_size: 10}}",
            servers.portal,
            expects={"refusal in a 200": refused("error_code '99' in a 200")},
        ),
        Subject(
            "ckan",
            "{kind: ckan, fetch: {package: goi, page_size: 10, resource: {access: datastore}}}",
            servers.ckan,
            expects={"refusal in a 200": refused("failed .Validation Error")},
        ),
        Subject(
            "edxml",
            "{kind: edxml, classified_officer: Chánh Văn phòng,"
            " fetch: {message_type: edoc, start: 2026-08-01}}",
            servers.axis,
            window=_AUTUMN,
            expects={
                "refusal in a 200": refused("success: false", ConfigurationError),
                "length too short": _ITS_READERS,
                "half, well announced": _ITS_READERS,
                "bad UTF-8": _ITS_READERS,
            },
        ),
        Subject(
            "rest by offset",
            """
            kind: rest
            fetch:
              path: /rows
              records: data.items
              total: total
              paging: {kind: offset, key: ma, page_size: 20}
            """,
            servers.offset,
            expects={
                "refusal in a 200": refused("no `data.items`|no `total`"),
                "earlier page": Expected("either", why="pages overlap: the walk steps back"),
            },
        ),
        Subject(
            "rest by page",
            """
            kind: rest
            fetch:
              path: /rows
              records: result
              total: total
              success: {}
              paging: {kind: page, key: ma, page_size: 20}
            """,
            servers.portal,
            only=_PAGING,
        ),
        Subject(
            "rest by children",
            """
            kind: rest
            fetch:
              path: /rows/{id}/buoc
              records: buoc
              paging: {kind: none}
              parent:
                path: /rows
                records: data.items
                total: total
                paging: {kind: offset, key: ma, page_size: 3}
                id: ma
                into: ma_ho_so
            """,
            servers.children,
            only=_PAGING,
        ),
        Subject(
            "rest by next_url",
            """
            kind: rest
            fetch:
              path: /kho/bang.json
              params: {_shape: objects, _size: "20", _sort: ma}
              records: rows
              total: filtered_table_rows_count
              paging: {kind: next_url, path: next_url}
            """,
            servers.table,
            only=_PAGING,
        ),
        Subject(
            "rest by token",
            """
            kind: rest
            fetch:
              path: /kho/bang.json
              params: {_shape: objects, _size: "20", _sort: ma}
              records: rows
              total: filtered_table_rows_count
              paging: {kind: token, path: next, parameter: _next, key: ma}
            """,
            servers.table,
            only=_PAGING,
        ),
        Subject(
            "rest by keyset",
            """
            kind: rest
            fetch:
              path: /kho/bang.json
              params: {_shape: objects, _size: "20", _sort: ma}
              records: rows
              paging: {kind: keyset, field: ma, parameter: ma__gt}
            """,
            servers.table,
            only=_PAGING,
        ),
        Subject(
            "rest by link_header",
            """
            kind: rest
            fetch:
              path: /kho/bang.json
              params: {_shape: array, _size: "20", _sort: ma}
              records: ""
              paging: {kind: link_header}
            """,
            servers.table,
            only=_PAGING,
        ),
        Subject(
            "rest by date_windows",
            """
            kind: rest
            fetch:
              path: /kho/bang.json
              params: {_shape: objects, _size: "100", _sort: ma}
              records: rows
              total: filtered_table_rows_count
              since_parameter: luc__gte
              until_parameter: luc__lt
              time_format: "%Y-%m-%dT%H:%M:%S"
              paging:
                {kind: date_windows, start: 2026-08-01, days: 8, step: hour, until_included: false}
            """,
            servers.table,
            window=_SEPTEMBER,
            seen=lambda rows: sorted(rows, key=itemgetter("ma")),
            only=_PAGING,
        ),
        Subject(
            "ogc_features",
            "{kind: ogc_features, fetch: {collection: di_tich, page_size: 20}}",
            servers.features,
            expects={"refusal in a 200": refused("no FeatureCollection")},
        ),
        Subject(
            "oai_pmh", "{kind: oai_pmh, fetch: {path: /oai}}", servers.oai, expects=_XML
        ),
        Subject(
            "webdav list",
            "{kind: webdav, fetch: {path: kho}}",
            servers.store,
            authorization=_BASIC,
            truth=lambda files: [(path, len(body)) for path, body in files],
            seen=lambda rows: [(row["path"], row["size"]) for row in rows],
            expects=_XML,
        ),
        Subject(
            "webdav files",
            '{kind: webdav, fetch: {path: kho, match: "*.csv", download: csv}}',
            servers.store,
            authorization=_BASIC,
            truth=_named(".csv", whole=True),
            only=_FILES,
        ),
        Subject(
            "files csv",
            """
            kind: files
            fetch:
              format: csv
              paths:
                - "/kho/bảng 1.csv"
                - "/kho/năm 2026/bảng 2.csv"
                - "/kho/năm 2026/quý 1/bảng 3.csv"
            """,
            servers.store,
            authorization=_BASIC,
            truth=_named(".csv"),
            expects={
                "bad UTF-8": Expected("unseen", why="a CSV has any encoding; its reader decides"),
                "earlier page": Expected("unseen", why="two addresses may have equal files"),
                "length too short": Expected("unseen", why="a CSV has no mark at its end"),
                "half, well announced": Expected("unseen", why="a CSV has no mark at its end"),
            },
        ),
        Subject(
            "files parquet",
            """
            kind: files
            fetch:
              format: parquet
              paths: [/kho/so/so_1.parquet, /kho/so/so_2.parquet, /kho/so/so_3.parquet]
            """,
            servers.store,
            authorization=_BASIC,
            truth=_named(".parquet"),
            only=_FILES,
        ),
    )
}  # fmt: skip
