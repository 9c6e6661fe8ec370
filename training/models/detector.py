"""Deformable-DETR (arXiv:2010.04159) on a Swin, ViT or ResNet encoder, with what makes its successors converge.

The paper's model is the plain configuration; its box refinement and two-stage form are settings, and so are DINO's (arXiv:2203.03605) mixed query
selection, contrastive denoising and look forward twice. As in Swin's own detectors, each stage's features are normalised first
(a ResNet's are not).
"""

import json
import math
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from pydantic import Field, ValidationError, model_validator
from torch import Tensor, nn

from contracts.annotation import Frozen
from contracts.errors import InputError
from training.config import EncoderName, QuerySelection, ResnetName, check_denoising
from training.models.constants import constant
from training.models.deformable_attention import DeformableAttention
from training.models.denoising import NoisyQueries, visible
from training.models.encoder import CONFIG, STRIDES, WEIGHTS, build_encoder, content_mask, load_weights, save_model, sine_code, sine_position

# Before training a query claims any class with this probability (focal loss, arXiv:1708.02002, section 4.1).
_PRIOR = 0.01
# Side of a first-stage proposal at stride 8, as a share of the screen's; doubled at each coarser level (paper, appendix A.4).
_PROPOSAL_SIDE = 0.05
# Cells whose centre lies closer to the screen's edge than this share of it make no proposal (as in the paper's code).
_PROPOSAL_EDGE = 0.01


class DetectorConfig(Frozen):
    """Everything that `build_detector` needs; saved beside the weights as config.json. Fields mean what they mean in TrainDetectorKnobs."""

    encoder: EncoderName | ResnetName
    image_size: tuple[int, int] = Field(description="(height, width) of padded images, pixels")
    class_names: tuple[str, ...] = Field(description="by class index, which is taxonomy id - 1 unless the detector was trained elsewhere")
    num_queries: int
    d_model: int
    heads: int
    levels: int
    points: int
    encoder_layers: int
    decoder_layers: int
    ffn_dim: int
    dropout: float
    box_refinement: bool
    two_stage: bool
    query_selection: QuerySelection = "mixed"
    look_forward_twice: bool = False
    denoising_queries: int = 0
    drop_path: float = 0.0

    @model_validator(mode="after")
    def _possible(self) -> "DetectorConfig":
        check_denoising(self.denoising_queries, self.two_stage, self.query_selection)
        return self


@dataclass(frozen=True)
class Prediction:
    """`logits` [B, Q, classes] (sigmoid, one per class); `boxes` [B, Q, 4], cxcywh in [0, 1] of the padded image."""

    logits: Tensor
    boxes: Tensor


@dataclass(frozen=True)
class DetectorOutput(Prediction):
    """The last decoder layer's prediction. `auxiliary`: the earlier layers'; `proposals`: the first stage's, one per feature cell (with one class,
    "anything", where queries are selected by position alone); `denoising`: what each layer makes of noisy queries, [B, D, ...], the last layer first.
    """

    auxiliary: list[Prediction] = field(default_factory=list)
    proposals: Prediction | None = None
    denoising: list[Prediction] = field(default_factory=list)


class Mlp(nn.Sequential):
    """`layers` linear layers with ReLU between."""

    def __init__(self, inputs: int, hidden: int, outputs: int, layers: int):
        sizes = [inputs] + [hidden] * (layers - 1) + [outputs]
        parts: list[nn.Module] = []
        for a, b in pairwise(sizes):
            parts += [nn.Linear(a, b), nn.ReLU()]
        super().__init__(*parts[:-1])


class FeedForward(nn.Module):
    """Residual two-layer perceptron with norm after it."""

    def __init__(self, dim: int, hidden: int, dropout: float):
        super().__init__()
        self.inner, self.outer, self.norm, self.dropout = nn.Linear(dim, hidden), nn.Linear(hidden, dim), nn.LayerNorm(dim), nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x + self.dropout(self.outer(self.dropout(F.relu(self.inner(x), inplace=True)))))


