"""Machines that SkyPilot rents. SkyPilot itself reads the task files, in an environment of its own. No cloud is to be had here, so where machines are brought up a
stand-in answers for `sky`: it writes down what it is asked, and lets the cluster's name lead to a real OpenSSH server on loopback.
"""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.errors import InputError
from orchestration.hosts import SkypilotKnobs, Target, load_targets
from orchestration.skypilot import cluster_name, on_demand, task
from tests.orchestration.cluster import PYTHON, Asker, Sshd, kill, make_asker, processes_of, until

pytestmark = pytest.mark.cluster
SKYPILOT = "skypilot==0.14.1"
BLOCK: dict[str, Any] = {
    "resources": {"accelerators": "H100:8", "disk_size": 512, "any_of": [{"infra": "aws/us-east-1"}, {"infra": "gcp"}, {"infra": "lambda"}]},
    "setup": "pip install .", "on_demand": 0.25, "idle_minutes": 20,
}  # fmt: skip


def target(**more: Any) -> dict[str, Any]:
    return {
        "launcher": "skypilot", "folder": "~/screenry", "python": PYTHON, "bring_checkpoints": 0.5, "vanished_after": 5, "skypilot": BLOCK, **more,
    }  # fmt: skip


def test_skypilot_reads_the_task_files(tmp_path: Path) -> None:
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if uv is None:
        pytest.skip("needs uv")
    files = []
    for nodes, spot in ((1, None), (2, True), (1, False)):
        files.append(tmp_path / f"{nodes}-{spot}.yaml")
        made = task(Target.model_validate(target(nodes=nodes)), SkypilotKnobs.model_validate(BLOCK), "screenry-rented", spot)
        files[-1].write_text(yaml.safe_dump(made))
    read = (
        "import json, sys, sky\n"
        "for t in map(sky.Task.from_yaml, sys.argv[1:]):\n"
        "    found = sorted([str(r.cloud), r.region, r.accelerators, r.use_spot, r.disk_size] for r in t.resources)\n"
        "    print('READ ' + json.dumps([t.name, t.num_nodes, found, t.setup, t.run]))\n"
    )
    command = [uv, "tool", "run", "-q", "--python", sys.executable, "--from", SKYPILOT, "python", "-c", read, *map(str, files)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=180, env={**os.environ, "HOME": str(tmp_path), "SKYPILOT_DISABLE_USAGE_COLLECTION": "1"}
    )
    if done.returncode and "READ" not in done.stdout and "Failed to fetch" in done.stderr:
        pytest.skip(f"{SKYPILOT} is not to be had: {done.stderr[-200:]}")
    assert done.returncode == 0, done.stderr
    one, two, full = (json.loads(line.removeprefix("READ ")) for line in done.stdout.splitlines() if line.startswith("READ "))
    assert (one[0], one[1], two[1]) == ("screenry-rented", 1, 2) and one[3] == "pip install ." and "pgrep" in one[4]
    for found, spot in ((one[2], False), (two[2], True), (full[2], False)):
        assert found == [
            ["AWS", "us-east-1", {"H100": 8}, spot, 512],
            ["GCP", None, {"H100": 8}, spot, 512],
            ["Lambda", None, {"H100": 8}, spot, 512],
        ]


