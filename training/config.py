"""Settings of the training stages. Values stand in `params.yaml`; these classes say what they mean and hold no defaults."""

from typing import Literal

from pydantic import Field, model_validator

from contracts.knobs import Knobs

EncoderName = Literal[
    "swin_nano", "swin_micro", "swin_tiny_patch4_window7_224", "swin_small_patch4_window7_224", "swin_base_patch4_window7_224",
    "swin_large_patch4_window7_224", "vit_nano", "vit_tiny_patch16_224", "vit_small_patch16_224", "vit_base_patch16_224", "vit_large_patch16_224",
]  # fmt: skip
# For images of about 32 x 32 pixels, as those of CIFAR: patches of 4 pixels.
SmallImageEncoderName = Literal["vit_tiny_patch4_32", "vit_micro_patch4_32", "vit_nano_patch4_32"]
# With frozen norms, so from a converted detector alone (training/models/encoder.py): no choice for a training stage.
ResnetName = Literal["resnet18", "resnet34", "resnet50", "resnet101"]
Position = Literal["sine", "rotary"]
Pooling = Literal["average", "max", "attention"]
PredictionLoss = Literal["smooth_l1", "mse", "cosine", "info_nce"]
Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
QuerySelection = Literal["positions", "mixed", "features"]
AnswerFormat = Literal["blocks", "json", "fenced"]
Geometry = Literal["box", "point"]


class PackBetonKnobs(Knobs):
    """Stage `pack_beton`: screens at training resolution in files that load fast."""

    resampling: Literal["box", "bicubic", "lanczos"]
    """PIL filter that scales screens (all three average when scaling down). `box` keeps flat areas flat."""
    image_size: tuple[int, int]
    """(height, width) in pixels of every packed image. Screens keep their aspect and are placed top left."""
    formats: tuple[Literal["beton", "shards"], ...] = Field(min_length=1)
    """What to write. `beton` needs FFCV; on a host without it shards are written instead."""
    shards_target: str | None
    """Where the packed shards go: a folder or URL that fsspec reaches (`s3://bucket/packed`), from which training streams them; null: beside the betons."""


class PackGroundingKnobs(Knobs):
    """Stage `pack_grounding`: conversations that ask where on a screen something is, of the screens' expressions and of simulated users."""

    seed: int = Field(ge=0)
    """Of the choice of expressions, of the simulated users and of their folds."""
    answer_format: AnswerFormat
    """How answers are written (training/grounding/answers.py): `blocks`, Qwen's special tokens; `json`, Qwen3-VL's own; `fenced`, code blocks."""
    geometry: Geometry
    """Whether answers are boxes, or points to click."""
    referring: bool
    """Whether an answer names the element before it says where it is."""
    ambiguous_share: float = Field(ge=0, le=1)
    """Share of a simulated user's requests whose meaning is a habit."""
    languages: tuple[str, ...] | None
    """Languages of the expressions that are taken; null: all."""
    max_pixels: int = Field(ge=32 * 32)
    """Images of more pixels are scaled down to so many, aspect kept."""
    expressions_per_screen: int = Field(ge=0)
    """Samples of each screen, at most; as many different elements as possible."""
    samples_per_user: int = Field(ge=0)
    """Requests of each of the 83 simulated users, at most; 0: no users."""


