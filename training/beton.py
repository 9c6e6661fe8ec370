"""FFCV betons. FFCV is imported here and in pack_beton alone, and only when a beton is read or written."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from contracts.errors import InputError
from training.order import EpochOrder
from training.packed_index import REPACK_FORCED, PackedSplit
from training.screen_batch import ScreenBatch


def import_ffcv() -> Any:
    """The module `ffcv` with all we use of it loaded; ImportError where it is not installed or cannot be loaded.

    FFCV sets torch's number of threads to its loader's, at import and whenever an epoch starts; that would slow training down, so it is undone.
    """
    threads = torch.get_num_threads()
    try:
        import ffcv
        import ffcv.fields
        import ffcv.fields.decoders
        import ffcv.loader
        import ffcv.traversal_order.base
        import ffcv.writer
        import numba
        from ffcv.pipeline.compiler import Compiler
    finally:
        torch.set_num_threads(threads)

    def set_num_threads(cls: type, n: int) -> None:
        cls.num_threads = min(max(n, 1), numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
        numba.set_num_threads(cls.num_threads)  # type: ignore[attr-defined]

    if ffcv.loader.loader.EpochIterator.__module__ == __name__:
        return ffcv  # this is all done

    class EpochIterator(ffcv.loader.epoch_iterator.EpochIterator):  # type: ignore[misc,name-defined]
        """Ends when its thread fails, and says why in `failure`; FFCV's waits for ever."""

        failure: Exception | None = None

        def run(self) -> None:
            try:
                super().run()
            except Exception as error:
                self.failure = error
                self.output_queue.put(None)

    Compiler.set_num_threads = classmethod(set_num_threads)
    ffcv.loader.loader.EpochIterator = EpochIterator
    return ffcv


class Beton:
    """FFCV's loader, told the order. Its image and array buffers are reused, so every batch is copied out."""

    def __init__(self, file: Path, split: PackedSplit, sampler: EpochOrder, num_workers: int):
        if not file.is_file():
            if split.screens:
                raise InputError("is missing.", file=file, fix=REPACK_FORCED)
        elif (found := file.stat().st_size) != split.beton_bytes:
            # FFCV maps the file into memory: reading behind its end would kill the process.
            raise InputError(f"is not whole: it should have {split.beton_bytes} bytes.", file=file, found=f"{found} bytes", fix=REPACK_FORCED)
        ffcv = import_ffcv()

        class Ours(ffcv.traversal_order.base.TraversalOrder):  # type: ignore[misc,name-defined]
            def __init__(self) -> None:
                """Needs no loader: the sampler knows the order."""

            def __call__(self, loader: object) -> "Ours":
                return self  # FFCV asks for an instance and then calls it like a class

            def sample_order(self, epoch: int) -> np.ndarray:
                return sampler.mine().astype(np.uint64)

        self._file, self._sampler, self._ffcv, self._order, self._num_workers = file, sampler, ffcv, Ours(), num_workers
        self._loader: Any = None

    def __iter__(self) -> Iterator[ScreenBatch]:
        mine = self._sampler.mine()
        if len(mine) == 0:
            return
        if self._loader is None:
            ffcv = self._ffcv
            decoders = ffcv.fields.decoders
            self._loader = ffcv.loader.Loader(
                str(self._file), batch_size=self._sampler.batch_size, num_workers=max(self._num_workers, 1), order=self._order, drop_last=False,
                recompile=False,
                pipelines={
                    "image": [decoders.NDArrayDecoder()], "boxes": [decoders.NDArrayDecoder()], "labels": [decoders.NDArrayDecoder()],
                    "numbers": [decoders.NDArrayDecoder()],
                },
            )  # fmt: skip
        # FFCV cuts every epoch to the length of the first that it saw, which may have been the rest of an interrupted one.
        self._loader.first_traversal_order = mine
        epoch = iter(self._loader)
        try:
            for image, boxes, labels, numbers in epoch:
                count = numbers[:, 0].tolist()
                numbers = torch.from_numpy(np.array(numbers, dtype=np.int64))
                yield ScreenBatch(
                    images=torch.from_numpy(np.array(image)),
                    boxes=[torch.from_numpy(b[:n].copy()) for b, n in zip(boxes, count, strict=True)],
                    labels=[torch.from_numpy(label[:n].copy()) for label, n in zip(labels, count, strict=True)],
                    image_ids=numbers[:, 1].clone(), content_hw=numbers[:, 2:4].clone(), original_hw=numbers[:, 4:6].clone(),
                )  # fmt: skip
            if epoch.failure is not None:
                raise InputError(f"cannot be read: {epoch.failure!r}.", file=self._file, fix=REPACK_FORCED)
        finally:
            epoch.close()
