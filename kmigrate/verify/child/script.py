"""Run one script in this (forked) process and write what it did."""

from __future__ import annotations

import builtins
import os
import random
import sys
import tempfile
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kmigrate.verify import log
from kmigrate.verify.child import (
    datasets,
    emulate,
    files,
    guard,
    leaving,
    old_numpy,
    pictures,
    stack,
    surroundings,
    tests,
    unused,
)
from kmigrate.verify.child.data import Data, function
from kmigrate.verify.child.methods import Methods
from kmigrate.verify.child.record import Enough, Recorder
from kmigrate.verify.child.speed import measure


def environment(job: dict[str, Any]) -> None:
    """Private home and temporary folder; the working copy is the current folder."""
    home = Path(job["home"])
    os.environ.update(HOME=str(home), KERAS_HOME=str(home / ".keras"), TMPDIR=job["tmp"])
    tempfile.tempdir = job["tmp"]
    os.chdir(os.path.join(job["work"], job["folder"]))
    sys.argv = [os.path.relpath(job["entry"], job["folder"]), *job["argv"]]
    work = os.path.realpath(job["work"])
    sys.path[:] = [p for p in sys.path if os.path.realpath(p or ".") != os.path.realpath(job["harness"])]
    folders = [os.path.normpath(os.path.join(work, folder)) for folder in job["search_path"]]
    sys.path[:] = [folders[0], *sys.path, *folders[1:]]


def make_up(
    libraries: stack.Stack, data: Data, saved: Callable[[str, list[np.ndarray]], None], work: str, old: bool
) -> None:
    """Let the script in ``work`` find what this machine does not have: data, pictures, libraries, old names of Keras.

    ``old``: numpy takes floats as indices, too.
    """
    backend = libraries.keras.config if libraries.name == stack.KERAS3 else libraries.keras.backend
    datasets.install(libraries.keras.datasets, data, backend.image_data_format)
    files.install(data, saved)
    leaving.install(saved)
    pictures.install(libraries, data)
    surroundings.install(data)
    old_numpy.names()
    if old:
        old_numpy.float_slices(os.path.realpath(work))
    builtins.kmigrate_not_ported = _not_ported  # type: ignore[attr-defined]
    stack.install_aliases(libraries)


def run(job: dict[str, Any], libraries: stack.Stack) -> None:
    """Everything that a child process does; afterwards there is a log for each of job['seeds'] (see `log.numbered`).

    The script is run once for each seed, up to the first that fails.
    """
    guard.limit(job["cpu"])
    environment(job)
    stack.set_float(libraries, job["floatx"], job["ordering"])
    libraries.tf.config.run_functions_eagerly(job["mode"] == "eager")
    if not job["timed"] or emulate.needed(libraries.tf):
        emulate.install(libraries.tf)
        if job["timed"]:
            libraries.notes.append("TensorFlow has no channels-first kernels here: they are timed with transposes")
    if libraries.name == stack.KERAS3:
        emulate.fix_keras3_bias(libraries.tf, libraries.bias)
    recorder = Recorder(libraries, job, Path(os.path.realpath(job["work"])))
    methods = Methods(recorder)
    methods.install()
    backend = libraries.keras.config if libraries.name == stack.KERAS3 else libraries.keras.backend
    own = function(*job["own_data"]) if job["own_data"] else None
    data = Data(job["seeds"][0], job["data"], tuple(job["guess"]), job["real_sizes"], own)
    make_up(libraries, data, recorder.saved, job["work"], job["old"])
    device = "GPU" if libraries.tf.config.list_physical_devices("GPU") else "CPU"
    blocked: list[str] = []
    references = [Path(job["reference"])] * len(job["seeds"]) if job["reference"] else []
    guard.install(Path(job["sandbox"]), blocked)
    as_found = _Interpreter(Path(os.path.realpath(job["work"])), backend)
    for number, seed in enumerate(job["seeds"]):
        if number:
            as_found.restore()
            libraries.forget()
        recorder.begin(seed, log.load(log.numbered(references[number], number)) if references else None)
        data.seed = seed
        random.seed(seed)
        np.random.seed(seed)
        libraries.tf.random.set_seed(seed)
        lines: dict[str, set[int]] = {} if number else {name: set() for name in job["watched"]}
        if lines:
            sys.settrace(_tracer(os.path.realpath(job["work"]), lines))
        error = _run_script(job, recorder)
        if _reached and error is None:
            error = {"type": NotPorted.__name__, "message": _reached[0], "traceback": "", "where": ""}
        sys.settrace(None)
        speed = measure(recorder, methods, job["timed"]) if job["timed"] and error is None else []
        result = recorder.finish()
        result.update(
            error=error,
            blocked=blocked,
            data=data.used,
            device=device,
            versions=libraries.versions(),
            bias=libraries.bias,
            shapes=_shapes(recorder),
            speed=speed,
            lines={name: sorted(ran) for name, ran in lines.items()},
        )
        result["notes"] = list(dict.fromkeys([*result["notes"], *data.notes, *libraries.notes]))
        log.dump(result, log.numbered(Path(job["log"]), number))
        if error is not None:
            return