class AugmentationKnobs(Knobs):
    """Random changes to training screens (training/augmentation.py); never to others. Each is drawn for each screen anew in each epoch."""

    colour_jitter: tuple[float, float, float, float]
    """Strength of brightness, contrast and saturation (0.4: factors from 0.6 to 1.4), and of hue (0.1: up to a tenth of a turn either way)."""
    colour_jitter_probability: float = Field(ge=0, le=1)
    """Share of screens whose colours are jittered."""
    greyscale_probability: float = Field(ge=0, le=1)
    """Share of screens that lose their colours."""
    blur_probability: float = Field(ge=0, le=1)
    """Share of screens that are blurred."""
    blur_sigma: tuple[float, float]
    """Smallest and largest standard deviation of the blur, pixels at training resolution. Text is unreadable beyond about 1.5."""
    crop_probability: float = Field(ge=0, le=1)
    """Share of screens of which only a part is shown."""
    crop_smallest_side: float = Field(gt=0, le=1)
    """Width and height of the part, each from this share of the screen's to all of it."""
    min_visible: float = Field(gt=0, le=1)
    """Elements of whose area a crop leaves less than this are no longer looked for; others are clipped to it."""
    scale_jitter: tuple[float, float]
    """Smallest and largest factor of size, log-uniform; what does not fit the training resolution is made to fit. [1, 1]: none."""

    @model_validator(mode="after")
    def _ranges(self) -> "AugmentationKnobs":
        if min(self.colour_jitter) < 0 or max(self.colour_jitter[:3]) > 1 or self.colour_jitter[3] > 0.5:
            raise ValueError("colour_jitter must be from 0 to 1, its last number (hue) from 0 to 0.5")
        if not 0 < self.blur_sigma[0] <= self.blur_sigma[1]:
            raise ValueError("blur_sigma must be two positive numbers, the smaller first")
        if not 0 < self.scale_jitter[0] <= self.scale_jitter[1]:
            raise ValueError("scale_jitter must be two positive numbers, the smaller first")
        return self


class ImageAugmentationKnobs(Knobs):
    """Random changes to training images that are no screens (training/image_augmentation.py). Each is drawn for each image anew in each epoch."""

    crop_area: tuple[float, float]
    """Smallest and largest share of the image's area that is shown, scaled to the image's size. [1, 1]: all of it."""
    crop_aspect: tuple[float, float]
    """Smallest and largest width / height of that part, log-uniform."""
    flip_probability: float = Field(ge=0, le=1)
    """Share of images that are mirrored left to right."""
    colour_jitter: tuple[float, float, float, float]
    """Strength of brightness, contrast and saturation (0.4: factors from 0.6 to 1.4), and of hue (0.1: up to a tenth of a turn either way)."""
    colour_jitter_probability: float = Field(ge=0, le=1)
    """Share of images whose colours are jittered."""
    greyscale_probability: float = Field(ge=0, le=1)
    """Share of images that lose their colours."""

    @property
    def crops(self) -> bool:
        """Whether only a part is shown, ever."""
        return self.crop_area != (1.0, 1.0)

    @model_validator(mode="after")
    def _ranges(self) -> "ImageAugmentationKnobs":
        if not 0 < self.crop_area[0] <= self.crop_area[1] <= 1:
            raise ValueError("crop_area must be two numbers above 0 and up to 1, the smaller first")
        if not 0 < self.crop_aspect[0] <= self.crop_aspect[1]:
            raise ValueError("crop_aspect must be two positive numbers, the smaller first")
        if min(self.colour_jitter) < 0 or max(self.colour_jitter[:3]) > 1 or self.colour_jitter[3] > 0.5:
            raise ValueError("colour_jitter must be from 0 to 1, its last number (hue) from 0 to 0.5")
        return self


class TrainingKnobs(Knobs):
    """What all training stages have."""

    ema_decay: float = Field(ge=0, lt=1)
    """Of the moving average of the weights that validation and the finished model use (training/ema.py); 0: none, the last weights themselves."""
    early_stop_patience: int = Field(ge=0)
    """Training ends after so many epochs without a better validation, and the finished model is the best epoch's; 0: never."""
    rate_scaling: Literal["none", "linear", "sqrt"]
    """How the peak learning rate follows the global batch: not, in proportion (arXiv:1706.02677), or with its root (for Adam, arXiv:2205.10287)."""


