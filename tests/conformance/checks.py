"""The register of checks, and running them one after the other."""

import contextlib
import io
import logging
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass

LONGEST_SECONDS = 60


@dataclass(frozen=True)
class Check:
    """One thing that is checked: `name` is what the check's documentation says."""

    client: str
    name: str
    run: Callable[[], None]
    seconds: int


REGISTER: list[Check] = []


class Failed(Exception):
    """What a check found to be otherwise."""


class Skipped(Exception):
    """Why a check cannot run here."""


def check(
    client: str, seconds: int = LONGEST_SECONDS
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Registers a function whose docstring says in one line what is checked of `client`."""

    def register(function: Callable[[], None]) -> Callable[[], None]:
        name = (function.__doc__ or "").strip().rstrip(".")
        REGISTER.append(Check(client, name, function, seconds))
        return function

    return register


def expect(condition: object, found: object) -> None:
    """Fails with what was found, unless the condition holds."""
    if not condition:
        raise Failed(f"found {found!r}")


def equal(found: object, expected: object) -> None:
    """Fails unless both are the same."""
    if found != expected:
        raise Failed(f"found {found!r}, expected {expected!r}")


def contains(text: object, *parts: str) -> None:
    """Fails unless every part stands in the text."""
    for part in parts:
        if part not in str(text):
            raise Failed(f"{part!r} is not in {str(text)!r}")


@contextlib.contextmanager
def raises(kind: type[BaseException], *parts: str) -> Iterator[None]:
    """Fails unless the block raises this error, whose text has every part."""
    try:
        yield
    except kind as error:
        contains(f"{error} {error.__cause__ or ''}", *parts)
        return
    raise Failed(f"{kind.__name__} was not raised")


def run_all() -> int:
    """Runs every check, prints a line for each, and returns how many failed."""
    # Clients say what they refuse in their logs too; here only the line of the check counts.
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGALRM, _too_long)
    failures = 0
    for one in REGISTER:
        title = f"{one.client}: {one.name}"
        said = io.StringIO()
        signal.alarm(one.seconds)
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                one.run()
        except Skipped as reason:
            print(f"skip {title}: {reason}")
        except Exception as error:
            failures += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            print(f"FAIL {title}: {_one_line(error)} ({where.name}, line {where.lineno})")
            for line in said.getvalue().splitlines()[-10:]:
                print(f"     {line}")
        else:
            print(f"ok {title}")
        finally:
            signal.alarm(0)
        sys.stdout.flush()
    return failures


def _one_line(error: BaseException) -> str:
    name = "" if isinstance(error, Failed) else f"{type(error).__name__}: "
    return name + " ".join(str(error).split())


def _too_long(_number: int, _frame: object) -> None:
    raise Failed("did not end in time")
