"""Which device a study runs on: said once, checked before any work, handed on."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from analysis import profiles
from analysis.__main__ import main
from analysis.electrochemistry.transport import devices
from analysis.electrochemistry.transport.cuda import card
from analysis.electrochemistry.transport.cuda.card import CardState
from analysis.record import unit_costs
from analysis.simulation import campaign, costs, local, run
from analysis.simulation.cases import Case
from publishing import build

SMOKE = profiles.get("smoke")
RESOLVED = Case("lithiation", "SL", 1, "truth", 0.1, 6.0, "resolved", 2)
COMMANDS = {
    "book": ["book", "--profile=smoke"],
    "campaign": ["campaign", "--profile=smoke", "--resolved"],
    "verify": ["verify", "--profile=smoke"],
}


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch):
    monkeypatch.setenv(devices.VARIABLE, "")  # put back afterwards, whatever is chosen
    monkeypatch.delenv(devices.VARIABLE)


@pytest.fixture
def without_a_card(monkeypatch):
    monkeypatch.setattr(card, "look", lambda: CardState(False, True, error="no libcuda"))


@pytest.fixture
def with_a_card(monkeypatch):
    monkeypatch.setattr(card, "look", lambda: CardState(False, True, True, (12, 4), "H100"))


@pytest.fixture
def no_work(monkeypatch):
    for room, name in (
        (build, "execute"),
        (campaign, "run"),
        (build.opengl, "check"),
        (campaign.scratch, "sweep_partial"),
    ):
        monkeypatch.setattr(room, name, lambda *args, **options: pytest.fail("work was begun"))


@pytest.mark.parametrize("command", COMMANDS)
def test_no_card_is_one_clear_message_before_any_work(command, without_a_card, no_work, capsys):
    assert main([*COMMANDS[command], "--device=cuda"]) == 1
    said = capsys.readouterr().err
    assert "No driver of NVIDIA was found (no libcuda)" in said
    assert "nvidia-smi" in said and "Nothing was run" in said and "Traceback" not in said
    assert len(said.strip().splitlines()) == 1


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["gpu", "CUDA", "cuda:1"])
def test_an_unknown_device_is_refused_before_any_work(command, name, no_work, capsys):
    assert main([*COMMANDS[command], f"--device={name}"]) == 1
    assert f"There is no device {name!r}; expected one of cpu, cuda" in capsys.readouterr().err


def test_a_device_named_in_the_environment_is_checked_too(without_a_card, no_work, monkeypatch):
    monkeypatch.setenv(devices.VARIABLE, "cuda")
    with pytest.raises(card.CudaError, match="No driver"):
        build.build_book("smoke")


def test_the_processes_that_a_run_starts_know_the_device(with_a_card):
    devices.choose("cuda")
    code = "from analysis.electrochemistry.transport import devices; print(devices.chosen())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["cuda"], done.stderr
    devices.choose("")  # nothing else was said
    assert devices.chosen() == "cuda"
    devices.choose("cpu")
    assert devices.chosen() == "cpu"


def test_a_machine_without_a_card_may_hand_cases_to_one_that_has_it(without_a_card):
    devices.choose("cuda", here=False)
    assert os.environ[devices.VARIABLE] == "cuda"


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_resolved_case_runs_on_the_device_and_says_so(device, with_a_card, monkeypatch, tmp_path):
    monkeypatch.setenv("CBD_RESULTS", str(tmp_path))
    devices.choose(device)
    seen = {}

    def lithiate(labels, gamma, current, **options):
        seen.update(options)
        raise ValueError("far enough")

    monkeypatch.setattr(run.resolved, "lithiate", lithiate)
    monkeypatch.setattr(run, "part_of", lambda *args: (np.full((4, 4, 4), 2, np.uint8), 0.642))
    assert run.execute(RESOLVED, SMOKE).reason == "far enough"
    assert seen["device"] == device
    monkeypatch.setattr(costs, "file_of", lambda *args: tmp_path / "cost.json")
    cost = costs.write(RESOLVED, SMOKE, costs.Meter(), {})
    assert cost["device"] == device
    monkeypatch.setattr(unit_costs, "size_of", lambda *args: 1.0)
    assert bool(unit_costs.unit_costs([(RESOLVED, SMOKE)])) == (device == "cpu")


@pytest.mark.parametrize(("device", "workers"), [("cpu", 3), ("cuda", 1)])
def test_a_card_is_not_shared_by_processes(device, workers, with_a_card, monkeypatch):
    devices.choose(device)
    seen = []
    monkeypatch.setattr(
        local, "outcomes", lambda cases, profile, n, begun: seen.append(n) or iter(())
    )
    cases = [Case("lithiation", "SL", n, "truth", 0.1, 6.0, "resolved", 2) for n in (7, 8, 9)]
    monkeypatch.setattr(campaign, "file_of", lambda *args: SimpleNamespace(exists=lambda: False))
    monkeypatch.setattr(campaign.storage, "trouble", lambda file: "is missing")
    campaign.run(cases, SMOKE, workers=3, progress=lambda line: None)
    assert seen == [workers]
