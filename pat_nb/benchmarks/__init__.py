"""Time and memory of the losses and of the training loop. Needs the extra `bench`."""

from pat_nb.utils import require_extra

require_extra("bench", "matplotlib", "pandas", "psutil", "torchvision")
