"""Runs as values: specifications, training, results, grids and the process pool. Needs the extra `train`."""

from typing import TYPE_CHECKING

from pat_nb.utils import lazy_exports, require_extra

if TYPE_CHECKING:
    from pat_nb.experiments.model_info import ModelInfo as ModelInfo, read_info as read_info
    from pat_nb.experiments.onnx_export import export_onnx as export_onnx
    from pat_nb.experiments.predict import predict_files as predict_files
    from pat_nb.experiments.spec import RunSpec as RunSpec
    from pat_nb.experiments.trained import TrainedModel as TrainedModel, load_run as load_run

require_extra("train", "filelock", "pandas", "psutil", "torchvision", "tqdm")

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "model_info": ("ModelInfo", "read_info"),
        "onnx_export": ("export_onnx",),
        "predict": ("predict_files",),
        "spec": ("RunSpec",),
        "trained": ("TrainedModel", "load_run"),
    },
)
