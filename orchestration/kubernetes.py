"""Stages as jobs of a Kubernetes cluster: a Job for one node, a PyTorchJob of Kubeflow's for several.

The pods run `orchestration.job.work`, whose lines of JSON come back as their log. What is known of a job is in the cluster: an attempt is an object whose
name is made of stage, inputs, asker and number, so that the cluster itself refuses to start one twice; a launcher that was killed finds it again.
"""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contracts.errors import InputError
from contracts.pipes import environment_elsewhere
from orchestration.connection import DisconnectedError
from orchestration.hosts import HOSTS, Target
from orchestration.job import KILL_AFTER
from orchestration.remote import Job, Place, gpus_per_node
from orchestration.worker import PROGRAM, Reader, bring, follow, publish

MASTER_PORT = 23456  # by which Kubeflow's operator lets the nodes meet
_CONTAINER = "pytorch"  # the name that the operator asks for
_STAGE, _JOB, _OWNER, _ATTEMPT, _VANISHED = (f"screenry/{word}" for word in ("stage", "job", "owner", "attempt", "vanished"))
_KEPT_FOR = 7 * 24 * 3600  # seconds for which a job that has ended can be looked at
_POLL = 1.0
_EVICTED = {"Evicted", "Preempting", "Preempted", "NodeLost", "NodeShutdown", "Shutdown", "Terminated", "NodeAffinity", "UnexpectedAdmissionError"}
_NEVER_STARTS = {"InvalidImageName", "ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff", "CreateContainerConfigError", "CreateContainerError"}
_SIGNAL_CODES = (137, 143)


# --- objects


def job_name(job: Job, owner: str) -> str:
    """What the names of a job's attempts begin with."""
    return f"{job.name.replace('_', '-')}-{owner}"


def job_object(target: Target, job: Job, owner: str, attempt: int, request: dict[str, Any], gpus: int) -> dict[str, Any]:
    """The Job, or with several nodes the PyTorchJob, of one attempt. Attempts are the launcher's to count, so neither kind begins one by itself."""
    knobs = target.kubernetes
    assert knobs is not None
    name = job_name(job, owner)
    labels = {"app.kubernetes.io/name": "screenry", _STAGE: job.stage.name, _OWNER: owner, _JOB: name, _ATTEMPT: str(attempt)}
    pod = {"metadata": {"labels": labels}, "spec": pod_spec(target, request, gpus)}
    if knobs.queue:
        labels = labels | {"kueue.x-k8s.io/queue-name": knobs.queue}
    metadata = {"name": f"{name}-{attempt}", "namespace": knobs.namespace, "labels": labels}
    if target.nodes == 1:
        spec = {"backoffLimit": 0, "ttlSecondsAfterFinished": _KEPT_FOR, "template": pod, **({"suspend": True} if knobs.queue else {})}
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}
    policy = {"backoffLimit": 0, "cleanPodPolicy": "Running", "ttlSecondsAfterFinished": _KEPT_FOR, **({"suspend": True} if knobs.queue else {})}
    replicas = {role: {"replicas": count, "restartPolicy": "Never", "template": pod} for role, count in (("Master", 1), ("Worker", target.nodes - 1))}
    spec = {"runPolicy": policy, "pytorchReplicaSpecs": replicas}
    return {"apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob", "metadata": metadata, "spec": spec}


