"""Android view classes, and the component labels of Rico's semantic annotations, as ours.

A view bears its own class and its ancestors'. The first of them that the table knows decides, by the last part of the Java name
(`android.support.v7.widget.AppCompatButton` -> `AppCompatButton` is unknown, its ancestor `android.widget.Button` is known).
Layouts (`LinearLayout`, `FrameLayout`, `ViewGroup`) have no entry: they show nothing of their own.
"""

from typing import Any

VIEW_CLASSES = {
    "TextView": "text", "Button": "button", "ImageButton": "icon_button", "FloatingActionButton": "icon_button", "EditText": "text_field",
    "AutoCompleteTextView": "text_field", "SearchView": "search_field", "CheckBox": "checkbox", "CheckedTextView": "checkbox",
    "RadioButton": "radio", "Switch": "switch", "SwitchCompat": "switch", "ToggleButton": "switch", "SeekBar": "slider",
    "RatingBar": "slider", "Spinner": "combo_box", "NumberPicker": "stepper", "DatePicker": "date_picker", "TimePicker": "date_picker",
    "CalendarView": "date_picker", "ImageView": "image", "VideoView": "video_player", "ProgressBar": "progress", "Toolbar": "navigation_bar",
    "ActionBarContainer": "navigation_bar", "TabLayout": "tab_bar", "TabWidget": "tab_bar", "BottomNavigationView": "bottom_navigation",
    "NavigationView": "sidebar", "ListView": "list", "RecyclerView": "list", "GridView": "list", "ExpandableListView": "tree",
    "CardView": "card", "Snackbar$SnackbarLayout": "toast", "Chip": "chip",
}  # fmt: skip

COMPONENT_LABELS = {
    "Text": "text", "Text Button": "button", "Button Bar": "toolbar", "Icon": "icon", "Image": "image", "Background Image": "image",
    "Input": "text_field", "Checkbox": "checkbox", "Radio Button": "radio", "On/Off Switch": "switch", "Slider": "slider",
    "Number Stepper": "stepper", "Date Picker": "date_picker", "List Item": "list_item", "Card": "card", "Toolbar": "navigation_bar",
    "Multi-Tab": "tab_bar", "Bottom Navigation": "bottom_navigation", "Drawer": "sidebar", "Modal": "dialog", "Pager Indicator": "pagination",
    "Video": "video_player", "Map View": "image", "Advertisement": "image",
}  # fmt: skip


def of_node(node: dict[str, Any]) -> str | None:
    """Our class of one node of a view hierarchy, None for layout. A small clickable picture without text is an icon button."""
    label = node.get("componentLabel")
    if label is not None:
        return "icon_button" if label == "Icon" and node.get("clickable") else COMPONENT_LABELS.get(label)
    for name in (node.get("class"), *(node.get("ancestors") or ())):
        found = VIEW_CLASSES.get(str(name).rsplit(".", 1)[-1])
        if found is not None:
            return "icon_button" if found == "image" and node.get("clickable") and not node.get("children") else found
    return None
