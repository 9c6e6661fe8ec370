"""Words for pages: what real products write on labels, buttons and tables. Everything is drawn from a `random.Random`."""

from collections.abc import Callable
from random import Random

BRANDS = (
    "Northwind", "Halcyon", "Brightside", "Larkspur", "Copperfield", "Meridian", "Juniper", "Tidewater", "Quillbox", "Fernway", "Orbital", "Saltbox",
    "Pinecrest", "Basecamp 9", "Lumen Desk", "Harbor", "Kitework", "Mosaic", "Oakline", "Paperjet", "Redwood", "Skylark", "Tangram", "Umbra", "Vireo",
)  # fmt: skip
DESTINATIONS = (
    "Home", "Overview", "Projects", "Orders", "Customers", "Reports", "Calendar", "Messages", "Files", "Team", "Billing", "Products", "Inventory",
    "Invoices", "Analytics", "Tasks", "Support", "Pricing", "Docs", "Help", "Explore", "Library", "Activity", "Campaigns", "Contacts", "Shipments",
)  # fmt: skip
DESTINATION_ICONS = {
    "Home": "house", "Overview": "speedometer2", "Projects": "folder", "Orders": "cart", "Customers": "people", "Reports": "bar-chart",
    "Calendar": "calendar", "Messages": "chat", "Files": "file-earmark", "Team": "person", "Billing": "credit-card", "Products": "bag",
    "Inventory": "layers", "Invoices": "receipt", "Analytics": "graph-up", "Tasks": "check-circle", "Support": "headphones", "Pricing": "tag",
    "Docs": "book", "Help": "question-circle", "Explore": "globe", "Library": "bookmark", "Activity": "activity", "Campaigns": "rocket",
    "Contacts": "envelope", "Shipments": "truck",
}  # fmt: skip
COMMANDS = (
    "Save", "Cancel", "Continue", "Submit", "Next", "Back", "Delete", "Export", "Import", "Apply", "Reset", "Create", "Add item", "Invite", "Download",
    "Upload", "Publish", "Archive", "Duplicate", "Share", "Edit", "Review", "Approve", "Connect", "Upgrade", "Learn more", "View all", "Sign in",
    "Place order", "New project", "Send message", "Update", "Close", "Try again", "Schedule", "Assign", "Filter", "Sort", "Refresh", "Print",
)  # fmt: skip
COMMAND_ICONS = {
    "Save": "check", "Delete": "trash", "Export": "box-arrow-up-right", "Download": "download", "Upload": "upload", "Add item": "plus", "Create": "plus",
    "Invite": "person-plus", "Share": "share", "Edit": "pencil", "Archive": "archive", "Duplicate": "copy", "Print": "printer", "Filter": "funnel",
    "Refresh": "arrow-clockwise", "Schedule": "calendar", "Send message": "send", "Back": "arrow-left", "Next": "arrow-right", "Import": "inbox",
    "Publish": "rocket", "Approve": "hand-thumbs-up", "Place order": "cart", "New project": "folder", "Connect": "link-45deg", "Review": "eye",
}  # fmt: skip
ACTION_ICONS = (
    "pencil", "trash", "three-dots-vertical", "three-dots", "star", "heart", "bookmark", "share", "download", "eye", "copy", "gear", "bell", "search",
    "plus", "x-lg", "printer", "funnel", "arrow-clockwise", "list", "envelope", "moon", "sun", "question-circle", "paperclip", "pin-angle", "flag",
)  # fmt: skip
THING_ICONS = (
    "person", "house", "envelope", "calendar", "clock", "chat", "camera", "image", "folder", "file-earmark", "cart", "bag", "truck", "credit-card",
    "graph-up", "bar-chart", "pie-chart", "people", "shield", "lock", "key", "globe", "geo-alt", "flag", "tag", "bookmark", "cloud", "wifi", "phone",
    "laptop", "headphones", "music-note", "layers", "wallet2", "gift", "lightning", "rocket", "trophy", "palette", "bug", "code-slash", "database", "hdd",
    "cpu", "mic", "volume-up", "building", "hospital", "book", "mortarboard", "cup-hot", "bicycle", "airplane", "tools", "wrench", "receipt", "calculator",
    "currency-euro", "speedometer2", "activity", "clipboard", "stickies", "emoji-smile",
)  # fmt: skip
FIRST_NAMES = (
    "Ada", "Amara", "Ben", "Carla", "Chen", "Daria", "Elif", "Felix", "Grace", "Hugo", "Ines", "Jonas", "Kemal", "Lena", "Maya", "Nadia", "Omar",
    "Priya", "Quentin", "Rosa", "Sven", "Tara", "Umar", "Vera", "Wanda", "Yuki", "Zoe", "Ivan", "Mei", "Noah",
)  # fmt: skip
LAST_NAMES = (
    "Abbott", "Bauer", "Castillo", "Dupont", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito", "Jansen", "Kowalski", "Lopez", "Murphy", "Nguyen",
    "Okafor", "Petrov", "Quist", "Rossi", "Singh", "Tanaka", "Usman", "Vogel", "Walsh", "Xu", "Young", "Zimmer",
)  # fmt: skip
CITIES = (
    "Lisbon",
    "Oslo",
    "Nairobi",
    "Kyoto",
    "Austin",
    "Leeds",
    "Ghent",
    "Lima",
    "Perth",
    "Turin",
    "Quito",
    "Aarhus",
    "Pune",
    "Halifax",
    "Basel",
    "Malaga",
)
COUNTRIES = (
    "Portugal",
    "Norway",
    "Kenya",
    "Japan",
    "United States",
    "United Kingdom",
    "Belgium",
    "Peru",
    "Australia",
    "Italy",
    "Denmark",
    "India",
    "Canada",
)
COMPANIES = (
    "Acorn Foods", "Blue Kettle", "Cedar & Co", "Delta Print", "Evergreen Ltd", "Foxglove", "Gable Homes", "Hilltop Dairy", "Ironbridge", "Jade Textiles",
    "Kestrel Air", "Lighthouse", "Maple Street", "Nova Dental", "Open Field", "Pioneer Gas", "Quarry Labs", "Riverbend", "Stonepath", "Trellis",
)  # fmt: skip
PRODUCTS = (
    "Desk lamp", "Oak shelf", "Wool blanket", "Travel mug", "Trail shoes", "Rain jacket", "Ceramic bowl", "Notebook A5", "USB-C hub", "Yoga mat",
    "Canvas bag", "Garden hose", "Espresso set", "Bike light", "Wall clock", "Soy candle", "Floor mat", "Hand cream", "Chef knife", "Tea tin",
)  # fmt: skip
ADJECTIVES = (
    "Quarterly",
    "New",
    "Annual",
    "Weekly",
    "Shared",
    "Internal",
    "Global",
    "Open",
    "Recent",
    "Monthly",
    "Mobile",
    "Regional",
    "Final",
    "Draft",
)
NOUNS = (
    "report", "budget", "roadmap", "launch", "review", "survey", "backlog", "migration", "audit", "forecast", "campaign", "onboarding", "inventory",
    "contract", "schedule", "newsletter", "workshop", "proposal", "handbook", "release",
)  # fmt: skip
STATUSES = (("Active", "success"), ("Paid", "success"), ("Pending", "warning"), ("Draft", "secondary"), ("Failed", "danger"), ("New", "primary"), ("Overdue", "danger"),
            ("Shipped", "info"), ("On hold", "warning"), ("Closed", "secondary"), ("In review", "info"), ("Done", "success"))  # fmt: skip
