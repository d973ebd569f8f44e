"""An entry runs on copies in a process of its own; whatever it does wrong is told, in words."""

import os
import time

import numpy as np
import psutil
import pytest

from analysis.challenge import answers, attempt, sets
from analysis.challenge.confined import Limits
from analysis.phases import Phase

SHAPE = (12, 10, 8)
TARGETS = {Phase.PORE: 0.2, Phase.CBD: 0.3, Phase.AM: 0.5}
HEAD = "import numpy as np\n"
GOOD = "def trinarize(gray, voxel_size_um, fractions, fluorine=None):\n"


def volume(name="1-SL"):
    rng = np.random.default_rng(5)
    return sets.Volume(
        name=name,
        electrode=name[-2:],
        pair=sets.OPEN[0],
        gray=rng.normal(size=SHAPE).astype(np.float32),
        fluorine=rng.poisson(3, (SHAPE[0], 20)).astype(np.uint16),
        truth=rng.choice(3, SHAPE, p=[0.2, 0.3, 0.5]).astype(np.uint8),
        targets=TARGETS,
        seed=1,
        cutout="test",
    )


def run(tmp_path, text, *, volumes=None, **limits):
    script = tmp_path / "entry.py"
    script.write_text(HEAD + text)
    return attempt.run(script, volumes or [volume()], limits=Limits(**limits))