def pod_spec(target: Target, request: dict[str, Any], gpus: int) -> dict[str, Any]:
    """One node of a job."""
    knobs = target.kubernetes
    assert knobs is not None
    resources = {**knobs.resources, **({knobs.gpu_resource: str(gpus)} if gpus else {})}
    # Kubeflow's operator says by RANK which node a pod is; `$$` keeps Kubernetes from reading variables into the program.
    rank = "0" if target.nodes == 1 else "$(RANK)"
    container: dict[str, Any] = {
        "name": _CONTAINER,
        "image": knobs.image,
        "command": [
            target.python,
            "-c",
            PROGRAM.read_text(encoding="utf-8").replace("$(", "$$("),
            "work",
            json.dumps(request).replace("$(", "$$("),
            rank,
        ],
        "env": [{"name": "PYTHONUNBUFFERED", "value": "1"}],
        "envFrom": [{"secretRef": {"name": secret}} for secret in knobs.secrets],
        "resources": {"requests": resources, "limits": resources},
        "volumeMounts": [{"name": "claim", "mountPath": knobs.mount or target.folder}, {"name": "shm", "mountPath": "/dev/shm"}],
    }
    if target.nodes > 1:
        container["ports"] = [{"name": "pytorchjob-port", "containerPort": MASTER_PORT}]
    # A node that is silent keeps its pods for five minutes, if they do not say otherwise.
    unreachable: list[dict[str, Any]] = [
        {"key": f"node.kubernetes.io/{taint}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": int(target.vanished_after)}
        for taint in ("not-ready", "unreachable")
    ]
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": int(KILL_AFTER) + 10,
        "containers": [container],
        "volumes": [
            {"name": "claim", "persistentVolumeClaim": {"claimName": knobs.claim}},
            {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": knobs.shared_memory}},
        ],
        "tolerations": [*map(dict, knobs.tolerations), *unreachable],
    }
    optional = {"nodeSelector": knobs.node_selector, "serviceAccountName": knobs.service_account, "priorityClassName": knobs.priority_class}
    return spec | {key: value for key, value in optional.items() if value}


# --- the cluster


