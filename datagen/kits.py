"""The styles, icons and fonts that pages are made of: npm packages at the exact versions of `kits/package-lock.json`."""

import base64
import re
from functools import cache
from pathlib import Path

from contracts.errors import InputError
from contracts.files import sha256

KITS = Path(__file__).parent / "kits"
MODULES = KITS / "node_modules"
LOCK = KITS / "package-lock.json"

# Bootstrap itself, then Bootswatch. True: a dark theme (it decides on which of Bootstrap's two palettes the page is drawn).
THEMES: dict[str, bool] = {
    "light": False, "dark": True,
    "brite": False, "cerulean": False, "cosmo": False, "cyborg": True, "darkly": True, "flatly": False, "journal": False, "litera": False,
    "lumen": False, "lux": False, "materia": False, "minty": False, "morph": False, "pulse": False, "quartz": True, "sandstone": False,
    "simplex": False, "sketchy": False, "slate": True, "solar": True, "spacelab": False, "superhero": True, "united": False, "vapor": True,
    "yeti": False, "zephyr": False,
}  # fmt: skip

# Family name in CSS -> (fontsource package, weights). The Latin subset only: pages are in English for now.
FONTS: dict[str, tuple[str, tuple[int, ...]]] = {
    "Inter": ("inter", (400, 600, 700)),
    "Roboto": ("roboto", (400, 500, 700)),
    "Open Sans": ("open-sans", (400, 600, 700)),
    "Lato": ("lato", (400, 700)),
    "Source Serif 4": ("source-serif-4", (400, 600, 700)),
}


def _kit_file(path: str) -> Path:
    file = MODULES / path
    if not file.is_file():
        raise InputError(
            "is missing: the styles, icons and fonts of the pages are not installed.",
            file=file,
            fix="Run `make setup` (it runs `npm ci` in datagen/kits).",
        )
    return file


def lock_sha256() -> str:
    """Hash of the lock file: it names every package's version and integrity hash."""
    return sha256(LOCK)


def font_files() -> dict[str, Path]:
    """File name -> path of every font face that pages can use. InputError if the kits are not installed."""
    paths = [
        _kit_file(f"@fontsource/{package}/files/{package}-latin-{weight}-normal.woff2") for package, weights in FONTS.values() for weight in weights
    ]
    return {path.name: path for path in paths}


def font_face_css() -> str:
    """`@font-face` rules with the font files inside."""
    rules = []
    for family, (package, weights) in FONTS.items():
        for weight in weights:
            data = base64.b64encode(_kit_file(f"@fontsource/{package}/files/{package}-latin-{weight}-normal.woff2").read_bytes()).decode()
            rules.append(f"@font-face{{font-family:'{family}';font-weight:{weight};src:url(data:font/woff2;base64,{data}) format('woff2')}}")
    return "\n".join(rules)


def theme_css(theme: str) -> str:
    """The style sheet of a theme, without its `@import`s (remote fonts; pages bring their own). InputError for an unknown theme."""
    if theme not in THEMES:
        raise InputError("is no theme.", field="render.themes", found=theme, fix=f"The themes are {', '.join(THEMES)}.")
    path = "bootstrap/dist/css/bootstrap.min.css" if theme in ("light", "dark") else f"bootswatch/dist/{theme}/bootstrap.min.css"
    return re.sub(r"@import\s+url\([^)]*\);?", "", _kit_file(path).read_text(encoding="utf-8"))


@cache
def icon_svg(name: str) -> str:
    """The inner markup of a Bootstrap icon, drawn on a 16x16 view box."""
    svg = _kit_file(f"bootstrap-icons/icons/{name}.svg").read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", svg[svg.index(">") + 1 : svg.rindex("</svg>")]).strip()
