"""The walls: Linux Landlock around the store process, set before the engine is imported."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_NO_NEW_PRIVS = 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_TRUNCATE, _REFER = 1 << 14, 1 << 13


def abi() -> int:
    """Return the kernel's Landlock version, 0 where there is none."""
    if sys.platform != "linux":
        return 0
    return max(0, int(_libc().syscall(_CREATE, None, 0, 1)))


def confine(*, read: list[Path], write: list[Path]) -> int:
    """Let this process, from now on, see only these folders and open no connection; return the ABI, 0 = no walls.

    Binds the calling thread and those it starts later: call it while one thread is alive.
    """
    version = abi()
    if not version:
        return 0
    files = (1 << 13) - 1 | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    network = 3 if version >= 4 else 0  # bind and connect: the socket listens already
    attributes = struct.pack("=QQ", files, network) if version >= 4 else struct.pack("=Q", files)
    libc = _libc()
    ruleset = _checked(libc.syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0))
    for path in read:
        _allow(libc, ruleset, path, _READ & files)
    for path in write:
        _allow(libc, ruleset, path, files if path.is_dir() else files & (_WRITE_FILE | _READ_FILE | _TRUNCATE))
    _checked(libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
    _checked(libc.syscall(_RESTRICT, ruleset, 0))
    os.close(ruleset)
    return version


def needed_to_read() -> list[Path]:
    """Return what the interpreter and the engine must still see."""
    prefixes = {Path(p).resolve() for p in (*sys.path, sys.prefix, sys.base_prefix, sys.exec_prefix) if p}
    fixed = "/usr /lib /lib64 /sys/devices/system/cpu /sys/fs/cgroup /proc/cpuinfo /proc/meminfo /proc/self/maps"
    return [path for path in [*prefixes, *map(Path, fixed.split())] if path.exists()]


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, access: int) -> None:
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not path.is_dir():
            access &= _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
        rule = struct.pack("=Qi", access, handle)
        _checked(libc.syscall(_ADD, ruleset, 1, rule, 0))
    finally:
        os.close(handle)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
