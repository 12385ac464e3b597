"""Data files that are missing are made up; arrays that leave the program through a file are recorded."""

from __future__ import annotations

import builtins
import fnmatch
import glob
import importlib.util
import io
import os
import pickle
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from kmigrate.verify.child import arrays
from kmigrate.verify.child.data import Data

_PICKLES = (".pkl", ".pickle", ".p", ".pk")
_COUNT = 7  # files in a folder that is made up
_MADE_UP = "{folder}_{number:02}.png"


def missing(file: Any) -> str | None:
    """The path of a missing file as it is written in the script, or None."""
    if not isinstance(file, str | os.PathLike):
        return None
    name = os.fspath(file)
    if not isinstance(name, str) or _exists(name):
        return None
    return os.path.normpath(name)


_exists = os.path.exists  # what is made up exists for the script, not here


class Archive(dict[str, Any]):
    """A file of several arrays, each made up when it is asked for."""

    def __init__(self, data: Data, name: str) -> None:
        super().__init__()
        self.data, self.name = data, name

    def __missing__(self, key: str) -> Any:
        self[key] = value = self.data.array(f"{self.name}/{key}")
        return value

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str)

    def get(self, key: Any, default: Any = None) -> Any:
        return self[key]

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *args: Any) -> None:
        del args