class PretrainMaeKnobs(TrainingKnobs):
    """Stage `pretrain_mae`: masked-autoencoder pretraining of the encoder (arXiv:2111.06377, arXiv:2205.13515)."""

    seed: int = Field(ge=0)
    """Of initial weights, order of screens and masks."""
    mask_ratio: float = Field(gt=0, lt=1)
    """Share of each screen's units that is hidden."""
    mask_unit: int = Field(ge=16, multiple_of=16)
    """Side of a masked unit, pixels; a multiple of what one token of the encoder's output stands for: 32 for Swin, 16 for ViT."""
    masking: Literal["visible_only", "dense"]
    """`visible_only`: what is hidden is never computed. `dense`: SimMIM's form (arXiv:2111.09886), a token in the place of hidden patches (Swin only)."""
    norm_pixel_loss: bool
    """Whether targets are normalised to zero mean and unit variance within each unit."""
    betas: tuple[float, float]
    """AdamW's momentum factors."""
    weight_decay: float = Field(ge=0)
    """AdamW's decoupled weight decay; biases, norms and tables of one dimension are exempt."""
    encoder: EncoderName
    """Which Swin or ViT; see training/models/encoder.py."""
    drop_path: float = Field(ge=0, lt=1)
    """Share of screens for which the encoder's last block is left out while training (stochastic depth, arXiv:1603.09382); it rises linearly from 0 at the
    first block."""
    decoder_depth: int = Field(ge=1)
    """Transformer blocks of the decoder, which is thrown away afterwards."""
    decoder_dim: int = Field(ge=16)
    """Width of the decoder; 32 channels per head."""
    augmentation: AugmentationKnobs | None
    """Random changes to training screens; null: none."""
    global_batch: int = Field(ge=1)
    """Screens per optimizer step, over all devices and accumulated micro-batches."""
    epochs: int = Field(ge=1)
    """Passes over the training split; each drops the last, incomplete global batch."""
    warmup_epochs: float = Field(ge=0)
    """Linear warm-up before the cosine, in epochs."""
    base_learning_rate: float = Field(gt=0)
    """Peak for a batch of 256; rate_scaling says what it is for this global batch."""
    gradient_clip: float = Field(gt=0)
    """Largest norm of the whole gradient."""
    precision: Precision
    """Number format of the forward and backward pass (it moves results, so it is no hardware setting)."""


class MaskKnobs(Knobs):
    """What of an image is context and what is to be predicted (training/masks.py); drawn for each image anew in each epoch."""

    kind: Literal["random", "multi_block", "hierarchical", "adaptive"]
    """`multi_block`: rectangles (I-JEPA, arXiv:2301.08243); `random`: single cells; `hierarchical`: each level has rectangles of its own, on its own grid;
    `adaptive`: multi_block, where the loss was large lately."""
    targets: int = Field(ge=1)
    """Blocks to be predicted, each by itself. `hierarchical`: shared out among the levels, at least one for each."""
    target_scale: tuple[float, float]
    """Smallest and largest share of the image that a block covers; all blocks of an image are of one size."""
    target_aspect: tuple[float, float]
    """Smallest and largest height / width of a block; has no meaning for `random`."""
    context_scale: tuple[float, float]
    """Smallest and largest share of the image that the context is taken from; less what is to be predicted."""
    min_context: float = Field(gt=0, lt=1)
    """Share of the image that is always context, however much the blocks cover; at least one cell."""

    @model_validator(mode="after")
    def _ranges(self) -> "MaskKnobs":
        for name in ("target_scale", "context_scale"):
            low, high = getattr(self, name)
            if not 0 < low <= high <= 1:
                raise ValueError(f"{name} must be two numbers above 0 and up to 1, the smaller first")
        if not 0 < self.target_aspect[0] <= self.target_aspect[1]:
            raise ValueError("target_aspect must be two positive numbers, the smaller first")
        return self


