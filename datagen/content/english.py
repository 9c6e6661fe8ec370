"""What real products write on buttons, fields, menus and tables, in English; `terms.json` holds the same in the other languages."""

BRANDS = (
    "Northwind", "Halcyon", "Brightside", "Larkspur", "Copperfield", "Meridian", "Juniper", "Tidewater", "Quillbox", "Fernway", "Orbital", "Saltbox",
    "Pinecrest", "Basecamp 9", "Lumen Desk", "Harbor", "Kitework", "Mosaic", "Oakline", "Paperjet", "Redwood", "Skylark", "Tangram", "Umbra", "Vireo",
    "Acorn", "Bluefin", "Cobalt", "Driftwood", "Ember", "Foxglove", "Granite", "Hearth", "Inkwell", "Jetstream", "Kestrel", "Lattice", "Maplebit",
    "Nimbus 4", "Otterly", "Pebble", "Quartzly", "Ripple", "Sundial", "Thimble", "Upland", "Verdant", "Wayfare", "Xylo", "Yonder", "Zephyrly", "Openloft",
    "Staytrip", "Cartwheel", "Medibook", "Ledgerly", "Fitlane", "Newsroom", "Chatterbox", "Tunefold", "Mapwise", "Gradebook", "Recipely", "Bankside",
)  # fmt: skip

COMMANDS = (
    "Save", "Cancel", "Continue", "Submit", "Next", "Back", "Delete", "Export", "Import", "Apply", "Reset", "Create", "Add", "Add item", "Invite",
    "Download", "Upload", "Publish", "Archive", "Duplicate", "Share", "Edit", "Review", "Approve", "Reject", "Connect", "Disconnect", "Upgrade",
    "Learn more", "View all", "Sign in", "Sign up", "Sign out", "Place order", "New project", "Send message", "Send", "Update", "Close", "Try again",
    "Schedule", "Assign", "Filter", "Sort", "Refresh", "Print", "Search", "OK", "Yes", "No", "Done", "Finish", "Start", "Stop", "Pause", "Play",
    "Open", "Copy", "Cut", "Paste", "Undo", "Redo", "Select all", "Clear", "Rename", "Move", "Remove", "Restore", "Reply", "Reply all", "Forward",
    "Follow", "Unfollow", "Like", "Comment", "Subscribe", "Unsubscribe", "Add to cart", "Buy now", "Checkout", "Pay now", "Book now", "Get started",
    "Show more", "Show less", "See details", "Read more", "Skip", "Retry", "Confirm", "Accept", "Decline", "Allow", "Block", "Report", "Mute",
    "Call", "Join", "Leave", "Log in", "Create account", "Change password", "Change plan", "Choose file", "Take photo", "Scan", "Install", "Uninstall",
    "Restart", "Save as", "Save draft", "Preview", "Compare", "Track order", "Contact us", "Add comment", "Add to favorites", "Mark as read",
    "New folder", "New message", "New event", "Manage", "Customize", "Generate", "Run", "Deploy", "Merge", "Sync now", "Verify", "Enable", "Disable",
    "Zoom in", "Zoom out", "Full screen", "Find", "Replace", "Insert", "Dismiss", "Not now", "Remind me later", "Set up", "Transfer", "Top up",
)  # fmt: skip

