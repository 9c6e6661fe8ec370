"""The elements of Visual Studio Code: a code editor's window with its activity bar, trees, tabs of files and coloured status bar."""

from collections.abc import Sequence
from html import escape
from typing import ClassVar, Literal

from datagen.kits import Kit, Theme
from datagen.pages.html import HtmlUi, Variant, div, span, tag, yes
from datagen.pages.ui import Tone


class VscodeUi(HtmlUi):
    classes: ClassVar[dict[str, str]] = {
        "status_bar": "s-status_bar s-code-status",
        "icon_button": "s-icon_button s-code-icon",
        "window": "s-window s-code-window",
    }

    def button(
        self, content: str, icon: str | None = None, variant: Variant | None = None, size: Literal["small", "normal", "large"] = "normal",
        disabled: bool | None = None, pressed: bool | None = None, wide: bool = False, busy: bool = False,
    ) -> str:  # fmt: skip
        variant = variant or self.rng.choice(("default", "default", "primary", "text"))
        disabled = self.chance("disabled") if disabled is None else disabled
        lead = span("s-slotted", span("s-ring s-ring-small") if busy else self.glyph(icon or "check"), slot="content-before") if busy or icon else ""
        return tag("vscode-button", lead, escape(content), c="button", cls=f"s-inline s-code-{variant} {'s-wide' if wide else ''}", secondary=variant in ("default", "text") and not pressed,
                   disabled=disabled, aria_pressed=yes(pressed), aria_busy=yes(busy or None), data_icon=icon)  # fmt: skip

    def text_field(
        self, name: str, value: str = "", placeholder: str = "", icon: str | None = None, disabled: bool | None = None, invalid: bool | None = None,
        readonly: bool = False, required: bool = False,
    ) -> str:  # fmt: skip
        disabled = self.chance("disabled") if disabled is None else disabled
        invalid = self.chance("error", 0.4, 0.02) if invalid is None else invalid
        return self.input("text_field", name, value, placeholder, icon, disabled, invalid=invalid, readonly=readonly)

    def input(
        self,
        c: str,
        name: str,
        value: str,
        placeholder: str,
        icon: str | None = None,
        disabled: bool = False,
        kind: str = "text",
        invalid: bool = False,
        **attributes: object,
    ) -> str:
        glyph = span("s-slotted s-code-lead", self.icon(icon), slot="content-before") if icon else ""
        return tag("vscode-textfield", glyph, c=c, cls="s-full", data_box="", aria_label=name, type=kind, value=value or None, placeholder=placeholder or None, disabled=disabled, invalid=invalid,
                   aria_invalid="true" if invalid else None, **attributes)  # fmt: skip

    def password_field(self, name: str, length: int = 0, placeholder: str = "", disabled: bool | None = None, invalid: bool | None = None) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        invalid = self.chance("error", 0.4, 0.02) if invalid is None else invalid
        return self.input("password_field", name, "x" * length, placeholder, None, disabled, "password", invalid)

    def search_field(self, placeholder: str, value: str = "") -> str:
        return self.input("search_field", placeholder, value, placeholder, "search" if self.rng.random() < 0.5 else None, kind="search")

    def text_area(self, name: str, value: str = "", placeholder: str = "", rows: int = 3, disabled: bool | None = None) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        return tag(
            "vscode-textarea",
            c="text_area",
            cls="s-full",
            data_box="",
            aria_label=name,
            rows=rows,
            value=value or None,
            placeholder=placeholder or None,
            disabled=disabled,
        )

    def combo_box(self, name: str, options: Sequence[str], chosen: int = 0, disabled: bool | None = None) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        entries = (tag("vscode-option", escape(option), selected=i == chosen) for i, option in enumerate(options))
        return tag("vscode-single-select", *entries, c="combo_box", cls="s-full", data_box=">>> .select-face", label=name, disabled=disabled)

    def checkbox(self, content: str, checked: bool | None = False, disabled: bool | None = None, show_label: bool = True) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        return tag("vscode-checkbox", self.words_of(content) if show_label else "", c="checkbox", cls="s-inline", data_box=">>> .icon", checked=bool(checked), indeterminate=checked is None,
                   disabled=disabled, role="checkbox", aria_checked="mixed" if checked is None else yes(checked), aria_label=content)  # fmt: skip

    def radio(self, content: str, chosen: bool, group: str, disabled: bool | None = None, show_label: bool = True) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        return tag("vscode-radio", self.words_of(content) if show_label else "", c="radio", cls="s-inline", data_box=">>> .icon", checked=chosen, name=f"{group}{content}", disabled=disabled,
                   role="radio", aria_checked=yes(chosen), aria_label=content)  # fmt: skip

    def tabs(self, names: Sequence[str], chosen: int = 0, icons: Sequence[str | None] = (), closable: bool = False) -> str:
        if closable:
            return super().tabs(names, chosen, icons, closable)
        entries = (tag("vscode-tab-header", escape(name), c="tab", slot="header") for name in names)
        return tag("vscode-tabs", *entries, c="tab_bar", cls="s-full", selected_index=chosen, panel=self.rng.random() < 0.5)

    def badge(self, content: str, tone: Tone = "primary") -> str:
        return tag("vscode-badge", escape(content), c="badge", cls=f"s-code-{tone}")

    def spinner(self, size: float = 2.0) -> str:
        return tag(
            "vscode-progress-ring", c="progress", role="progressbar", aria_label=self.words.t("Loading"), style=f"width:{size:g}em;height:{size:g}em"
        )

    def title_bar(self, title: str, icon: str | None = None) -> str:
        buttons = (tag("button", self.glyph(name), c="icon_button", cls="s-title_bar-button", type="button", aria_label=word, data_icon=name)
                   for name, word in (("minus", "Minimize"), ("square", "Maximize"), ("close", "Close")))  # fmt: skip
        centre = div("s-code-centre", self.words_of(title))
        return div(
            "s-title_bar s-row s-g2 s-code-title",
            self.icon(icon) if icon else "",
            div("s-grow"),
            centre,
            div("s-grow"),
            div("s-title_bar-buttons", *buttons),
            c="title_bar",
        )


