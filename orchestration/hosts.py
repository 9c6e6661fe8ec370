"""`hosts.yaml`: the places besides this machine where stages can run (docs/launchers.md). A missing file means that there are none.

    targets:
      gpu-box:
        launcher: ssh
        hosts: [gpu-box]
        folder: /scratch/me/screenry
        python: /opt/screenry/bin/python

A preset chooses one per stage: `presets.<preset>.hardware.<stage>.target: gpu-box`.
"""

import json
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from contracts.errors import InputError
from contracts.knobs import Knobs, suggestion

HOSTS = Path("hosts.yaml")
LOCAL = "local"


class KubernetesKnobs(Knobs):
    """How a job becomes pods. GPUs follow from the stage's `devices`, shared by the target's `nodes` alike."""

    image: str
    """Image with the stage's libraries in the interpreter `python` of the target; git and DVC too with `data: dvc`."""
    claim: str
    """PersistentVolumeClaim on which the target's `folder` lies; several nodes need one of mode ReadWriteMany."""
    mount: str | None = None
    """Where the claim is mounted in the pods; at `folder` if not given."""
    namespace: str = "default"
    """Namespace of the jobs."""
    context: str | None = None
    """Context of the kubeconfig; its current one if not given, and the pod's own account where this side runs in a pod."""
    service_account: str | None = None
    """Account of the pods."""
    secrets: tuple[str, ...] = ()
    """Secrets whose keys become environment variables: credentials of the git and DVC remotes, of a tracker."""
    resources: dict[str, str] = Field(default_factory=dict)
    """Requests and limits of a pod besides its GPUs, such as `{cpu: "16", memory: 128Gi}`."""
    gpu_resource: str = "nvidia.com/gpu"
    """The resource under which nodes offer GPUs."""
    shared_memory: str = "16Gi"
    """Size of /dev/shm, over which processes of a loader hand on batches."""
    node_selector: dict[str, str] = Field(default_factory=dict)
    """Labels that a node must have."""
    tolerations: tuple[dict[str, str | int], ...] = ()
    """Taints that the pods put up with."""
    priority_class: str | None = None
    """PriorityClass of the pods."""
    queue: str | None = None
    """LocalQueue of Kueue that admits the job."""


class SkypilotKnobs(Knobs):
    """What SkyPilot rents."""

    resources: dict[str, Any]
    """SkyPilot's own block of a task: `accelerators`, `infra`, `any_of` (clouds and regions), `disk_size` ..."""
    setup: str
    """Shell commands that make a new machine ready: a Python with the stage's libraries at `python` of the target."""
    on_demand: float | None = Field(default=None, ge=0, le=1)
    """Share of jobs that run on machines at the full price, the others on spot machines; None: as `resources` says. The last machines that `max_resumes` allows are
    at the full price."""
    idle_minutes: int = Field(default=15, ge=1)
    """Minutes without a stage after which the machines are given back."""
    retry_until_up: bool = True
    """Ask again until machines are to be had."""
    file_mounts: dict[str, Any] = Field(default_factory=dict)
    """SkyPilot's own: buckets and files on the machines; several nodes need a `folder` that they share."""
    volumes: dict[str, Any] = Field(default_factory=dict)
    """SkyPilot's own: volumes of the machines."""


