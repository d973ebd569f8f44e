"""A script put to the volumes of a set: run on copies, its answers checked."""

import json
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from analysis import storage
from analysis.challenge import answers, confined, study_files
from analysis.challenge.confined import Limits
from analysis.phases import Phase

ROOT = Path(__file__).resolve().parents[2]
LARGEST_COMPANION = 1 << 29  # bytes of the files that travel with a script
TASK = "analysis.challenge.worker"


@dataclass(frozen=True)
class Answer:
    """
    What came of one volume.

    Attributes
    ----------
    volume : str
        Its name.
    labels : (Z, Y, X) ndarray of uint8 or None
        None if there are none.
    trouble : str
        Why there are none.
    remark : str
        What has to be said of the labels: that fractions are missed.
    seconds, memory_GB : float
        What it took.
    output : str
        What the script printed, and the traceback if it raised.
    """

    volume: str
    labels: np.ndarray | None
    trouble: str = ""
    remark: str = ""
    seconds: float = 0.0
    memory_GB: float = 0.0
    output: str = ""


@dataclass(frozen=True)
class Attempt:
    """
    An entry on all volumes of a set.

    Attributes
    ----------
    name : str
        Of the entry.
    answers : tuple of Answer
        One for each volume.
    touched : study_files.Touched
        Files of the study that changed while it ran.
    limits : Limits
    """

    name: str
    answers: tuple[Answer, ...]
    touched: study_files.Touched
    limits: Limits = field(default_factory=Limits)

    @property
    def complete(self):
        """Whether there are labels of every volume and no file of the study was touched."""
        return not self.touched and all(one.labels is not None for one in self.answers)

    @property
    def troubles(self):
        """What went wrong, one sentence or more for each kind, with the volumes it befell."""
        found = {}
        for one in self.answers:
            if one.trouble:
                found.setdefault(one.trouble, []).append(one.volume)
        said = [f"{', '.join(names)}: {trouble}" for trouble, names in found.items()]
        if self.touched:
            listed = ", ".join(self.touched.foreign[:3])
            more = len(self.touched.foreign) - 3
            listed += f" and {more} more" if more > 0 else ""
            said.append(
                f"While the script ran, files of the study were changed: {listed}. A script works "
                "on copies in a folder of its own; this one is not scored. Results that were "
                "changed are found by their checksums and made anew by `make book`."
            )
        return said


def check_script(path):
    """
    The script of an entry, before anything runs.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    script : Path

    Raises
    ------
    ValueError
        If no name was given, or it is no file that ends in ``.py``.
    FileNotFoundError
        If there is no such file.
    """
    if not str(path).strip():
        raise ValueError("No script given. Call: make challenge METHOD=my_method.py")
    script = Path(path)
    if not script.exists():
        raise FileNotFoundError(f"METHOD={path}: there is no such file.")
    if not script.is_file() or script.suffix != ".py":
        raise ValueError(
            f"METHOD={path} is no Python script; expected a file that ends in .py and has a "
            "function trinarize(gray, voxel_size_um, fractions, fluorine=None)."
        )
    return script.resolve()


def companions(script):
    """
    Files that travel with a script: those beside it whose names begin with its name.

    Weights of ``my_method.py`` are ``my_method.npz`` or ``my_method_weights.h5``. The script finds
    them beside its own copy, in the folder of ``__file__``.

    Raises
    ------
    ValueError
        If they are larger than a method needs.
    """
    found = [
        file
        for file in sorted(script.parent.iterdir())
        if file.is_file() and file.name.startswith(script.stem) and file != script
        and (file.name[len(script.stem)] in "._-")
    ]  # fmt: skip
    size = sum(file.stat().st_size for file in found)
    if size > LARGEST_COMPANION:
        raise ValueError(
            f"The files that travel with {script.name} hold {size / 1e6:.0f} MB "
            f"({', '.join(file.name for file in found)}); expected at most "
            f"{LARGEST_COMPANION / 1e6:.0f} MB. Rename those that the method does not need."
        )
    return found


