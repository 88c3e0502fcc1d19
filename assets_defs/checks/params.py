"""Section `checks`: limits of the Great Expectations suites (assets_defs/*/expectations.py)."""

from pydantic import Field

from mu0.params.numbers import Count, NonNegative, Positive, Share
from mu0.params.section import Section


class ChecksParams(Section):
    """Limits; critical ones block, the others warn."""

    min_clips: Count = Field(1, description="Readable clips, and episodes made of them.")
    min_clip_ok_share: Share = Field(0.5, description="Clips that could be read, of those found.")
    min_demonstrator_success: Share = Field(
        0.9, description="The scripted demonstrator, simulated UR3 clips."
    )
    min_episode_ok_share: Share = Field(0.5, description="Episodes, of all readable clips.")
    min_coverage: Share = Field(
        0.05, description="Part of a 16x16 grid over the image that points cover; warns."
    )
    max_reprojection_error_px: Positive = Field(4.0, description="Median, nine of ten episodes.")
    max_static_jitter_m: NonNegative = Field(0.01, description="Of points that rest; warns.")
    min_caption_boundary_f1: Share = Field(
        0.75, description="Where events of simulated clips begin, within 3 frames of what really happened."
    )
    min_caption_skill_accuracy: Share = Field(0.85, description="Events with the right skill labels.")
    min_caption_claims_right: Share = Field(0.95, description="Claims of captions about who moves where.")
    min_train_share: Share = Field(0.3, description="Scenes in the training split.")
    min_demonstrations: Count = Field(1, description="Successful episodes of the demonstrator.")
