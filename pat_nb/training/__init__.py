"""The training loop, its state and callbacks, evaluation, and inference. Needs the extra `train`."""

from typing import TYPE_CHECKING

from pat_nb.utils import lazy_exports, require_extra

if TYPE_CHECKING:
    from pat_nb.training.batch_loss import BatchLoss as BatchLoss
    from pat_nb.training.callbacks import (
        Callback as Callback,
        CallbackList as CallbackList,
        ProgressBar as ProgressBar,
        progress_interval as progress_interval,
    )
    from pat_nb.training.checkpoint import (
        load_checkpoint as load_checkpoint,
        load_weights as load_weights,
        save_checkpoint as save_checkpoint,
        save_tensors as save_tensors,
    )
    from pat_nb.training.cpu_tuning import (
        available_cores as available_cores,
        choose_cpu_mode as choose_cpu_mode,
        choose_threads as choose_threads,
        cpu_mode as cpu_mode,
        keep_freed_memory as keep_freed_memory,
    )
    from pat_nb.training.device import (
        pick_device as pick_device,
        pick_layout as pick_layout,
        pick_precision as pick_precision,
        pick_threads as pick_threads,
        random_state as random_state,
        set_determinism as set_determinism,
        set_random_state as set_random_state,
        to_device as to_device,
    )
    from pat_nb.training.distributed import (
        GlobalBatchNorm as GlobalBatchNorm,
        broadcast_object as broadcast_object,
        distributed_context as distributed_context,
        gather_objects as gather_objects,
        gradient_sync as gradient_sync,
        rank as rank,
        shard_evaluation as shard_evaluation,
        shard_stream as shard_stream,
        world_size as world_size,
        wrap_ddp as wrap_ddp,
    )
    from pat_nb.training.evaluation import evaluate as evaluate
    from pat_nb.training.inference import (
        FullLabels as FullLabels,
        Inference as Inference,
        inference_params as inference_params,
    )
    from pat_nb.training.interrupt import HoldSignals as HoldSignals
    from pat_nb.training.loop import fit as fit
    from pat_nb.training.monitor import (
        Monitor as Monitor,
        PHASES as PHASES,
        PhaseTimer as PhaseTimer,
        UtilizationSampler as UtilizationSampler,
    )
    from pat_nb.training.state import (
        OPTIMISERS as OPTIMISERS,
        Recipe as Recipe,
        Stopwatch as Stopwatch,
        TrainState as TrainState,
        cosine_lr as cosine_lr,
        make_recipe as make_recipe,
        make_state as make_state,
        poly_lr as poly_lr,
    )
    from pat_nb.training.trackers import (
        HistoryLogger as HistoryLogger,
        TRACKERS as TRACKERS,
        make_trackers as make_trackers,
    )

require_extra("train", "filelock", "pandas", "psutil", "safetensors", "tqdm")

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "batch_loss": ("BatchLoss",),
        "callbacks": ("Callback", "CallbackList", "ProgressBar", "progress_interval"),
        "checkpoint": ("load_checkpoint", "load_weights", "save_checkpoint", "save_tensors"),
        "cpu_tuning": ("available_cores", "choose_cpu_mode", "choose_threads", "cpu_mode", "keep_freed_memory"),
        "device": (
            "pick_device",
            "pick_layout",
            "pick_precision",
            "pick_threads",
            "random_state",
            "set_determinism",
            "set_random_state",
            "to_device",
        ),
        "distributed": (
            "GlobalBatchNorm",
            "broadcast_object",
            "distributed_context",
            "gather_objects",
            "gradient_sync",
            "rank",
            "shard_evaluation",
            "shard_stream",
            "world_size",
            "wrap_ddp",
        ),
        "evaluation": ("evaluate",),
        "inference": ("FullLabels", "Inference", "inference_params"),
        "interrupt": ("HoldSignals",),
        "loop": ("fit",),
        "monitor": ("Monitor", "PHASES", "PhaseTimer", "UtilizationSampler"),
        "state": (
            "OPTIMISERS",
            "Recipe",
            "Stopwatch",
            "TrainState",
            "cosine_lr",
            "make_recipe",
            "make_state",
            "poly_lr",
        ),
        "trackers": ("HistoryLogger", "TRACKERS", "make_trackers"),
    },
)
