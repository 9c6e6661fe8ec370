"""One Chromium with one page, reused for every screen, without a network.

The themes are parsed once and swapped as constructed style sheets, the fonts are decoded once, and a screen is a new `<body>`: several times
faster than loading a document per screen. A screen must not depend on the ones before it; tests/datagen/test_render.py holds that.
"""

import base64
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.errors import InputError
from datagen.kits import FONTS, font_face_css, theme_css
from datagen.pages import Page

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

EXECUTABLE_VARIABLE = "SCREENRY_CHROMIUM"
_ON_PATH = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_HERE = Path(__file__).parent

_FLAGS = (
    "--font-render-hinting=none",  # glyph outlines as designed: the ink is where the font's metrics say
    "--disable-lcd-text",  # grey antialiasing: no coloured fringes that depend on the display
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)

# After the theme: fonts that are really there, nothing that moves, and no caret.
_RESET = """
*,*::before,*::after{animation:none!important;transition:none!important;caret-color:transparent!important;scroll-behavior:auto!important;
  pointer-events:auto!important;text-rendering:geometricPrecision}
html{overflow:hidden}
body{min-height:100vh;font-size:1rem}
body,body *{font-family:var(--screen-font)!important}
h1,h2,h3,h4,h5,h6,.h1,.h2,.h3,.h4,.h5,.h6,.navbar-brand,.navbar-brand *{font-family:var(--screen-heading-font)!important}
svg.bi{width:1em;height:1em;vertical-align:-.125em;fill:currentColor;flex:none}
svg text{fill:currentColor}
"""


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


class Browser:
    """A context manager around the browser. `show` puts up a page, `png` photographs it, `evaluate` asks it."""

    def __init__(self) -> None:
        self._themes: set[str] = set()
        self._metrics: tuple[int, int, float] | None = None

    def __enter__(self) -> "Browser":
        from playwright.sync_api import Error, sync_playwright

        fonts = font_face_css()
        self._playwright = sync_playwright().start()
        try:
            executable = find_chromium(self._playwright)
            try:
                self._browser = self._playwright.chromium.launch(executable_path=executable, args=list(_FLAGS))
            except Error as error:
                raise InputError(
                    f"this Chromium does not start: {str(error).splitlines()[0]}.", file=executable,
                    fix="Start it by hand with `--headless` to see why, or set SCREENRY_CHROMIUM to another one.",
                ) from None  # fmt: skip
            self.version = f"chromium/{self._browser.version}"
            self._page = self._browser.new_page(offline=True, java_script_enabled=True)
            self._page.route("**/*", lambda route: route.abort())
            self._page.set_content(f"<!doctype html><html lang=en><head><meta charset=utf-8><style>{fonts}</style></head><body></body></html>")
            self._page.evaluate((_HERE / "annotate.js").read_text(encoding="utf-8"))
            faces = [f"{weight} 16px '{family}'" for family, (_, weights) in FONTS.items() for weight in weights]
            self._page.evaluate("faces => Promise.all(faces.map(face => document.fonts.load(face)))", faces)
            self._cdp = self._page.context.new_cdp_session(self._page)
            self._cdp.send("Emulation.setFocusEmulationEnabled", {"enabled": True})
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(AttributeError):
            self._browser.close()
        self._playwright.stop()

    def show(self, page: Page, width: int, height: int, device_scale: float) -> None:
        """Put up a page in a window of `width` x `height` CSS pixels and wait until it is laid out with its fonts."""
        if self._metrics != (width, height, device_scale):
            self._cdp.send(
                "Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": device_scale, "mobile": False}
            )
            self._metrics = (width, height, device_scale)
        if page.theme not in self._themes:
            self._page.evaluate("([theme, css, reset]) => screenry.addTheme(theme, css, reset)", [page.theme, theme_css(page.theme), _RESET])
            self._themes.add(page.theme)
        self._page.evaluate(
            "page => screenry.show(page)",
            {
                "theme": page.theme, "palette": page.palette, "body": page.body, "bodyClass": page.body_class, "font": page.font,
                "headingFont": page.heading_font, "rootPx": page.root_px, "scrollY": page.scroll_y,
            },
        )  # fmt: skip

    def annotate(self, min_visible: float) -> list[dict[str, Any]]:
        """What the page says of its marked elements (annotate.js); boxes in CSS pixels."""
        found: list[dict[str, Any]] = json.loads(self._page.evaluate("minVisible => JSON.stringify(screenry.annotate(minVisible))", min_visible))
        return found

    def png(self) -> bytes:
        """The window as PNG, `width * device_scale` pixels wide."""
        shot = self._cdp.send("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True, "captureBeyondViewport": False})
        return base64.b64decode(shot["data"])

    def evaluate(self, script: str, argument: Any = None) -> Any:
        """Run a script in the page."""
        return self._page.evaluate(script, argument)