class Cluster:
    """The API server of a target. DisconnectedError if it does not answer, InputError if it refuses."""

    def __init__(self, name: str, target: Target):
        assert target.kubernetes is not None
        self._field, self.target, self.knobs = f"targets.{name}", target, target.kubernetes
        self.group, self.version, self.plural = ("batch", "v1", "jobs") if target.nodes == 1 else ("kubeflow.org", "v1", "pytorchjobs")
        try:
            from kubernetes import client, config
        except ModuleNotFoundError:
            raise InputError(
                "needs the Kubernetes client.", file=HOSTS, field=f"{self._field}.launcher", found="kubernetes", fix="Install the extra `kubernetes`."
            ) from None
        try:
            config.load_config(context=self.knobs.context) if self.knobs.context else config.load_config()
        except (config.ConfigException, TypeError) as error:
            raise InputError(
                f"finds no cluster: {error}.", file=HOSTS, field=f"{self._field}.kubernetes.context", found=self.knobs.context,
                fix="`kubectl config get-contexts` shows those that there are.",
            ) from None  # fmt: skip
        self._client = client
        settings = client.Configuration.get_default_copy()
        settings.retries = False
        self._api = client.ApiClient(settings)
        self.objects, self.core = client.CustomObjectsApi(self._api), client.CoreV1Api(self._api)

    def ask(self, verb: Any, *arguments: Any, missing: Any = None, **options: Any) -> Any:
        """What the server answers; `missing` if it knows no such thing."""
        import urllib3

        try:
            return verb(*arguments, _request_timeout=(5, 30), **options)
        except self._client.ApiException as error:
            if error.status == 404:
                return missing
            if error.status >= 500 or error.status == 429:
                raise DisconnectedError(f"{error.status} {error.reason}") from None
            raise InputError(
                f"the cluster refuses: {_words(error)}.",
                file=HOSTS,
                field=self._field,
                fix="Mend what it names; the job can be started again at any time.",
            ) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise DisconnectedError(str(error)) from None

    def lacks(self) -> list[str]:
        """What the target names and the cluster does not have, or does not let this account do."""
        knobs, space = self.knobs, self.knobs.namespace
        if not self._is_there(self.core.read_namespace, space):
            return [f"the namespace {space}"]
        found = []
        if not self._is_there(self.core.read_namespaced_persistent_volume_claim, knobs.claim, space):
            found.append(f"the claim {knobs.claim} in the namespace {space}")
        secrets = [secret for secret in knobs.secrets if not self._is_there(self.core.read_namespaced_secret, secret, space)]
        found += [f"the secret {secret} in the namespace {space}" for secret in secrets]
        account = knobs.service_account
        if account and not self._is_there(self.core.read_namespaced_service_account, account, space):
            found.append(f"the service account {account} in the namespace {space}")
        scheduling = self._client.SchedulingV1Api(self._api)
        if knobs.priority_class and not self._is_there(scheduling.read_priority_class, knobs.priority_class):
            found.append(f"the priority class {knobs.priority_class}")
        offered = self.ask(self.objects.get_api_resources, self.group, self.version)
        if offered is None or self.plural not in {resource.name for resource in offered.resources}:
            found.append("the resource PyTorchJob of kubeflow.org/v1 (Kubeflow's training operator is not installed)")
        wishes = [(self.group, self.plural, "", verb) for verb in ("create", "list", "delete", "patch")]
        for group, resource, part, verb in [*wishes, ("", "pods", "", "list"), ("", "pods", "log", "get")]:
            if not self._may(group, resource, part, verb):
                found.append(f"the permission to {verb} {resource}{'/' if part else ''}{part} in the namespace {space}")
        return found

    def attempts(self, labels: str) -> list[dict[str, Any]]:
        """The objects of jobs with these labels, in the order of their attempts."""
        answer = self.ask(
            self.objects.list_namespaced_custom_object, self.group, self.version, self.knobs.namespace, self.plural, label_selector=labels
        )
        return sorted(answer["items"] if answer else [], key=_number)

    def create(self, body: dict[str, Any]) -> None:
        """Nothing happens if it is there already; one of that name which is being deleted is waited for."""
        deadline = time.monotonic() + KILL_AFTER + 40
        while True:
            try:
                self.objects.create_namespaced_custom_object(
                    self.group, self.version, self.knobs.namespace, self.plural, body, _request_timeout=(5, 30)
                )
                return
            except self._client.ApiException as error:
                if error.status != 409:
                    self.ask(_raise, error)
            except Exception as error:
                self.ask(_raise, error)
            there = self._get(body["metadata"]["name"])
            if there is not None and not there["metadata"].get("deletionTimestamp"):
                return
            if time.monotonic() > deadline:
                raise DisconnectedError(f"{body['metadata']['name']} is being deleted for too long")
            time.sleep(_POLL)

    def delete(self, name: str) -> None:
        """End its pods as their grace allows, then the object."""
        options = self._client.V1DeleteOptions(propagation_policy="Foreground")
        self.ask(self.objects.delete_namespaced_custom_object, self.group, self.version, self.knobs.namespace, self.plural, name, body=options)

    def say_vanished(self, name: str) -> None:
        """Written down with the job, and its pods are taken from nodes that do not answer."""
        patch = {"metadata": {"annotations": {_VANISHED: "true"}}}
        self.ask(self.objects.patch_namespaced_custom_object, self.group, self.version, self.knobs.namespace, self.plural, name, patch)
        for pod in self.pods(name):
            self.ask(self.core.delete_namespaced_pod, pod.metadata.name, self.knobs.namespace, grace_period_seconds=0)

    def pods(self, name: str) -> list[Any]:
        """Pods of an attempt; the first node's first."""
        label = f"{_JOB}={name.rpartition('-')[0]},{_ATTEMPT}={name.rpartition('-')[2]}"
        found = self.ask(self.core.list_namespaced_pod, self.knobs.namespace, label_selector=label)
        return sorted(
            found.items if found else [], key=lambda pod: (pod.metadata.labels.get("training.kubeflow.org/replica-type", ""), pod.metadata.name)
        )

    def log(self, pod: str) -> Iterator[bytes]:
        """Lines of a pod's log, as they come. DisconnectedError if it cannot be read (any more)."""
        import urllib3

        rest = b""
        try:
            answer = self.core.read_namespaced_pod_log(
                pod, self.knobs.namespace, container=_CONTAINER, follow=True, _preload_content=False, _request_timeout=(5, None)
            )
            for chunk in answer.stream(amt=None):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from lines
        except (self._client.ApiException, urllib3.exceptions.HTTPError, OSError) as error:
            raise DisconnectedError(str(error)) from None
        if rest:
            yield rest

    def state(self, job: str) -> dict[str, Any]:
        """As `orchestration.job.state`, with `object`, and `reason` where a pod cannot start."""
        found: dict[str, Any] = {
            "phase": "new", "code": None, "attempts": 0, "again": False, "cancelled": False, "collected": False, "lost_seconds": 0.0, "lost_steps": 0
        }  # fmt: skip
        objects = self.attempts(f"{_JOB}={job}")
        if not objects:
            return found
        newest, pods = objects[-1], self.pods(objects[-1]["metadata"]["name"])
        metadata, conditions = newest["metadata"], newest.get("status", {}).get("conditions") or []
        found |= {"attempts": _number(newest), "object": metadata["name"], "cancelled": bool(metadata.get("deletionTimestamp"))}
        if (metadata.get("annotations") or {}).get(_VANISHED):
            return found | {"phase": "lost", "again": not found["cancelled"]}
        now = {condition["type"]: condition.get("reason") for condition in conditions if condition["status"] == "True"}
        if {"Complete", "Succeeded"} & now.keys():
            return found | {"phase": "ended", "code": 0}
        if "Failed" in now:
            ends = [_end_of(pod) for pod in pods if pod.status.phase != "Succeeded"]
            codes = [code for code, _ in ends if code]
            again = now["Failed"] != "DeadlineExceeded" and (not ends or any(disrupted for _, disrupted in ends)) and not found["cancelled"]
            return found | {"phase": "ended" if codes else "lost", "code": codes[0] if codes else None, "again": again}
        running = len(pods) >= self.target.nodes and all(pod.status.phase != "Pending" for pod in pods)
        reason = next(filter(None, map(_hindrance, pods)), None)
        stuck = reason is not None and reason.partition(":")[0] in _NEVER_STARTS
        return found | {"phase": "running" if running else "waiting", "reason": reason, "stuck": stuck}

    def _get(self, name: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.ask(
            self.objects.get_namespaced_custom_object, self.group, self.version, self.knobs.namespace, self.plural, name
        )
        return found

    def _is_there(self, read: Any, *names: str) -> bool:
        """Also where this account may not look: then the cluster says so when the job is submitted."""
        try:
            return self.ask(read, *names) is not None
        except InputError:
            return True

    def _may(self, group: str, resource: str, part: str, verb: str) -> bool:
        attributes = {
            "namespace": self.knobs.namespace,
            "group": group,
            "resource": resource,
            "verb": verb,
            **({"subresource": part} if part else {}),
        }
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}}
        answer = self.ask(self._client.AuthorizationV1Api(self._api).create_self_subject_access_review, review)
        return answer is None or bool(answer.status.allowed)


