"""Every kind of weights and every variant: trained, killed, proven, attached, detached."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from evals.errors import InfrastructureError, MissingExtraError, ModelError, TrainingError
from evals.models import open_model
from evals.models.adapters import AttachedAdapter, adapter_fingerprint, check_adapter
from evals.models.loading import load_folder
from evals.models.local import LocalModel
from evals.records import Decoding, Request
from evals.suite.tune_weights import WEIGHTS
from tests.tuning.conftest import MakeTask, chained, tickets, tiny_settings
from tests.tuning.killed import die_in
from tuning.data.dataset import encode_examples
from tuning.records import Proof, TrainingRecord
from tuning.training.adaptations import adaptation_of, full, quantised
from tuning.training.adaptations.full import FullWeights, refuse_too_large
from tuning.training.adaptations.principal import balanced
from tuning.training.base import BaseModel
from tuning.training.proofs import Canary, prove
from tuning.training.quiet import quietly
from tuning.training.train import train_adapter
from tuning.training.weights import load_weights

WEIGHTS_FILE = "adapter_model.safetensors"
QLORA = pytest.param(
    {"weights": "qlora"},
    id="qlora",
    marks=pytest.mark.skipif(
        importlib.util.find_spec("bitsandbytes") is None, reason="needs the extra qlora"
    ),
)
LORAS = [{"variant": name} for name in WEIGHTS["lora"].variants if name != "plain"]
# The rate is what makes each learn in a dozen steps of the tiny model.
OTHERS = [
    {"weights": "full", "learning_rate": 1e-2},
    {"weights": "ia3", "learning_rate": 1.0},
    {"weights": "vera", "learning_rate": 0.1},
    {"weights": "loha"},
    {"weights": "lokr"},
    {"weights": "oft", "learning_rate": 0.3},
    {"weights": "miss"},
    {"weights": "shira"},
]


def name_of(changes: Any) -> str:
    return str(changes.get("variant", changes.get("weights")))


EVERY = [*(pytest.param(one, id=name_of(one)) for one in [*LORAS, *OTHERS]), QLORA]


def tensors(record: TrainingRecord) -> dict[str, Any]:
    return dict(load_file(Path(record.adapter_path) / WEIGHTS_FILE))


@pytest.fixture(scope="module")
def trained(make_task: MakeTask, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Train with some settings changed, once each."""
    torch.set_num_threads(1)
    root, found = tmp_path_factory.mktemp("adaptations"), {}

    def train(changes: dict[str, Any]) -> TrainingRecord:
        key = json.dumps(changes)
        if key not in found:
            found[key] = train_adapter(make_task(**changes), root)
        return found[key]

    return train


def ranked(model: LocalModel) -> list[float]:
    """Log-probabilities of three answers, through the engine of the evals."""
    request = Request(tickets(1)[0].messages, ("billing", "login", "other"))
    [batch] = model.plan([request], Decoding())
    [output] = model.run(batch)
    return list(output.logprobs or ())


@pytest.mark.parametrize("changes", EVERY)
def test_each_kind_learns_and_holds_every_proof(trained: Any, changes: dict[str, Any]) -> None:
    record = trained(changes)
    losses = [point.loss for point in record.curve if point.loss is not None]
    assert losses[-1] < losses[0] - 0.5
    assert [proof for proof in record.proofs if not proof.passed] == []