TAGS = (
    "Design",
    "Urgent",
    "Backend",
    "Sales",
    "Remote",
    "Beta",
    "Europe",
    "VIP",
    "Legal",
    "Mobile",
    "Vegan",
    "On sale",
    "Finance",
    "Research",
    "Large",
    "Blue",
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SETTINGS = (
    ("Email notifications", "Get a message when someone replies."), ("Two-step sign-in", "Ask for a code on new devices."), ("Dark mode", "Use a darker palette."),
    ("Weekly summary", "Sent every Monday at nine."), ("Public profile", "Anyone with the link can see it."), ("Auto-save", "Keep changes as you type."),
    ("Show previews", "Open links in a small window."), ("Offline access", "Keep recent files on this device."), ("Sound effects", "Play a tone for new messages."),
    ("Location sharing", "Only while the app is open."), ("Beta features", "Try things before others do."), ("Read receipts", "Let others know you have read it."),
    ("Compact layout", "Fit more rows on the page."), ("Spell check", "Underline words that look wrong."), ("Usage statistics", "Help us find what breaks."),
    ("Backups", "Every night, kept for thirty days."), ("Keyboard shortcuts", "Press ? to list them."), ("Calendar sync", "Both ways, every hour."),
)  # fmt: skip
SETTING_GROUPS = (
    "General",
    "Account",
    "Privacy",
    "Notifications",
    "Security",
    "Appearance",
    "Billing",
    "Integrations",
    "Language",
    "Devices",
    "Members",
    "Storage",
)
OPTIONS = {
    "Country": COUNTRIES, "City": CITIES, "Language": ("English", "German", "Spanish", "Japanese", "Portuguese", "French"),
    "Time zone": ("UTC", "UTC +1", "UTC -5", "UTC +9"), "Currency": ("Euro", "US dollar", "Pound", "Yen"), "Plan": ("Free", "Starter", "Team", "Business"),
    "Role": ("Owner", "Editor", "Viewer", "Guest"), "Priority": ("Low", "Normal", "High", "Urgent"), "Category": ("Books", "Garden", "Kitchen", "Sports", "Toys"),
    "Department": ("Sales", "Support", "Design", "Legal", "Finance"), "Size": ("Small", "Medium", "Large"), "Shipping": ("Standard", "Express", "Pick-up"),
    "Frequency": ("Daily", "Weekly", "Monthly", "Never"), "Status": ("All", "Open", "Closed", "Archived"), "Density": ("Compact", "Normal", "Roomy"),
}  # fmt: skip
SENTENCES = (
    "Changes are saved when you leave the page.", "Your trial ends in six days.", "We never share your address.", "Use at least eight characters.",
    "All times are shown in your own time zone.", "This can be changed later.", "Only members of the team can see this.", "Payments are handled by our bank.",
    "Nothing has been shipped yet.", "Drag files here or choose them from disk.", "Results are updated every hour.", "Two people are editing right now.",
    "The last backup finished without errors.", "Delivery takes two to four working days.", "You can undo this for thirty days.",
    "Numbers are rounded to the nearest ten.", "Ask an owner if you need more seats.", "This report covers the past quarter.",
)  # fmt: skip
ALERTS = (
    ("success", "check-circle", "Your changes were saved."), ("info", "info-circle", "A new version is available."), ("warning", "exclamation-triangle", "Your card expires soon."),
    ("danger", "exclamation-triangle", "The upload failed. Try again."), ("success", "check-circle", "Invitation sent to three people."),
    ("primary", "bell", "Maintenance is planned for Sunday."), ("warning", "exclamation-triangle", "Storage is almost full."), ("danger", "bug", "Some rows could not be read."),
)  # fmt: skip
PLAIN_FIELDS = (
    "First name", "Last name", "Company", "Street", "City", "Postcode", "Phone", "Email", "Job title", "Website", "Reference", "Order number", "Card number",
    "Nickname", "Project name", "Tax number", "Account holder", "Subject", "Coupon", "Apartment", "Serial number", "Host name",
)  # fmt: skip
FORM_TITLES = (
    "Create account", "Checkout", "Contact us", "New customer", "Book a visit", "Shipping address", "Report a problem", "Job application", "Payment details",
    "Register device", "Add product", "Plan an event", "Request access", "Edit profile", "Feedback", "Open a ticket", "Join the team",
)  # fmt: skip
SECTION_TITLES = (
    "Personal details", "Address", "Preferences", "Delivery", "Payment", "Contact", "Attachments", "Options", "Schedule", "About you", "Company", "Extras",
    "Recent activity", "Summary", "Top products", "Team", "Traffic", "Latest orders", "Goals", "Performance", "Storage", "Channels", "Announcements",
)  # fmt: skip


def person(rng: Random) -> str:
    return f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}"


