"""Pictures that stand in pages: drawn landscapes, faces, products, maps, covers, documents, QR codes, and photographs.

Drawings are SVG of the Tiny 1.2 profile (shapes and gradients only), so that Qt's SVG renderer shows them as Chromium does.
"""

import base64
import io
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from contracts.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

# File of scikit-image's data -> whether it shows something by itself (a texture does not). Provenance: docs/licences.md.
PHOTOGRAPHS: dict[str, bool] = {
    "astronaut.png": True, "coffee.png": True, "chelsea.png": True, "rocket.jpg": True, "hubble_deep_field.jpg": True, "camera.png": True,
    "coins.png": True, "brick.png": False, "grass.png": False, "gravel.png": False,
}  # fmt: skip
_SHAPES = ((320, 320), (360, 270), (400, 225), (240, 320))  # square, 4:3, 16:9, 3:4; in pixels
_CROPS = 12


def picture(rng: Random, kind: str, width: float, height: float) -> str:
    """An HTML fragment of this size in CSS pixels: `<svg>` or `<img>`, cut rather than squeezed when CSS gives it another shape.

    `kind` is one of `KINDS`, InputError otherwise. Photographs come as data URIs.
    """
    if kind == "photo":
        data = base64.b64encode(photograph(rng, width, height)).decode()
        return f'<img src="data:image/jpeg;base64,{data}" width="{width:g}" height="{height:g}" alt="" style="object-fit:cover">'
    return drawing(rng, kind, width, height)


def drawing(rng: Random, kind: str, width: float, height: float) -> str:
    """An `<svg>` of this size in pixels; `kind` is one of `DRAWINGS`."""
    draw = DRAWINGS.get(kind)
    if draw is None:
        raise InputError("is no kind of picture.", field="picture", found=kind, fix=f"The kinds are {', '.join(KINDS)}.")
    canvas = _Canvas(rng, max(width, 1), max(height, 1))
    draw(canvas)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'preserveAspectRatio="xMidYMid slice" aria-hidden="true">{"".join(canvas.parts)}</svg>'
    )


def photograph(rng: Random, width: float, height: float) -> bytes:
    """A JPEG, at most 400 pixels wide: one of twelve crops of one of the photographs, in the shape nearest to width : height.

    InputError if scikit-image, which brings the photographs, is not installed.
    """
    name = rng.choice([name for name, motif in PHOTOGRAPHS.items() if motif or rng.random() < 0.3])
    shape = min(_SHAPES, key=lambda size: abs(size[0] / size[1] - width / max(height, 1)))
    return _crop(name, shape, rng.randrange(_CROPS))


@lru_cache(maxsize=1024)
def _crop(name: str, shape: tuple[int, int], number: int) -> bytes:
    from PIL import ImageEnhance, ImageOps

    rng = Random(f"{name} {shape} {number}")
    image = _photograph(name)
    width, height = shape
    scale = rng.uniform(0.45, 1.0) * min(image.width / width, image.height / height)
    left, top = rng.uniform(0, image.width - width * scale), rng.uniform(0, image.height - height * scale)
    part = image.resize(shape, box=(left, top, left + width * scale, top + height * scale))
    if rng.random() < 0.5:
        part = ImageOps.mirror(part)
    if rng.random() < 0.3:
        part = ImageOps.colorize(ImageOps.grayscale(part), _colour(rng.random(), 0.5, 0.15), _colour(rng.random(), 0.6, 0.9))
    part = ImageEnhance.Brightness(part).enhance(rng.uniform(0.8, 1.2))
    part = ImageEnhance.Color(part).enhance(rng.uniform(0.6, 1.4))
    file = io.BytesIO()
    part.save(file, "JPEG", quality=80)
    return file.getvalue()


@cache
def _photograph(name: str) -> "Image":
    from importlib.util import find_spec

    from PIL import Image

    spec = find_spec("skimage")
    path = Path(spec.submodule_search_locations[0], "data", name) if spec and spec.submodule_search_locations else Path(name)
    if not path.is_file():
        raise InputError("is missing: the photographs come with the package scikit-image.", file=path, fix="Run `make setup`.")
    with Image.open(path) as image:
        return image.convert("RGB")


def _colour(hue: float, saturation: float, lightness: float) -> str:
    """Hue in turns, saturation and lightness 0 to 1; `#rrggbb`, which Qt reads as well as browsers do."""
    import colorsys

    red, green, blue = colorsys.hls_to_rgb(hue % 1, min(1, max(0, lightness)), min(1, max(0, saturation)))
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


