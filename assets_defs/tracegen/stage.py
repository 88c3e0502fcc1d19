"""Stage `tracegen`: train TraceGen on the trace dataset; write checkpoint and metrics."""

from assets_defs.entry import run_stage
from assets_defs.rival_training import CAPTIONS, DATASET, EPISODES, seconds_of, train_and_save
from assets_defs.sections import section
from mu0.baselines.tracegen.checkpoint import save_tracegen
from mu0.baselines.tracegen.config import preset
from mu0.params.rivals import TraceGenParams
from mu0.training.tracegen import build_tracegen, open_windows, tracegen_key


def main() -> None:
    """Train (or go on with) the TraceGen of params.yaml."""
    params = section("tracegen", TraceGenParams)
    config = preset(params.preset)
    windows = open_windows(DATASET, EPISODES, CAPTIONS, config, params.train)
    model = build_tracegen(config, windows["train"], params.train.seed)
    key = tracegen_key(model.config, params.train, DATASET, seconds_of(params))
    train_and_save("tracegen", params, model, windows, key, save_tracegen)


if __name__ == "__main__":
    run_stage(main)
