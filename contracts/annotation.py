"""Screens and the elements on them.

**Coordinates.** A box is `(x1, y1, x2, y2)` in pixels of the stored image (device pixels: CSS pixels times `device_scale`), float,
half-open: it covers x1 <= x < x2, so its width is x2 - x1 and a box over the whole image is `(0, 0, width, height)`. The origin
is the top left corner, y grows downwards. Whatever uses another convention says so in its name (`bbox_xywh`, `point_norm1000`).
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.taxonomy import BY_NAME, NAMES

Platform = Literal["web", "mobile", "desktop"]
State = Literal[
    "disabled",
    "focused",
    "hovered",
    "selected",
    "checked",
    "mixed",
    "pressed",
    "expanded",
    "collapsed",
    "invalid",
    "required",
    "readonly",
    "busy",
    "current",
]
ExpressionKind = Literal["text", "role", "position", "relation", "icon", "function", "state"]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Frozen(BaseModel):
    """Immutable, and refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Box(Frozen):
    """`(x1, y1, x2, y2)`, pixels of the image, half-open; see the module's text. Never empty."""

    x1: float
    y1: float
    x2: float
    y2: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not (self.x1 < self.x2 and self.y1 < self.y2):
            raise ValueError(f"a box needs x1 < x2 and y1 < y2, found {self.xyxy}")
        return self

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        return self.x1, self.y1, self.x2, self.y2

    @property
    def xywh(self) -> tuple[float, float, float, float]:
        """COCO's form: left, top, width, height."""
        return self.x1, self.y1, self.x2 - self.x1, self.y2 - self.y1

    @property
    def area(self) -> float:
        """Square pixels."""
        return (self.x2 - self.x1) * (self.y2 - self.y1)

    def inside(self, width: int, height: int) -> bool:
        """Whether the box lies within an image of this size."""
        return self.x1 >= 0 and self.y1 >= 0 and self.x2 <= width and self.y2 <= height


class Element(Frozen):
    """One thing on a screen.

    `box` is what can be seen of it (clipped to the image and to whatever scrolls or crops it). `z` is the paint order: higher is nearer to the
    viewer. `visible_fraction` is the share of the element's own full box that is painted and not covered. `parent` is the `id` of the
    nearest element that contains it in the page's own tree.
    """

    id: int = Field(ge=0)
    class_name: str
    box: Box
    text: str = ""
    name: str = Field(default="", description="accessible name")
    role: str | None = Field(default=None, description="ARIA role in the page, explicit or implied")
    icon: str = Field(default="", description="what its pictogram shows, e.g. `trash`; empty without one")
    states: tuple[State, ...] = ()
    parent: int | None = None
    z: int = 0
    visible_fraction: Fraction = 1.0
    interactable: bool = False

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.class_name not in BY_NAME:
            raise ValueError(f"unknown class {self.class_name!r}; the classes are {', '.join(NAMES)}")
        return self


class Expression(Frozen):
    """One instruction that means exactly one element of its screen, e.g. `Click the trash icon in the row “Ada Bauer”`.

    `element` is the `id` of the element meant, `kind` what tells it apart from all others, `language` the locale code of the sentence
    (what it quotes is written as on the screen).
    """

    element: int = Field(ge=0)
    text: str = Field(min_length=1)
    kind: ExpressionKind
    language: str = Field(min_length=2)


class Screen(Frozen):
    """One rendered screen. `key` names its image (`<key>.png`) and is unique within a dataset; sizes are in image pixels."""

    key: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    device_scale: float = Field(gt=0)
    platform: Platform
    kit: str
    family: str
    locale: str
    theme: str
    state: str = Field(default="plain", description="what the page is in: plain, dialog, drawer, menu, loading ...")
    seed: int
    generator: str = Field(description="version of the code that made it")
    elements: tuple[Element, ...]
    expressions: tuple[Expression, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ids = {element.id for element in self.elements}
        if len(ids) != len(self.elements):
            raise ValueError("element ids repeat")
        for element in self.elements:
            if not element.box.inside(self.width, self.height):
                raise ValueError(f"element {element.id} ({element.class_name}) lies outside the {self.width}x{self.height} image: {element.box.xyxy}")
            if element.parent is not None and (element.parent not in ids or element.parent == element.id):
                raise ValueError(f"element {element.id} names parent {element.parent}, which is no other element of this screen")
        for expression in self.expressions:
            if expression.element not in ids:
                raise ValueError(f"the expression {expression.text!r} means element {expression.element}, which this screen does not have")
        return self

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON; `Screen.model_validate` reads them back."""
        return self.model_dump(mode="json", exclude_defaults=True)
