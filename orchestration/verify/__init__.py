"""`mu0 verify`: is everything on disk what was recorded?

cache        DVC's cache: where objects lie, whether each still has the bytes of its name
outputs      data, models and reports against dvc.lock, file by file
guard        the same, as little as matters, before and after `mu0 run`
lost         what a failed stage has taken away, and how it comes back
repair       what can be put right without asking: from a good copy, from the cache, from a remote
everything   data and cache as one list of differences (the registry's: orchestration/promotion/examine.py)
"""
