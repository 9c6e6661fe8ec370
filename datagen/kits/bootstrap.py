"""Bootstrap 5 and Bootswatch's themes of it."""

from typing import Any, ClassVar

from datagen.kits import Kit, Theme
from datagen.pages.html import HtmlUi, div


class BootstrapUi(HtmlUi):
    classes: ClassVar[dict[str, str]] = {
        "text.muted": "text-body-secondary", "text.small": "small", "label": "form-label mb-0", "link": "", "divider": "my-2 w-100",
        "heading.1": "h3", "heading.2": "h4", "heading.3": "h5", "heading.4": "h5", "heading.5": "h6", "heading.6": "h6",
        "button": "btn", "button.default": "btn-secondary", "button.primary": "btn-primary", "button.danger": "btn-danger", "button.text": "btn-link",
        "button.small": "btn-sm", "button.large": "btn-lg", "pressed": "active", "icon_button": "btn", "icon_button.plain": "border-0 text-reset",
        "icon_button.default": "btn-outline-secondary", "icon_button.primary": "btn-primary", "button_group": "btn-group",
        "text_field": "form-control", "search_field": "form-control", "text_area": "form-control", "combo_box": "form-select", "invalid": "is-invalid",
        "list_box": "form-control p-1", "list_box.item": "px-2", "list_box.chosen": "text-bg-primary rounded-1",
        "checkbox": "form-check-input mt-0", "radio": "form-check-input mt-0", "check.label": "form-check-label", "switch": "form-check-input mt-0",
        "slider": "form-range", "stepper": "input-group s-stepper-group", "stepper.button": "btn btn-outline-secondary", "stepper.field": "form-control text-center",
        "tab": "nav-link", "tab.chosen": "active", "breadcrumb": "breadcrumb mb-0", "breadcrumb.item": "breadcrumb-item", "breadcrumb.here": "active",
        "pagination": "pagination mb-0", "pagination.item": "page-item", "pagination.item.here": "active", "pagination.link": "page-link", "pagination.here": "",
        "navigation_bar.inner": "container-fluid flex-nowrap gap-2", "navigation_bar.brand": "navbar-brand", "navigation_bar.links": "navbar-nav flex-row flex-nowrap overflow-hidden",
        "navigation_bar.item": "nav-item", "navigation_bar.link": "nav-link px-2", "navigation_bar.chosen": "active",
        "menu": "dropdown-menu show position-static s-menu-bs", "menu.item": "dropdown-item", "menu.chosen": "active", "menu.divider": "dropdown-divider",
        "table": "table mb-0", "table.header": "", "table.cell": "", "table.row": "", "table.head_row": "", "table.dense": "table-sm", "table.grid": "table-bordered",
        "table.chosen": "table-active", "list": "list-group", "list.framed": "", "list.plain": "list-group-flush", "list.item": "list-group-item", "list.chosen": "active",
        "list.subtitle": "small opacity-75", "list.meta": "small opacity-75 text-nowrap", "card": "card", "card.head": "card-header", "card.body": "card-body",
        "card.foot": "card-footer", "card.chosen": "border-primary", "badge": "badge", "badge.primary": "text-bg-primary", "badge.success": "text-bg-success",
        "badge.warning": "text-bg-warning", "badge.danger": "text-bg-danger", "badge.info": "text-bg-info", "badge.neutral": "text-bg-secondary",
        "progress.bar": "progress-bar", "alert": "alert py-2 mb-0", "alert.success": "alert-success", "alert.warning": "alert-warning", "alert.danger": "alert-danger",
        "alert.info": "alert-info", "alert.neutral": "alert-secondary", "alert.primary": "alert-primary", "dialog": "modal-content", "dialog.head": "modal-header",
        "dialog.body": "modal-body", "dialog.foot": "modal-footer", "tooltip": "tooltip-inner",
    }  # fmt: skip

    def k(self, *parts: str) -> str:
        if parts == ("tab_bar",):
            return f"nav {self.rng.choice(('nav-tabs', 'nav-tabs', 'nav-pills', 'nav-underline'))} flex-nowrap"
        if parts[0] == "button" and len(parts) == 2 and parts[1] in ("button.default", "button.primary") and self.rng.random() < 0.35:
            return "btn " + ("btn-outline-primary" if parts[1].endswith("primary") else self.rng.choice(("btn-outline-secondary", "btn-light")))
        if parts == ("navigation_bar",):
            ground = self.rng.choice(("bg-primary", "bg-dark", "bg-body-tertiary border-bottom", "bg-body-tertiary border-bottom"))
            return f"navbar navbar-expand py-1 {ground}"
        return super().k(*parts)

    def navigation_bar(self, *arguments: Any, **named: Any) -> str:
        bar = super().navigation_bar(*arguments, **named)
        return (
            bar.replace("<nav ", '<nav data-bs-theme="dark" data-coreui-theme="dark" ', 1)
            if "bg-primary" in bar[:120] or "bg-dark" in bar[:120]
            else bar
        )

    def switch(self, content: str, on: bool, disabled: bool | None = None, show_label: bool = False) -> str:
        return div("form-check form-switch m-0 p-0 s-bs-switch", super().switch(content, on, disabled, show_label))

    def progress(self, share: float, name: str = "") -> str:
        bar = div("progress-bar " + self.rng.choice(("", "", "bg-success", "bg-info", "progress-bar-striped")), style=f"width:{share:.0%}")
        return div("progress", bar, c="progress", role="progressbar", aria_valuenow=round(100 * share), aria_label=name or None, style="width:100%")