def _number(found: dict[str, Any]) -> int:
    return int(found["metadata"]["labels"][_ATTEMPT])


def _raise(error: Exception, **_: Any) -> None:
    raise error


def _words(error: Any) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(json.loads(error.body)["message"]).rstrip(".")
    return f"{error.status} {error.reason}"


def _end_of(pod: Any) -> tuple[int | None, bool]:
    """Exit code of a pod's container, and whether its node or the scheduler has ended it."""
    ended = [status.state.terminated for status in pod.status.container_statuses or [] if status.state and status.state.terminated]
    code = ended[0].exit_code if ended else None
    out_of_memory = bool(ended) and ended[0].reason == "OOMKilled"
    disrupted = pod.status.reason in _EVICTED or any(c.type == "DisruptionTarget" and c.status == "True" for c in pod.status.conditions or [])
    return code, disrupted or code is None or (code in _SIGNAL_CODES and not out_of_memory)


def _hindrance(pod: Any) -> str | None:
    """Why a pod does not start, as the cluster says it."""
    for status in pod.status.container_statuses or []:
        if status.state and status.state.waiting and status.state.waiting.reason not in (None, "ContainerCreating", "PodInitializing"):
            return f"{status.state.waiting.reason}: {status.state.waiting.message or pod.metadata.name}"
    for condition in pod.status.conditions or []:
        if condition.type == "PodScheduled" and condition.status == "False":
            return f"{condition.reason}: {condition.message}"
    return None


# --- the launcher's side