# Colours of the editor's own themes, as its documentation of theme colours names them.
_THEMES = {
    "dark_modern": (True, "#1f1f1f", "#181818", "#cccccc", "#9d9d9d", "#2b2b2b", "#0078d4", "#ffffff", "#313131", "#3c3c3c", "#0078d4", "#ffffff", "#04395e"),
    "light_modern": (False, "#ffffff", "#f8f8f8", "#3b3b3b", "#616161", "#e5e5e5", "#005fb8", "#ffffff", "#ffffff", "#cecece", "#f8f8f8", "#3b3b3b", "#e8e8e8"),
    "dark_plus": (True, "#1e1e1e", "#252526", "#d4d4d4", "#a0a0a0", "#3a3a3a", "#0e639c", "#ffffff", "#3c3c3c", "#5a5a5a", "#007acc", "#ffffff", "#094771"),
    "light_plus": (False, "#ffffff", "#f3f3f3", "#333333", "#6a6a6a", "#dcdcdc", "#007acc", "#ffffff", "#ffffff", "#cecece", "#007acc", "#ffffff", "#d6ebff"),
    "monokai": (True, "#272822", "#1e1f1c", "#f8f8f2", "#a6a28c", "#414339", "#75715e", "#ffffff", "#414339", "#5a5b50", "#414339", "#ffffff", "#414339"),
    "solarized_light": (False, "#fdf6e3", "#eee8d5", "#586e75", "#7c8a8a", "#ddd6c1", "#7d6200", "#ffffff", "#ddd6c1", "#c9c2ad", "#eee8d5", "#586e75", "#dfca88"),
    "high_contrast": (True, "#000000", "#000000", "#ffffff", "#d4d4d4", "#6fc3df", "#000000", "#ffffff", "#000000", "#6fc3df", "#000000", "#ffffff", "#204a68"),
}  # fmt: skip


def _theme(values: tuple[bool, str, str, str, str, str, str, str, str, str, str, str, str]) -> Theme:
    dark, editor, side, text, muted, border, accent, on_accent, field, field_border, status, on_status, chosen = values
    secondary = "#313131" if dark else "#e5e5e5"
    colours = (
        f":root,.s-dark{{--s-primary:{accent if accent != '#000000' else '#3794ff'};--s-on-primary:{on_accent};--s-surface:{editor};--s-raised:{side};--s-tint:color-mix(in srgb,{text} 8%,{editor});--code-chosen:{chosen};--s-text:{text};--s-muted:{muted};--s-border:{border};"
        f"--code-status:{status};--code-on-status:{on_status};"
        f"--vscode-foreground:{text};--vscode-editor-background:{editor};--vscode-button-background:{accent};--vscode-button-foreground:{on_accent};--vscode-button-border:{border if dark else 'transparent'};"
        f"--vscode-button-secondaryBackground:{secondary};--vscode-button-secondaryForeground:{text};--vscode-settings-textInputBackground:{field};--vscode-settings-textInputForeground:{text};"
        f"--vscode-settings-textInputBorder:{field_border};--vscode-input-background:{field};--vscode-input-foreground:{text};--vscode-input-border:{field_border};--vscode-input-placeholderForeground:{muted};"
        f"--vscode-settings-dropdownBackground:{field};--vscode-settings-dropdownForeground:{text};--vscode-settings-dropdownBorder:{field_border};--vscode-settings-checkboxBackground:{field};"
        f"--vscode-settings-checkboxForeground:{text};--vscode-settings-checkboxBorder:{field_border};--vscode-badge-background:{accent};--vscode-badge-foreground:{on_accent};--vscode-icon-foreground:{text};"
        f"--vscode-panelTitle-activeForeground:{text};--vscode-panelTitle-inactiveForeground:{muted};--vscode-panelTitle-activeBorder:{accent};--vscode-settings-headerForeground:{text};"
        f"--vscode-settings-headerBorder:{border};--vscode-panel-background:{side};--vscode-progressBar-background:{accent};--vscode-focusBorder:{accent};"
        f"--vscode-font-family:var(--screen-font);--vscode-font-size:13px;--vscode-font-weight:normal;--vscode-inputValidation-errorBorder:#e51400;--vscode-inputValidation-errorBackground:{field}}}"
    )
    return Theme(dark=dark, extra=colours)


