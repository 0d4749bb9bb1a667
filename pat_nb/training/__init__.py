"""The training loop, its state and callbacks, evaluation, and inference. Needs the extra `train`."""

from typing import TYPE_CHECKING

from pat_nb.utils import lazy_exports, require_extra

if TYPE_CHECKING:
    from pat_nb.training.callbacks import (
        Bar as Bar,
        Callback as Callback,
        callback_events as callback_events,
        progress_interval as progress_interval,
    )
    from pat_nb.training.checkpoint import (
        atomic_write as atomic_write,
        load_checkpoint as load_checkpoint,
        load_weights as load_weights,
        save_checkpoint as save_checkpoint,
    )
    from pat_nb.training.cpu_tuning import (
        available_cores as available_cores,
        choose_cpu_mode as choose_cpu_mode,
        choose_threads as choose_threads,
        cpu_mode as cpu_mode,
        cpu_name as cpu_name,
        fast_bfloat16 as fast_bfloat16,
        keep_memory as keep_memory,
        step_ms as step_ms,
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
        Share as Share,
        broadcast_object as broadcast_object,
        gather_objects as gather_objects,
        gradient_sync as gradient_sync,
        processes as processes,
        rank as rank,
        shard_evaluation as shard_evaluation,
        shard_stream as shard_stream,
        world_size as world_size,
        wrap_ddp as wrap_ddp,
    )
    from pat_nb.training.inference import (
        FullLabels as FullLabels,
        Inference as Inference,
        inference_params as inference_params,
        sliding as sliding,
        window_starts as window_starts,
    )
    from pat_nb.training.loop import (
        after_step as after_step,
        batches_from as batches_from,
        epoch_steps as epoch_steps,
        fit as fit,
        read_losses as read_losses,
        record as record,
        start as start,
    )
    from pat_nb.training.monitor import (
        Laps as Laps,
        Monitor as Monitor,
        PHASES as PHASES,
        Sampler as Sampler,
        open_nvml as open_nvml,
        visible_gpus as visible_gpus,
    )
    from pat_nb.training.state import (
        OPTIMISERS as OPTIMISERS,
        Recipe as Recipe,
        Run as Run,
        Stopwatch as Stopwatch,
        cosine as cosine,
        make_recipe as make_recipe,
        poly as poly,
        prepare as prepare,
        update as update,
    )
    from pat_nb.training.trackers import Report as Report, TRACKERS as TRACKERS, make_trackers as make_trackers

require_extra("train", "filelock", "pandas", "psutil", "safetensors", "tqdm")

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "callbacks": ("Bar", "Callback", "callback_events", "progress_interval"),
        "checkpoint": ("atomic_write", "load_checkpoint", "load_weights", "save_checkpoint"),
        "cpu_tuning": (
            "available_cores",
            "choose_cpu_mode",
            "choose_threads",
            "cpu_mode",
            "cpu_name",
            "fast_bfloat16",
            "keep_memory",
            "step_ms",
        ),
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
            "Share",
            "broadcast_object",
            "gather_objects",
            "gradient_sync",
            "processes",
            "rank",
            "shard_evaluation",
            "shard_stream",
            "world_size",
            "wrap_ddp",
        ),
        "inference": ("FullLabels", "Inference", "inference_params", "sliding", "window_starts"),
        "loop": ("after_step", "batches_from", "epoch_steps", "fit", "read_losses", "record", "start"),
        "monitor": ("Laps", "Monitor", "PHASES", "Sampler", "open_nvml", "visible_gpus"),
        "state": ("OPTIMISERS", "Recipe", "Run", "Stopwatch", "cosine", "make_recipe", "poly", "prepare", "update"),
        "trackers": ("Report", "TRACKERS", "make_trackers"),
    },
)
