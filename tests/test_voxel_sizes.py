"""Every public function that takes a voxel size refuses one that is no length, before all else."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import analysis
from analysis.phases import Phase

BAD = [-0.5, 0, np.nan, np.inf, True, "x"]
LABELS = np.random.default_rng(0).integers(0, 3, (6, 6, 6)).astype(np.uint8)
KNOWN = {"labels": LABELS, "phase": Phase.AM, "gamma": 0.1}  # the others do not matter: None

# Settings of a command, as text and empty if not given; read and checked together with its files.
OF_A_COMMAND = {"analysis.study.own_data.own_spectrum.run"}


def takers():
    """Public functions of the package with a voxel size among their parameters, by name."""
    found = {}
    for module in pkgutil.walk_packages(analysis.__path__, "analysis."):
        if module.name.endswith("__main__"):
            continue
        loaded = importlib.import_module(module.name)
        for name, function in vars(loaded).items():
            own = getattr(function, "__module__", "") == module.name
            if own and not name.startswith("_") and inspect.isfunction(function):
                if "voxel_size_um" in inspect.signature(function).parameters:
                    found[f"{module.name}.{name}"] = function
    return found


TAKERS = {name: one for name, one in takers().items() if name not in OF_A_COMMAND}


def test_the_functions_are_found():
    names = {name.rsplit(".", 1)[1] for name in TAKERS}
    expected = {"specific_surfaces", "lithiate", "depth_profile", "check_voxel_size", "write_tiff"}
    assert len(TAKERS) >= 40 and expected <= names


@pytest.mark.parametrize("size", BAD, ids=repr)
@pytest.mark.parametrize("name", TAKERS)
def test_what_is_no_voxel_size_is_refused(name, size):
    function = TAKERS[name]
    arguments = {
        one.name: KNOWN.get(one.name)
        for one in inspect.signature(function).parameters.values()
        if one.default is one.empty and one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)
    }
    with pytest.raises(ValueError, match="voxel size"):
        function(**{**arguments, "voxel_size_um": size})
