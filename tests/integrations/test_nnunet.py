"""nnU-Net: plans, preprocessing and training of a 2D U-Net with deep supervision and an ignore label."""

import json
import os

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("nnunetv2")
pytestmark = pytest.mark.integrations
FOLDERS = ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    "Plans and dataset.json of a preprocessed data set: 16 gray images of squares, labels 0 to 3, 4 to be ignored."
    base = tmp_path_factory.mktemp("nnunet")
    with pytest.MonkeyPatch.context() as patch:
        for name in FOLDERS:  # before nnunetv2.paths is imported
            patch.setenv(name, str(base / name))
        patch.setenv("nnUNet_n_proc_DA", "1")
        raw = base / "nnUNet_raw" / "Dataset001_Squares"
        write_dataset(raw)
        from nnunetv2.experiment_planning.plan_and_preprocess_api import (
            extract_fingerprints,
            plan_experiments,
            preprocess,
        )

        extract_fingerprints([1], num_processes=1)
        plan_experiments([1])
        preprocess([1], configurations=["2d"], num_processes=[1])
        yield (
            json.loads((base / "nnUNet_preprocessed" / raw.name / "nnUNetPlans.json").read_text()),
            json.loads((raw / "dataset.json").read_text()),
        )


def write_dataset(raw):
    rng, n = np.random.default_rng(0), 16
    for name in ("imagesTr", "labelsTr"):
        os.makedirs(raw / name)
    for i in range(n):
        label = np.zeros((96, 96), np.uint8)
        for c in (1, 2, 3):
            y, x = rng.integers(0, 72, 2)
            label[y : y + 24, x : x + 24] = c
        image = (label * 60 + rng.normal(30, 10, label.shape)).clip(0, 255).astype(np.uint8)
        label[:, :8] = 4
        Image.fromarray(image).save(raw / "imagesTr" / f"case_{i:03}_0000.png")
        Image.fromarray(label).save(raw / "labelsTr" / f"case_{i:03}.png")
    labels = {"background": 0, "a": 1, "b": 2, "c": 3, "ignore": 4}
    content = dict(channel_names={"0": "gray"}, labels=labels, numTraining=n, file_ending=".png")
    (raw / "dataset.json").write_text(json.dumps(content))


@pytest.mark.parametrize("name", ["nnUNetTrainerPAT", "nnUNetTrainerDicePAT"])
def test_trainer(plans, assert_falls, name):
    from pat_nb.integrations import nnunet

    class Short(getattr(nnunet, name)):
        def __init__(self, plans, configuration, fold, dataset_json, device):
            super().__init__(plans, configuration, fold, dataset_json, device)
            self.num_epochs, self.num_iterations_per_epoch, self.num_val_iterations_per_epoch = 3, 12, 2

        def perform_actual_validation(self, save_probabilities=False):
            "Leave out the prediction of whole images."

    plan, dataset = plans
    trainer = Short(plan | {"continue_training": False}, "2d", 0, dataset, device=torch.device("cpu"))
    trainer.initialize()
    assert trainer.enable_deep_supervision
    assert len(trainer.loss.weight_factors) > 2
    assert trainer.label_manager.ignore_label == 4
    trainer.run_training()
    losses = trainer.logger.local_logger.my_fantastic_logging["train_losses"]
    assert len(losses) == 3
    before, after = losses[0], losses[-1]
    if name == "nnUNetTrainerDicePAT":  # the Dice term goes from 0 to -1
        before, after = before + 1, after + 1
    assert_falls(f"nnU-Net, {name}: epoch mean", before, after)
