"""Pictures without the libraries that read them: the few functions of cv2, PIL and others that scripts use on arrays.

They stand in where a library is not installed, and give the same in both runs; that the numbers are those of the
real library is not needed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from kmigrate.verify.child import leaving
from kmigrate.verify.child.data import Data

_GRAY = np.array([0.299, 0.587, 0.114])


def resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """The nearest pixels."""
    rows = np.minimum((np.arange(height) + 0.5) * picture.shape[0] / height, picture.shape[0] - 1).astype(int)
    columns = np.minimum((np.arange(width) + 0.5) * picture.shape[1] / width, picture.shape[1] - 1).astype(int)
    return picture[rows][:, columns]


def gray(picture: np.ndarray) -> np.ndarray:
    """(height, width) of a picture with three channels."""
    if picture.ndim == 2:
        return picture
    return (picture[:, :, :3] @ _GRAY).astype(picture.dtype)


class Picture:
    """A picture as PIL gives it: sizes are (width, height)."""

    def __init__(self, values: Any, name: str = "") -> None:
        self.values = np.asarray(values)
        self.filename = name

    @property
    def size(self) -> tuple[int, int]:
        return int(self.values.shape[1]), int(self.values.shape[0])

    @property
    def width(self) -> int:
        return self.size[0]

    @property
    def height(self) -> int:
        return self.size[1]

    @property
    def mode(self) -> str:
        return "L" if self.values.ndim == 2 else "RGBA" if self.values.shape[2] == 4 else "RGB"

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype)

    @property
    def __array_interface__(self) -> Any:
        return np.ascontiguousarray(self.values).__array_interface__

    def getdata(self, band: Any = None) -> Any:
        return self.values.reshape(-1, *self.values.shape[2:])

    def resize(self, size: Any, *args: Any, **kwargs: Any) -> Picture:
        return Picture(resized(self.values, int(size[1]), int(size[0])))

    def thumbnail(self, size: Any, *args: Any, **kwargs: Any) -> None:
        self.values = resized(self.values, min(int(size[1]), self.height), min(int(size[0]), self.width))

    def crop(self, box: Any) -> Picture:
        left, upper, right, lower = (int(b) for b in box)
        return Picture(self.values[upper:lower, left:right])

    def convert(self, mode: str = "RGB", *args: Any, **kwargs: Any) -> Picture:
        if mode in ("L", "1"):
            return Picture(gray(self.values))
        if self.values.ndim == 2:
            return Picture(np.repeat(self.values[:, :, None], 3, axis=2))
        return Picture(self.values[:, :, :3])

    def transpose(self, method: Any) -> Picture:
        return Picture(self.values[:, ::-1] if method == 0 else self.values[::-1])

    def copy(self) -> Picture:
        return Picture(self.values.copy())

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Pictures are not written."""
        leaving.picture(self.values)

    def show(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is shown."""
        leaving.picture(self.values)

    def close(self) -> None:
        """Nothing is open."""

    def load(self) -> Picture:
        return self

    def __enter__(self) -> Picture:
        return self

    def __exit__(self, *args: Any) -> None:
        del args


def functions(data: Data) -> dict[str, dict[str, Any]]:
    """For each module: what of it is more than swallowed."""

    def array(value: Any) -> np.ndarray:
        return np.asarray(value)

    def imread(name: Any, flag: Any = 1, *args: Any, **kwargs: Any) -> np.ndarray:
        return data.picture(os.fspath(name), 1 if isinstance(flag, int) and flag == 0 else 3)

    def cv_resize(picture: Any, size: Any, *args: Any, **kwargs: Any) -> np.ndarray:
        return resized(array(picture), int(size[1]), int(size[0]))

    def turned(picture: Any, code: Any = None, *args: Any, **kwargs: Any) -> np.ndarray:
        """cvtColor: the codes' numbers are OpenCV's."""
        values = array(picture)
        if code in (6, 7):
            return gray(values)
        if code in (8,):
            return np.repeat(values[:, :, None], 3, axis=2)
        return values[:, :, ::-1]

    def cv_flip(picture: Any, code: int) -> np.ndarray:
        values = array(picture)
        return values[::-1] if code == 0 else values[:, ::-1] if code > 0 else values[::-1, ::-1]

    def pil_open(name: Any, *args: Any, **kwargs: Any) -> Picture:
        return Picture(data.picture(os.fspath(name)), os.fspath(name))

    def pil_new(mode: str, size: Any, color: Any = 0) -> Picture:
        shape = (int(size[1]), int(size[0]))
        return Picture(np.zeros(shape if mode == "L" else (*shape, 3), "uint8"))

    def sk_imread(name: Any, as_gray: bool = False, *args: Any, **kwargs: Any) -> np.ndarray:
        return data.picture(os.fspath(name), 1 if as_gray or kwargs.get("flatten") else 3)

    def sk_resize(picture: Any, shape: Any, *args: Any, **kwargs: Any) -> np.ndarray:
        values = array(picture).astype(float)
        for axis, size in enumerate(shape):
            places = (np.arange(int(size)) + 0.5) * values.shape[axis] / int(size)
            values = np.take(values, places.astype(int), axis)
        return values

    def imresize(picture: Any, size: Any, *args: Any, **kwargs: Any) -> np.ndarray:
        values = array(picture)
        if isinstance(size, int | float):
            scale = size if isinstance(size, float) else size / 100
            size = (int(values.shape[0] * scale), int(values.shape[1] * scale))
        return resized(values, int(size[0]), int(size[1]))

    def nothing(*args: Any, **kwargs: Any) -> None:
        del args, kwargs

    unchanged: Callable[..., Any] = lambda picture, *args, **kwargs: picture  # noqa: E731
    misc = {
        "imread": sk_imread,
        "imresize": imresize,
        "imsave": leaving.picture,
        "imshow": leaving.picture,
        "toimage": Picture,
    }
    return {
        "cv2": {
            "imread": imread,
            "resize": cv_resize,
            "cvtColor": turned,
            "flip": cv_flip,
            "GaussianBlur": unchanged,
            "imwrite": leaving.picture,
            "imshow": leaving.picture,
            "waitKey": lambda *args: 27,
            "destroyAllWindows": nothing,
            "IMREAD_COLOR": 1,
            "IMREAD_GRAYSCALE": 0,
            "CV_LOAD_IMAGE_COLOR": 1,
            "CV_LOAD_IMAGE_GRAYSCALE": 0,
            "COLOR_BGR2RGB": 4,
            "COLOR_RGB2BGR": 4,
            "COLOR_BGR2GRAY": 6,
            "COLOR_RGB2GRAY": 7,
            "COLOR_GRAY2BGR": 8,
            "COLOR_GRAY2RGB": 8,
            "INTER_NEAREST": 0,
            "INTER_LINEAR": 1,
            "INTER_CUBIC": 2,
            "INTER_AREA": 3,
        },
        "PIL.Image": {
            "open": pil_open,
            "fromarray": lambda values, *args, **kwargs: Picture(values),
            "new": pil_new,
            "Image": Picture,
            "NEAREST": 0,
            "BILINEAR": 2,
            "BICUBIC": 3,
            "ANTIALIAS": 1,
            "LANCZOS": 1,
            "FLIP_LEFT_RIGHT": 0,
            "FLIP_TOP_BOTTOM": 1,
        },
        "skimage.io": {"imread": sk_imread, "imsave": leaving.picture, "imshow": leaving.picture},
        "skimage.transform": {"resize": sk_resize},
        "skimage.color": {"rgb2gray": lambda picture: gray(array(picture) / 255.0)},
        "skimage.restoration": {"denoise_tv_chambolle": unchanged},
        "scipy.misc": misc,
        "imageio": misc,
    }
