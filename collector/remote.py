"""Files in object stores: brought to a local folder first, then read as any other file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.fs as pafs

from ledger.errors import SourceRefused

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 8 << 20


def is_remote(path: str) -> bool:
    """Say whether a path is a URL of an object store, such as s3://bucket/folder, gs:// or abfss://."""
    return "://" in path


def fetch(url: str, folder: Path) -> Path:
    """Copy what stands under a URL into a folder, its paths kept; return the copy.

    Keys come from the environment, as the tools of the cloud read them. Raises SourceRefused naming the URL.
    """
    try:
        system, base = pafs.FileSystem.from_uri(url)
        base = base.rstrip("/")
        info = system.get_file_info(base)
        if info.type == pafs.FileType.File:
            return _copy(system, base, folder / base.rsplit("/", 1)[-1])
        found = [one for one in system.get_file_info(pafs.FileSelector(base, recursive=True)) if one.is_file]
        for one in found:
            _copy(system, one.path, folder / one.path[len(base) :].lstrip("/"))
    except (OSError, pa.ArrowException) as error:
        raise SourceRefused(f"{url}: {str(error).splitlines()[0][:200]}") from None
    return folder


def _copy(system: pafs.FileSystem, source: str, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    with system.open_input_stream(source, compression=None) as stream, target.open("wb") as out:
        while block := stream.read(_BLOCK):
            out.write(block)
    return target
