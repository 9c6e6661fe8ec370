"""Runs that look at their own features: a collapse is told within one look and acted on, a healthy run is left alone, and resuming loses nothing."""

import json
import shutil
import signal
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
import yaml

import tests.training.test_resume as resume
import training.loop
from contracts.errors import InputError
from contracts.knobs import load_hardware, load_knobs, load_watch
from contracts.stage import stage
from tests.training import small_jepa
from tests.training.small_jepa import CLASSES, SmallJepaKnobs, SmallJepaTask, learn, pictures
from tests.training.synthetic_screens import tiny_params, write_params
from training.config import PretrainHjepaKnobs
from training.hjepa_task import HjepaTask
from training.image_sets import open_images
from training.loop import Task
from training.models.hjepa import HierarchicalJepa, means
from training.models.predictor import Cells
from training.pretrain_hjepa import config_of
from training.resources import memory_share
from training.resume import Keeper
from training.watch import Watch, judge, watch

EVERY = 4
ARTIFACT, KEPT = Path("artifacts/small_jepa"), Path("artifacts/.small_jepa.checkpoints")
HEALTHY = SmallJepaKnobs()
COLLAPSING = SmallJepaKnobs(short_circuit=True, learning_rate=0.03, epochs=6)


def settings(launcher: str = "python", devices: int = 1, micro_batch: int = 8, webhook: str | None = None, **watching: Any) -> None:
    params = tiny_params()
    params["runs"]["checkpoint_steps"] = 0
    params["watch"] |= {"every_steps": EVERY, "probe_images": 300, "from_step": 0, "on_collapse": ["log"]} | watching
    params["notify"] |= {"webhook": webhook, "timeout_seconds": 5.0}
    hardware = {"accelerator": "cpu", "launcher": launcher, "devices": devices, "micro_batch": micro_batch, "num_workers": 0, "loader": "auto"}
    params["presets"]["tiny-cpu"]["hardware"]["small_jepa"] = hardware
    write_params(Path.cwd(), params)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    settings()
    return tmp_path


class Variance(L.Callback):
    """The first step after which the features' variance is below the alarm's, measured at each step by itself."""

    def __init__(self) -> None:
        self.low_from: int | None = None

    def on_train_batch_end(self, trainer: L.Trainer, module: Task, outputs: Any, batch: Any, batch_idx: int) -> None:  # type: ignore[override]
        if (batch_idx + 1) % module.plan.accumulation == 0 and self.low_from is None:
            (probe,) = module.data.val.images.batches("val", 550)
            with torch.no_grad():
                means = module.features(probe)[0][:300].mean((-2, -1))
            if float(means.double().var(0).mean()) < 0.01:
                self.low_from = trainer.global_step


def rows(folder: Path = ARTIFACT) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_a_healthy_run_raises_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    learn(HEALTHY)
    looks = [row for row in rows() if "watch_alarm" in row]
    assert [row["step"] for row in looks] == [4, 8, 12, 16]
    assert all(row["watch_alarm"] == 0 for row in looks)
    assert json.loads((ARTIFACT / "metrics.json").read_text())["collapse_alarms"] == 0
    assert "COLLAPSE" not in capfd.readouterr().err
    for level in (0, 1):
        assert all(row[f"watch_knn_level_{level}"] > 2 / CLASSES and row[f"watch_effective_rank_level_{level}"] > 2 for row in looks)
        # A look tells the loss of its own step, and the curves have all of it.
        for row in looks:
            (logged,) = [other for other in rows() if other["step"] == row["step"] and f"loss_level_{level}" in other]
            assert row[f"watch_loss_level_{level}"] == pytest.approx(logged[f"loss_level_{level}"], rel=1e-5)
    assert "watch_variance_level_0" in (ARTIFACT / "curves.csv").read_text().splitlines()[0]
    assert any(path.name.startswith("events") for path in (ARTIFACT / "tensorboard").iterdir())


def test_looks_change_nothing_of_a_run() -> None:
    learn(HEALTHY)
    watched = torch.load(ARTIFACT / "model.pt")
    settings(every_steps=0)
    learn(HEALTHY)
    alone = torch.load(ARTIFACT / "model.pt")
    assert all(torch.equal(watched[name], alone[name]) for name in alone)
    assert not any("watch_alarm" in row for row in rows())


