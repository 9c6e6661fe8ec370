"""Stages as jobs of a Kubernetes cluster: a Job for one node, a PyTorchJob of Kubeflow's for several.

The pods run `orchestration.job.work`, whose lines of JSON come back as their log. What is known of a job is in the cluster: an attempt is an object whose
name is made of stage, inputs, asker and number, so that the cluster itself refuses to start one twice; a launcher that was killed finds it again.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.errors import InputError
from contracts.pipes import environment_elsewhere
from orchestration.connection import DisconnectedError
from orchestration.hosts import HOSTS, Target
from orchestration.job import KILL_AFTER
from orchestration.remote import Job, Place, gpus_per_node, say
from orchestration.worker import PROGRAM, Reader, bring, follow, publish, tell_error, withdraw

MASTER_PORT = 23456  # by which Kubeflow's operator lets the nodes meet
_CONTAINER = "pytorch"  # the name that the operator asks for
_STAGE, _JOB, _OWNER, _ATTEMPT, _VANISHED = (f"screenry/{word}" for word in ("stage", "job", "owner", "attempt", "vanished"))
_KEPT_FOR = 7 * 24 * 3600  # seconds for which a job that has ended can be looked at
_POLL = 1.0
_EVICTED = {"Evicted", "Preempting", "Preempted", "NodeLost", "NodeShutdown", "Shutdown", "Terminated", "NodeAffinity", "UnexpectedAdmissionError"}
_NO_IMAGE = {"InvalidImageName", "ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable"}
_NEVER_STARTS = _NO_IMAGE | {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
_STARTING = {None, "ContainerCreating", "PodInitializing"}
_SIGNAL_CODES = (137, 143)
_KUEUE, _KUEUE_VERSIONS = "kueue.x-k8s.io", ("v1beta2", "v1beta1")


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
        labels = labels | {f"{_KUEUE}/queue-name": knobs.queue}
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
    # Kubeflow's operator says by RANK which node a pod is; elsewhere Kubernetes is to read no variables: it makes `$` of `$$`.
    rank = "0" if target.nodes == 1 else "$(RANK)"
    container: dict[str, Any] = {
        "name": _CONTAINER,
        "image": knobs.image,
        "command": [
            target.python,
            "-c",
            PROGRAM.read_text(encoding="utf-8").replace("$", "$$"),
            "work",
            json.dumps(request).replace("$", "$$"),
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
        files = os.environ.get("KUBECONFIG")  # may name several; the client's own `load_config` looks for one, and prints where it finds none
        try:
            if files or self.knobs.context or Path(config.KUBE_CONFIG_DEFAULT_LOCATION).expanduser().is_file():
                config.load_kube_config(files, self.knobs.context)
            else:
                config.load_incluster_config()
        except config.ConfigException as error:
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
        wishes = [(self.group, self.plural, "", verb) for verb in ("create", "get", "list", "delete", "patch")]
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
        # A deadline that is over: Kubeflow's operator would put new pods in the place of those that are deleted.
        end: dict[str, Any] = {"activeDeadlineSeconds": 1}
        patch = {"metadata": {"annotations": {_VANISHED: "true"}}, "spec": end if self.target.nodes == 1 else {"runPolicy": end}}
        self.ask(self.objects.patch_namespaced_custom_object, self.group, self.version, self.knobs.namespace, self.plural, name, patch)
        for pod in self.pods(name):  # where this account may not, the deadline ends them, as their grace allows
            self._unless_refused(self.ask, self.core.delete_namespaced_pod, pod.metadata.name, self.knobs.namespace, grace_period_seconds=0)

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
        """As `orchestration.job.state`, with `object`; `reason` where it does not start, `why` where it has ended otherwise than by itself."""
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
            ends = sorted((_End.of(pod) for pod in pods if pod.status.phase != "Succeeded"), key=lambda end: end.order)
            code = next((end.code for end in ends if end.code), None)
            disrupted = not ends or any(end.evicted for end in ends) or ends[0].told
            again = now["Failed"] != "DeadlineExceeded" and disrupted and not found["cancelled"]
            why = next((end.words for end in ends if end.words), None)
            return found | {"phase": "lost" if code is None else "ended", "code": code, "again": again, "why": why}
        running = len(pods) >= self.target.nodes and all(pod.status.phase != "Pending" for pod in pods)
        reason = next(filter(None, map(_hindrance, pods)), None)
        stuck = reason is not None and reason.partition(":")[0] in _NEVER_STARTS
        if not running and reason is None:
            pending = [pod.metadata.name for pod in pods if pod.status.phase == "Pending"]
            reason = self._suspended(newest) or self._warning(pending or [metadata["name"]])
        return found | {"phase": "running" if running else "waiting", "reason": reason, "stuck": stuck}

    def _suspended(self, found: dict[str, Any]) -> str | None:
        """Why a job is held back, as Kueue says it."""
        if not (found["spec"].get("runPolicy") or found["spec"]).get("suspend"):
            return None
        queue = self.knobs.queue
        if queue is None:
            return "Suspended: someone has set `suspend`"
        admission = self._unless_refused(self._admission, found["metadata"].get("uid"))
        return f"Suspended: the queue {queue} has not admitted it{f': {admission}' if admission else ''}"

    def _admission(self, uid: str) -> str | None:
        """What Kueue says of a job that it has not admitted."""
        label = f"{_KUEUE}/job-uid={uid}"
        for version in _KUEUE_VERSIONS:
            answer = self.ask(self.objects.list_namespaced_custom_object, _KUEUE, version, self.knobs.namespace, "workloads", label_selector=label)
            for workload in answer["items"] if answer else []:
                for condition in workload.get("status", {}).get("conditions") or []:
                    if condition["type"] == "QuotaReserved" and condition["status"] == "False":
                        return str(condition["message"])
        return None

    def _warning(self, names: list[str]) -> str | None:
        """The cluster's newest warning about one of these objects: pods that cannot be made, volumes that cannot be mounted."""
        for name in names:
            selector = f"type=Warning,involvedObject.name={name}"
            answer = self._unless_refused(self.ask, self.core.list_namespaced_event, self.knobs.namespace, field_selector=selector)
            # What kept a pod from being scheduled is in its conditions, as long as it does.
            about = [event for event in (answer.items if answer else []) if event.reason != "FailedScheduling"]
            if about:
                newest = max(about, key=lambda event: str(event.last_timestamp or event.event_time))
                return f"{newest.reason}: {newest.message}"
        return None

    def _unless_refused(self, ask: Any, *arguments: Any, **options: Any) -> Any:
        """None where this account may not look."""
        try:
            return ask(*arguments, **options)
        except InputError:
            return None

    def _get(self, name: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.ask(
            self.objects.get_namespaced_custom_object, self.group, self.version, self.knobs.namespace, self.plural, name
        )
        return found

    def _is_there(self, read: Any, *names: str) -> bool:
        """Also where this account may not look: then the cluster says so when the job is submitted."""
        try:  # `_unless_refused` would take a refusal for something that is not there
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


@dataclass(frozen=True)
class _End:
    """How a pod of a job that has failed has ended."""

    code: int | None
    evicted: bool
    """Its node or the scheduler says that it has ended it."""
    told: bool
    """It was told to end, or nothing is known."""
    words: str | None
    """What the cluster says of it."""
    order: tuple[bool, str, bool]
    """What began it comes first: once one pod has failed, Kubeflow's operator deletes the others."""

    @classmethod
    def of(cls, pod: Any) -> "_End":
        status = pod.status
        ended = next((each.state.terminated for each in status.container_statuses or [] if each.state and each.state.terminated), None)
        code = ended.exit_code if ended else None
        target = next((each for each in status.conditions or [] if each.type == "DisruptionTarget" and each.status == "True"), None)
        told = ended is None or (code in _SIGNAL_CODES and ended.reason != "OOMKilled")
        words = None
        if target or status.reason:
            words = f"{(target or status).reason}: {(target or status).message}"
        elif ended and ended.reason not in (None, "Error", "Completed"):
            words = f"{ended.reason}: {ended.message}" if ended.message else ended.reason
        order = (pod.metadata.deletion_timestamp is not None or ended is None, str(ended.finished_at) if ended else "", not told)
        return cls(code, status.reason in _EVICTED or target is not None, told, words, order)


def _hindrance(pod: Any) -> str | None:
    """Why a pod does not start, as the cluster says it. Kubeflow's operator gives every worker an init container, with an image of its own."""
    for status in [*(pod.status.init_container_statuses or []), *(pod.status.container_statuses or [])]:
        if status.state and status.state.waiting and status.state.waiting.reason not in _STARTING:
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

    def cancel(self) -> None:
        try:
            now = self.state()
            if "object" in now:
                self._cluster.delete(now["object"])
        except DisconnectedError as silent:
            say(f"{self.name} does not answer: {silent}; `{self.by_hand('delete')} -l {_JOB}={self._job}` ends the job")
        withdraw(self)

    def fetch(self, out: Path, state: dict[str, Any]) -> Path:
        if "outs" not in state:
            raise InputError(
                f"has ended well, but the log that tells what DVC's remote holds of {out} is gone, as it is with a node that was taken away.",
                file=HOSTS, field=f"targets.{self.name}", found=state["object"],
                fix=f"The output lies in {self.target.folder} on the claim; or `{self.by_hand('delete')} {state['object']}`, and the stage runs anew.",
            )  # fmt: skip
        return bring(state["outs"][str(out)], out)

    def forget(self) -> None:
        """A stage that is run again with the same inputs is a new job."""
        for found in self._cluster.attempts(f"{_JOB}={self._job}"):
            self._cluster.delete(found["metadata"]["name"])
        withdraw(self)

    def by_hand(self, verb: str = "get") -> str:
        context = f" --context {self._cluster.knobs.context}" if self._cluster.knobs.context else ""
        return f"kubectl{context} --namespace {self._cluster.knobs.namespace} {verb} {self._cluster.plural}"


# --- the follower's process


class _Watched:
    """A job in the cluster, as `orchestration.worker.follow` asks for it."""

    def __init__(self, name: str, cluster: Cluster, job: str):
        self._name, self._cluster, self._job = name, cluster, job

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
        no_image = state["reason"].partition(":")[0] in _NO_IMAGE
        mend = "Correct `image`, or give the pods' service account the `imagePullSecrets` of its registry" if no_image else "Correct what it names"
        raise InputError(
            f"pods have not started for {self._cluster.target.vanished_after:.0f} s: {state['reason'].rstrip('.')}.",
            file=HOSTS,
            field=f"targets.{self._name}.kubernetes",
            fix=f"{mend}; the job was deleted and can be started again.",
        )


def main() -> None:
    name, target, job, log_at, messages_at = sys.argv[1:]
    # Disconnected, the launcher starts it again, as long as its patience lasts; a launcher that was killed reads no more.
    with contextlib.suppress(DisconnectedError, BrokenPipeError):
        try:
            cluster = Cluster(name, Target.model_validate_json(target))
            follow(_Watched(name, cluster, job), Reader(int(log_at), int(messages_at)), cluster.target.vanished_after)
        except InputError as error:
            tell_error(error)


if __name__ == "__main__":
    main()
