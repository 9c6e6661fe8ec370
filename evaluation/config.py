"""Settings of the evaluation stages; the values stand in params.yaml."""

from typing import Annotated, Literal, Self

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


Rates = Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]


class ProbeKnobs(Knobs):
    """How frozen features are probed, whatever they are features of."""

    seed: int = Field(ge=0)
    """Of heads, orders, episodes, drawn elements and the baseline's random weights."""
    neighbours: int = Field(ge=1)
    """k of the k-NN classifier (20 in arXiv:1805.01978); no more than there are training samples."""
    temperature: float = Field(gt=0)
    """Its votes weigh exp(cosine / temperature) (0.07 in arXiv:1805.01978)."""
    optimizer: Literal["lars", "adamw"]
    """Of the linear probe. LARS is MAE's and I-JEPA's choice for large batches; AdamW needs fewer epochs."""
    rates: Rates
    """Peak learning rates of the linear probe, all trained at once; the validation split chooses."""
    attentive: bool
    """Whether to probe screens with learned attention over the coarsest map's cells, too."""
    attentive_rates: Rates
    """Its learning rates (AdamW)."""
    segmentation: bool
    """Whether to probe the finest map with masks drawn from element boxes."""
    segmentation_rates: Rates
    """Its learning rates (AdamW)."""
    segmentation_epochs: int = Field(ge=1)
    """Passes over the maps that are kept."""
    few_shot_ways: int = Field(ge=2)
    """Classes of an episode."""
    few_shot_shots: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]
    """Examples per class, one figure for each."""
    few_shot_queries: int = Field(ge=1)
    """Questions per class in an episode."""
    few_shot_episodes: int = Field(ge=2)
    """Random episodes; the interval is that of their mean."""
    epochs: int = Field(ge=1)
    """Passes of the linear and attentive probes over the training samples."""
    batch_size: int = Field(ge=1)
    """Samples per step of the linear probe; the attentive one takes at most 64 screens."""


class EvalProbesKnobs(ProbeKnobs):
    """Stage `eval_probes`: what the pretrained encoders know without having been told."""

    encoders: Annotated[tuple[Literal["pretrain_mae", "pretrain_hjepa"], ...], Field(min_length=1)]
    """Whose features are measured. Each architecture among them is measured with random weights, too."""
    screens: int | None = Field(ge=1)
    """At most so many screens of a split, drawn at random; null: all."""
    map_screens: int = Field(ge=0)
    """Of so many of them the feature maps are kept, for the attentive and segmentation probes and the pictures."""
    crops: int = Field(ge=0)
    """At most so many elements of a split."""
    fine_tune_epochs: int = Field(ge=0)
    """Passes over the training screens with the whole encoder learning (page family); 0: not measured."""
    fine_tune_rate: float = Field(gt=0)
    """AdamW's peak learning rate for it; the head's is ten times that."""
    pictures: int = Field(ge=1)
    """Screens (and elements) shown in each picture."""


class EvalLatencyKnobs(Knobs):
    """Stage `eval_latency`: how long the detector takes from a screenshot's file to its boxes (evaluation/latency.py)."""

    screens: int = Field(ge=1)
    """Test screens that are taken in turns."""
    modes: Annotated[tuple[Literal["eager", "exported", "compiled"], ...], Field(min_length=1)]
    """How the model is run; the first one's figures are the headline. Recording a program takes seconds, compiling one takes minutes."""
    batches: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]
    """Screens at once. Latency is that of the smallest, throughput that of the best."""
    calls: int = Field(ge=1)
    """Measured calls of each mode with each batch size."""


class EvalTransferKnobs(Knobs):
    """Stage `eval_transfer`: the detector on screens of another kind, as it is and tuned on a few of them."""

    seed: int = Field(ge=0)
    """Of the split of a target's screens, and, with the number of a draw added, of the draw, the order and fresh weights."""
    real_sets: dict[str, str]
    """Name -> folder that `python -m datagen.importers` has written. They are no part of the dataset version. Empty: the dataset's unseen kits stand in."""
    test_share: float = Field(gt=0, lt=1)
    """Share of a target's screens that is scored and never learned from."""
    starts: tuple[Literal["scratch", "mae", "hjepa", "imagenet"], ...]
    """What is tuned by the same recipe beside the line's detector: fresh weights, or the named encoder under a detector of fresh weights."""
    detectors: dict[str, str]
    """Name -> folder of further trained detectors (of an ablation, say), scored and tuned like the line's own."""
    imagenet: str | None
    """timm's model.safetensors of the encoder that the detector has; null: not at hand."""
    shots: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]
    """Numbers of screens that are learned from."""
    draws: int = Field(ge=1)
    """How often each is drawn."""
    steps: int = Field(ge=1)
    """Optimizer steps of each tuning, however many screens there are."""
    batch: int = Field(ge=1)
    """Screens per step, or all if there are fewer."""
    learning_rate: float = Field(gt=0)
    """Peak, for all but the encoder (train_detector.encoder_learning_rate_factor)."""
    screens: Annotated[int, Field(ge=1)] | None
    """At most so many screens of a target are scored; null: all of its share."""
    resamples: int = Field(ge=2)
    """Of the test screens, for the intervals."""


class EvalGroundingKnobs(Knobs):
    """Stage `eval_grounding`: where the models of grounding point, before training, after it, and personalised."""

    protocol: str
    """How it is measured: a file of evaluation/protocols/, without its suffix."""
    benchmarks: tuple[str, ...]
    """Folders of public sets that are scored, too (evaluation/grounding_sets.py knows their layouts). They are no part of the dataset version."""
    zoom: bool
    """Ask the global model twice, the second time about a window around its first answer."""
    overlays: int = Field(ge=0)
    """Answers drawn on their screens, hits and misses."""
    samples: Annotated[int, Field(ge=1)] | None
    """Commands of the test split, and of the unseen kits, at most; spread evenly. null: all."""
    samples_per_fold: Annotated[int, Field(ge=1)] | None
    """Commands of each user's held-out fold, at most. null: all."""


class ReportKnobs(Knobs):
    """The report of one run of the line."""

    contact_sheet: int = Field(ge=1)
    """Screens on the contact sheet, from as many groups (kit and family) as there are."""
    gallery: int = Field(ge=0)
    """Test screens in the page with their detections, the worst ones; each adds about 50 kB to it."""
