"""What does a longer or deeper program cost? Processor time for generated programs of growing size.

    python benchmarks/growth.py [SIZE ...]

Prints for each kind of growth (`tests/generated/large.py`) a column for each size: seconds, and whether the
program was converted (+), left alone (-) or refused for its size (!). Twice the size should cost about twice as much.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kmigrate import pipeline
from kmigrate.discovery import Candidate
from kmigrate.options import Options
from tests.generated import large

SIZES = (250, 500, 1000, 2000)


def cost(text: str) -> str:
    start = time.process_time()
    (result,) = pipeline.convert([Candidate("/nowhere/a.py", text.encode())], Options())
    seconds = time.process_time() - start
    limit = result.error is not None or any(d.code == "KM908" for d in result.plan.diagnostics)
    return f"{seconds:8.2f} {'+' if result.new is not None else '!' if limit else '-'}"


def main() -> None:
    warnings.simplefilter("ignore")
    sizes = [int(size) for size in sys.argv[1:]] or SIZES
    print(f"{'':16}" + "".join(f"{size:10}" for size in sizes))
    cost(large.layers(10))  # imports
    for kind in [*large.SHALLOW, *large.DEEP]:
        print(f"{kind.__name__:16}" + "".join(cost(kind(size)) for size in sizes), flush=True)


if __name__ == "__main__":
    main()
