"""Networks of Spyx (JAX), trained several at once: the process that ``studies.py`` starts.

    python spyx_process.py SETTINGS     a JSON text; the answer is one line of JSON

A recurrent layer of leaky integrate-and-fire neurons without delays between two linear layers, a
leaky readout, the surrogate gradients and the loss that Spyx has for them, Adam. All epochs of a
training are one compiled function, as in ``spyx.optimize.compile_fit``, which would be compiled
again for each network; here it is compiled once, and ``jax.vmap`` makes it one for several seeds.

It needs jax, flax, optax, spyx and numpy, not this package, so that it can run elsewhere.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import spyx.nn as snn
from flax import nnx
from spyx.fn import integral_accuracy, integral_crossentropy

Arrays = tuple[jax.Array, jax.Array]


def make_network(rngs: nnx.Rngs, inputs: int, hidden: int, outputs: int) -> nnx.Module:
    """The network; recurrent weights are scaled down, since Spyx begins with those of a standard
    deviation of 1."""
    recurrent = snn.RLIF((hidden,), rngs=rngs)
    recurrent.recurrent_w[...] = recurrent.recurrent_w[...] / hidden**0.5
    return snn.Sequential(
        nnx.Linear(inputs, hidden, use_bias=False, rngs=rngs),
        recurrent,
        nnx.Linear(hidden, outputs, use_bias=False, rngs=rngs),
        snn.LI((outputs,), rngs=rngs),
    )


def make_training(task: dict[str, Any]) -> Callable[[jax.Array, Arrays, Arrays], jax.Array]:
    """A function of a seed, training and validation data (trials, bins, channels) which trains a
    network, and returns its validation accuracy after each epoch."""
    batch, loss, accuracy = task["batch"], integral_crossentropy(), integral_accuracy()
    optimiser = optax.adam(task["lr"])

    def train(seed: jax.Array, data: Arrays, held_out: Arrays) -> jax.Array:
        key = jax.random.PRNGKey(seed)
        rngs = nnx.Rngs(params=key)
        network = make_network(rngs, data[0].shape[2], task["hidden"], task["classes"])
        graph, parameters, rest = nnx.split(network, nnx.Param, ...)

        def run(parameters: Any, x: jax.Array) -> jax.Array:
            model = nnx.merge(graph, parameters, rest)
            return snn.run(model, x.astype(jnp.float32), batch_major=True)[0]

        def step(carry: Any, chosen: jax.Array) -> Any:
            parameters, state = carry
            x, y = data[0][chosen], data[1][chosen]
            gradient = jax.grad(lambda p: loss(run(p, x), y))(parameters)
            changes, state = optimiser.update(gradient, state, parameters)
            return (optax.apply_updates(parameters, changes), state), None

        def epoch(carry: Any, key: jax.Array) -> Any:
            order = jax.random.permutation(key, len(data[1]))
            order = order[: len(order) // batch * batch].reshape(-1, batch)
            carry, _ = jax.lax.scan(step, carry, order)
            return carry, accuracy(run(carry[0], held_out[0]), held_out[1])[0]

        start = (parameters, optimiser.init(parameters))
        return jax.lax.scan(epoch, start, jax.random.split(key, task["epochs"]))[1]

    return train


def measure(task: dict[str, Any]) -> dict[str, Any]:
    """Seconds to compile, and of each of several rounds of so many networks at once."""
    with np.load(task["data"]) as file:
        arrays = {name: jnp.asarray(file[name]) for name in file.files}
    data, held_out = (arrays["x"], arrays["y"]), (arrays["held_out_x"], arrays["held_out_y"])
    train, at_once = make_training(task), task["at_once"]
    many = jax.vmap(train, (0, None, None)) if at_once > 1 else train
    shape = (at_once,) if at_once > 1 else ()
    start = time.perf_counter()
    seeds = jnp.zeros(shape, jnp.int32)
    compiled = jax.jit(many).lower(seeds, data, held_out).compile()
    compile_seconds, seconds = time.perf_counter() - start, []
    for i in range(task["rounds"]):
        seeds = (i * at_once + np.arange(at_once)).reshape(shape or ()).astype(np.int32)
        start = time.perf_counter()
        accuracies = np.asarray(compiled(jnp.asarray(seeds), data, held_out))
        seconds.append(time.perf_counter() - start)
    return {
        "compile": compile_seconds,
        "seconds": seconds,
        "accuracy": float(np.mean(accuracies[..., -1])),
        "versions": {name: version(name) for name in ("jax", "spyx")},
    }


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
