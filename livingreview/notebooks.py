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
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from livingreview import outputs, schema

ANALYSES = schema.ROOT / "analyses"
PACKAGE = Path(__file__).parent
STAMP = "livingreview"
MEND = "run 'make refresh' (or 'livingreview refresh')"


def notebooks(folder: Path = ANALYSES) -> list[Path]:
    """All notebooks of the review, sorted."""
    return sorted(folder.glob("*.ipynb"))


def read(path: Path) -> NotebookNode:
    """A notebook as nbformat 4."""
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    return notebook


def problems(path: Path) -> list[str]:
    """Why the stored outputs of a notebook can't be published, each with the way out. Empty if they can."""
    notebook = read(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    found = [f"{path.name}: cell {n} was never executed; {MEND}" for n, cell in enumerate(code, 1) if cell.execution_count is None]
    found += [
        f"{path.name}: cell {n} asks not to be compared (nbval); take the tag or comment out, then {MEND}"
        for n, cell in enumerate(code, 1)
        if _escapes(cell)
    ]
    if found:
        return found
    stamp = notebook.metadata.get(STAMP, {})
    if not stamp:
        return [f"{path.name}: carries no stamp of a refresh; {MEND}"]
    if stamp.get("outputs") != outputs_digest(notebook):
        return [f"{path.name}: its stored outputs were stripped or changed since they were made; {MEND}"]
    if stamp.get("inputs") != inputs_digest(notebook):
        return [f"{path.name}: is stale: the evidence or the code changed since its outputs were made; {MEND}"]
    remedy = f"store it with livingreview.publish, which escapes every text, then {MEND}"
    return [f"{path.name}: {fault}, which no page may show; {remedy}" for fault in outputs.faults(notebook)]


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
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            STAMP: {"inputs": inputs, "outputs": outputs_digest(notebook)},
        }
    )
    write(notebook, path)


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook in one step: never half a file."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".tmp", delete=False) as file:
        nbformat.write(notebook, file)
    Path(file.name).replace(path)