def title(rng: Random) -> str:
    return f"{rng.choice(ADJECTIVES)} {rng.choice(NOUNS)}"


def email(rng: Random) -> str:
    return f"{rng.choice(FIRST_NAMES)}.{rng.choice(LAST_NAMES)}@{rng.choice(('mail', 'post', 'office'))}.example".lower()


def price(rng: Random) -> str:
    amount = rng.choice((rng.randrange(3, 99), rng.randrange(100, 990), rng.randrange(1000, 9900)))
    return f"{rng.choice('$€£')}{amount:,}{rng.choice(('', '.00', '.50', '.99'))}"


def date(rng: Random) -> str:
    day, month, year = rng.randrange(1, 29), rng.randrange(12), rng.randrange(2019, 2027)
    return rng.choice((f"{day} {MONTHS[month]} {year}", f"{MONTHS[month]} {day}", f"{year}-{month + 1:02}-{day:02}"))


def number(rng: Random) -> str:
    return rng.choice(
        (f"{rng.randrange(1, 100)}", f"{rng.randrange(100, 9999):,}", f"{rng.randrange(1, 99)}.{rng.randrange(1, 9)}k", f"{rng.randrange(1, 100)}%")
    )


def percent(rng: Random) -> str:
    return f"{rng.randrange(1, 100)}.{rng.randrange(10)}%"


