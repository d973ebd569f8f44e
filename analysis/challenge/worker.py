"""What runs in the process of an entry: ``python -m analysis.challenge.worker``, in its folder.

Reads ``question.json`` and the arrays beside it, calls ``trinarize`` of the script, and writes
``answer.npy``, or ``answer.json`` with what went wrong.
"""

import importlib.util
import inspect
import json
import sys
import traceback
from pathlib import Path

import numpy as np

from analysis.challenge.confined import confine

SIGNATURE = "trinarize(gray, voxel_size_um, fractions, fluorine=None)"
MODULE = "challenge_entry"


class Unfit(Exception):
    """The script is no entry; no other volume would change that."""


def main():
    """Answer the question in the working folder."""
    question = json.loads(Path("question.json").read_text(encoding="utf-8"))
    confine(question["memory_GB"])
    try:
        function = load(Path(question["script"]))
        answer = call(function, question)
    except Unfit as error:
        _write({"error": str(error), "unfit": True})
    except MemoryError as error:
        _write({"error": f"It ran out of the memory that it is allowed ({error})."})
    except BaseException as error:  # noqa: BLE001  (whatever the script raises, SystemExit too)
        text = "".join(traceback.format_exception_only(error)).strip()
        _write({"error": f"It raised {text}", "traceback": traceback.format_exc()})
    else:
        np.save("answer.npy", answer, allow_pickle=False)
        _write({"shape": list(answer.shape), "dtype": str(answer.dtype)})


def load(script):
    """
    The function ``trinarize`` of a script.

    Raises
    ------
    Unfit
        If it cannot be imported, has no such function, or one of another signature.
    """
    spec = importlib.util.spec_from_file_location(MODULE, script)
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module  # so that what the script defines can be pickled
    sys.path.insert(0, str(script.parent))
    try:
        spec.loader.exec_module(module)
    except BaseException as error:  # noqa: BLE001
        text = "".join(traceback.format_exception_only(error)).strip()
        where = traceback.format_exc()
        raise Unfit(f"{script.name} could not be imported: {text}\n{where}") from None
    function = getattr(module, "trinarize", None)
    if function is None:
        there = [name for name, value in vars(module).items() if inspect.isfunction(value)]
        seen = f"it has {', '.join(there)}" if there else "it has no function at all"
        raise Unfit(
            f"{script.name} has no function trinarize ({seen}); expected {SIGNATURE}. Rename yours."
        )
    if not callable(function):
        raise Unfit(
            f"trinarize in {script.name} is {type(function).__name__}; expected the function "
            f"{SIGNATURE}."
        )
    check_signature(function, script.name)
    return function


def check_signature(function, where):
    """
    Make sure that a function can be called as entries are.

    Raises
    ------
    Unfit
        If it cannot; says which arguments it has.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # written in another language; the call itself will tell
    try:
        signature.bind(None, None, None, fluorine=None)
    except TypeError as error:
        raise Unfit(
            f"trinarize in {where} has the signature trinarize{signature}, which cannot be called "
            f"({error}); expected {SIGNATURE}."
        ) from None


def call(function, question):
    """Call the function as entries are called; what it returns, as an array."""
    fractions = {int(label): value for label, value in question["fractions"].items()}
    gray, fluorine = (np.load(f"{name}.npy", allow_pickle=False) for name in ("gray", "fluorine"))
    answer = function(gray, question["voxel_size_um"], fractions, fluorine=fluorine)
    if answer is None:
        raise TypeError("trinarize returned None. Does it end with `return labels`?")
    answer = np.asarray(answer)
    if answer.dtype.kind not in "biuf":
        raise TypeError(f"trinarize returned an array of type {answer.dtype}, not of numbers.")
    return answer


def _write(answer):
    Path("answer.json").write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