@pytest.mark.parametrize("changes", EVERY)
def test_evaluations_attach_each_kind_and_off_is_the_base_bit_for_bit(
    trained: Any, changes: dict[str, Any], tiny_base: BaseModel
) -> None:
    record = trained(changes)
    model = open_model(tiny_base.name, precision="float32")
    assert isinstance(model, LocalModel)
    inside = model.loaded.model
    before = {name: tensor.clone() for name, tensor in inside.state_dict().items()}
    modules = {name: id(module) for name, module in inside.named_modules()}
    plain = ranked(model)
    for _ in range(2):
        model.use_adapter(record.adapter_path)
        assert model.adapter == record.adapter
        tuned = ranked(model)
        assert max(abs(a - b) for a, b in zip(tuned, plain, strict=True)) > 0.05
        model.use_adapter(None)
    after = inside.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert {name: id(module) for name, module in inside.named_modules()} == modules
    assert ranked(model) == plain


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(one, id=name_of(one))
        for one in [*LORAS, *OTHERS]
        if name_of(one) in ("pissa", "full")
    ]
    + [QLORA],
)
def test_training_killed_midway_ends_with_the_weights_of_an_uninterrupted_one(
    trained: Any, make_task: MakeTask, tmp_path: Path, changes: dict[str, Any]
) -> None:
    task = make_task(**changes)
    die_in(
        "tests.tuning.training.kill_at",
        task.base.folder,
        tmp_path,
        "step",
        7,
        "one",
        json.dumps(changes),
    )
    steps: list[int] = []
    record = train_adapter(task, tmp_path, lambda step, total, loss: steps.append(step))
    assert steps[0] == 5
    whole = tensors(trained(changes))
    assert all(torch.equal(tensor, whole[name]) for name, tensor in tensors(record).items())
    assert record.adapter == trained(changes).adapter
    assert record.curve == trained(changes).curve


@pytest.mark.parametrize("changes", [{"variant": "pissa"}, OTHERS[0]], ids=name_of)
def test_a_second_stage_goes_on_with_the_weights_of_the_first(
    make_task: MakeTask, tmp_path: Path, changes: dict[str, Any]
) -> None:
    record = train_adapter(chained(make_task(**changes)), tmp_path)
    first, second = (
        [point.loss for point in stage.curve if point.loss is not None] for stage in record.stages
    )
    assert abs(second[0] - first[0]) > 0.3
    assert [proof for proof in record.proofs if not proof.passed] == []


# What changes the base, and must not.


@pytest.mark.parametrize("variant", ["pissa", "pissa_niter_16", "olora"])
def test_what_begins_from_the_base_is_the_base_at_first_and_what_peft_begins_with(
    tiny_base: BaseModel, variant: str
) -> None:
    from peft import LoraConfig, get_peft_model

    settings = tiny_settings(variant=variant, dropout=0.0)
    ids = torch.tensor([[5, 9, 13, 7]])
    with quietly(), torch.no_grad():
        base = load_folder(tiny_base.folder, "float32").model
        base.set_attn_implementation(settings.attention)
        plain = base(input_ids=ids).logits
        adaptation = adaptation_of(settings)
        ours = adaptation.open(tiny_base, settings, "CAUSAL_LM").eval()
        assert torch.allclose(ours(input_ids=ids).logits, plain, atol=1e-4)
        with adaptation.off(ours):
            assert torch.equal(ours(input_ids=ids).logits, plain)
        config = LoraConfig(
            r=settings.rank,
            lora_alpha=settings.alpha,
            init_lora_weights=variant,
            target_modules="all-linear",
        )
        theirs = get_peft_model(base, config).state_dict()
    found = ours.state_dict()
    name = "base_model.model.model.layers.1.mlp.down_proj.lora_{}.default.weight"
    their_b, their_a = theirs[name.format("B")], theirs[name.format("A")]
    our_b, our_a = found[name.format("B")], found[name.format("A")]
    rank = settings.rank
    begun = our_b[:, :rank] @ our_a[:rank]
    assert torch.allclose(our_b[:, rank:] @ our_a[rank:], -begun)
    if variant != "pissa_niter_16":  # which is drawn at random, and not exact
        assert torch.allclose(begun, their_b @ their_a, atol=1e-4)