def count(rng: Random) -> str:
    return rng.choice((f"{rng.randrange(10, 100)}", f"{rng.randrange(100, 9999):,}", f"{rng.randrange(1, 99)}.{rng.randrange(1, 9)}k"))


def duration(rng: Random) -> str:
    return rng.choice((f"{rng.randrange(2, 60)} min", f"{rng.randrange(1, 9)}.{rng.randrange(10)} s", f"{rng.randrange(40, 900)} ms"))


def change(rng: Random) -> tuple[str, bool]:
    """A difference such as `+4.2%`, and whether it is a gain."""
    up = rng.random() < 0.6
    return f"{'+' if up else '−'}{rng.randrange(0, 30)}.{rng.randrange(1, 10)}%", up


def sentences(rng: Random, count: int) -> str:
    return " ".join(rng.sample(SENTENCES, count))


def value(rng: Random, label: str) -> str:
    """What somebody could have typed into the field with this label."""
    if label in ("First name", "Nickname"):
        return rng.choice(FIRST_NAMES)
    if label in ("Last name", "Account holder"):
        return rng.choice(LAST_NAMES)
    if label == "Email":
        return email(rng)
    if label == "Company":
        return rng.choice(COMPANIES)
    if label == "City":
        return rng.choice(CITIES)
    if label == "Street":
        return f"{rng.randrange(1, 200)} {rng.choice(LAST_NAMES)} Road"
    if label in ("Project name", "Subject"):
        return title(rng)
    if label == "Job title":
        return rng.choice(("Editor", "Nurse", "Engineer", "Teacher", "Buyer", "Analyst"))
    return "".join(rng.choice("0123456789") for _ in range(rng.randrange(4, 9)))


# What a dashboard counts, and how its figures look.
METRICS: dict[str, Callable[[Random], str]] = {
    "Revenue": price, "Refunds": price, "Avg. order": price, "Balance": price, "Orders": count, "Visitors": count, "Sign-ups": count, "Open tickets": count,
    "Sessions": count, "Uptime": percent, "Churn": percent, "Conversion": percent, "Response time": duration, "Time on page": duration,
}  # fmt: skip
