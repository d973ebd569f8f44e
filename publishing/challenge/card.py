"""README and data card of the data to take away, from what is known about them."""

ABOUT = (
    "Virtual (synthetic) battery cathodes with known truth: tomograms, fluorine maps, FIB-SEM "
    "stacks and voltage curves, for methods that find the carbon-binder domain (CBD)."
)


def readme(whole):
    """
    The README.

    Parameters
    ----------
    whole : dict
        What ``dataset.json`` holds.

    Returns
    -------
    text : str
        Markdown.
    """
    first = whole["specimens"][0]
    folder = first["name"]
    sealed = "fibsem" not in first
    rows = [
        f"| `{one['name']}/` | {one['electrode']} | {' x '.join(map(str, one['shape_zyx']))} | "
        + (_SECRET if sealed else _setting(one))
        + " |"
        for one in whole["specimens"]
    ]
    files = [
        "- `gray.tif`: the tomogram, 16 bits; gray value = "
        f"{whole['gray']['offset']:g} + number / {1 / whole['gray']['step']:.0f}; "
        f"{whole['gray']['meaning']}",
        "- `fluorine.tif`: photon counts of fluorine on eight sections through the thickness, side "
        "by side; rows are the slices of the tomogram",
        "- `voltage.csv`: the measured half-cell voltage, to which gamma is fitted",
        "- `metadata.json`: shape, voxel size, volume fractions",
    ]
    if not sealed:
        labels = ", ".join(f"{number} {phase}" for number, phase in whole["labels"].items())
        files[1:1] = [
            f"- `truth.tif`: the labels, {labels}",
            "- `fibsem.tif`: a FIB-SEM stack of a part of it, eight times finer; where it lies "
            "stands in `metadata.json`",
        ]
    lines = [
        f"# {whole['name']}",
        "",
        ABOUT,
        "",
        f"Version {whole['version']} of {whole['date']}, licence CC BY 4.0 ({whole['licence']}). "
        "Read `DATA_CARD.md` before you draw conclusions from these data.",
        "",
        "| folder | electrode | voxels z, y, x | scenario | noise | layer contrast |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
        f"Voxels are cubes of {whole['voxel_size_um']:g} µm. Axis z runs from the separator to the "
        "collector; each page of a TIFF is one z. In each folder:",
        "",
        *files,
        "",
        "```python",
        "from skimage.io import imread",
        "",
        f'gray = {whole["gray"]["offset"]:g} + imread("{folder}/gray.tif").astype("float32") '
        f"/ {1 / whole['gray']['step']:.0f}",
        *([] if sealed else [f'truth = imread("{folder}/truth.tif")  # 0 pore, 1 CBD, 2 AM']),
        "```",
        "",
        "`sha256sum --check SHA256SUMS` tells whether all files are as they were written. `make "
        "challenge METHOD=my_method.py` of the project scores a method on the open set, beside the "
        "methods of the book.",
        "",
        f"Made by {whole['made_by']}.",
        "",
    ]
    return "\n".join(lines)


_SECRET = "secret | secret | secret"


def _setting(one):
    """Scenario, noise and layer contrast of a specimen, as cells of a table."""
    return f"{one['scenario']} | {one['noise']:g} | {one['layer_contrast']:g}"


def card(whole):
    """
    The data card: what is synthetic, how it was made, what it must not be used for.

    Parameters
    ----------
    whole : dict
        What ``dataset.json`` holds.

    Returns
    -------
    text : str
        Markdown.
    """
    physics = whole["physics"]
    pairs = list(dict.fromkeys(one["pair"] for one in whole["specimens"]))
    return _CARD.format(
        about=ABOUT,
        count=len(whole["specimens"]),
        pairs=len(pairs),
        named=", ".join(pairs),
        millivolt=1e3 * physics["noise_of_the_voltage_curves_V"],
        current=physics["current_of_the_voltage_curves_mA_cm2"],
        gamma=physics["gamma_of_the_voltage_curves"],
        **{key: whole[key] for key in ("name", "licence", "made_by")},
        **physics,
    )


_CARD = """# Data card: {name}

## What it is

{about}

Everything here is synthetic: drawn by a program from random numbers. No electrode was made and no
measurement was taken. {count} specimens in {pairs} pairs ({named}); the SL (one layer) and the TL
(two layers) of a pair hold one binder and were imaged alike.

## How it was made

- **Structure**: spheres of active material with rough surfaces; the CBD where a score of pore size,
  distance to the active material and two random fields is low. Volume fractions follow from the
  recipes of Prifling et al., Energy Technology 2022, doi:10.1002/ente.202200784.
- **Tomogram**: parallel-beam phase-contrast tomography at {photon_energy_keV} keV,
  {propagation_mm:g} mm propagation, phase retrieval, blur {blur_um:g} µm, noise over the gray step
  from pore to active material as told for each specimen of the open set, then total-variation
  denoising with weight {total_variation_weight:g}.
- **Fluorine map**: photon counts with Poisson noise; the binder of the layers differs in its share
  of PVdF, as in the recipes.
- **FIB-SEM**: the same structure on voxels eight times finer, with texture, shine-through of pores,
  curtains and noise (open set only).
- **Voltage**: a homogenized half-cell model at {current:g} mA/cm2 with a transport parameter of the
  CBD of gamma = {gamma:g} (inner porosity {cbd_inner_porosity:g}), and {millivolt:g} mV of noise.

## What it is for

To develop and to compare methods that find active material, CBD and pores in a tomogram, and to
teach. The truth of the open set is known to everybody: figures on it show what a method can be
brought to, not what it does on an electrode that it has not seen. Contests need the sealed set.

## What it must not be used for

- Not as measurements of a real electrode, material or microscope, and not to state properties of
  one.
- Not to claim that a method works on real tomograms: real ones have artifacts, shapes of particles
  and distributions of binder that are not here.
- Not to judge materials, suppliers or cells.
- A method trained on these data knows this generator. Say so where you use it.

## Same bytes

One version of the program writes the same bytes from the same seeds, whenever it is called. On
another processor or with other versions of numpy and scipy, single gray values may differ by one
step and single voxels of the truth may change; `SHA256SUMS` tells whether yours are these.

## Licence

CC BY 4.0, {licence}: name the source, {made_by}.
"""
