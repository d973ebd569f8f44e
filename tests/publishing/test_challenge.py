"""`make challenge` leaves a report whatever the script does; the data are the same bytes twice."""

import hashlib
import json
import os
import re

import numpy as np
import pandas as pd
import pytest

from analysis import profiles, storage
from analysis.__main__ import main
from analysis.challenge import ranking, rivals, score, sets, standings
from analysis.challenge.quantities import BY_KEY, FLOOR, TRUTH
from analysis.phases import Phase, volume_fractions
from analysis.specimen import electrode
from publishing.challenge import command, release, report

SMOKE = profiles.get("smoke")
GOOD = (
    "import numpy as np\n"
    "def trinarize(gray, voxel_size_um, fractions, fluorine=None):\n"
    "    pore, cbd, am = (fractions[label] for label in (0, 1, 2))\n"
    "    return np.digitize(gray, np.quantile(gray, [pore, pore + cbd]))\n"
)


@pytest.fixture(scope="module")
def thin():
    """A thin SL and TL in place of the open set, and the standings of truth and floor on them."""
    patch = pytest.MonkeyPatch()
    challenge_set = sets.get("open", SMOKE)
    volumes = []
    for name in profiles.ELECTRODES:
        seed = challenge_set.seed_for("specimen", 0, name)
        drawn = electrode.make(name, 32, seed=seed, thickness=48)
        volumes.append(sets.imaged(challenge_set, 0, name, drawn))
    patch.setattr(sets, "volumes", lambda _: tuple(volumes))
    standings.judges.cache_clear()
    rows = []
    for judge in standings.judges(challenge_set, SMOKE):
        rows += judge.rows(TRUTH, judge.volume.truth)
        rows += judge.rows(FLOOR, rivals.floor(judge.volume))
        rows += judge.rows("kmeans", judge.volume.truth)  # a rival that nobody beats
    yield volumes, score.table(rows)
    standings.judges.cache_clear()
    patch.undo()


@pytest.fixture
def challenge(thin, results, tmp_path, monkeypatch):
    """Call ``make challenge`` with a script of some text."""
    monkeypatch.setattr(command, "DEFAULT", tmp_path / "challenge")
    table = thin[1].assign(version=standings.version("open", SMOKE))
    storage.save_table("challenge-open", table, profile="smoke")

    def call(text=GOOD, name="mine.py", **options):
        (tmp_path / name).write_text(text)
        options = {"profile": "smoke", "method": str(tmp_path / name)} | options
        words = [f"--{key.replace('_', '-')}={value}" for key, value in options.items()]
        return main(["challenge", *words])

    return call


def test_a_good_entry_is_ranked(challenge, tmp_path, capsys):
    assert challenge() == 0
    folder = tmp_path / "challenge" / "mine" / "run-1"
    assert str(folder / "report.html") in capsys.readouterr().out
    page = (folder / "report.html").read_text()
    for words in ("mine.py in the CBD challenge", "2 of 2", "Where it errs", "k-means", "floor"):
        assert words in page
    assert (
        "<img" in page and 'src="data:image/png' in page and "http" not in page.split("</style>")[1]
    )
    scores = pd.read_csv(folder / "score.csv")
    assert set(scores.quantity) == set(BY_KEY)
    whole = scores[scores.volume == "all"].set_index("quantity")
    assert whole["rank"]["kappa"] == 2 and whole["of"]["kappa"] == 2
    single = scores[(scores.quantity == "kappa") & (scores.electrode == "SL")].iloc[0]
    assert 0.1 < single.value < 0.6 and single.error == pytest.approx(1 - single.value)
    assert abs(single.floor) < 0.05 and single.chance == 0
    assert set(pd.read_csv(folder / "standings.csv").method) == {TRUTH, FLOOR, "kmeans", "mine.py"}
    assert challenge() == 0 and (folder.parent / "run-2" / "report.html").is_file()
    assert (folder / "report.html").read_text() == page


TROUBLES = {
    "never ends": (
        "def trinarize(g, v, f, fluorine=None):\n    while True: pass\n",
        "time limit of 3 s",
    ),
    "grows": (
        "def trinarize(g, v, f, fluorine=None):\n    kept = []\n"
        "    while True: kept.append(bytearray(30_000_000))\n",
        "memory limit",
    ),
    "no function": ("x = 1\n", "no function trinarize"),
}


@pytest.mark.parametrize("kind", TROUBLES)
def test_what_cannot_be_scored_leaves_a_report_that_says_so(challenge, tmp_path, capsys, kind):
    text, words = TROUBLES[kind]
    limits = {"seconds": 3 if kind == "never ends" else 60, "memory_gb": 0.4}
    assert challenge(text, **limits) == 1
    error = capsys.readouterr().err
    assert words in error and "is not ranked" in error and "report.html" in error
    folder = tmp_path / "challenge" / "mine" / "run-1"
    page = (folder / "report.html").read_text()
    assert words in page and "What went wrong" in page and "Where it stands" not in page
    assert pd.read_csv(folder / "score.csv").empty