_VARIABLES = """
html{font-size:13px!important}
:root{--s-radius:2px}
body{background:var(--s-surface);color:var(--s-text);font-size:13px}
html:not(.s-dark){--s-success:#1a7f37;--s-warning:#8a5a00;--s-danger:#c72e0f}
.s-slotted{display:inline-flex;align-items:center}
vscode-button{flex:none}vscode-button.s-wide{width:100%}
.s-code-danger{--vscode-button-background:#c72e0f;--vscode-button-foreground:#fff}
.s-code-text{--vscode-button-secondaryBackground:transparent;--vscode-button-secondaryForeground:var(--s-primary)}
.s-code-lead{padding-inline-start:6px;color:var(--s-muted)}
vscode-textarea,vscode-single-select,vscode-textfield{min-width:0;width:100%}
.s-code-success{--vscode-badge-background:#388a34;--vscode-badge-foreground:#fff}.s-code-warning{--vscode-badge-background:#b45309;--vscode-badge-foreground:#fff}
vscode-badge.s-code-danger{--vscode-badge-background:#c72e0f;--vscode-badge-foreground:#fff}.s-code-neutral{--vscode-badge-background:#616161;--vscode-badge-foreground:#fff}
.s-code-window{border-radius:6px}
.s-code-title{background:var(--s-raised);color:var(--s-text);border-bottom:1px solid var(--s-border);min-height:35px;padding-block:0}
.s-code-centre{border:1px solid var(--s-border);border-radius:6px;padding:2px 4em;max-width:60%;overflow:hidden;text-overflow:ellipsis;color:var(--s-muted);background:color-mix(in srgb,var(--s-text) 5%,transparent)}
.s-code-status{background:var(--code-status);color:var(--code-on-status);font-size:12px;border-top:1px solid var(--s-border);padding:2px 10px;min-height:22px}
.s-code-status *{color:inherit}
.s-menu_bar{background:var(--s-raised);font-size:13px}
.s-menu{border-radius:5px;padding:4px}.s-menu-chosen{background:var(--s-primary);color:var(--s-on-primary)}.s-menu-chosen .s-text-caption{color:inherit}
.s-sidebar-narrow{background:var(--s-raised)}.s-sidebar-narrow [aria-pressed=true]{border-inline-start:2px solid var(--s-primary);box-shadow:none;border-radius:0}
.s-sidebar-item,.s-tree-item,.s-list-item{padding-block:3px;border-radius:0}.s-sidebar-chosen,.s-tree-chosen,.s-list-chosen,.s-table-chosen{background:var(--code-chosen);color:var(--s-text)}
.s-list-item+.s-list-item{border-top:0}
.s-tab_bar{background:var(--s-raised);gap:0}.s-tab{border-inline-end:1px solid var(--s-border);border-bottom:0;border-top:1px solid transparent;padding:8px 12px;font-size:13px}
.s-tab-chosen{background:var(--s-surface);color:var(--s-text);border-top-color:var(--s-primary)}
.s-progress{height:2px;border-radius:0;box-shadow:none}
.s-list_box-chosen{color:var(--s-text);background:var(--code-chosen)}
.s-toast{background:var(--s-raised);color:var(--s-text);border:1px solid var(--s-border);border-radius:4px}
html.s-dark{color-scheme:dark}
.s-code-icon{width:22px;height:22px;border-radius:5px}
"""

# The fields do not hand their accessible name to the input inside; what stands beside them names it.
_READY = """
  const waiting = [...body.querySelectorAll("*")].filter(element => element.updateComplete);
  await Promise.all(waiting.map(element => element.updateComplete));
  await new Promise(requestAnimationFrame);
  await Promise.all(waiting.map(element => element.updateComplete));
  for (const field of body.querySelectorAll("vscode-textfield,vscode-textarea")) {
    field.shadowRoot.querySelector("input,textarea").setAttribute("aria-label", field.getAttribute("aria-label"));
  }
"""

KITS = (
    Kit(
        name="vscode", platform="desktop", package="@vscode-elements/elements", ui=VscodeUi, scripts=("@vscode-elements/elements/dist/bundled.js",), ready=_READY, variables=_VARIABLES,
        themes={name: _theme(values) for name, values in _THEMES.items()},
    ),
)  # fmt: skip
