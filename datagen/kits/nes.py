"""NES.css: eight bits. Frames stand a pixel of theirs outside the border box, and checkboxes are the shadows of one: both are brought inside a box of their size."""

from html import escape
from typing import ClassVar

from datagen.content.locales import LEFT_TO_RIGHT
from datagen.kits import Kit, Theme
from datagen.kits.wrap import wrap
from datagen.pages.html import HtmlUi, div, span, tag
from datagen.pages.ui import Tone

_TONE = {"primary": "primary", "success": "success", "warning": "warning", "danger": "error", "info": "primary", "neutral": "dark"}


class NesUi(HtmlUi):
    classes: ClassVar[dict[str, str]] = {
        "text.success": "nes-text is-success", "text.warning": "nes-text is-warning", "text.danger": "nes-text is-error", "text.primary": "nes-text is-primary",
        "text.muted": "nes-text is-disabled s-text-muted", "heading.1": "", "heading.2": "", "heading.3": "", "heading.4": "", "heading.5": "", "heading.6": "", "label": "", "link": "",
        "button": "nes-btn", "button.default": "", "button.primary": "is-primary", "button.danger": "is-error", "button.text": "s-nes-text", "button.small": "s-nes-small",
        "icon_button": "s-nes-icon", "icon_button.plain": "s-nes-text", "icon_button.default": "nes-btn", "icon_button.primary": "nes-btn is-primary", "button_group": "s-row s-g3",
        "text_field": "nes-input", "search_field": "nes-input", "text_area": "nes-textarea", "combo_box": "s-nes-select", "invalid": "is-error", "divider": "s-nes-rule s-full",
        "card": "nes-container s-nes-card", "card.head": "s-nes-head", "card.body": "s-nes-body", "card.foot": "s-nes-foot", "card.chosen": "is-rounded", "toast": "nes-container is-dark s-nes-toast",
        "dialog": "nes-dialog is-rounded s-nes-dialog", "list": "s-list", "table.header": "", "table.cell": "", "table.row": "", "table.head_row": "", "stepper.button": "nes-btn",
        "menu": "nes-container s-nes-menu", "tooltip": "nes-balloon s-nes-tip", "text.small": "", "text.caption": "s-nes-caption",
    }  # fmt: skip

    def _dark(self) -> str:
        return "is-dark" if self.setting.dark else ""

    def k(self, *parts: str) -> str:
        found = super().k(*parts)
        if parts == ("table",):
            return f"nes-table is-bordered {self._dark()}"
        if parts[0] in ("card", "text_field", "text_area", "dialog", "menu", "search_field"):
            return f"{found} {self._dark()}"
        return found

    def button(self, *arguments: object, **named: object) -> str:
        made = super().button(*arguments, **named)  # type: ignore[arg-type]
        return made.replace('class="nes-btn', 'class="nes-btn is-disabled', 1) if " disabled" in made.split(">", 1)[0] else made

    def combo_box(self, *arguments: object, **named: object) -> str:
        made = super().combo_box(*arguments, **named)  # type: ignore[arg-type]
        return wrap(made, f"nes-select s-full {self._dark()}")

    def checkbox(self, content: str, checked: bool | None = False, disabled: bool | None = None, show_label: bool = True) -> str:
        # There is no mixed checkbox: it would look like an empty one.
        disabled = self.chance("disabled") if disabled is None else disabled
        mark = tag(
            "input",
            c="checkbox",
            cls=f"nes-checkbox {self._dark()}",
            type="checkbox",
            checked=bool(checked),
            aria_label=content,
            disabled=disabled,
            data_box="+ .s-nes-box",
        )
        return tag("label", mark, span("s-nes-box"), self.words_of(content) if show_label else "", cls="s-nes-check s-inline")

    def badge(self, content: str, tone: Tone = "primary") -> str:
        return span("s-nes-badge", span(f"s-nes-{_TONE.get(tone, 'dark')}", escape(content)), c="badge")

    def alert(self, content: str, tone: Tone = "info", closable: bool = False) -> str:
        if self.rng.random() < 0.4:
            # The balloon's tail hangs below its box.
            balloon = div(f"nes-balloon from-left s-nes-balloon {self._dark()}", self.words_of(content))
            return div("s-nes-spoken", balloon, c="toast", role="alert")
        return div(
            f"nes-container is-rounded s-nes-alert {self._dark()}",
            self.words_of(content, f"nes-text is-{_TONE.get(tone, 'primary')}"),
            c="toast",
            role="alert",
        )

    def progress(self, share: float, name: str = "") -> str:
        look = self.rng.choice(("is-primary", "is-success", "is-warning", "is-error", "is-pattern"))
        return tag("progress", c="progress", cls=f"nes-progress {look} s-full", value=round(100 * share), max=100, aria_label=name or None)


