"""Kill a run at random moments, damage its files: nothing may be lost, believed, or end in a trap.

    python benchmarks/resilience.py kill --kills 10 --seed 1
    python benchmarks/resilience.py damage --seed 1 [--together]

Both work on a copy of what git tracks in this repository, in a folder of their own, and compare all
tables with those of a run of that copy that nothing disturbed. With ``--work FOLDER`` the copy is
kept, and the next call takes the undisturbed run from it. A run of the smoke profile takes some
minutes, so these take tens of minutes; they are no part of the tests. Status 1 if anything failed.
"""

import argparse
import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]

VICTIMS = {
    "main": (),
    "kernel": ("ipykernel_launcher",),
    "worker": ("multiprocessing.spawn",),
    "site": ("sphinx", "jupyter-book", ".parallel"),
}


def copy_of_repository(folder):
    """Copy the tracked files, as they are now, to a folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def start(folder, *options, command=("book", "--profile", "smoke")):
    """Start a run of the smoke profile in the copy; its output goes to a file."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CBD_RE")}
    environment |= {"PYTHONPATH": str(folder), "KERAS_BACKEND": "jax", "PYTHONHASHSEED": "0"}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, "-m", "analysis", *command, *options]
    with open(folder / "output.txt", "w") as output:
        return subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )


def run(folder, *options):
    """A whole run; returns its status and what it printed."""
    status = start(folder, *options).wait()
    return status, (folder / "output.txt").read_text(errors="replace")


def tables(folder):
    """Hash of every table of a run."""
    found = sorted((folder / "results/smoke/tables").glob("*.csv"))
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in found}


def undisturbed(folder, options):
    """Tables of a run that nothing disturbs; taken from a former call if its marker is there."""
    marker = folder / "undisturbed"
    if not marker.exists():
        copy_of_repository(folder)
        if start(folder, command=("kernels",)).wait():  # as `make book` does first
            sys.exit(f"The kernels could not be compiled:\n{(folder / 'output.txt').read_text()}")
        begin = time.monotonic()
        status, output = run(folder, *options)
        if status:
            sys.exit(f"The undisturbed run itself failed:\n{output}")
        marker.write_text(f"{time.monotonic() - begin:.0f}")
        for name in ("results", "_build"):
            shutil.rmtree(folder / f"undisturbed-{name}", ignore_errors=True)
            shutil.copytree(folder / name, folder / f"undisturbed-{name}")
    return tables_of_copy(folder), float(marker.read_text())


def tables_of_copy(folder):
    """Hash of every table of the undisturbed run."""
    found = sorted((folder / "undisturbed-results/smoke/tables").glob("*.csv"))
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in found}


def restore(folder):
    """Put results and build of the undisturbed run back."""
    for name in ("results", "_build"):
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(folder / f"undisturbed-{name}", folder / name)


def find_victim(process, kind):
    """A process of that kind below a running one, or None."""
    with contextlib.suppress(psutil.Error):
        if kind == "main":
            return psutil.Process(process.pid)
        for child in psutil.Process(process.pid).children(recursive=True):
            command = " ".join(child.cmdline())
            if any(word in command for word in VICTIMS[kind]) and "papermill" not in command:
                return child
    return None


def wait_for_victim(process, plan, seconds):
    """
    Wait a while, then for the first kind of the plan that is running.

    Returns
    -------
    kind, victim : str, psutil.Process
        Both None if the run ended before.
    """
    begin = time.monotonic()
    while process.poll() is None:
        if time.monotonic() - begin >= seconds:
            for kind in dict.fromkeys(plan):
                victim = find_victim(process, kind)
                if victim:
                    return kind, victim
        time.sleep(0.05)
    return None, None


def differences(expected, found):
    """Names of tables that are missing or differ."""
    return sorted(name for name in expected if found.get(name) != expected[name])


def kill(folder, options, *, kills, seed, progress=print):
    """
    Kill parts of a run at random moments, and let it go on until it is complete.

    Returns
    -------
    faults : list of str
        Empty if the run came to its end with equal tables.
    """
    expected, seconds = undisturbed(folder, options)
    rng, faults = random.Random(seed), []
    kinds = [kind for kind in VICTIMS if kind != "site" or "--no-site" not in options]
    plan = [kinds[n % len(kinds)] for n in range(kills)]
    rng.shuffle(plan)
    plan.sort(key=lambda kind: kind == "site")  # there is a site only when all chapters have run
    for name in ("results", "_build"):
        shutil.rmtree(folder / name, ignore_errors=True)
    process, made = start(folder, *options), 0
    while plan:
        begin = time.monotonic()
        kind, victim = wait_for_victim(process, plan, rng.uniform(0, 2 * seconds / (kills + 1)))
        if victim:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.send_signal(signal.SIGKILL)
            plan.remove(kind)
            made += 1
            progress(f"{made:2d} killed: {kind:6s} after {time.monotonic() - begin:.1f} s")
            if kind == "worker":
                continue  # the run replaces it
        process.wait()
        output = (folder / "output.txt").read_text(errors="replace")
        if victim and kind == "site" and "was killed (SIGKILL" not in output:
            faults.append("a Sphinx that was killed was not said to be")
        if process.returncode == 0 and plan:
            progress(f"   complete; not met yet: {', '.join(plan)}; cases and chapters begin anew")
            shutil.rmtree(folder / "results/smoke/cases", ignore_errors=True)
            shutil.rmtree(folder / "_build", ignore_errors=True)
        process = start(folder, *options)
    process.wait()
    status, output = run(folder, *options)
    if status:
        faults.append(f"the run after the kills ended with status {status}:\n{output[-2000:]}")
    faults += [f"{name} differs" for name in differences(expected, tables(folder))]
    left = [path.name for path in (folder / "results").rglob(".*.partial*")]
    faults += [f"{name} was left behind" for name in left]
    progress(f"{made} kills, {len(expected)} tables compared, {len(faults)} faults")
    return faults


