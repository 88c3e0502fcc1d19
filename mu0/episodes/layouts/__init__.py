"""The three layouts of an episode on disk, read through one view and written from it.

official     TraceExtract's unified arrays: images.npy, depth.npy, samples/*.npy
legacy       one file per frame: images/<video>_<t>.png, depth/, samples/<video>_<t>.npz
traceforge   the same, as TraceForge wrote and TraceGen reads it: a 20 x 20 grid, 400 traces, one mask,
             three_instructions.json, two channels where depth is unknown

kinds          which layout is this folder? all episodes below a folder
view           AbstractEpisodeView: what every reader offers
official, legacy, traceforge   reader and writer of each
frame_files    names of per-frame files and their contents
validate       faults of any layout
convert        from one layout to another, and what is lost on the way
table          one row per episode of a folder
"""
