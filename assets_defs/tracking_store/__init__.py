"""The store behind MLflow as something that can be down, locked, damaged, moved or full.

fault        every foreign exception of the store as one StageError: found, expected, to do
probe        a look before MLflow's own retries, which are silent for minutes
relocation   artifact locations of a project folder that was moved or copied
patience     numbers of a training wait while the store is away
dead_runs    runs whose process is gone are KILLED, not RUNNING for ever
"""
