"""One picture of the report with the words that go with it, made from a chart or from an image."""

import base64
import io
from dataclasses import dataclass

from PIL import Image

from evaluation.charts import Chart

# A page of many screens must stay small enough to send: pictures are scaled down to this width and compressed in the page, and kept whole beside it.
_PAGE_WIDTH_PX, _WEBP_QUALITY = 1280, 72


@dataclass(frozen=True)
class Figure:
    """`name` is its file's stem; `light` and `dark` are data URIs for the page (`dark` only for charts); `png`, and `svg` of charts, stand beside the page."""

    name: str
    title: str
    caption: str
    alt: str
    width: int
    height: int
    light: str
    dark: str | None
    png: bytes
    svg: str | None


def chart_figure(chart: Chart, name: str, title: str, caption: str, alt: str) -> Figure:
    """A chart, in light and dark."""
    light, dark = (_data_uri("image/svg+xml", svg.encode()) for svg in (chart.light_svg, chart.dark_svg))
    width, height = Image.open(io.BytesIO(chart.png)).size
    return Figure(name, title, caption, alt, width, height, light, dark, chart.png, chart.light_svg)


def picture_figure(image: Image.Image, name: str, title: str, caption: str, alt: str) -> Figure:
    """An image, made smaller and compressed for the page."""
    rgb, png, webp = image.convert("RGB"), io.BytesIO(), io.BytesIO()
    rgb.save(png, "PNG")
    if rgb.width > _PAGE_WIDTH_PX:
        rgb = rgb.resize((_PAGE_WIDTH_PX, round(rgb.height * _PAGE_WIDTH_PX / rgb.width)), Image.Resampling.LANCZOS)
    rgb.save(webp, "WEBP", quality=_WEBP_QUALITY, method=4)
    return Figure(name, title, caption, alt, rgb.width, rgb.height, _data_uri("image/webp", webp.getvalue()), None, png.getvalue(), None)


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
