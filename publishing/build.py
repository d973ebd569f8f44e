"""Execute, stage and build the whole book, and say how long it took."""

import functools
import hashlib
import os
import shutil
import time
from pathlib import Path

from analysis import opengl, profiles, storage
from analysis.electrochemistry.transport import devices
from analysis.storage import scratch
from publishing import site, slides, stamps
from publishing.chapters import MORPHOLOGY, ROOT, TRINARIZATIONS, chapters_in_book, with_needs
from publishing.execute import execute
from publishing.stage import stage


def build_book(profile, *, real="", jobs=2, device="", pages=True, part=(), progress=print):
    """
    Run what must run and build the site.

    Parameters
    ----------
    profile : str
        `smoke`, `demo` or `paper`.
    real : str
        Path of the measured electrode's labels; empty to let the chapter look for them.
    jobs : int
        Chapters that run at the same time.
    device : str
        Where voxels are lithiated and impedances computed: ``cpu``, or ``cuda`` for a graphics
        card; empty for what the environment says, else the CPU. Results hardly differ, so that no
        chapter runs again for it.
    pages : bool
        Whether to build the site after the chapters have run.
    part : sequence of str
        Chapters to run, with those that they need; by default all. The site needs all of them.
    progress : callable
        Receives progress, line by line.

    Returns
    -------
    page : Path or None
        ``index.html`` of the site.

    Raises
    ------
    ValueError
        If the profile, the device or a chapter is unknown, a path does not exist, or a part is to
        be a site.
    RuntimeError
        If this machine cannot draw pictures in three dimensions, or the card cannot be used.
    ChapterFailed, SphinxFailed
        If a notebook or the site's build stops.
    """
    profiles.get(profile)
    if real and not Path(real).is_file():
        raise ValueError(f"REAL={real}: there is no such file. Give the path of a label TIFF.")
    devices.choose(device)
    book = chapters_in_book()
    chapters = with_needs(part, book) if part else book
    if part and pages:
        raise ValueError("A site shows all chapters: give --no-site beside --chapters.")
    opengl.check()
    build = folders(profile)
    parameters = {"profile": profile}
    if real:
        parameters["real"] = _as_seen_from_root(real)
        parameters["real_sha256"] = storage.sha256(real)
    started = time.perf_counter()
    _clear_up(build, progress)
    progress(f"Profile {profile}: {len(chapters)} executed chapters, {jobs} at a time")
    ran = execute(
        chapters, build=build, parameters=parameters, jobs=jobs, progress=progress, book=book
    )
    executed_seconds = time.perf_counter() - started
    page = build_site(stage(build), build, jobs=jobs) if pages else None
    progress("")
    progress(table_of_seconds(build, [chapter.name for chapter in chapters], ran))
    total = time.perf_counter() - started
    progress(f"\nExecuted {len(ran)} of {len(chapters)} chapters in {executed_seconds:.0f} s.")
    if pages:
        progress(f"With the site: {total:.0f} s.\nThe book: {page}")
    return page


def grow_record(profile, *, chapters=True, workers=None, jobs=2, progress=print):
    """
    Run what the record of a profile lacks, what says most first, and gather it on the way.

    The chapters that trinarize; the first cases; the chapters on the limit of a tomogram and on
    morphology, whose maps and tables the record holds; then all other cases.

    Parameters
    ----------
    profile : str
        `smoke`, `demo` or `paper`.
    chapters : bool
        Whether to run chapters; without them, only cases whose labels are on disk.
    workers, jobs : int
        Cases, and chapters, that run at the same time.
    progress : callable
        Receives progress, line by line.

    Returns
    -------
    summary : Summary
        Of the cases.

    Raises
    ------
    ChapterFailed
        If a notebook stops.
    """
    from analysis.record import grow

    options = dict(workers=workers, progress=progress)
    if chapters:
        build_book(profile, jobs=jobs, pages=False, part=TRINARIZATIONS, progress=progress)
        done = grow.grow(profiles.get(profile), only_first=True, **options)
        build_book(profile, jobs=jobs, pages=False, part=MORPHOLOGY, progress=progress)
    else:
        done = grow.Summary(0, 0, {})
    return done + grow.grow(profiles.get(profile), **options)


