# SPDX-License-Identifier: ISC
"""Folders for mail and servers, below /var/tmp: on a disk, and not below a home,
since the servers' users must get there."""
import contextlib
import pathlib
import shutil
import subprocess
import tempfile

PARENT = "/var/tmp"


@contextlib.contextmanager
def folder(kind, is_small=True, parent=None):
    """A new one. What is large takes minutes to remove: that goes on in the
    background when the program has ended."""
    place = pathlib.Path(tempfile.mkdtemp(prefix=f"restante-{kind}-",
                                          dir=parent or PARENT))
    place.chmod(0o755)
    try:
        yield place
    finally:
        if is_small:
            shutil.rmtree(place, ignore_errors=True)
        else:
            remove_later(place)


def remove_later(place):
    subprocess.Popen(["nice", "-n", "19", "rm", "-rf", place],
                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL, start_new_session=True)