def test_a_script_that_fails_on_one_specimen_is_scored_on_the_other(challenge, tmp_path):
    first = int(sets.volumes(None)[0].fluorine.sum())
    text = GOOD.replace("    pore, cbd", f"    assert fluorine.sum() != {first}\n    pore, cbd")
    assert challenge(text) == 1
    folder = tmp_path / "challenge" / "mine" / "run-1"
    scores = pd.read_csv(folder / "score.csv")
    alone = scores[scores.volume != "all"]
    assert alone.volume.nunique() == 1 and alone.value.notna().all()
    assert scores[scores.volume == "all"]["rank"].isna().all()
    page = (folder / "report.html").read_text()
    assert "1 of 2 specimens" in page and "Ranks and places on the scale need all" in page


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)<script>.py",
        "a $x_{y} & 'b' \"c\".py",
        "Elektrode µ 電極.py",
        "`touch PWNED`; $(touch PWNED).py",
        "--help.py",
    ],
)
def test_names_are_text(challenge, tmp_path, name, monkeypatch):
    monkeypatch.setattr(command, "_scored", lambda tried, *rest: score.table([]))
    assert challenge(name=name) == 0
    (page,) = (tmp_path / "challenge").rglob("report.html")
    assert "<script>" not in page.read_text() and "alert(1)" not in page.parent.parent.name
    assert page.is_relative_to(tmp_path / "challenge")
    assert not list(tmp_path.rglob("PWNED"))


def test_figures_take_any_name(thin):
    named = thin[1].assign(method=thin[1].method.replace({"kmeans": "$x_{"}))
    panel = report.figure(ranking.summary(named), chosen=("$x_{",))
    panel.figure.draw_without_rendering()


def test_missed_fractions_stand_in_the_report(challenge, tmp_path):
    assert challenge(GOOD.replace("[pore, pore + cbd]", "[pore + 0.02, pore + cbd]")) == 0
    page = (tmp_path / "challenge" / "mine" / "run-1" / "report.html").read_text()
    assert "The fractions are missed, and the map is scored as it is" in page
    given, wanted = map(float, re.search(r"pore ([\d.]+) % instead of ([\d.]+) %", page).groups())
    assert wanted == pytest.approx(100 * sets.volumes(None)[0].targets[Phase.PORE], abs=0.006)
    assert given == pytest.approx(wanted + 2, abs=0.02)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": ""}, "make challenge METHOD="),
        ({"method": "absent.py"}, "no such file"),
        ({"profile": "huge"}, "no profile 'huge'"),
        ({"set": "closed"}, "no set 'closed'"),
        ({"set": "sealed"}, sets.SEED_VARIABLE),
        ({"seconds": "soon"}, "SECONDS=soon is no number"),
        ({"seconds": "-1"}, "positive number"),
        ({"memory_gb": "nan"}, "positive number"),
    ],
)
def test_options_are_checked_first(challenge, tmp_path, capsys, options, words):
    assert challenge(**options) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "challenge").exists()


