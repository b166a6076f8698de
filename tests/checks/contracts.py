"""A small valid contract for tests, and ways to break it.

Data flow: :data:`CONTRACT` (text) -> a test writes it, changed, into its own folder and loads it.

Run it alone: ``python tests/checks/contracts.py`` prints the text.

What does not belong here: tests.
"""

from __future__ import annotations

import sys
from pathlib import Path

from checks.contract import load_contract
from checks.model import Contract

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: ho_so_nho
name: Hồ sơ nhỏ
version: 1.0.0
status: active
team:
  name: trung_tam
slaProperties:
  - {property: latency, value: 26, unit: h}
schema:
  - name: ho_so_nho
    physicalName: dung_chung.ho_so_nho
    description: Hồ sơ để thử (dossiers to try with)
    customProperties:
      - {property: phanLoai, value: dung_chung}
      - {property: versionColumn, value: cap_nhat}
      - {property: rejectThreshold, value: 0.25}
    quality:
      - name: row.nhan_truoc_tra
        type: custom
        engine: greatExpectations
        dimension: consistency
        severity: error
        description: Ngày hẹn trả sớm hơn ngày tiếp nhận
        implementation:
          type: expect_row_to_satisfy
          kwargs: {condition: "ngay_nhan <= ngay_tra"}
    properties:
      - name: ma
        businessName: Mã hồ sơ
        description: Mã (code)
        logicalType: string
        physicalType: VARCHAR
        primaryKey: true
        required: true
        customProperties:
          - {property: form, value: ma}
        quality:
          - name: pattern
            type: custom
            engine: greatExpectations
            dimension: conformity
            severity: error
            description: Mã hồ sơ không đúng dạng
            implementation:
              type: expect_column_values_to_match_regex
              kwargs:
                regex: '^[A-Z]\\d{1,3}$'
      - name: ngay_nhan
        businessName: Ngày tiếp nhận
        description: Ngày (day)
        logicalType: date
        physicalType: DATE
        required: true
        quality:
          - name: range
            type: custom
            engine: greatExpectations
            dimension: conformity
            severity: error
            description: Ngày tiếp nhận ngoài khoảng cho phép
            implementation:
              type: expect_column_values_to_be_between
              kwargs: {min_value: 2000-01-01, max_value: '2030-12-31'}
      - name: ngay_tra
        businessName: Ngày hẹn trả
        description: Ngày (day)
        logicalType: date
        physicalType: DATE
      - name: chu_ho_so
        businessName: Chủ hồ sơ
        description: Họ tên (name)
        logicalType: string
        physicalType: VARCHAR
        classification: basic
        quality:
          - name: length
            type: custom
            engine: greatExpectations
            dimension: conformity
            severity: warn
            description: Họ tên quá ngắn hoặc quá dài
            implementation:
              type: expect_column_value_lengths_to_be_between
              kwargs: {min_value: 2, max_value: 12}
      - name: trang_thai
        businessName: Trạng thái
        description: Mã trạng thái (state)
        logicalType: string
        physicalType: VARCHAR
        required: true
        customProperties:
          - {property: form, value: ma}
        quality:
          - name: in_set
            type: custom
            engine: greatExpectations
            dimension: conformity
            severity: error
            description: Trạng thái không có trong danh mục
            implementation:
              type: expect_column_values_to_be_in_set
              kwargs: {value_set: ['1', '2', '10']}
          - name: reference
            type: custom
            engine: greatExpectations
            dimension: consistency
            severity: warn
            description: Trạng thái không có trong bảng danh mục
            implementation:
              type: expect_column_values_to_be_in_reference
              kwargs: {table: danh_muc.trang_thai, column: trang_thai}
      - name: le_phi
        businessName: Lệ phí
        description: Đồng (VND)
        logicalType: number
        physicalType: DECIMAL(18,2)
        customProperties:
          - {property: form, value: so_thap_phan}
        quality:
          - name: range
            type: custom
            engine: greatExpectations
            dimension: accuracy
            severity: warn
            description: Lệ phí âm
            implementation:
              type: expect_column_values_to_be_between
              kwargs: {min_value: 0}
      - name: cap_nhat
        businessName: Cập nhật
        description: Lúc cập nhật (last change)
        logicalType: timestamp
        physicalType: TIMESTAMP
"""


def write(folder: Path, text: str = CONTRACT) -> Path:
    """Write a contract into the folder."""
    path = folder / "ho_so_nho.odcs.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def contract(folder: Path, text: str = CONTRACT) -> Contract:
    """Write a contract into the folder and load it."""
    return load_contract(write(folder, text))


def changed(old: str, new: str, text: str = CONTRACT) -> str:
    """Replace a text that must occur, once."""
    assert old in text, old
    return text.replace(old, new, 1)


def stated(name: str, expectation: str, kwargs: str, indent: int = 10, **other: str) -> str:
    """Return one entry of ``quality`` as YAML; ``other`` replaces or adds keys."""
    keys = {
        "type": "custom",
        "engine": "greatExpectations",
        "dimension": "consistency",
        "severity": "error",
        "description": f"Sai {name}",
        "implementation": f"{{type: {expectation}, kwargs: {{{kwargs}}}}}",
        **other,
    }
    lines = [f"- name: {name}", *(f"  {key}: {value}" for key, value in keys.items())]
    return "".join(f"{' ' * indent}{line}\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(CONTRACT)
