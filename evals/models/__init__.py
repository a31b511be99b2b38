"""Models: opened by name, behind one small protocol.

`open_model` imports torch only for a local model, when it is opened.
"""

from evals.models.embedded import EmbeddedStatus, embedded_status, fetch_embedded
from evals.models.names import (
    DEFAULT_MODEL,
    AvailableModel,
    available_models,
    check_model_name,
    model_folder,
    open_model,
)
from evals.models.protocol import AdaptableModel, Batch, Model
from evals.models.scripted import Rule, ScriptedModel

__all__ = [
    "DEFAULT_MODEL",
    "AdaptableModel",
    "AvailableModel",
    "Batch",
    "EmbeddedStatus",
    "Model",
    "Rule",
    "ScriptedModel",
    "available_models",
    "check_model_name",
    "embedded_status",
    "fetch_embedded",
    "model_folder",
    "open_model",
]
