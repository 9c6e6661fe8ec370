"""Gives up what a browser should not have, then becomes the browser. Run by confine.sh; the standard library alone, and nothing of ours.

As root: becomes `nobody`, with the browser's profile folder as its home, because Chromium's sandbox does not run as root. As anybody: no process
of the browser may hold more private memory than CONFINE_MEMORY bytes, and the browser dies with the process that started it.
"""

import ctypes
import os
import pwd
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PROFILE = "--user-data-dir="


def main() -> None:
    parent = os.getppid()
    browser, memory = os.environ["CONFINE_BROWSER"], int(os.environ["CONFINE_MEMORY"])
    if os.geteuid() == 0 and os.environ["CONFINE_DROP"] == "1":
        become_nobody([argument.removeprefix(_PROFILE) for argument in sys.argv if argument.startswith(_PROFILE)])
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # After the change of user, which would undo it. If the parent went before it took effect, nobody is left to browse for.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(1)
    os.execv(browser, [browser, *sys.argv[1:]])


def become_nobody(folders: list[str]) -> None:
    """Hand over `folders` and become `nobody`. Exits with a line that says why if this root may not do that."""
    try:
        nobody = pwd.getpwnam("nobody")
        for folder in folders:
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        os.setgroups([])
        os.setresgid(*[nobody.pw_gid] * 3)
        os.setresuid(*[nobody.pw_uid] * 3)
    except (KeyError, OSError) as error:
        sys.exit(f"confine: root cannot become `nobody` ({error}), and Chromium's sandbox does not run as root")
    if folders:
        os.environ["HOME"] = folders[0]
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
        os.environ.pop(name, None)
    os.chdir("/")


if __name__ == "__main__":
    main()