DESTINATIONS = (
    "Home", "Overview", "Projects", "Orders", "Customers", "Reports", "Calendar", "Messages", "Files", "Team", "Billing", "Products", "Inventory",
    "Invoices", "Analytics", "Tasks", "Support", "Pricing", "Documentation", "Help", "Explore", "Library", "Activity", "Campaigns", "Contacts",
    "Shipments", "Dashboard", "Inbox", "Sent", "Drafts", "Spam", "Trash", "Starred", "Archive", "Settings", "Profile", "Account", "Notifications",
    "Favorites", "History", "Downloads", "Photos", "Videos", "Music", "Albums", "Artists", "Playlists", "Podcasts", "Books", "News", "Blog", "About",
    "Contact", "Shop", "Cart", "Wishlist", "Deals", "Categories", "Search", "Friends", "Groups", "Events", "Community", "Feed", "Trending", "Map",
    "Places", "Trips", "Wallet", "Payments", "Cards", "Transfers", "Budget", "Goals", "Workouts", "Health", "Courses", "Students", "Grades",
    "Recipes", "Jobs", "Users", "Roles", "Security", "Privacy", "Devices", "Storage", "Integrations", "Apps", "Logs", "Deployments", "Servers",
    "Domains", "Issues", "Recent", "Shared with me", "Today", "Upcoming", "Weather", "Tickets", "Reservations", "Expenses", "Suppliers", "Warehouse",
)  # fmt: skip

SECTIONS = (
    "Personal details", "Address", "Preferences", "Delivery", "Payment", "Attachments", "Options", "About you", "Extras", "Recent activity", "Summary",
    "Top products", "Traffic", "Latest orders", "Performance", "Channels", "Announcements", "Details", "Description", "Reviews", "Related products",
    "Recommended for you", "Popular now", "New arrivals", "Continue watching", "Recently played", "My files", "Quick actions", "Getting started",
    "Frequently asked questions", "Features", "Statistics", "Members", "Permissions", "General", "Appearance", "Language", "Advanced",
    "Order summary", "Shipping address", "Payment method", "Contact information", "Upcoming events", "To do", "In progress", "Comments",
)  # fmt: skip

FORMS = (
    "Create account", "Checkout", "Contact us", "New customer", "Book a visit", "Report a problem", "Job application", "Payment details",
    "Register device", "Add product", "Plan an event", "Request access", "Edit profile", "Feedback", "Open a ticket", "Join the team", "Sign in",
    "Reset password", "Welcome back", "Change address", "New task", "Verify your email", "Tell us about yourself", "Choose a plan",
)  # fmt: skip

# Labels of fields that are typed into. What somebody could have typed follows from FIELD_VALUES in words.py.
PLAIN_FIELDS = (
    "First name", "Last name", "Full name", "Name", "Company", "Street", "City", "Postcode", "Phone", "Mobile number", "Email", "Job title", "Website",
    "Reference", "Order number", "Card number", "Username", "Password", "Confirm password", "Current password", "New password", "Project name", "Tax number",
    "Account holder", "Account number", "Subject", "Coupon code", "Apartment", "Serial number", "Title", "Description", "Message", "Notes", "Comment", "Address",
    "Date", "Date of birth", "Start date", "End date", "Due date", "Arrival", "Departure", "Time", "Quantity", "Amount", "Price", "Discount", "Weight",
    "Height", "Age", "Search", "Location", "From", "To", "Security code", "Expiry date", "Name on card", "Verification code", "File name", "Folder",
    "Recipient", "Keywords", "Emergency contact", "Nickname", "Biography", "Event name", "Team name", "Budget", "Tags", "Link",
)  # fmt: skip

