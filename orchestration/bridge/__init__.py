"""The bridge between DVC and Dagster: one graph, two drivers, one version of every artifact.

DVC computes, hashes and caches; Dagster schedules, checks and shows. The bridge keeps both truthful:

    asset body     runs `dvc repro --single-item STAGE` and returns the md5 from dvc.lock as data version
    code version   hash of command, code md5s and params: new exactly when `dvc status` says changed
    deps/params
    sync           after a `dvc repro` in a shell, reports what dvc.lock holds and lies here, without a run

Modules
    project.py     where the pipeline lives, and reading its files
    lock.py        dvc.lock, typed
    versions.py    code versions, now and as locked
    execution.py   running one stage, streaming its output
    assets.py      stages -> Dagster assets
    checks.py      check stages -> blocking asset checks
    presence.py    whether what dvc.lock records lies on this disk
    verdicts.py    which report of a check is about what is here now
    metadata.py    numbers, figures and links shown beside a materialisation
    event_tags.py  the only use of Dagster's private tag names
    sync.py        dvc.lock -> Dagster events

It knows nothing of robots: give it another `Pipeline` and root and it drives that project.
"""
