"""CIFAR-10 as it is published, fetched where its files are missing."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path
from urllib.request import urlopen

from ofa.whole import scratch_file, whole_file

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
MD5 = "c58f30108f718f92721af3b95e74349a"
INNER = "cifar-10-batches-py"
"""The archive's only folder."""


def fetch_cifar10(folder: Path, names: Iterable[str]) -> None:
    """Put these files of the archive's folder into `folder`, each whole or not at all.

    170 MB are read, with a bar where standard error is a terminal. Raises OSError where there is no network
    or no space, ValueError for another archive than the published one.
    """
    from tqdm import tqdm

    with urlopen(URL, timeout=20) as source:
        folder.mkdir(parents=True, exist_ok=True)
        with scratch_file(folder / "cifar-10-python.tar.gz") as file:
            size = int(source.headers.get("Content-Length", 0)) or None
            with tqdm.wrapattr(source, "read", size, desc="CIFAR-10", disable=None) as watched:
                shutil.copyfileobj(watched, file)
            file.seek(0)
            found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            if found != MD5:
                raise ValueError(f"md5 {found} is not the published {MD5}")
            file.seek(0)
            with tarfile.open(fileobj=file) as tar:
                for name in names:
                    member = tar.extractfile(f"{INNER}/{name}")
                    if member is None:
                        raise ValueError(f"{name} is no file in the archive")
                    with whole_file(folder / name) as whole:
                        shutil.copyfileobj(member, whole)