# Labels of fields that are chosen from, with what they offer. Countries, languages, currencies and months come from CLDR (see words.py).
OPTIONS: dict[str, tuple[str, ...]] = {
    "Plan": ("Free", "Starter", "Team", "Business", "Enterprise"),
    "Role": ("Owner", "Administrator", "Editor", "Viewer", "Guest"),
    "Priority": ("Low", "Normal", "High", "Urgent"),
    "Category": ("Books", "Garden", "Kitchen", "Sports", "Toys", "Electronics", "Clothing", "Beauty", "Furniture", "Groceries"),
    "Department": ("Sales", "Support", "Design", "Legal", "Finance", "Marketing", "Engineering", "Human resources"),
    "Size": ("Small", "Medium", "Large", "Extra large"),
    "Color": ("Black", "White", "Red", "Blue", "Green", "Yellow", "Gray", "Brown", "Pink", "Orange"),
    "Shipping": ("Standard", "Express", "Pick-up"),
    "Payment method": ("Credit card", "Bank transfer", "Cash", "Gift card"),
    "Frequency": ("Daily", "Weekly", "Monthly", "Yearly", "Never"),
    "Status": ("All", "Open", "Closed", "Archived"),
    "Density": ("Compact", "Normal", "Comfortable"),
    "Theme": ("Light", "Dark", "System"),
    "Gender": ("Female", "Male", "Other", "Prefer not to say"),
    "Sort by": ("Newest", "Oldest", "Price: low to high", "Price: high to low", "Most popular", "Best rating"),
    "Period": ("Today", "Yesterday", "Last 7 days", "Last 30 days", "This month", "This year", "All time"),
    "View": ("List", "Grid", "Table", "Board"),
    "Quality": ("Automatic", "Low", "Medium", "High"),
    "Visibility": ("Public", "Private", "Only me", "Friends"),
    "Material": ("Cotton", "Wool", "Leather", "Wood", "Metal", "Glass"),
    "Condition": ("New", "Used", "Refurbished"),
    "Alignment": ("Left", "Center", "Right"),
    "Unit": ("Kilometers", "Miles", "Hours", "Minutes", "Pieces"),
    "Notification sound": ("Default", "None", "Bell", "Chime"),
    "Type": ("Document", "Image", "Video", "Audio", "Folder", "Link"),
    "Rating": ("Excellent", "Good", "Average", "Poor"),
}
CLDR_FIELDS = ("Country", "Language", "Currency", "Month", "Day", "Time zone")
FIELDS = (*PLAIN_FIELDS, *OPTIONS, *CLDR_FIELDS)

SETTINGS = (
    ("Email notifications", "Get a message when someone replies."), ("Push notifications", "Show alerts on this device."),
    ("Two-step sign-in", "Ask for a code on new devices."), ("Dark mode", "Use a darker palette."), ("Weekly summary", "Sent every Monday at nine."),
    ("Public profile", "Anyone with the link can see it."), ("Auto-save", "Keep changes as you type."), ("Show previews", "Open links in a small window."),
    ("Offline access", "Keep recent files on this device."), ("Sound effects", "Play a tone for new messages."),
    ("Location sharing", "Only while the app is open."), ("Beta features", "Try things before others do."),
    ("Read receipts", "Let others know you have read it."), ("Compact layout", "Fit more rows on the page."),
    ("Spell check", "Underline words that look wrong."), ("Usage statistics", "Help us find what breaks."),
    ("Backups", "Every night, kept for thirty days."), ("Keyboard shortcuts", "Press ? to list them."), ("Calendar sync", "Both ways, every hour."),
    ("Automatic updates", "Install new versions at night."), ("Do not disturb", "Silence calls and alerts."), ("Text size", "Larger text on every page."),
    ("High contrast", "Stronger borders and colors."), ("Reduce motion", "Fewer animations."), ("Screen lock", "After five minutes without use."),
    ("Face recognition", "Unlock with your face."), ("Fingerprint", "Unlock with your finger."), ("Wi-Fi", "Connected to the home network."),
    ("Bluetooth", "Visible to nearby devices."), ("Mobile data", "Use it when there is no Wi-Fi."), ("Airplane mode", "Turn off all connections."),
    ("Battery saver", "Limit work in the background."), ("Brightness", "Adapt it to the light around you."), ("Volume", "For calls, alarms and media."),
    ("Vibration", "Vibrate when it rings."), ("Data usage", "Warn me at two gigabytes."), ("Download over Wi-Fi only", "Saves mobile data."),
    ("Autoplay videos", "Start them without a click."), ("Subtitles", "Show them when there are any."), ("Parental controls", "Hide what is not for children."),
    ("Personalized ads", "Based on what you look at."), ("Cookies", "Needed to keep you signed in."), ("Newsletter", "Once a month at most."),
    ("Online status", "Show when you are active."), ("Message preview", "Show the text on the lock screen."), ("Default browser", "Open links with this app."),
    ("Start page", "What you see first."), ("Time format", "Use the 24-hour clock."), ("First day of the week", "Used in every calendar."),
    ("Blocked users", "They cannot write to you."), ("Connected apps", "Services that may read your data."), ("Active sessions", "Where you are signed in."),
    ("Tax included in prices", "Shown on every invoice."), ("Low stock alerts", "When fewer than ten are left."), ("Guest checkout", "Buy without an account."),
    ("Line numbers", "Show them beside the code."), ("Word wrap", "Break lines that are too long."), ("Show hidden files", "Also those that start with a dot."),
)  # fmt: skip

