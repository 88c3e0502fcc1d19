"""Action experts on the frozen μ0: with its trace features, without, and told where the named thing is."""

from assets_defs.graph import Stage
from assets_defs.parts import POLICY, TRAIN, code, command, model
from mu0.params.action_expert import ActionExpertParams

SECTIONS = {"action_expert": ActionExpertParams}

VARIANTS = ("mu0", "no_trace", "grounded")


def _action_experts(embodiment: str) -> Stage:
    """All variants for one robot: one stage, because they share the features of the demonstrations."""
    names = {f"action_expert_{embodiment}_{variant}": variant for variant in VARIANTS}
    return Stage(
        f"action_expert_{embodiment}",
        command=command("action_expert", f"--embodiment {embodiment}"),
        code=code("action_expert", *POLICY, *TRAIN, "mu0/sources"),
        inputs=("demonstrations", "world_model"),
        params=("action_expert",),
        outputs=tuple(
            model(name, "policy", "team:policy", f"Action expert, variant {variant}.")
            for name, variant in names.items()
        ),
        metrics=tuple(f"reports/training/{name}.json" for name in names),
        plots=tuple((f"reports/training/{name}.csv", "step", "loss") for name in names),
    )


STAGES = (_action_experts("ur3"),)