def test_a_share_of_jobs_pays_the_full_price_and_always_the_same_ones() -> None:
    names = [f"count-{number}" for number in range(2000)]
    assert 0.22 < sum(on_demand(name, 0.25) for name in names) / len(names) < 0.28
    assert [on_demand(name, 0.25) for name in names[:50]] == [on_demand(name, 0.25) for name in names[:50]]
    assert not any(on_demand(name, 0.0) for name in names) and all(on_demand(name, 1.0) for name in names)
    assert cluster_name("Big Box", "abc", True) == "screenry-big-box-spot-abc" != cluster_name("Big Box", "abc", False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"skypilot": None}, "`launcher: skypilot` and a block `skypilot:` belong together"),
        ({"hosts": ["a"]}, "`hosts` does not belong to `launcher: skypilot`"),
        ({"data": "shared"}, "rented machines do not have this repository"),
        ({"bring_checkpoints": 0}, "needs `bring_checkpoints`"),
        ({"skypilot": BLOCK | {"resources": {"use_spot": True}}}, "say the same: choose one"),
        ({"skypilot": BLOCK | {"idle_minute": 3}}, "targets.rented.skypilot.idle_minute: is an unknown key. Did you mean `idle_minutes`"),
    ],
)
def test_broken_targets_are_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    (tmp_path / "hosts.yaml").write_text(yaml.safe_dump({"targets": {"rented": target(**change)}}))
    with pytest.raises(InputError) as raised:
        load_targets(tmp_path / "hosts.yaml")
    assert message in str(raised.value)


@pytest.fixture
def asker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asker]:
    asker = make_asker(tmp_path / "asker")
    yield asker
    for launched in asker.launched:
        if launched.process.poll() is None:
            launched.kill()
    for pid in [*processes_of(tmp_path / "box", "job.py"), *processes_of(tmp_path / "box")]:
        kill(pid)


def stand_in(folder: Path, servers: list[Path]) -> None:
    """A program `sky` that notes its arguments and task, and lets every cluster's name lead to the next of `servers`."""
    folder.mkdir()
    program = folder / "sky"
    program.write_text(
        f"""#!{sys.executable}
import json, shutil, sys
from pathlib import Path
here, servers = Path({str(folder)!r}), {[str(server) for server in servers]!r}
asked = here / "asked.jsonl"
number = len(asked.read_text().splitlines()) if asked.exists() else 0
asked.open("a").write(json.dumps([sys.argv[1:], Path(sys.argv[-1]).read_text()]) + "\\n")
if number >= len(servers):
    sys.exit("Failed to provision all possible launchable resources.")
shutil.copy(Path(servers[number]) / "ssh_config", here / "ssh_config")
"""
    )
    program.chmod(program.stat().st_mode | stat.S_IEXEC)


def test_machines_are_rented_and_replaced_when_they_are_taken_away(
    asker: Asker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    doomed, second = Sshd(tmp_path / "doomed"), Sshd(tmp_path / "second")
    request.addfinalizer(second.stop)
    stand_in(tmp_path / "bin", [doomed.folder, second.folder])
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    asker.hosts(
        box=target(
            folder=str(tmp_path / "box"), max_resumes=1, skypilot={**BLOCK, "on_demand": 0.0}, ssh_options=["-F", str(tmp_path / "bin/ssh_config")]
        )
    )
    asker.settings(steps=50, seconds=0.1)
    launched = asker.launch()
    until(lambda: list(asker.folder.glob("artifacts/.count.checkpoints/step-*")), "a checkpoint comes here")
    doomed.stop()
    for pid in [*processes_of(tmp_path / "box", "job.py"), *processes_of(tmp_path / "box")]:
        kill(pid)
    shutil.rmtree(tmp_path / "box")  # another machine does not have what the first one had
    launched.says("asking for another")
    assert launched.wait() == 0, launched.text
    assert 0 < asker.artifact("metrics.json")["begun"] < 50 and asker.artifact("launch.json")["launcher"] == "skypilot"
    asked = [json.loads(line) for line in (tmp_path / "bin/asked.jsonl").read_text().splitlines()]
    assert [yaml.safe_load(text)["resources"]["use_spot"] for _, text in asked] == [True, False], "the last ones are not taken away again"
    assert asked[0][0][:6] == ["launch", "--yes", "--detach-run", "--fast", "--down", "--idle-minutes-to-autostop"]
    assert "-spot-" in asked[0][0][-2] and "-full-" in asked[1][0][-2]

    asker.settings(steps=51)
    refused = asker.run()
    assert refused.process.returncode == 1
    assert "targets.box.skypilot: SkyPilot could not rent the machines: Failed to provision all possible launchable resources." in refused.text