STATUSES = (
    ("Active", "success"), ("Paid", "success"), ("Pending", "warning"), ("Draft", "neutral"), ("Failed", "danger"), ("New", "info"), ("Overdue", "danger"),
    ("Shipped", "info"), ("On hold", "warning"), ("Closed", "neutral"), ("In review", "info"), ("Done", "success"), ("Inactive", "neutral"),
    ("Completed", "success"), ("Canceled", "neutral"), ("Delivered", "success"), ("Processing", "info"), ("Refunded", "neutral"), ("Approved", "success"),
    ("Rejected", "danger"), ("Expired", "danger"), ("Scheduled", "info"), ("In stock", "success"), ("Out of stock", "danger"), ("Low stock", "warning"),
    ("Online", "success"), ("Offline", "neutral"), ("Away", "warning"), ("Busy", "danger"), ("Blocked", "danger"), ("In progress", "info"),
    ("Open", "info"), ("Resolved", "success"), ("Running", "success"), ("Stopped", "neutral"), ("Queued", "neutral"), ("Error", "danger"),
    ("Warning", "warning"), ("Verified", "success"), ("Unread", "info"), ("Returned", "warning"), ("Delayed", "warning"), ("Confirmed", "success"),
    ("Trial", "info"), ("Updated", "info"), ("High", "danger"), ("Low", "neutral"), ("On sale", "danger"),
)  # fmt: skip

TAGS = (
    "Design", "Urgent", "Sales", "Europe", "Legal", "Mobile", "Vegan", "On sale", "Finance", "Research", "Large", "Blue", "Travel", "Food", "Fashion",
    "Sports", "Music", "Technology", "Science", "Art", "Photography", "Nature", "Family", "Work", "Home", "Education", "Health", "Business", "Politics",
    "Culture", "Games", "Movies", "Cars", "Animals", "Important", "Personal", "Bestseller", "Free shipping", "Organic", "Handmade", "Beginner",
    "Advanced", "Breakfast", "Dinner", "Summer", "Winter", "Marketing", "Bug", "Question", "Idea",
)  # fmt: skip

PRODUCTS = (
    "Desk lamp", "Bookshelf", "Wool blanket", "Travel mug", "Running shoes", "Rain jacket", "Ceramic bowl", "Notebook", "USB-C hub", "Yoga mat",
    "Canvas bag", "Garden hose", "Espresso machine", "Bike light", "Wall clock", "Scented candle", "Doormat", "Hand cream", "Chef's knife", "Green tea",
    "Office chair", "Coffee table", "Headphones", "Wireless mouse", "Mechanical keyboard", "Smart watch", "Backpack", "Sunglasses", "Leather wallet",
    "Cotton T-shirt", "Winter coat", "Wool scarf", "Sneakers", "Water bottle", "Frying pan", "Cutting board", "Electric kettle", "Toaster", "Blender",
    "Vacuum cleaner", "Bed linen", "Pillow", "Bath towel", "Umbrella", "Suitcase", "Tent", "Sleeping bag", "Mountain bike", "Football", "Tennis racket",
    "Board game", "Puzzle", "Teddy bear", "Children's book", "Phone case", "Charging cable", "Power bank", "Bluetooth speaker", "Camera", "Monitor",
    "Laptop stand", "Printer paper", "Fountain pen", "Olive oil", "Dark chocolate", "Coffee beans", "Honey", "Shampoo", "Sunscreen", "Flower pot",
)  # fmt: skip