def flip_a_bit(file, rng):
    """One bit in the middle half of a file."""
    content = bytearray(file.read_bytes())
    content[rng.randrange(len(content) // 4, 3 * len(content) // 4)] ^= 1 << rng.randrange(8)
    file.write_bytes(content)


def truncate(file, rng):
    """The first part of a file only."""
    os.truncate(file, int(file.stat().st_size * rng.uniform(0.2, 0.8)))


def replace_by_braces(file, rng):
    """An empty JSON object."""
    file.write_text("{}")


def replace_by_garbage(file, rng):
    """Random bytes."""
    file.write_bytes(rng.randbytes(500))


def change_a_digit(file, rng):
    """Another digit in a number of a text."""
    text = file.read_text()
    places = [n for n, letter in enumerate(text) if letter.isdigit() and n > len(text) // 2]
    place = rng.choice(places)
    file.write_text(text[:place] + str((int(text[place]) + 5) % 10) + text[place + 1 :])


def add_20_mV(file, rng):
    """Another voltage in a valid file."""
    import h5py

    with h5py.File(file, "r+") as opened:
        opened["voltage_V"][...] += 0.02


DAMAGE = {
    "table": ("results/smoke/tables/*.csv", (change_a_digit, truncate)),
    "volume": ("results/smoke/volumes/labels/*.nc", (flip_a_bit, truncate)),
    "case": ("results/smoke/cases/lithiation-*.nc", (add_20_mV, truncate)),
    "structure": ("results/smoke/cases/structure-*.nc", (flip_a_bit, truncate)),
    "model": ("results/smoke/models/*.keras", (flip_a_bit, replace_by_garbage)),
    "stamp": ("_build/smoke/stamps/*.json", (replace_by_braces, change_a_digit)),
    "executed": ("_build/smoke/executed/*.ipynb", (change_a_digit, truncate)),
    "database": ("_build/smoke/.*.db", (replace_by_garbage, truncate)),
    "manifest": ("results/smoke/manifest.json", (change_a_digit, truncate)),
}


def damage(folder, options, *, kinds, seed, together=False, progress=print):
    """
    Damage one file of each kind in two ways, and run again.

    Parameters
    ----------
    together : bool
        One run for the first way in all kinds, one for the second, instead of a run for each.

    Returns
    -------
    faults : list of str
        What was not named, not made anew, or made differently.
    """
    expected, _ = undisturbed(folder, options)
    rng, faults = random.Random(seed), []
    ways = [[(kind, DAMAGE[kind][1][n]) for kind in kinds] for n in range(2)]
    rounds = ways if together else [[one] for pair in zip(*ways, strict=True) for one in pair]
    for one_round in rounds:
        restore(folder)
        hurt = []
        for kind, way in one_round:
            files = sorted(folder.glob(DAMAGE[kind][0]))
            if not files:
                progress(f"{kind:9s} there is no such file in this version")
                continue
            file = rng.choice(files)
            before = file.read_bytes()
            way(file, rng)
            hurt.append((kind, way.__name__, file, before, file.read_bytes()))
        if not hurt:
            continue
        status, output = run(folder, *options)
        ran = output.count("running (")
        of_all = [f"{name} differs" for name in differences(expected, tables(folder))]
        if status:
            of_all.append(f"status {status}: {output[-1500:]}")
        for kind, way, file, before, damaged in hurt:
            seen = list(of_all)
            if file.name not in output and kind != "database":
                seen.append("was not named")
            if damaged != before and file.exists() and file.read_bytes() == damaged:
                seen.append("was left as it was")
            verdict = "; ".join(seen) or "noticed, and all tables are equal"
            progress(f"{kind:9s} {way:18s} {file.name}: {verdict} ({ran} chapters ran)")
            faults += [f"{kind}, {way}, {file.name}: {text}" for text in seen]
    return faults


def main(arguments=None):
    """Run one of the two trials."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("trial", choices=["kill", "damage"])
    parser.add_argument("--seed", type=int, default=2022, help="default: %(default)s")
    parser.add_argument("--kills", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--kinds", nargs="+", choices=list(DAMAGE), default=list(DAMAGE))
    parser.add_argument(
        "--together", action="store_true", help="damage a file of every kind before each run"
    )
    parser.add_argument("--no-site", action="store_true", help="chapters only; kills no Sphinx")
    parser.add_argument("--work", type=Path, help="folder that is kept, with the undisturbed run")
    asked = parser.parse_args(arguments)
    options = ["--no-site"] if asked.no_site or asked.trial == "damage" else []

    def progress(line):
        print(line, flush=True)

    with contextlib.ExitStack() as stack:
        work = asked.work or stack.enter_context(tempfile.TemporaryDirectory(prefix="resilience-"))
        folder = Path(work).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if asked.trial == "kill":
            faults = kill(folder, options, kills=asked.kills, seed=asked.seed, progress=progress)
        else:
            faults = damage(
                folder,
                options,
                kinds=asked.kinds,
                seed=asked.seed,
                together=asked.together,
                progress=progress,
            )
    for fault in faults:
        progress(f"FAULT {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