def serve(profile, *, port=8000, progress=print):
    """
    Serve the built book on this machine until it is interrupted.

    Raises
    ------
    FileNotFoundError
        If the profile has not been built.
    OSError
        If the port is taken.
    """
    import http.server

    profiles.get(profile)
    site = folders(profile).folder / "html"
    if not (site / "index.html").is_file():
        built = [name for name in profiles.PROFILES if (folders(name).folder / "html").is_dir()]
        others = f" Built are: {', '.join(built)}." if built else ""
        raise FileNotFoundError(
            f"The book of profile {profile!r} has not been built (looked for {site}).{others} "
            f"Build it: make book PROFILE={profile}"
        )
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=site)
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise OSError(
            f"Port {port} of this machine cannot be used ({error.strerror}). Stop what serves "
            f"there, or open {site / 'index.html'} in a browser."
        ) from error
    progress(f"http://127.0.0.1:{server.server_port}/ shows profile {profile}; Ctrl+C ends it.")
    with server:
        server.serve_forever()


def _clear_up(build, progress):
    """Name and remove what a killed run has left, and name a manifest that was touched."""
    for folder in (storage.results_root() / build.profile, build.folder):
        for file in scratch.sweep_partial(folder):
            progress(f"Removed {file.name}, which a process that was killed had half written.")
    line = stamps.trouble_of_manifest(build)
    if line:
        progress(line)


def folders(profile):
    """Where the build of a profile lies."""
    return stamps.Build(profile, ROOT / "_build" / profile)


def build_site(stage_folder, build, *, builder="html", strict=True, jobs=2):
    """
    Build the staged book and move it to ``_build/<profile>/<builder>``.

    Raises
    ------
    SphinxFailed
        If Sphinx warns or fails; its messages are in the error.
    """
    work = build.folder / "sphinx"
    shape = hashlib.sha256()
    for name in ("_toc.yml", "_config.yml"):
        shape.update((Path(stage_folder) / name).read_bytes())
    built_shape = work / f"shape-{builder}.txt"
    same_shape = built_shape.exists() and built_shape.read_text() == shape.hexdigest()
    try:
        made = site.build(
            stage_folder,
            work,
            builder,
            strict=strict,
            every_page=not same_shape,  # every page shows the table of contents
            jobs=jobs,
            log=build.folder / "logs" / f"site-{builder}.txt",
        )
    except site.SphinxFailed as failure:
        raise site.SphinxFailed(f"{stamps.full_disk(build)}{failure}") from None
    built_shape.write_text(shape.hexdigest())
    target = build.folder / builder
    fresh, old = target.with_name(f".{builder}.new"), target.with_name(f".{builder}.old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(made, fresh)
    if builder == "html" and (fresh / "book").is_dir():
        slides.make(fresh, stage_folder)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    return target / "index.html"


def table_of_seconds(build, names, ran):
    """Wall-clock seconds, CPU seconds and memory per chapter; the slowest three are named."""
    rows = []
    for name in names:
        stamp = stamps.read_stamp(build, name) or {}
        cpu = stamp.get("cpu_seconds", float("nan"))
        memory = stamp.get("peak_memory_MB", 0)
        rows.append((name, stamp.get("seconds", float("nan")), cpu, memory))
    lines = [f"{'chapter':<30} {'seconds':>8} {'CPU s':>8} {'peak GB':>8}"]
    for name, seconds, cpu, memory in rows:
        lines.append(
            f"{name:<30} {seconds:8.1f} {cpu:8.1f} {memory / 1000:8.1f}"
            f"  {'' if name in ran else 'kept'}"
        )
    lines.append(
        f"{'sum':<30} {sum(row[1] for row in rows):8.1f} {sum(row[2] for row in rows):8.1f}"
    )
    slowest = sorted(rows, key=lambda row: -row[1])[:3]
    lines.append(
        "slowest: " + ", ".join(f"{name} ({seconds:.0f} s)" for name, seconds, *_ in slowest)
    )
    return "\n".join(lines)


def _as_seen_from_root(path):
    """Relative to the root where possible, so that a stamp does not depend on the machine."""
    return os.path.relpath(Path(path).resolve(), ROOT)