class MultiCropKnobs(Knobs):
    """Several crops of each image (arXiv:2006.09882). All large ones are masked and predicted; and every crop's embedding, a projection of its mean feature
    (of a large one as far as it is seen), is to be that of the image's other large ones (LeJEPA, arXiv:2511.08544)."""

    large: int = Field(ge=1)
    """Crops at the image's own size."""
    large_changes: ImageAugmentationKnobs
    """What each of them shows, and how."""
    small: int = Field(ge=0)
    """Crops at `small_size`."""
    small_changes: ImageAugmentationKnobs
    """What each of them shows, and how."""
    small_size: int = Field(ge=4)
    """Side of a small crop, pixels. A Swin takes only the image's own size."""
    projector_dim: int = Field(ge=1)
    """Channels of the embedding."""
    weight: float = Field(gt=0)
    """Of the squared distance between embeddings."""

    @model_validator(mode="after")
    def _several(self) -> "MultiCropKnobs":
        if self.large + self.small < 2:
            raise ValueError("multi_crop needs at least two crops")
        return self


class PretrainHjepaKnobs(TrainingKnobs):
    """Stage `pretrain_hjepa`: an encoder learns to predict its own features of hidden places (I-JEPA, arXiv:2301.08243), on several levels."""

    seed: int = Field(ge=0)
    """Of initial weights, order of images, masks and regulariser."""
    encoder: EncoderName | SmallImageEncoderName
    """Which Swin or ViT; see training/models/encoder.py."""
    position: Position
    """How a ViT and the predictors know where a token is: sines that are added, or rotations of queries and keys. A Swin has its own tables."""
    levels: int = Field(ge=1, le=4)
    """Levels of the hierarchy: level 0 is the encoder's grid, each further one has cells of 2 x 2 of the one before."""
    level_weights: tuple[float, ...] | Literal["learned"]
    """Of the levels' losses, finest first; `learned`: by their uncertainty (arXiv:1705.07115)."""
    pooling: Pooling
    """How the features of a coarser cell come from those of its cells. `attention`: a softmax over a learned score."""
    fusion: bool
    """Whether a level's features take in those of the coarser ones, top down as in a feature pyramid (arXiv:1612.03144)."""
    cross_level_attention: bool
    """Whether the predictor of a level sees the context on all levels, and not on its own alone."""
    predictor_depth: int = Field(ge=1)
    """Transformer blocks of each level's predictor."""
    predictor_dim: int = Field(ge=16, multiple_of=4)
    """Width of the predictors."""
    predictor_heads: int = Field(ge=1)
    """Attention heads; predictor_dim is a multiple of 4 times this."""
    predictor_mlp_ratio: float = Field(gt=0)
    """Hidden width of the predictors' MLPs, times predictor_dim."""
    target_encoder: Literal["ema", "online", "online_detached"]
    """Whose features are predicted: a moving average of the encoder's, its own with a gradient (LeJEPA, arXiv:2511.08544; needs a regulariser), or its own
    without (arXiv:2011.10566)."""
    ema_momentum: tuple[float, float]
    """Of that moving average, at the first and towards the last step, linear between; has no meaning for the other target encoders."""
    target_norm: bool
    """Whether each target is normalised to zero mean and unit variance over its channels."""
    loss: PredictionLoss
    """How far a prediction is from its target (training/losses/prediction.py)."""
    loss_temperature: float = Field(gt=0)
    """Of `info_nce`; the others have none."""
    regulariser: Literal["none", "vicreg", "sigreg"]
    """What keeps different images apart (training/losses/prediction.py): their embeddings with multi_crop, else their contexts' mean features."""
    regulariser_weight: float = Field(ge=0)
    """Of `sigreg`, or of `vicreg`'s variance term."""
    covariance_weight: float = Field(ge=0)
    """Of `vicreg`'s covariance term."""
    masks: MaskKnobs
    """What is hidden."""
    multi_crop: MultiCropKnobs | None
    """Several crops of each image, of what `augmentation` makes of it; null: the image as it is. Needs a regulariser."""
    augmentation: AugmentationKnobs | ImageAugmentationKnobs | None
    """Random changes to training images: of screens AugmentationKnobs, of other images ImageAugmentationKnobs; null: none."""
    betas: tuple[float, float]
    """AdamW's momentum factors."""
    weight_decay: float = Field(ge=0)
    """AdamW's decoupled weight decay; biases, norms and tables of one dimension are exempt."""
    global_batch: int = Field(ge=1)
    """Images per optimizer step, over all devices and accumulated micro-batches. With a regulariser nothing may be accumulated."""
    epochs: int = Field(ge=1)
    """Passes over the training split; each drops the last, incomplete global batch."""
    warmup_epochs: float = Field(ge=0)
    """Linear warm-up before the cosine, in epochs."""
    base_learning_rate: float = Field(gt=0)
    """Peak for a batch of 256; rate_scaling says what it is for this global batch."""
    gradient_clip: float = Field(gt=0)
    """Largest norm of the whole gradient."""
    precision: Precision
    """Number format of the forward and backward pass."""

    @model_validator(mode="after")
    def _together(self) -> "PretrainHjepaKnobs":
        if self.level_weights != "learned" and (len(self.level_weights) != self.levels or min(self.level_weights) < 0 or not any(self.level_weights)):
            raise ValueError(f"level_weights must be {self.levels} numbers, one for each level, none below 0 and not all 0; or `learned`")
        if self.predictor_dim % (4 * self.predictor_heads):
            raise ValueError("predictor_dim must be a multiple of 4 times predictor_heads")
        if not all(0 <= momentum <= 1 for momentum in self.ema_momentum):
            raise ValueError("ema_momentum must be two numbers from 0 to 1")
        if self.multi_crop and self.regulariser == "none":
            raise ValueError("multi_crop needs a regulariser: without, one embedding for everything is the best answer")
        if self.target_encoder == "online" and self.regulariser == "none":
            raise ValueError("target_encoder online needs a regulariser: without, the same features for everything are the best answer")
        return self


