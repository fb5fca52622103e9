"""Requests of several callbacks, merged for the engine."""

from __future__ import annotations

import numpy as np

from mlgenn_delays.compilers.build import build_program
from mlgenn_delays.compilers.settings import BuildSettings
from mlgenn_delays.program.exchange import Recording, RecordRequest
from mlgenn_delays.training.recording import (
    join_recordings,
    merge_requests,
    split_request,
)


def request(mask, spikes=(), variables=()):
    return RecordRequest(np.array(mask, dtype=bool), frozenset(spikes), frozenset(variables))


def test_merged_request_covers_all():
    merged = merge_requests(
        [
            request([1, 0, 0, 0], spikes=[0]),
            None,
            request([0, 0, 1, 0], spikes=[1], variables=[(1, "V")]),
        ],
        4,
    )
    assert merged.examples.tolist() == [True, False, True, False]
    assert merged.spikes == {0, 1} and merged.variables == {(1, "V")}


def test_smaller_last_batch():
    merged = merge_requests([request([1, 0, 1, 1]), request([0, 1, 0, 0])], 2)
    assert merged.examples.tolist() == [True, True]


def test_nothing_to_record():
    assert merge_requests([], 3) is None
    assert merge_requests([None, request([0, 0, 0, 1], spikes=[0])], 3) is None


def test_adjoints_belong_to_the_backward_pass(recurrent):
    program = build_program(recurrent.network, BuildSettings(10, "t")).program
    variables = [(1, "V"), (1, "LambdaV"), (2, "LambdaI")]
    forward, backward = split_request(program, request([1, 1], spikes=[0], variables=variables))
    assert forward.variables == {(1, "V")} and forward.spikes == {0}
    assert backward.variables == {(1, "LambdaV"), (2, "LambdaI")} and not backward.spikes
    assert split_request(program, request([1], spikes=[0]))[1] is None
    assert split_request(program, None) == (None, None)


def test_joined_recordings():
    v, adjoint, spikes = np.zeros((1, 2, 3)), np.ones((1, 2, 3)), [(np.zeros(1), np.zeros(1, int))]
    forward, backward = Recording({0: spikes}, {(1, "V"): v}), Recording({}, {(1, "L"): adjoint})
    joined = join_recordings(forward, backward)
    assert joined.spikes[0] is spikes
    assert joined.variables[1, "V"] is v and joined.variables[1, "L"] is adjoint