# Names of documents, projects, tasks and events.
TITLES = (
    "Quarterly report", "Annual budget", "Product roadmap", "Website launch", "Design review", "Customer survey", "Sprint backlog", "Data migration",
    "Security audit", "Sales forecast", "Summer campaign", "Team onboarding", "Inventory count", "Rental contract", "Work schedule", "Monthly newsletter",
    "Weekend workshop", "Project proposal", "Employee handbook", "Press release", "Meeting notes", "Marketing plan", "Travel expenses", "Holiday photos",
    "Shopping list", "Birthday party", "Team meeting", "Doctor's appointment", "Project kickoff", "Job interview", "Parents' evening", "Yoga class",
    "Family dinner", "Phone call with the client", "User research", "Price list", "Business plan", "Brand guidelines", "Test results", "Invoice template",
    "Homepage redesign", "Mobile app", "Training materials", "Conference in spring", "Release notes", "Weekly planning", "Budget for next year",
)  # fmt: skip

JOBS = (
    "Teacher", "Nurse", "Software engineer", "Graphic designer", "Accountant", "Sales manager", "Lawyer", "Architect", "Journalist", "Photographer",
    "Project manager", "Data analyst", "Product designer", "Marketing manager", "Electrician", "Chef", "Pharmacist", "Translator", "Doctor", "Engineer",
    "Consultant", "Office manager", "Student", "Researcher", "Web developer", "Director", "Secretary", "Musician",
)  # fmt: skip

METRICS = (
    "Revenue", "Refunds", "Average order", "Balance", "Orders", "Visitors", "Sign-ups", "Open tickets", "Sessions", "Uptime", "Churn", "Conversion rate",
    "Response time", "Time on page", "Page views", "New users", "Active users", "Profit", "Expenses", "Sales", "Subscribers", "Bounce rate", "Downloads",
    "Followers", "Likes", "Views", "Steps", "Calories", "Heart rate", "Distance", "Temperature", "Humidity", "Income", "Savings",
)  # fmt: skip

# Headers of table columns.
COLUMNS = (
    "Name", "Status", "Date", "Amount", "Email", "Role", "Type", "Size", "Modified", "Owner", "Customer", "Product", "Price", "Quantity", "Total",
    "Category", "Created", "Due date", "Priority", "Assignee", "Country", "City", "Phone", "Company", "Description", "Actions", "Score", "Progress",
    "Order", "Invoice", "Subject", "Sender", "Duration", "Location", "Version", "Rating", "Stock", "Discount",
)  # fmt: skip

ALERTS = (
    ("Your changes were saved.", "success"), ("A new version is available.", "info"), ("Your card expires soon.", "warning"),
    ("The upload failed. Try again.", "danger"), ("Invitation sent.", "success"), ("Maintenance is planned for Sunday.", "info"),
    ("Storage is almost full.", "warning"), ("Some rows could not be read.", "danger"), ("Message sent.", "success"), ("You are offline.", "warning"),
    ("Something went wrong.", "danger"), ("Added to cart.", "success"), ("Link copied.", "success"), ("File deleted.", "info"),
    ("Wrong email or password.", "danger"), ("Payment received. Thank you!", "success"), ("Your session has expired.", "warning"),
    ("This field is required.", "danger"), ("Please enter a valid email address.", "danger"), ("Passwords do not match.", "danger"),
)  # fmt: skip

