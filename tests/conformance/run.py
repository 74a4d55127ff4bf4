"""Runs every check within an emulator that `defender emulator --` has started around it."""

import importlib
import os
import sys
from pathlib import Path

import checks
import session

MODULES = [
    "msal_checks",
    "azure_identity_checks",
    "key_vault_checks",
    "msticpy_checks",
    "msticpy_query_checks",
    "msgraph_checks",
    "node_checks",
    "comparison_checks",
    "page_checks",
]


def main(command: str, folder: str) -> int:
    """Runs the checks with this command and the material in this folder."""
    os.environ[session.COMMAND] = str(Path(command).resolve())
    os.environ[session.FOLDER] = str(Path(folder).resolve())
    # MSTICPy reads its settings when it is imported, and some files are named relative to here.
    os.chdir(folder)
    for module in MODULES:
        importlib.import_module(module)
    return 1 if checks.run_all() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