def test_only_the_first_half_of_the_factors_is_trained_and_counted(
    make_task: MakeTask, tmp_path: Path, trained: Any
) -> None:
    settings = tiny_settings(variant="pissa", epochs=0.5)
    task = make_task(variant="pissa")
    adaptation = adaptation_of(settings)
    with quietly():
        model = adaptation.open(task.base, settings, "CAUSAL_LM")
    before = {name: tensor.clone() for name, tensor in adaptation.state(model).items()}
    ids = torch.tensor([[5, 9, 13, 7]])
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=0.1, weight_decay=0.0)
    for _ in range(3):
        optimiser.zero_grad()
        model(input_ids=ids, labels=ids).loss.backward()
        optimiser.step()
    for name, tensor in adaptation.state(model).items():
        first, second = tensor.chunk(2, 0 if "lora_A" in name else 1)
        was, frozen = before[name].chunk(2, 0 if "lora_A" in name else 1)
        assert torch.equal(second, frozen), name
        assert not torch.equal(first, was), name
    plain = trained({"weights": "lora"})
    assert trained({"variant": "pissa"}).trained_parameters == plain.trained_parameters


def test_published_factors_have_the_same_product_and_survive_rounding() -> None:
    generator = torch.Generator().manual_seed(3)

    def draw(*shape: int) -> Any:
        return torch.randn(*shape, generator=generator)

    a, b = 3 * draw(4, 32), 3 * draw(24, 4)
    near_a, near_b = a + 1e-3 * draw(4, 32), b + 1e-3 * draw(24, 4)
    kept = {
        "x.lora_A.weight": torch.cat([near_a, -a]),
        "x.lora_B.weight": torch.cat([near_b, b], 1),
    }
    new = balanced(kept)

    def product(tensors: dict[str, Any]) -> Any:
        return tensors["x.lora_B.weight"] @ tensors["x.lora_A.weight"]

    exact = (near_b.double() @ near_a.double() - b.double() @ a.double()).float()

    def error(tensors: dict[str, Any]) -> float:
        rounded = {name: tensor.bfloat16().float() for name, tensor in tensors.items()}
        return float((product(rounded) - exact).norm() / exact.norm())

    assert torch.allclose(product(new), exact, atol=1e-5)
    assert error(new) < 0.01
    assert error(kept) > 1  # what was learnt would be lost


def test_a_rank_greater_than_a_layer_has_is_one_clear_error(tiny_base: BaseModel) -> None:
    settings = tiny_settings(variant="pissa", rank=17, alpha=34)
    with quietly(), pytest.raises(TrainingError, match=r"of rank 17: .*k_proj has 16") as caught:
        adaptation_of(settings).open(tiny_base, settings, "CAUSAL_LM")
    assert caught.value.key == "tune.rank"


# All weights.


def canaries(base: BaseModel) -> list[Canary]:
    examples = tickets(3)
    encoded = encode_examples(base.tokenizer, examples)
    return [Canary(e.messages, ids) for e, ids in zip(examples, encoded, strict=True)]


def failing(
    base: BaseModel, changes: dict[str, Any], folder: Path, tmp_path: Path, what: Any
) -> set[str]:
    """Which proofs fail of an adapter whose published tensors `what` changes."""
    settings = tiny_settings(**changes)
    adaptation = adaptation_of(settings)
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    (copy / "adapter.json").unlink()
    with quietly():
        model = adaptation.open(base, settings, "CAUSAL_LM")
        load_weights(adaptation, model, folder / WEIGHTS_FILE)
        found = load_file(copy / WEIGHTS_FILE)
        what(found)
        save_file(found, copy / WEIGHTS_FILE, metadata={"format": "pt"})
        proofs = prove(
            adaptation.judged(model, base, settings),
            copy,
            base,
            "float32",
            canaries=canaries(base),
            adaptation=adaptation,
            learnt=Proof("learnt", True, ""),
        )
    return {proof.name for proof in proofs if not proof.passed}


BROKEN = [OTHERS[0], *OTHERS[1:4], {"variant": "dora"}]


