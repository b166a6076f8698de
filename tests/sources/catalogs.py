"""The same small DCAT catalog in four notations: what the tests of kind `dcat` read.

What does not belong here: tests.
"""

from __future__ import annotations

import json
from typing import Any

PREFIXES = """@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix hydra: <http://www.w3.org/ns/hydra/core#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
TURTLE = (
    PREFIXES
    + """
<https://mo.example/> a dcat:Catalog ;
  dcat:dataset <https://mo.example/ds/1>, <https://mo.example/ds/2> .
<https://mo.example/ds/1> a dcat:Dataset ;
  dct:identifier "ds-1" ;
  dct:title "Giường bệnh"@vi, "Hospital beds"@en ;
  dct:description "Số giường <b>theo xã</b>"@vi ;
  dct:publisher [ a foaf:Agent ; foaf:name "Sở Y tế" ] ;
  dct:issued "2026-01-02"^^xsd:date ;
  dct:modified "2026-10-01T01:02:03Z"^^xsd:dateTime ;
  dcat:landingPage <https://mo.example/giuong-benh> ;
  dcat:keyword "y tế", "bệnh viện" ;
  dcat:theme <https://mo.example/chu-de/y-te> ;
  dct:license <https://creativecommons.org/licenses/by/4.0/> ;
  dct:accrualPeriodicity "Hằng tháng" ;
  dcat:distribution <https://mo.example/ds/1/csv>, <https://mo.example/ds/1/api> .
<https://mo.example/chu-de/y-te> skos:prefLabel "Y tế"@vi .
<https://mo.example/ds/1/csv> a dcat:Distribution ;
  dct:title "Bảng" ; dcat:downloadURL <https://mo.example/1.csv> ;
  dct:format <http://publications.europa.eu/resource/authority/file-type/CSV> ;
  dcat:mediaType <https://www.iana.org/assignments/media-types/text/csv> .
<https://mo.example/ds/1/api> a dcat:Distribution ;
  dct:title "Giao diện" ; dcat:accessURL <https://mo.example/api> ; dct:format "API" .
<https://mo.example/ds/2> a dcat:Dataset ; dct:title "Trạm y tế" ; dct:issued "2026-03-04" .
"""
)
RDF_XML = """<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
  xmlns:dcat="http://www.w3.org/ns/dcat#" xmlns:dct="http://purl.org/dc/terms/"
  xmlns:foaf="http://xmlns.com/foaf/0.1/" xmlns:skos="http://www.w3.org/2004/02/skos/core#">
<dcat:Catalog rdf:about="https://mo.example/">
 <dcat:dataset>
  <dcat:Dataset rdf:about="https://mo.example/ds/1">
   <dct:identifier>ds-1</dct:identifier>
   <dct:title xml:lang="vi">Giường bệnh</dct:title>
   <dct:title xml:lang="en">Hospital beds</dct:title>
   <dct:description xml:lang="vi">Số giường &lt;b&gt;theo xã&lt;/b&gt;</dct:description>
   <dct:publisher><foaf:Agent><foaf:name>Sở Y tế</foaf:name></foaf:Agent></dct:publisher>
   <dct:issued rdf:datatype="http://www.w3.org/2001/XMLSchema#date">2026-01-02</dct:issued>
   <dct:modified>2026-10-01T01:02:03Z</dct:modified>
   <dcat:landingPage rdf:resource="https://mo.example/giuong-benh"/>
   <dcat:keyword>y tế</dcat:keyword><dcat:keyword>bệnh viện</dcat:keyword>
   <dcat:theme><skos:Concept rdf:about="https://mo.example/chu-de/y-te">
     <skos:prefLabel xml:lang="vi">Y tế</skos:prefLabel></skos:Concept></dcat:theme>
   <dct:license rdf:resource="https://creativecommons.org/licenses/by/4.0/"/>
   <dct:accrualPeriodicity>Hằng tháng</dct:accrualPeriodicity>
   <dcat:distribution><dcat:Distribution>
     <dct:title>Bảng</dct:title><dcat:downloadURL rdf:resource="https://mo.example/1.csv"/>
     <dct:format rdf:resource="http://publications.europa.eu/resource/authority/file-type/CSV"/>
     <dcat:mediaType>text/csv</dcat:mediaType></dcat:Distribution></dcat:distribution>
   <dcat:distribution><dcat:Distribution>
     <dct:title>Giao diện</dct:title><dcat:accessURL rdf:resource="https://mo.example/api"/>
     <dct:format>API</dct:format></dcat:Distribution></dcat:distribution>
  </dcat:Dataset>
 </dcat:dataset>
 <dcat:dataset>
  <dcat:Dataset rdf:about="https://mo.example/ds/2">
   <dct:title>Trạm y tế</dct:title><dct:issued>2026-03-04</dct:issued></dcat:Dataset>
 </dcat:dataset>