class _Named(io.BytesIO):
    """A missing file that was opened: only `pickle.load` makes sense of it."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path


def install(data: Data, saved: Callable[[str, list[np.ndarray]], None]) -> None:
    """Patch what reads and writes arrays."""
    _numpy(data, saved)
    _pickles(data, saved)
    _folders(data)
    _matlab(data, saved)
    h5py = sys.modules.get("h5py")
    if h5py is not None:
        _hdf5(h5py, data, saved)


def _numpy(data: Data, saved: Callable[[str, list[np.ndarray]], None]) -> None:
    load, save, loadtxt, genfromtxt = np.load, np.save, np.loadtxt, np.genfromtxt

    def fake_load(file: Any, *args: Any, **kwargs: Any) -> Any:
        name = missing(file)
        if name is None:
            return load(file, *args, **kwargs)
        if name.endswith(".npz"):
            return Archive(data, name)
        return data.array(name)

    def one(original: Callable[..., Any]) -> Callable[..., None]:
        def write(file: Any, arr: Any, *args: Any, **kwargs: Any) -> None:
            saved(_name(file), [np.asarray(arr)])
            original(file, arr, *args, **kwargs)

        return write

    def several(original: Callable[..., Any]) -> Callable[..., None]:
        def write(file: Any, *args: Any, **kwds: Any) -> None:
            values = [*args, *(kwds[key] for key in sorted(kwds))]
            saved(_name(file), [np.asarray(value) for value in values])
            original(file, *args, **kwds)

        return write

    def text(original: Callable[..., Any]) -> Callable[..., Any]:
        def read(file: Any, *args: Any, **kwargs: Any) -> Any:
            name = missing(file)
            return original(file, *args, **kwargs) if name is None else data.array(name)

        return read

    np.load, np.save, np.savetxt = fake_load, one(save), one(np.savetxt)
    np.savez, np.savez_compressed = several(np.savez), several(np.savez_compressed)
    np.loadtxt, np.genfromtxt = text(loadtxt), text(genfromtxt)


def _name(file: Any) -> str:
    """The name of a file that is written, of an open one, too."""
    path = getattr(file, "name", file)
    return os.path.basename(os.fspath(path)) if isinstance(path, str | os.PathLike) else "a file"


def _arrays(tree: Any) -> list[np.ndarray]:
    """The arrays of numbers in nested values."""
    found = [leaf for leaf in arrays.flatten(tree) if isinstance(leaf, np.ndarray)]
    return [leaf for leaf in found if leaf.dtype.kind in "biufc"]


def _pickles(data: Data, saved: Callable[[str, list[np.ndarray]], None]) -> None:
    """`pickle.load(open('missing.pkl', 'rb'))`, and arrays that are pickled."""
    original, load, dump = builtins.open, pickle.load, pickle.dump

    def fake_open(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        name = missing(file) if "r" in mode and "b" in mode else None
        if name is not None and name.endswith(_PICKLES):
            return _Named(name)
        return original(file, mode, *args, **kwargs)

    def fake_load(file: Any, *args: Any, **kwargs: Any) -> Any:
        return data.array(file.path) if isinstance(file, _Named) else load(file, *args, **kwargs)

    def fake_dump(obj: Any, file: Any, *args: Any, **kwargs: Any) -> None:
        saved(_name(file), _arrays(obj))
        dump(obj, file, *args, **kwargs)

    builtins.open, pickle.load, pickle.dump = fake_open, fake_load, fake_dump


def _folders(data: Data) -> None:
    """Folders of pictures: a missing one has a few, and they exist."""
    listdir, find, isfile = os.listdir, glob.glob, os.path.isfile
    made: set[str] = set()

    def names(folder: str) -> list[str]:
        stem = os.path.basename(os.path.normpath(folder)) or "picture"
        found = [_MADE_UP.format(folder=stem, number=number) for number in range(_COUNT)]
        made.update(os.path.normpath(os.path.join(folder, name)) for name in found)
        data.note(f"made up what is in the folder {folder}")
        return found

    def fake_listdir(path: Any = ".") -> list[str]:
        name = missing(path)
        return listdir(path) if name is None else names(os.fspath(path))

    def fake_glob(pathname: Any, *args: Any, **kwargs: Any) -> list[str]:
        found = find(pathname, *args, **kwargs)
        folder, pattern = os.path.split(os.fspath(pathname))
        if found or glob.has_magic(folder) or not glob.has_magic(pattern) or "." not in pattern:
            return found
        stem = os.path.basename(folder) or "picture"
        new = [pattern.replace("*", f"{stem}_{number:02}").replace("?", "0") for number in range(_COUNT)]
        new = [os.path.join(folder, name) for name in new if fnmatch.fnmatch(name, pattern)]
        made.update(os.path.normpath(name) for name in new)
        data.note(f"made up what {pathname} finds")
        return new

    def known(original: Callable[[Any], bool]) -> Callable[[Any], bool]:
        def exists(path: Any) -> bool:
            if original(path):
                return True
            return isinstance(path, str | os.PathLike) and os.path.normpath(os.fspath(path)) in made

        return exists

    for module, name, new in (
        (os, "listdir", fake_listdir),
        (glob, "glob", fake_glob),
        (os.path, "exists", known(_exists)),
        (os.path, "isfile", known(isfile)),
    ):
        setattr(module, name, new)


def _matlab(data: Data, saved: Callable[[str, list[np.ndarray]], None]) -> None:
    if importlib.util.find_spec("scipy") is None:
        return
    matlab = importlib.import_module("scipy.io")
    original, save = matlab.loadmat, matlab.savemat

    def fake_savemat(file: Any, mdict: Any, *args: Any, **kwargs: Any) -> None:
        saved(_name(file), _arrays(dict(mdict)))
        save(file, mdict, *args, **kwargs)

    def fake_loadmat(file: Any, *args: Any, **kwargs: Any) -> Any:
        name = missing(file)
        return original(file, *args, **kwargs) if name is None else Archive(data, name)

    matlab.loadmat, matlab.savemat = fake_loadmat, fake_savemat  # type: ignore[attr-defined]


def _hdf5(h5py: Any, data: Data, saved: Callable[[str, list[np.ndarray]], None]) -> None:
    """A missing file that is read; what is written is a file of the working copy, or it is refused."""
    original = h5py.File
    work = os.path.realpath(os.getcwd())

    class File(original):  # type: ignore[misc, valid-type]
        def __new__(cls, name: Any = None, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            absent = missing(name) if mode == "r" else None
            if absent is not None:
                return Archive(data, absent)
            path = os.path.realpath(os.fspath(name)) if isinstance(name, str | os.PathLike) else ""
            if mode != "r" and path and not path.startswith(os.path.dirname(work) + os.sep):
                raise PermissionError(f"not allowed in a verification run: write to {name}")
            return super().__new__(cls)

    create, assign = h5py.Group.create_dataset, h5py.Dataset.__setitem__

    def create_dataset(
        group: Any, name: Any, shape: Any = None, dtype: Any = None, data: Any = None, **kwds: Any
    ) -> Any:
        if data is not None:
            saved(_name(group.file.filename), _arrays([np.asarray(data)]))
        return create(group, name, shape, dtype, data, **kwds)

    def set_part(dataset: Any, part: Any, value: Any) -> None:
        saved(_name(dataset.file.filename), _arrays([np.asarray(value)]))
        assign(dataset, part, value)

    h5py.File = File
    h5py.Group.create_dataset, h5py.Dataset.__setitem__ = create_dataset, set_part
