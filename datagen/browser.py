"""One Chromium, without a network: a document per kit (kits without scripts share one), in which one screen's `<body>` replaces another's.

Style sheets are parsed once and switched, scripts run once, fonts are fetched when a page first needs them: several times faster than loading a
document per screen. A screen must not depend on the ones before it; tests/datagen/test_render.py holds that.

Documents live at `https://kits.invalid/`, a host that does not exist: requests to it are answered with files of the installed npm packages, all others are refused.
"""

import base64
import json
import mimetypes
import re
from collections import OrderedDict
from contextlib import suppress
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datagen.chromium import launch
from datagen.content import fonts
from datagen.content.locales import LOCALES
from datagen.kits import Kit, kit
from datagen.kits.files import MODULES, ORIGIN
from datagen.pages import Page

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Route
    from playwright.sync_api import Page as Tab

_HERE = Path(__file__).parent
# Documents kept open. A kit's scripts take 20 to 80 MB each.
MAX_DOCUMENTS = 8
# Scripts that are modules though their names do not say so.
MODULE_SCRIPTS = (
    "@shoelace-style/shoelace/cdn/shoelace.js", "@vscode-elements/elements/dist/bundled.js", "@fluentui/web-components/dist/web-components.min.js",
)  # fmt: skip

# After everything else: fonts that are really there, nothing that moves, and no caret.
_RESET = """
*,*::before,*::after{animation:none!important;transition:none!important;caret-color:transparent!important;scroll-behavior:auto!important;
  pointer-events:auto!important;text-rendering:geometricPrecision}
html{overflow:hidden;background:var(--s-surface)}
body{min-height:100vh;margin:0!important;max-width:none!important;padding:0!important}
html:not([data-own-fonts]) :is(body,body *){font-family:var(--screen-font)!important}
html:not([data-own-fonts]) :is(h1,h2,h3,h4,h5,h6){font-family:var(--screen-heading-font)!important}
svg text{fill:currentColor}
"""

# Measuring may ask for a font that the page itself does not need (the Latin part of an Arabic one). While it is on its way, Chromium does not paint the
# text that has it among its fonts: the picture would lack it. So everything is done once more when the font is there, as in a document that had it.
_SHOW_AND_ANNOTATE = """async ([page, minVisible]) => {
  for (;;) {
    await stage.show(page);
    const found = JSON.stringify(screenry.annotate(minVisible));
    if (document.fonts.status !== "loading") return found;
    await document.fonts.ready;
  }
}"""
_ANNOTATE = """async minVisible => {
  for (;;) {
    const found = JSON.stringify(screenry.annotate(minVisible));
    if (document.fonts.status !== "loading") return found;
    await document.fonts.ready;
  }
}"""


# Not by a style sheet: with every switch of sheets the fonts of all of them would be forgotten, and the next page laid out twice.
_ADD_FONTS = """faces => {
  for (const [family, weight, file, characters] of faces) {
    const range = characters ? {unicodeRange: characters} : {};
    document.fonts.add(new FontFace(family, `url(${file}) format("woff2")`, {weight, display: "block", ...range}));
  }
}"""


class Document:
    """A browser tab that shows the pages of one kit, or of all kits without scripts."""

    def __init__(self, tab: "Tab", cdp: "CDPSession") -> None:
        self.tab = tab
        self.cdp = cdp
        self.metrics: tuple[int, int, float] | None = None


