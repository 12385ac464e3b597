"""The choices of one run, as the command line gives them."""

from __future__ import annotations

from dataclasses import dataclass

#: Rules that are off until `--select` names them.
OPT_IN = frozenset({"KM206"})


@dataclass(frozen=True)
class Options:
    """Defaults are those of the command line."""

    target: str = "same"  # same | keras3
    numerics: str = "default"  # default | exact: old formulas are brought along to Keras 3
    ordering: str = "auto"  # auto | th | tf
    source_keras: str = "auto"  # auto | "1.2" ...
    source_backend: str = "auto"  # auto | tensorflow | theano
    flatten: str = "auto"  # auto | permute | reorder
    model_inputs: str = "keep"  # keep | flip: what callers that are not seen feed and get
    select: tuple[str, ...] = ()  # code prefixes; empty: all
    ignore: tuple[str, ...] = ()
    unsafe_fixes: bool = False  # also edits that round differently, or move a gradient elsewhere than at 0
    cell_order: str = "auto"  # auto | top-down: how the cells of notebooks are run
    per_file_ignores: tuple[tuple[str, str, tuple[str, ...]], ...] = ()  # folder, pattern, code prefixes

    def ignored_in(self, path: str, code: str) -> bool:
        """Is the rule ``code`` off in this file, by the configuration?"""
        if not self.per_file_ignores:
            return False
        from kmigrate.gitignore import matches

        return any(
            code.startswith(codes) and matches(folder, pattern, path)
            for folder, pattern, codes in self.per_file_ignores
        )

    def wants(self, code: str, path: str = "") -> bool:
        """Is the rule ``code`` on (in a file), by ``select`` and ``ignore``? The longer prefix wins.

        Those of `OPT_IN` must be named in full.
        """
        if (code in OPT_IN and code not in self.select) or (path and self.ignored_in(path, code)):
            return False
        yes = max((len(p) for p in self.select if code.startswith(p)), default=0 if not self.select else -1)
        no = max((len(p) for p in self.ignore if code.startswith(p)), default=-1)
        return yes > no if self.ignore and no >= 0 else yes >= 0
