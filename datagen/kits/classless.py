"""Kits that style bare elements: Pico and Water.css. What such a sheet says of every input or button is taken back where our layout needs it."""

from typing import ClassVar

from datagen.kits import Kit, Theme
from datagen.pages.html import HtmlUi, tag
from datagen.pages.ui import Tone

_BARE = (
    "button", "button.primary", "button.default", "text_field", "search_field", "text_area", "combo_box", "checkbox", "radio", "slider", "table", "table.header", "table.cell", "table.row",
    "table.head_row", "divider", "link", "heading.1", "heading.2", "heading.3", "heading.4", "heading.5", "heading.6", "label", "progress",
)  # fmt: skip


class PicoUi(HtmlUi):
    classes: ClassVar[dict[str, str]] = dict.fromkeys(_BARE, "") | {
        "button.default": "secondary", "button.danger": "contrast s-pico-danger", "button.text": "outline s-pico-text", "icon_button": "s-pico-icon", "icon_button.plain": "outline s-pico-plain",
        "icon_button.default": "secondary outline", "icon_button.primary": "", "button_group": "s-pico-group", "switch": "", "card": "s-pico-card", "card.head": "s-pico-head",
        "card.foot": "s-pico-foot", "table": "striped", "navigation_bar.link": "s-pico-link", "navigation_bar.chosen": "s-pico-here", "link": "",
    }  # fmt: skip

    def k(self, *parts: str) -> str:
        if parts == ("table",):
            return self.rng.choice(("", "striped"))
        if parts == ("button", "button.default"):
            return self.setting.attributes.setdefault("buttons", self.rng.choice(("secondary", "secondary outline", "contrast", "outline")))  # type: ignore[no-any-return]
        return super().k(*parts)

    def progress(self, share: float, name: str = "") -> str:
        return tag("progress", c="progress", value=round(100 * share), max=100, aria_label=name or None)


class WaterUi(HtmlUi):
    classes: ClassVar[dict[str, str]] = dict.fromkeys(_BARE, "") | {
        "button.danger": "s-water-danger", "button.text": "s-button-text", "icon_button": "s-water-icon", "icon_button.plain": "s-water-plain", "icon_button.default": "",
        "icon_button.primary": "", "button_group": "s-row s-g1", "button.primary": "s-water-primary", "card": "s-card", "stepper.button": "s-button",
    }  # fmt: skip

    def progress(self, share: float, name: str = "") -> str:
        return tag("progress", c="progress", value=round(100 * share), max=100, aria_label=name or None)

    def alert(self, content: str, tone: Tone = "info", closable: bool = False) -> str:
        if tone in ("info", "primary", "neutral"):
            return tag("blockquote", self.words_of(content), c="toast", cls="s-water-quote", role="alert")
        return super().alert(content, tone, closable)


_COLOURS = (
    "amber", "azure", "blue", "cyan", "fuchsia", "green", "grey", "indigo", "jade", "lime", "orange", "pink", "pumpkin", "purple", "red", "sand", "slate", "violet", "yellow", "zinc",
)  # fmt: skip


def _pico(colour: str, mode: str) -> Theme:
    # Its own blue is called azure.
    file = "@picocss/pico/css/pico.min.css" if colour == "azure" else f"@picocss/pico/css/pico.{colour}.min.css"
    return Theme(css=(file,), dark=mode == "dark", attributes={"data-theme": mode})