@pytest.mark.parametrize("changes", BROKEN, ids=name_of)
def test_a_sound_one_passes_and_other_weights_on_disk_than_in_memory_do_not(
    trained: Any, tiny_base: BaseModel, tmp_path: Path, changes: dict[str, Any]
) -> None:
    def double(found: dict[str, Any]) -> None:
        for name in sorted(found):
            if found[name].is_floating_point():
                found[name] *= 2

    folder = Path(trained(changes).adapter_path)
    sound = failing(tiny_base, changes, folder, tmp_path / "sound", lambda found: None)
    assert sound == set()
    broken = failing(tiny_base, changes, folder, tmp_path / "broken", double)
    assert "reloads to the same outputs" in broken


UNTRAINED = {"full": 0.0, "ia3": 1.0, "vera": 0.0, "oft": 0.0, "miss": 0.0, "shira": 0.0}


@pytest.mark.parametrize("kind", UNTRAINED)
def test_one_as_before_training_and_one_with_nan_are_refused(
    trained: Any, tiny_base: BaseModel, tmp_path: Path, kind: str
) -> None:
    changes = next(one for one in OTHERS if one["weights"] == kind)
    copy = Path(shutil.copytree(trained(changes).adapter_path, tmp_path / "copy"))
    (copy / "adapter.json").unlink()
    found = load_file(copy / WEIGHTS_FILE)
    part = {"vera": "lambda_b", "ia3": "ia3_l"}.get(kind, "")
    for name, tensor in found.items():
        if part in name and tensor.is_floating_point():
            tensor.fill_(UNTRAINED[kind])
    save_file(found, copy / WEIGHTS_FILE)
    with pytest.raises(ModelError, match="changes nothing"):
        check_adapter(copy, tiny_base.weights_hash, tiny_base.template_hash)
    found[sorted(found)[-1]].view(-1)[0] = torch.nan
    save_file(found, copy / WEIGHTS_FILE)
    with pytest.raises(ModelError, match="not finite"):
        check_adapter(copy, tiny_base.weights_hash, tiny_base.template_hash)


def test_a_rank_that_would_fill_memory_is_refused_before_anything_is_made_of_it(
    trained: Any, tiny_base: BaseModel, tmp_path: Path
) -> None:
    changes = next(one for one in OTHERS if one["weights"] == "vera")
    copy = Path(shutil.copytree(trained(changes).adapter_path, tmp_path / "copy"))
    config = json.loads((copy / "adapter_config.json").read_text())
    (copy / "adapter_config.json").write_text(json.dumps(config | {"r": 10**9}))
    with pytest.raises(ModelError, match="may not fit in memory"):
        check_adapter(copy, tiny_base.weights_hash, tiny_base.template_hash)


def test_whole_weights_of_another_shape_or_base_are_refused_and_the_base_stays(
    trained: Any, tiny_base: BaseModel, tmp_path: Path
) -> None:
    folder = Path(trained(OTHERS[0]).adapter_path)
    with pytest.raises(ModelError, match="another base model"):
        check_adapter(folder, "0" * 16, tiny_base.template_hash)
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    found = load_file(copy / WEIGHTS_FILE)
    found["model.norm.weight"] = found["model.norm.weight"][:-1].contiguous()
    save_file(found, copy / WEIGHTS_FILE)
    model = load_folder(tiny_base.folder, "float32").model
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(ModelError, match="its shape is"):
        AttachedAdapter(model).attach(copy, "float32")
    del found["model.norm.weight"]
    save_file(found, copy / WEIGHTS_FILE)
    with pytest.raises(ModelError, match="lacks 1"):
        AttachedAdapter(model).attach(copy, "float32")
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in before.items())


