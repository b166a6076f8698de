"""Great Expectations' side of the identifiers: each counts the rows that quarantine would mark.

Data flow: a rule's expectation names one of these -> the predicate of :mod:`checks.identifiers` ->
one aggregate among those that Great Expectations bundles (``expectations``). Counts are all that
any of them can return.

Importing this module registers the expectations; GX names each after its class.

Run it alone: ``pytest tests/checks/test_identifiers.py``.

What does not belong here: what an identifier is (``identifiers``).
"""

from __future__ import annotations

from typing import Any, ClassVar

from checks.expectations import CountingExpectation
from checks.identifiers import BROKEN


class _IdentifierExpectation(CountingExpectation):
    """An expectation whose predicate is the one of ``kind``, with its own fields as arguments."""

    kind: ClassVar[str]
    arguments: ClassVar[tuple[str, ...]] = ()
    column: str

    def counted(self) -> dict[str, Any]:
        """Count the rows that the kind's predicate finds; an argument not given has its default."""
        given = {name: getattr(self, name) for name in self.arguments}
        kwargs = {name: value for name, value in given.items() if value is not None}
        return {"predicate": BROKEN[self.kind](self.column, **kwargs)}


class ExpectColumnValuesToBeAgencyCode(_IdentifierExpectation):
    """A value must be a code of an agency, in any of its three spellings."""

    kind = "agency_code"


class ExpectColumnValuesToBeDossierNumber(_IdentifierExpectation):
    """A value must be a number of a dossier, of a day that was."""

    kind = "dossier_number"


class ExpectColumnValuesToBeProcedureCode(_IdentifierExpectation):
    """A value must be a code of an administrative procedure."""

    kind = "procedure_code"


class ExpectColumnValuesToBeProcedureReference(_IdentifierExpectation):
    """A procedure must be in the index, by the base of its code."""

    kind = "procedure_reference"
    arguments = ("reference_table", "reference_column")
    reference_table: str
    reference_column: str


class ExpectColumnValuesToBePersonalId(_IdentifierExpectation):
    """A value must be able to be a personal identification number."""

    kind = "personal_id"
    arguments = ("also",)
    also: list[str] | None = None


class ExpectColumnValuesToBePersonalIdAgrees(_IdentifierExpectation):
    """A personal id must agree with province, sex and year of birth beside it."""

    kind = "personal_id_agrees"
    arguments = ("province_column", "sex_column", "birth_column", "male", "female")
    province_column: str | None = None
    sex_column: str | None = None
    birth_column: str | None = None
    male: list[str] | None = None
    female: list[str] | None = None


class ExpectColumnValuesToBeTaxCode(_IdentifierExpectation):
    """A value must be a tax code whose check digit is right, or a personal id."""

    kind = "tax_code"
    arguments = ("also", "persons")
    also: list[str] | None = None
    persons: bool | None = None


class ExpectColumnValuesToBeIdentityNumber(_IdentifierExpectation):
    """A value must be a personal id, an old identity card's number or a tax code."""

    kind = "identity_number"
    arguments = ("also",)
    also: list[str] | None = None


class ExpectColumnValuesToBeDocumentNumber(_IdentifierExpectation):
    """A value must be a document's number and notation."""

    kind = "document_number"
    arguments = ("style",)
    style: str | None = None


class ExpectColumnValuesToBeUnitOnDate(_IdentifierExpectation):
    """An administrative unit must have existed on the row's date."""

    kind = "unit_on_date"
    arguments = ("date_column", "reference_table")
    date_column: str
    reference_table: str


class ExpectColumnValuesToBeHealthFacilityCode(_IdentifierExpectation):
    """A value must be a code of a health facility."""

    kind = "health_facility_code"


class ExpectColumnValuesToBePhoneNumber(_IdentifierExpectation):
    """A value must be a phone number in domestic writing."""

    kind = "phone_number"
