"""The report: one page that shows the chain with its numbers, the traces in 3D and the rollouts.

Everything it shows is read from artifacts of the chain; a number that an artifact does not hold is not shown.
The page says on top at which scale it was made, so that nobody takes a smoke run for a result.

Entry points
    write_report   folders of artifacts -> one self-contained HTML file
"""

from collections.abc import Callable
from pathlib import Path

from mu0.viewer.page import text, write_page
from mu0.viewer.report import chain, quality, rollouts, traces
from mu0.viewer.report.page import Page, Shown

Section = Callable[[Shown, Page], None]
SECTIONS: tuple[Section, ...] = (
    chain.hero,
    chain.chain,
    traces.predictions,
    traces.benchmark,
    traces.extraction,
    quality.quality,
    rollouts.rollouts,
)
FOOTER = (
    "Made by <code>mu0 run</code>. Page, pictures, videos and scenes are one file; nothing is fetched. "
    "Simulated results say nothing about real robots, and models of this size nothing about the paper’s."
)


def write_report(shown: Shown, goal: Path) -> None:
    """Collect all artifacts of a chain into one page.

    Args:
        shown: Where they are.
        goal: The HTML file.

    Raises:
        StageError: An artifact is missing or damaged.
    """
    page = Page()
    for section in SECTIONS:
        section(shown, page)
    hero, *rest = page.parts
    body = f"{hero}<main>{''.join(rest)}<footer>{FOOTER}</footer></main>"
    write_page(goal, f"mu0 report: {text(shown.title)}", body, page.scenes)
