"""The Net: the tutorial's layers and first weights, and a door for weights files that lets nothing else in."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from cifar_core.errors import WeightsError
from cifar_core.net import MAX_WEIGHTS_BYTES, PARAMETERS, Net, layers, load_net, new_net, save_weights
from tests.helpers import tutorial

IMAGES = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_the_net_has_62006_parameters_and_its_table_adds_up_to_them() -> None:
    assert sum(weight.numel() for weight in Net().parameters()) == PARAMETERS == 62_006
    assert sum(layer.parameters for layer in layers()) == PARAMETERS


def test_each_row_of_the_table_is_what_the_net_does() -> None:
    net, seen = Net(), []
    for name, module in net.named_children():
        module.register_forward_hook(
            lambda module, inputs, output, name=name: seen.append((name, module, tuple(output.shape[1:])))
        )
    net(IMAGES[:1])
    assert [(layer.name, layer.output) for layer in layers()] == [(name, shape) for name, _, shape in seen]
    for layer, (_, module, _) in zip(layers(), seen, strict=True):
        assert layer.parameters == sum(weight.numel() for weight in module.parameters())
        weights = module.state_dict()
        assert layer.weight == (tuple(weights["weight"].shape) if weights else ())
        assert repr(eval(layer.code, {"nn": nn})) == repr(module)


def test_the_table_shows_how_parameters_are_counted() -> None:
    assert [layer.arithmetic for layer in layers()] == [
        "6×3×5×5 + 6 = 456",
        "",
        "16×6×5×5 + 16 = 2,416",
        "",
        "120×400 + 120 = 48,120",
        "84×120 + 84 = 10,164",
        "10×84 + 10 = 850",
    ]


def test_the_net_predicts_as_the_tutorials_net_does() -> None:
    net, tutorials = new_net(3), tutorial.Net()
    tutorials.load_state_dict(net.state_dict())
    assert torch.equal(net(IMAGES), tutorials(IMAGES))


def test_a_seed_gives_the_weights_that_the_tutorials_net_gets_after_manual_seed() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        expected = tutorial.Net().state_dict()
    assert_same(new_net(5).state_dict(), expected)


def test_another_seed_gives_other_weights() -> None:
    assert not torch.equal(new_net(0).conv1.weight, new_net(1).conv1.weight)


def test_a_new_net_leaves_the_callers_random_numbers_as_they_were() -> None:
    state, seed = torch.get_rng_state(), torch.initial_seed()
    new_net(99)
    assert torch.equal(torch.get_rng_state(), state) and torch.initial_seed() == seed


def test_saved_weights_load_by_the_tutorials_own_line(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    save_weights(new_net(1).state_dict(), path)
    net = tutorial.Net()
    net.load_state_dict(torch.load(path))
    assert_same(net.state_dict(), new_net(1).state_dict())
    assert [file.name for file in tmp_path.iterdir()] == ["net.pth"]


@pytest.mark.parametrize("zipped", [True, False], ids=["today's format", "the format of torch 1.5"])
def test_weights_that_the_tutorial_saved_load_from_a_path_and_from_bytes(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "net.pth"
    torch.save(new_net(2).state_dict(), path, _use_new_zipfile_serialization=zipped)
    for source in (path, path.read_bytes()):
        assert_same(load_net(source).state_dict(), new_net(2).state_dict())


def test_weights_that_cannot_be_written_are_one_sentence_and_leave_no_file(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "net.pth"
    with pytest.raises(WeightsError, match=r"could not be written to net\.pth; does the folder exist"):
        save_weights(new_net(0).state_dict(), path)
    assert list(tmp_path.iterdir()) == []


class Malicious:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> Any:
        return Path.touch, (self.trace,)


def refusal(source: Path | bytes) -> str:
    with pytest.raises(WeightsError) as caught:
        load_net(source)
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence.endswith((".", ")."))
    return sentence


def saved(content: Any, path: Path) -> Path:
    torch.save(content, path)
    return path


def changed(**changes: Any) -> dict[str, Any]:
    return {**new_net(0).state_dict(), **changes}


@pytest.mark.parametrize("format", ["torch", "old torch", "pickle"])
def test_nothing_in_a_malicious_file_is_executed(tmp_path: Path, format: str) -> None:
    path, trace = tmp_path / "net.pth", tmp_path / "trace"
    content = changed(**{"conv1.bias": Malicious(trace)})
    if format == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=format == "torch")
    assert "not a weights file that can be read safely" in refusal(path)
    assert "not a weights file that can be read safely" in refusal(path.read_bytes())
    assert not trace.exists()
    if format == "torch":  # the file would have done it
        torch.load(path, weights_only=False)
        assert trace.exists()


@pytest.mark.parametrize("content", [b"", b"hello, these are my weights\n", b"PK\x03\x04 no archive", bytes(1000)])
def test_a_file_that_is_no_weights_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    assert "not a weights file that can be read safely" in refusal(path)
    assert "not a weights file that can be read safely" in refusal(content)


def test_a_cut_weights_file_is_refused(tmp_path: Path) -> None:
    path = saved(new_net(0).state_dict(), tmp_path / "net.pth")
    assert "not a weights file" in refusal(path.read_bytes()[:-5000])


@pytest.mark.parametrize(
    "content", [[torch.zeros(3)], torch.zeros(3), {"epoch": 3}, {"net": new_net(0).state_dict()}, "weights", None]
)
def test_a_file_with_something_else_than_a_state_dict_is_refused(tmp_path: Path, content: Any) -> None:
    assert "holds no state dict" in refusal(saved(content, tmp_path / "net.pth"))


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    one_short = new_net(0).state_dict()
    del one_short["fc3.bias"]
    others: tuple[dict[str, Any], ...] = (
        nn.Linear(3, 4).state_dict(),
        changed(**{"fc3.weight": torch.zeros(100, 84)}),
        changed(extra=torch.zeros(1)),
        one_short,
        {},
    )
    for weights in others:
        assert "belong to another network" in refusal(saved(weights, tmp_path / "net.pth"))


def test_whole_numbers_are_no_weights(tmp_path: Path) -> None:
    for dtype in (torch.int64, torch.uint8, torch.bool):
        path = saved(changed(**{"fc3.bias": torch.zeros(10, dtype=dtype)}), tmp_path / "net.pth")
        assert "not floating-point numbers" in refusal(path)


def test_tensors_without_numbers_in_them_are_refused(tmp_path: Path) -> None:
    path = saved(changed(**{"fc3.bias": torch.zeros(10, device="meta")}), tmp_path / "net.pth")
    assert "not a weights file that can be read safely" in refusal(path)


def test_weights_of_half_precision_become_the_nets_own(tmp_path: Path) -> None:
    halves = {name: weight.half() for name, weight in new_net(0).state_dict().items()}
    net = load_net(saved(halves, tmp_path / "net.pth"))
    assert {weight.dtype for weight in net.parameters()} == {torch.float32}


def test_a_missing_file_and_a_folder_are_refused_with_their_name(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.pth") == "none.pth cannot be read (No such file or directory); check the path."
    assert "cannot be read" in refusal(tmp_path)


def test_a_file_far_too_large_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.pth"
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail("it was read"))
    with open(path, "wb") as file:
        file.truncate(MAX_WEIGHTS_BYTES + 1)
    assert "far too large" in refusal(path)


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused_before_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, small = saved(changed(extra=torch.zeros(MAX_WEIGHTS_BYTES // 4)), tmp_path / "huge.pth"), tmp_path / "net.pth"
    with zipfile.ZipFile(path) as huge, zipfile.ZipFile(small, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in huge.namelist():
            packed.writestr(name, huge.read(name))
    assert small.stat().st_size < MAX_WEIGHTS_BYTES / 10
    assert "belong to another network" in refusal(saved(changed(extra=torch.zeros(1)), path))
    monkeypatch.setattr(torch, "load", lambda *arguments, **options: pytest.fail("it was unpacked"))
    assert "far too large" in refusal(small)


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name
