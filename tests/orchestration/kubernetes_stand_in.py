"""A stand-in for a Kubernetes cluster, because none can run where these tests run. It keeps objects and lets through only what the published schemas admit;
the controllers' part (a Job or PyTorchJob becomes pods, Kueue holds it back) and the kubelet's (a pod runs its container) are played with processes of this
machine, as the documentation and the sources of Kubernetes, Kubeflow's training operator and Kueue say.

What it does not play: scheduling, images, volumes, and the many ways in which real controllers are late. Pods have a network, names and process numbers of
their own where `Containers` are given.
"""

import json
import os
import re
import signal
import subprocess
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlparse

import kubernetes_validate
import psutil

NOW = "2026-11-21T00:00:00Z"
_KINDS = {"Job": "jobs", "PyTorchJob": "pytorchjobs"}
_VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete"}


class Network(Protocol):
    """Network namespaces that reach each other."""

    def address(self, number: int) -> str: ...

    def inside(self, number: int) -> tuple[str, ...]: ...


class Containers:
    """What Linux gives a container: an address, a host name, process numbers of its own; the names of services stand in /etc/hosts."""

    def __init__(self, network: Network, folder: Path):
        self._network, self._folder = network, folder

    def around(self, pod: str, rank: int, services: dict[str, int]) -> list[str]:
        hosts = self._folder / f"{pod}.hosts"
        names = {"localhost": "127.0.0.1"} | {name: self._network.address(2 + at) for name, at in services.items()}
        hosts.write_text("".join(f"{address} {name}\n" for name, address in names.items()))
        alone = ("unshare", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
        begin = 'mount --bind "$0" /etc/hosts && echo "$1" > /proc/sys/kernel/hostname && shift && exec "$@"'
        return [*self._network.inside(2 + rank), *alone, "sh", "-c", begin, str(hosts), pod]


class StandIn:
    """An API server on loopback, with the cluster behind it."""

    def __init__(self, folder: Path, offered: tuple[str, ...] = ("jobs", "pytorchjobs"), containers: Containers | None = None):
        folder.mkdir()
        self.folder, self.offered, self.containers = folder, offered, containers
        self.forbidden = set[str]()
        """What this account may not do: `create jobs`, `list pods`."""
        self.refusal: str | None = None
        """What admission says of a new object that it does not let in: a quota, a webhook."""
        self.pending: dict[str, Any] | None = None
        """The status that new pods are kept in, rather than run, until `release`."""
        self.existing = {"namespaces/train", "namespaces/train/persistentvolumeclaims/store"}
        self.objects: dict[str, dict[str, Any]] = {}
        self.pods: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.workloads: list[dict[str, Any]] = []
        self.created: list[dict[str, Any]] = []
        self.silent = threading.Event()
        self.silent.set()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._killed = set[str]()
        self._held = threading.RLock()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else {}
                asked = urlparse(self.path)
                query = {key: values[0] for key, values in parse_qs(asked.query).items()}
                if asked.path.endswith("/log"):
                    self.stream(asked.path.split("/")[-2])
                    return
                if self.command == "PATCH" and self.headers["Content-Type"] != "application/merge-patch+json":
                    status, answer = _status(415, "the body of the request was in an unknown format")
                else:
                    status, answer = stand_in.answer(self.command, asked.path, query, body)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

            def stream(self, pod: str) -> None:
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                with suppress(BrokenPipeError, ConnectionResetError), (stand_in.folder / f"{pod}.log").open("rb") as log:
                    while True:
                        ended = stand_in.ended(pod)
                        chunk = log.read() if stand_in.silent.is_set() else b""
                        if chunk:
                            self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
                        elif ended:
                            break
                        time.sleep(0.05)
                    self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        cluster = {"name": "here", "cluster": {"server": f"http://127.0.0.1:{self._server.server_port}"}}
        context = {"name": "here", "context": {"cluster": "here", "user": "me"}}
        config = {"apiVersion": "v1", "kind": "Config", "clusters": [cluster], "contexts": [context], "users": [{"name": "me", "user": {}}]}
        (folder / "config").write_text(json.dumps(config | {"current-context": "here"}))
        self.kubeconfig = f"{folder}/another:{folder}/config"

    def answer(self, verb: str, path: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        parts = path.strip("/").split("/")
        with self._held:
            self._look()
            if path.endswith("selfsubjectaccessreviews"):
                wish = body["spec"]["resourceAttributes"]
                return 201, body | {"status": {"allowed": f"{wish['verb']} {wish['resource']}" not in self.forbidden}}
            if parts[0] == "apis" and len(parts) == 3:
                names = [name for name in self.offered if (name == "jobs") == (parts[1] == "batch")]
                resources = [{"name": name, "singularName": "", "namespaced": True, "kind": "", "verbs": []} for name in names]
                return (200, {"groupVersion": "", "resources": resources}) if names else _status(404, "not found")
            at = parts.index("namespaces") + 2
            kind, name = (parts[at], (parts[at + 1 :] or [""])[0]) if len(parts) > at else ("namespaces", parts[at - 1])
            group = parts[1] if parts[0] == "apis" else ""
            do = _VERBS.get(verb) or ("get" if name else "list")
            if f"{do} {kind}" in self.forbidden:
                whose = f'"{kind}" in API group "{group}" in the namespace "train"'
                what = f"{kind}.{group}".rstrip(".") + (f' "{name}"' if name else "")
                return _status(403, f'{what} is forbidden: User "me" cannot {do} resource {whose}')
            if kind == "events":
                wanted = dict(pair.split("=") for pair in query["fieldSelector"].split(","))
                found = [
                    event for event in self.events if event["involvedObject"]["name"] == wanted["involvedObject.name"] and wanted["type"] == "Warning"
                ]
                return 200, {"items": found}
            if kind == "workloads":
                return (200, {"items": self.workloads}) if parts[2] == "v1beta1" else _status(404, "not found")
            if kind not in ("pods", *_KINDS.values()):
                return (200, {"metadata": {}}) if "/".join(parts[2:]) in self.existing else _status(404, "not found")
            if verb == "POST":
                return self._create(body)
            store = self.pods if kind == "pods" else self.objects
            if not name:
                labels = dict(pair.split("=") for pair in query.get("labelSelector", "").split(",") if pair)
                return 200, {"items": [item for item in store.values() if labels.items() <= item["metadata"]["labels"].items()]}
            if name not in store:
                return _status(404, f'{kind} "{name}" not found')
            if verb == "PATCH":
                _merge(store[name], body)
            elif verb == "DELETE" and store is self.pods:
                self._delete_pod(name, now=query.get("gracePeriodSeconds") == "0")
            elif verb == "DELETE":
                store[name]["metadata"]["deletionTimestamp"] = NOW
                for pod in self._pods_of(name):
                    self._delete_pod(pod)
            self._look()
            return 200, store.get(name, {})

    def evict(self, pod: str) -> None:
        """As a node does that runs out of memory."""
        self._end(pod, signal.SIGTERM)
        self._processes[pod].wait(60)
        with self._held:
            self._look()
            words = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 96Mi. "
            target = {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": words}
            self.pods[pod]["status"] |= {"reason": "Evicted", "message": words, "conditions": [target]}

    def kill(self, pod: str) -> None:
        """As where its node loses power and comes back: nothing can be tidied up."""
        self._end(pod, signal.SIGKILL)

    def admit(self) -> None:
        """As Kueue does with jobs for which there is room."""
        with self._held:
            for body in self.objects.values():
                (body["spec"].get("runPolicy") or body["spec"])["suspend"] = False
            self._look()

    def release(self) -> None:
        """Run the pods that were kept."""
        with self._held:
            self.pending = None
            for pod in [pod for pod, body in self.pods.items() if body["status"]["phase"] == "Pending"]:
                self._run(pod)

    def completed(self) -> bool:
        """Whether there are jobs and all of them have ended well."""
        with self._held:
            self._look()
            return bool(self.objects) and all("completionTime" in body["status"] for body in self.objects.values())

    def ended(self, pod: str) -> bool:
        return pod not in self._processes or self._processes[pod].poll() is not None

    def processes(self) -> list[int]:
        return [process.pid for process in self._processes.values() if process.poll() is None]

    def stop(self) -> None:
        for pod in self._processes:
            self._end(pod, signal.SIGKILL)
        for process in self._processes.values():
            process.wait()
        self._server.shutdown()
        self._server.server_close()

    def _create(self, body: dict[str, Any]) -> tuple[int, Any]:
        name, kind = body["metadata"]["name"], _KINDS[body["kind"]]
        if self.refusal:
            return _status(403, f'{kind}.{body["apiVersion"].split("/")[0]} "{name}" is forbidden: {self.refusal}')
        if name in self.objects:
            return _status(409, f'{kind} "{name}" already exists')
        try:
            check(body)
        except kubernetes_validate.ValidationError as error:
            return _status(422, str(error.message))
        body["metadata"]["uid"] = f"uid-{len(self.created)}"
        self.objects[name] = body | {"status": {}}
        self.created.append(body)
        self._look()
        return 201, self.objects[name]

    def _replicas(self, body: dict[str, Any]) -> list[tuple[str, int, dict[str, Any]]]:
        """Pods that there should be: name, rank and template."""
        name = body["metadata"]["name"]
        if body["kind"] == "Job":
            return [(f"{name}-x7k2p", 0, body["spec"]["template"])]
        roles = body["spec"]["pytorchReplicaSpecs"]
        each = [("Master", 0), *(("Worker", number) for number in range(roles["Worker"]["replicas"]))]
        return [(f"{name}-{role.lower()}-{number}", rank, roles[role]["template"]) for rank, (role, number) in enumerate(each)]

    def _make_pod(self, body: dict[str, Any], pod: str, rank: int, template: dict[str, Any]) -> None:
        labels, env = template["metadata"]["labels"], []
        if body["kind"] == "PyTorchJob":
            role = pod.split("-")[-2]
            labels = labels | {"training.kubeflow.org/replica-type": role, "training.kubeflow.org/replica-index": pod.split("-")[-1]}
            master, replicas = f"{body['metadata']['name']}-master-0", str(len(self._replicas(body)))
            (port,) = (each["containerPort"] for each in template["spec"]["containers"][0]["ports"] if each["name"] == "pytorchjob-port")
            told = {
                "PYTHONUNBUFFERED": "1",
                "MASTER_ADDR": master,
                "MASTER_PORT": port,
                "WORLD_SIZE": replicas,
                "RANK": rank,
                "PET_MASTER_ADDR": master,
            }
            told |= {"PET_MASTER_PORT": port, "PET_NODE_RANK": rank, "PET_NNODES": replicas, "PET_NPROC_PER_NODE": "auto"}
            env = [{"name": key, "value": str(value)} for key, value in told.items()]
        meta = {"name": pod, "labels": labels, "owner": body["metadata"]["name"], "rank": rank}
        self.pods[pod] = {"metadata": meta, "env": env, "template": template, "status": self.pending or {"phase": "Pending"}}

    def _run(self, pod: str) -> None:
        meta, container = self.pods[pod]["metadata"], self.pods[pod]["template"]["spec"]["containers"][0]
        env = {entry["name"]: entry["value"] for entry in [*container["env"], *self.pods[pod]["env"]]}
        # `$(NAME)` is the variable's value if there is one, and `$$` is `$`.
        expanded = [re.sub(r"\$\$|\$\(([\w.-]+)\)", lambda m: "$" if m[0] == "$$" else env.get(m[1], m[0]), part) for part in container["command"]]
        # Kubeflow's operator makes a headless service for each of its pods, of the same name.
        services = {name: body["metadata"]["rank"] for name, body in self.pods.items() if body["metadata"]["owner"] == meta["owner"]}
        command = [*(self.containers.around(pod, meta["rank"], services) if self.containers else []), *expanded]
        with (self.folder / f"{pod}.log").open("wb") as log:
            self._processes[pod] = subprocess.Popen(
                command, env={"PATH": os.environ["PATH"]} | env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._killed.discard(pod)
        self.pods[pod]["status"] = {"phase": "Running"}

    def _look(self) -> None:
        """What controllers and kubelets would have written by now."""
        for pod, body in list(self.pods.items()):
            if body["status"]["phase"] == "Running" and pod in self._processes and self.ended(pod):
                code = self._processes[pod].returncode
                code = 137 if pod in self._killed else code if code >= 0 else 128 - code
                at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                terminated = {"exitCode": code, "reason": "Completed" if code == 0 else "Error", "finishedAt": at}
                status = container_status({"terminated": terminated})
                body["status"] = {"phase": "Succeeded" if code == 0 else "Failed", "containerStatuses": [status]}
            if body["metadata"].get("deletionTimestamp") and body["status"]["phase"] != "Running":
                del self.pods[pod]
        for name, body in list(self.objects.items()):
            if body["metadata"].get("deletionTimestamp"):
                if not self._pods_of(name):
                    del self.objects[name]
            elif not body["status"].get("finished"):
                self._reconcile(name, body)

    def _reconcile(self, name: str, body: dict[str, Any]) -> None:
        """A job that has not ended, as its controller sees it."""
        policy, of_kubeflow = body["spec"].get("runPolicy") or body["spec"], body["kind"] == "PyTorchJob"
        if policy.get("suspend"):
            reason = "PyTorchJobSuspended" if of_kubeflow else "JobSuspended"
            body["status"] = {"conditions": [{"type": "Suspended", "status": "True", "reason": reason}]}
            for pod in self._pods_of(name):
                self._delete_pod(pod)
            return
        begun = body["status"].get("startTime")
        body["status"]["startTime"] = begun or NOW
        # Kubeflow's operator puts a new pod in the place of a deleted one; a Job without retries has failed.
        missing = [each for each in self._replicas(body) if each[0] not in self.pods and (of_kubeflow or not begun)]
        for pod, rank, template in missing:
            self._make_pod(body, pod, rank, template)
        for pod, _, _ in missing if self.pending is None else []:
            self._run(pod)
        phases = {pod: self.pods[pod]["status"]["phase"] for pod in self._pods_of(name)}
        if "activeDeadlineSeconds" in policy:
            self._finish(name, "Failed", "PyTorchJobFailed" if of_kubeflow else "DeadlineExceeded")
        elif "Failed" in phases.values() or not phases:
            self._finish(name, "Failed", "PyTorchJobFailed" if of_kubeflow else "BackoffLimitExceeded")
        elif (of_kubeflow and phases[f"{name}-master-0"] == "Succeeded") or set(phases.values()) == {"Succeeded"}:
            self._finish(name, "Succeeded" if of_kubeflow else "Complete", None)

    def _finish(self, name: str, condition: str, reason: str | None) -> None:
        conditions = [{"type": condition, "status": "True", "reason": reason}]
        self.objects[name]["status"] = {"conditions": conditions, "finished": True} | ({} if condition == "Failed" else {"completionTime": NOW})
        for pod in self._pods_of(name):  # `cleanPodPolicy: Running`
            if self.pods[pod]["status"]["phase"] in ("Running", "Pending"):
                self._delete_pod(pod)

    def _pods_of(self, name: str) -> list[str]:
        return [pod for pod, body in self.pods.items() if body["metadata"]["owner"] == name]

    def _delete_pod(self, pod: str, now: bool = False) -> None:
        if self.pods[pod]["status"]["phase"] == "Running":
            self._end(pod, signal.SIGKILL if now else signal.SIGTERM)
        self.pods[pod]["metadata"]["deletionTimestamp"] = NOW
        if now:
            del self.pods[pod]

    def _end(self, pod: str, number: int) -> None:
        if self.ended(pod):
            return
        if number == signal.SIGKILL:
            self._killed.add(pod)
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self._processes[pod].pid)
            if self.containers:  # its first process, with which the kernel ends all others
                process = next(iter(process.children()), process)
                process.send_signal(number)
                return
            # A container's end is the end of all its processes.
            rest = process.children(recursive=True) if number == signal.SIGKILL else []
            for each in [process, *rest]:
                with suppress(psutil.NoSuchProcess):
                    each.send_signal(number)


def container_status(state: dict[str, Any]) -> dict[str, Any]:
    """Of a pod's only container, as a kubelet writes it."""
    return {"name": "pytorch", "image": "registry.example.org/screenry:1", "imageID": "", "ready": False, "restartCount": 0, "state": state}


def waiting(reason: str, message: str) -> dict[str, Any]:
    """Status of a pod whose container does not start."""
    return _checked({"phase": "Pending", "containerStatuses": [container_status({"waiting": {"reason": reason, "message": message}})]})


def unschedulable(message: str) -> dict[str, Any]:
    """Status of a pod for which there is no node."""
    return _checked({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]})


def _checked(status: dict[str, Any]) -> dict[str, Any]:
    kubernetes_validate.validate({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "status": status}, "1.37", strict=True)
    return status


def check(body: dict[str, Any]) -> None:
    """ValidationError unless the published schemas admit the object, no unknown key among its own."""
    if body["kind"] == "Job":
        kubernetes_validate.validate(body, "1.37", strict=True)
        return
    check_pytorch_job(body)
    for replica in body["spec"]["pytorchReplicaSpecs"].values():
        pod = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "pod"}, "template": replica["template"]}
        kubernetes_validate.validate(pod, "1.37", strict=True)


