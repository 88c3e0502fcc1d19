"""TraceExtract: videos to episodes of 3-D traces; one room per step of the method's figure.

engine           the figure in words: one clip in, one episode out
footage          the frames of a clip that become an episode
reconstruction   depth and camera path
keypoints        where to look: entities, and points on them
tracking         from frame to frame, and into the world
bodies           rigid bodies, and points that ride on them
pixels           tracks of clips without depth
samples          what every anchor frame sees: the rows of an episode
long_clips       windows, and what is handed from one to the next
quality          the verdict on a clip; what was dropped; where it comes from
traceforge       the other mode: a grid of points from every query frame
batch            all clips: workers and the episode cache
captions         what happens, in words: evidence, captioners, files
backends         what backends are, by role and name; weights, licences. Each lies in the room of its step
"""
