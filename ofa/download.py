"""CIFAR-10 as it is published, fetched where its files are missing."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from urllib.request import urlopen

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
MD5 = "c58f30108f718f92721af3b95e74349a"
INNER = "cifar-10-batches-py"
"""The archive's only folder."""

_BLOCK = 1 << 16


def fetch_cifar10(folder: Path, names: Iterable[str]) -> None:
    """Put these files of the archive's folder into `folder`, each whole or not at all.

    170 MB are read, with a bar where standard error is a terminal. Raises OSError where there is no network
    or no space, ValueError for another archive than the published one.
    """
    with urlopen(URL, timeout=20) as source:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".partial-") as scratch:
            archive = Path(scratch, "archive")
            found = _saved(source, int(source.headers.get("Content-Length", 0)), archive)
            if found != MD5:
                raise ValueError(f"md5 {found} is not the published {MD5}")
            with tarfile.open(archive) as tar:
                for name in names:
                    tar.extract(f"{INNER}/{name}", scratch, filter="data")
                    Path(scratch, INNER, name).replace(folder / name)


def _saved(source: IO[bytes], size: int, path: Path) -> str:
    """Write what comes, `size` bytes or 0 if nobody knows, and return its MD5."""
    from tqdm import tqdm

    digest = hashlib.md5(usedforsecurity=False)
    with (
        path.open("wb") as file,
        tqdm(desc="CIFAR-10", total=size or None, unit="B", unit_scale=True, disable=None) as bar,
    ):
        while block := source.read(_BLOCK):
            file.write(block)
            digest.update(block)
            bar.update(len(block))
    return digest.hexdigest()
