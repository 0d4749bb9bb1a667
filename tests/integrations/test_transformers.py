"""Transformers: SegFormer, whose logits have a quarter of the resolution, trained with accumulated gradients."""

import pytest
import torch

pytest.importorskip("transformers")
pytest.importorskip("accelerate")

from transformers import SegformerConfig, SegformerForSemanticSegmentation, Trainer, TrainingArguments

from pat_nb.integrations.transformers import TrainerLoss
from pat_nb.losses.cross_entropy import CELoss
from pat_nb.losses.pat import PATLoss

pytestmark = pytest.mark.integrations


def trainer(data, loss, folder, **options):
    shape = dict(depths=[1] * 4, hidden_sizes=[8, 16, 32, 64], decoder_hidden_size=32, num_attention_heads=[1, 2, 4, 8])
    dropout = dict(classifier_dropout_prob=0.0, drop_path_rate=0.0)
    torch.manual_seed(0)
    model = SegformerForSemanticSegmentation(SegformerConfig(num_labels=19, **shape, **dropout))
    options = dict(learning_rate=5e-3, use_cpu=True, report_to=[], save_strategy="no", disable_tqdm=True) | options
    arguments = TrainingArguments(folder, **options)
    return Trainer(model, arguments, train_dataset=data, eval_dataset=data, compute_loss_func=TrainerLoss(loss))


@pytest.fixture
def data(street):
    return [{"pixel_values": image * 4 - 2, "labels": label} for image, label in zip(*street, strict=True)]


@pytest.mark.parametrize("loss", [PATLoss(average_classes=True), CELoss()], ids=["pat", "ce"])
def test_segformer(data, tmp_path, assert_falls, loss):
    run = trainer(data, loss, tmp_path, max_steps=36, per_device_train_batch_size=4, gradient_accumulation_steps=2)
    assert run.model(data[0]["pixel_values"][None]).logits.shape == (1, 19, 16, 16)
    before = run.evaluate()["eval_loss"]
    run.train()
    assert_falls(f"transformers, SegFormer: {type(loss).__name__}", before, run.evaluate()["eval_loss"])


@pytest.mark.parametrize("loss", [PATLoss(), CELoss(ignore_index=-100)], ids=["pat", "ce"])
def test_accumulation_is_exact(data, tmp_path, loss):
    for item in data:
        item["labels"] = item["labels"].masked_fill(item["labels"] == 255, loss.ignore_index)
    norms = []
    for size, accumulate in ((8, 1), (2, 4)):
        options = dict(per_device_train_batch_size=size, gradient_accumulation_steps=accumulate)
        run = trainer(data, loss, tmp_path, max_steps=1, logging_steps=1, max_grad_norm=1.0, **options)
        run.model.decode_head.batch_norm = torch.nn.Identity()  # depends on the size of the micro-batch
        run.train()
        norms.append((run.state.log_history[0]["loss"], run.state.log_history[0]["grad_norm"]))
    assert norms[0] == pytest.approx(norms[1], rel=1e-4)
