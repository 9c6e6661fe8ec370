"""Settings of the evaluation stages; the values stand in params.yaml."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from contracts.knobs import Knobs


class EvalDetectionKnobs(Knobs):
    """Scoring the detector on the test split."""

    max_detections: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]
    """COCO's maxDets, rising: average recall is given at each, average precision at the last. It counts the detections of one class on one screen (of all
    classes together for class-agnostic figures). The last must not be below what the detector returns for a screen: screens have more than COCO's 100 elements."""
    tile_overlap: Annotated[int, Field(ge=0)] | None
    """Screens that are larger than the model's image are detected at their own resolution, in tiles of its size that overlap by so many pixels (about the
    largest element that must be whole in one); null: scaled down like those that it was trained on."""
    overlays: int = Field(ge=0)
    """Test screens drawn with truth and predictions, spread evenly over the split."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if list(self.max_detections) != sorted(set(self.max_detections)):
            raise ValueError(f"max_detections must rise, found {list(self.max_detections)}")
        return self


class ReportKnobs(Knobs):
    """The report of one run of the line."""

    contact_sheet: int = Field(ge=1)
    """Screens on the contact sheet, from as many groups (kit and family) as there are."""