def test_a_folder_that_holds_something_is_left_alone(challenge, tmp_path, capsys, results):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    assert challenge(out=tmp_path / "out") == 1
    assert "not empty" in capsys.readouterr().err
    assert os.listdir(tmp_path / "out") == ["thesis.txt"]
    assert challenge(out=results / "smoke" / "mine") == 1
    assert "a folder of the study" in capsys.readouterr().err
    assert challenge(out=tmp_path / "out" / "thesis.txt" / "x") == 1
    assert "cannot be made" in capsys.readouterr().err
    assert challenge(out=tmp_path / "new" / "one") == 0
    assert (tmp_path / "new" / "one" / "score.csv").is_file()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The open set in the size of smoke, written twice."""
    top = tmp_path_factory.mktemp("data")
    return [
        release.write("smoke", out=str(top / name), progress=lambda line: None)
        for name in ("first", "second")
    ]


def files(folder):
    return {f.relative_to(folder): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_data_written_twice_are_the_same_bytes(data):
    first, second = map(files, data)
    assert first == second and len(first) == 6 + 2 * 6
    assert not [name for name in os.listdir(data[0].parent) if ".partial" in name]


def test_the_sums_are_those_of_the_files(data):
    lines = (data[0] / "SHA256SUMS").read_text().splitlines()
    assert len(lines) == len(files(data[0])) - 1
    for line in lines:
        digest, name = line.split("  ")
        assert hashlib.sha256((data[0] / name).read_bytes()).hexdigest() == digest


def test_the_data_open_in_scikit_image_and_in_a_plain_viewer(data):
    from PIL import Image
    from skimage.io import imread

    whole = json.loads((data[0] / "dataset.json").read_text())
    drawn = sets.drawn(sets.get("open", SMOKE), 0, "TL")
    volume = sets.imaged(sets.get("open", SMOKE), 0, "TL", drawn)
    steps, truth = (imread(data[0] / "1-TL" / name) for name in ("gray.tif", "truth.tif"))
    gray = whole["gray"]["offset"] + steps.astype(np.float32) * whole["gray"]["step"]
    assert (gray == volume.gray).all() and (truth == volume.truth).all()
    assert (imread(data[0] / "1-TL" / "fluorine.tif") == volume.fluorine).all()
    with Image.open(data[0] / "1-TL" / "gray.tif") as picture:
        assert picture.n_frames == len(gray) and picture.size == (32, 32)
        picture.seek(50)
        assert (np.asarray(picture) == steps[50]).all()
        assert float(picture.info["dpi"][0]) / 2.54 == pytest.approx(1e4 / 0.642, rel=1e-3)


def test_what_is_known_stands_beside_the_data(data):
    whole = json.loads((data[0] / "dataset.json").read_text())
    assert whole["synthetic"] is True and whole["voxel_size_um"] == 0.642
    assert whole["licence"].startswith("https://creativecommons.org/licenses/by/4.0")
    assert whole["physics"]["gamma_of_the_voltage_curves"] == SMOKE.gamma_true
    for one in whole["specimens"]:
        folder = data[0] / one["name"]
        known = json.loads((folder / "metadata.json").read_text())
        assert known["files"].keys() == {f.name for f in folder.iterdir()} - {"metadata.json"}
        assert sum(known["fractions"].values()) == pytest.approx(1)
    crate = json.loads((data[0] / "ro-crate-metadata.json").read_text())
    assert len([e for e in crate["@graph"] if e["@type"] == "File"]) == len(files(data[0])) - 2
    card = (data[0] / "DATA_CARD.md").read_text()
    for words in ("synthetic", "How it was made", "must not be used for", "CC BY 4.0"):
        assert words in card
    assert "{" not in card and "{" not in (data[0] / "README.md").read_text()


def test_the_fibsem_stack_lies_where_it_is_said_to_lie(data):
    """Bright where the truth is AM, dark where it is pore, in the voxels that it covers."""
    from skimage.io import imread

    known = json.loads((data[0] / "1-SL" / "metadata.json").read_text())["fibsem"]
    stack = imread(data[0] / "1-SL" / "fibsem.tif").astype(float)
    coarse = stack[:, : stack.shape[1] // 8 * 8, : stack.shape[2] // 8 * 8]
    z, y, x = (n // 8 for n in coarse.shape)
    coarse = coarse[: z * 8].reshape(z, 8, y, 8, x, 8).mean(axis=(1, 3, 5))
    at = known["first_voxel_zyx"]
    truth = imread(data[0] / "1-SL" / "truth.tif")
    part = truth[tuple(slice(a, a + n) for a, n in zip(at, (z, y, x), strict=True))]
    means = [coarse[part == label].mean() for label in (0, 1, 2)]
    assert means[0] < means[1] < means[2]


def test_the_sealed_set_is_written_without_its_truth(tmp_path, monkeypatch):
    monkeypatch.setenv(sets.SEED_VARIABLE, "0123456789abcdef")
    folder = release.write(
        "smoke", which="sealed", out=str(tmp_path / "d"), progress=lambda _: None
    )
    found = files(folder)
    assert not [name for name in found if name.name in ("truth.tif", "fibsem.tif")]
    for name, content in found.items():
        assert b"0123456789abcdef" not in content, name
    whole = json.loads((folder / "dataset.json").read_text())
    assert not {"seed", "scenario", "noise", "layer_contrast"} & set(whole["specimens"][0])
    drawn = sets.drawn(sets.get("sealed", SMOKE), 0, "SL")
    true = {int(phase): share for phase, share in volume_fractions(drawn.labels).items()}
    said = {int(label): share for label, share in whole["specimens"][0]["fractions"].items()}
    assert said == pytest.approx(true, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": "huge"}, "SIZE=huge is unknown"),
        ({"set": "study"}, "SET=study cannot be written"),
        ({"size": "smoke", "set": "sealed"}, sets.SEED_VARIABLE),
        ({"size": "smoke", "out": "."}, "not empty"),
    ],
)
def test_bad_options_of_the_data(tmp_path, monkeypatch, capsys, options, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "thesis.txt").write_text("mine")
    assert main(["challenge-data", *(f"--{k}={v}" for k, v in options.items())]) == 1
    assert words in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["thesis.txt"]
