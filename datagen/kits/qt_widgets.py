"""Real Qt widgets (PySide6) in two styles. They are left out, with the reason in `ABSENT`, where Qt cannot be loaded."""

import ctypes
from functools import cache
from importlib.util import find_spec

from datagen.content.locales import LOCALES
from datagen.kits import Kit, Theme

# Shared libraries that Qt's own packages do not bring, with the Debian packages that do.
LIBRARIES = {
    "libEGL.so.1": "libegl1", "libGL.so.1": "libgl1", "libX11.so.6": "libx11-6", "libxkbcommon.so.0": "libxkbcommon0", "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6", "libdbus-1.so.3": "libdbus-1-3", "libgthread-2.0.so.0": "libglib2.0-0",
}  # fmt: skip
FIX = "Run `make setup`; by hand: pip install pyside6-essentials, and as root apt-get install -y " + " ".join(LIBRARIES.values()) + "."


@cache
def missing_packages() -> tuple[str, ...]:
    """Debian packages of the libraries that cannot be loaded here."""
    return tuple(package for library, package in LIBRARIES.items() if not _loads(library))


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def reason() -> str | None:
    """Why Qt cannot be used here; None if it can. Loads no Qt."""
    if find_spec("PySide6") is None:
        return "needs Qt, and the package PySide6 is not installed."
    if missing_packages():
        return f"needs Qt, and these system packages are missing: {', '.join(missing_packages())}."
    return None


# A page in Chinese, Japanese or Korean needs a hundred font files, which Qt would have to search one after another for every letter.
_LOCALES = tuple(code for code, locale in LOCALES.items() if locale.script not in ("han", "japanese", "hangul"))
_THEMES = {"light": Theme(), "dark": Theme(dark=True), "tinted": Theme()}
_ALL = [
    Kit(name="qt-fusion", platform="desktop", package="PySide6", ui="datagen.qt_ui:QtFusionUi", themes=_THEMES, engine="qt", locales=_LOCALES),
    Kit(name="qt-windows", platform="desktop", package="PySide6", ui="datagen.qt_ui:QtWindowsUi", themes=_THEMES, engine="qt", locales=_LOCALES),
]
_REASON = reason()
KITS = _ALL if _REASON is None else []
# Kit -> why it is left out.
ABSENT = {} if _REASON is None else {kit.name: _REASON for kit in _ALL}
