"""Upload a model to the Hugging Face hub; `matting.inference.resolving` downloads one."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from matting.inference.model_folder import PHOTO_GRAPH, export_model
from matting.inference.resolving import FROM_HUB, HUB, resolve
from matting.models import is_model_folder

CARD = "README.md"


def push_to_hub(source: str | Path, repository: str, private: bool = False) -> str:
    """Upload a model to the Hugging Face hub, where ``hf:owner/name`` finds it.

    The hub's client takes the token from ``hf auth login`` or ``$HF_TOKEN``.

    Args:
        source: As for `load`, but not an ONNX graph. A model folder is uploaded as it is, with its scores, terms and
            graph; of a run or a checkpoint, the folder that ``matting export --no-onnx`` would write.
        repository: ``owner/name``; it is created if it does not exist.
        private: Whether a new repository is private.

    Returns:
        Address of the commit.

    Raises:
        MattingError: The source cannot be loaded.
        OSError: The source does not exist, or the hub cannot be reached or refuses.
    """
    path = resolve(source)
    with TemporaryDirectory() as temporary:
        folder = path if is_model_folder(path) else Path(temporary, "model")
        if folder != path:
            export_model(path, folder, graph=False)
        return _upload(folder, repository, private)


def _upload(folder: Path, repository: str, private: bool) -> str:
    from huggingface_hub import CommitOperationAdd, HfApi

    card = (folder / CARD).read_text(encoding="utf-8").replace("THIS_FOLDER", f"{HUB}{repository}")
    # By name, so that nothing else that lies in the folder is published.
    files = [name for name in (*FROM_HUB, PHOTO_GRAPH) if (folder / name).is_file()]
    operations = [CommitOperationAdd(name, folder / name) for name in files]
    operations.append(CommitOperationAdd(CARD, card.encode()))
    try:
        api = HfApi(os.environ.get("HF_ENDPOINT"))
        api.create_repo(repository, private=private, exist_ok=True)
        # One commit for all files: nobody can download new weights with an old configuration.
        return str(api.create_commit(repository, operations, commit_message="Upload the model").commit_url)
    except Exception as error:  # those of the client's HTTP library, which depends on its version, share no base
        reason = " ".join(str(error).split())
        raise OSError(
            f"{repository}: expected a repository OWNER/NAME that you may write to on the Hugging Face hub, found: "
            f"{reason}; run 'hf auth login' and check the name"
        ) from error