class _Canvas:
    """Collects the shapes of one drawing. Lengths are pixels, from the top left corner."""

    def __init__(self, rng: Random, width: float, height: float):
        self.rng, self.width, self.height = rng, width, height
        self.side = min(width, height)
        self.parts: list[str] = []
        # Ids are global in a page: a drawing's gradients must not be found by another drawing.
        self._name, self._gradients = f"g{rng.getrandbits(40):x}", 0

    def gradient(self, colours: list[str], angle: float = 0.25, radial: bool = False) -> str:
        """A fill that runs through the colours; `angle` in turns, 0.25 is downwards."""
        import math

        self._gradients += 1
        name = f"{self._name}-{self._gradients}"
        stops = "".join(f'<stop offset="{i / (len(colours) - 1):.3g}" stop-color="{colour}"/>' for i, colour in enumerate(colours))
        if radial:
            self.parts.append(f'<defs><radialGradient id="{name}" cx=".5" cy=".5" r=".6">{stops}</radialGradient></defs>')
        else:
            x, y = math.cos(angle * math.tau) / 2, math.sin(angle * math.tau) / 2
            self.parts.append(
                f'<defs><linearGradient id="{name}" x1="{0.5 - x:.3f}" y1="{0.5 - y:.3f}" x2="{0.5 + x:.3f}" y2="{0.5 + y:.3f}">{stops}</linearGradient></defs>'
            )
        return f"url(#{name})"

    def rect(self, x: float, y: float, width: float, height: float, fill: str, radius: float = 0, opacity: float = 1) -> None:
        rounded = f' rx="{radius:.1f}"' if radius else ""
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"{rounded} fill="{fill}"{_faded(opacity)}/>')

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: str, opacity: float = 1) -> None:
        self.parts.append(f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{rx:.1f}" ry="{ry:.1f}" fill="{fill}"{_faded(opacity)}/>')

    def circle(self, x: float, y: float, r: float, fill: str, opacity: float = 1) -> None:
        self.ellipse(x, y, r, r, fill, opacity)

    def polygon(self, points: list[tuple[float, float]], fill: str, opacity: float = 1) -> None:
        self.parts.append(f'<polygon points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" fill="{fill}"{_faded(opacity)}/>')

    def path(self, d: str, fill: str = "none", stroke: str = "none", width: float = 1, opacity: float = 1) -> None:
        self.parts.append(f'<path d="{d}" fill="{fill}" stroke="{stroke}" stroke-width="{width:.1f}" stroke-linecap="round"{_faded(opacity)}/>')

    def background(self, fill: str) -> None:
        self.rect(0, 0, self.width, self.height, fill)

    def sheet(self, fill: str) -> None:
        """A pale ground with a hairline around it: on a page of the same colour one would not see where the picture ends."""
        self.background(fill)
        self.path(f"M.5 .5H{self.width - 0.5:.1f}V{self.height - 0.5:.1f}H.5Z", stroke="#000000", opacity=0.16)

    def blob(self, x: float, y: float, r: float, fill: str, opacity: float = 1) -> None:
        """A soft round shape with an uneven border."""
        import math

        count = 6
        points = [
            (x + (d := r * self.rng.uniform(0.7, 1.15)) * math.cos(i / count * math.tau), y + d * math.sin(i / count * math.tau))
            for i in range(count)
        ]
        middles = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in zip(points, points[1:] + points[:1], strict=True)]
        d = f"M{middles[-1][0]:.1f} {middles[-1][1]:.1f}" + "".join(
            f"Q{p[0]:.1f} {p[1]:.1f} {m[0]:.1f} {m[1]:.1f}" for p, m in zip(points, middles, strict=True)
        )
        self.path(d + "Z", fill=fill, opacity=opacity)


def _faded(opacity: float) -> str:
    return f' opacity="{opacity:.2f}"' if opacity < 1 else ""


def _landscape(c: _Canvas) -> None:
    rng, hue = c.rng, c.rng.random()
    night = rng.random() < 0.2
    sky = hue if rng.random() < 0.4 else rng.uniform(0.52, 0.62)
    c.background(c.gradient([_colour(sky, 0.6, 0.15 if night else 0.6), _colour(sky + rng.uniform(-0.15, 0.1), 0.7, 0.35 if night else 0.87)]))
    c.circle(rng.uniform(0.1, 0.9) * c.width, rng.uniform(0.1, 0.4) * c.height, c.side * rng.uniform(0.05, 0.14), "#fdf6d8", 0.9)
    for _ in range(rng.randrange(0, 4)):
        x, y, r = rng.random() * c.width, rng.uniform(0.05, 0.35) * c.height, c.side * rng.uniform(0.04, 0.09)
        for k in range(3):
            c.ellipse(x + k * r, y + (k % 2) * r * 0.3, r * 1.2, r * 0.6, "#ffffff", 0.6)
    layers = rng.randrange(2, 5)
    ground = rng.choice((rng.uniform(0.2, 0.4), rng.uniform(0.55, 0.65), hue))
    for layer in range(layers):
        base = c.height * (0.45 + 0.5 * layer / layers)
        rough, count = c.height * rng.uniform(0.05, 0.2), rng.randrange(4, 9)
        tops = [(c.width * i / count, base - rng.random() * rough) for i in range(count + 1)]
        fill = _colour(ground, 0.35, (0.1 if night else 0.55) - (0.02 if night else 0.09) * layer)
        if rng.random() < 0.5:
            c.polygon([(0, c.height), *tops, (c.width, c.height)], fill)
        else:
            curve = "".join(f"S{x - c.width / count / 2:.1f} {y:.1f} {x:.1f} {y:.1f}" for x, y in tops[1:])
            c.path(f"M0 {c.height:.1f}L{tops[0][0]:.1f} {tops[0][1]:.1f}{curve}V{c.height:.1f}Z", fill=fill)
    if rng.random() < 0.3:
        c.rect(0, c.height * 0.8, c.width, c.height * 0.2, _colour(sky, 0.5, 0.45), opacity=0.8)


