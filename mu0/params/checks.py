"""Section `checks`: limits of the Great Expectations suites."""

from mu0.params.section import Section


class ChecksParams(Section):
    """Limits; critical ones block, the others warn."""

    min_clips: int = 1
