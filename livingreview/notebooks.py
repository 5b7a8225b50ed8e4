"""The notebooks' stored outputs: made, stamped, and refused when they are stale, stripped or were never made.

A stamp in the notebook's metadata holds two digests: of everything the outputs were computed from (the evidence, the package modules
the notebook uses, its own code) and of the outputs themselves. The site is built from stored outputs only, and only if both still match.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from livingreview import outputs, schema

ANALYSES = schema.ROOT / "analyses"
PACKAGE = Path(__file__).parent
STAMP = "livingreview"
MEND = "run 'make refresh' (or 'livingreview refresh')"
STALE = "Stored outputs are stale. Nothing is left to do for a contributor: a maintainer starts the workflow 'refresh', which renews them."
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
"""Metadata of every refreshed notebook, beside its stamp."""


@dataclass(frozen=True)
class Problem:
    """Why the stored outputs of one notebook can't be published, with the way out.

    ``stale`` outputs were true once: only their inputs changed since. All else is ``wrong``: stripped, changed by hand, never made, or
    kept from being compared.
    """

    notebook: str
    kind: Literal["stale", "wrong"]
    why: str

    def __str__(self) -> str:
        return f"{self.notebook}: {self.why}; {MEND}"


def notebooks(folder: Path = ANALYSES) -> list[Path]:
    """All notebooks of the review, sorted."""
    return sorted(folder.glob("*.ipynb"))


def read(path: Path) -> NotebookNode:
    """A notebook as nbformat 4."""
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    return notebook


def problems(path: Path) -> list[Problem]:
    """Why the stored outputs of a notebook can't be published. Empty if they can."""
    notebook = read(path)
    why = faults(notebook)
    if why or notebook.metadata[STAMP].get("inputs") == inputs_digest(notebook):
        return [Problem(path.name, "wrong", reason) for reason in why]
    return [Problem(path.name, "stale", "is stale: the evidence or the code changed since its outputs were made")]


def faults(notebook: NotebookNode) -> list[str]:
    """What is wrong with the stored outputs of a notebook, whatever its inputs are now. Empty if they are as a refresh made them."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    found = [f"cell {n} was never executed" for n, cell in enumerate(code, 1) if cell.execution_count is None]
    found += [f"cell {n} asks not to be compared (nbval): take the tag or comment out" for n, cell in enumerate(code, 1) if _escapes(cell)]
    if found:
        return found
    stamp = notebook.metadata.get(STAMP, {})
    if not stamp:
        return ["carries no stamp of a refresh"]
    if stamp.get("outputs") != outputs_digest(notebook):
        return ["its stored outputs were stripped or changed since they were made"]
    return [
        f"{fault}, which no page may show: store it with livingreview.publish, which escapes every text"
        for fault in outputs.faults(notebook)
    ]


def _escapes(cell: NotebookNode) -> bool:
    """Whether a cell would be left out of the comparison by a tag or comment that nbval knows."""
    return bool(cell.metadata.get("tags")) or "NBVAL" in cell.source or "PYTEST_VALIDATE" in cell.source


def inputs_digest(notebook: NotebookNode) -> str:
    """Digest of what the outputs are computed from; the renderer works by entry point, and the lock names every library."""
    digest = hashlib.sha256()
    tables = [*sorted(schema.EVIDENCE.glob("*.csv")), schema.EVIDENCE / "datapackage.json", schema.BIBLIOGRAPHY]
    files = [*tables, schema.ROOT / "requirements.txt", PACKAGE / "render.py", *_modules(_code(notebook))]
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    digest.update(_code(notebook).encode())
    return digest.hexdigest()


def outputs_digest(notebook: NotebookNode) -> str:
    """Digest of the stored outputs, and of the cells' metadata, which could keep one from being compared."""
    stored = [[cell.outputs, cell.metadata] for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(stored, sort_keys=True).encode()).hexdigest()


def _code(notebook: NotebookNode) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def _modules(code: str) -> list[Path]:
    """Modules of this package that a piece of code imports, and those that they import in turn."""
    found: set[Path] = set()
    waiting = set(_imports(code))
    while waiting:
        module = waiting.pop()
        found.add(module)
        waiting |= set(_imports(module.read_text(encoding="utf-8"))) - found
    return sorted(found)


def _imports(code: str) -> Iterator[Path]:
    """Files of this package that a piece of code imports, as ``from a import b`` or ``import a.b``."""
    for node in ast.walk(ast.parse(code)):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            package, *parts = name.split(".")
            if package == PACKAGE.name:
                files = (PACKAGE.joinpath(*parts).with_suffix(".py"), PACKAGE.joinpath(*parts, "__init__.py"))
                yield from (file for file in files if parts and file.is_file())


def refresh(paths: list[Path], jobs: int | None = None) -> Iterator[tuple[Path, str]]:
    """Re-execute notebooks in parallel and store their outputs; yields each with its error ("" if none) as it ends.

    A notebook that fails, or whose run is interrupted, keeps the file it had.
    """
    with ThreadPoolExecutor(max_workers=jobs or os.cpu_count()) as workers:
        running = {workers.submit(execute, path): path for path in paths}
        for done in as_completed(running):
            yield running[done], _told(done.exception())


def _told(error: BaseException | None) -> str:
    """An error as a reader of the notebook needs it: the cell that failed and what it said, without the traceback."""
    if isinstance(error, CellExecutionError):
        cell = error.traceback.split("------------------\n")[1].strip()
        return f"{error.ename}: {error.evalue}\n  in the cell\n    " + cell.replace("\n", "\n    ")
    return "" if error is None else f"{type(error).__name__}: {error}"


def execute(path: Path) -> None:
    """Run a notebook in its own folder, and replace the file by the run one, stamped."""
    notebook = read(path)
    inputs = inputs_digest(notebook)
    NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--IPKernelApp.log_level=40"],
    ).execute()
    notebook.metadata = nbformat.from_dict({**KERNEL, STAMP: {"inputs": inputs, "outputs": outputs_digest(notebook)}})
    write(notebook, path)


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook in one step: never half a file."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".tmp", delete=False) as file:
        nbformat.write(notebook, file)
    Path(file.name).replace(path)