class _Interpreter:
    """What a script may leave behind in its process that the next run of it must not find."""

    def __init__(self, work: Path, backend: Any) -> None:
        self.work, self.backend = str(work) + os.sep, backend
        self.folder, self.arguments, self.path = os.getcwd(), list(sys.argv), list(sys.path)
        self.ordering = backend.image_data_format()

    def restore(self) -> None:
        """Back to how it was before the first run."""
        os.chdir(self.folder)
        sys.argv[:], sys.path[:] = self.arguments, self.path
        self.backend.set_image_data_format(self.ordering)
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(self.work):
                del sys.modules[name]  # the program's own modules are run again


def _run(path: str, old: bool) -> dict[str, Any]:
    """Run a file as ``__main__``; gives its names."""
    with open(path, "rb") as file:
        source = file.read()
    code = old_numpy.compiled(source, path) if old else compile(source, path, "exec", dont_inherit=True)
    module = types.ModuleType("__main__")
    module.__file__ = path
    module.__dict__["__builtins__"] = builtins
    outer, sys.modules["__main__"] = sys.modules["__main__"], module
    try:
        exec(code, module.__dict__)
    finally:
        sys.modules["__main__"] = outer
    return module.__dict__


def _run_script(job: dict[str, Any], recorder: Recorder) -> dict[str, Any] | None:
    """None, or the exception that ended the script."""
    path = os.path.join(os.path.realpath(job["work"]), job["entry"])
    try:
        names = _run(path, job["old"])
        if not recorder.events and tests.run(names):
            recorder.note("its tests were called one after another")
        if not recorder.events:
            unused.feed(recorder, names)
    except Enough as end:
        recorder.note(str(end))
    except SystemExit as end:
        if end.code not in (None, 0):
            recorder.note(f"the script ended itself with sys.exit({end.code!r})")
            if not recorder.events:
                return {
                    "type": "SystemExit",
                    "message": f"sys.exit({end.code!r})",
                    "traceback": "",
                    "where": "",
                }
    except BaseException as error:
        return failure(error, job)
    return None


def failure(error: BaseException, job: dict[str, Any]) -> dict[str, Any]:
    """An exception of the script as plain data, with its place in the script."""
    frames = traceback.extract_tb(error.__traceback__)
    work = os.path.realpath(job["work"])
    own = [f for f in frames if f.filename.startswith(work)]
    where = f"{os.path.relpath(own[-1].filename, work)}:{own[-1].lineno}" if own else ""
    shown = own[-1:] + [f for f in frames if f not in own][-3:]
    text = "".join(traceback.format_list(own[:-1] + shown)).replace(work + os.sep, "")
    message = str(error)[:2000].replace(work + os.sep, "")
    return {"type": type(error).__name__, "message": message, "traceback": text, "where": where}


class NotPorted(BaseException):
    """The script runs what the port to Keras 3 left; its own handlers let this through."""


def _not_ported(message: str) -> None:
    text = f"the port to Keras 3 leaves {message}"
    _reached.append(text)
    raise NotPorted(text)


_reached: list[str] = []  # for scripts that catch everything


def _tracer(work: str, lines: dict[str, set[int]]) -> Any:
    """A trace function that collects the lines that run in these files of the working copy."""
    files = {os.path.join(work, name): ran for name, ran in lines.items()}

    def enter(frame: Any, event: str, arg: Any) -> Any:
        del event, arg
        ran = files.get(frame.f_code.co_filename)
        if ran is None:
            return None

        def line(frame: Any, event: str, arg: Any) -> Any:
            del event, arg
            ran.add(frame.f_lineno)
            return line

        ran.add(frame.f_lineno)
        return line

    return enter


def _shapes(recorder: Recorder) -> list[dict[str, Any]]:
    """Input and output shapes of the models that were made: what missing data files may contain."""
    found = []
    for layer in recorder.registry.keep:
        if isinstance(layer, recorder.stack.model_class):
            try:
                loss = getattr(layer, "loss", None)
                found.append(
                    {
                        "inputs": [list(t.shape) for t in layer.inputs],
                        "outputs": [list(t.shape) for t in layer.outputs],
                        "loss": loss if isinstance(loss, str) else "",
                    }
                )
            except (AttributeError, TypeError, ValueError):
                continue
    return found
