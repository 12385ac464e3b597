"""What do the relu rules gain? Time and memory of each form, before and after, on today's TensorFlow.

    python benchmarks/relu.py [--mib 64] [--rounds 11] [--modes eager,graph,xla]

The forms are converted by kmigrate itself. Each pair runs interleaved, in random order, forward and with the gradient,
on one float32 array. Prints medians in ms, the ratio before to after with its quartiles, and the peak memory beyond the
array. `benchmarks/relu_old.py` does the same in an old Keras. Needs `.[verify]`.
"""

from __future__ import annotations

import argparse
import ast
import ctypes
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kmigrate import relu, rewriting
from kmigrate.keras_api.versions import LATEST, VersionRange
from kmigrate.options import Options
from kmigrate.syntax import Lines
from tests.resolving import dotted

HEADER = "import tensorflow as tf\nfrom tf_keras import backend as K\n"
FORMS = (
    "tf.nn.relu(x) - 0. * tf.nn.relu(-x)",
    "tf.nn.relu(x) - .1 * tf.nn.relu(-x)",
    "tf.maximum(.1 * x, x)",
    "tf.where(x > 0, x, .1 * x)",
    ".5 * (1 + .1) * x + .5 * (1 - .1) * tf.abs(x)",
    "tf.maximum(x, 0.)",
    ".5 * (x + tf.abs(x))",
    "tf.where(x > 0, x, tf.zeros_like(x))",
    "tf.clip_by_value(tf.nn.relu(x), 0., 4.)",
    "tf.clip_by_value(tf.nn.relu(x), 0., 6.)",
    "tf.minimum(tf.nn.relu(x), 6.)",
    "tf.clip_by_value(tf.nn.relu(x), 0., 4.) - .1 * tf.nn.relu(-x)",
    "K.relu(x, alpha=.1, max_value=4.)",
)


def converted(form: str) -> str:
    text = f"{HEADER}y = {form}\n"
    tree = ast.parse(text)
    options, version = Options(unsafe_fixes=True), VersionRange((2, 4, 0), LATEST)
    edits, _ = relu.find(tree, dotted(tree), Lines(text).span, "a.py", options, version)
    return rewriting.apply(text, edits).splitlines()[-1].removeprefix("y = ")


def steps(code: str, mode: str, names: dict[str, Any]) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """The forward step and the step with the gradient."""
    tf = names["tf"]
    forward = eval(f"lambda x: {code}", names)

    def both(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = forward(x)
        return tape.gradient(y, x)

    if mode == "eager":
        return forward, both
    return tuple(tf.function(f, jit_compile=mode == "xla") for f in (forward, both))  # type: ignore[return-value]


def timed(step: Callable[[Any], Any], x: Any) -> float:
    start = time.perf_counter()
    step(x).numpy()
    return time.perf_counter() - start


def peak(step: Callable[[Any], Any], x: Any) -> float:
    """MiB beyond what is held before; not known (nan) where the system does not tell."""
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # give back what earlier steps have left
        Path("/proc/self/clear_refs").write_text("5")
        before = _status("VmRSS")
        step(x)
        return (_status("VmHWM") - before) / 1024
    except OSError:
        return float("nan")


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=64, help="size of the array")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--modes", default="eager,graph,xla")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    names: dict[str, Any] = {}
    exec(HEADER, names)
    tf = names["tf"]
    x = tf.random.normal((arguments.mib, 1024, 256), seed=1)
    device = "GPU" if tf.config.list_physical_devices("GPU") else f"CPU, {os.cpu_count()} cores, {platform.machine()}"
    print(f"TensorFlow {tf.__version__}, {device}, {arguments.mib} MiB, {arguments.rounds} rounds")
    print("| form | mode | step | before ms | after ms | ratio [quartiles] | peak MiB |\n|---|---|---|---|---|---|---|")
    for form in FORMS:
        after = converted(form)
        for mode in arguments.modes.split(","):
            pairs = zip(steps(form, mode, names), steps(after, mode, names))
            for what, (old, new) in zip(("forward", "with gradient"), pairs):
                for step in (old, new):
                    step(x)
                memory = [peak(step, x) for step in (old, new)]
                times: dict[bool, list[float]] = {True: [], False: []}
                for _ in range(arguments.rounds):
                    for is_old in random.sample((True, False), 2):
                        times[is_old].append(timed(old if is_old else new, x))
                ratios = [a / b for a, b in zip(times[True], times[False])]
                low, _, high = statistics.quantiles(ratios, n=4)
                before, now = (statistics.median(times[k]) for k in (True, False))
                print(
                    f"| `{form}` -> `{after}` | {mode} | {what} | {before * 1e3:.0f} | {now * 1e3:.0f} "
                    f"| {before / now:.2f} [{low:.2f}-{high:.2f}] | {memory[0]:.0f} -> {memory[1]:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
