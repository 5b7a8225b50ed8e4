"""A folder that a job without rights has made, read as data of a stranger: the files expected, no others, none too large, all UTF-8."""

from __future__ import annotations

import re
from pathlib import Path

KILOBYTE = 1000


class RefusedError(ValueError):
    """Something in an artifact, or about it, is not as it must be. Nothing has been written."""


def texts(folder: Path, expected: dict[str, int]) -> dict[str, str]:
    """Text of every file of a folder, by its path within it.

    ``expected`` maps a regular expression, which must match the whole path, to the largest size in bytes.

    Raises
    ------
    RefusedError
        At a link, a special file, a file that is not expected or too large, or bytes that are not UTF-8.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise RefusedError(f"{folder.name}: is no folder")
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise RefusedError(f"{name!r}: is a link or a special file")
        if path.is_file():
            found[name] = _text(path, name, expected)
    return found


def _text(path: Path, name: str, expected: dict[str, int]) -> str:
    limit = next((size for pattern, size in expected.items() if re.fullmatch(pattern, name)), None)
    if limit is None:
        raise RefusedError(f"{name!r}: is not expected here")
    if path.stat().st_size > limit:
        raise RefusedError(f"{name!r}: has {path.stat().st_size} bytes, and {limit} are the most")
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError(f"{name!r}: is not UTF-8") from error


def number(text: str) -> int:
    """The number of an issue or a pull request.

    Raises
    ------
    RefusedError
        If it is anything but one to nine digits.
    """
    if not re.fullmatch(r"[1-9][0-9]{0,8}\n?", text, re.A):
        raise RefusedError("the number is not one to nine digits")
    return int(text)
