"""A stand-in for a Kubernetes cluster, because none can run where these tests run. It keeps objects and lets through only what the published schemas admit;
the controllers' part (a Job or PyTorchJob becomes pods) and the kubelet's (a pod runs its container) are played with processes of this machine.

What it does not play: scheduling, images, admission, volumes, networks between pods, and the many ways in which real controllers are late.
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
from typing import Any
from urllib.parse import parse_qs, urlparse

import kubernetes_validate
import psutil

NOW = "2026-11-21T00:00:00Z"


class StandIn:
    """An API server on loopback, with the cluster behind it."""

    def __init__(self, folder: Path, offered: tuple[str, ...] = ("jobs", "pytorchjobs")):
        folder.mkdir()
        self.folder, self.offered, self.forbidden = folder, offered, set[str]()
        self.existing = {"namespaces/train", "namespaces/train/persistentvolumeclaims/store"}
        self.objects: dict[str, dict[str, Any]] = {}
        self.pods: dict[str, dict[str, Any]] = {}
        self.created: list[dict[str, Any]] = []
        self.silent = threading.Event()
        self.silent.set()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
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
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        cluster = {"name": "here", "cluster": {"server": f"http://127.0.0.1:{self._server.server_port}"}}
        context = {"name": "here", "context": {"cluster": "here", "user": "me"}}
        config = {"apiVersion": "v1", "kind": "Config", "clusters": [cluster], "contexts": [context], "users": [{"name": "me", "user": {}}]}
        self.kubeconfig = folder / "config"
        self.kubeconfig.write_text(json.dumps(config | {"current-context": "here"}))

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
            store = self.pods if parts[-1] == "pods" or parts[-2] == "pods" else self.objects
            if parts[0] == "api" and store is self.objects:
                return (200, {"metadata": {}}) if "/".join(parts[2:]) in self.existing else _status(404, "not found")
            if verb == "POST":
                return self._create(body)
            if parts[-1] in ("pods", "jobs", "pytorchjobs"):
                labels = dict(pair.split("=") for pair in query.get("labelSelector", "").split(",") if pair)
                found = [item for item in store.values() if labels.items() <= item["metadata"]["labels"].items()]
                return 200, {"items": found}
            name = parts[-1]
            if name not in store:
                return _status(404, f'"{name}" not found')
            if verb == "PATCH":
                store[name]["metadata"].setdefault("annotations", {}).update(body["metadata"]["annotations"])
            if verb == "DELETE" and store is self.pods:
                self._end(name, signal.SIGKILL if query.get("gracePeriodSeconds") == "0" else signal.SIGTERM)
            elif verb == "DELETE":
                store[name]["metadata"]["deletionTimestamp"] = NOW
                for pod in self._pods_of(name):
                    self._end(pod, signal.SIGTERM)
                self._look()
            return 200, store.get(name, {})

    def evict(self, pod: str) -> None:
        """As a node does that runs out of disk, or a scheduler that needs the room."""
        self._end(pod, signal.SIGTERM)
        self._processes[pod].wait(60)
        with self._held:
            self._look()
            self.pods[pod]["status"]["reason"] = "Evicted"

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
        name = body["metadata"]["name"]
        if name in self.objects:
            return _status(409, f'"{name}" already exists')
        try:
            check(body)
        except kubernetes_validate.ValidationError as error:
            return _status(422, str(error.message))
        self.objects[name] = body | {"status": {}}
        self.created.append(body)
        if body["kind"] == "Job":
            self._start(name, 0, "", body["spec"]["template"])
        else:
            for role, count in (("Master", 1), ("Worker", body["spec"]["pytorchReplicaSpecs"]["Worker"]["replicas"])):
                for number in range(count):
                    template = body["spec"]["pytorchReplicaSpecs"][role]["template"]
                    self._start(name, number + (role == "Worker"), f"{role.lower()}-{number}", template)
        return 201, self.objects[name]

    def _start(self, name: str, rank: int, role: str, template: dict[str, Any]) -> None:
        pod, container = f"{name}-{role or 'x7k2p'}", template["spec"]["containers"][0]
        env = {entry["name"]: entry["value"] for entry in container["env"]} | {"RANK": str(rank)}
        # The operator's names of nodes are names of services, which only a cluster can look up.
        command = [
            re.sub(r"(?<!\$)\$\(RANK\)", str(rank), part).replace("$$(", "$(").replace(f"{name}-master-0", "127.0.0.1")
            for part in container["command"]
        ]
        with (self.folder / f"{pod}.log").open("wb") as log:
            self._processes[pod] = subprocess.Popen(
                command, env={"PATH": os.environ["PATH"]} | env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        labels = template["metadata"]["labels"] | ({"training.kubeflow.org/replica-type": role.split("-")[0]} if role else {})
        self.pods[pod] = {"metadata": {"name": pod, "labels": labels, "owner": name}, "status": {"phase": "Running"}}

    def _look(self) -> None:
        """What controllers and kubelets would have written by now."""
        for pod, process in self._processes.items():
            code = process.poll()
            if code is not None and pod in self.pods and self.pods[pod]["status"]["phase"] == "Running":
                terminated = {"exitCode": code if code >= 0 else 128 - code, "reason": "Completed" if code == 0 else "Error"}
                status = {"name": "pytorch", "ready": False, "restartCount": 0, "image": "", "imageID": "", "state": {"terminated": terminated}}
                self.pods[pod]["status"] = {"phase": "Succeeded" if code == 0 else "Failed", "containerStatuses": [status]}
        for name, body in list(self.objects.items()):
            phases = [self.pods[pod]["status"]["phase"] for pod in self._pods_of(name)]
            if body["metadata"].get("deletionTimestamp") and "Running" not in phases:
                for pod in self._pods_of(name):
                    del self.pods[pod]
                del self.objects[name]
            elif phases and all(phase == "Succeeded" for phase in phases):
                good = "Complete" if body["kind"] == "Job" else "Succeeded"
                body["status"] = {"conditions": [{"type": good, "status": "True"}], "completionTime": NOW}
            elif not phases or "Failed" in phases:
                body["status"] = {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}

    def _pods_of(self, name: str) -> list[str]:
        return [pod for pod, body in self.pods.items() if body["metadata"]["owner"] == name]

    def _end(self, pod: str, number: int) -> None:
        with suppress(ProcessLookupError):
            # A container's end is the end of all its processes.
            rest = psutil.Process(self._processes[pod].pid).children(recursive=True) if number == signal.SIGKILL and not self.ended(pod) else []
            os.kill(self._processes[pod].pid, number)
            for process in rest:
                os.kill(process.pid, number)


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


def _status(code: int, message: str) -> tuple[int, dict[str, Any]]:
    return code, {"kind": "Status", "status": "Failure", "message": message, "code": code}
