"""The composition network: definition, training, files, whole volumes."""

import numpy as np
import pytest
from scipy import ndimage

from analysis.phases import Phase
from analysis.segmentation.networks import network, neural, samples, training
from analysis.segmentation.networks._mlp_kernels import squash


def blurred_phases(shape, seed):
    """Gray values and composition of a small random material with three blurred phases."""
    rng = np.random.default_rng(seed)
    coarse, fine = (
        ndimage.gaussian_filter(rng.normal(size=[2 * n for n in shape]), sigma, mode="wrap")
        for sigma in (6, 3)
    )
    am = coarse > np.quantile(coarse, 0.41)
    cbd = ~am & (fine > np.quantile(fine[~am], 0.43))
    composition = np.stack(
        [samples.bin_volume(mask.astype(float), 2) for mask in (~am & ~cbd, cbd, am)]
    )
    clean = np.tensordot([0.1, 0.4, 0.85], composition, axes=1)
    gray = ndimage.gaussian_filter(clean, 0.6) + rng.normal(scale=0.05, size=shape)
    return np.clip(np.rint(20 + 200 * gray), 0, 255).astype(np.uint8), composition


@pytest.fixture(scope="module")
def labelled():
    gray, composition = blurred_phases((30, 30, 40), seed=0)
    return samples.collect_samples(gray, composition[:, 8:18, 8:18, 8:29], (8, 8, 8))


@pytest.fixture(scope="module")
def trained(labelled):
    split = samples.split_paper(len(labelled), seed=0)
    far = blurred_phases((12, 12, 12), seed=5)
    watched = samples.collect_samples(*far, (0, 0, 0))
    settings = training.Settings(max_epochs=2, seed=1, samples_per_epoch=40_000)
    watch = {"elsewhere": (watched.patches, watched.targets)}
    return training.train(labelled, split, settings, watch=watch, progress=False)


def test_network_has_the_parameters_of_the_paper():
    model = neural.build_model(100.0, 30.0, seed=0)
    assert model.count_params() == 32_478
    assert sum(layer.kernel.shape[1] == 75 for layer in network.check_model(model)) == 5


def test_training_learns_the_composition_from_raw_8_bit_gray_values(trained):
    final = trained.history.query("epoch == 2 and samples == 'elsewhere'")
    score = final.set_index("quantity")["value"]
    assert score["r2_am"] > 0.9
    assert score["r2_cbd"] > 0.6


def test_history_scores_every_set_after_every_epoch(trained):
    counts = trained.history.groupby(["samples", "epoch"]).size().unstack()
    assert list(counts.columns) == [1, 2]
    assert set(counts.index) == {"training", "validation", "elsewhere"}
    assert (counts.loc["validation"] == 4).all()
    validation = trained.history.query("samples == 'validation' and quantity == 'mse'")
    best = validation.set_index("epoch")["value"].idxmin()
    assert trained.best_epoch == best