def test_a_collapse_is_told_within_one_look(capfd: pytest.CaptureFixture[str]) -> None:
    """Predictor and target short-circuited: the features' variance is gone in a few steps."""
    variance = Variance()
    learn(COLLAPSING, [variance])
    assert variance.low_from is not None
    looks = [row for row in rows() if "watch_alarm" in row]
    told = next(row["step"] for row in looks if row["watch_variance_level_0"] < 0.01 and row["watch_alarm"])
    assert 0 <= told - variance.low_from < EVERY
    said = capfd.readouterr().err
    assert "COLLAPSE at step" in said and "the features' variance on level 0 is" in said
    # Once for as long as it lasts.
    assert said.count("COLLAPSE at step") == json.loads((ARTIFACT / "metrics.json").read_text())["collapse_alarms"] < len(looks)


class ShortCircuit(torch.nn.Module):
    """In a predictor's place: every cell that is asked for is said to be as its image's context is on average."""

    def forward(self, seen: list[tuple[torch.Tensor, Cells]], wanted: Cells, number: int) -> torch.Tensor:
        tokens, at = seen[0]
        return means(tokens, at.image, number)[wanted.image]


def learn_hjepa(short_circuit: bool, callbacks: Sequence[L.Callback]) -> None:
    """The stage's own model and task on the pictures, four epochs of four steps. Short-circuited, the target is the learning encoder itself, gradient and
    all, which is an average of momentum 0; no predictor stands between the two, and nothing keeps images apart."""
    knobs = load_knobs(PretrainHjepaKnobs)
    changes: dict[str, Any] = {
        "encoder": "vit_nano_patch4_32", "global_batch": 16, "epochs": 4, "warmup_epochs": 0.0, "base_learning_rate": 0.03, "loss": "mse",
        **({"target_encoder": "online", "regulariser": "vicreg", "regulariser_weight": 0.0, "covariance_weight": 0.0} if short_circuit else {}),
    }  # fmt: skip
    knobs = PretrainHjepaKnobs.model_validate({**knobs.model_dump(), **changes})
    hardware, images = load_hardware("pretrain_hjepa").model_copy(update={"micro_batch": 16}), pictures()
    with stage("small_jepa", knobs, hardware, dataset_version=images.version) as s:
        L.seed_everything(knobs.seed, verbose=False)
        data = open_images(images, hardware, knobs.seed, s.name)
        model = HierarchicalJepa(config_of(knobs, images.image_size))
        if short_circuit:
            model.predictors = torch.nn.ModuleList(ShortCircuit() for _ in range(knobs.levels))
        plan = training.loop.make_plan(data.train.order.screens, knobs.global_batch, knobs.epochs, 0.0, hardware, s.name)
        s.report(training.loop.fit(HjepaTask(model, knobs, plan, data), s, knobs, hardware, 1.0, [watch(s, data), *callbacks]))


@pytest.mark.parametrize("short_circuit", [False, True], ids=["healthy", "collapsing"])
def test_the_stages_own_model_is_told_within_one_look_or_left_alone(short_circuit: bool, capfd: pytest.CaptureFixture[str]) -> None:
    variance = Variance()
    learn_hjepa(short_circuit, [variance])
    looks, alarms = [row for row in rows() if "watch_alarm" in row], json.loads((ARTIFACT / "metrics.json").read_text())["collapse_alarms"]
    told = [row["step"] for row in looks if row["watch_alarm"]]
    assert [row["step"] for row in looks] == [4, 8, 12, 16]
    assert ("COLLAPSE at step" in capfd.readouterr().err) == short_circuit == bool(told) == bool(alarms)
    if not short_circuit:
        assert variance.low_from is None
        return
    assert variance.low_from is not None and 0 <= told[0] - variance.low_from < EVERY


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[Any]]]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    got: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", got
    server.shutdown()
    server.server_close()


def test_a_collapse_is_acted_on(webhook: tuple[str, list[Any]], capfd: pytest.CaptureFixture[str]) -> None:
    """A message, a checkpoint, and the end of the run, of which no artifact is left; run again it stops again at the next look."""
    url, got = webhook
    settings(webhook=url, on_collapse=["notify", "checkpoint", "stop"])
    with pytest.raises(
        InputError, match=r"params.yaml: watch.on_collapse: COLLAPSE at step (\d+): .*variance on level 0.*take `stop` out to go on"
    ) as first:
        learn(COLLAPSING)
    step = int(str(first.value).split("at step ")[1].split(":")[0])
    assert not ARTIFACT.exists() and [folder.name for folder in KEPT.glob("step-*")] == [f"step-{step:08d}"]
    (message,) = got
    assert message["subject"] == "small_jepa: collapse" and message["level"] == "error" and message["facts"]["step"] == step
    assert message["facts"]["watch_variance_level_0"] < 0.01
    assert "[small_jepa] COLLAPSE" not in capfd.readouterr().err  # `log` was not asked for
    with pytest.raises(InputError, match=f"COLLAPSE at step {step + EVERY}"):
        learn(COLLAPSING)
    assert len(got) == 2


