"""Record the signatures of every Keras generation as the tables in kmigrate/keras_api/tables.

    python -m pip download --no-deps --no-binary :all: keras==1.2.2
    # ... and 1.0.5, 2.1.6, 2.2.4, 2.3.1, keras-preprocessing==1.1.2, all unpacked
    python tests/keras_api/record_signatures.py FOLDER_WITH_THE_UNPACKED_SOURCES

Old versions are read as source; Keras 3 and tf_keras as they are installed.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
import warnings
from pathlib import Path

from kmigrate.keras_api import names

TABLES = Path(__file__).parents[2] / "kmigrate" / "keras_api" / "tables"
# Release -> the later release that its table is a difference to.
OLD = {"1.2.2": None, "1.0.5": "1.2.2", "2.3.1": None, "2.2.4": "2.3.1", "2.1.6": "2.2.4"}
METHODS = {
    "Model": "compile fit evaluate predict train_on_batch test_on_batch predict_on_batch fit_generator "
    "evaluate_generator predict_generator save save_weights load_weights summary get_layer",
    "Sequential": "compile fit evaluate predict train_on_batch test_on_batch predict_on_batch fit_generator "
    "evaluate_generator predict_generator save save_weights load_weights summary get_layer "
    "predict_classes predict_proba add pop",
    "ImageDataGenerator": "fit flow flow_from_directory standardize random_transform",
}
LIVE_MODULES = [
    "layers",
    "models",
    "optimizers",
    "callbacks",
    "losses",
    "metrics",
    "regularizers",
    "constraints",
    "initializers",
    "activations",
    "utils",
    "backend",
    "applications",
    "preprocessing.image",
    "preprocessing.sequence",
    "ops",
    "random",
]
DATASETS = ["mnist", "fashion_mnist", "cifar10", "cifar100", "imdb", "reuters", "boston_housing"]


class Tree:
    """The classes and functions of one source distribution."""

    def __init__(self, root: Path) -> None:
        self.classes: dict[str, ast.ClassDef] = {}
        self.found: dict[str, ast.ClassDef | ast.FunctionDef] = {}
        # names that several backends define are taken from TensorFlow's
        for file in sorted(root.rglob("*.py"), key=lambda file: ("tensorflow_backend" not in file.name, file)):
            if file.name in ("cntk_backend.py", "numpy_backend.py", "theano_backend.py"):
                continue
            self._read(file, file.relative_to(root).with_suffix("").as_posix().replace("/", "."))

    def _read(self, file: Path, module: str) -> None:
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if not isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                continue
            if isinstance(node, ast.ClassDef):
                # `class ImageDataGenerator(image.ImageDataGenerator)`: the base is another package's
                self.classes.setdefault(node.name, node)
            api = names.resolve(f"keras.{module.removesuffix('.__init__')}.{node.name}")
            if api is not None and not node.name.startswith("_"):
                self.found.setdefault(f"{api.module[6:]}.{api.spelled}", node)

    def function(self, owner: ast.ClassDef, name: str) -> ast.FunctionDef | None:
        """A method of a class or of its bases."""
        for node in owner.body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                return node
        for base in owner.bases:
            named = base.id if isinstance(base, ast.Name) else getattr(base, "attr", "")
            parent = self.classes.get(named)
            if parent is not None and parent is not owner and (found := self.function(parent, name)):
                return found
        return None

    def signatures(self) -> dict[str, str]:
        result = {}
        for key, node in self.found.items():
            if isinstance(node, ast.FunctionDef):
                result[key] = arguments(node.args)
                continue
            init = self.function(node, "__init__")
            result[key] = arguments(init.args, skip=1) if init else ""
            for method in METHODS.get(node.name, "").split():
                if body := self.function(node, method):
                    result[f"{key}.{method}"] = arguments(body.args, skip=1)
        return result


def arguments(args: ast.arguments, skip: int = 0) -> str:
    """A parameter list without its first ``skip`` names and without annotations."""
    for argument in (*args.posonlyargs, *args.args, *args.kwonlyargs):
        argument.annotation = None
    args.posonlyargs, args.args = [], (args.posonlyargs + args.args)[skip:]
    text = ast.unparse(args)
    args.args = [*[ast.arg("self")] * skip, *args.args]  # bases are read more than once
    return text


def live(package: str) -> dict[str, str]:
    """The signatures of an installed Keras."""
    result: dict[str, str] = {}
    for module in LIVE_MODULES:
        try:
            home = importlib.import_module(f"{package}.{module}")
        except ImportError:
            continue
        for name in dir(home):
            value = getattr(home, name)
            if not name.startswith("_") and not inspect.ismodule(value) and callable(value):
                result[f"{module}.{name}"] = signature(value)
                for method in METHODS.get(name, "").split():
                    if hasattr(value, method):
                        result[f"{module}.{name}.{method}"] = signature(getattr(value, method), skip=1)
    for name in DATASETS:
        loader = importlib.import_module(f"{package}.datasets.{name}").load_data
        result[f"datasets.{name}.load_data"] = signature(loader)
    return result


def signature(value: object, skip: int = 0) -> str:
    if inspect.isclass(value):
        value, skip = value.__init__, 1
    try:
        parameters = list(inspect.signature(value).parameters.values())[skip:]  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return "*args, **kwargs"
    plain = []
    for one in parameters:
        opaque = one.default is not one.empty and not isinstance(
            one.default, (int, float, str, tuple, list, type(None))
        )
        default = None if opaque else one.default
        kind = one.POSITIONAL_OR_KEYWORD if one.kind is one.POSITIONAL_ONLY else one.kind
        plain.append(one.replace(annotation=one.empty, default=default, kind=kind))
    return str(inspect.Signature(plain))[1:-1]


def write(name: str, source: str, table: dict[str, str], base: dict[str, str] | None) -> None:
    """One table; as the difference to ``base``, if there is one (None: absent in this release)."""
    rows: dict[str, str | None] = dict(sorted(table.items()))
    modules = {key.split(".")[0] for key in table}
    if base is not None:
        rows = {key: text for key, text in rows.items() if base.get(key) != text}
        rows |= {key: None for key in sorted(base) if key not in table and key.split(".")[0] in modules}
    lines = [
        f'"""Signatures of {source}: written by tests/keras_api/record_signatures.py."""',
        "",
        "SIGNATURES: dict[str, str | None] = {" if base is not None else "SIGNATURES: dict[str, str] = {",
        *(f"    {quoted(key)}: {quoted(text)}," for key, text in rows.items()),
        "}",
    ]
    (TABLES / f"{name}.py").write_text("\n".join(lines) + "\n", encoding="utf-8")


def quoted(text: str | None) -> str:
    return "None" if text is None else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main(sources: str) -> None:
    warnings.simplefilter("ignore")
    tables = {}
    for release in OLD:
        folder = next(Path(sources).glob(f"*eras-{release}"))
        tables[release] = Tree(folder / "keras").signatures()
    preprocessing = Path(sources) / "Keras_Preprocessing-1.1.2" / "keras_preprocessing"
    if preprocessing.is_dir():  # Keras 2.2 and later took their image module from here
        shared = Tree(preprocessing.parent)
        generator = shared.classes["ImageDataGenerator"]
        for method in METHODS["ImageDataGenerator"].split():
            body = shared.function(generator, method)
            assert body is not None
            for release in ("2.2.4", "2.3.1"):
                key = f"preprocessing.image.ImageDataGenerator.{method}"
                tables[release].setdefault(key, arguments(body.args, skip=1))
        for release in ("2.2.4", "2.3.1"):
            for key, old in tables["2.1.6"].items():
                if key.startswith("preprocessing.") and key.count(".") == 2:
                    tables[release].setdefault(key, old)
    for release, base in OLD.items():
        name = "keras_" + release.replace(".", "_")
        write(
            name,
            f"Keras {release}" + (f", where they differ from {base}" if base else ""),
            tables[release],
            tables[base] if base else None,
        )
    three = live("keras")
    write("keras_3", "Keras 3", three, None)
    write("tf_keras", "tf_keras (tf.keras 2), where they differ from Keras 3", live("tf_keras"), three)


if __name__ == "__main__":
    main(sys.argv[1])
