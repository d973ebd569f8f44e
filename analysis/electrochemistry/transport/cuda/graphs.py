"""Launch graphs: what is done again and again on the same arrays, recorded once, launched as one.

A V-cycle on 12 million cells is some 800 kernels, most of them on grids so small that Python takes
longer to launch them than the card to run them. Recorded, they are one launch.
"""

import warnings

from analysis.electrochemistry.transport.cuda.launch import SIMULATED, flat_of, stream

NOT_RECORDED = (
    "Launch graphs of the card cannot be used ({}); its kernels are launched one by one, which is "
    "slower and gives the same results. A newer driver may help."
)


def driver_and_mode():
    """The driver, each call of which raises an error if it fails, and how to record."""
    from numba.cuda.cudadrv.driver import binding, driver

    mode = binding.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
    return driver, mode


class Recorder:
    """
    Recordings of work, by the work and the arrays that it is done on.

    Work may launch kernels and nothing else: no copy to or from the card, no new array, no number
    that is another the next time; such numbers belong in arrays.
    """

    def __init__(self):
        self.recordings = {}
        self.usable = not SIMULATED

    def repeat(self, work, args):
        """
        Do ``work(*args)``.

        The first time as it is, so that all kernels are compiled and all lists made; the second
        time it is recorded; from then on the recording is launched.
        """
        # The arrays tell whose work it is; to keep that itself would keep it alive.
        key = work.__qualname__, _identities(args)
        graph = None
        if self.usable and key in self.recordings:
            graph = self.recordings[key][1] or self._record(work, args)
        self.recordings[key] = args, graph  # which keeps the arrays, and so their identities
        if graph is None:
            work(*args)
        else:
            driver_and_mode()[0].cuGraphLaunch(graph, int(stream().handle))

    def _record(self, work, args):
        """The recording, ready to be launched; None if that is not possible here."""
        try:
            driver, mode = driver_and_mode()
            handle = int(stream().handle)
            driver.cuStreamBeginCapture(handle, mode)
            try:
                work(*args)
            finally:
                graph = driver.cuStreamEndCapture(handle)
            return driver.cuGraphInstantiate(graph, 0)
        except Exception as error:  # numba has a dozen kinds of errors here, some not public
            warnings.warn(NOT_RECORDED.format(error), RuntimeWarning, stacklevel=3)
            self.usable = False
            return None


def _identities(args):
    flat = flat_of(tuple(args))
    return tuple(id(one) for one in _all(flat))


def _all(value):
    return [one for part in value for one in _all(part)] if isinstance(value, tuple) else [value]
