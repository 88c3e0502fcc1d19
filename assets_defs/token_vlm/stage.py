"""Stage `token_vlm`: train the tokenised VLM on the trace dataset; write checkpoint and metrics."""

from assets_defs.entry import run_stage
from assets_defs.rival_training import CAPTIONS, DATASET, EPISODES, seconds_of, train_and_save
from assets_defs.sections import section
from mu0.baselines.token_vlm.checkpoint import save_token_vlm
from mu0.baselines.token_vlm.config import preset
from mu0.params.rivals import TokenVlmParams
from mu0.training.token_vlm import build_token_vlm, token_vlm_key
from mu0.training.world_model import open_windows


def main() -> None:
    """Train (or go on with) the tokenised VLM of params.yaml."""
    params = section("token_vlm", TokenVlmParams)
    config = preset(params.preset, **params.model_dump(exclude={"preset", "train", "train_s"}))
    windows = open_windows(DATASET, EPISODES, CAPTIONS, config.backbone, params.train)
    model = build_token_vlm(config, windows["train"], params.train.seed)
    key = token_vlm_key(config, params.train, DATASET, seconds_of(params))
    train_and_save("token_vlm", params, model, windows, key, save_token_vlm)


if __name__ == "__main__":
    run_stage(main)