# True: a dark look (it decides on which of Bootstrap's two palettes the page is drawn).
_BOOTSWATCH = {
    "brite": False, "cerulean": False, "cosmo": False, "cyborg": True, "darkly": True, "flatly": False, "journal": False, "litera": False, "lumen": False,
    "lux": False, "materia": False, "minty": False, "morph": False, "pulse": False, "quartz": True, "sandstone": False, "simplex": False, "sketchy": False,
    "slate": True, "solar": True, "spacelab": False, "superhero": True, "united": False, "vapor": True, "yeti": False, "zephyr": False,
}  # fmt: skip


def _themes() -> dict[str, Theme]:
    files = {"light": "bootstrap/dist/css/bootstrap.min.css", "dark": "bootstrap/dist/css/bootstrap.min.css"}
    files |= {name: f"bootswatch/dist/{name}/bootstrap.min.css" for name in _BOOTSWATCH}
    dark = {"light": False, "dark": True, **_BOOTSWATCH}
    return {
        name: Theme(
            css=(file,), dark=dark[name], attributes={"data-bs-theme": "dark" if dark[name] else "light"}, extra=_SKETCHY if name == "sketchy" else ""
        )
        for name, file in files.items()
    }  # fmt: skip


# Sketchy's checkboxes, radios and switches are inputs of no size with a drawing that hangs out of them: give the inputs the size of the drawing.
_SKETCHY = """
.form-check-input:is([type=checkbox],[type=radio]){width:16px;height:16px;margin:0}.form-check-input:is([type=checkbox],[type=radio])::before{top:0;box-sizing:border-box;width:16px;height:16px}
.form-switch .form-check-input[type=checkbox]{width:32px}.form-switch .form-check-input[type=checkbox]::before{width:32px}
"""


def variables(prefix: str) -> str:
    """Ours from the kit's own variables: `prefix` is `bs`, or what a kit that is built on Bootstrap calls itself."""
    names = {
        "primary": "primary", "surface": "body-bg", "raised": "body-bg", "tint": "tertiary-bg", "text": "body-color", "muted": "secondary-color", "border": "border-color",
        "success": "success", "warning": "warning", "danger": "danger", "info": "info", "radius": "border-radius",
    }  # fmt: skip
    ours = ";".join(f"--s-{own}:var(--{prefix}-{theirs})" for own, theirs in names.items())
    return f":root,[data-bs-theme],[data-coreui-theme]{{{ours}}}{_MENDS}"


_MENDS = """
.btn{display:inline-flex;align-items:center;justify-content:center;gap:.4em}
.navbar.bg-primary :is(.btn-outline-primary,.btn-ghost-primary){color:#fff}.navbar.bg-primary .btn-outline-primary{border-color:#fff}
.s-bs-switch{min-height:0}.s-bs-switch .form-check-input{margin-inline-start:0!important;float:none;flex:none}
.s-stepper-group{width:10em;flex-wrap:nowrap}.s-menu-bs{display:block;position:static}
.form-check-input{flex:none}.form-range::-webkit-slider-runnable-track{background:rgb(128 128 128/.4)}
.navbar[data-bs-theme=dark]{color:#fff}.navbar.bg-body-tertiary{--bs-navbar-color:var(--s-muted);--bs-navbar-active-color:var(--s-text);--bs-navbar-brand-color:var(--s-text)}
body[class] .btn-link.border-0{color:inherit}
.modal-content{max-height:90vh;overflow:hidden;background:var(--s-raised);color:var(--s-text);border-radius:calc(var(--s-radius)*1.3)}
.modal-content>.modal-header,.modal-content>.modal-footer{padding:.9em 1.1em}.modal-content>.modal-body{padding:.7em 1.1em}
.modal-content>.modal-header{border-bottom:1px solid var(--s-border)}.modal-content>.modal-footer{border-top:1px solid var(--s-border)}
.s-toast .btn-link.btn-link{color:#93c5fd;background:none}
.tooltip-inner{max-width:16em;padding:.3em .6em;border-radius:var(--s-radius);background:var(--s-text);color:var(--s-surface);font-size:.875em}
body[class] .toast{display:flex;max-width:24em;padding:.7em 1em;color:var(--s-text);background:var(--s-raised);border:1px solid var(--s-border);border-radius:var(--s-radius);box-shadow:var(--s-shadow)}
"""

KITS = (Kit(name="bootstrap", platform="web", package="bootstrap", ui=BootstrapUi, themes=_themes(), variables=variables("bs")),)
