"""Rows for Python's library and for libraries that know nothing of layouts."""

from __future__ import annotations

from kmigrate.layout.interpret.builtin_functions import BUILTIN_FUNCTIONS
from kmigrate.layout.interpret.builtin_operations import (
    anything,
    cast_number,
    chained,
    combined,
    copied_sequence,
    counted,
    duplicated,
    enumerated,
    filtered,
    folded,
    largest,
    length,
    mapped,
    mapping,
    number,
    one_item,
    passed_through,
    reordered,
    summed,
    zipped,
)
from kmigrate.layout.interpret.numpy_rows import Rows, rows
from kmigrate.layout.interpret.operations import elementwise
from kmigrate.layout.interpret.outside_operations import (
    harmless,
    image_read,
    image_source,
    numbered_rows,
    shown,
    shuffled_together,
    sink,
    split_rows,
    tool,
    weight_file,
)

BUILTINS: Rows = {
    "builtins.len": length,
    "builtins.range": counted,
    **rows("builtins", "int float", cast_number),
    **rows("builtins", "round abs", elementwise(0)),
    "builtins.pow": elementwise(0, 1),
    "builtins.sum": summed,
    **rows("builtins", "min max", largest),
    **rows("builtins", "bool ord hash", number),
    "builtins.tuple": copied_sequence("tuple"),
    "builtins.list": copied_sequence("list"),
    "builtins.reversed": reordered(backwards=True),
    **rows("builtins", "sorted set frozenset", reordered()),
    "builtins.dict": mapping,
    "builtins.zip": zipped,
    "builtins.enumerate": enumerated,
    "builtins.map": mapped,
    "builtins.filter": filtered,
    "builtins.iter": passed_through,
    "builtins.next": one_item,
    **BUILTIN_FUNCTIONS,
    "builtins.print": shown,
    **rows("builtins", "exec eval execfile globals locals vars __import__", anything),
    **rows("builtins", "str repr format open input raw_input chr dir "
           "exit quit bytes any all divmod slice help", harmless),
}  # fmt: skip

LIBRARY: Rows = {
    **dict.fromkeys(["functools.reduce", "builtins.reduce"], folded),
    **rows("operator", "add sub mul truediv floordiv neg pow", elementwise()),
    **rows("copy", "copy deepcopy", duplicated),
    **rows("itertools", "product izip", combined()),
    **rows("itertools", "combinations permutations count groupby", combined(2)),
    "itertools.chain": chained,
    "itertools.cycle": passed_through,
    "collections.OrderedDict": mapping,
    **rows("random", "seed random randint uniform choice shuffle sample gauss randrange", harmless),
    **rows("tqdm", "tqdm tqdm_notebook auto.tqdm notebook.tqdm", passed_through),
    **rows("tqdm", "trange", counted),
}

OTHERS: Rows = {
    **rows("sklearn", "model_selection.train_test_split cross_validation.train_test_split", split_rows),
    "sklearn.utils.shuffle": shuffled_together,
    **{f"sklearn.model_selection.{name}": tool(name) for name in ("KFold", "StratifiedKFold", "ShuffleSplit")},
    "cv2.imread": image_read,
    **rows("cv2", "resize GaussianBlur blur medianBlur bilateralFilter warpAffine warpPerspective flip",
           image_source(alike=True)),
    **rows("cv2", "cvtColor equalizeHist threshold adaptiveThreshold dilate erode morphologyEx copyMakeBorder "
           "normalize Canny Sobel Laplacian filter2D addWeighted imdecode remap", image_source()),
    **rows("cv2", "imwrite imshow", sink),
    **rows("cv2", "waitKey destroyAllWindows VideoCapture getRotationMatrix2D namedWindow CascadeClassifier",
           harmless),
    **rows("scipy.misc", "imread imresize imrotate imfilter lena face ascent fromimage", image_source()),
    **rows("scipy.misc", "imsave imshow toimage", sink),
    **rows("scipy.ndimage", "zoom rotate shift gaussian_filter median_filter uniform_filter map_coordinates "
           "imread filters.gaussian_filter interpolation.zoom interpolation.rotate interpolation.shift "
           "interpolation.map_coordinates interpolation.affine_transform affine_transform", image_source()),
    **rows("imageio", "imread mimread", image_source()),
    **rows("imageio", "imwrite imsave mimsave", sink),
    **rows("skimage", "io.imread transform.resize transform.rescale transform.rotate color.rgb2gray color.gray2rgb "
           "color.rgb2lab color.lab2rgb util.random_noise filters.gaussian exposure.equalize_adapthist",
           image_source()),
    **rows("skimage", "io.imsave io.imshow", sink),
    **rows("PIL.Image", "open", harmless),
    **rows("PIL.Image", "fromarray", sink),
    "matplotlib.image.imread": image_source(),
    **rows("matplotlib", "pyplot.imshow pyplot.imsave pyplot.matshow pylab.imshow image.imsave", sink),
    "pylab.imshow": sink,
    **rows("pickle", "dump dumps", sink),
    "h5py.File": weight_file,
}  # fmt: skip

# Methods of library objects that rows above make.
TOOL_METHODS = {
    **{(name, "split"): numbered_rows for name in ("KFold", "StratifiedKFold", "ShuffleSplit")},
    **{(name, "get_n_splits"): harmless for name in ("KFold", "StratifiedKFold", "ShuffleSplit")},
}

# Modules whose functions take no arrays of ours in ways that matter.
HARMLESS_MODULES = frozenset(
    "os sys time argparse logging glob json math datetime warnings re pathlib shutil tempfile csv zipfile tarfile "
    "gc subprocess getpass platform configparser ConfigParser __future__ typing string urllib urllib2 requests "
    "optparse signal socket threading hashlib traceback inspect yaml codecs contextlib textwrap locale".split()
)

# Packages whose functions make no Keras layers.
NO_KERAS = frozenset("numpy tensorflow theano scipy sklearn skimage cv2 pandas matplotlib PIL builtins".split())
# Methods that only models of Keras have.
OF_MODELS = frozenset(
    "compile fit_generator train_on_batch test_on_batch predict_on_batch predict_generator evaluate_generator "
    "predict_classes load_weights save_weights".split()
)
