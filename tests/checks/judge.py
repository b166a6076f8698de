"""Lints or tests contracts with datacontract-cli: one process for all, since it starts slowly.

Data flow: ``lint`` or ``test`` and whole paths of contracts -> one line of JSON for each: its path,
the verdict, and every check with its result. Each contract is read from within its folder.

Run it alone: ``.venv-datacontract/bin/python tests/checks/judge.py test /DIR/ho_so.odcs.yaml``. It
runs in that environment only (``make datacontract``).

What does not belong here: assertions.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from datacontract.data_contract import DataContract

if __name__ == "__main__":
    for name in sys.argv[2:]:
        os.chdir(Path(name).parent)
        contract = DataContract(data_contract_file=name, inline_references=False)
        run = contract.lint() if sys.argv[1] == "lint" else contract.test()
        checks = [check.model_dump(mode="json") for check in run.checks]
        said = {"contract": name, "result": run.result, "checks": checks}
        sys.stdout.write(f"{json.dumps(said)}\n")