KITS = (
    Kit(
        name="pico", platform="web", package="@picocss/pico", ui=PicoUi,
        themes={"light" if colour == "azure" else colour: _pico(colour, "light") for colour in _COLOURS}
        | {"dark" if colour == "azure" else f"{colour}_dark": _pico(colour, "dark") for colour in ("azure", "amber", "green", "pink", "slate", "violet", "red")},
        variables="""
html[data-theme]{--s-primary:var(--pico-primary);--s-on-primary:var(--pico-background-color);--s-surface:var(--pico-background-color);--s-raised:var(--pico-card-background-color);
  --s-tint:var(--pico-card-sectioning-background-color);--s-text:var(--pico-color);--s-muted:var(--pico-muted-color);--s-border:var(--pico-form-element-border-color);--s-radius:var(--pico-border-radius);
  --s-info:var(--pico-primary)}
html[data-theme]{font-weight:400}body{font-size:.95rem;line-height:1.45}
body :is(input,select,textarea,button,[type=submit],progress,table,ul,ol,li,label,article,fieldset,hr,nav,aside,blockquote){margin:0}
body :is(ul,ol) li{list-style:none}body nav,body nav :is(ul,ol){display:flex}body nav li{padding:0}body nav ul:first-of-type{margin:0}body nav{overflow:visible}
body :is(input:not([type=checkbox],[type=radio],[type=range]),select,textarea){padding:.55em .8em;height:auto;font-size:1em;width:100%}body textarea{resize:none}
body select{padding-inline-end:2.2em}body button{width:auto;padding:.55em 1em;font-size:1em;display:inline-flex;align-items:center;justify-content:center;gap:.4em}body button.s-wide{width:100%}
body .s-button-small{padding:.3em .7em;font-size:.875em}body .s-button-large{padding:.75em 1.5em;font-size:1.15em}body .s-inline{width:auto}body .s-inline.s-wide{width:100%}
body .s-pico-danger{background:#c62a2a;border-color:#c62a2a;color:#fff}body .s-pico-text{border-color:transparent;background:none;box-shadow:none}body .s-pico-icon{padding:.55em;flex:none;line-height:1}
body .s-pico-plain{border-color:transparent;color:inherit;background:none;box-shadow:none}body .s-pico-group{display:inline-flex;width:auto}body .s-dots{width:auto}body .s-dots>*{flex:none;margin:0}body nav[aria-label=Breadcrumb] :is(ol,li){margin:0;padding:0}.s-toast .s-pico-text.s-pico-text{color:#93c5fd}.s-pico-group>button{border-radius:0;margin-inline-end:-1px!important}
body [type=range]::-webkit-slider-thumb{width:1rem;height:1rem;border:0;margin-top:-.3125rem}body :is([type=checkbox],[type=radio]){margin:0}body label.s-check,body label.s-switch_row{width:auto;display:inline-flex}body label:not(.s-check,.s-switch_row){display:inline;margin:0}
body label{font-size:1em}body .s-iconed-icon svg{pointer-events:none}body [type=search]{border-radius:5rem}body .s-iconed>[type=search],body .s-iconed>input{background-image:none}
body .s-tab_bar button,body .s-tab-close{padding:.15em;border:0;background:none;color:inherit}body article.s-pico-card{padding:0;display:block;background:var(--pico-card-background-color);border-radius:var(--s-radius);box-shadow:var(--pico-card-box-shadow);overflow:hidden;min-width:0}
.s-pico-head,.s-pico-foot{padding:.7em 1em;background:var(--pico-card-sectioning-background-color)}body table :is(td,th){padding:.55em .8em;background-clip:border-box}body .s-table-chosen :is(td,th){background:color-mix(in srgb,var(--s-primary) 16%,transparent)}
body td.s-end,body th.s-end{text-align:end}body .s-pico-link{padding:.4em .6em;text-decoration:none;margin:0}.s-pico-here{color:var(--s-text)!important;font-weight:700}body a{text-underline-offset:.125em}
body .s-bottom_navigation,body nav.s-bottom_navigation{justify-content:stretch}body [role=button]:not(button){padding:.2em .75em}body .s-chip{border:1px solid var(--s-border);background:var(--s-tint);color:var(--s-text);font-size:.875em}
body .s-chip-chosen{background:var(--s-primary);color:var(--s-on-primary)}body nav[aria-label=Breadcrumb]{display:block}body nav[aria-label=Breadcrumb] ol{display:inline-flex}body .s-breadcrumb-item::after{display:none}
body .s-stepper>*{padding:.45em}body aside{display:flex}body aside nav{display:flex}body [role=search]{margin:0}body .s-navigation_bar{display:block}body h1{font-size:1.9em}body h2{font-size:1.6em}body h3{font-size:1.35em}body h4{font-size:1.2em}body h5{font-size:1.05em}body h6{font-size:.95em}
body .s-title_bar-button{padding:0;border:0;background:none;color:inherit}body .s-fab{border-radius:1em;padding:0;width:3.5em}body [data-tooltip]{border:0}body .s-dialog header{margin:0}body .s-app_bar{padding:.35em .6em;margin:0}
body [aria-busy=true]:not(input,select,textarea,html,form)::before{display:none}body footer{padding:2em 1em}body .s-list-item{padding:.6em .8em}body .s-date_picker{position:relative}
""",
    ),
    Kit(
        name="water", platform="web", package="water.css", ui=WaterUi,
        themes={"light": Theme(css=("water.css/out/light.min.css",)), "dark": Theme(css=("water.css/out/dark.min.css",), dark=True)},
        variables="""
html:root{--s-primary:var(--links);--s-on-primary:#fff;--s-surface:var(--background-body);--s-raised:var(--background-body);--s-tint:var(--background-alt);--s-text:var(--text-main);--s-muted:var(--text-muted);
  --s-border:var(--border);--s-radius:6px}
html:root.s-dark{--s-on-primary:#10161d}
body.s-dark{--s-on-primary:#10161d}body{font-size:.95rem;line-height:1.4;margin:0;max-width:none;padding:0}body :is(input,select,textarea,button,progress,table,ul,ol,li,label,hr,nav,aside,blockquote){margin:0}
body :is(input:not([type=checkbox],[type=radio],[type=range]),select,textarea){width:100%;padding:.55em .7em}body textarea{resize:none;display:block}body select{padding-inline-end:2em}body :is(input:not([type=checkbox],[type=radio],[type=range]),select,textarea):where(:not(.s-invalid)){border:1px solid var(--s-border)}
body button{display:inline-flex;align-items:center;justify-content:center;gap:.4em;padding:.55em 1.1em}body button.s-wide{width:100%}body .s-inline{width:auto}body .s-inline.s-wide{width:100%}
body .s-button-small{padding:.3em .7em;font-size:.875em}body .s-button-large{padding:.75em 1.5em;font-size:1.15em}body .s-water-danger{background:#c62a2a;color:#fff}body .s-water-primary{background:var(--s-primary);color:var(--s-on-primary)}
body .s-button-text{background:none;color:var(--s-primary)}body .s-water-icon{padding:.55em;flex:none;line-height:1}body .s-water-plain{background:none;color:inherit}body .s-tab-close,body .s-title_bar-button{padding:.15em;background:none;color:inherit}
body label.s-check,body label.s-switch_row{display:inline-flex}body table{margin:0;table-layout:auto}body table :is(td,th){padding:.5em .7em}body td.s-end,body th.s-end{text-align:end}body .s-table-chosen{background:color-mix(in srgb,var(--s-primary) 20%,transparent)}
body .s-water-quote{padding:.7em 1em;background:var(--background-alt);border-inline-start:5px solid var(--focus)}body h1{font-size:1.9em}body h2{font-size:1.6em}body h3{font-size:1.35em}body h4{font-size:1.2em}body h5{font-size:1.05em}body h6{font-size:.95em}
body .s-fab{border-radius:1em;padding:0;width:3.5em;background:var(--s-primary);color:var(--s-on-primary)}body :is(.s-list,.s-breadcrumb,.s-pagination,.s-navigation_bar-links){padding:0}body footer{padding:2em 1em;border:0;font-size:1em}body progress{width:100%}
body [type=range]::-webkit-slider-thumb{margin-top:-5.25px}body progress::-webkit-progress-bar{background:rgb(128 128 128/.3)}body [type=range]:focus::-webkit-slider-runnable-track,body [type=range]::-webkit-slider-runnable-track{transition:none;background:rgb(128 128 128/.4)}body [type=checkbox].s-switch{width:2.3em;height:1.3em;padding:0;vertical-align:middle}body :is([type=checkbox],[type=radio]){flex:none;min-width:0}body .s-stepper button{background:none;color:inherit;padding:.4em .8em}
""",
    ),
)  # fmt: skip
