"""Pages of the site that are made from the program: one for each code, from its codemod's docstring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from kmigrate.codemods import documentation
from kmigrate.codes import CODES

ROOT = Path(__file__).resolve().parents[1]


def on_files(files: Files, config: Any) -> Files:
    """Add the README as the first page, a list of the codes, and a page for each."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        files.append(File.generated(config, name.lower(), content=_inside((ROOT / name).read_text(encoding="utf-8"))))
    files.append(File.generated(config, "index.md", content=_inside(readme)))
    table = [f"| [{code}](rules/{code}.md) | {entry.name} | {entry.summary} |" for code, entry in CODES.items()]
    content = "\n".join(["# Codes", "", "| code | name | what it says |", "|---|---|---|", *table, ""])
    files.append(File.generated(config, "rules.md", content=content))
    for code in CODES:
        files.append(File.generated(config, f"rules/{code}.md", content=page(code)))
    return files


def page(code: str) -> str:
    """What `kmigrate rule CODE` prints, and how to silence it."""
    entry = CODES[code]
    silence = (
        f"`# kmigrate: ignore[{code}]` on the line, `--ignore {code}`, or `ignore` and `per-file-ignores` in the "
        "[configuration](../configuration.md)."
    )
    parts = [f"# {code} {entry.name}", entry.summary, entry.advice, documentation(code) or "", "## How to silence it"]
    return "\n\n".join(part for part in [*parts, silence] if part) + "\n"


def _inside(text: str) -> str:
    """Links as they are within the folder of the documentation."""
    return (
        text.replace("](docs/", "](")
        .replace("](CONTRIBUTING.md)", "](contributing.md)")
        .replace("](CHANGELOG.md)", "](changelog.md)")
    )
