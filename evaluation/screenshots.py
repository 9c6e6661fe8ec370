"""Screenshots as people have them, made into RGB pixels: or refused by name, with what to do.

What is changed on the way is said: a photograph turned by its EXIF tag is turned, transparency is laid on white, 16 bits per channel become 8, other colour
spaces become RGB, of an animation the first frame is taken.
"""

import glob
import io
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from contracts.errors import InputError

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
STDIN = "-"


@dataclass(frozen=True)
class Screenshot:
    """`image` is RGB; `notes` say what was changed."""

    name: str
    image: Image.Image
    notes: tuple[str, ...]


def find_files(sources: Sequence[str]) -> list[str]:
    """Files, the pictures in folders (not in their subfolders), those that a pattern matches (`shots/**/*.png`) and STDIN, in the order given.

    InputError for what is not there or holds no picture.
    """
    found: list[str] = []
    for source in sources:
        path = Path(source)
        if source == STDIN or path.is_file():
            found.append(source)
        elif path.is_dir():
            inside = sorted(str(file) for file in path.iterdir() if file.suffix.lower() in ENDINGS and file.is_file())
            if not inside:
                raise InputError("holds no pictures.", file=path, fix=f"Looked for files that end in {', '.join(ENDINGS)}.")
            found += inside
        elif glob.has_magic(source):
            # Not Path.glob, which takes no absolute pattern.
            matched = sorted(file for file in glob.glob(source, recursive=True) if file.lower().endswith(ENDINGS) and Path(file).is_file())  # noqa: PTH207
            if not matched:
                raise InputError("matches no picture.", file=source, fix=f"Looked for files that end in {', '.join(ENDINGS)}.")
            found += matched
        else:
            raise InputError(
                "is no file or folder.", file=path, fix="Give the path of a screenshot, a folder of screenshots, or `-` for standard input."
            )
    return found


def read_screenshot(source: str, max_pixels: int) -> Screenshot:
    """One picture, of a file or of STDIN. InputError if it cannot be read whole, or has more than `max_pixels` pixels, which are not decoded then."""
    if source == STDIN:
        return decode_screenshot(sys.stdin.buffer.read(), "standard input", max_pixels)
    return decode_screenshot(Path(source).read_bytes(), source, max_pixels)


def decode_screenshot(data: bytes, name: str, max_pixels: int) -> Screenshot:
    """One picture out of the bytes of its file; `name` is what errors call it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit here is `max_pixels`
        try:
            image = Image.open(io.BytesIO(data))
            if image.width * image.height > max_pixels:
                raise _too_large(name, f"{image.width}x{image.height}", max_pixels)
            frames = getattr(image, "n_frames", 1)
            image.load()
        except Image.DecompressionBombError:
            raise _too_large(name, "far more", max_pixels) from None
        except UnidentifiedImageError:
            raise InputError("is no picture that can be read.", file=name, fix="Give a PNG, JPEG, WebP, BMP, GIF or TIFF file.") from None
        except (OSError, SyntaxError, ValueError, EOFError) as error:  # what Pillow's decoders raise for damaged files
            raise InputError(f"is a damaged picture: {error}.", file=name, fix="Take or copy the screenshot again.") from None
    notes = list(_notes(image, frames))
    return Screenshot(name, _rgb(ImageOps.exif_transpose(image), name), tuple(notes))


def _too_large(name: str, found: str, max_pixels: int) -> InputError:
    return InputError("has too many pixels.", file=name, found=found, fix=f"Make it smaller, or raise --max-pixels above {max_pixels}.")


def _notes(image: Image.Image, frames: int) -> Iterator[str]:
    if frames > 1:
        yield f"first of {frames} frames"
    if image.getexif().get(0x0112, 1) != 1:
        yield "turned as its EXIF tag says"
    if image.mode.startswith("I"):
        yield "16 bits per channel made 8"
    elif image.mode not in ("RGB", "RGBA", "L", "LA", "P", "PA", "1"):
        yield f"{image.mode} made RGB"
    if image.has_transparency_data:
        yield "laid on white"


def _rgb(image: Image.Image, name: str) -> Image.Image:
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).astype(np.int64).clip(0, 65535) // 257).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise InputError("has floating-point pixels.", file=name, fix="Save it as PNG or JPEG.")
    if image.has_transparency_data:
        whole = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert("RGB")
    return image.convert("RGB")