class Pods(Place):
    """A Kubernetes cluster for one job."""

    def __init__(self, name: str, target: Target, job: Job):
        super().__init__(name, target, job)
        self._cluster = Cluster(name, target)
        self._job = job_name(job, self.own)
        self._request: dict[str, Any] | None = None

    def check(self) -> None:
        lacks = self._cluster.lacks()
        if lacks:
            raise InputError(
                f"the cluster lacks {'; '.join(lacks)}.", file=HOSTS, field=f"targets.{self.name}.kubernetes",
                fix="Ask for it where the cluster is kept, or correct the target (docs/launchers.md).",
            )  # fmt: skip

    def state(self) -> dict[str, Any]:
        return self._cluster.state(self._job)

    def prepare(self) -> None:
        target = self.target
        folder = f"{target.folder}/{'.dagster/launched' if self.shared else Path.cwd().name + '-' + self.own}/jobs/{self.job.name}"
        master = f"{self._job}-{{attempt}}-master-0"
        self._request = publish(self, folder, master, MASTER_PORT)

    def submit(self) -> dict[str, Any]:
        owned = self._cluster.attempts(f"{_STAGE}={self.job.stage.name},{_OWNER}={self.own}")
        for other in owned:
            if other["metadata"]["labels"][_JOB] != self._job and not other.get("status", {}).get("completionTime"):
                self._cluster.delete(other["metadata"]["name"])
        now = self.state()
        if now["phase"] in ("waiting", "running") and not now["cancelled"]:
            return now
        if self._request is None:
            self.prepare()
        attempt = now["attempts"] + (not now["cancelled"])
        request = json.loads(json.dumps(self._request).replace("{attempt}", str(attempt)))
        request["env"] |= environment_elsewhere(f"{request['folder']}/messages")
        self._cluster.create(job_object(self.target, self.job, self.own, attempt, request | {"attempt": str(attempt)}, gpus_per_node(self)))
        return self.state()

    def follow(self, log_at: int, messages_at: int) -> "subprocess.Popen[bytes]":
        command = [
            sys.executable,
            "-m",
            "orchestration.kubernetes",
            self.name,
            self.target.model_dump_json(),
            self._job,
            str(log_at),
            str(messages_at),
        ]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)

    def cancel(self) -> dict[str, Any]:
        now = self.state()
        if "object" in now:
            self._cluster.delete(now["object"])
        return now

    def fetch(self, out: Path, state: dict[str, Any]) -> Path:
        return bring(state["outs"][str(out)], out)

    def forget(self) -> None:
        """A stage that is run again with the same inputs is a new job."""
        for found in self._cluster.attempts(f"{_JOB}={self._job}"):
            self._cluster.delete(found["metadata"]["name"])

    def by_hand(self) -> str:
        context = f" --context {self._cluster.knobs.context}" if self._cluster.knobs.context else ""
        return f"kubectl{context} --namespace {self._cluster.knobs.namespace} get {self._cluster.plural}"


# --- the follower's process


class _Watched:
    """A job in the cluster, as `orchestration.worker.follow` asks for it."""

    def __init__(self, cluster: Cluster, job: str):
        self._cluster, self._job = cluster, job

    def state(self) -> dict[str, Any]:
        return self._cluster.state(self._job)

    def log(self, state: dict[str, Any]) -> Iterator[bytes]:
        for pod in self._cluster.pods(state["object"])[:1]:
            yield from self._cluster.log(pod.metadata.name)

    def vanished(self, state: dict[str, Any]) -> dict[str, Any]:
        self._cluster.say_vanished(state["object"])
        return state | {"phase": "lost", "again": not state["cancelled"]}

    def give_up(self, state: dict[str, Any]) -> None:
        self._cluster.delete(state["object"])


def main() -> None:
    name, target, job, log_at, messages_at = sys.argv[1:]
    cluster = Cluster(name, Target.model_validate_json(target))
    # Disconnected, the launcher starts it again, as long as its patience lasts; a launcher that was killed reads no more.
    with contextlib.suppress(DisconnectedError, BrokenPipeError):
        follow(_Watched(cluster, job), Reader(int(log_at), int(messages_at)), cluster.target.vanished_after)


if __name__ == "__main__":
    main()
