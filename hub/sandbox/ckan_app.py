"""Tuyên Quang's shared-data portal over HTTP: a CKAN catalog with open and private packages.

Data flow: ``/api/3/action/*`` as CKAN 2.10 has it (facts 6: error envelope with ``__type``, silent
cap of ``datastore_search``, ``_links``) and the files under
``/dataset/<id>/resource/<rid>/download/``. A private package is missing from the search unless it
is asked for with the right token, and refused elsewhere without it; a wrong token is ignored. The
resource of the price list has a new id every day, as when a file is uploaded again. Most packages
are only told of: their files lie on other sites.

Run it alone: it is one of the servers of ``python -m hub.sandbox``.

What does not belong here: rows (``crops``, ``catalogs``) and file formats (``files``).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.sandbox import files
from hub.sandbox.model import Cells, day_of
from hub.sandbox.packages import HELD, Package, held, identity
from hub.sandbox.province import Province
from hub.sandbox.shapes import PACKAGES, PRICES, SHAPES

DATASTORE_CAP = 500
SEARCH_CAP = 1000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NOTICE = b"%PDF-1.4\n% van ban cong bo (mo phong)\n%%EOF\n"
ORGANISATION = re.compile(r'organization:"([^"]*)"')
MODIFIED = re.compile(r"metadata_modified:\[(\S+) TO ([^\s\]}]+)([\]}])")


class Refusal(Exception):  # noqa: N818 - it is an answer, not a failure
    """An answer of CKAN's error envelope."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        """Keep what the envelope says."""
        super().__init__(message)
        self.status = status
        self.kind = kind


