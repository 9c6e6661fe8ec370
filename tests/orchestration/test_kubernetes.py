"""Stages as jobs of Kubernetes. No Kubernetes server can run where these tests do, so they speak to a stand-in (`kubernetes_stand_in`), by the official client; what
is submitted is held to the published schemas, and the pods' program really runs."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import kubernetes_validate
import pytest
import yaml

from contracts.errors import InputError
from contracts.knobs import Hardware
from orchestration import kubernetes, worker
from orchestration.hosts import Target
from orchestration.kubernetes import Cluster, Pods, job_name, job_object
from orchestration.pipeline import DeclaredStage
from orchestration.remote import Job
from tests.orchestration.cluster import PYTHON, Asker, check_that_dagster_sees, kill, make_asker, make_asker_of_two, processes_of, steps, until
from tests.orchestration.kubernetes_stand_in import NOW, Containers, StandIn, check, container_status, unschedulable, waiting
from tests.orchestration.small_repository import REPOSITORY, Small
from tests.orchestration.test_several_hosts import Network, network  # noqa: F401

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
    asker.env = {"KUBECONFIG": cluster.kubeconfig}
    asker.hosts(box=target(asker.folder, **more))
    yield asker
    for launched in asker.launched:
        if launched.process.poll() is None:
            launched.kill()
    for pid in [*processes_of(asker.folder, "job.py"), *processes_of(asker.folder)]:
        kill(pid)


def target(folder: Path, kubernetes: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    block = {"namespace": "train", "image": "registry.example.org/screenry:1", "claim": "store", **(kubernetes or {})}
    return {"launcher": "kubernetes", "folder": str(folder), "python": PYTHON, "data": "shared", "kubernetes": block, **more}


def pipes(messages: Path) -> dict[str, str]:
    """The environment that Dagster gives a stage, with the file in which it waits for messages."""
    from dagster_pipes import encode_param

    nothing = ("asset_keys", "code_version_by_asset_key", "provenance_by_asset_key", "partition_key", "partition_key_range", "partition_time_window")
    context = dict.fromkeys(nothing) | {"run_id": "run", "job_name": None, "retry_number": 0, "extras": {}}
    return {"DAGSTER_PIPES_CONTEXT": encode_param({"data": context}), "DAGSTER_PIPES_MESSAGES": encode_param({"path": str(messages)})}


def test_a_job_is_followed_found_again_and_collected(asker: Asker, cluster: StandIn, tmp_path: Path) -> None:
    """By four launchers: one is killed, one loses its permission, one is killed, and one finds that the job has ended."""
    asker.settings(steps=12, hold=str(tmp_path / "go"))
    killed = asker.launch(**pipes(tmp_path / "first"))
    killed.says("step 2 done")
    killed.kill()
    second = asker.launch()
    second.says("found job count-")
    second.says("step 10 done")
    cluster.forbidden.add("list pods")
    assert second.wait() == 1, "the job goes on, and a person reads why nobody follows it"
    refused = 'the cluster refuses: pods is forbidden: User "me" cannot list resource "pods" in API group "" in the namespace "train".'
    assert second.text.splitlines()[-1].startswith(f"error: hosts.yaml: targets.box: {refused}")
    cluster.forbidden.clear()
    (tmp_path / "go").touch()
    until(lambda: cluster.completed(), "the job ends with nobody watching")
    third = asker.launch(**pipes(tmp_path / "last"))
    assert third.wait() == 0 and "has ended well on box meanwhile" in third.text, third.text
    assert steps(third.text) == list(range(1, 13)) and third.text.count("from step") == 1 and len(cluster.created) == 1
    launch = asker.artifact("launch.json")
    assert (launch["launcher"], launch["attempts"]) == ("kubernetes", 1) and launch["object"] == cluster.created[0]["metadata"]["name"]
    assert asker.artifact("metrics.json")["input_bytes"] == 5000 and not cluster.objects
    messages = [json.loads(line) for line in (tmp_path / "last").read_text().splitlines()]
    told = [message["params"]["message"] for message in messages if message["method"] == "log"]
    assert [message["method"] for message in messages if message["method"] != "log"] == ["opened", "closed"]
    assert told[0] == "from step 0" and told[-1].startswith("steps 12, ") and len(told) == len(set(told)), "each once, none lost"


def test_cancelled_evicted_or_silent_it_goes_on_from_its_checkpoint_so_often_and_no_more(asker: Asker, cluster: StandIn) -> None:
    asker.hosts(box=target(asker.folder, vanished_after=8, max_resumes=2))
    asker.settings(steps=2000)
    cancelled = asker.launch()
    cancelled.says("step 3 done")
    os.killpg(cancelled.process.pid, signal.SIGTERM)
    assert cancelled.wait() == 128 + signal.SIGTERM, cancelled.text
    assert processes_of(asker.folder) == [] and not cluster.objects and not cluster.processes()
    reached = steps(cancelled.text)[-1]
    launched = asker.launch()
    until(lambda: launched.text.count("from step") == 2, "the job goes on")
    begun = int(launched.text.split("from step ")[-1].split()[0])
    assert begun >= reached > 0, "the checkpoint that it made when it was told to end"
    until(lambda: steps(launched.text)[-1] > begun, "steps of the second attempt")
    cluster.evict(list(cluster.pods)[-1])
    launched.says("attempt 1 ended: TerminationByKubelet: The node was low on resource: memory.")
    launched.says("attempt 1 was ended by its host; going on from the last checkpoint")
    until(lambda: launched.text.count("from step") == 3 and steps(launched.text)[-1] > begun + 10, "steps of the third attempt")
    cluster.silent.clear()
    launched.says("attempt 2 has given no sign of life for 8 s")
    cluster.silent.set()
    until(lambda: launched.text.count("from step") == 4, "the fourth attempt")
    resumed = [int(line.split()[-1]) for line in launched.text.splitlines() if "from step" in line]
    assert resumed == sorted(set(resumed)) and resumed[:2] == [0, begun]
    cluster.evict(list(cluster.pods)[-1])
    assert launched.wait() == 143 and "not tried again (targets.box.max_resumes)" in launched.text
    assert len(cluster.created) == 4


STAGE = DeclaredStage(
    name="pretrain_mae", description="", command="", room="training", pool="gpu", deps=(), outs=(), params=(), upstream=(), reads_dataset=False
)
GPUS = Hardware.model_validate({"accelerator": "gpu", "launcher": "torchrun", "devices": 8, "micro_batch": 1, "num_workers": 0, "loader": "auto"})
JOB = Job(STAGE, "training.pretrain_mae", GPUS, "pretrain_mae-0123456789ab")


def aim(nodes: int = 1, **block: Any) -> Target:
    return Target.model_validate_json(json.dumps(target(Path("/mnt/me"), block, nodes=nodes, vanished_after=5)))


def submitted(aimed: Target, attempt: int = 1) -> tuple[Cluster, str]:
    """An attempt as it is submitted, and the name of its job."""
    reached = Cluster("box", aimed)
    reached.create(job_object(aimed, JOB, "0badcafe", attempt, {}, 0))
    return reached, job_name(JOB, "0badcafe")


def test_what_the_cluster_lacks_or_refuses_is_named(cluster: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", cluster.kubeconfig)
    pods = Pods("box", aim(), JOB)
    pods.check()
    cluster.existing.remove("namespaces/train/persistentvolumeclaims/store")
    cluster.forbidden.add("create jobs")
    words = "the cluster lacks the claim store in the namespace train; the permission to create jobs in the namespace train."
    with pytest.raises(InputError) as told:
        pods.check()
    assert str(told.value).startswith(f"hosts.yaml: targets.box.kubernetes: {words} Ask for it where the cluster is kept")
    cluster.existing.clear()
    with pytest.raises(InputError, match=r"the cluster lacks the namespace train\."):
        pods.check()
    cluster.forbidden.add("get namespaces")  # what may not be looked at may well be there
    cluster.forbidden.add("get persistentvolumeclaims")
    cluster.forbidden.remove("create jobs")
    pods.check()
    cluster.refusal = (
        "exceeded quota: gpus, requested: requests.nvidia.com/gpu=8, used: requests.nvidia.com/gpu=0, limited: requests.nvidia.com/gpu=4"
    )
    with pytest.raises(InputError) as told:
        submitted(aim())
    words = f'the cluster refuses: jobs.batch "pretrain-mae-0123456789ab-0badcafe-1" is forbidden: {cluster.refusal}.'
    assert str(told.value).startswith(f"hosts.yaml: targets.box: {words}")
    cluster.offered = ("jobs",)
    with pytest.raises(InputError, match=r"the resource PyTorchJob of kubeflow.org/v1 \(Kubeflow's training operator is not installed\)"):
        Pods("box", aim(2), JOB).check()
    monkeypatch.setenv("KUBECONFIG", "/nothing")
    with pytest.raises(InputError, match=r"^hosts.yaml: targets.box.kubernetes.context: finds no cluster: "):
        Cluster("box", aim())


class Watched(kubernetes._Watched):
    """In which something happens before each look, until nothing more does."""

    def __init__(self, cluster: Cluster, job: str, *happens: Callable[[], object]):
        super().__init__("box", cluster, job)
        self._happens = iter(happens)

    def state(self) -> dict[str, Any]:
        next(self._happens, lambda: None)()
        return super().state()


def test_why_a_job_does_not_start_is_said_and_what_never_starts_is_given_up(
    cluster: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", cluster.kubeconfig)
    clock = iter(range(1000))
    monkeypatch.setattr(worker, "time", SimpleNamespace(monotonic=lambda: next(clock) / 4, sleep=lambda seconds: None))

    def every_pod(status: dict[str, Any]) -> Callable[[], None]:
        return lambda: [pod.update(status=status) for pod in cluster.pods.values()] and None

    def said() -> list[str]:
        events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert {event["state"]["phase"] for event in events if "state" in event} == {"waiting"}, "and nothing counts as vanished"
        return [event["say"] for event in events if "say" in event]

    image = "registry.example.org/screenry:1"
    refused = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'
    no_quota = "couldn't assign flavors to pod set main: insufficient unused quota for nvidia.com/gpu in flavor h100, 4 more needed"
    condition = {"type": "QuotaReserved", "status": "False", "reason": "Pending", "message": no_quota}
    no_room = (
        "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod."
    )
    no_volume = 'MountVolume.SetUp failed for volume "pvc-1" : mount failed: exit status 32'
    aimed = aim(queue="research")
    reached, job = submitted(aimed)
    assert not cluster.pods
    (pod,) = (f"{name}-x7k2p" for name in cluster.objects)
    mount = {"type": "Warning", "reason": "FailedMount", "message": no_volume, "lastTimestamp": NOW, "involvedObject": {"name": pod}, "metadata": {}}
    cluster.pending = {"phase": "Pending"}
    watched = Watched(
        reached, job, lambda: None, lambda: cluster.workloads.append({"status": {"conditions": [condition]}}), cluster.admit,
        every_pod(unschedulable(no_room)), every_pod({"phase": "Pending"}), lambda: cluster.events.append(mount),
        every_pod(waiting("ErrImagePull", refused)), every_pod(waiting("ImagePullBackOff", f'Back-off pulling image "{image}"')),
        every_pod(waiting("ErrImagePull", refused)),
    )  # fmt: skip
    with pytest.raises(InputError) as told:
        worker.follow(watched, worker.Reader(0, 0), aimed.vanished_after)
    assert str(told.value) == (
        f"hosts.yaml: targets.box.kubernetes: pods have not started for 5 s: ErrImagePull: {refused}. "
        "Correct `image`, or give the pods' service account the `imagePullSecrets` of its registry; the job was deleted and can be started again."
    )
    queued = "waits: Suspended: the queue research has not admitted it"
    assert said() == [
        queued, f"{queued}: {no_quota}", f"waits: Unschedulable: {no_room}", f"waits: FailedMount: {no_volume}", f"waits: ErrImagePull: {refused}",
        f'waits: ImagePullBackOff: Back-off pulling image "{image}"',
    ]  # fmt: skip
    assert not cluster.objects, "it does not wait for ever"

    # Kubeflow's operator gives workers an init container, with an image of its own.
    reached, job = submitted(aim(2))
    status = waiting("PodInitializing", "")
    status["initContainerStatuses"] = [
        container_status({"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "alpine:3.10"'}})
    ]
    with pytest.raises(InputError, match='pods have not started for 5 s: ImagePullBackOff: Back-off pulling image "alpine:3.10"'):
        worker.follow(Watched(reached, job, every_pod(status)), worker.Reader(0, 0), aimed.vanished_after)
    assert said() == ['waits: ImagePullBackOff: Back-off pulling image "alpine:3.10"']

    # Deleted by someone, a later attempt is not followed by another, though an earlier one was to be.
    submitted(aim())
    (earlier,) = cluster.objects.values()
    earlier["status"] = {"finished": True, "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}
    reached, job = submitted(aim(), attempt=2)
    worker.follow(Watched(reached, job, lambda: None, lambda: reached.delete(f"{job}-2")), worker.Reader(0, 0), aimed.vanished_after)
    last = json.loads(capsys.readouterr().out.splitlines()[-1])["state"]
    assert (last["attempts"], last["phase"], last["cancelled"], last["again"]) == (2, "ended", True, False)


def ended(code: int, at: str, reason: str = "Error", message: str | None = None) -> dict[str, Any]:
    terminated = {"exitCode": code, "reason": reason, "finishedAt": f"2026-11-21T00:00:{at}Z"} | ({"message": message} if message else {})
    return {"phase": "Failed", "containerStatuses": [container_status({"terminated": terminated})]}


TAINTED = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "DeletionByTaintManager",
    "message": "Taint manager: deleting due to NoExecute taint",
}
NO_PYTHON = 'exec: "python": executable file not found in $PATH'


@pytest.mark.parametrize(
    "pods,code,again,why",
    [
        pytest.param([(ended(1, "02"), False), (ended(137, "01"), False)], 137, True, None, id="node lost, then the other fails"),
        pytest.param([(ended(143, "02"), True), (ended(1, "01"), False)], 1, False, None, id="one fails by itself, then the operator ends the other"),
        pytest.param([({"phase": "Running"}, True), (ended(1, "01"), False)], 1, False, None, id="the other is still ending"),
        pytest.param(
            [(ended(1, "01"), False), ({"phase": "Running", "conditions": [TAINTED]}, True)], 1, True,
            "DeletionByTaintManager: Taint manager: deleting due to NoExecute taint", id="a node that does not answer",
        ),
        pytest.param([(ended(137, "01", "OOMKilled"), False)], 137, False, "OOMKilled", id="out of memory"),
        pytest.param([(ended(128, "01", "StartError", NO_PYTHON), False)], 128, False, f"StartError: {NO_PYTHON}", id="no such program"),
        pytest.param([], None, True, None, id="pods were taken away"),
        pytest.param([({"phase": "Succeeded"}, False), (ended(143, "02"), False)], 0, False, None, id="the first has ended well"),
    ],
)  # fmt: skip
def test_what_has_ended_pods_says_whether_they_are_tried_again(
    cluster: StandIn, monkeypatch: pytest.MonkeyPatch, pods: list[tuple[dict[str, Any], bool]], code: int | None, again: bool, why: str | None
) -> None:
    monkeypatch.setenv("KUBECONFIG", cluster.kubeconfig)
    cluster.pending = {"phase": "Pending"}
    reached, job = submitted(aim(2))
    (body,) = cluster.objects.values()
    good = code == 0
    conditions = [{"type": "Failed", "status": str(not good), "reason": "PyTorchJobFailed"}, {"type": "Succeeded", "status": str(good)}]
    body["status"] = {"finished": True, "conditions": conditions}
    names = list(cluster.pods)
    for name, (status, deleted) in zip(names, pods, strict=False):
        cluster.pods[name]["status"] = status
        if deleted and status["phase"] == "Running":
            cluster.pods[name]["metadata"]["deletionTimestamp"] = NOW
    for name in names[len(pods) :]:
        del cluster.pods[name]
    found = reached.state(job)
    assert (found["code"], found["again"], found.get("why")) == (code, again, why)
    assert found["phase"] == ("lost" if code is None else "ended")


def test_a_stage_that_fails_by_itself_is_not_tried_again(asker: Asker, cluster: StandIn) -> None:
    asker.settings(fail=True)
    failed = asker.run()
    assert failed.process.returncode == 1 and len(cluster.created) == 1
    assert failed.text.splitlines()[-1] == "error: params.yaml: count.fail: is set. Found: True. Set it to false."


@pytest.mark.parametrize("nodes", [1, 3])
def test_every_setting_gives_an_object_that_the_schemas_admit(nodes: int) -> None:
    block = {
        "image": "screenry:1", "claim": "store", "mount": "/mnt", "service_account": "trainer", "secrets": ["remotes"],
        "resources": {"cpu": "2", "memory": "4Gi"}, "node_selector": {"gpu": "h100"}, "priority_class": "low", "queue": "team",
        "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
    }  # fmt: skip
    values = {"launcher": "kubernetes", "folder": "/mnt/me", "python": "python", "data": "shared", "nodes": nodes, "kubernetes": block}
    built = job_object(Target.model_validate_json(json.dumps(values)), JOB, "0badcafe", 1, {"folder": "/mnt/me"}, 8)
    check(built)
    text = json.dumps(built)
    assert built["metadata"]["name"] == "pretrain-mae-0123456789ab-0badcafe-1" and '"nvidia.com/gpu": "8"' in text
    assert all(f'"{value}"' in text for value in ("trainer", "remotes", "4Gi", "h100", "low", "team", "NoSchedule", "/mnt"))
    built["spec"]["nonsense"] = 1
    with pytest.raises((AssertionError, kubernetes_validate.ValidationError)):
        check(built)


@pytest.mark.slow
def test_two_pods_train_together_are_found_again_go_on_and_are_cancelled(tmp_path: Path, network: Network) -> None:  # noqa: F811
    """Pods with addresses and names of their own, in which torchrun finds its first node as Kubeflow's operator makes it known."""
    (tmp_path / "containers").mkdir()
    cluster = StandIn(tmp_path / "cluster", containers=Containers(network, tmp_path / "containers"))
    given = asking(make_asker_of_two(tmp_path / "asker"), cluster, nodes=2)
    try:
        asker = next(given)
        asker.settings(steps=2000)
        killed = asker.launch()
        killed.says("step 3 sum 3")
        assert "[count] from step 0 on 2" in killed.text
        killed.kill()
        second = asker.launch()
        second.says("found job count-")
        second.says("step 7 sum 3")
        first, lost = cluster.pods
        assert (first[-9:], lost[-9:], len(cluster.created)) == ("-master-0", "-worker-0", 1)
        cluster.kill(lost)
        second.says("attempt 1 was ended by its host; going on from the last checkpoint")
        until(lambda: second.text.count(" on 2\n") == 2, "the second attempt")
        begun = int(second.text.split("from step ")[-1].split()[0])
        second.says(f"step {begun + 2} sum 3")
        os.killpg(second.process.pid, signal.SIGTERM)
        assert second.wait() == 128 + signal.SIGTERM, second.text
        done = steps(second.text)
        assert begun >= 5 and done[: begun + 1] == list(range(1, begun + 2)) and done[-1] > begun + 1, "none lost"
        assert len(cluster.created) == 2 and not cluster.processes() and processes_of(asker.folder) == []
    finally:
        given.close()
        cluster.stop()


