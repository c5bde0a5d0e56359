"""The generator that a step is of."""

from actors.generators import GENERATORS, Family
from actors.pool.step import Step


def family_of(step: Step) -> Family:
    """Return the generator family that a train or sample step is configured for."""
    config = step.config["generator"]
    settings = {
        name: {**config[name], **value} if name in config else value
        for name, value in step.settings.get("generator", {}).items()
    }
    return GENERATORS[config["kind"]].model_validate({**config, **settings})


def describe(step: Step) -> str:
    """Return "generator 'x', iteration n", for messages."""
    return f"generator {step.config['source']!r}, iteration {step.config['iteration']}"
