"""deploy/: the settings of a team, on a real PostgreSQL."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from datagen.kits.qt_widgets import LIBRARIES
from tests.orchestration.small_repository import REPOSITORY, Small

DEPLOY = REPOSITORY / "deploy"


def settings(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text())
    return loaded


def test_a_team_has_the_settings_of_one_machine_but_for_the_storage() -> None:
    one, team = yaml.safe_load((REPOSITORY / "orchestration/dagster.yaml").read_text()), settings("dagster.yaml")
    assert {key: value for key, value in team.items() if key not in ("storage", "compute_logs")} == {
        key: value for key, value in one.items() if key != "storage"
    }


def test_services_volumes_and_variables_of_the_composition_fit_each_other() -> None:
    compose, text = settings("compose.yaml"), (DEPLOY / "dagster.yaml").read_text()
    services = compose["services"]
    assert set(services) == {"postgres", "code", "webserver", "daemon"}
    (server,) = [entry["grpc_server"] for entry in settings("workspace.yaml")["load_from"]]
    assert server["host"] in services and f"-p {server['port']} " in services["code"]["command"][-1]
    wanted = {part.split("}")[0] for part in text.split("{env: ")[1:]}
    for name in ("code", "webserver", "daemon"):
        assert wanted <= services[name]["environment"].keys(), name
        for volume in services[name]["volumes"]:
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).is_file() or source == "${SCREENRY}", volume
        assert set(services[name]["depends_on"]) <= services.keys()
        build = services[name]["build"]
        assert build["dockerfile"] == "deploy/Dockerfile" and build["target"] in images(), name
    assert services["webserver"]["ports"][0].startswith("127.0.0.1:"), "it has no login"


def images() -> dict[str, list[str]]:
    """The steps of each image of the Dockerfile, by its name; a step that goes over several lines is one."""
    steps: dict[str, list[str]] = {}
    for step in (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ").splitlines():
        if step.startswith("FROM "):
            steps[step.split(" AS ")[1]] = []
        elif step and not step.startswith("#"):
            steps[list(steps)[-1]].append(step)
    return steps


def test_images_get_what_they_copy_and_nothing_works_as_root() -> None:
    first, *let_through = [line for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    copied = [step.split()[1] for steps in images().values() for step in steps if step.startswith("COPY ")]
    assert first == "*" and let_through == [f"!{path}" for path in copied], "a clone is gigabytes"
    for path in copied:
        assert (REPOSITORY / path).is_file(), path
    for name, steps in images().items():
        assert [step for step in steps if step.startswith("USER ")][-1:] == ["USER screenry"], name


def test_the_code_location_has_the_system_packages_that_setup_would_ask_for() -> None:
    (installed,) = [step.split("&&")[1].split() for step in images()["code"] if "apt-get install" in step]
    setup = (REPOSITORY / ".ci/setup").read_text()
    asked = {
        name
        for line in re.findall(r"^[^#\n]*apt_install (?:required|optional) (?:\"[^\"]*\"|\w+) ([a-z0-9 -]+)", setup, re.M)
        for name in line.split()
    }
    asked |= {name for line in re.findall(r"missing\+=\(([^)]+)\)", setup) for name in line.split()}
    assert {"git", "npm", "chromium", "libopencv-dev"} <= asked
    brought = {"python3-venv", "python3-dev"}  # by the image that it begins with
    assert asked - brought | set(LIBRARIES.values()) <= set(installed)


def postgres_programs() -> Path | None:
    """Where PostgreSQL's server programs are; Debian keeps them off PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres")) if Path("/usr/lib/postgresql").is_dir() else []
    on_path = shutil.which("postgres")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@pytest.fixture
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A PostgreSQL server of this test's own, on a free port; its address as the variables of deploy/dagster.yaml."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed (apt-get install postgresql)")
    folder = Path("/tmp") / f"screenry-postgres-{os.getpid()}"  # a socket's path must be short, and another user must reach it
    folder.mkdir(mode=0o755)
    as_user: list[str] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        if shutil.which("setpriv") is None:
            pytest.skip("`setpriv` is needed to start PostgreSQL as another user than root")
        shutil.chown(folder, "postgres", "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(*command: str) -> None:
        done = subprocess.run([*as_user, *command], cwd="/", capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"

    data = str(folder / "data")
    (folder / "password").write_text("secret\n")
    (folder / "password").chmod(0o644)
    try:
        run(str(programs / "initdb"), "-D", data, "-U", "dagster", "--pwfile", str(folder / "password"), "-A", "scram-sha-256", "--no-sync")
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"
        run(str(programs / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield {
                "DAGSTER_POSTGRES_HOST": "127.0.0.1",
                "DAGSTER_POSTGRES_PORT": str(port),
                "DAGSTER_POSTGRES_USER": "dagster",
                "DAGSTER_POSTGRES_PASSWORD": "secret",
                "DAGSTER_POSTGRES_DB": "postgres",
            }
        finally:
            run(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


RUN = """
import dagster as dg
from orchestration import home
from orchestration.definitions import build
home.main()
quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
with dg.DagsterInstance.get() as instance:
    job = build().resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(instance=instance, run_config=quiet, asset_selection=[dg.AssetKey("eval_detection")], raise_on_error=False)
    assert result.success
    print(result.run_id)
"""
READ = """
import os
import dagster as dg
with dg.DagsterInstance.get() as instance:
    (run,) = instance.get_runs()
    event = instance.get_latest_materialization_event(dg.AssetKey("eval_detection")).asset_materialization
    print(run.run_id, run.status.value, event.metadata["AP"].value, instance.get_dynamic_partitions("shards"))
    print(type(instance.event_log_storage).__name__, instance.get_concurrency_config().pool_config.default_pool_limit, instance.run_retries_enabled)
os.environ["DAGSTER_POSTGRES_PASSWORD"] = "wrong"
dg.DagsterInstance.get()
"""


@pytest.mark.cluster
def test_runs_of_one_process_are_seen_by_another_through_postgresql(made: Small, database: dict[str, str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(DEPLOY / "dagster.yaml", home)
    variables = database | {"DAGSTER_HOME": str(home), "DAGSTER_LOGS": str(tmp_path / "logs")}
    ran = made.run("python", "-W", "ignore", "-c", RUN, env=variables)
    assert ran.returncode == 0, ran.stderr[-3000:]
    shards, run = ran.stdout.splitlines()
    read = made.run("python", "-W", "ignore", "-c", READ, env=variables)
    assert (shards, read.stdout.splitlines()) == ("2 shards", [f"{run} SUCCESS 0.25 ['000000', '000001']", "PostgresEventLogStorage 1 True"]), (
        read.stderr
    )
    assert read.returncode == 1 and "password authentication failed" in read.stderr
    assert not (made.folder / ".dagster").exists() and not list(home.rglob("*.db")), "nothing is kept in files of SQLite"