def test_dagster_and_dvc_see_what_they_would_see_had_it_run_here(made: Small, inside: pytest.MonkeyPatch, cluster: StandIn, tmp_path: Path) -> None:
    """A stage under `dvc repro` under Dagster; its code reaches the pod by way of a git repository, its inputs and its output by way of DVC's remote."""
    inside.chdir(made.folder)
    inside.setenv("KUBECONFIG", cluster.kubeconfig)
    made.edit("params.yaml", "steps: 3", "steps: 4")
    made.edit("params.yaml", "loader: auto}", "loader: auto, target: box}")
    with (made.folder / ".dvc/config").open("a") as config:
        config.write(f"['remote \"store\"']\n    url = {tmp_path}/store\n")
    made.edit(".dvc/config", "[core]\n", "[core]\n    remote = store\n")
    made.check("git", "init", "-q", "--bare", str(tmp_path / "code.git"))
    url = f"file://{tmp_path}/code.git"
    box = target(tmp_path / "claim", data="dvc", git=url, dvc=str(REPOSITORY / ".tools/bin/dvc"), env={"HOME": str(tmp_path), "PRICE": "$$(5)"})
    (made.folder / "hosts.yaml").write_text(yaml.safe_dump({"targets": {"box": box}}))
    made.check("git", "add", ".")
    made.check("git", "-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "-qm", "elsewhere")
    own = Pods("box", Target.model_validate_json(json.dumps(box)), JOB).own
    anothers = f"refs/screenry/feedface/pretrain_mae-0/{time.time():.0f}"
    for ref in (f"refs/screenry/{own}/pretrain_mae-0/{time.time():.0f}", "refs/screenry/feedface/pretrain_mae-1/1700000000", anothers):
        made.check("git", "push", "-q", url, f"HEAD:{ref}")
    check_that_dagster_sees(made)
    assert not cluster.objects
    (tree,) = (tmp_path / "claim").glob("*/jobs/*/tree")
    assert made.run("git", "-C", str(tree), "rev-parse", "HEAD").stdout == made.check("git", "rev-parse", "HEAD")
    assert json.loads((tree.parent / "job.json").read_text())["env"]["PRICE"] == "$$(5)", "Kubernetes reads no variables into it"
    left = made.check("git", "ls-remote", url, "refs/screenry/*")
    assert [line.split("\t")[1] for line in left.splitlines()] == [anothers], "commits of jobs that have ended or are forgotten are gone"
