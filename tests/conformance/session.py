"""What a run of the checks shares: its folder, its material, the recorder, the command."""

import contextlib
import functools
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import person
import scene
import yaml
from recorder import Recorder

FOLDER = "CONFORMANCE_FOLDER"
COMMAND = "CONFORMANCE_COMMAND"


@functools.cache
def folder() -> Path:
    """Where the run's files are."""
    return Path(os.environ[FOLDER])


@functools.cache
def material() -> scene.Material:
    """The run's keys and certificates."""
    return scene.Material(folder())


@functools.cache
def recorder() -> Recorder:
    """The proxy that writes down what is sent."""
    return Recorder(folder())


@contextlib.contextmanager
def environment(**values: str | None) -> Iterator[None]:
    """Sets environment variables for the block; `None` takes one away."""
    before = {name: os.environ.get(name) for name in values}
    try:
        _apply(values)
        yield
    finally:
        _apply(before)


def _apply(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def no_azure_variables() -> contextlib.AbstractContextManager[None]:
    """Without the variables that name an application."""
    names = [name for name in os.environ if name.startswith("AZURE_") and "HOST" not in name]
    return environment(**dict.fromkeys(names))


@contextlib.contextmanager
def browser(behaviour: str) -> Iterator[None]:
    """Within the block a program that opens a browser gets a person who behaves so."""
    program = f"{sys.executable} {Path(person.__file__).resolve()} %s &"
    with environment(BROWSER=program, **{person.BEHAVIOUR: behaviour}):
        yield


def run_command(
    arguments: Sequence[str], variables: dict[str, str] | None = None, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs `defender`; whether it succeeds is for the caller to look at."""
    return subprocess.run(
        [os.environ[COMMAND], *arguments],
        env=os.environ | (variables or {}),
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        cwd=folder(),
    )


def command(
    arguments: Sequence[str], variables: dict[str, str] | None = None, given: str = ""
) -> str:
    """Runs `defender` and returns what it printed; a failure is an error with its words."""
    done = run_command(arguments, variables, given)
    if done.returncode != 0:
        raise RuntimeError(f"defender ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def attended(arguments: Sequence[str]) -> str:
    """Runs `defender` with somebody who signs in as its messages ask; returns what it printed."""
    device = "device" in arguments
    address = ""
    said: list[str] = []
    with subprocess.Popen(
        [os.environ[COMMAND], *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        cwd=folder(),
    ) as process:
        assert process.stdout and process.stderr
        for line in process.stderr:
            said.append(line)
            words = line.split()
            if len(words) != 1:
                continue
            if words[0].startswith("https://"):
                address = words[0]
                if not device:
                    person.visit(address)
            elif address:
                person.visit(address, person.APPROVE, words[0])
                address = ""
        printed = process.stdout.read()
    if process.returncode != 0:
        raise RuntimeError(f"defender ended with {process.returncode}: {''.join(said).strip()}")
    return printed


def settings(name: str, document: dict[str, object]) -> Path:
    """A settings file of this run."""
    path = folder() / f"{name}.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path
