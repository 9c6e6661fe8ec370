"""Detectors to and from transformers' `DeformableDetrForObjectDetection`, on transformers' Swin or timm's ResNet: settings and weights, both ways.

The two compute the same (tested to 1e-4); with a Swin, where every stage of it is a whole number of windows, and more than one: elsewhere timm and
transformers shift and pad windows differently. Only the plain forms exist over there: without denoising, without look forward twice, and with
queries selected by position in the two-stage form.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from contracts.errors import InputError
from training.models.detector import Detector, DetectorConfig, build_detector
from training.models.encoder import RESNETS

# Width, depths, heads and window of the Swins that both sides know.
_SWINS: dict[str, tuple[int, tuple[int, ...], tuple[int, ...], int]] = {
    "swin_nano": (32, (2, 2, 2, 2), (1, 2, 4, 8), 6),
    "swin_micro": (48, (2, 2, 4, 2), (2, 4, 8, 16), 6),
    "swin_tiny_patch4_window7_224": (96, (2, 2, 6, 2), (3, 6, 12, 24), 7),
    "swin_small_patch4_window7_224": (96, (2, 2, 18, 2), (3, 6, 12, 24), 7),
    "swin_base_patch4_window7_224": (128, (2, 2, 18, 2), (4, 8, 16, 32), 7),
}
_BACKBONE = "model.backbone.model."


def from_transformers(model: Any, image_size: tuple[int, int], file: Path | None = None) -> Detector:
    """Our detector with the weights of a `DeformableDetrForObjectDetection`, in evaluation mode.

    InputError if its settings have no counterpart here, or its weights are not those of its settings; `file` is named in it.
    """
    config = _our_config(model.config, image_size, file)
    detector = build_detector(config).eval()
    theirs = {name: value.detach() for name, value in model.state_dict().items()}

    def their(name: str) -> Tensor:
        if name not in theirs:
            raise InputError("lacks a weight.", file=file, field=name, fix="Load a Deformable-DETR checkpoint whose weights are complete.")
        return theirs[name]

    weights = {ours: torch.cat([their(name) for name in parts]) for ours, parts in _names(detector, theirs)}
    last = config.decoder_layers
    if config.two_stage:
        weights |= {"proposal_class.weight": their(f"class_embed.{last}.weight")[:1], "proposal_class.bias": their(f"class_embed.{last}.bias")[:1]}
    else:
        position, content = their("model.query_position_embeddings.weight").chunk(2, 1)
        weights |= {"query_position.weight": position, "query_content.weight": content}
    if not config.box_refinement:
        for name in [name for name in theirs if name.startswith(("class_embed.", "bbox_embed."))]:
            head, _, rest = name.split(".", 2)
            if not torch.equal(theirs[name], their(f"{head}.0.{rest}")):
                raise InputError(
                    "has other heads in each layer without box refinement.", file=file, field=name, fix="Set with_box_refine in its config.json."
                )
    detector.load_state_dict(weights)
    return detector


def to_transformers(detector: Detector) -> Any:
    """A `DeformableDetrForObjectDetection` with the weights of `detector`, in evaluation mode; InputError if it has no such form."""
    from transformers import DeformableDetrConfig, DeformableDetrForObjectDetection

    config = detector.config
    wrong = {
        "encoder": config.encoder not in (*_SWINS, *RESNETS),
        "drop_path": config.encoder in RESNETS and config.drop_path > 0,
        "query_selection": config.two_stage and config.query_selection != "positions",
        "box_refinement": config.two_stage and not config.box_refinement,
        "look_forward_twice": config.look_forward_twice,
        "denoising_queries": config.denoising_queries > 0,
    }
    for field in (name for name, is_wrong in wrong.items() if is_wrong):
        raise InputError(
            "has no counterpart in transformers.", field=field, found=getattr(config, field), fix="Convert a plain Deformable-DETR, or a two-stage one "
            "with box_refinement and query_selection: positions."
        )  # fmt: skip
    model = DeformableDetrForObjectDetection(
        DeformableDetrConfig(
            backbone_config=_their_backbone(config), d_model=config.d_model, num_queries=config.num_queries, auxiliary_loss=True,
            encoder_attention_heads=config.heads, decoder_attention_heads=config.heads, encoder_layers=config.encoder_layers,
            decoder_layers=config.decoder_layers, encoder_ffn_dim=config.ffn_dim, decoder_ffn_dim=config.ffn_dim, dropout=config.dropout,
            encoder_n_points=config.points, decoder_n_points=config.points, num_feature_levels=config.levels, two_stage=config.two_stage,
            two_stage_num_proposals=config.num_queries, with_box_refine=config.box_refinement, class_cost=2, tie_word_embeddings=False,
            id2label=dict(enumerate(config.class_names)), label2id={name: i for i, name in enumerate(config.class_names)},
        )
    ).eval()  # fmt: skip
    ours = {name: value.detach() for name, value in detector.state_dict().items()}
    theirs = model.state_dict()
    weights: dict[str, Tensor] = {}
    for name, parts in _names(detector, theirs):
        sizes = [len(theirs[part]) for part in parts]
        weights |= dict(zip(parts, ours[name].split(sizes), strict=True))
    if config.two_stage:
        # Only the first class of the proposals' head is ever read.
        last = f"class_embed.{config.decoder_layers}"
        weight, bias = torch.zeros_like(theirs[f"{last}.weight"]), torch.full_like(theirs[f"{last}.bias"], -20.0)
        weight[0], bias[0] = ours["proposal_class.weight"][0], ours["proposal_class.bias"][0]
        weights |= {f"{last}.weight": weight, f"{last}.bias": bias}
    else:
        weights["model.query_position_embeddings.weight"] = torch.cat([ours["query_position.weight"], ours["query_content.weight"]], 1)
    for name in theirs:
        head, _, rest = name.removeprefix("model.decoder.").partition(".")
        if head in ("class_embed", "bbox_embed"):  # kept twice, and for every layer
            layer, _, rest = rest.partition(".")
            source = f"{head}.{layer if config.box_refinement else 0}.{rest}"
            weights[name] = weights[source]
        elif name not in weights:
            weights[name] = theirs[name]  # the classifier's norm of the backbone, which nothing reads
    model.load_state_dict(weights)
    return model


def _their_backbone(config: DetectorConfig) -> Any:
    from transformers import SwinConfig, TimmBackboneConfig

    if config.encoder in RESNETS:
        return TimmBackboneConfig(backbone=config.encoder, out_indices=[2, 3, 4])
    width, depths, heads, window = _SWINS[config.encoder]
    return SwinConfig(
        image_size=max(config.image_size), embed_dim=width, depths=list(depths), num_heads=list(heads), window_size=window, drop_path_rate=config.drop_path,
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip


def _our_config(theirs: Any, image_size: tuple[int, int], file: Path | None) -> DetectorConfig:
    for field, wanted in (("activation_function", ("relu",)), ("position_embedding_type", ("sine",)), ("num_feature_levels", (3, 4))):
        if getattr(theirs, field) not in wanted:
            raise InputError(
                "has no counterpart here.", file=file, field=field, found=getattr(theirs, field),
                fix=f"Convert a checkpoint with {' or '.join(map(str, wanted))}.",
            )  # fmt: skip
    same = {
        "heads": ("encoder_attention_heads", "decoder_attention_heads"),
        "ffn_dim": ("encoder_ffn_dim", "decoder_ffn_dim"),
        "points": ("encoder_n_points", "decoder_n_points"),
    }
    values = {}
    for ours, (a, b) in same.items():
        if getattr(theirs, a) != getattr(theirs, b):
            raise InputError(
                f"must be the same as {b} here.", file=file, field=a, found=getattr(theirs, a), fix="Convert a checkpoint where they agree."
            )
        values[ours] = getattr(theirs, a)
    return DetectorConfig(
        encoder=_our_encoder(theirs.backbone_config, file), image_size=image_size,
        class_names=tuple(theirs.id2label[i] for i in range(theirs.num_labels)), d_model=theirs.d_model,
        num_queries=theirs.two_stage_num_proposals if theirs.two_stage else theirs.num_queries, levels=theirs.num_feature_levels,
        encoder_layers=theirs.encoder_layers, decoder_layers=theirs.decoder_layers, dropout=theirs.dropout, box_refinement=theirs.with_box_refine,
        two_stage=theirs.two_stage, query_selection="positions", drop_path=getattr(theirs.backbone_config, "drop_path_rate", 0.0), **values,
    )  # fmt: skip


def _our_encoder(theirs: Any, file: Path | None) -> str:
    """Name of the encoder that computes the same as a backbone of theirs."""
    encoder, found = None, None
    if theirs.model_type == "swin":
        found = (theirs.embed_dim, tuple(theirs.depths), tuple(theirs.num_heads), theirs.window_size, theirs.out_features)
        encoder = next((name for name, numbers in _SWINS.items() if found == (*numbers, ["stage2", "stage3", "stage4"])), None)
    elif theirs.model_type == "timm_backbone":
        found = (theirs.backbone, theirs.out_indices, theirs.output_stride, theirs.num_channels)
        encoder = next((name for name in RESNETS if found == (name, [2, 3, 4], None, 3)), None)
    if encoder is None:
        raise InputError(
            "is no backbone of ours.", file=file, field="backbone_config", found=f"{theirs.model_type} {found or ''}",
            fix=f"Use stages 2 to 4 of {', '.join(_SWINS)}, or timm's {', '.join(RESNETS)} with out_indices 2, 3, 4 and without dilation.",
        )  # fmt: skip
    return encoder


def _both(ours: str, *theirs: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for kind in ("weight", "bias"):
        yield f"{ours}.{kind}", tuple(f"{name}.{kind}" for name in theirs)


def _swin_names(encoder: str, known: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    # Some versions of transformers wrap it.
    swin = _BACKBONE + ("swin." if any(name.startswith(f"{_BACKBONE}swin.") for name in known) else "")
    yield from _both("backbone.swin.patch_embed.proj", f"{swin}embeddings.patch_embeddings.projection")
    yield from _both("backbone.swin.patch_embed.norm", f"{swin}embeddings.norm")
    for stage, depth in enumerate(_SWINS[encoder][1]):
        if stage:
            ours, theirs = f"backbone.swin.layers.{stage}.downsample", f"{swin}encoder.layers.{stage - 1}.downsample"
            yield f"{ours}.reduction.weight", (f"{theirs}.reduction.weight",)
            yield from _both(f"{ours}.norm", f"{theirs}.norm")
        for block in range(depth):
            ours, theirs = f"backbone.swin.layers.{stage}.blocks.{block}", f"{swin}encoder.layers.{stage}.blocks.{block}"
            yield from _both(f"{ours}.norm1", f"{theirs}.layernorm_before")
            yield from _both(f"{ours}.attn.qkv", *(f"{theirs}.attention.{part}_proj" for part in "qkv"))
            table = "relative_position_bias_table"
            yield f"{ours}.attn.{table}", (f"{theirs}.attention.relative_position_bias.{table}",)
            yield from _both(f"{ours}.attn.proj", f"{theirs}.attention.o_proj")
            yield from _both(f"{ours}.norm2", f"{theirs}.layernorm_after")
            yield from _both(f"{ours}.mlp.fc1", f"{theirs}.mlp.fc1")
            yield from _both(f"{ours}.mlp.fc2", f"{theirs}.mlp.fc2")
    for level in range(3):
        yield from _both(f"feature_norms.{level}", f"{_BACKBONE}hidden_states_norms.stage{level + 2}")


def _names(detector: Detector, known: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Our weights, and which of theirs (all of whose names are `known`), one below the other, make them up; without those that are not just rows."""
    config = detector.config
    if config.encoder in RESNETS:  # both sides have timm's, with frozen norms
        for name in detector.backbone.resnet.state_dict():
            yield f"backbone.resnet.{name}", (_BACKBONE + name,)
    else:
        yield from _swin_names(config.encoder, known)
    for level in range(config.levels):
        for part in range(2):
            yield from _both(f"projections.{level}.{part}", f"model.input_proj.{level}.{part}")
    yield "level_code", ("model.level_embed",)

    def attention(ours: str, theirs: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        for name, other in {"offsets": "sampling_offsets", "weights": "attention_weights", "value": "value_proj", "output": "output_proj"}.items():
            yield from _both(f"{ours}.{name}", f"{theirs}.{other}")

    def feed_forward(ours: str, theirs: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        yield from _both(f"{ours}.feed_forward.inner", f"{theirs}.mlp.fc1")
        yield from _both(f"{ours}.feed_forward.outer", f"{theirs}.mlp.fc2")
        yield from _both(f"{ours}.feed_forward.norm", f"{theirs}.final_layer_norm")

    for layer in range(config.encoder_layers):
        ours, theirs = f"encoder.{layer}", f"model.encoder.layers.{layer}"
        yield from attention(f"{ours}.attention", f"{theirs}.self_attn")
        yield from _both(f"{ours}.norm", f"{theirs}.self_attn_layer_norm")
        yield from feed_forward(ours, theirs)
    for layer in range(config.decoder_layers):
        ours, theirs = f"decoder.{layer}", f"model.decoder.layers.{layer}"
        for name, part in {"query": "q", "key": "k", "value": "v", "output": "o"}.items():
            yield from _both(f"{ours}.self_attention.{name}", f"{theirs}.self_attn.{part}_proj")
        yield from _both(f"{ours}.self_norm", f"{theirs}.self_attn_layer_norm")
        yield from attention(f"{ours}.cross_attention", f"{theirs}.encoder_attn")
        yield from _both(f"{ours}.cross_norm", f"{theirs}.encoder_attn_layer_norm")
        yield from feed_forward(ours, theirs)

    for layer in range(config.decoder_layers if config.box_refinement else 1):
        yield from _both(f"class_heads.{layer}", f"class_embed.{layer}")
        for part in range(3):
            yield from _both(f"box_heads.{layer}.{2 * part}", f"bbox_embed.{layer}.layers.{part}")
    if config.two_stage:
        yield from _both("proposal_norm.0", "model.enc_output")
        yield from _both("proposal_norm.1", "model.enc_output_norm")
        yield from _both("query_of_box.0", "model.pos_trans")
        yield from _both("query_of_box.1", "model.pos_trans_norm")
        for part in range(3):
            yield from _both(f"proposal_box.{2 * part}", f"bbox_embed.{config.decoder_layers}.layers.{part}")
    else:
        yield from _both("query_point", "model.reference_points")