def test_same_seed_gives_the_same_weights(labelled, trained):
    split = samples.split_paper(len(labelled), seed=0)
    settings = training.Settings(max_epochs=2, seed=1, samples_per_epoch=40_000)
    again = training.train(labelled, split, settings, progress=False)
    for ours, theirs in zip(trained.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_training_leaves_the_global_random_state_alone(labelled):
    split = samples.split_blocks(labelled.voxels)
    np.random.seed(5)  # noqa: NPY002 - the legacy state is what must not be touched
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    settings = training.Settings(max_epochs=1, samples_per_epoch=256)
    training.train(labelled, split, settings, progress=False)
    assert np.random.random() == expected  # noqa: NPY002


def test_training_stops_when_the_validation_error_stalls(labelled):
    split = samples.split_blocks(labelled.voxels)
    settings = training.Settings(
        max_epochs=30, patience=2, samples_per_epoch=256, learning_rate=1e-12
    )
    stalled = training.train(labelled, split, settings, progress=False)
    assert stalled.history["epoch"].max() <= stalled.best_epoch + 2 < 30


def test_last_weights_are_kept_when_the_number_of_epochs_is_known(labelled):
    split = samples.split_none(len(labelled))
    assert len(split.train) == 48 * len(labelled) and len(split.test) == 0
    settings = training.Settings(
        max_epochs=2, samples_per_epoch=1024, learning_rate=0.5, keep="last", batch_size=512
    )
    done = training.train(labelled, split, settings, progress=False)
    final = done.history.query("samples == 'validation' and quantity == 'mse' and epoch == 2")
    predicted = neural.predict_patches(done.model, labelled.patches)
    assert np.mean((predicted - labelled.targets) ** 2) == pytest.approx(
        final["value"].item(), rel=1e-4
    )


def test_diverging_training_says_so(labelled):
    split = samples.split_blocks(labelled.voxels)
    settings = training.Settings(max_epochs=3, samples_per_epoch=2048, learning_rate=1e30)
    with pytest.raises(RuntimeError, match="diverged"):
        training.train(labelled, split, settings, progress=False)


@pytest.mark.parametrize("activation", network.ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_volume_equals_keras_predict(activation, dtype):
    model = neural.build_model(90.0, 40.0, seed=4, activation=activation)
    gray = blurred_phases((11, 13, 9), seed=3)[0].astype(dtype)
    voxels = np.stack(np.unravel_index(np.arange(gray.size), gray.shape), axis=1)
    patches = neural.extract_patches(gray, voxels)
    keras_says = model.predict(patches, batch_size=4096, verbose=0)
    ours = neural.predict_composition(model, gray)
    np.testing.assert_allclose(ours.reshape(3, -1).T, keras_says, atol=1e-5)
    np.testing.assert_allclose(neural.predict_patches(model, patches), keras_says, atol=1e-5)
    np.testing.assert_allclose(ours.sum(axis=0), 1, atol=1e-6)


@pytest.mark.parametrize("shape", [(5, 5, 5), (9, 6, 16), (17, 5, 17), (8, 7, 47), (7, 5, 64)])
def test_rows_of_any_length_and_slabs_of_any_thickness(shape):
    """Panels of sixteen voxels and slabs of eight slices leave no voxel out."""
    model = neural.build_model(90.0, 40.0, seed=4)
    gray = np.random.default_rng(6).integers(0, 256, shape, dtype=np.uint8)
    voxels = np.stack(np.unravel_index(np.arange(gray.size), shape), axis=1)
    expected = neural.predict_patches(model, neural.extract_patches(gray, voxels))
    ours = neural.predict_composition(model, gray)
    np.testing.assert_allclose(ours.reshape(3, -1).T, expected, atol=2e-6)


def test_slices_of_any_memory_layout():
    model = neural.build_model(90.0, 40.0, seed=4)
    gray = np.random.default_rng(6).integers(0, 256, (9, 10, 20), dtype=np.uint8)
    ours = neural.predict_composition(model, np.asfortranarray(gray))
    np.testing.assert_array_equal(ours, neural.predict_composition(model, gray))


def test_quick_tanh_is_tanh_in_single_precision():
    values = np.concatenate([np.linspace(-20, 20, 200_001), np.geomspace(1e-20, 1, 1000)])
    found = values.astype(np.float32)
    squash(found)
    np.testing.assert_allclose(found, np.tanh(values), rtol=1e-6, atol=5e-7)
    assert np.abs(found).max() <= 1 + 1e-6


def test_attenuation_with_a_large_offset_keeps_its_digits():
    gray = blurred_phases((9, 9, 9), seed=3)[0]
    plain = neural.predict_composition(neural.build_model(90.0, 40.0, seed=4), gray)
    moved = neural.build_model(1e6 + 0.5 * 90.0, 0.5 * 40.0, seed=4)
    shifted = neural.predict_composition(moved, 1e6 + 0.5 * gray)
    np.testing.assert_allclose(shifted, plain, atol=1e-5)


def test_threads_do_not_change_the_result(trained):
    gray = blurred_phases((21, 10, 11), seed=7)[0]
    one = neural.predict_composition(trained.model, gray, threads=1)
    two = neural.predict_composition(trained.model, gray, threads=2)
    np.testing.assert_array_equal(one, two)


def test_gray_scale_undoes_a_linear_change_of_the_gray_values(trained):
    gray = blurred_phases((10, 10, 11), seed=7)[0]
    straight = neural.predict_composition(trained.model, gray)
    scaled = neural.predict_composition(
        trained.model, 3.0 * gray - 40.0, scale=neural.GrayScale(gain=1 / 3, offset=40 / 3)
    )
    np.testing.assert_allclose(scaled, straight, atol=1e-4)


@pytest.mark.parametrize("how", ["moments", "modes"])
def test_alignment_finds_the_linear_change_of_the_gray_values(how):
    reference = blurred_phases((30, 30, 30), seed=7)[0]
    scale = neural.align_gray(2.5 * reference + 11.0, reference, how)
    assert scale.gain == pytest.approx(1 / 2.5, rel=0.02)
    assert scale.offset == pytest.approx(-11.0 / 2.5, abs=2)


def test_model_file_gives_the_same_predictions(trained, tmp_path):
    gray = blurred_phases((8, 9, 10), seed=7)[0]
    neural.save_model(trained.model, tmp_path / "deep" / "mlp.keras")
    loaded = neural.load_model(tmp_path / "deep" / "mlp.keras")
    np.testing.assert_array_equal(
        neural.predict_composition(loaded, gray), neural.predict_composition(trained.model, gray)
    )
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["mlp.keras"]


def test_missing_model_file_says_how_to_make_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="Train one"):
        neural.load_model(tmp_path / "none.keras")


def test_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "model.keras").write_text("not a zip archive")
    with pytest.raises(ValueError, match=r"not a model in the \.keras format"):
        neural.load_model(tmp_path / "model.keras")


def test_model_of_another_version_is_refused(tmp_path):
    keras = network.keras_module()
    other = keras.Sequential([keras.Input((125,)), keras.layers.Dense(3)], name="older_mlp")
    other.save(tmp_path / "older.keras")
    with pytest.raises(ValueError, match="'older_mlp'.*expected 'composition_mlp_1'"):
        neural.load_model(tmp_path / "older.keras")


def test_model_of_another_architecture_is_refused(tmp_path):
    keras = network.keras_module()
    other = keras.Sequential([keras.Input((125,)), keras.layers.Dense(3)], name=network.MODEL_NAME)
    other.save(tmp_path / "small.keras")
    with pytest.raises(ValueError, match="125 - 3.*expected 125 - 75 - 75 - 75 - 75 - 75 - 3"):
        neural.load_model(tmp_path / "small.keras")


def test_volume_smaller_than_a_patch_is_refused(trained):
    with pytest.raises(ValueError, match="at least 5 voxels"):
        neural.predict_composition(trained.model, np.random.default_rng(0).normal(size=(4, 9, 9)))


def test_constant_training_gray_values_are_refused():
    with pytest.raises(ValueError, match="positive spread"):
        neural.build_model(3.0, 0.0, seed=0)


def test_r2_of_the_mean_is_zero_and_of_the_truth_one():
    truth = np.random.default_rng(0).dirichlet([1, 1, 1], size=50)
    mean = np.broadcast_to(truth.mean(axis=0), truth.shape)
    assert training.r2_scores(truth, mean)[Phase.AM] == pytest.approx(0)
    assert training.r2_scores(truth, truth)[Phase.PORE] == 1
