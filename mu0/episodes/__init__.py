"""Episodes: the official TraceExtract folder, read, written, validated and listed bit for bit.

arrays      Samples, EpisodeArrays: what an episode holds in memory
retiming    Retiming: clock time and track identity of every re-timed step
sidecar     Sidecar: mu0.json, everything that the official format forgets
read        read_episode, list_episodes, Episode
write       write_episode
validate    validate_episode, Violation
movement    movement_statistics
"""
