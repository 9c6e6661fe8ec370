"""Pictograms by what they mean: one concept (`trash`), drawn by five icon sets in eight looks.

`icons.json` says which file of which set shows a concept; it was matched by name and looked at. Brand logos are not in it.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Literal

from contracts.errors import InputError
from datagen.kits.files import kit_file

TABLE = Path(__file__).with_name("icons.json")
Kind = Literal["action", "thing", "navigation", "status", "media"]

# Look -> folder of its files below node_modules.
ICON_SETS: dict[str, str] = {
    "bootstrap": "bootstrap-icons/icons",
    "bootstrap-fill": "bootstrap-icons/icons",
    "lucide": "lucide-static/icons",
    "tabler": "@tabler/icons/icons/outline",
    "tabler-filled": "@tabler/icons/icons/filled",
    "mdi": "@mdi/svg/svg",
    "mdi-outline": "@mdi/svg/svg",
    "fontawesome": "@fortawesome/fontawesome-free/svgs/solid",
    "fontawesome-regular": "@fortawesome/fontawesome-free/svgs/regular",
}
# Looks that lack a drawing borrow it from the look that goes best with it.
_STANDINS: dict[str, tuple[str, ...]] = {
    "bootstrap": ("tabler", "lucide", "mdi", "fontawesome"),
    "bootstrap-fill": ("bootstrap", "mdi", "fontawesome", "tabler"),
    "lucide": ("tabler", "bootstrap", "mdi", "fontawesome"),
    "tabler": ("lucide", "bootstrap", "mdi", "fontawesome"),
    "tabler-filled": ("tabler", "mdi", "fontawesome", "bootstrap", "lucide"),
    "mdi": ("fontawesome", "bootstrap", "tabler", "lucide"),
    "mdi-outline": ("mdi", "bootstrap", "tabler", "fontawesome"),
    "fontawesome": ("mdi", "bootstrap", "tabler", "lucide"),
    "fontawesome-regular": ("fontawesome", "mdi", "bootstrap", "tabler"),
}


@dataclass(frozen=True)
class Icon:
    """One drawing: its view box, the markup inside `<svg>`, and whether it is drawn with strokes rather than filled shapes."""

    view_box: str
    body: str
    stroke: bool


@cache
def _table() -> dict[str, dict[str, object]]:
    loaded: dict[str, dict[str, object]] = json.loads(TABLE.read_text(encoding="utf-8"))
    return loaded


def icons() -> dict[str, dict[str, str]]:
    """Concept -> look -> file name without ending."""
    return {concept: dict(entry["files"]) for concept, entry in _table().items()}  # type: ignore[call-overload]


@cache
def concepts(kind: Kind | None = None) -> tuple[str, ...]:
    """Every concept, or those of a kind."""
    return tuple(concept for concept, entry in _table().items() if kind is None or entry["kind"] == kind)


def label(concept: str) -> str:
    """What the pictogram means, in English words; on a button, its accessible name: `label("trash")` is "Delete"."""
    return str(_entry(concept)["label"])


def icon_set(rng: Random) -> str:
    """A look for the pictograms of one page."""
    return rng.choice(tuple(ICON_SETS))


@cache
def icon(concept: str, set_name: str) -> Icon:
    """The concept in this look, or in the nearest look that has it. InputError for an unknown concept or look."""
    if set_name not in ICON_SETS:
        raise InputError("is no icon set.", field="icon set", found=set_name, fix=f"The sets are {', '.join(ICON_SETS)}.")
    files: dict[str, str] = _entry(concept)["files"]  # type: ignore[assignment]
    source = next(look for look in (set_name, *_STANDINS[set_name]) if look in files)
    svg = kit_file(f"{ICON_SETS[source]}/{files[source]}.svg").read_text(encoding="utf-8")
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    opening = re.search(r"<svg\b[^>]*>", svg)
    view_box = opening and re.search(r'viewBox="([^"]+)"', opening[0])
    if not opening or not view_box:
        raise InputError("is no SVG drawing.", file=files[source], fix="Run `make setup` (it runs `npm ci` in datagen/kits).")
    body = svg[opening.end() : svg.rindex("</svg>")]
    body = re.sub(r'<path[^>]*d="M0 0h24v24H0z"[^>]*/>', "", body)  # Tabler's invisible frame
    return Icon(view_box[1], re.sub(r"\s+", " ", body).strip(), stroke='stroke="currentColor"' in opening[0])


def _entry(concept: str) -> dict[str, object]:
    entry = _table().get(ALIASES.get(concept, concept))
    if entry is None:
        raise InputError(
            "is no concept of the pictograms.", field="icon", found=concept, fix="The concepts are the keys of datagen/content/icons.json."
        )
    return entry


# Other words for the same concept.
ALIASES: dict[str, str] = {
    "ban": "block", "bug": "debug", "chart-bar": "bar-chart", "chart-line": "line-chart", "chart-pie": "pie-chart", "circle": "dot", "close": "x-lg", "comment": "chat",
    "edit": "pencil", "delete": "trash", "folder-plus": "folder-add", "fullscreen": "expand", "home": "house", "import": "inbox-in", "list": "list-bullet", "log-in": "login",
    "log-out": "logout", "map-pin": "location", "moon": "dark-mode", "more": "three-dots-vertical", "new-file": "file-add", "news": "newspaper", "scissors": "cut",
    "square": "square-tool", "sun": "light-mode", "transfer": "swap", "user": "person", "user-plus": "person-add", "users": "people", "utensils": "fork-knife",
    "settings": "gear", "notification": "bell", "mail": "envelope", "message": "chat", "photo": "image", "arrow-back": "arrow-left", "external-link": "open-external",
}  # fmt: skip


def canonical(concept: str) -> str:
    """The concept that an alias stands for; any other concept as it is."""
    return ALIASES.get(concept, concept)


# What stands beside a command or a destination (English keys of `english.COMMANDS` and `english.DESTINATIONS`).
TERM_ICONS: dict[str, str] = {
    "Save": "save", "Cancel": "x-lg", "Continue": "arrow-right", "Next": "arrow-right", "Back": "arrow-left", "Delete": "trash", "Export": "export",
    "Import": "inbox-in", "Apply": "check", "Reset": "undo", "Create": "plus", "Add": "plus", "Add item": "plus", "Invite": "person-add",
    "Download": "download", "Upload": "upload", "Publish": "globe", "Archive": "archive", "Duplicate": "duplicate", "Share": "share", "Edit": "pencil",
    "Review": "eye", "Approve": "thumbs-up", "Reject": "thumbs-down", "Connect": "link", "Disconnect": "unlink", "Sign in": "login", "Sign up": "person-add",
    "Sign out": "logout", "Log in": "login", "New project": "folder-add", "Send message": "send", "Send": "send", "Update": "refresh", "Close": "x-lg",
    "Schedule": "calendar", "Filter": "filter", "Sort": "sort", "Refresh": "refresh", "Print": "print", "Search": "search", "OK": "check", "Done": "check",
    "Start": "play", "Stop": "stop", "Pause": "pause", "Play": "play", "Open": "folder-open", "Copy": "copy", "Cut": "cut", "Paste": "paste", "Undo": "undo",
    "Redo": "redo", "Clear": "eraser", "Rename": "text", "Move": "move", "Remove": "minus", "Reply": "reply", "Reply all": "reply-all",
    "Forward": "forward", "Follow": "plus", "Like": "heart", "Comment": "chat", "Subscribe": "bell", "Add to cart": "cart-add", "Buy now": "bag",
    "Checkout": "credit-card", "Pay now": "credit-card", "Book now": "calendar-check", "Show more": "chevron-down", "Show less": "chevron-up",
    "Retry": "refresh", "Confirm": "check", "Accept": "check", "Decline": "x-lg", "Block": "block", "Report": "flag", "Mute": "mute", "Call": "phone",
    "Leave": "exit", "Change password": "key", "Choose file": "file-add", "Take photo": "camera", "Scan": "scan", "Install": "download", "Restart": "refresh",
    "Save draft": "save", "Preview": "eye", "Compare": "compare", "Track order": "truck", "Contact us": "envelope", "Add comment": "comment-add",
    "Add to favorites": "star", "Mark as read": "check-all", "New folder": "folder-add", "New message": "pencil-square", "New event": "calendar-add",
    "Customize": "sliders", "Generate": "sparkles", "Run": "run", "Deploy": "deploy", "Merge": "merge", "Sync now": "sync", "Verify": "verified",
    "Zoom in": "zoom-in", "Zoom out": "zoom-out", "Full screen": "expand", "Find": "search", "Replace": "swap", "Dismiss": "x-lg", "Top up": "wallet",
    "Transfer": "swap",
    "Home": "house", "Overview": "dashboard", "Projects": "folder", "Orders": "cart", "Customers": "people", "Reports": "bar-chart", "Calendar": "calendar",
    "Messages": "chat", "Files": "file", "Team": "people", "Billing": "credit-card", "Products": "bag", "Inventory": "boxes", "Invoices": "receipt",
    "Analytics": "line-chart", "Tasks": "clipboard-check", "Support": "headset", "Pricing": "tag", "Documentation": "book", "Help": "help", "Explore": "compass",
    "Library": "library", "Activity": "activity", "Campaigns": "megaphone", "Contacts": "address-book", "Shipments": "truck", "Dashboard": "dashboard",
    "Inbox": "inbox", "Sent": "send", "Drafts": "file-text", "Spam": "error", "Trash": "trash", "Starred": "star", "Settings": "gear", "Profile": "person",
    "Account": "person-circle", "Notifications": "bell", "Favorites": "heart", "History": "history", "Downloads": "download", "Photos": "images",
    "Videos": "video", "Music": "music", "Albums": "disc", "Artists": "microphone", "Playlists": "music-list", "Podcasts": "podcast", "Books": "book",
    "News": "newspaper", "Blog": "feather", "About": "info", "Contact": "envelope", "Shop": "shop", "Cart": "cart", "Wishlist": "heart", "Deals": "percent",
    "Categories": "grid", "Friends": "people", "Groups": "people", "Events": "calendar-event", "Community": "globe", "Feed": "rss", "Trending": "fire",
    "Map": "map", "Places": "location", "Trips": "suitcase", "Wallet": "wallet", "Payments": "cash", "Cards": "credit-card", "Transfers": "swap",
    "Budget": "pie-chart", "Goals": "target", "Workouts": "dumbbell", "Health": "heart-health", "Courses": "graduation", "Students": "people", "Grades": "award",
    "Recipes": "fork-knife", "Jobs": "briefcase", "Users": "people", "Roles": "id-card", "Security": "shield", "Privacy": "shield-lock", "Devices": "laptop",
    "Storage": "hard-drive", "Integrations": "puzzle", "Apps": "menu-dots", "Logs": "terminal", "Deployments": "rocket", "Servers": "server",
    "Domains": "globe", "Issues": "alert", "Recent": "clock", "Shared with me": "folder-shared", "Today": "calendar-event", "Upcoming": "hourglass",
    "Weather": "partly-cloudy", "Tickets": "ticket", "Reservations": "calendar-check", "Expenses": "coin", "Suppliers": "factory", "Warehouse": "boxes",
}  # fmt: skip
