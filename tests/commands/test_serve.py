"""``matting serve`` with invalid options; the page itself is tested in tests/inference/test_page.py."""

import socket

import pytest

from tests.test_cli import matting, run_folder  # noqa: F401


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_a_taken_port_gives_one_line(matting, run_folder):  # noqa: F811
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, err = matting("serve", "--checkpoint", run_folder, "--port", port)
    assert code == 1 and f"--port {port}: expected" in err and "free port" in err and "Traceback" not in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--host", "999.1.1.1"], "--host 999.1.1.1"),
        (["--checkpoint", "nowhere"], "nowhere: expected a run folder"),
        (["--size", 50], "multiple of 32, found 50"),
        (["--backend", "onnx"], "expected a model folder with model.onnx"),
        (["--max-memory", 10], "--max-memory: expected more than 300 megabytes"),
        (["--device", "abacus"], "abacus"),
    ],
)
def test_options_that_cannot_be_met_give_one_line(matting, run_folder, options, message):  # noqa: F811
    code, _, err = matting("serve", "--checkpoint", run_folder, "--port", free_port(), *options)
    assert code == 1 and message in err and "Traceback" not in err


@pytest.mark.parametrize("options", [["--port", 0], ["--port", 70000], ["--max-megabytes", 0]])
def test_numbers_out_of_range_are_named(matting, run_folder, options):  # noqa: F811
    code, _, err = matting("serve", "--checkpoint", run_folder, *options)
    assert code == 2 and f"Invalid value for '{options[0]}'" in err
