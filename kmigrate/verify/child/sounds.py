"""Sounds without librosa: one that is made up, and its spectrogram. The numbers need not be librosa's."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np


def sound(path: Any, sr: int = 22050, **kwargs: Any) -> tuple[np.ndarray, int]:
    """librosa.load: three seconds, seeded by the length of the name alone."""
    rng = np.random.default_rng(len(str(path)))
    times = np.arange(3 * sr) / sr
    return np.sin(700 * times * (1 + times)) * (0.3 + rng.random(len(times))), sr


def spectrogram(
    y: Any, sr: int = 22050, n_fft: int = 2048, hop_length: int = 512, n_mels: int = 128, **kwargs: Any
) -> Any:
    """librosa.feature.melspectrogram, with bands that are all as wide: (n_mels, frames)."""
    padded = np.pad(np.asarray(y), n_fft // 2)
    starts = range(0, len(padded) - n_fft + 1, hop_length)
    power = np.stack([np.abs(np.fft.rfft(padded[start : start + n_fft])) ** 2 for start in starts], axis=1)
    edges = np.linspace(0, len(power), n_mels + 1).astype(int)
    return np.stack([power[a : max(b, a + 1)].mean(axis=0) for a, b in itertools.pairwise(edges)])


def decibels(power: Any, *args: Any, **kwargs: Any) -> np.ndarray:
    return 10 * np.log10(np.maximum(np.asarray(power), 1e-10))


def table() -> dict[str, dict[str, Any]]:
    """For each module: what of it is more than swallowed."""
    return {
        "librosa": {"load": sound, "logamplitude": decibels, "power_to_db": decibels},
        "librosa.feature": {"melspectrogram": spectrogram},
    }
