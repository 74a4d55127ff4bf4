"""Runs every check within an emulator that `defender emulator --` has started around it."""

import os
import sys
from pathlib import Path

import session


def main(command: str, folder: str) -> int:
    """Runs the checks with this command and the material in this folder."""
    os.environ[session.COMMAND] = str(Path(command).resolve())
    os.environ[session.FOLDER] = str(Path(folder).resolve())
    # MSTICPy reads its settings when it is imported, and some files are named relative to here.
    os.chdir(folder)
    import azure_identity_checks
    import comparison_checks
    import key_vault_checks
    import msal_checks
    import msticpy_checks
    import page_checks
    from checks import run_all

    del azure_identity_checks, comparison_checks, key_vault_checks, msal_checks
    del msticpy_checks, page_checks
    return 1 if run_all() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