def _city(c: _Canvas) -> None:
    rng, hue = c.rng, c.rng.random()
    c.background(c.gradient([_colour(hue, 0.5, rng.uniform(0.15, 0.7)), _colour(hue + 0.1, 0.7, rng.uniform(0.5, 0.85))]))
    for layer in range(3):
        x = -c.width * 0.05
        fill = _colour(hue + 0.05, 0.25, 0.45 - 0.13 * layer)
        while x < c.width:
            width, height = c.width * rng.uniform(0.05, 0.15), c.height * rng.uniform(0.2, 0.75 - 0.15 * layer)
            c.rect(x, c.height - height, width, height, fill)
            if layer == 2:
                for i in range(3):
                    c.rect(
                        x + width * (0.15 + 0.28 * i),
                        c.height - height + width * 0.2,
                        width * 0.14,
                        width * 0.2,
                        "#ffe9a8",
                        opacity=rng.choice((0.2, 0.9)),
                    )
            x += width * rng.uniform(1.0, 1.25)


def _gradient(c: _Canvas) -> None:
    hue, spread = c.rng.random(), c.rng.uniform(0.05, 0.35)
    colours = [_colour(hue + spread * i, c.rng.uniform(0.4, 0.9), c.rng.uniform(0.35, 0.75)) for i in range(c.rng.randrange(2, 4))]
    c.background(c.gradient(colours, c.rng.random(), radial=c.rng.random() < 0.25))


def _mesh(c: _Canvas) -> None:
    hue = c.rng.random()
    c.background(_colour(hue, 0.6, c.rng.uniform(0.3, 0.8)))
    for _ in range(c.rng.randrange(4, 9)):
        colour = _colour(hue + c.rng.uniform(-0.2, 0.2), c.rng.uniform(0.5, 0.95), c.rng.uniform(0.4, 0.8))
        c.blob(
            c.rng.random() * c.width, c.rng.random() * c.height, max(c.width, c.height) * c.rng.uniform(0.15, 0.4), colour, c.rng.uniform(0.3, 0.7)
        )


def _pattern(c: _Canvas) -> None:
    rng, hue = c.rng, c.rng.random()
    c.background(_colour(hue, rng.uniform(0.1, 0.6), rng.uniform(0.75, 0.95)))
    step, shape = c.side / rng.randrange(3, 7), rng.randrange(4)
    for row in range(min(12, int(c.height / step) + 1)):
        for column in range(min(20, int(c.width / step) + 1)):
            x, y, fill = (column + 0.5 * (row % 2)) * step, row * step, _colour(hue + rng.choice((0, 0.08, 0.5)), 0.6, rng.uniform(0.4, 0.7))
            if shape == 0:
                c.circle(x, y, step * 0.3, fill)
            elif shape == 1:
                c.rect(x, y, step * 0.6, step * 0.6, fill)
            elif shape == 2:
                c.polygon([(x, y), (x + step, y), (x + step / 2, y + step * 0.8)], fill)
            else:
                c.path(f"M{x:.1f} {y:.1f}q{step / 2:.1f} {step / 2:.1f} {step:.1f} 0", stroke=fill, width=step * 0.12)