class EncoderLayer(nn.Module):
    """Every cell of every level attends to all levels."""

    def __init__(self, config: DetectorConfig):
        super().__init__()
        self.attention = DeformableAttention(config.d_model, config.levels, config.heads, config.points)
        self.norm, self.dropout = nn.LayerNorm(config.d_model), nn.Dropout(config.dropout)
        self.feed_forward = FeedForward(config.d_model, config.ffn_dim, config.dropout)

    def forward(self, x: Tensor, position: Tensor, references: Tensor, shapes: list[tuple[int, int]], padding: Tensor | None) -> Tensor:
        x = self.norm(x + self.dropout(self.attention(x + position, references, x, shapes, padding)))
        return self.feed_forward(x)


class SelfAttention(nn.Module):
    """Queries attend to one another; positions (`at`) say where to look, not what is seen. `mask` bool [B, Q, Q]: True where one may look."""

    def __init__(self, dim: int, heads: int, dropout: float):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query, self.key, self.value, self.output = (nn.Linear(dim, dim) for _ in range(4))
        for linear in (self.query, self.key, self.value, self.output):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor, at: Tensor, mask: Tensor | None) -> Tensor:
        q, k, v = (y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in (self.query(x + at), self.key(x + at), self.value(x)))  # [B, M, Q, D]
        found = F.scaled_dot_product_attention(
            q, k, v, attn_mask=None if mask is None else mask[:, None], dropout_p=self.dropout if self.training else 0.0
        )
        return self.output(found.transpose(1, 2).flatten(2))


class DecoderLayer(nn.Module):
    """Queries attend to one another, then to the memory around their reference points."""

    def __init__(self, config: DetectorConfig):
        super().__init__()
        self.self_attention = SelfAttention(config.d_model, config.heads, config.dropout)
        self.self_norm = nn.LayerNorm(config.d_model)
        self.cross_attention = DeformableAttention(config.d_model, config.levels, config.heads, config.points)
        self.cross_norm, self.dropout = nn.LayerNorm(config.d_model), nn.Dropout(config.dropout)
        self.feed_forward = FeedForward(config.d_model, config.ffn_dim, config.dropout)

    def forward(
        self, x: Tensor, at: Tensor, mask: Tensor | None, references: Tensor, memory: Tensor, shapes: list[tuple[int, int]], padding: Tensor | None
    ) -> Tensor:
        x = self.self_norm(x + self.dropout(self.self_attention(x, at, mask)))
        x = self.cross_norm(x + self.dropout(self.cross_attention(x + at, references, memory, shapes, padding)))
        return self.feed_forward(x)


@dataclass(frozen=True)
class Pyramid:
    """Features of all levels in one row. `features` and `position` [B or 1, S, C]; `shapes` of the levels; `ratios` [B, L, 2], the share (x, y) of each
    level that holds content; `padding` bool [B, S], None where there is none.
    """

    features: Tensor
    position: Tensor
    shapes: list[tuple[int, int]]
    ratios: Tensor
    padding: Tensor | None


