"""Finds Chromium and starts it so that a hostile page stays inside: sandbox on, without the machine's rights, memory bounded, never an orphan.

Chromium refuses to run its sandbox as root. Every browser is therefore started by way of `confine.py`, which gives up root before it becomes
the browser. Where no sandbox can be had (a container that forbids user namespaces, say) the reason is logged and the browser runs without.
"""

import logging
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.errors import InputError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

EXECUTABLE_VARIABLE = "SCREENRY_CHROMIUM"
# Bytes of private memory that one process of the browser may hold; a page that wants more loses its process, not the machine.
MEMORY_LIMIT = 3 << 30
_SCRIPT_HEAP_MIB = 512
_ON_PATH = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_CONFINE = Path(__file__).with_name("confine.py")
_LAUNCHER = Path(__file__).with_name("confine.sh")

FLAGS = (
    "--font-render-hinting=none",  # glyph outlines as designed: the ink is where the font's metrics say
    "--enable-blink-features=ComputedAccessibilityInfo",  # names and roles as the accessibility tree has them (annotate.js)
    "--disable-lcd-text",  # grey antialiasing: no coloured fringes that depend on the display
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    # A picture must not depend on the one before it, nor on how busy the machine is.
    "--disable-partial-raster",  # a repainted corner is anti-aliased as if it were painted for the first time
    "--disable-checker-imaging",
    "--disable-image-animation-resync",
    "--disable-threaded-animation",
    "--disable-skia-runtime-opts",
    "--disable-gpu",
    "--enable-features=",  # takes back Playwright's: its CDPScreenshotNewSurface draws every page once more before a picture is taken
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=http://127.0.0.1:9",  # addresses given as numbers need no resolver: the discard port answers nobody
    "--proxy-bypass-list=<-loopback>",  # nor is this machine itself to be reached
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-crash-reporter",
    f"--js-flags=--max-old-space-size={_SCRIPT_HEAP_MIB}",
)
_log = logging.getLogger(__name__)


def find_chromium(playwright: "Playwright") -> str:
    """Path of a Chromium: `SCREENRY_CHROMIUM`, then PATH, then Playwright's own download. InputError that says what to do if there is none."""
    fix = "Install it (as root: `apt-get install chromium`; or `python -m playwright install chromium`), or set SCREENRY_CHROMIUM to an executable."
    chosen = os.environ.get(EXECUTABLE_VARIABLE)
    if chosen:
        if not os.access(chosen, os.X_OK):
            raise InputError("is no executable file.", field=EXECUTABLE_VARIABLE, found=chosen, fix=fix)
        return chosen
    for name in _ON_PATH:
        if path := shutil.which(name):
            return path
    own = playwright.chromium.executable_path
    if Path(own).is_file():
        return own
    raise InputError(
        f"pages are rendered with Chromium, and none of {', '.join(_ON_PATH)} is on PATH, nor is Playwright's own download there.", fix=fix
    )


def launch(playwright: "Playwright") -> "Browser":
    """A running Chromium that ends with the process that started it. InputError if it does not start at all.

    A warning is logged, once per process, if it had to be started without its sandbox.
    """
    from playwright.sync_api import Error

    executable = find_chromium(playwright)
    try:
        return _start(playwright, executable, sandbox=True)
    except Error as error:
        confined = error
    try:
        browser = _start(playwright, executable, sandbox=False)
    except Error as error:
        raise InputError(
            f"this Chromium does not start: {_reason(error)}.", file=executable,
            fix="Start it by hand with `--headless` to see why, or set SCREENRY_CHROMIUM to another one.",
        ) from None  # fmt: skip
    _log.warning("Chromium runs without its sandbox here: %s", _reason(confined))
    return browser


def _start(playwright: "Playwright", executable: str, sandbox: bool) -> "Browser":
    environment: dict[str, str | float | bool] = {
        **os.environ, "CONFINE_PYTHON": sys.executable, "CONFINE_PROGRAM": str(_CONFINE), "CONFINE_BROWSER": executable,
        "CONFINE_MEMORY": str(MEMORY_LIMIT), "CONFINE_DROP": str(int(sandbox)),
    }  # fmt: skip
    return playwright.chromium.launch(executable_path=_LAUNCHER, args=list(FLAGS), chromium_sandbox=sandbox, env=environment)


def _reason(error: Exception) -> str:
    """The line of Playwright's long message that says why the browser ended: confine.py's or Chromium's own."""
    lines = str(error).splitlines() or ["no reason given"]
    told = [line for line in lines if "confine: " in line or "FATAL" in line or "No usable sandbox" in line]
    return told[0].partition("[err] ")[2].removeprefix("confine: ").rstrip(".") if told else lines[0].rstrip(".")