def _product(c: _Canvas) -> None:
    rng, hue, s = c.rng, c.rng.random(), c.side
    back = rng.choice(("#ffffff", "#f4f4f5", _colour(hue + 0.5, 0.3, 0.92)))
    c.sheet(back)
    x, y = c.width / 2, c.height / 2
    c.ellipse(x, y + s * 0.36, s * 0.3, s * 0.04, "#000000", 0.12)
    body = c.gradient([_colour(hue, 0.55, 0.62), _colour(hue, 0.6, 0.38)], rng.choice((0, 0.25)))
    dark, light = _colour(hue, 0.5, 0.25), _colour(hue + 0.08, 0.4, 0.8)
    shape = rng.choice(("bottle", "box", "mug", "lamp", "chair", "shoe", "phone", "bag", "watch", "book", "shirt", "plant", "headphones", "ball"))
    if shape == "bottle":
        c.rect(x - s * 0.12, y - s * 0.18, s * 0.24, s * 0.54, body, s * 0.05)
        c.rect(x - s * 0.05, y - s * 0.34, s * 0.1, s * 0.18, dark, s * 0.01)
        c.rect(x - s * 0.12, y, s * 0.24, s * 0.18, light)
    elif shape == "box":
        c.polygon([(x - s * 0.28, y - s * 0.1), (x, y - s * 0.22), (x + s * 0.28, y - s * 0.1), (x, y + s * 0.02)], light)
        c.polygon([(x - s * 0.28, y - s * 0.1), (x, y + s * 0.02), (x, y + s * 0.36), (x - s * 0.28, y + s * 0.22)], body)
        c.polygon([(x + s * 0.28, y - s * 0.1), (x, y + s * 0.02), (x, y + s * 0.36), (x + s * 0.28, y + s * 0.22)], dark)
    elif shape == "mug":
        c.path(
            f"M{x + s * 0.18:.1f} {y - s * 0.08:.1f}q{s * 0.2:.1f} 0 {s * 0.17:.1f} {s * 0.15:.1f}q0 {s * 0.12:.1f} {-s * 0.17:.1f} {s * 0.12:.1f}",
            stroke=dark,
            width=s * 0.05,
        )
        c.rect(x - s * 0.22, y - s * 0.2, s * 0.42, s * 0.54, body, s * 0.05)
        c.ellipse(x - s * 0.01, y - s * 0.2, s * 0.21, s * 0.05, dark)
    elif shape == "lamp":
        c.rect(x - s * 0.015, y - s * 0.1, s * 0.03, s * 0.44, dark)
        c.polygon([(x - s * 0.12, y - s * 0.36), (x + s * 0.12, y - s * 0.36), (x + s * 0.25, y - s * 0.06), (x - s * 0.25, y - s * 0.06)], body)
        c.ellipse(x, y + s * 0.34, s * 0.15, s * 0.03, dark)
    elif shape == "chair":
        c.rect(x - s * 0.2, y - s * 0.36, s * 0.34, s * 0.4, body, s * 0.05)
        c.rect(x - s * 0.24, y + s * 0.02, s * 0.46, s * 0.08, dark, s * 0.03)
        for leg in (-0.2, 0.16):
            c.rect(x + s * leg, y + s * 0.1, s * 0.035, s * 0.26, dark)
    elif shape == "shoe":
        c.path(
            f"M{x - s * 0.34:.1f} {y + s * 0.2:.1f}v{-s * 0.28:.1f}h{s * 0.2:.1f}l{s * 0.18:.1f} {s * 0.14:.1f}q{s * 0.3:.1f} 0 {s * 0.3:.1f} {s * 0.14:.1f}Z",
            fill=body,
        )
        c.rect(x - s * 0.35, y + s * 0.2, s * 0.7, s * 0.08, light, s * 0.03)
    elif shape == "phone":
        c.rect(x - s * 0.19, y - s * 0.36, s * 0.38, s * 0.72, "#202124", s * 0.05)
        c.rect(x - s * 0.17, y - s * 0.33, s * 0.34, s * 0.66, body, s * 0.03)
    elif shape == "bag":
        c.path(
            f"M{x - s * 0.14:.1f} {y - s * 0.1:.1f}v{-s * 0.1:.1f}a{s * 0.14:.1f} {s * 0.14:.1f} 0 0 1 {s * 0.28:.1f} 0v{s * 0.1:.1f}",
            stroke=dark,
            width=s * 0.035,
        )
        c.rect(x - s * 0.28, y - s * 0.12, s * 0.56, s * 0.48, body, s * 0.05)
    elif shape == "watch":
        c.rect(x - s * 0.09, y - s * 0.36, s * 0.18, s * 0.72, dark, s * 0.04)
        c.circle(x, y, s * 0.19, body)
        c.circle(x, y, s * 0.15, "#f8f8f8")
        c.path(f"M{x:.1f} {y - s * 0.1:.1f}V{y:.1f}l{s * 0.07:.1f} {s * 0.04:.1f}", stroke="#202124", width=s * 0.015)
    elif shape == "book":
        c.rect(x - s * 0.24, y - s * 0.34, s * 0.48, s * 0.68, body, s * 0.015)
        c.rect(x - s * 0.24, y - s * 0.34, s * 0.05, s * 0.68, dark)
        c.rect(x - s * 0.12, y - s * 0.22, s * 0.28, s * 0.05, light)
        c.rect(x - s * 0.12, y - s * 0.13, s * 0.18, s * 0.03, light)
    elif shape == "shirt":
        points = (
            (-0.14, -0.3),
            (0.14, -0.3),
            (0.36, -0.14),
            (0.27, 0.0),
            (0.2, -0.05),
            (0.2, 0.36),
            (-0.2, 0.36),
            (-0.2, -0.05),
            (-0.27, 0.0),
            (-0.36, -0.14),
        )
        c.polygon([(x + s * a, y + s * b) for a, b in points], body)
        c.ellipse(x, y - s * 0.3, s * 0.09, s * 0.05, back)
    elif shape == "plant":
        for i in range(5):
            c.ellipse(x + s * (-0.2 + 0.1 * i), y - s * 0.12 - s * 0.06 * (2 - abs(i - 2)), s * 0.06, s * 0.18, _colour(0.36, 0.45, 0.32 + 0.04 * i))
        c.polygon([(x - s * 0.18, y + s * 0.05), (x + s * 0.18, y + s * 0.05), (x + s * 0.13, y + s * 0.36), (x - s * 0.13, y + s * 0.36)], body)
    elif shape == "headphones":
        c.path(
            f"M{x - s * 0.24:.1f} {y + s * 0.1:.1f}v{-s * 0.1:.1f}a{s * 0.24:.1f} {s * 0.24:.1f} 0 0 1 {s * 0.48:.1f} 0v{s * 0.1:.1f}",
            stroke=dark,
            width=s * 0.05,
        )
        for side in (-0.31, 0.18):
            c.rect(x + s * side, y + s * 0.04, s * 0.13, s * 0.24, body, s * 0.05)
    else:
        c.circle(x, y + s * 0.05, s * 0.3, body)
        c.path(
            f"M{x - s * 0.3:.1f} {y + s * 0.05:.1f}q{s * 0.3:.1f} {s * 0.16:.1f} {s * 0.6:.1f} 0M{x:.1f} {y - s * 0.25:.1f}v{s * 0.6:.1f}",
            stroke=dark,
            width=s * 0.015,
        )


