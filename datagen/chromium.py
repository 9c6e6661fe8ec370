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
    from datagen.devtools import DevTools

EXECUTABLE_VARIABLE = "SCREENRY_CHROMIUM"
# Bytes of private memory that one process of the browser may hold; a page that wants more loses its process, not the machine.
MEMORY_LIMIT = 3 << 30
_SCRIPT_HEAP_MIB = 512
_ON_PATH = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_CONFINE = Path(__file__).with_name("confine.py")

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
    "--enable-features=",  # none: CDPScreenshotNewSurface, which Playwright asks for, draws every page once more before a picture is taken
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=http://127.0.0.1:9",  # addresses given as numbers need no resolver: the discard port answers nobody
    "--proxy-bypass-list=<-loopback>",  # nor is this machine itself to be reached
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-crash-reporter",
    f"--js-flags=--max-old-space-size={_SCRIPT_HEAP_MIB}",
)
# What Playwright starts a Chromium with that nobody sits before: no window, no services, no mouse, nothing that waits for a person.
_UNATTENDED = (
    "--headless", "--mute-audio", "--no-first-run", "--no-default-browser-check", "--no-service-autorun", "--password-store=basic", "--use-mock-keychain",
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4",
    "--disable-field-trial-config", "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding",
    "--disable-back-forward-cache", "--disable-breakpad", "--disable-component-extensions-with-background-pages", "--disable-component-update",
    "--disable-default-apps", "--disable-dev-shm-usage", "--disable-extensions", "--allow-pre-commit-input", "--disable-hang-monitor",
    "--disable-ipc-flooding-protection", "--disable-popup-blocking", "--disable-prompt-on-repost", "--disable-updater-scheduler", "--metrics-recording-only",
    "--disable-search-engine-choice-screen", "--disable-infobars", "--disable-sync", "--disable-stack-profiler", "--enable-unsafe-swiftshader",
    "--disable-features=AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,LensOverlay,"
    "MediaRouter,PaintHolding,ThirdPartyStoragePartitioning,AvoidCorsURLLoaderRestartOnRedirect,OptimizationHints,NetworkTimeServiceQuerying,PreconnectToSearch",
)  # fmt: skip
_log = logging.getLogger(__name__)


def find_chromium() -> str:
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
    own = _downloaded()
    if Path(own).is_file():
        return own
    raise InputError(
        f"pages are rendered with Chromium, and none of {', '.join(_ON_PATH)} is on PATH, nor is Playwright's own download there.", fix=fix
    )


def _downloaded() -> str:
    """Where Playwright's own download would be."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def launch() -> "DevTools":
    """A running Chromium that ends with the process that started it. InputError if it does not start at all.

    A warning is logged, once per process, if it had to be started without its sandbox.
    """
    from datagen.devtools import BrowserError

    executable = find_chromium()
    try:
        return _start(executable, sandbox=True)
    except BrowserError as error:
        confined = error
    try:
        browser = _start(executable, sandbox=False)
    except BrowserError as error:
        raise InputError(
            f"this Chromium does not start: {_reason(error)}.", file=executable,
            fix="Start it by hand with `--headless` to see why, or set SCREENRY_CHROMIUM to another one.",
        ) from None  # fmt: skip
    _log.warning("Chromium runs without its sandbox here: %s", _reason(confined))
    return browser


def _start(executable: str, sandbox: bool) -> "DevTools":
    from datagen.devtools import DevTools

    environment = {
        **os.environ, "CONFINE_BROWSER": executable, "CONFINE_MEMORY": str(MEMORY_LIMIT), "CONFINE_DROP": str(int(sandbox)),
    }  # fmt: skip
    return DevTools([sys.executable, "-I", "-S", str(_CONFINE), *_UNATTENDED, *FLAGS, *(() if sandbox else ("--no-sandbox",))], environment)


def _reason(error: Exception) -> str:
    """The line that says why the browser ended: confine.py's or Chromium's own, or else the first."""
    lines = str(error).splitlines() or ["no reason given"]
    told = [line for line in lines if "confine: " in line or "FATAL" in line or "No usable sandbox" in line]
    return (told[0] if told else lines[0]).removeprefix("confine: ").rstrip(".")