def check_denoising(denoising_queries: int, two_stage: bool, query_selection: QuerySelection) -> None:
    """ValueError if denoising queries are wanted where a query is more than a content and a box."""
    if denoising_queries and not (two_stage and query_selection != "positions"):
        raise ValueError("denoising_queries above 0 needs two_stage, with query_selection mixed or features")


class FineTuningKnobs(Knobs):
    """What a detector that goes on from the promoted one has instead of the settings of the same names: it has learned most of it already."""

    epochs: int = Field(ge=1)
    warmup_epochs: float = Field(ge=0)
    learning_rate: float = Field(gt=0)


class TrainDetectorKnobs(TrainingKnobs):
    """Stage `train_detector`: Deformable-DETR (arXiv:2010.04159) on a Swin encoder."""

    seed: int = Field(ge=0)
    """Of initial weights and order of screens."""
    focal_weight: float = Field(ge=0)
    """Weight of the focal classification loss, in the loss and in matching."""
    l1_weight: float = Field(ge=0)
    """Weight of the L1 box loss (normalised cxcywh), in the loss and in matching."""
    giou_weight: float = Field(ge=0)
    """Weight of the generalised IoU loss, in the loss and in matching."""
    weight_decay: float = Field(ge=0)
    """AdamW's decoupled weight decay; biases, norms and tables of one dimension are exempt."""
    encoder: EncoderName
    """Which Swin or ViT; the pretraining's when init_from says so."""
    drop_path: float = Field(ge=0, lt=1)
    """Share of screens for which the encoder's last block is left out while training (stochastic depth, arXiv:1603.09382); it rises linearly from 0 at the
    first block."""
    pretraining: Literal["pretrain_mae", "pretrain_hjepa", "promoted"]
    """What there is to start from: dvc.yaml makes this artifact, and not the others, what train_detector depends on. `promoted` is the whole promoted
    detector, which `python -m orchestration.registry checkout` puts there."""
    init_from: Literal["pretraining", "scratch"]
    """Where the first weights come from: of the encoder, or with `pretraining: promoted` of the whole detector."""
    fine_tuning: FineTuningKnobs | None = None
    """Used with `pretraining: promoted` alone; null: the settings below hold there, too."""
    num_queries: int = Field(ge=1)
    """Detections per screen; a screen's elements beyond this number cannot be matched."""
    d_model: int = Field(ge=16, multiple_of=8)
    """Width of the detection transformer."""
    heads: int = Field(ge=1)
    """Attention heads; divides d_model."""
    levels: int = Field(ge=3, le=4)
    """Feature levels: 3 are strides 8, 16 and 32; the fourth is 64."""
    points: int = Field(ge=1)
    """Sampling points per head and level."""
    encoder_layers: int = Field(ge=0)
    """Deformable encoder layers."""
    decoder_layers: int = Field(ge=1)
    """Deformable decoder layers; each predicts and is supervised."""
    ffn_dim: int = Field(ge=16)
    """Hidden width of the feed-forward blocks."""
    dropout: float = Field(ge=0, lt=1)
    """In the detection transformer. Above 0 the draw depends on how a batch is spread over processes."""
    box_refinement: bool
    """Each decoder layer refines the boxes of the layer before (section A.4 of the paper)."""
    two_stage: bool
    """Queries start from the encoder's best proposals instead of learned ones (section A.4)."""
    query_selection: QuerySelection
    """What a query takes from its proposal, with two_stage: `positions`, a content made from the box's place as in Deformable-DETR; `mixed`, the box
    alone, with a learned content (DINO, arXiv:2203.03605, section 3.4); `features`, box and feature (RT-DETR, arXiv:2304.08069)."""
    look_forward_twice: bool
    """With box_refinement, a layer's box loss also teaches the layer before (DINO, section 3.5)."""
    denoising_queries: int = Field(ge=0, multiple_of=2)
    """Noisy copies of its elements that each training screen's decoder is to mend or reject (DINO, section 3.3); 0: none. Needs two_stage with
    query_selection mixed or features."""
    denoising_label_noise: float = Field(ge=0, le=1)
    """Half of this share of the copies' labels are drawn anew."""
    denoising_box_noise: float = Field(ge=0)
    """How far a copy's sides move at most, in halves of its size; twice as far for those to be rejected."""
    augmentation: AugmentationKnobs | None
    """Random changes to training screens; null: none."""
    global_batch: int = Field(ge=1)
    """Screens per optimizer step, over all devices and accumulated micro-batches."""
    epochs: int = Field(ge=1)
    """Passes over the training split; each drops the last, incomplete global batch."""
    warmup_epochs: float = Field(ge=0)
    """Linear warm-up before the cosine, in epochs."""
    learning_rate: float = Field(gt=0)
    """Peak for a batch of 16; rate_scaling says what it is for this global batch."""
    encoder_learning_rate_factor: float = Field(ge=0)
    """The Swin encoder learns at learning_rate times this (0.1 in the paper)."""
    encoder_layer_decay: float = Field(gt=0, le=1)
    """And each of its layers at this times the rate of the one after it (layer-wise decay, arXiv:2106.08254); 1: all alike."""
    gradient_clip: float = Field(gt=0)
    """Largest norm of the whole gradient."""
    precision: Precision
    """Number format of the forward and backward pass."""

    @model_validator(mode="after")
    def _denoising(self) -> "TrainDetectorKnobs":
        check_denoising(self.denoising_queries, self.two_stage, self.query_selection)
        return self


