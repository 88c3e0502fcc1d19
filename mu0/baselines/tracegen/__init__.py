"""TraceGen, the rival that denoises the increments of a 20 x 20 grid of keypoints in 100 steps."""
