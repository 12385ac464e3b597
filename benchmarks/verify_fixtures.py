"""Convert and verify the scripts of fixtures/layout in one call: on a GPU, in graph mode, under XLA, with their speed.

    python -m benchmarks.verify_fixtures --device gpu --bench --out certificates
    python -m benchmarks.verify_fixtures --mode eager --mode graph --mode jit mnist_cnn_th unet_k2

Prints a line for each script and mode: the verdict, and with --bench the ratios of speed. ``--out`` keeps the
certificates as JSON. The exit status is 1 if a verdict is not EQUIVALENT (or EXCEPT AT 0), 2 without the device.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

import click
import numpy as np

from kmigrate import pipeline, proof
from kmigrate.options import Options
from kmigrate.verify import Certificate, NoDevice, Server

FOLDER = Path(__file__).parents[1] / "fixtures" / "layout"
# What does not run: the port to Keras 3 does not take `**` in merge(...).
NOT_RUN = {"hardcoded_axis"}
CASES = sorted(path.parent.name for path in FOLDER.glob("*/after.py") if path.parent.name not in NOT_RUN)
_DATA = re.compile(r"'(\w*?((?:_\d+)+)\.npy)'")  # a name that gives a shape: rows_20_3072.npy


def staged(name: str, folder: Path) -> Path:
    """A copy of a case's script, with the data files that it loads."""
    for path in (FOLDER / name).iterdir():
        shutil.copy(path, folder)
    script = folder / "before.py"
    for file, shape in _DATA.findall(script.read_text()):
        sizes = [int(size) for size in shape[1:].split("_")]
        np.save(folder / file, np.random.default_rng(0).integers(0, 256, size=sizes).astype("uint8"))
    return script


def verified(name: str, servers: dict[str, Server], mode: str, device: str, bench: bool) -> Certificate:
    """One case, converted and verified."""
    with tempfile.TemporaryDirectory() as folder:
        script = staged(name, Path(folder))
        (result,) = pipeline.run([str(script)], Options())
        assert result.source is not None
        assert result.new is not None, f"{name} is not converted"
        how = {"mode": mode, "device": device, "bench": bench, "float32": False, "ambient_check": False}
        return proof.prove(result.source, result.new, Options(), result.plan, servers=servers, **how)


@click.command(help=__doc__)
@click.argument("names", nargs=-1)
@click.option("--mode", "modes", multiple=True, type=click.Choice(["eager", "graph", "jit"]), default=["eager"])
@click.option("--device", type=click.Choice(["auto", "cpu", "gpu"]), default="auto")
@click.option("--bench", is_flag=True)
@click.option("--out", type=click.Path(path_type=Path))
def main(names: tuple[str, ...], modes: tuple[str, ...], device: str, bench: bool, out: Path | None) -> None:
    servers = {stack: Server(stack, device) for stack in ("keras3", "tf_keras")}
    if out:
        out.mkdir(parents=True, exist_ok=True)
    failed = 0
    try:
        for name in names or CASES:
            for mode in modes:
                found = verified(name, servers, mode, device, bench)
                failed += found.verdict.exit_status != 0
                ratios = "".join(f", {one.kind} {one.ratio:.2f}x" for one in found.speed)
                click.echo(f"{name} {mode} {found.device} {found.stack}: {found.verdict.value}, {found.reason}{ratios}")
                if out:
                    (out / f"{name}-{mode}.json").write_text(json.dumps(found.to_json(), indent=2))
    except NoDevice as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    finally:
        for server in servers.values():
            server.close()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
