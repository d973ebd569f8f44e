"""Command line: ``python -m analysis book|own|challenge|campaign|plan|record|grow|verify|...``."""

import argparse
import signal
import sys


def main(arguments=None):
    """Run one command; errors of the user end with one message and status 1."""
    parser = argparse.ArgumentParser(prog="python -m analysis", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_book(commands)
    _add_own(commands)
    _add_spectrum(commands)
    _add_challenge(commands)
    _add_campaign(commands)
    _add_record(commands)
    _add_grow(commands)
    _add_kernels(commands)
    _add_sync(commands)
    _add_preview(commands)
    _add_forms(commands)
    options = parser.parse_args(arguments)
    from analysis import processes, storage
    from analysis.storage import disk, scratch

    try:
        with scratch.own_folder(progress=_progress):
            return options.run(options)
    except (KeyboardInterrupt, SystemError) as error:
        if not processes.was_stopped(error):
            raise
        again = "" if options.command == "own" else " to go on from here"  # own starts anew
        print(f"Stopped. Run the same command again{again}.", file=sys.stderr)
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        why = disk.reason(error)
        if why and why not in str(error):
            what = getattr(error, "filename", None) or storage.results_root()
            error = disk.sentence(what, why, storage.ROOT_VARIABLE)
        print(f"\n{error}", file=sys.stderr)
        return 1


def _add_book(commands):
    parser = commands.add_parser("book", help="run the study and build the site")
    parser.add_argument("--profile", default="demo", help="smoke, demo or paper")
    parser.add_argument("--real", default="", help="label TIFF of the measured electrode")
    parser.add_argument("--jobs", type=int, default=2, help="chapters at the same time")
    parser.add_argument(
        "--device", default="", help="where voxels are lithiated: cpu (default) or cuda"
    )
    parser.add_argument("--no-site", action="store_true", help="execute only")
    parser.add_argument(
        "--chapters", default="", help="comma-separated; these and what they need (with --no-site)"
    )

    def run(options):
        from publishing.build import build_book

        build_book(
            options.profile,
            real=options.real,
            jobs=options.jobs,
            device=options.device,
            pages=not options.no_site,
            part=[name.strip() for name in options.chapters.split(",") if name.strip()],
            progress=_progress,
        )
        return 0

    parser.set_defaults(run=run)


def _add_own(commands):
    parser = commands.add_parser("own", help="put your own tomogram through the study")
    parser.add_argument("--tomogram", default="", help="gray volume: TIFF, npy, HDF5, netCDF")
    parser.add_argument("--voxel-size-um", default="", help="edge of a voxel [µm]")
    parser.add_argument("--fractions", default="", help="target fractions AM,CBD,pore")
    parser.add_argument("--dataset", default="", help="dataset in an HDF5 or netCDF file")
    parser.add_argument("--crop", default="", help="part of the file: z0:z1,y0:y1,x0:x1")
    parser.add_argument("--polarity", default="", help="what the particles are: bright or dark")
    parser.add_argument("--out", default="", help="folder for report and labels")

    def run(options):
        from publishing import own

        own.run(
            options.tomogram,
            voxel_size_um=options.voxel_size_um or None,
            fractions=options.fractions,
            dataset=options.dataset,
            crop=options.crop,
            polarity=options.polarity,
            out=options.out,
            progress=_progress,
        )
        return 0

    parser.set_defaults(run=run)


def _add_spectrum(commands):
    parser = commands.add_parser("spectrum", help="ionic resistance from a blocking spectrum")
    for name, what in (
        ("file", "CSV file of a symmetric cell"),
        ("area-cm2", "cross section [cm²]"),
        ("thickness-um", "thickness of one electrode [µm]"),
        ("conductivity-S-m", "of the electrolyte [S/m]"),
        ("porosity", "electrolyte share of the electrode [-]"),
        ("labels", "labelled volume: 0 pore, 1 CBD, 2 AM"),
        ("voxel-size-um", "edge of its voxels [µm]"),
        ("out", "CSV file for the results"),
    ):
        parser.add_argument("--" + name, default="", help=what)

    def run(options):
        from analysis.study.own_data import own_spectrum

        given = {k: v for k, v in vars(options).items() if k not in ("command", "run")}
        own_spectrum.run(given.pop("file"), **given, progress=_progress)
        return 0

    parser.set_defaults(run=run)


def _add_challenge(commands):
    parser = commands.add_parser("challenge", help="score a method of your own on known electrodes")
    for name, what in (
        ("profile", "size of the set: smoke, demo or paper"),
        ("method", "Python script with a function trinarize"),
        ("set", "open, sealed or study"),
        ("out", "folder for the report"),
        ("seconds", "time limit for one specimen"),
        ("memory-gb", "memory limit"),
    ):
        parser.add_argument("--" + name, default="", help=what)

    def run(options):
        from publishing.challenge import command

        command.run(
            options.method,
            profile=options.profile,
            which=options.set,
            out=options.out,
            seconds=options.seconds,
            memory_GB=options.memory_gb,
            progress=_progress,
        )
        return 0

    parser.set_defaults(run=run)

    parser = commands.add_parser("challenge-data", help="write the data of the challenge")
    for name, what in (
        ("size", "sample, full, or the name of a profile"),
        ("set", "open, or sealed: without its truth"),
        ("out", "folder for the data"),
    ):
        parser.add_argument("--" + name, default="", help=what)

    def write(options):
        from publishing.challenge import release

        release.write(options.size, which=options.set, out=options.out, progress=_progress)
        return 0

    parser.set_defaults(run=write)


def _add_campaign(commands):
    from analysis.simulation import campaign

    parser = commands.add_parser("campaign", help="fit gamma for every trinarization")
    campaign.add_arguments(parser)
    parser.set_defaults(run=lambda options: campaign.main(options, progress=_progress))


def _add_record(commands):
    what = {
        "plan": "what a profile runs and what that costs",
        "record": "gather finished results in record/",
        "verify": "run cases of a record anew and compare",
    }
    parsers = {name: commands.add_parser(name, help=text) for name, text in what.items()}
    for parser in parsers.values():
        parser.add_argument("--profile", default="", help="smoke, demo or paper")
    parsers["verify"].add_argument("--cases", default="", help="how many are drawn")
    parsers["verify"].add_argument("--device", default="", help="cpu (default) or cuda")
    parsers["verify"].add_argument("--seed", default="", help="of the draw; by default a new one")

    def run(options):
        from analysis.record import command

        given = {k: v for k, v in vars(options).items() if k not in ("command", "run")}
        return command.run(options.command, **given, progress=_progress)

    for parser in parsers.values():
        parser.set_defaults(run=run)


def _add_grow(commands):
    parser = commands.add_parser("grow", help="run what a record lacks, what says most first")
    parser.add_argument("--profile", default="paper", help="smoke, demo or paper")
    parser.add_argument("--no-chapters", action="store_true", help="cases only")
    parser.add_argument("--workers", type=int, default=0, help="cases at once; 0: one per core")
    parser.add_argument("--jobs", type=int, default=2, help="chapters at the same time")

    def run(options):
        from publishing import build

        done = build.grow_record(
            options.profile,
            chapters=not options.no_chapters,
            workers=options.workers or None,
            jobs=options.jobs,
            progress=_progress,
        )
        _progress(str(done))
        return 1 if done.failed else 0

    parser.set_defaults(run=run)


def _add_kernels(commands):
    parser = commands.add_parser("kernels", help="compile the numba kernels ahead of a run")

    def run(_):
        from analysis import kernels

        kernels.compile_all(progress=_progress)
        return 0

    parser.set_defaults(run=run)


def _add_sync(commands):
    parser = commands.add_parser("sync", help="bring the .ipynb pair of every chapter in step")
    parser.add_argument(
        "--from",
        default="",
        dest="winner",
        help="md or ipynb: which side wins where a notebook was edited",
    )

    def run(options):
        from publishing.pairs import sync

        for path in sync(winner=options.winner):
            print(f"wrote {path}")
        return 0

    parser.set_defaults(run=run)


def _add_preview(commands):
    parser = commands.add_parser("preview", help="serve the built book on this machine")
    parser.add_argument("--profile", default="demo", help="smoke, demo or paper")
    parser.add_argument("--port", type=int, default=8000, help="default: %(default)s")

    def run(options):
        from publishing import build

        build.serve(options.profile, port=options.port, progress=_progress)
        return 0

    parser.set_defaults(run=run)


def _add_forms(commands):
    for name, what in (
        ("pdf", "print the built book as one PDF"),
        ("epub", "make an ePub of the built book"),
        ("crate", "describe the results of a run as an RO-Crate"),
    ):
        parser = commands.add_parser(name, help=what)
        parser.add_argument("--profile", default="demo", help="smoke, demo or paper")
        parser.set_defaults(run=_form)


def _form(options):
    from analysis import profiles

    profiles.get(options.profile)
    if options.command == "crate":
        from publishing import crate

        crate.export(options.profile, progress=_progress)
        return 0
    from publishing import build
    from publishing.forms import epub, pdf

    form = {"pdf": pdf, "epub": epub}[options.command]
    form.make(build.folders(options.profile), progress=_progress)
    return 0


def _progress(line):
    print(line, flush=True)


def _stop(*_):
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)  # a batch system's way to say what Ctrl+C says
    sys.exit(main())
