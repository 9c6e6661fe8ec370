"""The web kits that are style sheets: each draws the whole vocabulary, with controls that can be seen, read and told apart."""

import re
from typing import Any

import pytest

from contracts.taxonomy import NAMES
from datagen.browser import Browser
from datagen.kits import kit, kits
from datagen.kits.files import kit_file
from datagen.kits.sheet import HEIGHT, MIN_VISIBLE, WIDTH, specimen_page

WEB = (
    "bespoke-web", "bootstrap", "bulma", "coreui", "element-plus", "fomantic", "foundation", "govuk", "halfmoon", "materialize", "nes", "papercss", "patternfly", "pico", "primer", "spectre",
    "tabler", "uikit", "water",
)  # fmt: skip
CONTROLS = {
    "button", "icon_button", "text_field", "password_field", "search_field", "text_area", "combo_box", "checkbox", "radio", "switch", "slider", "stepper", "date_picker", "tab", "menu_item",
}  # fmt: skip
SMALL = {"checkbox", "radio", "switch"}
PER_TEST = 2  # themes of a kit that every run renders; the slow test renders all
LEAST_CONTRAST = 2.5
# Of themes as their authors ship them: pressed and outlined buttons of some Bootswatch themes have 1.7.
LEAST_CONTRAST_SHIPPED = 1.5
# Labels of enabled buttons, with the contrast of their text against what is painted under it (WCAG's formula); a ground that is a picture is left out.
CONTRAST = """() => {
  const parse = colour => { const c = document.createElement("canvas").getContext("2d"); c.fillStyle = colour; c.fillRect(0, 0, 1, 1); return [...c.getImageData(0, 0, 1, 1).data]; };
  const over = (top, under) => top.slice(0, 3).map((v, i) => v * top[3] / 255 + under[i] * (1 - top[3] / 255)).concat(255);
  const light = ([r, g, b]) => { const l = [r, g, b].map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2]; };
  const out = [];
  for (const button of document.querySelectorAll("[data-c=button]:not(:disabled)")) {
    if (button.closest(".is-disabled, [aria-disabled=true], .s-backdrop")) continue;
    const grounds = [];
    let picture = false;
    for (let at = button; at; at = at.parentElement) { const s = getComputedStyle(at); grounds.unshift(parse(s.backgroundColor)); if (s.backgroundImage.includes("url(")) picture = true; }
    if (picture) continue;
    const ground = grounds.reduce((under, top) => over(top, under), [255, 255, 255, 255]);
    const ink = over(parse(getComputedStyle(button.querySelector("span") ?? button).color), ground);
    const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
    out.push([button.textContent.trim(), (a + 0.05) / (b + 0.05)]);
  }
  return out;
}"""


def style_sheets(name: str) -> str:
    own = kit(name)
    files = sorted({path for theme in own.themes.values() for path in theme.css})
    return "\n".join(kit_file(path).read_text(encoding="utf-8") for path in files)


def test_this_file_tests_every_web_kit_without_scripts() -> None:
    assert {name for name, own in kits().items() if own.platform == "web" and own.engine == "chromium" and not own.scripts} == set(WEB)


@pytest.mark.parametrize("name", WEB)
def test_every_class_of_the_table_is_one_that_the_kit_defines(name: str) -> None:
    """A misspelt class name leaves a part unstyled, and nothing else would say so."""
    own = kit(name)
    defined = set(re.findall(r"\.((?:[\w-]|\\.)+)", style_sheets(name) + own.variables))
    named = {word for value in own.ui_class().classes.values() for word in value.split() if not word.startswith("s-")}
    unknown = {word for word in named if re.sub(r"([^\w-])", r"\\\1", word) not in defined}
    assert unknown == set()


def check(browser: Browser, name: str, theme: str, seed: int, least_contrast: float = LEAST_CONTRAST) -> None:
    page = specimen_page(name, theme, seed)
    browser.show(page, WIDTH, HEIGHT, 1.0)
    found: list[dict[str, Any]] = browser.annotate(MIN_VISIBLE)
    where = f"{name} in {theme}"
    assert {entry["class_name"] for entry in found} == set(NAMES), where
    marked = browser.evaluate("() => [...document.querySelectorAll('[data-c]')].map(e => e.dataset.c)")
    for class_name in CONTROLS:
        # Nothing of the control is clipped away, covered or zero: what was written is what is seen, but for those under the sheet's one tooltip.
        written, seen = marked.count(class_name), sum(entry["class_name"] == class_name for entry in found)
        assert seen >= written - 2, f"{where}: {written - seen} of {written} {class_name} cannot be seen"
    for entry in found:
        width, height = entry["box"][2] - entry["box"][0], entry["box"][3] - entry["box"][1]
        if entry["class_name"] in CONTROLS:
            assert width >= 4 and height >= 4, f"{where}: {entry['class_name']} {entry['name']!r} is {width:.1f}x{height:.1f}"
        if entry["class_name"] in SMALL and entry["visible_fraction"] == 1:
            assert min(width, height) >= 8 and max(width, height) <= 64, (
                f"{where}: {entry['class_name']} {entry['name']!r} is {width:.1f}x{height:.1f}"
            )
    contrasts = browser.evaluate(CONTRAST)
    assert len(contrasts) > 10
    for text, contrast in contrasts:
        assert contrast >= least_contrast, f"{where}: {text!r} has a contrast of {contrast:.2f}"


def sampled(name: str) -> list[str]:
    """A light and a dark theme, where there are both."""
    themes = kit(name).themes
    return list(
        dict.fromkeys(next(key for key, theme in themes.items() if theme.dark is dark) for dark in sorted({theme.dark for theme in themes.values()}))
    )[:PER_TEST]


@pytest.mark.browser
@pytest.mark.parametrize(("name", "theme"), [(name, theme) for name in WEB for theme in sampled(name)])
def test_the_kit_draws_every_widget(browser: Browser, name: str, theme: str) -> None:
    check(browser, name, theme, seed=0)


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("name", WEB)
def test_every_theme_of_the_kit_draws_every_widget(browser: Browser, name: str) -> None:
    for seed, theme in enumerate(kit(name).themes, start=1):
        check(browser, name, theme, seed, LEAST_CONTRAST_SHIPPED)