def test_tied_embeddings_are_kept_once_and_stay_tied(tmp_path: Path, make_task: MakeTask) -> None:
    from transformers import AutoModelForCausalLM

    from tests.tiny_model import make_tiny_model
    from tuning.training.base import open_base

    with quietly():
        folder = make_tiny_model(tmp_path / "tied")
        model = AutoModelForCausalLM.from_pretrained(folder)
        model.config.tie_word_embeddings = True
        model.tie_weights()
        model.save_pretrained(folder)
    base = open_base(f"hf:{folder}")
    settings = tiny_settings(weights="full", learning_rate=1e-2, epochs=6.0)
    from tuning.training.task import Task

    record = train_adapter(Task("tickets", "terse", base, tickets(40), settings), tmp_path / "a")
    assert "lm_head.weight" not in tensors(record)
    assert [proof for proof in record.proofs if not proof.passed] == []
    opened = open_model(base.name, precision="float32")
    assert isinstance(opened, LocalModel)
    opened.use_adapter(record.adapter_path)
    inside = opened.loaded.model
    assert inside.lm_head.weight is inside.model.embed_tokens.weight
    assert torch.equal(inside.lm_head.weight, tensors(record)["model.embed_tokens.weight"])


def test_a_base_whose_training_does_not_fit_is_refused_with_the_numbers(
    tiny_base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = sum(
        tensor.numel() for tensor in load_file(tiny_base.folder / "model.safetensors").values()
    )
    refuse_too_large(tiny_base.folder, 16 * count)
    with pytest.raises(InfrastructureError, match="needs at least"):
        refuse_too_large(tiny_base.folder, 16 * count - 1)
    monkeypatch.setattr(full, "free_bytes", lambda: 1000)
    with pytest.raises(InfrastructureError, match=r"tune\.weights: lora"):
        FullWeights().open(tiny_base, tiny_settings(weights="full"), "CAUSAL_LM")


def test_full_training_holds_float32_weights_whatever_it_computes_in(
    make_task: MakeTask, tmp_path: Path
) -> None:
    task = make_task(weights="full", learning_rate=1e-2, precision="bfloat16")
    record = train_adapter(task, tmp_path)
    assert {tensor.dtype for tensor in tensors(record).values()} == {torch.float32}
    assert [proof.name for proof in record.proofs if not proof.passed] == []


# Fingerprints.


def test_a_plain_adapters_fingerprint_is_what_it_was_and_settings_of_variants_change_it(
    tmp_path: Path,
) -> None:
    save_file({"x.lora_A.weight": torch.ones(2, 2)}, tmp_path / WEIGHTS_FILE)
    plain = {
        "peft_type": "LORA",
        "r": 2,
        "lora_alpha": 4,
        "use_rslora": False,
        "target_modules": ["v_proj", "q_proj"],
        "use_dora": False,
        "alpha_pattern": {},
        "base_model_name_or_path": "hf:tiny",
        "lora_dropout": 0.1,
    }

    def fingerprint(**changes: Any) -> str:
        (tmp_path / "adapter_config.json").write_text(json.dumps(plain | changes))
        return adapter_fingerprint(tmp_path)

    assert fingerprint() == "4b630773923799f0"
    assert fingerprint(target_modules=["q_proj", "v_proj"], lora_dropout=0.0) == fingerprint()
    changed = [
        fingerprint(use_dora=True),
        fingerprint(use_rslora=True),
        fingerprint(alpha_pattern={"q_proj": 8}),
        fingerprint(peft_type="VERA"),
        fingerprint(peft_type="VERA", projection_prng_key=1),
    ]
    assert len({fingerprint(), *changed}) == 6


def test_records_name_settings_of_adapters_only_where_the_weights_have_them() -> None:
    named = set(tiny_settings().as_dict())
    assert {"rank", "alpha", "dropout", "variant"} <= named
    assert named - set(tiny_settings(weights="full").as_dict()) == {
        "rank", "alpha", "dropout", "variant",
    }  # fmt: skip
    assert "rank" in tiny_settings(weights="vera").as_dict()


def test_qlora_without_bitsandbytes_names_what_to_install(
    tiny_base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantised.importlib.util, "find_spec", lambda name: None)
    settings = tiny_settings(weights="qlora")
    with pytest.raises(MissingExtraError, match=r"pip install 'tunegate\[qlora\]'"):
        adaptation_of(settings).open(tiny_base, settings, "CAUSAL_LM")
