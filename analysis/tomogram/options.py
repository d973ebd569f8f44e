"""What a reader types beside the file: target fractions, voxel size, cutout."""

import re
import warnings

from analysis.phases import Phase, check_targets, check_voxel_size

PLAUSIBLE_UM = (0.005, 20)  # from a FIB-SEM to a laboratory scanner with a whole cell in view

ROUNDING = 0.002  # three fractions of three digits each miss one by at most 0.0015


def parse_fractions(text):
    """
    Target fractions from the command line, in the order AM, CBD, pore.

    Fractions rounded to three digits need not sum to one; up to 0.2 % they are scaled so that they
    do, with a warning that says so.

    Examples
    --------
    >>> parse_fractions("0.5954,0.2308,0.1738")[Phase.CBD]
    0.2308

    Raises
    ------
    ValueError
        If there are not three numbers, or they are no volume fractions that sum to one.
    """
    parts = [part.strip() for part in str(text).split(",") if part.strip()]
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) != 3:
        raise ValueError(
            f"FRACTIONS={text!r}; expected three volume fractions AM,CBD,pore with decimal points, "
            "commas between and no units, for example FRACTIONS=0.5954,0.2308,0.1738."
        )
    total = sum(numbers)
    if 1e-4 < abs(total - 1) <= ROUNDING and min(numbers) >= 0:
        scaled = [number / total for number in numbers]
        warnings.warn(
            f"FRACTIONS={text} sum to {total:.4g}, as rounded fractions do; scaled to "
            f"{', '.join(f'{number:.4f}' for number in scaled)}.",
            stacklevel=2,
        )
        numbers = scaled
    return check_targets(dict(zip((Phase.AM, Phase.CBD, Phase.PORE), numbers, strict=True)))


def parse_voxel_size(text):
    """
    Voxel edge [µm] of a tomogram, with a look at the unit.

    Examples
    --------
    >>> parse_voxel_size("0.642")
    0.642

    Raises
    ------
    ValueError
        If it is no positive number, or so small or large that it is in another unit.
    """
    try:
        typed = isinstance(text, str) and text.strip()
        number = float(text) if typed else (None if text == "" else text)
    except ValueError:
        raise ValueError(
            f"VOXEL_SIZE_UM={text!r} is no voxel size; expected one edge length in µm, a number with "
            "a decimal point and no unit, for example VOXEL_SIZE_UM=0.642."
        ) from None
    size = check_voxel_size(number)
    low, high = PLAUSIBLE_UM
    if low <= size <= high:
        return size
    for unit, factor in (("nm", 1e-3), ("m", 1e6), ("mm", 1e3)):
        if low <= size * factor <= high:
            hint = f"If it is in {unit}, give VOXEL_SIZE_UM={size * factor:g}."
            break
    else:
        hint = "Look it up in the report of the scan."
    raise ValueError(
        f"VOXEL_SIZE_UM={size:g}: a voxel edge of {size:g} µm is not that of a tomogram of an "
        f"electrode; expected {low:g} to {high:g} µm. {hint}"
    )


def parse_crop(text):
    """
    A cutout ``z0:z1,y0:y1,x0:x1`` in voxels, as Python slices count (from 0, the end excluded).

    Examples
    --------
    >>> parse_crop("0:40,10:,:")
    (slice(0, 40, None), slice(10, None, None), slice(0, None, None))

    Returns
    -------
    crop : tuple of slice or None
        None for an empty text: everything.

    Raises
    ------
    ValueError
        If it is not three such ranges.
    """
    if not str(text or "").strip():
        return None
    parts = [re.fullmatch(r"\s*(\d*)\s*:\s*(\d*)\s*", part) for part in str(text).split(",")]
    if len(parts) != 3 or not all(parts):
        raise ValueError(
            f"CROP={text!r}; expected three ranges of voxels z0:z1,y0:y1,x0:x1, for example "
            "CROP=0:200,50:250,50:250 (a lone colon takes the whole axis)."
        )
    return tuple(slice(int(part[1] or 0), int(part[2]) if part[2] else None) for part in parts)


def fit_crop(crop, shape):
    """
    The cutout within a volume.

    Raises
    ------
    ValueError
        If it is empty or reaches beyond the volume.
    """
    crop = parse_crop(crop) if isinstance(crop, str) else crop
    if crop is None:
        return tuple(slice(0, length) for length in shape)
    fitted = []
    for axis, cut, length in zip("zyx", crop, shape, strict=True):
        stop = length if cut.stop is None else cut.stop
        start = cut.start or 0
        if not 0 <= start < stop <= length:
            raise ValueError(
                f"CROP asks for voxels {start}:{stop} along {axis}, but the volume has {length} "
                f"there; expected 0 <= {axis}0 < {axis}1 <= {length}."
            )
        fitted.append(slice(start, stop))
    return tuple(fitted)


def crop_text(crop):
    """The words for ``CROP=``."""
    return ",".join(f"{cut.start}:{cut.stop}" for cut in crop)