def test_a_lowered_rate(capfd: pytest.CaptureFixture[str]) -> None:
    """And a server that does not answer, which stops nothing."""
    settings(webhook="http://127.0.0.1:9/", on_collapse=["notify", "lower_rate"])
    learn(COLLAPSING)
    assert "NOT SENT by webhook" in capfd.readouterr().err
    lowered = next(row["step"] for row in rows() if row.get("watch_alarm"))
    rates = {row["step"]: row["learning_rate"] for row in rows() if "learning_rate" in row}
    steps = COLLAPSING.epochs * 4
    assert lowered < steps == len(rates)
    for step, rate in rates.items():
        factor = 1.0 if step <= lowered else 0.1
        assert rate == pytest.approx(factor * 0.03 * training.loop.warmup_cosine(int(step) - 1, 0, steps), rel=1e-12), step


def run(knobs: SmallJepaKnobs, devices: int = 1, kill_at: int | None = None) -> str:
    """The stage in processes of its own, as tests/training/test_resume.py runs the detector's; what they said."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resume.train_detector, "main", lambda: learn(knobs))  # processes are forked
        code, said = resume.run(devices, kill_at)
    assert code == (0 if kill_at is None else -signal.SIGKILL), said[-4000:]
    return said


def finished() -> tuple[list[dict[str, float]], dict[str, torch.Tensor]]:
    """What a run made that does not depend on the clock; nothing of it stays."""
    made = [{name: value for name, value in row.items() if name not in resume.CLOCKED} for row in rows()], torch.load(ARTIFACT / "model.pt")
    shutil.rmtree(ARTIFACT)
    return made


@pytest.mark.parametrize(("launcher", "devices"), [("python", 1), ("torchrun", 2)])
def test_a_run_with_a_lowered_rate_is_resumed_bit_for_bit(launcher: str, devices: int) -> None:
    """Images that stay on the device and are augmented there; killed after the rate was lowered, between two looks."""
    settings(launcher, devices, on_collapse=["lower_rate"])
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["runs"]["checkpoint_steps"] = 1
    Path("params.yaml").write_text(yaml.safe_dump(params))
    assert "the learning rate is 0.1 times what it was" in run(COLLAPSING, devices)
    curve, weights = finished()
    lowered = next(row["step"] for row in curve if row.get("watch_alarm"))
    assert lowered < 18
    run(COLLAPSING, devices, kill_at=18)
    assert "step 18 of 24" in run(COLLAPSING, devices)
    resumed, made = finished()
    assert resumed == curve
    assert weights.keys() == made.keys() and all(torch.equal(weights[name], made[name]) for name in weights)


def test_two_processes_see_what_one_sees() -> None:
    settings(micro_batch=16)
    learn(HEALTHY)
    alone, _ = finished()
    settings("torchrun", 2)
    run(HEALTHY, devices=2)
    together, _ = finished()
    for one, other in zip(alone, together, strict=True):
        assert one.keys() == other.keys()
        for name in (name for name in one if name.startswith("watch_")):
            assert other[name] == pytest.approx(one[name], rel=1e-3, abs=1e-4), (one["step"], name)


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["fsdp", "deepspeed_stage_3"])
def test_split_weights_are_looked_at_whole(launcher: str) -> None:
    settings(micro_batch=16)
    learn(COLLAPSING)
    alone, _ = finished()
    settings(launcher, 2)
    run(COLLAPSING, devices=2)
    first, other = (next(row for row in made if "watch_alarm" in row) for made in (alone, finished()[0]))
    for name in (name for name in first if name.startswith(("watch_variance", "watch_effective_rank"))):
        assert other[name] == pytest.approx(first[name], rel=0.01), name


GOOD = {
    "watch_loss": 1.0, "watch_variance_level_0": 0.5, "watch_variance_level_1": 0.4, "watch_effective_rank_level_0": 50.0,
    "watch_effective_rank_level_1": 40.0, "watch_knn_level_0": 0.3, "watch_knn_level_1": 0.1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        ({"watch_variance_level_1": 0.0099}, ["variance on level 1 is 0.0099, below 0.01"]),
        ({"watch_variance_level_1": 0.01}, []),
        ({"watch_effective_rank_level_0": 19.1}, []),
        (
            {"watch_effective_rank_level_0": 19.1, "watch_effective_rank_level_1": 25.0},
            ["rank is 19.1 on level 0 and no better on others, below 10% of 192"],
        ),
        (
            {"watch_effective_rank_level_0": 9, "watch_effective_rank_level_1": 25.5},
            ["rank is 25.5 on level 1 and no better on others, below 10% of 256"],
        ),
        ({"watch_effective_rank_level_0": 9, "watch_effective_rank_level_1": 25.7}, []),
        ({"watch_knn_level_0": 0.119}, ["nearest neighbours tell 11.9% of the classes, and the largest class is 10.0%"]),
        ({"watch_loss": 1.21}, ["the loss is 1.21, more than 50% above the 0.8 of a look before"]),
        ({"watch_loss": 1.19}, []),
    ],
)
def test_what_is_a_collapse(changes: dict[str, float], words: list[str]) -> None:
    shipped = load_watch(Path(__file__).parents[2] / "params.yaml")
    found = judge(GOOD | changes, 0.8, 0.1, [192, 256], shipped)
    assert len(found) == len(words) and all(word in line for word, line in zip(words, found, strict=True))


def test_what_cannot_be_judged_is_not() -> None:
    shipped = load_watch(Path(__file__).parents[2] / "params.yaml")
    assert judge(GOOD | {"watch_loss": 9.0, "watch_knn_level_0": 0.0}, None, None, [192, 128], shipped) == []


def test_features_that_are_not_finite_are_a_collapse(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(SmallJepaTask, "features", lambda self, batch: [torch.full((len(batch), 4, 2, 2), torch.nan)])
    learn(HEALTHY)
    assert "COLLAPSE at step 4: the features on level 0 are not finite" in capfd.readouterr().err


def test_too_few_images_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    images = small_jepa.pictures()
    images.splits["val"] = images.splits["val"][:1]
    monkeypatch.setattr(small_jepa, "pictures", lambda: images)
    with pytest.raises(InputError, match=r"validation split: has too few images to look at. Found: 1. Set watch.every_steps to 0"):
        learn(HEALTHY)


class Resources(L.Callback):
    """At the end of the last step: what the watch says of memory and disk, with and without room."""

    def on_train_batch_end(self, trainer: L.Trainer, module: SmallJepaTask, outputs: Any, batch: Any, batch_idx: int) -> None:  # type: ignore[override]
        if trainer.global_step < module.plan.steps:
            return
        (watching,) = (c for c in trainer.callbacks if isinstance(c, Watch))  # type: ignore[attr-defined]
        (keeper,) = (c for c in trainer.callbacks if isinstance(c, Keeper))  # type: ignore[attr-defined]
        for free, share in ((10 << 30, 0.5), (1 << 30, 0.97), (1 << 30, 0.97), (10 << 30, 0.5), (1 << 30, 0.5)):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("training.checkpoints.CheckpointFolder.free", lambda self, free=free: free)
                patch.setattr("training.watch.memory_share", lambda share=share: share)
                watching.check_resources(keeper, module.device)
            self.left = sorted(folder.name for folder in KEPT.glob("step-*"))


def test_low_memory_and_a_low_disk_are_told_once_and_old_checkpoints_go(webhook: tuple[str, list[Any]], capfd: pytest.CaptureFixture[str]) -> None:
    url, got = webhook
    settings(webhook=url, every_steps=2, memory_above=0.9, disk_free_gib=2.0)
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["runs"] |= {"checkpoint_steps": 1, "keep_last": 4}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    checking = Resources()
    learn(HEALTHY, [checking])
    said = capfd.readouterr().err
    assert said.count("LOW ON DISK: 1.00 GiB are free where artifacts/.small_jepa.checkpoints is, less than 2") == 2
    assert said.count("LOW ON MEMORY: 97% of the memory is in use, more than 90%") == 1
    assert [message["subject"] for message in got].count("small_jepa: low on memory") == 1
    assert {message["subject"] for message in got} == {"small_jepa: low on disk", "small_jepa: low on memory"}
    assert len(checking.left) <= 2 and checking.left[-1] == "step-00000015"  # the newest, and the best one if that is another


def test_memory_of_the_host_and_of_a_container(tmp_path: Path) -> None:
    meminfo, cgroup = tmp_path / "meminfo", tmp_path / "cgroup"
    cgroup.mkdir()
    meminfo.write_text("MemTotal:  1000 kB\nMemFree: 100 kB\nMemAvailable:  400 kB\nHugePages_Total: 0\n")
    assert memory_share(meminfo, cgroup) == pytest.approx(0.6)
    for name, text in (("memory.max", "max\n"), ("memory.current", "700\n"), ("memory.stat", "anon 1\ninactive_file 100\n")):
        (cgroup / name).write_text(text)
    assert memory_share(meminfo, cgroup) == pytest.approx(0.6)
    (cgroup / "memory.max").write_text("800\n")
    assert memory_share(meminfo, cgroup) == pytest.approx(600 / 800)
    assert memory_share(tmp_path / "nothing", tmp_path / "nothing") is None
