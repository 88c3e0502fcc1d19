"""mu0: from videos to a working robot policy, reproducibly.

errors, params, files, records, interfaces   what everybody shares
geometry       cameras, rigid motion, B-splines, arc length
episodes       the TraceExtract episode: read, write, validate
sources        where videos come from
envs           simulated worlds: UR3 tabletop, hand, rendering
traceextract   video -> 3D traces, events, captions
dataset        episodes -> training windows, statistics, splits
model          the μ0 world model
baselines      what it has to beat
training       one loop, checkpoints, tracking
policy         action experts on the frozen μ0
evaluation     metrics with intervals, protocols
viewer         overlays, HTML scenes, the report
inference      questions to a trained model
serving        models behind an endpoint
cli            the commands of the library
"""