class Target(Knobs):
    """One place. Every key but the first three may be left out."""

    launcher: Literal["ssh", "slurm", "kubernetes", "skypilot"]
    """`ssh`: a process on the host. `slurm`: a job that sbatch submits, on the host or, without `hosts`, on this machine. `kubernetes`: a Job, or with several
    `nodes` a PyTorchJob of Kubeflow's. `skypilot`: a process on machines that SkyPilot rents for it."""
    hosts: tuple[str, ...] = ()
    """As OpenSSH knows them (`~/.ssh/config` says user, port, key, jump host). Several hosts run one training together (torchrun); Slurm needs one login node."""
    folder: str
    """Where the host keeps code, inputs, checkpoints and outputs of jobs; several hosts or Slurm's nodes share it. With `data: shared`: this repository, as
    the host sees it. May start with `~/`."""
    python: str
    """The host's interpreter, in whose environment the stage's libraries are installed."""
    data: Literal["copy", "dvc", "shared"] = "copy"
    """How inputs reach the host. `copy`: rsync. `dvc`: `dvc push` here, `dvc pull` there, by way of DVC's default remote. `shared`: they are there already."""
    git: str | None = None
    """URL of a git repository that this side may push to and pods clone from; jobs are commits under its `refs/screenry/`."""
    kubernetes: KubernetesKnobs | None = None
    """What `launcher: kubernetes` needs."""
    skypilot: SkypilotKnobs | None = None
    """What `launcher: skypilot` needs."""
    changes: Literal["refuse", "carry"] = "refuse"
    """What becomes of uncommitted changes, and of code that git does not know: refused, or carried along."""
    ssh_options: tuple[str, ...] = ()
    """More options for ssh, such as `[-F, my_ssh_config]`."""
    env: dict[str, str] = Field(default_factory=dict)
    """Environment variables of the job. Nothing of the asking machine's environment reaches it."""
    dvc: str = "dvc"
    """The host's DVC; used with `data: dvc` alone."""
    nodes: int = Field(default=1, ge=1)
    """Nodes of a job of Slurm, Kubernetes or SkyPilot."""
    sbatch: tuple[str, ...] = ()
    """Options for sbatch, such as `[--partition=gpu, --gres=gpu:8, --time=24:00:00]`."""
    rendezvous_host: str | None = None
    """Name or address under which the other hosts reach the first one; its own name in `hosts` if not given."""
    rendezvous_port: int = Field(default=29400, ge=1, le=65535)
    """Port of the first host at which the processes of several hosts meet."""
    interface: str | None = None
    """Network interface over which processes of several hosts speak; left to the libraries if not given."""
    vanished_after: float = Field(default=60, ge=5)
    """Seconds without a sign of life after which a host, or one of several hosts or nodes, has vanished."""
    max_resumes: int = Field(default=3, ge=0)
    """How often a job that its host or scheduler has ended goes on from its last checkpoint before it has failed."""
    bring_checkpoints: float = Field(default=0, ge=0)
    """Checkpoints are copied here every so many seconds, so that they outlive the host; 0: never."""
    fallback: str | None = None
    """The target on which the stage goes on if this one's host has vanished."""
    keep_jobs: int = Field(default=2, ge=0)
    """Folders of finished jobs that stay on the host; their unchanged inputs need not be copied again."""

    @model_validator(mode="after")
    def _fits(self) -> "Target":
        if (self.launcher == "kubernetes") != (self.kubernetes is not None):
            raise ValueError("`launcher: kubernetes` and a block `kubernetes:` belong together")
        if self.kubernetes:
            self._fits_kubernetes(self.kubernetes)
        if (self.launcher == "skypilot") != (self.skypilot is not None):
            raise ValueError("`launcher: skypilot` and a block `skypilot:` belong together")
        if self.skypilot:
            self._fits_skypilot(self.skypilot)
        if self.launcher == "ssh" and not self.hosts:
            raise ValueError("`launcher: ssh` needs `hosts`")
        if self.launcher == "slurm" and len(self.hosts) > 1:
            raise ValueError("Slurm is asked on one login node: `hosts` may name one; `nodes` says how many run the job")
        if self.launcher == "ssh" and (self.sbatch or self.nodes > 1):
            raise ValueError("`sbatch` and `nodes` belong to `launcher: slurm`; here `hosts` says where the job runs")
        if not self.folder.startswith(("/", "~/")):
            raise ValueError("`folder` must start with / or ~/")
        return self

    def _fits_kubernetes(self, knobs: KubernetesKnobs) -> None:
        for key in ("hosts", "sbatch", "ssh_options", "bring_checkpoints", "rendezvous_host"):
            if getattr(self, key):
                raise ValueError(f"`{key}` does not belong to `launcher: kubernetes`")
        if self.data == "copy":
            raise ValueError("`launcher: kubernetes` needs `data: dvc` or `data: shared`, as nothing can be copied into pods")
        if self.data == "dvc" and not self.git:
            raise ValueError("pods with `data: dvc` need `git`, by which the code gets there")
        if not self.folder.startswith("/"):
            raise ValueError("`folder` must start with /, as pods have no home of yours")
        if knobs.mount and not Path(self.folder).is_relative_to(knobs.mount):
            raise ValueError("`folder` must lie on the claim, below `kubernetes.mount`")

    def _fits_skypilot(self, knobs: SkypilotKnobs) -> None:
        for key in ("hosts", "sbatch"):
            if getattr(self, key):
                raise ValueError(f"`{key}` does not belong to `launcher: skypilot`")
        if self.data == "shared":
            raise ValueError("`launcher: skypilot` needs `data: copy` or `data: dvc`: rented machines do not have this repository")
        if knobs.on_demand is not None and "use_spot" in knobs.resources:
            raise ValueError("`skypilot.on_demand` and `skypilot.resources.use_spot` say the same: choose one")
        if not self.bring_checkpoints:
            raise ValueError("`launcher: skypilot` needs `bring_checkpoints`, as what is on a rented machine is gone with it")

    @property
    def node_count(self) -> int:
        return len(self.hosts) if self.launcher == "ssh" else self.nodes


