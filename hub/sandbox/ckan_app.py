"""Tuyên Quang's shared-data portal over HTTP: a CKAN catalog with open and private packages.

Data flow: ``/api/3/action/*`` (facts 6: error envelope with ``__type``, silent cap of
``datastore_search``, ``_links``) and the files under ``/dataset/<id>/resource/<rid>/download/``. A
private package is missing from the search and refused elsewhere, unless the token is right. The
resource of the price list has a new id every day, as when a file is uploaded again.

Run it alone: it is one of the servers of ``python -m hub.sandbox``.

What does not belong here: rows (``crops``, ``catalogs``) and file formats (``files``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.sandbox import files
from hub.sandbox.model import day_of
from hub.sandbox.province import Province
from hub.sandbox.shapes import CROPS, HERITAGE, OFFICERS, ORGANIC, PRICES, SHAPES, TOURISM

DATASTORE_CAP = 500
SEARCH_CAP = 1000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NOTICE = b"%PDF-1.4\n% van ban cong bo (mo phong)\n%%EOF\n"
Access = Literal["datastore", "file"]


class Refusal(Exception):  # noqa: N818 - it is an answer, not a failure
    """An answer of CKAN's error envelope."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        """Keep what the envelope says."""
        super().__init__(message)
        self.status = status
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Package:
    """A package of the catalog."""

    name: str
    title: str
    dataset: str
    access: Access
    file: str
    """Name of the file, or of the datastore resource."""
    format: str
    private: bool = False


PACKAGES = (
    Package(
        "vung-san-xuat-trong-trot-huu-co",
        "Vùng sản xuất trồng trọt hữu cơ",
        ORGANIC.name,
        "datastore",
        "vung_huu_co.csv",
        "CSV",
    ),
    Package(
        "dien-tich-nang-suat-san-luong-cay-trong",
        "Diện tích, năng suất, sản lượng một số loại cây trồng",
        CROPS.name,
        "datastore",
        "cay_trong.csv",
        "CSV",
    ),
    Package(
        "bang-gia-vat-lieu-xay-dung",
        "Bảng giá vật liệu xây dựng",
        PRICES.name,
        "file",
        "gia_vat_lieu.xlsx",
        "XLSX",
    ),
    Package(
        "di-san-van-hoa-phi-vat-the",
        "Các di sản văn hóa phi vật thể tiêu biểu",
        HERITAGE.name,
        "file",
        "di_san.csv",
        "CSV",
    ),
    Package(
        "dia-diem-du-lich",
        "Danh sách địa điểm du lịch",
        TOURISM.name,
        "file",
        "du_lich.csv",
        "CSV",
    ),
    Package(
        "can-bo-dau-moi",
        "Cán bộ đầu mối chia sẻ dữ liệu",
        OFFICERS.name,
        "datastore",
        "can_bo.csv",
        "CSV",
        private=True,
    ),
)


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
        return [package for package in PACKAGES if not package.private or self._allowed(request)]

    def _unknown(self, _: Request, __: Mapping[str, str]) -> object:
        raise Refusal(400, "Bad Request", "Action name not known")

    def _package_list(self, request: Request, _: Mapping[str, str]) -> object:
        return [package.name for package in self._visible(request)]

    def _package_search(self, request: Request, parameters: Mapping[str, str]) -> object:
        words = parameters.get("q", "").strip("*: ").lower()
        found = [
            package
            for package in self._visible(request)
            if words in package.name or words in package.title.lower()
        ]
        start = _number(parameters, "start", 0)
        rows = min(_number(parameters, "rows", 10), SEARCH_CAP)
        return {
            "count": len(found),
            "sort": "score desc, metadata_modified desc",
            "facets": {},
            "search_facets": {},
            "results": [
                self._describe(request, package) for package in found[start : start + rows]
            ],
        }

    def _package_show(self, request: Request, parameters: Mapping[str, str]) -> object:
        wanted = parameters.get("id", "")
        for package in PACKAGES:
            if wanted in (package.name, self._identity(package.name)):
                if package.private and not self._allowed(request):
                    raise Refusal(403, "Authorization Error", "Access denied: User not authorized")
                return self._describe(request, package)
        raise Refusal(404, "Not Found Error", "Not found")

    def _resource_show(self, request: Request, parameters: Mapping[str, str]) -> object:
        return self._address(request, *self._resource(request, parameters.get("id", "")))

    def _resource(self, request: Request, wanted: str) -> tuple[Package, dict[str, object]]:
        for package in PACKAGES:
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

    def _identity(self, *parts: object) -> str:
        """Make a uuid from the seed and what it names."""
        text = "/".join(str(part) for part in (self._province.seed, *parts))
        return str(
            UUID(bytes=hashlib.md5(text.encode(), usedforsecurity=False).digest(), version=4)
        )

    def _resources(self, package: Package) -> list[dict[str, object]]:
        """List a package's resources: the decision that announces it, then the data."""
        upload = self._province.day if package.dataset == PRICES.name else 0
        kinds = {
            "CSV": "text/csv",
            "XLSX": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
        return [
            {
                "id": self._identity(package.name, "notice"),
                "name": "Văn bản công bố",
                "format": "PDF",
                "mimetype": "application/pdf",
                "file": "cong_bo.pdf",
                "datastore_active": False,
                "position": 0,
            },
            {
                "id": self._identity(package.name, "data", upload),
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
        modified = f"{day_of(self._province.day):%Y-%m-%dT%H:%M:%S}"
        return {**rest, "url": f"{request.base_url}{path}", "last_modified": modified}

    def _describe(self, request: Request, package: Package) -> dict[str, object]:
        return {
            "id": self._identity(package.name),
            "name": package.name,
            "title": package.title,
            "private": package.private,
            "state": "active",
            "license_id": "notspecified" if package.private else "cc-by",
            "metadata_modified": f"{day_of(self._province.day):%Y-%m-%dT%H:%M:%S}",
            "organization": {"name": "tinh-tuyen-quang", "title": "UBND tỉnh Tuyên Quang"},
            "notes": "Dữ liệu mô phỏng (synthetic)",
            "num_resources": 2,
            "resources": [
                self._address(request, package, item) for item in self._resources(package)
            ],
        }


def _number(parameters: Mapping[str, str], name: str, usual: int) -> int:
    """Read a whole number that is not negative."""
    text = parameters.get(name, str(usual))
    if not text.isdigit():
        raise Refusal(409, "Validation Error", f"{name}: Must be a natural number")
    return int(text)
