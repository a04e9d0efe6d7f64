import pytest
import torch

from matting.models import AttentionUNet, load_checkpoint


def save(path, model, **changes):
    path.parent.mkdir(parents=True, exist_ok=True)
    settings = model.settings | {"pretrained": True, "encoder_weights": "weights/that/are/gone.pth"}
    content = {
        "state_dict": {f"model.{key}": value for key, value in model.state_dict().items()} | {"other.x": torch.ones(1)},
        "hyper_parameters": {"model": settings, "size": 96, "corpus": "a corpus"},
    }
    torch.save(content | changes, path)


@pytest.fixture
def model():
    torch.manual_seed(3)
    return AttentionUNet("test_resnet", pretrained=False, decoder_channels=(24, 16, 16, 8, 8)).eval()


def test_run_folder_and_file_give_the_trained_network(tmp_path, model):
    file = tmp_path / "checkpoints" / "last.ckpt"
    save(file, model)
    image = torch.rand(1, 3, 64, 64)
    for path in (tmp_path, file, str(file)):
        loaded = load_checkpoint(path)
        assert (loaded.size, loaded.corpus, loaded.path) == (96, "a corpus", file)
        assert not loaded.model.training and torch.equal(loaded.model(image).alpha, model(image).alpha)


def test_a_missing_checkpoint_is_reported_with_the_training_command(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"found none; train one with 'matting train"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", None])
def test_foreign_and_damaged_files_are_refused(tmp_path, model, content):
    file = tmp_path / "a.ckpt"
    save(file, model)
    file.write_bytes(file.read_bytes()[:4000] if content is None else content)
    with pytest.raises(ValueError, match=r"a\.ckpt: expected a checkpoint written by train\.py"):
        load_checkpoint(file)


def test_code_in_a_checkpoint_is_not_run(tmp_path, model):
    save(tmp_path / "a.ckpt", model, callbacks={"x": print})
    with pytest.raises(ValueError, match="expected a checkpoint written by train"):
        load_checkpoint(tmp_path / "a.ckpt")


def test_weights_of_another_network_are_refused(tmp_path, model):
    save(tmp_path / "a.ckpt", model, state_dict={"model.alpha_head.weight": torch.ones(1)})
    with pytest.raises(ValueError, match=r"a\.ckpt: the weights do not fit the model it describes"):
        load_checkpoint(tmp_path / "a.ckpt")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["alpha_head.weight", "encoder.backbone.conv1.1.running_var"])
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path, model, value, name):
    assert name in model.state_dict()
    model.state_dict()[name].view(-1)[-1] = value
    save(tmp_path / "a.ckpt", model)
    model.save_pretrained(tmp_path / "folder")
    (tmp_path / "folder" / "training.json").write_text('{"size": 64, "corpus": "x"}')
    for path in (tmp_path / "a.ckpt", tmp_path / "folder"):
        with pytest.raises(ValueError, match=f"expected finite weights, found NaN or infinity in '{name}'"):
            load_checkpoint(path)


def test_weights_that_a_resumed_run_would_take_are_refused_too(tmp_path, model):
    save(tmp_path / "a.ckpt", model, current_model_state={"model.alpha_head.weight": torch.full((1,), float("nan"))})
    with pytest.raises(ValueError, match=r"found NaN or infinity in 'alpha_head\.weight'"):
        load_checkpoint(tmp_path / "a.ckpt")