</dcat:Catalog>
</rdf:RDF>"""
CONTEXT: dict[str, Any] = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "dataset": {"@id": "dcat:dataset", "@type": "@id"},
    "landingPage": {"@id": "dcat:landingPage", "@type": "@id"},
}
LINKED: dict[str, Any] = {
    "@context": CONTEXT,
    "@id": "https://mo.example/",
    "@type": "dcat:Catalog",
    "dataset": [
        {
            "@id": "https://mo.example/ds/1",
            "@type": "dcat:Dataset",
            "dct:identifier": "ds-1",
            "dct:title": [
                {"@value": "Giường bệnh", "@language": "vi"},
                {"@value": "Hospital beds", "@language": "en"},
            ],
            "dct:description": {"@value": "Số giường <b>theo xã</b>", "@language": "vi"},
            "dct:publisher": {"foaf:name": "Sở Y tế"},
            "dct:issued": "2026-01-02",
            "dct:modified": "2026-10-01T01:02:03Z",
            "landingPage": "https://mo.example/giuong-benh",
            "dcat:keyword": ["y tế", "bệnh viện"],
            "dcat:theme": {
                "@id": "https://mo.example/chu-de/y-te",
                "skos:prefLabel": {"@value": "Y tế", "@language": "vi"},
            },
            "dct:license": {"@id": "https://creativecommons.org/licenses/by/4.0/"},
            "dct:accrualPeriodicity": "Hằng tháng",
            "dcat:distribution": [
                {
                    "dct:title": "Bảng",
                    "dcat:downloadURL": {"@id": "https://mo.example/1.csv"},
                    "dct:format": "CSV",
                    "dcat:mediaType": "text/csv",
                },
                {
                    "dct:title": "Giao diện",
                    "dcat:accessURL": {"@id": "https://mo.example/api"},
                    "dct:format": "API",
                },
            ],
        },
        {
            "@id": "https://mo.example/ds/2",
            "@type": "dcat:Dataset",
            "dct:title": "Trạm y tế",
            "dct:issued": "2026-03-04",
        },
    ],
}
DATA_JSON: dict[str, Any] = {
    "@context": "https://project-open-data.cio.gov/v1.1/schema/catalog.jsonld",
    "@type": "dcat:Catalog",
    "conformsTo": "https://project-open-data.cio.gov/v1.1/schema",
    "dataset": [
        {
            "identifier": "ds-1",
            "title": "Giường bệnh",
            "description": "Số giường <b>theo xã</b>",
            "publisher": {"@type": "org:Organization", "name": "Sở Y tế"},
            "issued": "2026-01-02",
            "modified": "2026-10-01T01:02:03Z",
            "landingPage": "https://mo.example/giuong-benh",
            "keyword": ["bệnh viện", "y tế"],
            "theme": ["Y tế"],
            "license": "https://creativecommons.org/licenses/by/4.0/",
            "accrualPeriodicity": "Hằng tháng",
            "distribution": [
                {
                    "title": "Bảng",
                    "downloadURL": "https://mo.example/1.csv",
                    "format": "CSV",
                    "mediaType": "text/csv",
                },
                {
                    "title": "Giao diện",
                    "accessURL": "https://mo.example/api",
                    "format": "API",
                },
            ],
        },
        {
            "identifier": "https://mo.example/ds/2",
            "title": "Trạm y tế",
            "issued": "2026-03-04",
        },
    ],
}
DOCUMENTS: dict[str, bytes] = {
    "dcat_us": json.dumps(DATA_JSON, ensure_ascii=False).encode(),
    "json_ld": json.dumps(LINKED, ensure_ascii=False).encode(),
    "turtle": TURTLE.encode(),
    "rdf_xml": RDF_XML.encode(),
}
EXPECTED: list[dict[str, Any]] = [
    {
        "identifier": "ds-1",
        "title": "Giường bệnh",
        "description": "Số giường <b>theo xã</b>",
        "publisher": "Sở Y tế",
        "modified": "2026-10-01T08:02:03",
        "issued": "2026-01-02T00:00:00",
        "landing_page": "https://mo.example/giuong-benh",
        "keywords": "bệnh viện; y tế",
        "themes": "Y tế",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "frequency": "Hằng tháng",
        "formats": "CSV; API",
        "distribution_count": 2,
        "distributions": [
            {
                "url": "https://mo.example/1.csv",
                "title": "Bảng",
                "format": "CSV",
                "media_type": "text/csv",
            },
            {"url": "https://mo.example/api", "title": "Giao diện", "format": "API"},
        ],
    },
    {
        "identifier": "https://mo.example/ds/2",
        "title": "Trạm y tế",
        "description": None,
        "publisher": None,
        "modified": "2026-03-04T00:00:00",
        "issued": "2026-03-04T00:00:00",
        "landing_page": None,
        "keywords": None,
        "themes": None,
        "license": None,
        "frequency": None,
        "formats": None,
        "distribution_count": 0,
        "distributions": [],
    },
]
