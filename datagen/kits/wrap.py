"""Controls that a kit paints around the native one: the frame takes the mark, the control inside still says its name, role and state."""

import re

from datagen.pages.html import span

_MARK = re.compile(r'^<(\w+) data-c="(\w+)"')


def wrap(control: str, cls: str, before: str = "", after: str = "") -> str:
    """A marked control in its painted frame. The empty `data-box` says that the box is the frame's and the voice the control's (annotate.js)."""
    found = _MARK.match(control)
    if not found:
        raise ValueError(f"no marked control: {control[:60]}")
    return span(cls, before, f"<{found[1]}{control[found.end() :]}", after, c=found[2], data_box="")


def disabled(control: str) -> bool:
    """Whether the control's own tag says that it is disabled: some kits want it on the frame too."""
    return " disabled" in control.split(">", 1)[0]
