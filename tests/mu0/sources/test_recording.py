"""Recording by several processes is recording, only sooner."""

from pathlib import Path

import pytest

from mu0.files import sha256_of_tree
from mu0.params.raw_videos import SimulatedSource
from mu0.sources.recording import record_source


@pytest.mark.slow
def test_the_number_of_workers_changes_no_byte_of_a_clip(tmp_path: Path) -> None:
    params = SimulatedSource(kind="simulated", embodiment="human_hand", n_clips=2, image_size_px=32)
    one, two = (
        [sha256_of_tree(entry) for entry, _ in record_source("hand", params, tmp_path / str(n), workers=n)]
        for n in (1, 2)
    )
    assert one == two
    assert one[0] != one[1]