_CSS = ("@fontsource/press-start-2p/index.css", "nes.css/css/nes.min.css")
KITS = (
    Kit(
        name="nes", locales=LEFT_TO_RIGHT, platform="web", package="nes.css", ui=NesUi, own_fonts=True, themes={"light": Theme(css=_CSS), "dark": Theme(css=_CSS, dark=True)},
        variables="""
.nes-text.is-disabled{color:var(--s-muted)}
html:root{--s-primary:#209cee;--s-on-primary:#fff;--s-surface:#fff;--s-raised:#fff;--s-tint:#e7e7e7;--s-text:#212529;--s-muted:#6c757d;--s-border:#212529;--s-success:#4f8a10;--s-warning:#b8860b;--s-danger:#ce372b;
  --s-info:#209cee;--s-radius:0;--s-shadow:none}
html.s-dark:root,body.s-dark{--s-surface:#212529;--s-raised:#212529;--s-tint:#3a3f44;--s-text:#fff;--s-muted:#adafbc;--s-border:#fff;--s-success:#92cc41;--s-warning:#f7d51d;--s-danger:#e76e55}
body{background:var(--s-surface);color:var(--s-text);font-family:'Press Start 2P',monospace;font-size:.72rem;line-height:1.7}
body :is(button,input,textarea,select,label,table){font-family:inherit;font-size:1em}h1{font-size:1.6em}h2{font-size:1.4em}h3{font-size:1.25em}h4{font-size:1.15em}h5{font-size:1.05em}h6{font-size:1em}
body :is(.nes-btn,.nes-input,.nes-textarea,.nes-select,.nes-container,.nes-table,label,p){margin:4px}body :is(.nes-input,.nes-textarea){width:calc(100% - 8px)}body .nes-select{width:calc(100% - 8px)}
body .nes-btn{display:inline-flex;align-items:center;justify-content:center;gap:.5em;padding:.5em .9em}body .nes-btn.s-wide{width:calc(100% - 8px)}body .s-nes-small{padding:.2em .5em}
body :is(.nes-input,.nes-textarea){padding:.5em .8em;height:auto}body .nes-textarea{resize:none}body .nes-select{min-width:10em}body .nes-select select{padding:.6em 2.4em .6em .8em;width:100%}.nes-select{display:block;position:relative}
.s-nes-text{background:none!important;border:0;color:inherit;font:inherit;padding:.4em;text-decoration:underline}.s-nes-icon{display:inline-flex;flex:none;font-size:1.2em}.s-nes-icon.nes-btn{padding:.35em}
body .s-iconed>input{padding-inline-start:2.6em}.s-nes-check{position:relative;display:inline-flex;flex:none;margin:0!important;gap:10px;align-items:center}.s-nes-check>.nes-checkbox{margin:0;flex:none;position:absolute}
body .s-nes-check>.s-nes-box{flex:none;width:16px;height:16px;margin:0}.s-nes-check>.nes-checkbox:checked+.s-nes-box{width:20px;margin-inline-end:-2px}.s-nes-check>.nes-checkbox+.s-nes-box::before{top:-2px!important;left:-2px!important}
/* at broken scales the nine pieces of a drawn frame come apart: a plain one of the same width */
@media (min-resolution:1.01dppx) and (max-resolution:1.99dppx){body :is([class*=nes-],.nes-select select){border-image:none!important;border-radius:0}}
body :is([class*=nes-],.nes-select select){border-image-outset:1!important}body :is(.nes-container,.nes-dialog).is-rounded.is-dark,body .nes-table.is-dark{border-image-outset:0!important}body .nes-container.is-dark::after{inset:-4px}body .nes-btn::after{inset:0}.s-nes-text::after{display:none}
.s-nes-card.s-nes-card{padding:0;display:block;overflow:hidden}.s-nes-head,.s-nes-body,.s-nes-foot{padding:.9em 1em}.s-nes-toast.s-nes-toast{padding:.9em 1.1em;min-width:18em;max-width:28em;display:flex;margin:6px}.s-nes-dialog.s-nes-dialog{display:block;position:static;padding:.6em;margin:6px;min-width:0;background:var(--s-raised);color:var(--s-text)}
.s-dialog-foot{gap:.8em}.s-nes-menu.s-nes-menu{padding:.4em;display:inline-block;min-width:14em;max-width:24em;background:var(--s-raised)}.s-nes-tip.s-nes-tip{margin:6px;padding:.5em .8em;background:#fff;color:#212529;max-width:18em;position:relative}
.s-nes-spoken{margin:6px;padding-bottom:22px;align-self:flex-start}.s-nes-balloon.s-nes-balloon{margin:0;padding:.6em 1em}.s-nes-alert.s-nes-alert{padding:.8em 1em}.s-nes-rule{border:0;border-top:4px solid var(--s-border);margin:.5em 0}
.s-nes-badge{display:inline-flex;flex:none;margin:4px}.s-nes-badge>span{padding:.25em .5em;color:#fff;line-height:1.2;box-shadow:0 .3em,0 -.3em,.3em 0,-.3em 0}.s-nes-badge>*{font-size:.85em}
.s-nes-badge>.s-nes-primary{background:#209cee;box-shadow:0 3px #209cee,0 -3px #209cee,3px 0 #209cee,-3px 0 #209cee}.s-nes-badge>.s-nes-success{background:#4f8a10;box-shadow:0 3px #4f8a10,0 -3px #4f8a10,3px 0 #4f8a10,-3px 0 #4f8a10}
.s-nes-badge>.s-nes-warning{background:#f7d51d;color:#212529;box-shadow:0 3px #f7d51d,0 -3px #f7d51d,3px 0 #f7d51d,-3px 0 #f7d51d}.s-nes-badge>.s-nes-error{background:#ce372b;box-shadow:0 3px #ce372b,0 -3px #ce372b,3px 0 #ce372b,-3px 0 #ce372b}
.s-nes-badge>.s-nes-dark{background:#212529;box-shadow:0 3px #212529,0 -3px #212529,3px 0 #212529,-3px 0 #212529}.s-nes-caption{font-size:.85em;color:var(--s-muted)}
body .nes-table{position:relative;margin:4px;width:calc(100% - 8px)}body .nes-table :is(td,th){padding:.6em .5em}body .nes-table :is(td,th)::before,body .nes-table :is(td,th)::after{display:none}body .nes-table .s-table-chosen{background:color-mix(in srgb,#209cee 25%,transparent)}body td.s-end,body th.s-end{text-align:end}body .nes-progress{height:1.8em;margin:4px;width:calc(100% - 8px)}
body .s-stepper .nes-btn{margin:0;padding:.3em .7em}body .s-stepper{border:0;gap:8px;align-items:center;overflow:visible}.s-stepper-field{background:var(--s-raised);color:inherit;border:4px solid var(--s-border)!important;padding:.4em}
body .s-navigation_bar{border-bottom:4px solid var(--s-border)}body .s-list-framed,body .s-calendar,body .s-list_box{border-width:4px}
""",
    ),
)  # fmt: skip
