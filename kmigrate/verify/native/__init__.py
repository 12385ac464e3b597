"""Verification in the old Keras itself: `harness` is the file that an interpreter with such a Keras executes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kmigrate.verify.certificate import Certificate, Verdict
from kmigrate.verify.native.server import STACK, NativeServer
from kmigrate.verify.runner import VerifyOptions, verify
from kmigrate.verify.sandbox import Source

_KNOWN = (Verdict.EQUIVALENT, Verdict.EQUIVALENT_EXCEPT_AT_0)


def verify_natively(
    python: str,
    before: Sequence[Source],
    after: Sequence[Source],
    found: Certificate,
    options: VerifyOptions,
    **which: Any,
) -> Certificate:
    """A certificate of both programs, as they are written, run by ``python``.

    ``found`` is that of the run on today's Keras: its weights are used, and its weight maps where it is EQUIVALENT.
    ``which`` are arguments of `verify`.
    """
    maps = found.maps if found.verdict in _KNOWN else []
    server = NativeServer(python)
    try:
        options = replace(
            options,
            stack=STACK,
            device="auto",
            mode="eager",
            bench=False,
            seeds=1,
            float32=False,
            ambient_check=False,
            values=found.evidence or {"models": []},
            maps=maps,
        )
        certificate = verify(before, after, **which, options=options, server=server)
    finally:
        server.close()
    certificate.ordering, certificate.source_keras = found.ordering, found.source_keras
    certificate.notes.append(f"on {found.stack} it is {found.verdict.value}: {found.reason}")
    if certificate.verdict is Verdict.DIFFERENT and not maps and not found.maps:
        certificate.verdict = Verdict.NOT_VERIFIED
        certificate.reason = f"without a weight map from today's Keras: {certificate.reason}"
    return certificate