SENTENCES = (
    "Changes are saved when you leave the page.", "Your trial ends in six days.", "We never share your address.", "Use at least eight characters.",
    "All times are shown in your own time zone.", "This can be changed later.", "Only members of the team can see this.", "Nothing has been shipped yet.",
    "Drag files here or choose them from disk.", "Results are updated every hour.", "Two people are editing right now.",
    "The last backup finished without errors.", "Delivery takes two to four working days.", "You can undo this for thirty days.",
    "This report covers the past quarter.", "Nothing here yet.", "No results found.", "This action cannot be undone.",
    "Are you sure you want to delete this item?", "Do you want to save your changes?", "By continuing you agree to the terms of use.",
    "Forgot your password?", "Don't have an account?", "Already have an account?", "Remember me", "I agree to the terms and conditions", "Loading…",
    "Free shipping on orders over a certain amount.", "We will send you a confirmation by email.", "Page not found", "All rights reserved.",
)  # fmt: skip

MESSAGES = (
    "Hi!", "Hello, how are you?", "Good morning!", "Thanks a lot!", "You're welcome.", "See you tomorrow.", "I'm on my way.", "Where are you?",
    "Can we talk later?", "Sounds good!", "No problem.", "I'll send it tonight.", "Did you see my email?", "The meeting is at three.", "Let me check.",
    "What time does it start?", "I'm running late, sorry.", "Happy birthday!", "Good luck!", "Call me when you can.", "Have a nice weekend!",
    "Could you look at the document?", "I've just uploaded the photos.", "Yes, that works for me.", "Not today, maybe tomorrow.", "Great idea!",
    "Lunch at noon?", "It's raining here.", "I'll be there in ten minutes.", "Which one do you prefer?",
)  # fmt: skip

QUESTIONS = (
    "How do I reset my password?", "Where is my order?", "Can I change my plan?", "How long does delivery take?", "Which payment methods do you accept?",
    "Can I cancel at any time?", "Is my data safe?", "How do I contact support?", "Do you offer discounts?", "How do I return a product?",
    "Can I use it on several devices?", "How do I delete my account?",
)  # fmt: skip

QUERIES = (
    "running shoes", "cheap flights", "weather tomorrow", "pasta recipe", "wireless headphones", "hotels near me", "birthday gift", "learn to cook",
    "office chair", "news today", "bus timetable", "used bicycle",
)  # fmt: skip

# Accessible names and other words of the interface that no table above draws from.
INTERFACE = (
    "Menu", "More", "Options", "Language", "Subtotal", "Total", "Tax", "Shipping", "items", "Page", "of", "Previous", "First", "Last", "Rows per page",
    "Selected", "Select", "Choose an option", "Type a message", "Search…", "Required", "Optional", "Password", "Username", "Welcome", "Hello", "Now",
    "Yesterday", "Tomorrow", "days ago", "hours ago", "minutes ago", "Edited", "Seen", "Online", "Typing…", "Terms of use", "Privacy policy", "Help center",
    "Follow us", "Popular", "Free", "per month", "Step", "File", "Edit", "View", "Insert", "Format", "Tools", "Window", "Help", "Properties",
    "Bold", "Italic", "Underline", "Font", "Color", "Left", "Right", "Top", "Bottom", "Width", "Height", "Day", "Week", "Month", "Year",
    "Name", "Size", "Date modified", "Folder", "Computer", "Desktop", "Documents", "Pictures", "Network", "Printer", "Copies", "Pages", "Ready",
    "Minimize", "Maximize", "Close", "Cancel", "Toggle", "Expand", "Collapse", "Image", "Loading…", "Add", "Remove", "Increase", "Decrease",
    "Rating", "Volume", "Mute", "Play", "Pause", "Shuffle", "Repeat", "Full screen", "Line", "Column", "Terminal", "Output", "Problems",
    "Extensions", "Debug", "Source control", "Explorer", "Outline", "Likes", "Comments", "Share", "Followers", "Following", "Posts", "Story",
    "What's on your mind?", "Write a comment…", "Sponsored", "Load more", "Back to top", "Skip to content", "Notification", "Profile picture", "Logo",
)  # fmt: skip
