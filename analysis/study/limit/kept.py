"""Figures that cost too much for the book: read as ``benchmarks/limit.py`` left them."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import storage
from analysis.segmentation.boosting import posterior_model
from analysis.segmentation.residual_unet import network_file

FILE = Path(__file__).resolve().parents[3] / "benchmarks" / "results" / "limit.json"
PARTS = ("evidence", "sweep", "shift", "learning", "gamma", "cost", "curves", "made on")
REFERENCE_NOISE = 0.12
INFORMED = "informed U-Net"  # with profile, and told the scenario
PROFILED = {"posterior": "posterior with profile", "U-Net": "U-Net with profile"}


def load(file=FILE):
    """
    The whole record.

    Parameters
    ----------
    file : path-like

    Returns
    -------
    record : dict
        Lists of rows under ``evidence``, ``sweep``, ``shift``, ``learning``, ``gamma`` and
        ``cost``; trainings by name under ``curves``; machine, date, commit and versions under
        ``made on``.

    Raises
    ------
    FileNotFoundError, ValueError
        If the record is not there, is no JSON, or lacks a part.
    """
    file = Path(file)
    again = f"Restore it from the repository, or run python benchmarks/limit.py --record {file}"
    if not file.is_file():
        raise FileNotFoundError(f"{file}: the kept figures of the limit are missing. {again}")
    storage.record_read(file)
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is no JSON ({error}). {again}") from error
    missing = [part for part in PARTS if part not in record]
    if missing:
        raise ValueError(f"{file} lacks {', '.join(missing)}. {again}")
    return record


def made_on(record):
    """Where, when and with which weights the figures were made, in words."""
    made = record["made on"]
    text = f"{made['date']}, {made['machine']}, commit {made['commit']}"
    files = {"trees": posterior_model.WEIGHTS, "unet": network_file.WEIGHTS}
    titles = {"trees": "the trees were", "unet": "the U-Net was"}
    for name, file in files.items():
        now = hashlib.sha256(file.read_bytes()).hexdigest()
        if any(not now.startswith(one or "-") for one in made["weights"][name]):
            text += f"; {titles[name]} trained anew since"
    return text


def evidence(record):
    """
    Scores on whole fresh electrodes, mean of the specimens.

    Returns
    -------
    table : pandas.DataFrame
        Columns scenario, noise, specimen, method, specimens (how many), kappa, Jaccard indices,
        chance and calibration error [-].
    """
    rows = pd.DataFrame(record["evidence"])
    by = ["scenario", "noise", "specimen", "method"]
    values = ["kappa", "Jaccard AM", "Jaccard CBD", "chance CBD", "Jaccard pore", "chance pore"]
    values += ["calibration error"]
    table = rows.groupby(by, sort=False)[values].mean()
    table.insert(0, "specimens", rows.groupby(by, sort=False).number.nunique())
    return table.reset_index()


def by_method(evidence):
    """
    A row for each scenario and method: kappa of each electrode, other scores as their mean.

    Parameters
    ----------
    evidence : pandas.DataFrame
        From :func:`evidence`.

    Returns
    -------
    table : pandas.DataFrame
        Columns scenario, method, ``kappa SL``, ``kappa TL`` and the other scores [-], all at the
        noise of the study, and of other noises the mean kappa, as ``kappa at .04``.
    """
    by = ["scenario", "method"]
    there = evidence.noise == REFERENCE_NOISE
    kappa = evidence[there].pivot_table(index=by, columns="specimen", values="kappa", sort=False)
    rest = evidence[there].drop(columns=["specimen", "specimens", "noise", "kappa"])
    table = kappa.add_prefix("kappa ").join(rest.groupby(by, sort=False).mean())
    for noise, rows in evidence[~there].groupby("noise"):
        name = f"kappa at {noise:.2f}".replace("0.", ".")
        table[name] = rows.groupby(by, sort=False).kappa.mean()
    return table.reset_index()


def sweep(record):
    """
    Kappa over noises and over distances, mean of SL and TL.

    Returns
    -------
    curves : dict of str to dict of str to (x, y)
        ``noise`` and ``distance_mm``; in each a curve for each method and for the ``floor``.
    """
    rows = pd.DataFrame(record["sweep"])
    found = {}
    for varied, part in rows.groupby("varied", sort=False):
        mean = part.groupby(["method", "value"], sort=False).kappa.mean().unstack("method")
        mean = mean.sort_index()
        order = [name for name in dict.fromkeys(part.method) if name in mean]
        found[varied] = {name: (mean.index.values, mean[name].values) for name in order}
        found[varied]["floor"] = (mean.index.values, np.zeros(len(mean)))
    return found


def shift(record):
    """
    What is left of thresholding and of both posteriors with profile in shifted settings.

    Returns
    -------
    table : pandas.DataFrame
        Columns setting, differs in, kappa of ``thresholding``, ``posterior`` and ``U-Net``, their
        ``... without profile``, calibration error of both, and ``warned``; means of the electrodes.
        A setting in which not all of them were run is left out.
    """
    rows = pd.DataFrame(record["shift"])
    lines = []
    needed = {"thresholding", *PROFILED, *PROFILED.values()}
    for setting, part in rows.groupby("setting", sort=False):
        if not needed <= set(part.method):  # a run that was stopped
            continue
        kappa = part.groupby("method").kappa.mean()
        error = part.groupby("method")["calibration error"].mean()
        line = {"setting": setting, "differs in": part["differs in"].iloc[0]}
        line["thresholding"] = kappa["thresholding"]
        for name, profiled in PROFILED.items():
            line |= {name: kappa[profiled], f"{name} without profile": kappa[name]}
        for name, profiled in PROFILED.items():
            line[f"calibration error, {name}"] = error[profiled]
        lines.append(line | {"warned": bool(part.warned.eq(True).any())})
    return pd.DataFrame(lines)


def few(record):
    """Posteriors from few specimens, from :func:`analysis.study.limit.learning.curve`."""
    return pd.DataFrame(record["learning"])


def gammas(record):
    """Gamma of maps and of draws, from :func:`analysis.study.limit.limit_runs.gammas`."""
    return pd.DataFrame(record["gamma"]).astype({"ratio": float})


def learning(record):
    """
    Learning curves of the trainings of a U-Net that were kept.

    Returns
    -------
    table : pandas.DataFrame
        Columns training, parameters, specimens, scenarios, step, Mvoxel (shown so far), CPU s,
        loss, and kappa in ``bridging`` and ``cluster``, each the mean of SL and TL with depth
        profile, on the electrodes that all trainings are judged on.
    """
    lines = []
    for name, training in record["curves"].items():
        about = training["about"]
        for row in training["rows"]:
            line = {
                "training": name,
                "parameters": about["parameters"],
                "specimens": about["specimens"],
                "scenarios": ", ".join(about["scenarios"]),
                "step": row["step"],
                "Mvoxel": row["step"] * about["batch"] * about["voxels of a block"] / 1e6,
                "CPU s": row["processor s"],
                "loss": row["loss"],
            }
            for scenario in ("bridging", "cluster"):
                kappas = [v for place, v in row["kappa"].items() if place.endswith(scenario)]
                line[scenario] = float(np.mean(kappas))
            lines.append(line)
    return pd.DataFrame(lines)


def trainings(record):
    """
    What each training reached, by its last line.

    Returns
    -------
    table : pandas.DataFrame
        Columns of :func:`learning`, one row for each training.
    """
    return learning(record).groupby("training", sort=False).tail(1).reset_index(drop=True)
