"""Where is the carbon-binder domain, and what does the answer do to the cell?

A re-examination of Prifling et al., *Energy Technology* 2022,
doi:10.1002/ente.202200784, on virtual electrodes whose truth is known.

What one calls on data of one's own, in the order of the way from gray values to a voltage::

    import analysis as cbd

    gray = cbd.read_gray("scan.tif")
    labels = cbd.thresholding.trinarize(gray, targets)
    cbd.geodesic_tortuosity(labels, cbd.Phase.PORE, voxel_size_um).mean
    depth = cbd.from_labels(labels, voxel_size_um).at(0.1)
    cbd.porous_electrode.lithiate(depth, current_mA_cm2=6.0).voltage_V

Names are imported when they are asked for: ``import analysis`` alone loads nothing. All arrays are
``(Z, Y, X)``, slice 0 at the separator. ``CONTRIBUTING.md`` has the map of the rooms.
"""

from analysis._names import lazily

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        # phases, and volumes from files
        "phases": "Phase volume_fractions check_labels",
        "tomogram.reading": "read_gray read_labels write_tiff",
        # virtual electrodes and their images
        "specimen.electrode": "",
        "instruments.transfer": "",
        "instruments.tomograph": "",
        "instruments.fibsem": "",
        "instruments.edx": "",
        # gray values to labels; each module has a function `trinarize`
        "segmentation.methods": "",
        "segmentation.thresholding": "",
        "segmentation.clustering": "",
        "segmentation.closing": "",
        "segmentation.networks.conversion": "",
        "segmentation.agreement": "equally_assigned jaccard kappa confusion",
        # morphology
        "descriptors.surface": "specific_surfaces",
        "descriptors.size": "phase_size_distribution intrusion_distribution constrictivity",
        "descriptors.paths": "geodesic_tortuosity",
        "descriptors.covariance": "two_point_coverage",
        "descriptors.connectivity": "connected_fractions",
        # the cell; both half cells have a function `lithiate`
        "electrochemistry.transport.effective": "effective_conductivity ionic_conductivity",
        "electrochemistry.transport.impedance": "",
        "electrochemistry.porous_electrode": "",
        "electrochemistry.porous_electrode.homogenization": "from_labels",
        "electrochemistry.resolved": "",
        "electrochemistry.gamma_fit": "fit_gamma",
        "electrochemistry.measured_curve": "read_curve",
    },
)
