"""Deformable-DETR (arXiv:2010.04159) on a Swin encoder.

Follows the paper, with box refinement and the two-stage form as settings. Changed in the two-stage form: proposals are scored per class rather
than as foreground or not, and the chosen proposals' features become the queries' content (both as in RT-DETR, arXiv:2304.08069): with few
training screens every proposal then learns from the labels directly.
"""

import json
import math
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from pydantic import Field, ValidationError
from torch import Tensor, nn

from contracts.annotation import Frozen
from contracts.errors import InputError
from training.config import EncoderName
from training.models.deformable_attention import DeformableAttention
from training.models.encoder import STRIDES, SwinEncoder, content_mask, load_weights, sine_code, sine_position

# Before training a query claims any class with this probability (focal loss, arXiv:1708.02002, section 4.1).
_PRIOR = 0.01
# Side of a first-stage proposal at stride 8, as a share of the screen's; doubled at each coarser level (paper, appendix A.4).
_PROPOSAL_SIDE = 0.05


class DetectorConfig(Frozen):
    """Everything that `build_detector` needs; saved beside the weights as config.json. Fields mean what they mean in TrainDetectorKnobs."""

    encoder: EncoderName
    image_size: tuple[int, int] = Field(description="(height, width) of padded images, pixels")
    class_names: tuple[str, ...] = Field(description="by class index, which is taxonomy id - 1")
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


@dataclass(frozen=True)
class Prediction:
    """`logits` [B, Q, classes] (sigmoid, one per class); `boxes` [B, Q, 4], cxcywh in [0, 1] of the padded image."""

    logits: Tensor
    boxes: Tensor


@dataclass(frozen=True)
class DetectorOutput(Prediction):
    """The last decoder layer's prediction. `auxiliary`: the earlier layers'; `proposals`: the first stage's, one per feature cell."""

    auxiliary: list[Prediction] = field(default_factory=list)
    proposals: Prediction | None = None


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
        return self.norm(x + self.dropout(self.outer(self.dropout(F.relu(self.inner(x))))))


class EncoderLayer(nn.Module):
    """Every cell of every level attends to all levels."""

    def __init__(self, config: DetectorConfig):
        super().__init__()
        self.attention = DeformableAttention(config.d_model, config.levels, config.heads, config.points)
        self.norm, self.dropout = nn.LayerNorm(config.d_model), nn.Dropout(config.dropout)
        self.feed_forward = FeedForward(config.d_model, config.ffn_dim, config.dropout)

    def forward(self, x: Tensor, position: Tensor, references: Tensor, shapes: list[tuple[int, int]], padding: Tensor) -> Tensor:
        x = self.norm(x + self.dropout(self.attention(x + position, references, x, shapes, padding)))
        return self.feed_forward(x)


class DecoderLayer(nn.Module):
    """Queries attend to one another, then to the memory around their reference points."""

    def __init__(self, config: DetectorConfig):
        super().__init__()
        self.self_attention = nn.MultiheadAttention(config.d_model, config.heads, dropout=config.dropout, batch_first=True)
        self.self_norm = nn.LayerNorm(config.d_model)
        self.cross_attention = DeformableAttention(config.d_model, config.levels, config.heads, config.points)
        self.cross_norm, self.dropout = nn.LayerNorm(config.d_model), nn.Dropout(config.dropout)
        self.feed_forward = FeedForward(config.d_model, config.ffn_dim, config.dropout)

    def forward(self, x: Tensor, position: Tensor, references: Tensor, memory: Tensor, shapes: list[tuple[int, int]], padding: Tensor) -> Tensor:
        q = x + position
        x = self.self_norm(x + self.dropout(self.self_attention(q, q, x, need_weights=False)[0]))
        x = self.cross_norm(x + self.dropout(self.cross_attention(x + position, references, memory, shapes, padding)))
        return self.feed_forward(x)


