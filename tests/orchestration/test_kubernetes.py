"""Stages as jobs of Kubernetes. No Kubernetes server can run where these tests do, so they speak to a stand-in (`kubernetes_stand_in`), by the official client; what
is submitted is held to the published schemas, and the pods' program really runs."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from contracts.knobs import Hardware
from orchestration.hosts import Target
from orchestration.kubernetes import job_object
from orchestration.pipeline import DeclaredStage
from orchestration.remote import Job
from tests.orchestration.cluster import PYTHON, Asker, kill, make_asker, processes_of, steps, until
from tests.orchestration.kubernetes_stand_in import StandIn, check

pytestmark = pytest.mark.cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[StandIn]:
    stand_in = StandIn(tmp_path / "cluster")
    yield stand_in
    stand_in.stop()


@pytest.fixture
def asker(tmp_path: Path, cluster: StandIn) -> Iterator[Asker]:
    yield from asking(make_asker(tmp_path / "asker"), cluster)


def asking(asker: Asker, cluster: StandIn, **more: Any) -> Iterator[Asker]:
    asker.env = {"KUBECONFIG": str(cluster.kubeconfig)}
    asker.hosts(box=target(asker, **more))
    yield asker
    for launched in asker.launched:
        if launched.process.poll() is None:
            launched.kill()
    for pid in [*processes_of(asker.folder, "job.py"), *processes_of(asker.folder)]:
        kill(pid)


def target(asker: Asker, kubernetes: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    block = {"namespace": "train", "image": "registry.example.org/screenry:1", "claim": "store", **(kubernetes or {})}
    return {"launcher": "kubernetes", "folder": str(asker.folder), "python": PYTHON, "data": "shared", "kubernetes": block, **more}


def test_a_job_is_followed_found_again_and_collected(asker: Asker, cluster: StandIn, tmp_path: Path) -> None:
    asker.settings(steps=12, hold=str(tmp_path / "go"))
    killed = asker.launch()
    killed.says("step 2 done")
    killed.kill()
    second = asker.launch()
    second.says("found job count-")
    second.says("step 10 done")
    assert len(cluster.created) == 1
    (tmp_path / "go").touch()
    assert second.wait() == 0, second.text
    assert steps(second.text) == list(range(1, 13)) and second.text.count("from step") == 1
    launch = asker.artifact("launch.json")
    assert (launch["launcher"], launch["attempts"]) == ("kubernetes", 1) and launch["object"] == cluster.created[0]["metadata"]["name"]
    assert asker.artifact("metrics.json")["input_bytes"] == 5000 and not cluster.objects


def test_a_cancelled_launcher_ends_the_pods_and_what_someone_deletes_stays_deleted(asker: Asker, cluster: StandIn) -> None:
    asker.settings(steps=2000)
    launched = asker.launch()
    launched.says("step 3 done")
    os.killpg(launched.process.pid, signal.SIGTERM)
    assert launched.wait() == 128 + signal.SIGTERM, launched.text
    assert processes_of(asker.folder) == [] and not cluster.objects and not cluster.processes()
    reached = steps(launched.text)[-1]
    again = asker.launch()
    until(lambda: again.text.count("from step") == 2, "the job goes on")
    resumed = [int(line.split()[-1]) for line in again.text.splitlines() if "from step" in line]
    assert resumed[1] >= reached > 0, "the checkpoint that it made when it was told to end"
    (name,) = cluster.objects
    cluster.answer("DELETE", f"/apis/batch/v1/namespaces/train/jobs/{name}", {}, {})
    assert again.wait() == 143 and "was cancelled" in again.text


def test_an_evicted_and_a_silent_pod_lead_to_a_resume_which_is_bounded(asker: Asker, cluster: StandIn) -> None:
    asker.hosts(box=target(asker, vanished_after=8, max_resumes=2))
    asker.settings(steps=2000)
    launched = asker.launch()
    launched.says("step 3 done")
    cluster.evict(next(iter(cluster.pods)))
    launched.says("attempt 1 was ended by its host")
    until(lambda: len(steps(launched.text)) > 10, "steps of the second attempt")
    cluster.silent.clear()
    launched.says("attempt 2 has given no sign of life for 8 s")
    cluster.silent.set()
    until(lambda: launched.text.count("from step") == 3, "the third attempt")
    resumed = [int(line.split()[-1]) for line in launched.text.splitlines() if "from step" in line]
    assert 0 < resumed[1] < resumed[2]
    cluster.evict(list(cluster.pods)[-1])
    assert launched.wait() == 143 and "not tried again (targets.box.max_resumes)" in launched.text
    assert len(cluster.created) == 3


def test_what_the_cluster_lacks_is_named(asker: Asker, cluster: StandIn) -> None:
    cluster.existing.remove("namespaces/train/persistentvolumeclaims/store")
    cluster.forbidden.add("create jobs")
    lacking = asker.run()
    assert lacking.process.returncode == 1
    words = "the cluster lacks the claim store in the namespace train; the permission to create jobs in the namespace train."
    assert f"error: hosts.yaml: targets.box.kubernetes: {words}" in lacking.text and not cluster.created
    cluster.existing.clear()
    assert "the cluster lacks the namespace train." in asker.run().text
    asker.env = {"KUBECONFIG": str(asker.folder / "nothing")}
    assert "error: hosts.yaml: targets.box.kubernetes.context: finds no cluster: " in asker.run().text


def test_a_stage_that_fails_by_itself_is_not_tried_again(asker: Asker, cluster: StandIn) -> None:
    asker.settings(fail=True)
    failed = asker.run()
    assert failed.process.returncode == 1 and len(cluster.created) == 1
    assert failed.text.splitlines()[-1] == "error: params.yaml: count.fail: is set. Found: True. Set it to false."


@pytest.mark.parametrize("nodes", [1, 3])
def test_every_setting_gives_an_object_that_the_schemas_admit(nodes: int) -> None:
    stage = DeclaredStage(
        name="pretrain_mae", description="", command="", room="training", pool="gpu", deps=(), outs=(), params=(), upstream=(), reads_dataset=False
    )
    gpus = Hardware.model_validate({"accelerator": "gpu", "launcher": "torchrun", "devices": 8, "micro_batch": 1, "num_workers": 0, "loader": "auto"})
    job = Job(stage, "training.pretrain_mae", gpus, "pretrain_mae-0123456789ab")
    block = {
        "image": "screenry:1", "claim": "store", "mount": "/mnt", "service_account": "trainer", "secrets": ["remotes"],
        "resources": {"cpu": "2", "memory": "4Gi"}, "node_selector": {"gpu": "h100"}, "priority_class": "low", "queue": "team",
        "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
    }  # fmt: skip
    values = {"launcher": "kubernetes", "folder": "/mnt/me", "python": "python", "data": "shared", "nodes": nodes, "kubernetes": block}
    built = job_object(Target.model_validate_json(json.dumps(values)), job, "0badcafe", 1, {"folder": "/mnt/me"}, 8)
    check(built)
    text = json.dumps(built)
    assert built["metadata"]["name"] == "pretrain-mae-0123456789ab-0badcafe-1" and '"nvidia.com/gpu": "8"' in text
    assert all(f'"{value}"' in text for value in ("trainer", "remotes", "4Gi", "h100", "low", "team", "NoSchedule", "/mnt"))
    built["spec"]["nonsense"] = 1
    with pytest.raises((AssertionError, kubernetes_validate.ValidationError)):
        check(built)