def check_pytorch_job(body: dict[str, Any]) -> None:
    """AssertionError unless Kubeflow's own models, which are made from the schema of its API, know every key."""
    from kubeflow.training import models

    def known(kind: str, value: dict[str, Any]) -> dict[str, str]:
        model = getattr(models, kind)
        keys = {model.attribute_map[name]: of for name, of in model.openapi_types.items()}
        assert value.keys() <= keys.keys(), f"{kind} knows no {sorted(value.keys() - keys.keys())}"
        return {key: keys[key] for key in value}

    assert (body["apiVersion"], body["kind"]) == ("kubeflow.org/v1", "PyTorchJob")
    known("KubeflowOrgV1PyTorchJob", body)
    spec = body["spec"]
    known("KubeflowOrgV1PyTorchJobSpec", spec)
    types = known("KubeflowOrgV1RunPolicy", spec["runPolicy"])
    assert all(type(spec["runPolicy"][key]).__name__ == of for key, of in types.items() if of in ("int", "str", "bool"))
    assert set(spec["pytorchReplicaSpecs"]) <= {"Master", "Worker"}
    for replica in spec["pytorchReplicaSpecs"].values():
        known("KubeflowOrgV1ReplicaSpec", replica)


def _merge(onto: dict[str, Any], patch: dict[str, Any]) -> None:
    """As a merge patch does (RFC 7396)."""
    for key, value in patch.items():
        if isinstance(value, dict):
            _merge(onto.setdefault(key, {}), value)
        else:
            onto[key] = value


def _status(code: int, message: str) -> tuple[int, dict[str, Any]]:
    reasons = {403: "Forbidden", 404: "NotFound", 409: "AlreadyExists", 415: "UnsupportedMediaType", 422: "Invalid"}
    return code, {
        "apiVersion": "v1",
        "kind": "Status",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reasons[code],
        "code": code,
    }
