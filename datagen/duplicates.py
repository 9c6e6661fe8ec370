"""Near-duplicate screens, by perceptual hash.

Two screens are near-duplicates when the 256-bit DCT hashes of their pictures (imagehash.phash) differ in at most `MAX_DISTANCE` bits: the same page with another
word or a pixel moved, not the same layout in other colours or with other content.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

HASH_SIZE = 16
# Of 256 bits. Unrelated screens differ in about 128, pages of one family in one kit in 60 and more; a changed word changes 0 to 6.
MAX_DISTANCE = 8
# Two hashes that differ in at most MAX_DISTANCE bits agree whole in at least one of MAX_DISTANCE + 1 bands.
_BANDS = MAX_DISTANCE + 1


def picture_hash(image: "Image") -> int:
    """The 256-bit perceptual hash of a picture."""
    import imagehash

    return int(str(imagehash.phash(image, hash_size=HASH_SIZE)), 16)


def near_duplicates(hashes: Mapping[str, int]) -> dict[str, str]:
    """Of each set of near-duplicates all but the first in the order given: key -> the key that stays in its place."""
    bits = HASH_SIZE * HASH_SIZE
    edges = [round(bits * band / _BANDS) for band in range(_BANDS + 1)]
    kept: list[dict[int, list[str]]] = [{} for _ in range(_BANDS)]
    found: dict[str, str] = {}
    for key, own in hashes.items():
        bands = [(own >> low) & ((1 << (high - low)) - 1) for low, high in pairwise(edges)]
        candidates = {other for table, band in zip(kept, bands, strict=True) for other in table.get(band, ())}
        near = [other for other in candidates if (hashes[other] ^ own).bit_count() <= MAX_DISTANCE]
        if near:
            found[key] = min(near)
            continue
        for table, band in zip(kept, bands, strict=True):
            table.setdefault(band, []).append(key)
    return found
