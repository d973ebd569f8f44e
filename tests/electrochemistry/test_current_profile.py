"""Profiles that cannot run as they stand are refused before the run, alike by both models."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.electrochemistry import current_profile as profiles
from analysis.electrochemistry.current_profile import (
    CurrentProfile,
    Segment,
    charge,
    hold,
    lithiation,
    pulses,
    rest,
)
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode import ElectrodeProfile
from analysis.electrochemistry.porous_electrode.current_profiles import follow
from analysis.electrochemistry.resolved import ResolvedControl
from analysis.electrochemistry.resolved.current_profiles import follow as follow_on_voxels
from analysis.phases import Phase

ELECTRODE = ElectrodeProfile(100e-6, 0.6, 0.3, 5e5, 0.15, 1.0, 3.6e-6)


def columns(n=12, width=4):
    labels = np.full((n, width, width), Phase.PORE, np.uint8)
    labels[:, :, 0] = Phase.CBD
    labels[:, :, 1:3] = Phase.AM
    return labels


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lithiation(np.nan, until_V=3.0), "current_mA_cm2 of a segment is nan"),
        (lambda: Segment(np.nan, duration_s=10), "current_mA_cm2 of a segment is nan"),
        (lambda: Segment("6", duration_s=10), "current_mA_cm2 of a segment is '6'"),
        (lambda: lithiation(-3.0, until_V=3.0), "lithiation is -3.0.*give it its sign"),
        (lambda: charge(0.0, until_V=4.2), "charge is 0.0"),
        (lambda: lithiation(6000, until_V=3.0), "given in A/m².*Divide by 10"),
        (lambda: Segment(), "expected one of the two"),
        (lambda: Segment(1.0, 4.0, 10.0), "expected one of the two"),
        (lambda: rest(0.0), "duration of a segment is 0 s; expected a positive"),
        (lambda: rest(-5.0), "duration of a segment is -5 s"),
        (lambda: rest(np.nan), "duration_s of a segment is nan"),
        (lambda: pulses(6, 3, pulse_s=0, rest_s=10), "duration of a segment is 0 s"),
        (lambda: pulses(6, 2.5, pulse_s=10, rest_s=10), "whole number"),
        (lambda: rest(np.inf), "Nothing ends the segment of 0"),
        (lambda: lithiation(6.0), "Nothing ends.*until_V"),
        (lambda: hold(4.2), "Nothing ends the hold at 4.2"),
        (lambda: Segment(0.0, None, 60.0, 4.0), "A rest has the limit 4 V, which it may never"),
        (lambda: hold(4.2, until_mA_cm2=0.0), "fall to 0 mA/cm², which takes forever"),
        (lambda: hold(4.2, until_mA_cm2=-1.0), "fall to -1 mA/cm², which takes forever"),
        (lambda: Segment(3.0, None, 60.0, None, 0.1), "holds the current.*not reached"),
        (lambda: Segment(None, 4.2, 60.0, 3.0), "holds 4.2 V.*not reached"),
        (lambda: lithiation(6, until_V=2.0), "limit is 2 V, which this material does not reach"),
        (lambda: charge(6, until_V=5.0), "limit is 5 V, which this material does not reach"),
        (lambda: hold(np.inf, duration_s=60), "voltage_V of a segment is inf"),
        (lambda: CurrentProfile(()), "no segments"),
        (lambda: CurrentProfile((rest(10),), 4.0, 3.0), "out of order: lower_V=4, upper_V=3"),
        (lambda: CurrentProfile((rest(10),), 3.5, 3.5), "out of order"),
        (
            lambda: CurrentProfile((rest(10), charge(1, until_V=4.3)), 3.0, 4.2),
            r"Segment 2 of 2 \(charge at 1 mA/cm²\) asks for 4.3 V, but the profile ends",
        ),
        (lambda: CurrentProfile((hold(3.2, duration_s=9),), 3.4), "asks for 3.2 V.*ends below 3.4"),
    ],
)  # fmt: skip
def test_segments_that_cannot_be_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


HALF_FULL = replace(DEFAULT, active=replace(DEFAULT.active, initial_content=0.5))


@pytest.mark.parametrize(
    ("segments", "materials", "message"),
    [
        ((lithiation(6, until_V=4.4),), DEFAULT, r"Segment 1 of 1 \(lithiation.*falls to 4.4 V"),
        ((charge(1, until_V=3.0),), HALF_FULL, "rises to 3 V, but begins at 3.8"),
        ((lithiation(6, until_V=3.3), lithiation(6, until_V=3.5)), DEFAULT, "Segment 2 of 2"),
        ((lithiation(3, until_V=3.3), lithiation(6, until_V=3.3)), DEFAULT, "Give a lower until_V"),
        ((lithiation(6, duration_s=9), charge(2, until_V=4.2), charge(4, until_V=4.1)), DEFAULT,
         "Segment 3 of 3.*Give a higher until_V"),
        ((charge(0.3, until_V=4.2), hold(4.2, until_mA_cm2=0.5)), HALF_FULL,
         "at 4.2 V already, with a current of 0.3 mA/cm², which is below the limit of 0.5"),
        ((hold(3.7, until_mA_cm2=0.2), lithiation(1, until_V=3.9)), DEFAULT, "Segment 2 of 2"),
        (CurrentProfile((rest(10),), upper_V=4.0), DEFAULT, "starts at 4.30 V.*outside"),
        (CurrentProfile((charge(1, duration_s=9),), lower_V=4.2), HALF_FULL, "outside the limits"),
    ],
)  # fmt: skip
def test_limits_that_are_passed_already_are_refused_before_the_run(segments, materials, message):
    message = message.replace("4.30 V", r"4\.\d+ V")
    with pytest.raises(ValueError, match=message):
        follow(ELECTRODE, segments, materials=materials)
    with pytest.raises(ValueError, match=message):
        follow_on_voxels(columns(), 0.12, segments, voxel_size_um=4.0, materials=materials)


def test_what_might_be_passed_but_need_not_is_let_through():
    profile = CurrentProfile(
        (
            lithiation(6, until_V=3.3),
            lithiation(2, until_V=3.3),
            rest(9),
            lithiation(1, until_V=3.6),
        )
        + (charge(2, until_V=4.0), lithiation(2, until_V=3.9))
    )
    profile.check(DEFAULT)
    assert profile.window_V(DEFAULT) == (DEFAULT.cutoff_V, profiles.HIGHEST_LIMIT_V)


def test_no_class_but_segments_and_no_checkpoint():
    with pytest.raises(TypeError, match="holds a float; expected Segment"):
        CurrentProfile((6.0,))
    with pytest.raises(ValueError, match="no checkpoints"):
        follow_on_voxels(
            columns(), 0.12, (rest(9),), voxel_size_um=4.0, checkpoint_path="somewhere.npz"
        )


def test_a_current_too_large_is_named_with_its_segment():
    control = ResolvedControl(first_step_s=1.2e-3)
    for run in (
        lambda: follow(ELECTRODE, (lithiation(300, until_V=3.0),), n_electrode=8, n_separator=4),
        lambda: follow_on_voxels(
            columns(), 0.12, (lithiation(300, until_V=3.0),), voxel_size_um=4.0, threads=1,
            control=control,
        ),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"Segment 1 of 1 \(lithiation at 300.*carried even"):
            run()