class Browser:
    """A context manager around the browser. `show` puts up a page, `png` photographs it, `evaluate` asks it."""

    def __enter__(self) -> "Browser":
        from playwright.sync_api import sync_playwright

        self._documents: OrderedDict[str, Document] = OrderedDict()
        self._playwright = sync_playwright().start()
        try:
            self._browser = launch(self._playwright)
            self.version = f"chromium/{self._browser.version}"
            self._context = self._browser.new_context(offline=True, ignore_https_errors=True)
            self._context.route("**/*", _answer)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(AttributeError):
            self._browser.close()
        self._playwright.stop()

    @property
    def page(self) -> "Tab":
        """The tab that shows the current page."""
        return self._current.tab

    @property
    def cdp(self) -> "CDPSession":
        """DevTools session of the tab that shows the current page."""
        return self._current.cdp

    def _document(self, own: Kit) -> Document:
        """The open document for a kit; the one that was not used for longest gives way."""
        name = own.document
        if name in self._documents:
            if name != next(reversed(self._documents)):  # a tab behind another one is not painted: its picture would never come
                self._documents[name].tab.bring_to_front()
            self._documents.move_to_end(name)
            return self._documents[name]
        while len(self._documents) >= MAX_DOCUMENTS:
            self._documents.popitem(last=False)[1].tab.close()
        tab = self._context.new_page()
        tab.goto(f"{ORIGIN}/{name}.html", wait_until="load")
        tab.evaluate(_ADD_FONTS, _fonts())
        for script in ("charts.js", "show.js", "annotate.js"):
            tab.evaluate(_source(script))
        if own.ready:
            tab.evaluate(f"() => {{ window.kitReady = async body => {{ {own.ready} }}; }}")
        cdp = self._context.new_cdp_session(tab)
        cdp.send("Emulation.setFocusEmulationEnabled", {"enabled": True})
        cdp.send("Accessibility.enable")  # annotate.js reads names and roles: without a tree that is kept, each would build it anew
        cdp.send("Accessibility.getRootAXNode")
        self._documents[name] = Document(tab, cdp)
        return self._documents[name]

    def show(self, page: Page, width: int, height: int, device_scale: float) -> None:
        """Put up a page in a window of `width` x `height` CSS pixels and wait until it is laid out with its fonts."""
        argument = self._prepare(page, width, height, device_scale)
        self._current.tab.evaluate("page => stage.show(page)", argument)

    def show_and_annotate(self, page: Page, width: int, height: int, device_scale: float, min_visible: float) -> list[dict[str, Any]]:
        """`show` and `annotate` in one go, before the page is painted for the first time: faster."""
        argument = self._prepare(page, width, height, device_scale)
        found: list[dict[str, Any]] = json.loads(self._current.tab.evaluate(_SHOW_AND_ANNOTATE, [argument, min_visible]))
        return found

    def _prepare(self, page: Page, width: int, height: int, device_scale: float) -> dict[str, Any]:
        """Open the page's document in a window of that size. Returns what show.js needs to know of the page."""
        own = kit(page.kit)
        theme = own.themes[page.theme]
        self._current = self._document(own)
        if self._current.metrics != (width, height, device_scale):
            self._current.tab.evaluate("() => stage.clear()")
            metrics = {"width": width, "height": height, "deviceScaleFactor": device_scale, "mobile": False}
            self._current.cdp.send("Emulation.setDeviceMetricsOverride", metrics)
            self._current.metrics = (width, height, device_scale)
        locale = LOCALES[page.locale]
        style = f"font-size:{page.root_px}px;--screen-font:{page.fonts};--screen-heading-font:{page.heading_fonts}"
        attributes = {**theme.attributes, **page.attributes, "lang": page.locale, "dir": locale.direction}
        attributes["style"] = f"{style};{attributes.get('style', '')}"
        attributes["class"] = f"{theme.classes} {'s-dark' if theme.dark else ''} {attributes.get('class', '')}".strip()
        if own.own_fonts and locale.script == "latin":
            attributes["data-own-fonts"] = ""
        return {
            "css": [f"/{path}" for path in theme.css], "extra": [css for css in (own.variables, theme.extra) if css], "attributes": attributes, "body": page.body,
            "bodyClass": page.body_class, "scroll": list(page.scroll), "focus": page.focus, "scripted": bool(own.scripts),
        }  # fmt: skip

    def annotate(self, min_visible: float) -> list[dict[str, Any]]:
        """What the page says of its marked elements (annotate.js); boxes in CSS pixels."""
        found: list[dict[str, Any]] = json.loads(self.page.evaluate(_ANNOTATE, min_visible))
        return found

    def png(self) -> bytes:
        """The window as PNG, `width * device_scale` pixels wide."""
        shot = self.cdp.send("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True, "captureBeyondViewport": False})
        return base64.b64decode(shot["data"])

    def evaluate(self, script: str, argument: Any = None) -> Any:
        """Run a script in the page."""
        return self.page.evaluate(script, argument)


@cache
def _source(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def _skeleton(name: str) -> str:
    """The HTML of a kit's empty document."""
    scripts = ""
    if name != "plain":
        own = kit(name)
        scripts = f"<script>{_source('shadow.js')}{own.setup}</script>{''.join(_script(path) for path in own.scripts)}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(name)}</title>'
        f'<style id="layout">{_source("pages/layout.css")}</style><style id="reset">{_RESET}</style>{scripts}</head><body></body></html>'
    )


def _script(path: str) -> str:
    module = path.endswith((".esm.js", ".mjs")) or path in MODULE_SCRIPTS or "/esm/" in path
    return f'<script {"type=module" if module else ""} src="/{path}"></script>'


@cache
def _fonts() -> list[tuple[str, str, str, str]]:
    """What _ADD_FONTS is told of every font file: family, weight, address, characters."""
    return [(face.family, str(face.weight), f"/{face.path}", face.unicode_range) for family in fonts.FONTS for face in fonts.faces(family)]


@cache
def _font_css() -> str:
    """For frames within pages, which link it."""
    return fonts.font_face_css(ORIGIN)


@cache
def _without_remote_imports(file: Path) -> str:
    """A style sheet without the fonts that it asks of other hosts: pages bring their own, and a style sheet whose import fails does not load."""
    remote = r"""@import\s+(?:url\(\s*["']?(?:https?:)?//[^)]*\)|"(?:https?:)?//[^"]*"|'(?:https?:)?//[^']*')[^;]*;"""
    return re.sub(remote, "", file.read_text(encoding="utf-8"))


def _answer(route: "Route") -> None:
    """Answer a request of a document: its own HTML, or a file of the packages; nothing else exists."""
    url = route.request.url.split("?")[0].split("#")[0]
    if not url.startswith(f"{ORIGIN}/"):
        return route.abort()
    path = url.removeprefix(f"{ORIGIN}/")
    if path == "fonts.css":
        return route.fulfill(body=_font_css(), content_type="text/css")
    if path.endswith(".html") and "/" not in path:
        return route.fulfill(body=_skeleton(path.removesuffix(".html")), content_type="text/html; charset=utf-8")
    file = (MODULES / path).resolve()
    if not file.is_relative_to(MODULES.resolve()) or not file.is_file():
        return route.abort()
    if file.suffix == ".css":
        return route.fulfill(body=_without_remote_imports(file), content_type="text/css")
    return route.fulfill(
        body=file.read_bytes(), content_type=_TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    )


_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".woff": "font/woff",
    ".json": "application/json",
}
