"""The picture that stands for the book: in the README, and where its address is shared.

``python -m analysis.study.book.preview demo`` draws it anew from the results of a run.
"""

import sys
from pathlib import Path

from analysis import storage

ROOT = Path(__file__).resolve().parents[3]
TARGET = ROOT / "book" / "_static" / "preview.png"
SIZE = (1200, 630)  # what messengers and search engines show whole


def draw(profile, *, method="kmeans", target=TARGET):
    """
    A rendering of a virtual electrode beside its tomogram, a trinarization and the truth.

    Parameters
    ----------
    profile : analysis.profiles.Profile
        Name of a profile that has run.
    method : str
        Trinarization to show.
    target : Path
        PNG to write.

    Returns
    -------
    target : Path

    Raises
    ------
    FileNotFoundError
        If the profile has not run.
    """
    import matplotlib.pyplot as plt

    from analysis.figures import images, render, style
    from analysis.phases import Phase

    volumes = {
        "tomogram": storage.load_volume("gray/SL-1", profile=profile),
        method: storage.load_volume(f"labels/SL-1-{method}", profile=profile),
        "truth": storage.load_volume("labels/SL-1-truth", profile=profile),
    }
    truth = volumes["truth"]
    voxel_size_um = truth.attrs["voxel_size_um"]
    depth = 2 * truth.shape[1]
    style.use()
    figure = plt.figure(figsize=(SIZE[0] / 100, SIZE[1] / 100), dpi=100)
    panels = figure.subplots(1, 4, width_ratios=[2.1, 1, 1, 1])
    rendering = render.picture(
        truth.values[:depth], voxel_size_um, (Phase.AM, Phase.CBD), size=(900, 1100)
    )
    panels[0].imshow(render.cropped(rendering), interpolation="antialiased")
    panels[0].set_axis_off()
    for panel, (name, volume) in zip(panels[1:], volumes.items(), strict=True):
        middle = volume.values[:depth, volume.shape[1] // 2]
        images.image(middle, ax=panel, title=style.label(name))
        panel.title.set_fontsize(16)
    figure.suptitle("Where is the carbon-binder domain?", fontsize=24, fontweight="bold")
    with storage.atomic(target) as temporary:
        figure.savefig(temporary, format="png", dpi=100, pil_kwargs={"optimize": True})
    plt.close(figure)
    return target


if __name__ == "__main__":
    print(draw(sys.argv[1] if len(sys.argv) > 1 else "demo"))
