"""Six screens drawn by hand, and a dataset folder made of them: what exports and comparisons are tested on, without a browser."""

import io
import json
import tarfile
from pathlib import Path

from PIL import Image, ImageDraw

from contracts.annotation import Box, Element, Screen
from contracts.dataset import Environment, Manifest, Shard, SplitCount
from contracts.files import sha256, write_json
from datagen.render import add_screen

SPLITS = {"train": ("bulma/form", "ionic/chat"), "val": ("bootstrap/table",), "test": ("qt/settings",)}


def screens() -> list[Screen]:
    """Six screens of four groups; fractions of pixels, right-to-left text, a parent and states among their elements."""
    places = [("bulma", "form", "web"), ("bulma", "form", "web"), ("ionic", "chat", "mobile"), ("ionic", "chat", "mobile"),
              ("bootstrap", "table", "web"), ("qt", "settings", "desktop")]  # fmt: skip
    found = []
    for index, (kit, family, platform) in enumerate(places):
        width, height = (90, 160) if platform == "mobile" else (200, 120)
        card = Element(id=0, class_name="card", box=Box(x1=5, y1=5, x2=width - 5.25, y2=100), z=0)
        button = Element(
            id=4, class_name="button", box=Box(x1=10.125, y1=20, x2=60.3, y2=40 + index), text="שלום", name="Send it", role="button", parent=0, z=1,
            states=("focused",), interactable=True,
        )  # fmt: skip
        text = Element(id=7, class_name="text", box=Box(x1=10, y1=60, x2=50 + index, y2=70), text="x" * (index + 1), parent=0, z=1)
        found.append(
            Screen(
                key=f"screen-{index}", width=width, height=height, device_scale=1, platform=platform, kit=kit, family=family, locale="he", theme="light",
                seed=index, generator="datagen/test chromium/1", elements=(card, button, text) if index else (),
            )
        )  # fmt: skip
    return found


def picture(screen: Screen) -> bytes:
    """The screen's elements as coloured rectangles, PNG."""
    image = Image.new("RGB", (screen.width, screen.height), (250, 250, 250 - 9 * screen.seed))
    for element in screen.elements:
        ImageDraw.Draw(image).rectangle(element.box.xyxy, fill=(31 * element.id % 255, 90, 160))
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def write_shard(path: Path, own: list[Screen]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for screen in own:
            add_screen(tar, screen.key, picture(screen), screen.model_dump_json(exclude_defaults=True).encode())


def write_dataset(folder: Path) -> list[Screen]:
    """Two shards, `splits.json` and `manifest.json` in `folder`; the screens in order."""
    own = screens()
    parts = {"000000.tar": own[:4], "000001.tar": own[4:]}
    for name, part in parts.items():
        write_shard(folder / "shards" / name, part)
    write_json(folder / "splits.json", SPLITS)
    write_json(folder / "manifest.json", json.loads(manifest(folder, parts).model_dump_json()))
    return own


def manifest(folder: Path, parts: dict[str, list[Screen]]) -> Manifest:
    shards = []
    for name, part in parts.items():
        path = folder / "shards" / name
        shards.append(
            Shard(name=name, sha256=sha256(path), bytes=path.stat().st_size, screens=len(part), elements=sum(len(s.elements) for s in part))
        )
    splits = {split: SplitCount(screens=1, elements=3, groups=groups) for split, groups in SPLITS.items()}
    environment = Environment(engines="chromium/1", kits={}, fonts={}, kit_lock_sha256="0", generator="datagen/test chromium/1", system="Linux")
    return Manifest(shards=tuple(shards), splits=splits, classes={"button": 5, "card": 5, "text": 5}, environment=environment)  # type: ignore[arg-type]