def run(script, volumes, *, name="", limits=None, progress=lambda line: None):
    """
    Let a script trinarize volumes, each in a process of its own.

    Parameters
    ----------
    script : str or Path
        Has a function ``trinarize(gray, voxel_size_um, fractions, fluorine=None)``.
    volumes : sequence of analysis.challenge.sets.Volume
    name : str
        Of the entry; by default that of the script.
    limits : Limits, optional
        For one volume.
    progress : callable
        Receives a line for each volume.

    Returns
    -------
    Attempt
        What could not be answered says why; nothing the script does raises here.

    Raises
    ------
    ValueError, FileNotFoundError
        If there is no script, see :func:`check_script`.
    """
    script, limits = check_script(script), limits or Limits()
    travels = companions(script)
    found, stopped = [], ""
    before = study_files.look()
    for volume in volumes:
        if stopped:
            found.append(Answer(volume.name, None, f"Not tried, for {stopped}"))
            continue
        with tempfile.TemporaryDirectory(prefix="challenge-") as folder:
            answer, stopped = _answer(script, travels, volume, Path(folder), limits)
        found.append(answer)
        progress(f"{volume.name}: {answer.trouble or f'{answer.seconds:.1f} s'}")
    touched = study_files.compare(before, study_files.look())
    return Attempt(name or script.stem, tuple(found), touched, limits)


def call(function, volumes, *, name="my method"):
    """
    Let a function trinarize volumes in this process, as in a notebook: without limits.

    Parameters
    ----------
    function : callable
        ``trinarize(gray, voxel_size_um, fractions, fluorine=None)``.
    volumes : sequence of analysis.challenge.sets.Volume
    name : str

    Returns
    -------
    Attempt

    Raises
    ------
    ValueError
        If an answer is not what it should be; what the function itself raises is not caught.
    """
    found = []
    for volume in volumes:
        fractions = {int(phase): volume.targets[phase] for phase in Phase}
        answer = function(
            volume.gray.copy(), volume.voxel_size_um, fractions, fluorine=volume.fluorine.copy()
        )
        labels = answers.labels_of(answer, volume)
        found.append(Answer(volume.name, labels, remark=answers.missed(labels, volume)))
    return Attempt(name, tuple(found), study_files.Touched((), ()))


def _answer(script, travels, volume, folder, limits):
    """Answer of one volume, and why further ones need not be tried."""
    for file in (script, *travels):
        shutil.copyfile(file, folder / file.name)
    np.save(folder / "gray.npy", volume.gray)
    np.save(folder / "fluorine.npy", volume.fluorine)
    question = {
        "script": str(folder / script.name),
        "memory_GB": limits.memory_GB,
        "voxel_size_um": volume.voxel_size_um,
        "fractions": {int(phase): volume.targets[phase] for phase in Phase},
    }
    (folder / "question.json").write_text(json.dumps(question), encoding="utf-8")
    own = {"PYTHONPATH": str(ROOT), storage.ROOT_VARIABLE: str(folder / "results")}
    ended = confined.run(["-m", TASK], folder, limits, environment=own)
    used = {"seconds": ended.seconds, "memory_GB": ended.memory_GB}
    if ended.reason:
        stop = f"the script was ended on {volume.name}."
        return Answer(volume.name, None, ended.reason, output=ended.output, **used), stop
    try:
        said = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        trouble = f"Its process ended with status {ended.status} and left no answer."
        return Answer(volume.name, None, trouble, output=ended.output, **used), ""
    output = ended.output + said.get("traceback", "")
    if "error" in said:
        stop = "the script is no entry." if said.get("unfit") else ""
        return Answer(volume.name, None, said["error"], output=output, **used), stop
    try:
        # mapped, not read: of what has the wrong shape, only the shape is looked at
        stored = np.load(folder / "answer.npy", mmap_mode="r", allow_pickle=False)
        labels = answers.labels_of(stored, volume)
    except (OSError, ValueError) as error:
        return Answer(volume.name, None, str(error), output=output, **used), ""
    remark = answers.missed(labels, volume)
    return Answer(volume.name, labels, remark=remark, output=output, **used), ""
