"""Renderings: what is there is drawn in its color, what is not stays white."""

import numpy as np
import pytest

from analysis import opengl
from analysis.figures import render


def test_machine_without_opengl_is_told_what_to_install(monkeypatch):
    """Seen on a bare machine: VTK ends the process instead of raising an error."""
    monkeypatch.setattr(opengl.sys, "platform", "linux")
    monkeypatch.setattr(opengl, "LIBRARIES", ("libEGL.so.1", "libNoSuchLibrary.so"))
    with pytest.raises(RuntimeError, match=r"libNoSuchLibrary.so not found.*apt install"):
        render.picture(np.full((2, 2, 2), 2, np.uint8), 0.642, (2,))


@pytest.mark.usefixtures("opengl")
def test_each_quantity_is_drawn_where_it_lives():
    import io

    from PIL import Image

    left = np.full((8, 8, 8), np.nan)
    left[:4] = 1.0
    left[0, 0, 0] = 0.0
    page = render.fields(
        {"a [-]": left, "b [-]": np.linspace(0, 1, 512).reshape(8, 8, 8)},
        voxel_size_um=1.0,
        size=(120, 160),
    )
    picture = np.asarray(Image.open(io.BytesIO(page.png)).convert("RGB"), int)
    colored = np.ptp(picture, axis=2) > 30
    halves = colored[:, : colored.shape[1] // 2], colored[:, colored.shape[1] // 2 :]
    assert all(half.sum() > 100 for half in halves)
    assert np.all(picture[:3] == 255)


@pytest.mark.usefixtures("opengl")
@pytest.mark.parametrize(("shape", "size"), [((40, 8, 8), (220, 180)), ((8, 40, 40), (120, 200))])
def test_nothing_is_cut_off(shape, size):
    pixels = render.picture(np.full(shape, 2, np.uint8), 0.642, (2,), size=size)
    assert (pixels < 250).any() and not render.touches_edge(pixels)
