"""A real but tiny causal model on disk, for tests: random Llama weights and a small BPE.

`make_tiny_model(folder)` takes well under a second after torch is imported.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are tiny<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_CORPUS = (
    "system user assistant you are tiny the quick brown fox jumps over the lazy dog",
    "answer with one of billing login other charged twice reset link dead please route",
    "how many errors per service in the last hour group by endpoint order by count",
)


def make_tiny_tokenizer(folder: Path) -> Any:
    """Train and save a byte-level BPE of 320 tokens with a ChatML template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(_CORPUS, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        unk_token="<|endoftext|>",
        pad_token="<|im_end|>",
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    return tokenizer


def make_tiny_model(folder: Path, seed: int = 0, *, context: int = 512, scale: float = 6.0) -> Path:
    """Save a random 2-layer Llama (hidden 32, 4 heads over 2 key-value heads) in `folder`.

    `scale` multiplies the initial weights, so that answers differ between prompts and
    logits stand clearly apart. Open it with `open_model(f"hf:{folder}")`.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tiny_tokenizer(folder)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
        tie_word_embeddings=False,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.dim() > 1:
                    parameter.mul_(scale)
    model.save_pretrained(folder)
    return folder


def make_tiny_adapter(model_folder: Path, folder: Path, seed: int = 0, scale: float = 0.5) -> Path:
    """Save a random LoRA adapter (rank 4, not zero) for the tiny model."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from evals.models.loading import quiet_transformers

    with quiet_transformers():
        base = AutoModelForCausalLM.from_pretrained(model_folder)
        config = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])
        model = get_peft_model(base, config)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                torch.nn.init.normal_(parameter, std=scale)
    model.save_pretrained(folder)
    return folder


def write_script(path: Path, rules: list[dict[str, str]], default: str = "") -> Path:
    """Write a script file for the scripted model."""
    path.write_text(json.dumps({"rules": rules, "default": default}), encoding="utf-8")
    return path
