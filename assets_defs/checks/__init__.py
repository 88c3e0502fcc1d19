"""`python -m assets_defs.checks ARTIFACT`: all suites of one artifact in one process (GX imports slowly).

Severity `critical` blocks everything that depends on the artifact, `warning` is shown and lets it pass.
"""