class LoraKnobs(Knobs):
    """LoRA (arXiv:2106.09685) on all linear layers of the language model."""

    rank: int = Field(ge=1)
    alpha: float = Field(gt=0)
    """The adapter's output is scaled by alpha / rank."""
    dropout: float = Field(ge=0, lt=1)
    """Of the adapter's input. Above 0 the draw depends on how a batch is spread over processes."""


class GrounderTrainingKnobs(Knobs):
    """What both stages that tune the grounder have."""

    seed: int = Field(ge=0)
    """Of initial weights, adapters, order of samples and dropout."""
    lora: LoraKnobs
    """The adapter, where one learns."""
    learning_rate: float = Field(gt=0)
    """Peak."""
    schedule: Literal["linear", "cosine", "constant"]
    """What the rate does after the warm-up: falls to 0 along a line or half a cosine, or stays."""
    warmup_steps: int = Field(ge=0)
    """Optimizer steps in which the rate rises from 0."""
    epochs: int = Field(ge=1)
    """Passes over the samples; each drops the last, incomplete global batch."""
    global_batch: int = Field(ge=1)
    """Samples per optimizer step, over all devices and accumulated micro-batches."""
    weight_decay: float = Field(ge=0)
    """AdamW's decoupled weight decay; biases and norms are exempt."""
    gradient_clip: float = Field(gt=0)
    """Largest norm of the whole gradient."""
    precision: Literal["32-true", "bf16-true", "bf16-mixed"]
    """`bf16-true`: weights in bfloat16 too (an adapter's stay in 32 bits); with small learning rates full fine-tuning then loses most of its updates to
    rounding. `bf16-mixed`: weights in 32 bits, layers in bfloat16."""
    max_tokens: int = Field(ge=64)
    """Where a sample is cut off. An image that would be cut is an error."""
    batching: Literal["packed", "length_grouped", "padded"]
    """`packed`: samples one after the other, no padding; `length_grouped`: padded, each batch of samples of like length; `padded`: padded, in any order."""


