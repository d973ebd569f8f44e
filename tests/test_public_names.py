"""`import analysis` hands on the public functions, and costs nothing until one is asked for."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import analysis as cbd

ROOT = Path(__file__).resolve().parents[1]
ROOMS_THAT_HAND_ON = [
    file
    for file in sorted((ROOT / "analysis").rglob("__init__.py"))
    if "lazily(" in file.read_text(encoding="utf-8")
]


def test_import_loads_nothing():
    code = (
        "import sys; import analysis; "
        "print(*[m for m in sys.modules if m.startswith('analysis.') or m in ('numpy', 'numba')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout.split() == ["analysis._names"], ran.stderr


@pytest.mark.parametrize("name", cbd.__all__)
def test_every_public_name_is_there_and_documented(name):
    found = getattr(cbd, name)
    assert found.__doc__ and getattr(found, "__module__", found.__name__).startswith("analysis")


def test_an_unknown_name_is_refused():
    with pytest.raises(AttributeError, match="'analysis' has no attribute 'tortuosity_of'"):
        cbd.tortuosity_of  # noqa: B018


def test_the_way_from_gray_values_to_a_voltage():
    """As the package's docstring shows it."""
    rng = np.random.default_rng(3)
    z, y, x = np.indices((24, 20, 20))
    gray = 100 + 80 * (np.sin(y / 3) * np.sin(x / 3) > 0) + rng.normal(0, 5, z.shape)
    targets = {cbd.Phase.AM: 0.45, cbd.Phase.CBD: 0.15, cbd.Phase.PORE: 0.4}
    labels = cbd.thresholding.trinarize(gray, targets)
    assert cbd.volume_fractions(labels) == pytest.approx(targets, abs=1e-4)
    assert cbd.jaccard(labels, labels, cbd.Phase.CBD) == 1
    assert cbd.geodesic_tortuosity(labels, cbd.Phase.PORE, 1.0).mean >= 1
    depth = cbd.from_labels(labels, 1.0, gammas=[0.1]).at(0.1)
    voltage = cbd.porous_electrode.lithiate(depth, current_mA_cm2=1.0).voltage_V
    assert voltage[-1] < voltage[0]


def handed_on(file):
    room = ".".join(file.parent.relative_to(ROOT).parts)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "lazily":
            for module, names in ast.literal_eval(node.args[1]).items():
                for name in names.split() or [module.rpartition(".")[2]]:
                    yield room, name


def test_the_package_itself_imports_modules():
    """So that the imports of a module say what it uses, and the layers can be read from them."""
    lazy = {pair for file in ROOMS_THAT_HAND_ON for pair in handed_on(file)}
    # a module right in the room is no detour
    lazy = {
        (room, name)
        for room, name in lazy
        if not (ROOT.joinpath(*room.split("."), f"{name}.py")).is_file()
        and not (ROOT.joinpath(*room.split("."), name)).is_dir()
    }
    assert len(ROOMS_THAT_HAND_ON) >= 4 and ("analysis", "geodesic_tortuosity") in lazy
    for top in ("analysis", "publishing"):
        for file in (ROOT / top).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom):
                    taken = {(node.module, alias.name) for alias in node.names} & lazy
                    assert not taken, f"{file.relative_to(ROOT)} imports {taken}"
