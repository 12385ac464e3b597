"""The closed list of diagnostic codes. `kmigrate rule CODE` adds the codemod's own documentation."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """A code's short name, what it reports, and what its reader can do."""

    name: str
    summary: str
    advice: str = ""


# What `kmigrate rules` lists, and `--select` and `--ignore` take.
CODES: dict[str, Code] = {
    "KM101": Code("layout-setting", "A layer's or loader's layout setting becomes channels-last."),
    "KM102": Code("shape-order", "A shape is written in channels-last order."),
    "KM103": Code("axis-number", "An axis number follows its axis to the channels-last place."),
    "KM104": Code("indexing", "An index or slice follows its axis to the channels-last place."),
    "KM105": Code("transpose", "A transpose of an array is added, changed or removed."),
    "KM106": Code("permute-layer", "A Permute layer is added to keep an order, or goes where it is needless."),
    "KM107": Code("ambient", "The program's global layout setting becomes channels-last."),
    "KM151": Code(
        "kept-bug",
        "Something that looks like a bug was kept, for kmigrate preserves what the program computes.",
        "If it is a bug, mend it by hand: the message names the value that was probably meant.",
    ),
    "KM152": Code(
        "weights-first",
        "The program loads weights that were saved by a channels-first model.",
        "Convert that weight file before you run the converted program: `kmigrate weights`, as the message says.",
    ),
    "KM153": Code(
        "feature-order",
        "Says whether the order of the features after Flatten was kept or changed.",
        "`--flatten permute` keeps the order, `--flatten reorder` gives it up.",
    ),
    "KM154": Code(
        "not-run",
        "A branch does not run with the constants as they are, so it was not converted.",
        "Convert it by hand, or set the constant the other way and run kmigrate on the original once more.",
    ),
    "KM155": Code(
        "contract-changed",
        "What a model takes or gives is channels-last now, and code that is not seen may feed it or load it.",
        "Feed it channels-last there, or keep what it takes and gives: `--model-inputs keep`.",
    ),
    "KM156": Code(
        "idle-comment",
        "A `# kmigrate:` comment does nothing: it is wrong, or there is nothing for it to ignore.",
        "Mend the comment, or take it out.",
    ),
    "KM201": Code("relu-zero-slope", "A leaky relu whose slope is zero becomes a plain relu."),
    "KM202": Code("relu-slope", "A slow leaky relu with a constant slope becomes a fast one."),
    "KM203": Code("relu-backend-copy", "A copied backend relu function becomes a fast one."),
    "KM204": Code("relu-maximum", "A relu written with a maximum, an absolute value or a condition becomes one call."),
    "KM205": Code("relu-clipped", "A relu with a maximum that is clipped or slow becomes a fast one."),
    "KM206": Code(
        "relu-plain",
        "Up to Keras 1.0.6 'relu' computes the negative half too on TensorFlow; tf.nn.relu does not.",
        "Only where it is asked for: `--select KM206`, for code that runs on TensorFlow alone.",
    ),
    "KM301": Code("keras3-name", "An old name or module gets its name in Keras 3 (`--target keras3`)."),
    "KM302": Code("keras3-arguments", "The arguments of an old call become those of Keras 3 (`--target keras3`)."),
    "KM303": Code(
        "keras3-numerics", "What an old version did by default is written out for Keras 3 (`--target keras3`)."
    ),
    "KM351": Code(
        "other-numerics",
        "Keras 3 computes this in another way than the version that the program was for.",
        "Where an old formula can be written into the program, `--numerics exact` does it.",
    ),
    "KM352": Code(
        "version-matters",
        "The versions that the program may be for need different code in Keras 3 here.",
        "Say which one it was: `--source-keras 1.0.5`.",
    ),
    "KM401": Code(
        "python-2",
        "The file is written in Python 2, which today's Python cannot parse.",
        "`--target keras3` converts it to Python 3 first; else kmigrate leaves the file as it is.",
    ),
    "KM402": Code("integer-division", "A division of whole numbers in Python 2 becomes `//` (`--target keras3`)."),
    "KM403": Code(
        "unclear-division",
        "A division in a Python 2 file may have been one of whole numbers.",
        "Write `//` if it was. The line is that of the repaired file.",
    ),
    "KM900": Code(
        "internal-error",
        "kmigrate failed on this file or dropped its own rewrite because a check found it wrong.",
        "The file is left as it was. Please report it with the file, if you can share it.",
    ),
    "KM901": Code(
        "not-understood",
        "The model depends on something that kmigrate does not understand, so it is left alone.",
        "Rewrite the named place in plainer terms, or convert the model by hand.",
    ),
    "KM902": Code(
        "contradiction",
        "Some of the model says channels-first and some channels-last, so it is left alone.",
        "Decide which of the two is meant and make the program agree with itself.",
    ),
    "KM903": Code(
        "ordering-unknown",
        "Nothing says which layout the program has when it sets none itself.",
        "Say it: `--ordering th` for channels-first, `--ordering tf` for channels-last.",
    ),
    "KM904": Code(
        "file-not-given",
        "The conversion would have to change a file that was not among the paths given.",
        "Run kmigrate again with that file too, or with their common folder.",
    ),
    "KM905": Code(
        "does-not-parse",
        "The file cannot be read as Python: wrong syntax, wrong bytes, or too deeply nested.",
        "Mend the named place; kmigrate leaves the file as it is and goes on with the others.",
    ),
    "KM906": Code(
        "leaves-project",
        "The model is handed to code outside the project, which expects the layout it has.",
        "Convert the model together with that code, or let go of what it takes and gives: `--model-inputs flip`.",
    ),
    "KM907": Code(
        "no-transpose-here",
        "A transpose would be needed at a place where none can stand, so the model is left alone.",
        "Give the value a name of its own before that place.",
    ),
    "KM908": Code(
        "work-limit",
        "The program is too large or too intricate to analyse within the limit.",
        "Split it, or convert it by hand.",
    ),
    "KM909": Code(
        "rule-ignored",
        "A rule that the conversion of this model needs is not selected, or is ignored by a comment.",
        "Select all KM1xx rules, or none: a model is converted as a whole.",
    ),
    "KM910": Code(
        "not-in-keras3",
        "Keras 3 has nothing that does the same, or what is meant is not known; the file is not brought to Keras 3.",
        "Rewrite the named place in terms of Keras 3's API (or plainer ones of the old) and run kmigrate again.",
    ),
    "KM911": Code(
        "cells-unordered",
        "What a notebook does is not known from its cells: the order of their runs, or a magic.",
        "Restart and run all cells, and save; or say `--cell-order top-down`. Or take out the magic that is named.",
    ),
}