class TinyGrounderKnobs(Knobs):
    """A Qwen3-VL of random weights that a CPU can train (training/models/grounder.py)."""

    hidden_size: int = Field(ge=32, multiple_of=32)
    """Width of the language model."""
    layers: int = Field(ge=1)
    """Of the language model."""
    vision_hidden_size: int = Field(ge=32, multiple_of=32)
    """Width of the vision tower."""
    vision_layers: int = Field(ge=2)
    vocabulary: int = Field(ge=257)
    """Tokens besides the special ones, at most, learned from the training split."""


class TuneGrounderKnobs(GrounderTrainingKnobs):
    """Stage `tune_grounder`: supervised fine-tuning of Qwen3-VL on everybody's grounding samples."""

    model: str | None
    """A published name (`Qwen/Qwen3-VL-8B-Instruct`) or a folder of that kind; null: the tiny one."""
    tiny: TinyGrounderKnobs | None
    """Its shape, where model is null."""
    method: Literal["lora", "full"]
    """An adapter learns, or the whole language model."""
    freeze_vision: bool
    """The vision tower and its mergers learn nothing. false is for random weights alone."""
    max_pixels: int = Field(ge=1024)
    """Of an image after scaling."""
    samples: Literal["split", "users", "both"]
    """What is learned: the training split, the sets of users 11 to 83, or one after the other."""
    max_samples: int | None = Field(ge=1)
    """At most so many of them, drawn by the seed; null: all."""
    merged: bool
    """Also write the adapter worked into the model, as vLLM serves it."""

    @model_validator(mode="after")
    def _one_model(self) -> "TuneGrounderKnobs":
        if (self.model is None) == (self.tiny is None):
            raise ValueError("either model or tiny must be null")
        if self.method == "lora" and not self.freeze_vision:
            raise ValueError("freeze_vision must be true with method lora")
        return self


class PersonalizeGrounderKnobs(GrounderTrainingKnobs):
    """Stage `personalize_grounder`: one LoRA adapter for each user and fold, on the model of `tune_grounder`."""

    users: tuple[int, ...] = Field(min_length=1)
    """Test users, 1 to 10."""
    folds: tuple[int, ...] = Field(min_length=1)
    """Of each: an adapter learns from the others and is judged by this one."""