BAD = {
    "missing": (
        "def segment(gray):\n    return gray\n",
        ["no function trinarize", "it has segment"],
    ),
    "no function": ("trinarize = 3\n", ["is int; expected the function"]),
    "two arguments": (
        "def trinarize(gray, fractions):\n    return gray\n",
        ["signature trinarize(gray, fractions)", "fluorine=None"],
    ),
    "one more": (
        "def trinarize(gray, voxel_size_um, fractions, model, fluorine=None):\n    return gray\n",
        ["cannot be called", "model"],
    ),
    "no fluorine": (
        "def trinarize(gray, voxel_size_um, fractions):\n    return gray\n",
        ["cannot be called", "fluorine"],
    ),
    "not importable": ("import no_such_package\n", ["could not be imported", "no_such_package"]),
    "no syntax": ("def trinarize(:\n", ["could not be imported", "SyntaxError"]),
    "leaves at once": ("raise SystemExit(0)\n", ["could not be imported", "SystemExit"]),
    "raises": (GOOD + "    return gray[99]\n", ["It raised IndexError", "out of bounds"]),
    "dies": (GOOD + "    import os; os._exit(7)\n", ["ended with status 7", "left no answer"]),
    "crashes": (GOOD + "    import os; os.kill(os.getpid(), 11)\n", ["was killed (SIGSEGV)"]),
    "nothing": (GOOD + "    gray > 0\n", ["returned None", "return labels"]),
    "text": (GOOD + "    return np.full(gray.shape, 'AM')\n", ["type <U2, not of numbers"]),
    "two axes": (GOOD + "    return (gray[0] > 0).astype(int)\n", ["shape (10, 8)", "(12, 10, 8)"]),
    "five labels": (GOOD + "    return np.zeros(gray.shape, int) + 4\n", ["run from 4 to 4"]),
    "NaN": (
        GOOD + "    labels = np.ones(gray.shape); labels[0] = np.nan; return labels\n",
        ["80 values that are NaN"],
    ),
    "never ends": (GOOD + "    while True: pass\n", ["stopped at its time limit of 3 s"]),
    "one large request": (
        GOOD + "    return np.ones(10**12, np.uint8)\n",
        ["ran out of the memory"],
    ),
    "grows": (
        GOOD + "    kept = []\n    while True: kept.append(np.ones(4_000_000))\n",
        ["stopped at its memory limit", "0.4 GB are allowed"],
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_answer_is_told(tmp_path, kind):
    text, words = BAD[kind]
    seconds = 3 if kind == "never ends" else 60
    found = run(tmp_path, text, seconds=seconds, memory_GB=0.4)
    assert not found.complete and found.answers[0].labels is None
    assert len(found.troubles) == 1
    for word in words:
        assert word in found.troubles[0], found.troubles[0]


ANSWERS = {
    "turned": (np.zeros(SHAPE[::-1], int), ["(8, 10, 12)", "turned"]),
    "flat": (np.zeros(np.prod(SHAPE)), ["(960,)", "expected labels (12, 10, 8)"]),
    "four probabilities": (np.zeros((*SHAPE, 4)), ["(12, 10, 8, 4)"]),
    "phases first": (np.ones((3, *SHAPE)) / 3, ["(3, 12, 10, 8)"]),
    "negative": (np.zeros(SHAPE, int) - 1, ["run from -1 to -1"]),
    "255 for AM": (np.full(SHAPE, 255, np.uint8), ["run from 255 to 255"]),
    "a mask": (np.ones(SHAPE, bool), ["true and false"]),
    "gray": (np.full(SHAPE, 0.4), ["not whole", "trinarized"]),
    "infinite": (np.full(SHAPE, np.inf), ["960 values that are NaN or infinite"]),
    "NaN probabilities": (np.full((*SHAPE, 3), np.nan), ["2880 values that are NaN"]),
    "halves": (np.full((*SHAPE, 3), 0.5), ["miss a sum of one by up to 0.5"]),
    "logits": (np.full((*SHAPE, 3), -3.0), ["run from -3 to -3"]),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_arrays_that_are_no_answers(kind):
    answer, words = ANSWERS[kind]
    with pytest.raises(ValueError) as caught:
        answers.labels_of(answer, volume())
    for word in words:
        assert word in str(caught.value)


def test_where_a_script_raised_is_kept(tmp_path):
    found = run(tmp_path, GOOD + "    print('so far')\n    return gray[99]\n")
    assert "so far" in found.answers[0].output
    assert "entry.py" in found.answers[0].output and "return gray[99]" in found.answers[0].output


@pytest.mark.parametrize(
    "answer",
    ["labels", "labels.tolist()", "np.eye(3)[labels]"],
)
def test_labels_and_probabilities_are_answers(tmp_path, answer):
    text = GOOD + "    labels = np.digitize(gray, np.quantile(gray, [0.2, 0.5]))\n"
    found = run(tmp_path, text + f"    return {answer}\n")
    assert found.complete, found.troubles
    one = found.answers[0]
    gray = volume().gray
    assert (one.labels == np.digitize(gray, np.quantile(gray, [0.2, 0.5]))).all()
    assert one.labels.dtype == np.uint8 and one.remark == "" and one.seconds > 0


def test_what_the_entry_is_given(tmp_path):
    text = GOOD + (
        "    assert gray.dtype == np.float32 and voxel_size_um == 0.642\n"
        "    assert fractions == {0: 0.2, 1: 0.3, 2: 0.5}\n"
        "    assert fluorine.shape == (12, 20) and fluorine.dtype == np.uint16\n"
        "    import os\n"
        f"    assert {sets.SEED_VARIABLE!r} not in os.environ\n"
        "    assert 'a secret of some length' not in os.environ.values()\n"
        "    return np.digitize(gray, np.quantile(gray, [0.2, 0.5]))\n"
    )
    os.environ[sets.SEED_VARIABLE] = "a secret of some length"
    try:
        assert run(tmp_path, text).complete
    finally:
        del os.environ[sets.SEED_VARIABLE]


def test_missed_fractions_are_said_and_kept(tmp_path):
    found = run(tmp_path, GOOD + "    return np.where(gray > 0, 2, 1)\n")
    assert found.complete
    assert "pore 0.00 % instead of 20.00 %" in found.answers[0].remark
    assert "scored as it is" in found.answers[0].remark
    assert set(np.unique(found.answers[0].labels)) == {1, 2}


def test_an_entry_that_was_ended_is_not_tried_again(tmp_path):
    text = GOOD + "    while True: pass\n"
    found = run(tmp_path, text, volumes=[volume("1-SL"), volume("1-TL")], seconds=2)
    assert "time limit" in found.answers[0].trouble
    assert found.answers[1].trouble.startswith("Not tried, for the script was ended on 1-SL")


def test_an_entry_that_fails_on_one_volume_is_tried_on_the_others(tmp_path):
    text = GOOD + (
        "    assert fluorine.sum() != {total}, 'not this one'\n"
        "    return np.digitize(gray, np.quantile(gray, [0.2, 0.5]))\n"
    )
    first, second = volume("1-SL"), volume("1-TL")
    second.fluorine[0, 0] += 1
    text = text.replace("{total}", str(first.fluorine.sum()))
    found = run(tmp_path, text, volumes=[first, second])
    assert "not this one" in found.answers[0].trouble and found.answers[1].labels is not None
    assert not found.complete


CHILDREN = {
    "a child": "subprocess.Popen(['sleep', '600'])",
    "a child in a session of its own": "subprocess.Popen(['sleep', '600'], start_new_session=True)",
    "an orphan": "os.system('(setsid sleep 600 &) ; true')",
}


@pytest.mark.parametrize("kind", CHILDREN)
@pytest.mark.parametrize("ends", [True, False], ids=["ends", "is ended"])
def test_nothing_is_left_running(tmp_path, kind, ends):
    after = "    return np.zeros(gray.shape, int)\n" if ends else "    while True: pass\n"
    text = "import os, subprocess\n" + GOOD + f"    {CHILDREN[kind]}\n" + after
    run(tmp_path, text, seconds=60 if ends else 3)
    time.sleep(0.1)
    left = [
        child.cmdline() for child in psutil.Process().children(recursive=True)
        if child.status() != psutil.STATUS_ZOMBIE
    ]  # fmt: skip
    assert ["sleep", "600"] not in left
    everywhere = [p.info["cmdline"] for p in psutil.process_iter(["cmdline"])]
    assert ["sleep", "600"] not in everywhere


def test_memory_of_children_counts(tmp_path):
    hungry = "import time; kept = bytearray(900_000_000); time.sleep(60)"
    call = f"    subprocess.run([sys.executable, '-c', {hungry!r}])\n"
    text = "import subprocess, sys\n" + GOOD + call
    found = run(tmp_path, text, seconds=60, memory_GB=0.4)
    assert "memory limit" in found.troubles[0], found.troubles


def test_a_script_that_writes_into_the_results_is_found_out(tmp_path, results):
    import pandas as pd

    from analysis import storage

    table = storage.save_table("gamma", pd.DataFrame({"gamma": [0.08]}), profile="smoke")
    text = GOOD + (
        f"    open({str(table)!r}, 'a').write('0.5\\n')\n"
        f"    open({str(results / 'smoke' / 'mine.txt')!r}, 'w').write('x')\n"
        "    return np.zeros(gray.shape, int)\n"
    )
    found = run(tmp_path, text)
    assert not found.complete and found.answers[0].labels is not None
    assert "gamma.csv" in found.troubles[0] and "mine.txt" in found.troubles[0]
    assert "not scored" in found.troubles[0]


def test_a_result_that_another_run_writes_meanwhile_is_no_fault(tmp_path, results):
    import pandas as pd

    from analysis import storage
    from analysis.challenge import study_files

    before = study_files.look()
    storage.save_table("gamma", pd.DataFrame({"gamma": [0.08]}), profile="smoke")
    touched = study_files.compare(before, study_files.look())
    assert not touched and touched.ours and touched.ours[0].endswith("gamma.csv")


def test_storage_of_an_entry_is_its_own(tmp_path, results):
    text = (
        "from analysis import storage\nimport pandas as pd\n"
        + GOOD
        + (
            "    storage.save_table('gamma', pd.DataFrame({'gamma': [1]}), profile='smoke')\n"
            "    return np.digitize(gray, np.quantile(gray, [0.2, 0.5]))\n"
        )
    )
    assert run(tmp_path, text).complete
    assert not results.exists()


def test_weights_travel_with_the_script(tmp_path):
    np.save(tmp_path / "entry_weights.npy", np.array([0.2, 0.5]))
    (tmp_path / "entryway.txt").write_text("another file")
    text = (
        "from pathlib import Path\n"
        + GOOD
        + (
            "    here = Path(__file__).parent\n"
            "    assert not (here / 'entryway.txt').exists()\n"
            "    return np.digitize(gray, np.quantile(gray, np.load(here / 'entry_weights.npy')))\n"
        )
    )
    found = run(tmp_path, text)
    assert found.complete, found.troubles


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("", ValueError, "make challenge METHOD="),
        ("absent.py", FileNotFoundError, "no such file"),
        (".", ValueError, "no Python script"),
        ("entry.ipynb", ValueError, "no Python script"),
    ],
)
def test_scripts_that_are_none(tmp_path, name, error, words):
    (tmp_path / "entry.ipynb").write_text("{}")
    with pytest.raises(error, match=words):
        attempt.check_script(tmp_path / name if name else name)


@pytest.mark.parametrize("limits", [{"seconds": 0}, {"memory_GB": -1}, {"seconds": float("inf")}])
def test_limits_that_are_none(limits):
    with pytest.raises(ValueError, match="expected a positive number"):
        Limits(**limits)


def test_a_function_of_a_notebook():
    def trinarize(gray, voxel_size_um, fractions, fluorine=None):
        gray[:] = 0  # a copy
        return np.ones(gray.shape)

    one = volume()
    found = attempt.call(trinarize, [one])
    assert found.complete and (found.answers[0].labels == 1).all() and one.gray.any()
    with pytest.raises(ValueError, match="NaN"):
        attempt.call(lambda g, v, f, fluorine=None: g * np.nan, [one])
