"""Intervals by resampling: what is drawn, and that whole groups are."""

import numpy as np
import pytest
from pytest import approx

from evaluation.bootstrap import draws, interval, mean_interval, ratio_interval


def test_every_draw_has_as_many_groups_as_there_are_and_the_same_seed_the_same():
    drawn = draws(7, 50, seed=3)
    assert drawn.shape == (50, 7) and (drawn.sum(1) == 7).all() and (drawn == draws(7, 50, seed=3)).all() and drawn.std() > 0.5


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution():
    values = np.random.default_rng(0).normal(size=400)
    mean, low, high = mean_interval(values, range(400), 4000)
    assert mean == approx(values.mean()) and (high - low) / 2 == approx(1.96 * values.std() / 20, rel=0.05)


def test_samples_of_one_group_hang_together():
    """20 groups of 20 equal values are 20 samples, not 400."""
    own = np.random.default_rng(1).normal(size=20)
    grouped, single = (mean_interval(values, range(len(values)), 2000) for values in (np.repeat(own, 20), own))
    together = mean_interval(np.repeat(own, 20), [n // 20 for n in range(400)], 2000)
    assert together == approx(single) and together[2] - together[1] > 3 * (grouped[2] - grouped[1])


def test_classes_weigh_alike_and_empty_ones_are_left_out():
    """Class 0 has 1 of 2 and class 1 has 3 of 3, class 2 does not occur: (0.5 + 1) / 2."""
    value, low, high = ratio_interval(np.array([[1.0, 1, 0], [0, 2, 0]]), np.array([[1.0, 1, 0], [1, 2, 0]]), 500)
    assert value == 0.75 and (low, high) == (0.5, 1.0)


def test_resamples_without_a_figure_do_not_count():
    low, high = interval(2, lambda weights: weights[0] if weights[0] else np.nan, 500)
    assert (low, high) == (1.0, 2.0)


def test_no_values_no_figure():
    with pytest.raises(ValueError, match="no values"):
        mean_interval(np.zeros(0), [], 10)
    with pytest.raises(ValueError, match="3 values in 2 clusters"):
        mean_interval(np.zeros(3), ["a", "b"], 10)
