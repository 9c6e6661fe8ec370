"""Masked-autoencoder pretraining (arXiv:2111.06377) of an encoder that computes what is visible alone (arXiv:2205.13515): see training/models/mae.py.

Reads artifacts/pack_beton. Writes artifacts/pretrain_mae/{model.safetensors (the encoder), config.json, log.jsonl, curves.csv, reconstructions.png,
tensorboard/, wandb/}.
"""

import argparse

from contracts.errors import run_command
from contracts.knobs import load_execution, load_hardware, load_knobs
from contracts.stage import rank, stage
from training.config import PretrainMaeKnobs


def main() -> None:
    argparse.ArgumentParser(prog="python -m training.pretrain_mae", description=__doc__).parse_args()
    import lightning as L

    from training.loop import fit, make_plan, open_data
    from training.mae_task import MaeTask
    from training.models.encoder import build_encoder, configure
    from training.models.mae import MaskedAutoencoder
    from training.reconstructions import draw_reconstructions

    knobs, hardware = load_knobs(PretrainMaeKnobs), load_hardware("pretrain_mae")
    with stage("pretrain_mae", knobs, hardware) as s:
        L.seed_everything(knobs.seed, verbose=False)
        data = open_data(hardware, knobs.seed, s.name, knobs.augmentation)
        s.log(data.train.note)
        index = data.train.index
        plan = make_plan(index.splits["train"].screens, knobs.global_batch, knobs.epochs, knobs.warmup_epochs, hardware, s.name)

        encoder = configure(build_encoder(knobs.encoder, index.image_size, knobs.drop_path), **load_execution().model_dump())
        model = MaskedAutoencoder(encoder, knobs.mask_unit, knobs.decoder_depth, knobs.decoder_dim, knobs.masking)
        task = MaeTask(model, knobs, plan, data)
        results = fit(task, s, knobs, hardware, knobs.gradient_clip)
        if rank() == 0:
            encoder.save_pretrained(s.folder)
            draw_reconstructions(task, data.val, s.folder / "reconstructions.png")
        s.report(results, images={"masked reconstructions": "reconstructions.png"})


if __name__ == "__main__":
    run_command(main)
