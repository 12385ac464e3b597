"""The algebra of layouts: axes with identities, and what moving the channel to the end does to them.

A layout is an ordered tuple of axes. What an axis stands for (its role) is unified as the program
runs; the unknown that the solver decides is only whether the channel axis moves to the end.
An axis may be made of parts (a flattened axis holds channel, height and width in that order).
"""

from __future__ import annotations

from collections.abc import Sequence

from kmigrate.layout.dims import Dim, product

BATCH, CHANNEL = "N", "C"
SPATIAL = ("D", "H", "W")


class Contradiction(Exception):
    """One axis would be the channel and something else at once."""


class Role:
    """What an axis stands for; a union-find element, so that evidence flows both ways."""

    __slots__ = ("label", "parent")

    def __init__(self, label: str | None = None) -> None:
        self.parent: Role | None = None
        self.label = label

    def find(self) -> Role:
        role = self
        while role.parent is not None:
            if role.parent.parent is not None:
                role.parent = role.parent.parent
            role = role.parent
        return role


def unify_roles(a: Role, b: Role) -> None:
    """Raises Contradiction where one is the channel and the other is known not to be."""
    a, b = a.find(), b.find()
    if a is b:
        return
    la, lb = a.label, b.label
    if la and lb and (la == CHANNEL) != (lb == CHANNEL):
        raise Contradiction(f"{la} and {lb}")
    b.parent = a
    a.label = la if la == lb else ("S" if la and lb else la or lb)


class Axis:
    """One axis of one array. Sizes are its own; the role is shared with what it was unified with."""

    __slots__ = ("parts", "role", "size")

    def __init__(
        self, role: Role | str | None = None, size: Dim | None = None, parts: tuple[Axis, ...] | None = None
    ) -> None:
        self.role = role if isinstance(role, Role) else Role(role)
        self.size = size
        self.parts = parts

    @property
    def label(self) -> str | None:
        return self.role.find().label

    def resized(self, size: Dim | None) -> Axis:
        """The same axis of another array (a slice, a broadcast): the same role, another size."""
        return Axis(self.role, size, self.parts if size == self.size else None)

    def __repr__(self) -> str:
        if self.parts:
            return "(" + "".join(map(repr, self.parts)) + ")"
        return self.label or "?"


Axes = Sequence[Axis]


def channel_at(axes: Axes) -> int | None:
    """The position of the channel axis, where it is an axis of its own."""
    for i, axis in enumerate(axes):
        if axis.parts is None and axis.label == CHANNEL:
            return i
    return None


def channel_inside(axes: Axes) -> int | None:
    """The position of the axis that holds the channel among its parts."""
    for i, axis in enumerate(axes):
        if axis.parts and (channel_at(axis.parts) is not None or channel_inside(axis.parts) is not None):
            return i
    return None


def order_to_last(axes: Axes) -> list[int]:
    """``order[i]`` is the present position of what stands at ``i`` once the channel is last."""
    at = channel_at(axes)
    positions = list(range(len(axes)))
    if at is not None:
        positions.append(positions.pop(at))
    return positions


def moves(axes: Axes | None) -> bool:
    """Does channels-last differ from what is there now? False too where no channel is known."""
    if axes is None:
        return False
    at = channel_at(axes)
    if at is not None:
        return at != len(axes) - 1
    inside = channel_inside(axes)
    return inside is not None and moves(axes[inside].parts)


def last(axes: Axes) -> list[Axis]:
    """The axes in channels-last order; within a flattened axis its parts move."""
    result = [axes[i] for i in order_to_last(axes)]
    inside = channel_inside(result)
    if channel_at(axes) is None and inside is not None:
        axis = result[inside]
        assert axis.parts is not None
        result[inside] = Axis(axis.role, axis.size, tuple(last(axis.parts)))
    return result


def leaves(axes: Axes) -> list[Axis]:
    """All axes that are not made of parts, in memory order."""
    result: list[Axis] = []
    for axis in axes:
        result.extend(leaves(axis.parts) if axis.parts else [axis])
    return result


def memory_order(axes: Axes, flipped: bool) -> list[Axis]:
    """The leaves in memory order, without those of size 1: two arrays with equal lists hold the
    same numbers in the same order."""
    return [a for a in leaves(last(axes) if flipped else axes) if a.size is None or a.size.value != 1]


def inverse(order: Sequence[int]) -> list[int]:
    result = [0] * len(order)
    for new, old in enumerate(order):
        result[old] = new
    return result


def size_of(axes: Axes) -> Dim | None:
    return product([a.size for a in axes])


def letters(axes: Axes | None) -> str:
    """For messages: ``N C H W``."""
    return "?" if axes is None else " ".join(map(repr, axes))
