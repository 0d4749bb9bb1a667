"""Runs as values: specifications, training, results, grids and the process pool. Needs the extra `train`."""

from pat_nb.utils import require_extra

require_extra("train", "filelock", "pandas", "psutil", "torchvision", "tqdm")
