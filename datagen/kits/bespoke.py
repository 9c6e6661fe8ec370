"""`bespoke`: a look nobody designed. Our own plain widgets with colours, corners, shadows and spacing drawn by lot, a new product each time."""

from typing import Any

from datagen.content import palettes
from datagen.kits import Kit, Theme
from datagen.pages.html import HtmlUi


class BespokeUi(HtmlUi):
    def page_attributes(self) -> dict[str, Any]:
        rng = self.rng
        mode = self.setting.theme if self.setting.theme == "high_contrast" else "dark" if self.setting.dark else "light"
        palette = palettes.palette(rng, mode)
        shadow = rng.choice(("none", "0 1px 3px rgb(0 0 0/.2)", "0 .5em 1.5em rgb(0 0 0/.22)", f"3px 3px 0 {palette.border}"))
        style = (
            f"--s-primary:{palette.primary};--s-on-primary:{palette.on_primary};--s-surface:{palette.surface};--s-raised:{rng.choice((palette.surface, f'color-mix(in srgb,{palette.surface} 95%,{palette.on_surface})'))};"
            f"--s-tint:color-mix(in srgb,{palette.surface} 93%,{palette.on_surface});--s-text:{palette.on_surface};--s-muted:{palette.muted};--s-border:{palette.border};--s-success:{palette.success};"
            f"--s-warning:{palette.warning};--s-danger:{palette.danger};--s-info:{palette.info};--s-radius:{rng.choice(('0', '2px', '.3em', '.5em', '.8em', '1.4em'))};"
            f"--s-shadow:{shadow};--s-step:{rng.choice(('.18rem', '.22rem', '.25rem', '.3rem'))}"
        )
        return {"style": style}


KITS = tuple(
    Kit(
        name=name, platform=platform, package="screenry", ui=BespokeUi, variables="body{background:var(--s-surface);color:var(--s-text)}",
        themes={"light": Theme(), "dark": Theme(dark=True), "high_contrast": Theme()},
    )
    for name, platform in (("bespoke-web", "web"), ("bespoke-mobile", "mobile"), ("bespoke-desktop", "desktop"))
)  # fmt: skip
