"""Runs every check; a tool that is missing is skipped by name."""

import importlib
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "conformance"))

import checks
import trips

MODULES = [
    ("frame_checks", "pyarrow, pandas, Polars, DuckDB", None),
    ("spark_checks", "Spark", "java"),
    ("office_checks", "LibreOffice", "soffice"),
]
PACKAGES = ["pyarrow", "pandas", "polars", "duckdb", "pyspark", "openpyxl"]


def main(command: str, folder: str) -> int:
    """Runs the checks with this command, files in this folder."""
    os.environ[trips.COMMAND] = str(Path(command).resolve())
    os.environ[trips.FOLDER] = str(Path(folder).resolve())
    os.environ["TZ"] = "UTC"
    os.chdir(folder)
    # A first start of Spark or of LibreOffice takes its time.
    checks.LONGEST_SECONDS = 300
    versions = [f"{name} {metadata.version(name)}" for name in PACKAGES]
    for program in ("java", "soffice"):
        if shutil.which(program):
            said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
            versions.append((said.stdout or said.stderr).splitlines()[0].strip())
    print(f"with {', '.join(versions)}")
    for module, tool, program in MODULES:
        if program and not shutil.which(program):
            print(f"SKIPPED {tool}: there is no {program}")
            continue
        importlib.import_module(module)
    return 1 if checks.run_all() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
