"""Data sets: synthetic images, and images and masks on disk. Needs the extra `train`."""

from typing import TYPE_CHECKING

from pat_nb.utils import lazy_exports, require_extra

if TYPE_CHECKING:
    from pat_nb.data.camvid import CamVid as CamVid
    from pat_nb.data.canvas import (
        Canvas as Canvas,
        block_noise as block_noise,
        random_color as random_color,
        vary_color as vary_color,
    )
    from pat_nb.data.cityscapes import Cityscapes as Cityscapes
    from pat_nb.data.core import (
        CachedDataset as CachedDataset,
        SegmentationDataset as SegmentationDataset,
        SquaresDataset as SquaresDataset,
        VOID as VOID,
        class_counts as class_counts,
        class_image_pixels as class_image_pixels,
        class_stats as class_stats,
        colorize as colorize,
        count_classes as count_classes,
        count_labels as count_labels,
        show_batch as show_batch,
    )
    from pat_nb.data.examples import NoiseFiles as NoiseFiles
    from pat_nb.data.features import FeatureDataset as FeatureDataset, encode_dataset as encode_dataset
    from pat_nb.data.files import (
        Fault as Fault,
        FileDataset as FileDataset,
        FilePair as FilePair,
        PairDataset as PairDataset,
    )
    from pat_nb.data.folder import (
        Clothing as Clothing,
        Folder as Folder,
        distinct_colors as distinct_colors,
        named_folder as named_folder,
    )
    from pat_nb.data.nyuv2 import NYUv2 as NYUv2
    from pat_nb.data.nyuv2_40 import NYUv2Fine as NYUv2Fine
    from pat_nb.data.oxford_pet import OxfordPet as OxfordPet
    from pat_nb.data.prepare import use_decoded_copy as use_decoded_copy
    from pat_nb.data.reading import (
        check_regular_file as check_regular_file,
        load_array as load_array,
        open_image as open_image,
        read_lines as read_lines,
    )
    from pat_nb.data.registry import (
        DATASETS as DATASETS,
        EMBEDDED as EMBEDDED,
        dataset_class as dataset_class,
        find_datasets as find_datasets,
        list_datasets as list_datasets,
        make_dataset as make_dataset,
        prepare_datasets as prepare_datasets,
        verify_datasets as verify_datasets,
    )
    from pat_nb.data.splits import SPLITS as SPLITS, select_split as select_split
    from pat_nb.data.stream import Stream as Stream, StreamLoader as StreamLoader, eval_loader as eval_loader
    from pat_nb.data.synthetic import SyntheticDataset as SyntheticDataset
    from pat_nb.data.synthetic_pets import SyntheticPets as SyntheticPets
    from pat_nb.data.synthetic_rooms import SyntheticRooms as SyntheticRooms
    from pat_nb.data.synthetic_street import SyntheticStreet as SyntheticStreet
    from pat_nb.data.transforms import (
        Augmentation as Augmentation,
        light_augmentation as light_augmentation,
        resize_pair as resize_pair,
        size_before_crop as size_before_crop,
    )
    from pat_nb.data.verify import VerifyReport as VerifyReport

require_extra("train", "PIL", "filelock", "pandas", "torchvision", "tqdm")

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "camvid": ("CamVid",),
        "canvas": ("Canvas", "block_noise", "random_color", "vary_color"),
        "cityscapes": ("Cityscapes",),
        "core": (
            "CachedDataset",
            "SegmentationDataset",
            "SquaresDataset",
            "VOID",
            "class_counts",
            "class_image_pixels",
            "class_stats",
            "colorize",
            "count_classes",
            "count_labels",
            "show_batch",
        ),
        "examples": ("NoiseFiles",),
        "features": ("FeatureDataset", "encode_dataset"),
        "files": ("Fault", "FileDataset", "FilePair", "PairDataset"),
        "folder": ("Clothing", "Folder", "distinct_colors", "named_folder"),
        "nyuv2": ("NYUv2",),
        "nyuv2_40": ("NYUv2Fine",),
        "oxford_pet": ("OxfordPet",),
        "prepare": ("use_decoded_copy",),
        "reading": ("check_regular_file", "load_array", "open_image", "read_lines"),
        "registry": (
            "DATASETS",
            "EMBEDDED",
            "dataset_class",
            "find_datasets",
            "list_datasets",
            "make_dataset",
            "prepare_datasets",
            "verify_datasets",
        ),
        "splits": ("SPLITS", "select_split"),
        "stream": ("Stream", "StreamLoader", "eval_loader"),
        "synthetic": ("SyntheticDataset",),
        "synthetic_pets": ("SyntheticPets",),
        "synthetic_rooms": ("SyntheticRooms",),
        "synthetic_street": ("SyntheticStreet",),
        "transforms": ("Augmentation", "light_augmentation", "resize_pair", "size_before_crop"),
        "verify": ("VerifyReport",),
    },
)
