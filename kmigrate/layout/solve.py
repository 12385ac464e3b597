"""Minimum s-t cut (Dinic), the exact solution of the layout problem: all its pairwise terms are Potts terms.

Own code because importing a graph library costs more than a whole run may take (docs/facts.md, 20).
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Mapping


def minimum_cut(
    nodes: Iterable[int],
    flip_gain: Mapping[int, float],
    flip_cost: Mapping[int, float],
    edges: Iterable[tuple[int, int, float]],
) -> set[int]:
    """The nodes that flip: the smallest set whose total cost is least.

    A node in ``flip_gain`` costs that much if it stays, one in ``flip_cost`` if it flips, an edge
    if its ends differ.
    """
    source, sink = -1, -2
    residual: dict[int, dict[int, float]] = {source: {}, sink: {}}
    for node in nodes:
        residual[node] = {}

    def connect(a: int, b: int, there: float, back: float) -> None:
        residual[a][b] = residual[a].get(b, 0.0) + there
        residual[b][a] = residual[b].get(a, 0.0) + back

    for node, gain in flip_gain.items():
        connect(source, node, gain, 0.0)
    for node, cost in flip_cost.items():
        connect(node, sink, cost, 0.0)
    for a, b, cost in edges:
        if a != b:
            connect(a, b, cost, cost)

    while True:
        level = _levels(residual, source)
        if sink not in level:
            return {node for node in level if node != source}
        _blocking_flow(residual, level, source, sink)


def _levels(residual: dict[int, dict[int, float]], source: int) -> dict[int, int]:
    level = {source: 0}
    queue = deque([source])
    while queue:
        node = queue.popleft()
        for other, capacity in residual[node].items():
            if capacity > 1e-9 and other not in level:
                level[other] = level[node] + 1
                queue.append(other)
    return level


def _blocking_flow(residual: dict[int, dict[int, float]], level: dict[int, int], source: int, sink: int) -> None:
    untried = {node: list(residual[node]) for node in level}
    path = [source]
    while path:
        node = path[-1]
        if node == sink:
            amount = min(residual[a][b] for a, b in itertools.pairwise(path))
            for a, b in itertools.pairwise(path):
                residual[a][b] -= amount
                residual[b][a] += amount
            path = [source]
            continue
        while untried[node]:
            other = untried[node][-1]
            if residual[node][other] > 1e-9 and level.get(other) == level[node] + 1:
                path.append(other)
                break
            untried[node].pop()
        else:
            path.pop()
            if path:
                untried[path[-1]].pop()