class Detector(nn.Module):
    """`forward(images float normalised [B, 3, H, W], content_hw int [B, 2], noisy queries or None) -> DetectorOutput`."""

    def __init__(self, config: DetectorConfig):
        super().__init__()
        self.config = config
        dim, classes = config.d_model, len(config.class_names)
        self.backbone = build_encoder(config.encoder, config.image_size, config.drop_path)
        self.feature_norms = nn.ModuleList(
            nn.LayerNorm(channels) if self.backbone.needs_norm else nn.Identity() for channels in self.backbone.channels[: config.levels]
        )
        self.projections = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, dim, 1), _group_norm(dim)) for channels in self.backbone.channels[: config.levels]
        )
        if config.levels > len(STRIDES):
            self.projections.append(nn.Sequential(nn.Conv2d(self.backbone.channels[-1], dim, 3, stride=2, padding=1), _group_norm(dim)))
        self.level_code = nn.Parameter(torch.empty(config.levels, dim))
        self.encoder = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers))
        # Without refinement all layers predict with the same heads (paper, section 4.2 and appendix A.4).
        heads = config.decoder_layers if config.box_refinement else 1
        self.class_heads = nn.ModuleList(nn.Linear(dim, classes) for _ in range(heads))
        self.box_heads = nn.ModuleList(Mlp(dim, dim, 4, 3) for _ in range(heads))
        selection = config.query_selection if config.two_stage else None
        if selection is None:
            self.query_point = nn.Linear(dim, 2)
            self.query_position = nn.Embedding(config.num_queries, dim)
        else:
            self.proposal_norm = nn.Sequential(nn.Linear(dim, dim), nn.LayerNorm(dim))
            self.proposal_class, self.proposal_box = nn.Linear(dim, 1 if selection == "positions" else classes), Mlp(dim, dim, 4, 3)
        if selection in (None, "mixed"):
            self.query_content = nn.Embedding(config.num_queries, dim)
        if selection == "positions":
            self.query_of_box = nn.Sequential(nn.Linear(4 * (dim // 2), 2 * dim), nn.LayerNorm(2 * dim))
        elif selection is not None:
            self.position_mlp = Mlp(4 * (dim // 2), dim, dim, 2)
        if config.denoising_queries:
            self.label_code = nn.Embedding(classes, dim)
        self._init()

    def _init(self) -> None:
        nn.init.normal_(self.level_code, std=0.02)
        for projection in self.projections:
            nn.init.xavier_uniform_(projection[0].weight)
            nn.init.zeros_(projection[0].bias)
        classes, boxes = list(self.class_heads), list(self.box_heads)
        if self.config.two_stage:
            classes, boxes = [*classes, self.proposal_class], [*boxes, self.proposal_box]
        for head in classes:
            nn.init.constant_(head.bias, -math.log((1 - _PRIOR) / _PRIOR))
        for head in boxes:
            # Every layer begins by repeating its reference box.
            nn.init.zeros_(head[-1].weight)
            nn.init.zeros_(head[-1].bias)
        if not self.config.two_stage:
            # Without proposals boxes begin small: sigmoid(-2) = 0.12 of the screen. A refining layer starts from the layer before.
            nn.init.constant_(self.box_heads[0][-1].bias[2:], -2.0)

    def forward(self, images: Tensor, content_hw: Tensor, noisy: NoisyQueries | None = None) -> DetectorOutput:
        pyramid = self._pyramid(images, content_hw)
        memory, references = pyramid.features, _cell_centres(pyramid.shapes, pyramid.ratios)  # [B, S, L, 2]
        for layer in self.encoder:
            memory = layer(memory, pyramid.position, references, pyramid.shapes, pyramid.padding)

        # Boxes are shares of the content; predictions are given in shares of the padded image, as documented.
        share = _content_share(content_hw, images)
        content, at, boxes, proposals = self._queries(memory, pyramid)
        mask, extra = None, 0
        if noisy is not None:
            mask, extra = visible(noisy, content.shape[1]), noisy.labels.shape[1]
            content = torch.cat([self.label_code(noisy.labels).to(content.dtype), content], 1)
            boxes = torch.cat([noisy.boxes / share, boxes], 1)

        scale = torch.cat([pyramid.ratios, pyramid.ratios], -1)[:, None, :, : boxes.shape[-1]]
        moved, predictions = boxes, []
        for i, layer in enumerate(self.decoder):
            head = i if self.config.box_refinement else 0
            where = self.position_mlp(_box_code(boxes, self.config.d_model // 2).to(content.dtype)) if at is None else at
            content = layer(content, where, mask, boxes[:, :, None] * scale, memory, pyramid.shapes, pyramid.padding)
            # Look forward twice (DINO, equation 4): a layer's loss also reaches the box that it was given.
            before = inverse_sigmoid(moved if self.config.look_forward_twice and self.config.box_refinement else boxes)
            delta = self.box_heads[head](content).float()
            moved = (delta + (before if before.shape[-1] == 4 else F.pad(before, (0, 2)))).sigmoid()
            predictions.append(Prediction(self.class_heads[head](content).float(), moved * share))
            if self.config.box_refinement:
                boxes = moved.detach()
                scale = torch.cat([pyramid.ratios, pyramid.ratios], -1)[:, None]
        return DetectorOutput(
            predictions[-1].logits[:, extra:], predictions[-1].boxes[:, extra:],
            auxiliary=[Prediction(p.logits[:, extra:], p.boxes[:, extra:]) for p in predictions[:-1]],
            proposals=proposals and Prediction(proposals.logits, proposals.boxes * share),
            denoising=[Prediction(p.logits[:, :extra], p.boxes[:, :extra]) for p in predictions[::-1]] if extra else [],
        )  # fmt: skip

    def _pyramid(self, images: Tensor, content_hw: Tensor) -> Pyramid:
        features = [norm(f.permute(0, 2, 3, 1)).permute(0, 3, 1, 2) for norm, f in zip(self.feature_norms, self.backbone(images), strict=False)]
        maps = [projection(f) for projection, f in zip(self.projections, features, strict=False)]
        if len(self.projections) > len(features):
            maps.append(self.projections[-1](features[-1]))
        height, width = images.shape[-2:]
        # Screens that fill the image need no mask, and share their position code.
        # (Whether they do cannot be asked while a graph is recorded, and what is computed without knowing holds for all.)
        recorded = torch.compiler.is_compiling() or (images.is_cuda and torch.cuda.is_current_stream_capturing())
        unknown = images.device.type == "meta" or recorded
        whole = not unknown and bool((content_hw == constant((height, width), content_hw.device)).all())
        valid = content_mask(content_hw[:1] if whole else content_hw, height, width)
        position, padding, ratios = [], [], []
        for x, code in zip(maps, self.level_code, strict=True):
            mask = F.interpolate(valid[:, None].float(), size=x.shape[-2:], mode="nearest")[:, 0].bool()  # [B, h, w]
            position.append((sine_position(mask, x.shape[1]).flatten(2).transpose(1, 2) + code).to(x.dtype))
            padding.append(~mask.flatten(1))
            ratios.append(torch.stack([mask[:, 0].float().mean(-1), mask[:, :, 0].float().mean(-1)], -1))
        return Pyramid(
            torch.cat([x.flatten(2).transpose(1, 2) for x in maps], 1), torch.cat(position, 1), [(int(x.shape[-2]), int(x.shape[-1])) for x in maps],
            torch.stack(ratios, 1).expand(len(images), -1, -1), None if whole else torch.cat(padding, 1),
        )  # fmt: skip

    def _queries(self, memory: Tensor, pyramid: Pyramid) -> tuple[Tensor, Tensor | None, Tensor, Prediction | None]:
        """Content [B, Q, C]; position code [B, Q, C], or None where it follows each layer's boxes; first boxes [B, Q, 4] (points [B, Q, 2] without
        proposals), as shares of the content; and the proposals.
        """
        if not self.config.two_stage:
            content, at = (table.weight[None].expand(len(memory), -1, -1) for table in (self.query_content, self.query_position))
            return content, at, self.query_point(at).float().sigmoid(), None
        proposals, features, boxes = self._propose(memory, pyramid)
        if self.config.query_selection == "positions":
            at, content = self.query_of_box(_box_code(boxes, self.config.d_model // 2).to(memory.dtype)).chunk(2, -1)
            return content, at, boxes, proposals
        if self.config.query_selection == "mixed":
            features = self.query_content.weight[None, : boxes.shape[1]].expand(len(memory), -1, -1)
        return features, None, boxes, proposals

    def _propose(self, memory: Tensor, pyramid: Pyramid) -> tuple[Prediction, Tensor, Tensor]:
        """First stage: a class score and box per feature cell, boxes [B, S, 4] as shares of the content; the features [B, Q, C] and boxes [B, Q, 4] of
        the `num_queries` best, cut off from the gradient.
        """
        centres, side = [], []
        for level, (height, width) in enumerate(pyramid.shapes):
            centres.append(_grid(height, width, memory.device)[None] / pyramid.ratios[:, level, None])  # [B, h w, 2]
            side.append(torch.full((1, height * width, 2), min(_PROPOSAL_SIDE * 2**level, 0.9), device=memory.device).expand(len(memory), -1, -1))
        centre = torch.cat(centres, 1)
        start = inverse_sigmoid(torch.cat([centre, torch.cat(side, 1)], -1))
        usable = ((centre > _PROPOSAL_EDGE) & (centre < 1 - _PROPOSAL_EDGE)).all(-1)
        if pyramid.padding is not None:
            usable &= ~pyramid.padding
        features = self.proposal_norm(memory.masked_fill(~usable[..., None], 0.0))
        logits = self.proposal_class(features).float().masked_fill(~usable[..., None], -20.0)
        boxes = (self.proposal_box(features).float() + start).sigmoid()
        best = logits.amax(-1).topk(min(self.config.num_queries, logits.shape[1]), dim=1).indices  # [B, Q]
        chosen = boxes.gather(1, best[..., None].expand(-1, -1, 4)).detach()
        content = features.gather(1, best[..., None].expand(-1, -1, features.shape[-1])).detach()
        return Prediction(logits, boxes), content, chosen

    def save_pretrained(self, folder: Path) -> None:
        """Write `config.json` and `model.safetensors`, from which `from_pretrained` makes the same detector."""
        save_model(self, self.config.model_dump(mode="json"), folder)

    @classmethod
    def from_pretrained(cls, folder: Path) -> "Detector":
        """The detector saved in `folder`, in evaluation mode. InputError if a file is missing, damaged or belongs to another architecture."""
        folder = Path(folder)
        file, fix = folder / CONFIG, f"Run `dvc repro {folder.name}` to train it again."
        try:
            config = DetectorConfig.model_validate(json.loads(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise InputError("does not exist.", file=file, fix=fix) from None
        except (json.JSONDecodeError, ValidationError) as error:
            raise InputError(f"is no detector configuration: {error}.", file=file, fix=fix) from None
        detector = build_detector(config)
        load_weights(detector, folder / WEIGHTS, f"the one in {file}", fix)
        return detector.eval()


def build_detector(config: DetectorConfig) -> Detector:
    """A detector with fresh weights."""
    return Detector(config)


def inverse_sigmoid(x: Tensor, eps: float = 1e-5) -> Tensor:
    """log(x / (1 - x)), clamped away from 0 and 1."""
    x = x.clamp(0, 1)
    return torch.log(x.clamp(min=eps) / (1 - x).clamp(min=eps))


def _group_norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(math.gcd(32, channels), channels)


def _grid(height: int, width: int, device: torch.device) -> Tensor:
    """Cell centres (x, y) in [0, 1], row by row: [height x width, 2]."""
    y = (torch.arange(height, device=device, dtype=torch.float32) + 0.5) / height
    x = (torch.arange(width, device=device, dtype=torch.float32) + 0.5) / width
    return torch.stack([x[None].expand(height, width), y[:, None].expand(height, width)], -1).flatten(0, 1)


def _cell_centres(shapes: list[tuple[int, int]], ratios: Tensor) -> Tensor:
    """Each cell's centre seen from every level, [B, S, L, 2]: as a share of the content, times each level's share of content."""
    centres = [_grid(height, width, ratios.device)[None] / ratios[:, level, None] for level, (height, width) in enumerate(shapes)]
    return torch.cat(centres, 1)[:, :, None] * ratios[:, None]


def _content_share(content_hw: Tensor, images: Tensor) -> Tensor:
    """Content size over padded size as (w, h, w, h): [B, 1, 4]."""
    share = content_hw.flip(-1) / constant((images.shape[-1], images.shape[-2]), content_hw.device)
    return torch.cat([share, share], -1)[:, None]


def _box_code(boxes: Tensor, channels: int) -> Tensor:
    """Sine code of boxes [B, Q, 4] -> [B, Q, 4 channels]."""
    return sine_code(boxes * 2 * math.pi, channels).flatten(-2)