class _Hosts(Knobs):
    targets: dict[str, Target]


def load_targets(file: Path = HOSTS) -> dict[str, Target]:
    """All targets by name, none without a file. InputError for what does not fit, with file, field and value."""
    if not file.is_file():
        return {}
    shape = "It holds `targets:`, a mapping of names to settings; docs/launchers.md shows one."
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"is not valid YAML: {error}.", file=file, fix="Mend the line that it names.") from None
    if not isinstance(content, dict) or not isinstance(content.get("targets"), dict):
        raise InputError("names no targets.", file=file, field="targets", found=content, fix=shape)
    try:
        targets = _Hosts.model_validate_json(json.dumps(content, default=str)).targets
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            blocks: dict[Any, type[Knobs]] = {"kubernetes": KubernetesKnobs, "skypilot": SkypilotKnobs}
            inside = _Hosts if len(first["loc"]) == 1 else blocks.get(first["loc"][-2], Target)
            fix = suggestion(str(first["loc"][-1]), [*inside.model_fields])
            raise InputError("is an unknown key.", file=file, field=field, fix=fix) from None
        problem = first["msg"].removeprefix("Value error, ")
        found = None if first["type"] in ("missing", "value_error") else repr(first["input"])
        raise InputError(
            f"{problem}.", file=file, field=field, found=found, fix="Correct the value; docs/launchers.md says what each key means."
        ) from None
    for name, target in targets.items():
        if name == LOCAL:
            raise InputError("is this machine and needs no entry.", file=file, field=f"targets.{name}", fix="Choose another name.")
        if target.fallback is not None and target.fallback not in targets:
            raise InputError(
                "is no target.", file=file, field=f"targets.{name}.fallback", found=target.fallback, fix=suggestion(target.fallback, list(targets))
            )
    return targets


def find_target(name: str, field: str, params: Path) -> Target:
    """The target that a preset names in `field` of params.yaml. InputError if hosts.yaml has none of that name."""
    targets = load_targets()
    if name not in targets:
        known = [LOCAL, *targets]
        fix = suggestion(name, known) if targets else f"Describe it in {HOSTS} (docs/launchers.md), or choose `{LOCAL}`."
        raise InputError(f"is no target of {HOSTS}.", file=params, field=field, found=name, fix=fix)
    return targets[name]