class Detector(nn.Module):
    """`forward(images float normalised [B, 3, H, W], content_hw int [B, 2]) -> DetectorOutput`."""

    def __init__(self, config: DetectorConfig):
        super().__init__()
        self.config = config
        dim, classes = config.d_model, len(config.class_names)
        self.backbone = SwinEncoder(config.encoder, config.image_size)
        self.projections = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, dim, 1), _group_norm(dim)) for channels in self.backbone.channels[: config.levels]
        )
        if config.levels > len(STRIDES):
            self.projections.append(nn.Sequential(nn.Conv2d(self.backbone.channels[-1], dim, 3, stride=2, padding=1), _group_norm(dim)))
        self.level_code = nn.Parameter(torch.empty(config.levels, dim))
        self.encoder = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers))
        self.class_heads = nn.ModuleList(nn.Linear(dim, classes) for _ in range(config.decoder_layers))
        self.box_heads = nn.ModuleList(Mlp(dim, dim, 4, 3) for _ in range(config.decoder_layers))
        if config.two_stage:
            self.proposal_norm = nn.Sequential(nn.Linear(dim, dim), nn.LayerNorm(dim))
            self.proposal_class, self.proposal_box = nn.Linear(dim, classes), Mlp(dim, dim, 4, 3)
        else:
            self.query_content = nn.Embedding(config.num_queries, dim)
            self.query_point = nn.Linear(dim, 2)
            self.query_position = nn.Embedding(config.num_queries, dim)
        self.position_mlp = Mlp(4 * (dim // 2), dim, dim, 2) if config.two_stage else None
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
            for head in self.box_heads[: 1 if self.config.box_refinement else None]:
                nn.init.constant_(head[-1].bias[2:], -2.0)

    def forward(self, images: Tensor, content_hw: Tensor) -> DetectorOutput:
        memory, position, padding, shapes, ratios = self._levels(images, content_hw)
        references = _cell_centres(shapes, ratios)  # [B, S, L, 2]
        for layer in self.encoder:
            memory = layer(memory, position, references, shapes, padding)

        if self.config.two_stage:
            proposals, content, boxes = self._propose(memory, padding, shapes, ratios)
            query_position = None
        else:
            proposals = None
            content = self.query_content.weight[None].expand(len(images), -1, -1)
            query_position = self.query_position.weight[None].expand(len(images), -1, -1)
            boxes = self.query_point(query_position).float().sigmoid()  # [B, Q, 2]: a point until the first layer refines it

        predictions = []
        for layer, class_head, box_head in zip(self.decoder, self.class_heads, self.box_heads, strict=True):
            at = query_position if self.position_mlp is None else self.position_mlp(_box_code(boxes, self.config.d_model // 2).to(content.dtype))
            scale = torch.cat([ratios, ratios], -1)[:, None, :, : boxes.shape[-1]]
            content = layer(content, at, boxes[:, :, None] * scale, memory, shapes, padding)
            # Boxes are shares of the content; the prediction is given in shares of the padded image, as documented.
            delta = box_head(content).float()
            before = inverse_sigmoid(boxes)
            moved = (delta + (before if boxes.shape[-1] == 4 else F.pad(before, (0, 2)))).sigmoid()
            predictions.append(Prediction(class_head(content).float(), moved * _content_share(content_hw, images)))
            if self.config.box_refinement:
                boxes = moved.detach()
        return DetectorOutput(
            predictions[-1].logits, predictions[-1].boxes, predictions[:-1], proposals and self._to_padded(proposals, content_hw, images)
        )

    def _levels(self, images: Tensor, content_hw: Tensor) -> tuple[Tensor, Tensor, Tensor, list[tuple[int, int]], Tensor]:
        """Features of all levels in one row: memory [B, S, C], position [B, S, C], padding bool [B, S], level shapes, valid ratios [B, L, 2] (x, y)."""
        features = self.backbone(images)
        maps = [projection(f) for projection, f in zip(self.projections, features, strict=False)]
        if len(self.projections) > len(features):
            maps.append(self.projections[-1](features[-1]))
        valid = content_mask(content_hw, *images.shape[-2:])
        memory, position, padding, ratios = [], [], [], []
        for x, code in zip(maps, self.level_code, strict=True):
            mask = F.interpolate(valid[:, None].float(), size=x.shape[-2:], mode="nearest")[:, 0].bool()  # [B, h, w]
            memory.append(x.flatten(2).transpose(1, 2))
            position.append((sine_position(mask, x.shape[1]).flatten(2).transpose(1, 2) + code).to(x.dtype))
            padding.append(~mask.flatten(1))
            ratios.append(torch.stack([mask[:, 0].float().mean(-1), mask[:, :, 0].float().mean(-1)], -1))
        shapes = [(int(x.shape[-2]), int(x.shape[-1])) for x in maps]
        return torch.cat(memory, 1), torch.cat(position, 1), torch.cat(padding, 1), shapes, torch.stack(ratios, 1)

    def _propose(self, memory: Tensor, padding: Tensor, shapes: list[tuple[int, int]], ratios: Tensor) -> tuple[Prediction, Tensor, Tensor]:
        """First stage: a class score and box per feature cell, boxes [B, S, 4] as shares of the content; the content [B, Q, C] and boxes
        [B, Q, 4] of the `num_queries` best, cut off from the gradient.
        """
        centres, side = [], []
        for level, (height, width) in enumerate(shapes):
            centres.append(_grid(height, width, memory.device)[None] / ratios[:, level, None])  # [B, h w, 2]
            side.append(torch.full((1, height * width, 2), min(_PROPOSAL_SIDE * 2**level, 0.9), device=memory.device).expand(len(memory), -1, -1))
        centre = torch.cat(centres, 1)
        start = inverse_sigmoid(torch.cat([centre, torch.cat(side, 1)], -1))
        usable = ~padding & (centre < 1).all(-1)
        features = self.proposal_norm(memory.masked_fill(~usable[..., None], 0.0))
        logits = self.proposal_class(features).float().masked_fill(~usable[..., None], -20.0)
        boxes = (self.proposal_box(features).float() + start).sigmoid()
        best = logits.amax(-1).topk(min(self.config.num_queries, logits.shape[1]), dim=1).indices  # [B, Q]
        chosen = boxes.gather(1, best[..., None].expand(-1, -1, 4)).detach()
        content = features.gather(1, best[..., None].expand(-1, -1, features.shape[-1])).detach()
        return Prediction(logits, boxes), content, chosen

    @staticmethod
    def _to_padded(prediction: Prediction, content_hw: Tensor, images: Tensor) -> Prediction:
        return Prediction(prediction.logits, prediction.boxes * _content_share(content_hw, images))


def build_detector(config: DetectorConfig) -> Detector:
    """A detector with fresh weights."""
    return Detector(config)


def load_detector(folder: Path) -> Detector:
    """The detector saved in `folder` (config.json, model.safetensors), in evaluation mode. InputError if the two do not belong together."""
    file, fix = folder / "config.json", f"Run `dvc repro {folder.name}` to train it again."
    try:
        config = DetectorConfig.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise InputError("does not exist.", file=file, fix=fix) from None
    except (json.JSONDecodeError, ValidationError) as error:
        raise InputError(f"is no detector configuration: {error}.", file=file, fix=fix) from None
    detector = build_detector(config)
    load_weights(detector, folder / "model.safetensors", f"the one in {file}", fix)
    return detector.eval()


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
    share = content_hw.flip(-1) / torch.tensor([images.shape[-1], images.shape[-2]], device=content_hw.device)
    return torch.cat([share, share], -1)[:, None]


def _box_code(boxes: Tensor, channels: int) -> Tensor:
    """Sine code of boxes [B, Q, 4] -> [B, Q, 4 channels]."""
    return sine_code(boxes * 2 * math.pi, channels).flatten(-2)