def _map(c: _Canvas) -> None:
    rng, dark = c.rng, c.rng.random() < 0.2
    land, park, sea, street = ("#242f3e", "#263c3f", "#17263c", "#38414e") if dark else ("#eef0e9", "#cfe6c4", "#a9d3ee", "#ffffff")
    c.background(land)
    for _ in range(rng.randrange(2, 5)):
        c.blob(rng.random() * c.width, rng.random() * c.height, c.side * rng.uniform(0.1, 0.3), park)
    if rng.random() < 0.7:
        y = rng.random() * c.height
        bends = "".join(f"T{c.width * i / 4:.1f} {rng.random() * c.height:.1f}" for i in range(2, 5))
        c.path(
            f"M-20 {y:.1f}Q{c.width / 8:.1f} {rng.random() * c.height:.1f} {c.width / 4:.1f} {rng.random() * c.height:.1f}{bends}",
            stroke=sea,
            width=c.side * 0.1,
        )
    step = max(24.0, c.side / rng.randrange(4, 8))
    lean = rng.uniform(-0.3, 0.3)
    roads = [f"M{i * step:.1f} 0L{i * step + lean * c.height:.1f} {c.height:.1f}" for i in range(-3, int(c.width / step) + 4)]
    roads += [f"M0 {i * step:.1f}L{c.width:.1f} {i * step - lean * c.width:.1f}" for i in range(-3, int(c.height / step) + 4)]
    c.path("".join(rng.sample(roads, max(4, len(roads) * 2 // 3))), stroke=street, width=max(1.5, step * 0.08))
    c.path("".join(rng.sample(roads, 2)), stroke="#8d6e3f" if dark else "#f7d782", width=max(3.0, step * 0.16))
    if rng.random() < 0.5:
        c.path(
            f"M{c.width * 0.2:.1f} {c.height * 0.8:.1f}L{c.width * 0.4:.1f} {c.height * 0.5:.1f}L{c.width * 0.7:.1f} {c.height * 0.45:.1f}L{c.width * 0.8:.1f} {c.height * 0.2:.1f}",
            stroke="#1a73e8",
            width=max(3.0, step * 0.1),
        )


_SKINS = ("#f6d7c3", "#f1c7a5", "#e0ac7e", "#c68642", "#a5693a", "#8d5524", "#5e3a1c")
_HAIRS = ("#1c1410", "#2f1e14", "#4e3120", "#7a4a24", "#b0793a", "#d9b36c", "#8c8c8c", "#d8d8d8", "#8a2f1c")


def _portrait(c: _Canvas) -> None:
    rng, hue, s = c.rng, c.rng.random(), c.side
    x, y = c.width / 2, c.height / 2
    skin, hair, cloth = rng.choice(_SKINS), rng.choice(_HAIRS), _colour(rng.random(), 0.5, rng.uniform(0.25, 0.65))
    if rng.random() < 0.5:
        c.background(_colour(hue, rng.uniform(0.2, 0.7), rng.uniform(0.6, 0.9)))
    else:
        c.background(c.gradient([_colour(hue, 0.5, 0.75), _colour(hue + 0.15, 0.5, 0.55)], rng.random()))
    style = rng.choice(("short", "short", "long", "bun", "curly", "bald", "scarf"))
    if style == "long":
        c.rect(x - s * 0.25, y - s * 0.25, s * 0.5, s * 0.55, hair, s * 0.2)
    if style == "bun":
        c.circle(x, y - s * 0.36, s * 0.1, hair)
    if style == "curly":
        for dx, dy in ((-0.2, -0.2), (-0.1, -0.3), (0.03, -0.32), (0.15, -0.26), (0.22, -0.14), (-0.24, -0.06), (0.24, -0.02)):
            c.circle(x + s * dx, y + s * dy, s * 0.11, hair)
    if style == "scarf":
        c.ellipse(x, y - s * 0.02, s * 0.28, s * 0.34, cloth)
    c.ellipse(x, y + s * 0.58, s * 0.42, s * 0.3, cloth)
    c.rect(x - s * 0.08, y + s * 0.1, s * 0.16, s * 0.25, skin, s * 0.05)
    c.ellipse(x, y - s * 0.03, s * 0.2, s * 0.25, skin)
    if style in ("short", "long", "bun"):
        c.path(f"M{x - s * 0.21:.1f} {y - s * 0.04:.1f}Q{x - s * 0.22:.1f} {y - s * 0.31:.1f} {x:.1f} {y - s * 0.31:.1f}T{x + s * 0.21:.1f} {y - s * 0.04:.1f}"
               f"Q{x + s * rng.uniform(0.02, 0.18):.1f} {y - s * 0.2:.1f} {x - s * 0.05:.1f} {y - s * 0.19:.1f}T{x - s * 0.21:.1f} {y - s * 0.04:.1f}Z", fill=hair)  # fmt: skip
    for side in (-1, 1):
        c.ellipse(x + side * s * 0.08, y - s * 0.03, s * 0.018, s * 0.024, "#221a15")
        c.path(
            f"M{x + side * s * 0.08 - s * 0.035:.1f} {y - s * 0.085:.1f}q{s * 0.035:.1f} {-s * 0.02:.1f} {s * 0.07:.1f} 0",
            stroke=hair,
            width=s * 0.014,
        )
    c.path(
        f"M{x - s * 0.06:.1f} {y + s * 0.09:.1f}q{s * 0.06:.1f} {s * rng.uniform(0.01, 0.06):.1f} {s * 0.12:.1f} 0", stroke="#9c4a3c", width=s * 0.016
    )
    if rng.random() < 0.25:
        for side in (-1, 1):
            c.path(
                f"M{x + side * s * 0.08 - s * 0.055:.1f} {y - s * 0.03:.1f}a{s * 0.055:.1f} {s * 0.055:.1f} 0 1 0 {s * 0.11:.1f} 0a{s * 0.055:.1f} {s * 0.055:.1f} 0 1 0 {-s * 0.11:.1f} 0",
                stroke="#222222",
                width=s * 0.012,
            )
    if style in ("short", "bald") and rng.random() < 0.4:
        c.path(
            f"M{x - s * 0.17:.1f} {y + s * 0.05:.1f}Q{x:.1f} {y + s * 0.36:.1f} {x + s * 0.17:.1f} {y + s * 0.05:.1f}Q{x:.1f} {y + s * 0.17:.1f} {x - s * 0.17:.1f} {y + s * 0.05:.1f}Z",
            fill=hair,
        )


def _album(c: _Canvas) -> None:
    rng, hue = c.rng, c.rng.random()
    rng.choice((_gradient, _mesh, _pattern, _landscape, _city))(c)
    x, y, s = c.width / 2, c.height / 2, c.side
    motif = rng.randrange(5)
    if motif == 0:
        for i in range(5, 0, -1):
            c.circle(x, y, s * 0.07 * i, _colour(hue + 0.06 * i, 0.7, 0.2 + 0.1 * i))
    elif motif == 1:
        c.polygon([(x, y - s * 0.3), (x + s * 0.3, y + s * 0.25), (x - s * 0.3, y + s * 0.25)], _colour(hue, 0.8, 0.5), 0.85)
    elif motif == 2:
        for i in range(7):
            height = s * rng.uniform(0.1, 0.6)
            c.rect(x + s * (-0.32 + 0.095 * i), y - height / 2, s * 0.06, height, "#ffffff", s * 0.03, 0.85)
    elif motif == 3:
        c.circle(x, y, s * 0.28, "#111111")
        c.circle(x, y, s * 0.1, _colour(hue, 0.8, 0.55))


def _poster(c: _Canvas) -> None:
    rng = c.rng
    rng.choice((_landscape, _city, _mesh, _portrait))(c)
    shade = rng.choice(("#000000", "#ffffff", _colour(rng.random(), 0.6, 0.25)))
    ink = "#ffffff" if shade != "#ffffff" else "#111111"
    top = rng.choice((0.06, 0.68))
    c.rect(0, c.height * (top - 0.06), c.width, c.height * 0.34, shade, opacity=0.55)
    # Lines in place of letters: a poster's own type is part of the picture, never text of the page.
    for i, width in enumerate((rng.uniform(0.5, 0.8), rng.uniform(0.3, 0.6), rng.uniform(0.2, 0.4))):
        c.rect(
            c.width * (0.5 - width / 2),
            c.height * (top + 0.02 + 0.075 * i),
            c.width * width,
            c.height * (0.05 if i == 0 else 0.022),
            ink,
            opacity=0.9,
        )


def _document(c: _Canvas) -> None:
    rng, hue = c.rng, c.rng.random()
    c.sheet(rng.choice(("#ffffff", "#fcfcfc", "#f3f4f6")))
    margin, width = c.width * 0.1, c.width * 0.8
    y, line = c.height * 0.08, max(1.2, c.height * 0.018)
    c.rect(margin, y, width * rng.uniform(0.4, 0.8), line * 2.4, _colour(hue, 0.3, 0.25))
    y += line * 5
    while y < c.height * 0.9:
        block = rng.random()
        if block < 0.65:
            for i in range(n := rng.randrange(2, 6)):
                c.rect(margin, y + i * line * 1.9, width * (rng.uniform(0.3, 0.7) if i == n - 1 else rng.uniform(0.9, 1)), line * 0.8, "#9aa0a6")
            y += (n + 0.8) * line * 1.9
        elif block < 0.85:
            c.rect(margin, y, width, line * 9, _colour(hue, 0.4, 0.85))
            for i in range(6):
                height = line * rng.uniform(2, 7.5)
                c.rect(margin + width * (0.06 + 0.155 * i), y + line * 8.5 - height, width * 0.09, height, _colour(hue, 0.6, 0.5))
            y += line * 11
        else:
            for row in range(4):
                c.rect(margin, y + row * line * 2.2, width, line * 1.9, "#e8eaed" if row else _colour(hue, 0.4, 0.7))
            y += line * 10.5


def _screenshot(c: _Canvas) -> None:
    rng, hue = c.rng, c.rng.random()
    dark = rng.random() < 0.4
    back, card, ink = ("#1e1e2a", "#2b2b3a", "#8a8aa0") if dark else ("#f5f6f8", "#ffffff", "#b6bcc6")
    c.background(back)
    c.rect(0, 0, c.width, c.height * 0.1, _colour(hue, 0.5, 0.45))
    c.rect(0, c.height * 0.1, c.width * 0.2, c.height * 0.9, card)
    for i in range(6):
        c.rect(c.width * 0.03, c.height * (0.16 + 0.09 * i), c.width * rng.uniform(0.06, 0.13), c.height * 0.025, ink)
    for row in range(2):
        for column in range(3):
            left, top = c.width * (0.24 + 0.25 * column), c.height * (0.16 + 0.4 * row)
            c.rect(left, top, c.width * 0.22, c.height * 0.35, card, 2)
            c.rect(left + c.width * 0.02, top + c.height * 0.04, c.width * 0.12, c.height * 0.03, ink)
            c.rect(left + c.width * 0.02, top + c.height * 0.12, c.width * 0.18, c.height * 0.18, _colour(hue + 0.1 * column, 0.5, 0.6), 2, 0.7)


def _food(c: _Canvas) -> None:
    rng, s = c.rng, c.side
    x, y = c.width / 2, c.height / 2
    c.background(_colour(rng.uniform(0.05, 0.15), rng.uniform(0.15, 0.5), rng.uniform(0.25, 0.85)))
    c.circle(x + s * 0.01, y + s * 0.02, s * 0.4, "#000000", 0.15)
    c.circle(x, y, s * 0.39, rng.choice(("#fdfdfb", "#e9e4da", "#38414a")))
    c.circle(x, y, s * 0.29, rng.choice(("#f4f1ea", "#d9482b", "#e8b64c", "#6f9a3e", "#a86434")))
    for _ in range(rng.randrange(10, 22)):
        dx, dy = rng.gauss(0, 0.1), rng.gauss(0, 0.1)
        c.blob(
            x + s * dx,
            y + s * dy,
            s * rng.uniform(0.02, 0.06),
            rng.choice(("#d9482b", "#e8b64c", "#6f9a3e", "#f3e9d2", "#7b3f20", "#2f5d34", "#f08a3c")),
        )


def _illustration(c: _Canvas) -> None:
    """As on empty pages and welcome screens: a soft shape, a card or device, a plant or person before it."""
    rng, hue, s = c.rng, c.rng.random(), c.side
    x, y = c.width / 2, c.height / 2
    c.blob(x, y, s * 0.46, _colour(hue, 0.5, 0.9))
    c.rect(x - s * 0.26, y - s * 0.24, s * 0.52, s * 0.4, "#ffffff", s * 0.03)
    c.rect(x - s * 0.26, y - s * 0.24, s * 0.52, s * 0.07, _colour(hue, 0.6, 0.6), s * 0.03)
    for i in range(3):
        c.rect(x - s * 0.2, y - s * (0.11 - 0.08 * i), s * rng.uniform(0.15, 0.38), s * 0.03, _colour(hue, 0.3, 0.82), s * 0.015)
    for i in range(3):
        c.ellipse(x - s * (0.36 - 0.05 * i), y + s * (0.16 - 0.05 * (i % 2)), s * 0.03, s * 0.1, _colour(0.38, 0.4, 0.4 + 0.06 * i))
    c.circle(x + s * 0.28, y - s * 0.02, s * 0.06, rng.choice(_SKINS))
    c.rect(x + s * 0.21, y + s * 0.05, s * 0.14, s * 0.24, _colour(hue + 0.4, 0.6, 0.55), s * 0.06)


def _logo(c: _Canvas) -> None:
    rng, hue, s = c.rng, c.rng.random(), c.side
    x, y = c.width / 2, c.height / 2
    main, other = _colour(hue, 0.75, 0.5), _colour(hue + rng.choice((0.08, 0.5, 0.33)), 0.7, 0.6)
    motif = rng.randrange(6)
    if motif == 0:
        c.circle(x - s * 0.14, y, s * 0.28, main)
        c.circle(x + s * 0.14, y, s * 0.28, other, 0.8)
    elif motif == 1:
        c.rect(x - s * 0.4, y - s * 0.4, s * 0.8, s * 0.8, main, s * 0.2)
        c.polygon([(x - s * 0.2, y + s * 0.2), (x, y - s * 0.25), (x + s * 0.2, y + s * 0.2)], "#ffffff")
    elif motif == 2:
        c.polygon(
            [
                (x, y - s * 0.42),
                (x + s * 0.37, y - s * 0.21),
                (x + s * 0.37, y + s * 0.21),
                (x, y + s * 0.42),
                (x - s * 0.37, y + s * 0.21),
                (x - s * 0.37, y - s * 0.21),
            ],
            main,
        )
        c.circle(x, y, s * 0.15, other)
    elif motif == 3:
        for i in range(3):
            c.rect(x - s * 0.38 + s * 0.28 * i, y + s * (0.2 - 0.25 * i), s * 0.2, s * (0.2 + 0.25 * i), main if i < 2 else other, s * 0.04)
    elif motif == 4:
        c.path(f"M{x - s * 0.35:.1f} {y:.1f}a{s * 0.35:.1f} {s * 0.35:.1f} 0 1 1 {s * 0.35:.1f} {s * 0.35:.1f}", stroke=main, width=s * 0.16)
        c.circle(x, y, s * 0.12, other)
    else:
        c.blob(x, y, s * 0.42, main)
        c.blob(x + s * 0.06, y + s * 0.04, s * 0.2, other)


def _qr_code(c: _Canvas) -> None:
    rows = _qr_rows(c.rng.randrange(64))
    quiet = 2
    cell = c.side / (len(rows) + 2 * quiet)
    left, top = (c.width - c.side) / 2 + quiet * cell, (c.height - c.side) / 2 + quiet * cell
    c.sheet("#ffffff")
    ink = "#000000" if c.rng.random() < 0.8 else _colour(c.rng.random(), 0.7, 0.25)
    d = "".join(
        f"M{left + start * cell:.2f} {top + j * cell:.2f}h{length * cell:.2f}v{cell:.2f}h{-length * cell:.2f}z"
        for j, row in enumerate(rows)
        for start, length in row
    )
    c.parts.append(f'<path d="{d}" fill="{ink}" shape-rendering="crispEdges"/>')


@cache
def _qr_rows(number: int) -> tuple[tuple[tuple[int, int], ...], ...]:
    """The dark runs, (start, length) in modules, of each row of the code of one of many addresses."""
    import re

    import segno

    code = segno.make(f"https://example.com/{Random(number).getrandbits(48):x}", error="m", boost_error=False)
    return tuple(tuple((run.start(), len(run[0])) for run in re.finditer("1+", "".join(map(str, row)))) for row in code.matrix)


DRAWINGS: dict[str, Callable[[_Canvas], None]] = {
    "landscape": _landscape, "city": _city, "gradient": _gradient, "mesh": _mesh, "pattern": _pattern, "product": _product, "map": _map,
    "portrait": _portrait, "album": _album, "poster": _poster, "document": _document, "screenshot": _screenshot, "food": _food,
    "illustration": _illustration, "logo": _logo, "qr": _qr_code,
}  # fmt: skip
KINDS: tuple[str, ...] = (*DRAWINGS, "photo")
