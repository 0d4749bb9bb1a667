"""Data sets: synthetic images, and images and masks on disk. Needs the extra `train`."""

from typing import TYPE_CHECKING

from pat_nb.utils import lazy_exports, require_extra

if TYPE_CHECKING:
    from pat_nb.data.camvid import CamVid as CamVid
    from pat_nb.data.cityscapes import Cityscapes as Cityscapes
    from pat_nb.data.core import (
        SegmentationDataset as SegmentationDataset,
        SquaresDataset as SquaresDataset,
        VOID as VOID,
        class_counts as class_counts,
        class_stats as class_stats,
        colorize as colorize,
        count_classes as count_classes,
        count_labels as count_labels,
        show_batch as show_batch,
    )
    from pat_nb.data.files import Fault as Fault, FileDataset as FileDataset, FilePairs as FilePairs, Pair as Pair
    from pat_nb.data.folder import ClassLine as ClassLine, Folder as Folder, FolderPair as FolderPair
    from pat_nb.data.nyuv2 import ArrayPair as ArrayPair, MatFrame as MatFrame, NYUv2 as NYUv2, ParquetRow as ParquetRow
    from pat_nb.data.oxford_pet import OxfordPet as OxfordPet
    from pat_nb.data.prepare import (
        Cached as Cached,
        attach as attach,
        build as build,
        cache_folder as cache_folder,
        decode_all as decode_all,
        lut_key as lut_key,
        sample_names as sample_names,
    )
    from pat_nb.data.registry import (
        DATASETS as DATASETS,
        EMBEDDED as EMBEDDED,
        chosen as chosen,
        found as found,
        list_datasets as list_datasets,
        make_dataset as make_dataset,
        pick_augmentation as pick_augmentation,
        prepare_datasets as prepare_datasets,
        tell as tell,
        verify_datasets as verify_datasets,
    )
    from pat_nb.data.stream import (
        AHEAD as AHEAD,
        Stream as Stream,
        StreamLoader as StreamLoader,
        eval_loader as eval_loader,
    )
    from pat_nb.data.synthetic import Canvas as Canvas, Synthetic as Synthetic, SyntheticStreet as SyntheticStreet
    from pat_nb.data.transforms import (
        Augmentation as Augmentation,
        JITTER as JITTER,
        SMALLEST as SMALLEST,
        crop_source as crop_source,
        light_augmentation as light_augmentation,
        resize_pair as resize_pair,
    )
    from pat_nb.data.verify import Report as Report, Seen as Seen

require_extra("train", "PIL", "filelock", "pandas", "torchvision", "tqdm")

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "camvid": ("CamVid",),
        "cityscapes": ("Cityscapes",),
        "core": (
            "SegmentationDataset",
            "SquaresDataset",
            "VOID",
            "class_counts",
            "class_stats",
            "colorize",
            "count_classes",
            "count_labels",
            "show_batch",
        ),
        "files": ("Fault", "FileDataset", "FilePairs", "Pair"),
        "folder": ("ClassLine", "Folder", "FolderPair"),
        "nyuv2": ("ArrayPair", "MatFrame", "NYUv2", "ParquetRow"),
        "oxford_pet": ("OxfordPet",),
        "prepare": ("Cached", "attach", "build", "cache_folder", "decode_all", "lut_key", "sample_names"),
        "registry": (
            "DATASETS",
            "EMBEDDED",
            "chosen",
            "found",
            "list_datasets",
            "make_dataset",
            "pick_augmentation",
            "prepare_datasets",
            "tell",
            "verify_datasets",
        ),
        "stream": ("AHEAD", "Stream", "StreamLoader", "eval_loader"),
        "synthetic": ("Canvas", "Synthetic", "SyntheticStreet"),
        "transforms": ("Augmentation", "JITTER", "SMALLEST", "crop_source", "light_augmentation", "resize_pair"),
        "verify": ("Report", "Seen"),
    },
)
