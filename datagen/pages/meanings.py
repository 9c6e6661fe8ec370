"""Which pictogram stands beside which word: English UI term -> concept of datagen.content.icons."""

MEANINGS: dict[str, str] = {
    "Save": "save", "Delete": "trash", "Export": "export", "Import": "import", "Add": "plus", "Add item": "plus", "Create": "plus", "Invite": "user-plus",
    "Download": "download", "Upload": "upload", "Archive": "archive", "Duplicate": "copy", "Share": "share", "Edit": "edit", "Send": "send", "Send message": "send",
    "Close": "close", "Refresh": "refresh", "Retry": "refresh", "Try again": "refresh", "Filter": "filter", "Sort": "sort", "Print": "printer", "Search": "search",
    "Copy": "copy", "Cut": "scissors", "Paste": "clipboard", "Undo": "undo", "Redo": "redo", "Rename": "edit", "Remove": "trash", "Reply": "reply", "Like": "thumbs-up",
    "Comment": "comment", "Add to cart": "cart", "Buy now": "bag", "Checkout": "cart", "Play": "play", "Pause": "pause", "Stop": "stop", "Call": "phone", "Run": "play",
    "New folder": "folder-plus", "New message": "envelope", "New event": "calendar", "Settings": "gear", "Zoom in": "zoom-in", "Zoom out": "zoom-out", "Full screen": "fullscreen",
    "Find": "search", "Preview": "eye", "Sign in": "log-in", "Sign out": "log-out", "Log out": "log-out", "Back": "arrow-left", "Next": "arrow-right", "Done": "check",
    "Confirm": "check", "Accept": "check", "Decline": "close", "Block": "ban", "Report": "flag", "Mute": "volume-off", "Schedule": "clock", "Publish": "globe",
    "Place order": "cart", "New project": "folder-plus", "Connect": "link", "Add to favorites": "star", "Mark as read": "envelope-open", "Take photo": "camera",
    "Home": "home", "Overview": "dashboard", "Dashboard": "dashboard", "Projects": "folder", "Orders": "cart", "Customers": "users", "Reports": "chart-bar",
    "Calendar": "calendar", "Messages": "chat", "Files": "file", "Team": "users", "Billing": "credit-card", "Products": "bag", "Inventory": "layers", "Invoices": "receipt",
    "Analytics": "chart-line", "Tasks": "check-circle", "Support": "headphones", "Pricing": "tag", "Documentation": "book", "Help": "question", "Explore": "compass",
    "Library": "book", "Activity": "activity", "Campaigns": "megaphone", "Contacts": "address-book", "Shipments": "truck", "Inbox": "inbox", "Sent": "send", "Drafts": "edit",
    "Spam": "ban", "Trash": "trash", "Starred": "star", "Profile": "user", "Account": "user", "Notifications": "bell", "Favorites": "heart", "History": "clock",
    "Downloads": "download", "Photos": "image", "Videos": "video", "Music": "music", "Albums": "image", "Artists": "microphone", "Playlists": "music", "Podcasts": "microphone",
    "Books": "book", "News": "news", "Shop": "bag", "Cart": "cart", "Wishlist": "heart", "Deals": "percent", "Categories": "grid", "Friends": "users", "Groups": "users",
    "Events": "calendar", "Community": "users", "Feed": "rss", "Trending": "chart-line", "Map": "map", "Places": "map-pin", "Trips": "airplane", "Wallet": "wallet",
    "Payments": "credit-card", "Cards": "credit-card", "Transfers": "transfer", "Budget": "wallet", "Goals": "target", "Workouts": "dumbbell", "Health": "heart", "Courses": "graduation",
    "Students": "users", "Recipes": "utensils", "Jobs": "briefcase", "Users": "users", "Roles": "key", "Security": "shield", "Privacy": "lock", "Devices": "laptop",
    "Storage": "database", "Integrations": "plug", "Apps": "grid", "Logs": "list", "Deployments": "rocket", "Servers": "server", "Domains": "globe", "Issues": "bug", "Recent": "clock",
    "Shared with me": "share", "Today": "sun", "Weather": "cloud", "Tickets": "ticket", "Expenses": "receipt", "Suppliers": "truck", "Warehouse": "building", "About": "info",
    "Contact": "envelope", "Blog": "edit",
}  # fmt: skip


def meaning(term: str, otherwise: str | None = None) -> str | None:
    """The concept for an English term; `otherwise` where none is usual."""
    return MEANINGS.get(term, otherwise)
