"""LibreOffice Calc: CSV as a person sees it, and what a person saves."""

import subprocess
from pathlib import Path

import material
import openpyxl
import trips
from checks import Failed, check, equal

# Comma, quote, UTF-8, from the first line; formulas are computed, as Excel does.
IMPORT = "CSV:44,34,76,1,,1033,false,true,false,false,false,-1,true"


def converted(path: Path, kind: str, filters: str = IMPORT) -> Path:
    """The file that Calc makes of another one."""
    run = subprocess.run(
        [
            "soffice",
            f"-env:UserInstallation=file://{trips.folder()}/office",
            "--headless",
            f"--infilter={filters}",
            "--convert-to",
            kind,
            "--outdir",
            str(trips.folder() / "office_out"),
            str(path),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    made = trips.folder() / "office_out" / path.with_suffix(f".{kind.split(':')[0]}").name
    if not made.exists():
        raise Failed(f"soffice made nothing: {run.stdout} {run.stderr}")
    return made


def texts(path: Path) -> tuple[list[str | None], list[str]]:
    """The column of texts in a workbook, and what kind of cell each is."""
    sheet = openpyxl.load_workbook(path).active
    [header, *rows] = sheet.iter_rows()
    at = [cell.value for cell in header].index("Text")
    return [row[at].value for row in rows], [row[at].data_type for row in rows]


@check("LibreOffice")
def _() -> None:
    """With --escape-formulas no cell is computed, and letters are as they were."""
    options = ("--bom", "--crlf", "--escape-formulas")
    found, kinds = texts(converted(trips.written("safe.csv", *options), "xlsx"))
    equal("f" in kinds, False)
    equal(found[0], "'=1+1")
    equal(found[3], material.expected("Text")[3])
    equal(found[4], "'-2+3")


@check("LibreOffice")
def _() -> None:
    """Without it, a cell that begins with = is a formula: the option has a reason."""
    found, kinds = texts(converted(trips.written("rows.csv"), "xlsx"))
    equal((found[0], kinds[0]), ("=1+1", "f"))


@check("LibreOffice")
def _() -> None:
    """What Calc saves as CSV is read here, lines within cells included."""
    safe = trips.written("safe.csv", "--bom", "--crlf", "--escape-formulas")
    saved = converted(safe, "csv:Text - txt - csv (StarCalc):44,34,76,1")
    rows = trips.read_back(saved)
    expected = material.expected("Text")
    found = [row["Text"].replace("\r\n", "\n") for row in rows]
    equal(found[1], expected[1].replace("\r\n", "\n"))
    equal(found[3], expected[3])