class Catalog:
    """The catalog's endpoints over a province."""

    def __init__(self, province: Province, token: str) -> None:
        """Keep the token that opens the private package."""
        self._province = province
        self._token = token
        self._files: dict[tuple[str, int], bytes] = {}

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/api/3/action/{action}", self.action, methods=["GET", "POST"]),
                Route("/dataset/{package}/resource/{resource}/download/{name}", self.download),
            ]
        )

    async def action(self, request: Request) -> Response:
        """Answer an action in CKAN's envelope."""
        parameters = dict(request.query_params)
        if request.method == "POST":
            try:
                body = json.loads(await request.body() or b"{}")
            except ValueError:
                body = {}
            parameters |= {key: str(value) for key, value in body.items()}
        actions = {
            "package_search": self._package_search,
            "package_show": self._package_show,
            "package_list": self._package_list,
            "resource_show": self._resource_show,
            "datastore_search": self._datastore_search,
            "organization_list_for_user": self._organisations,
        }
        name = request.path_params["action"]
        about = f"{request.base_url}api/3/action/help_show?name={name}"
        try:
            result = actions.get(name, self._unknown)(request, parameters)
        except Refusal as refusal:
            error = {"__type": refusal.kind, "message": str(refusal)}
            return JSONResponse({"help": about, "success": False, "error": error}, refusal.status)
        return JSONResponse({"help": about, "success": True, "result": result})

    async def download(self, request: Request) -> Response:
        """Send a file, or nothing new."""
        path = request.path_params
        found = [
            (package, resource)
            for package in self._visible(request)
            for resource in self._resources(package)
            if resource["id"] == path["resource"] and package.name == path["package"]
        ]
        if not found:
            return Response("Not found", 404, media_type="text/html")
        package, resource = found[0]
        body = NOTICE if resource["format"] == "PDF" else self._file(package)
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        stamp = f"{day_of(self._province.day):%a, %d %b %Y} 00:00:00 GMT"
        headers = {"ETag": tag, "Last-Modified": stamp}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type=str(resource["mimetype"]))

    def _file(self, package: Package) -> bytes:
        """Write a file once a day."""
        key = (package.name, self._province.day)
        if key not in self._files:
            table = self._province.tables[package.dataset]
            self._files = {k: v for k, v in self._files.items() if k[1] == key[1]}
            write = files.xlsx_bytes if package.format == "XLSX" else files.csv_bytes
            self._files[key] = write(table)
        return self._files[key]

    def _allowed(self, request: Request) -> bool:
        return request.headers.get("authorization", "") == self._token

    def _visible(self, request: Request) -> list[Package]:
        return [package for package in HELD if not package.private or self._allowed(request)]

    def _unknown(self, _: Request, __: Mapping[str, str]) -> object:
        raise Refusal(400, "Bad Request", "Action name not known")

    def _organisations(self, request: Request, _: Mapping[str, str]) -> object:
        """Answer an unknown token as anybody: with success, and nothing."""
        return (
            [{"name": "tinh-tuyen-quang", "capacity": "member"}] if self._allowed(request) else []
        )

    def _listed(self) -> list[Cells]:
        """Return the public packages."""
        return [row.cells for row in self._province.tables[PACKAGES.name].rows]

    def _private(self) -> list[Cells]:
        """Return the private ones."""
        province = self._province
        return [held(province.seed, one, province.day) for one in HELD if one.private]

    def _package_list(self, _: Request, __: Mapping[str, str]) -> object:
        return [cells["name"] for cells in self._listed()]

    def _package_search(self, request: Request, parameters: Mapping[str, str]) -> object:
        words = parameters.get("q", "").strip("*: ").lower()
        private = parameters.get("include_private") == "true" and self._allowed(request)
        found = [
            cells
            for cells in self._listed() + (self._private() if private else [])
            if words in cells["name"] or words in cells["title"].lower()
        ]
        found = _filtered(found, parameters.get("fq", ""))
        sort = parameters.get("sort", "score desc, metadata_modified desc")
        if sort == "id asc":
            found.sort(key=lambda cells: cells["identifier"])
        start = _number(parameters, "start", 0)
        rows = min(_number(parameters, "rows", 10), SEARCH_CAP)
        return {
            "count": len(found),
            "sort": sort,
            "facets": {},
            "search_facets": {},
            "results": [self._describe(request, cells) for cells in found[start : start + rows]],
        }

    def _package_show(self, request: Request, parameters: Mapping[str, str]) -> object:
        wanted = parameters.get("id", "")
        for cells in self._private():
            if wanted in (cells["name"], cells["identifier"]):
                if not self._allowed(request):
                    raise Refusal(403, "Authorization Error", "Access denied: User not authorized")
                return self._describe(request, cells)
        for cells in self._listed():
            if wanted in (cells["name"], cells["identifier"]):
                return self._describe(request, cells)
        raise Refusal(404, "Not Found Error", "Not found")

    def _resource_show(self, request: Request, parameters: Mapping[str, str]) -> object:
        return self._address(request, *self._resource(request, parameters.get("id", "")))

    def _resource(self, request: Request, wanted: str) -> tuple[Package, dict[str, object]]:
        for package in HELD:
            for resource in self._resources(package):
                if resource["id"] == wanted:
                    if package.private and not self._allowed(request):
                        raise Refusal(
                            403, "Authorization Error", "Access denied: User not authorized"
                        )
                    return package, resource
        raise Refusal(404, "Not Found Error", "Not found: Resource was not found.")

    def _datastore_search(self, request: Request, parameters: Mapping[str, str]) -> object:
        """Answer records; the limit is capped without a word."""
        wanted = parameters.get("resource_id") or parameters.get("id", "")
        package, resource = self._resource(request, wanted)
        if not resource["datastore_active"]:
            raise Refusal(404, "Not Found Error", f'Not found: Resource "{wanted}" was not found.')
        limit = min(_number(parameters, "limit", 100), DATASTORE_CAP)
        offset = _number(parameters, "offset", 0)
        rows = self._province.tables[package.dataset].rows
        path = f"/api/3/action/datastore_search?resource_id={wanted}"
        columns = list(SHAPES[package.dataset].columns)
        links = {"start": path, "next": f"{path}&offset={offset + limit}"}
        if offset:
            links["prev"] = f"{path}&offset={max(0, offset - limit)}"
        return {
            "include_total": True,
            "resource_id": wanted,
            "fields": [{"id": "_id", "type": "int"}, *({"id": c, "type": "text"} for c in columns)],
            "records_format": "objects",
            "records": [
                {"_id": offset + place, **{column: row.cells[column] for column in columns}}
                for place, row in enumerate(rows[offset : offset + limit], 1)
            ],
            "limit": limit,
            "offset": offset,
            "_links": links,
            "total": len(rows),
            "total_was_estimated": False,
        }

    def _resources(self, package: Package) -> list[dict[str, object]]:
        """List a package's resources: the decision that announces it, then the data."""
        upload = self._province.day if package.dataset == PRICES.name else 0
        kinds = {
            "CSV": "text/csv",
            "XLSX": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
        return [
            {
                "id": identity(self._province.seed, package.name, "notice"),
                "name": "Văn bản công bố",
                "format": "PDF",
                "mimetype": "application/pdf",
                "file": "cong_bo.pdf",
                "datastore_active": False,
                "position": 0,
            },
            {
                "id": identity(self._province.seed, package.name, "data", upload),
                "name": package.title,
                "format": package.format,
                "mimetype": kinds[package.format],
                "file": package.file,
                "datastore_active": package.access == "datastore",
                "position": 1,
            },
        ]

    def _address(
        self, request: Request, package: Package, resource: dict[str, object]
    ) -> dict[str, object]:
        """Describe a resource with its address."""
        rest = {key: value for key, value in resource.items() if key != "file"}
        path = f"dataset/{package.name}/resource/{resource['id']}/download/{resource['file']}"
        modified = held(self._province.seed, package, self._province.day)["modified"]
        return {**rest, "url": f"{request.base_url}{path}", "last_modified": _utc(modified)}

    def _told(self, cells: Cells) -> list[dict[str, object]]:
        """List the resources of a package whose files lie elsewhere."""
        return [
            {
                "id": identity(self._province.seed, cells["name"], place),
                "name": cells["title"],
                "format": form,
                "datastore_active": False,
                "position": place,
                "url": f"https://du-lieu.example.com/{cells['name']}.{form.lower()}",
                "last_modified": _utc(cells["modified"]),
            }
            for place, form in enumerate(cells["formats"].split("; "))
        ]

    def _describe(self, request: Request, cells: Cells) -> dict[str, object]:
        """Write a package as CKAN does: times in UTC, lists as objects."""
        package = next((one for one in HELD if one.name == cells["name"]), None)
        listed = (
            [self._address(request, package, item) for item in self._resources(package)]
            if package
            else self._told(cells)
        )
        return {
            "id": cells["identifier"],
            "name": cells["name"],
            "title": cells["title"],
            "notes": cells["description"],
            "private": package is not None and package.private,
            "state": "active",
            "license_id": cells["license"],
            "frequency": cells["frequency"],
            "metadata_created": _utc(cells["issued"]),
            "metadata_modified": _utc(cells["modified"]),
            "organization": {"name": _organisation(cells), "title": cells["publisher"]},
            "tags": [{"name": tag, "display_name": tag} for tag in cells["keywords"].split("; ")],
            "groups": [{"name": "linh-vuc", "title": cells["themes"]}],
            "num_resources": len(listed),
            "resources": listed,
        }


def _organisation(cells: Cells) -> str:
    """Return the short name of a package's organisation, which stands in the package's own."""
    number = cells["name"].split("-")[-2]
    return f"co-quan-{number}" if number.isdigit() else "tinh-tuyen-quang"


def _utc(vietnam: str) -> str:
    """Return a time of Vietnam as CKAN writes it: in UTC, and without saying so."""
    return (datetime.fromisoformat(vietnam) - timedelta(hours=7)).isoformat()


def _filtered(found: list[Cells], wanted: str) -> list[Cells]:
    """Keep what a Solr filter lets through: organisation and time of change are known here."""
    organisation = ORGANISATION.search(wanted)
    if organisation:
        found = [cells for cells in found if _organisation(cells) == organisation[1]]
    window = MODIFIED.search(wanted)
    if window:
        since, until, end = window.groups()
        last = "~" if until == "*" else until
        found = [
            cells
            for cells in found
            if (since == "*" or since <= f"{_utc(cells['modified'])}Z")
            and (f"{_utc(cells['modified'])}Z" < last or (end == "]" and until == last))
        ]
    return found


def _number(parameters: Mapping[str, str], name: str, usual: int) -> int:
    """Read a whole number that is not negative."""
    text = parameters.get(name, str(usual))
    if not text.isdigit():
        raise Refusal(409, "Validation Error", f"{name}: Must be a natural number")
    return int(text)
