"""Deterministic futures as samples: the same future in every sample, certain to belong to the event."""

import numpy as np
from jaxtyping import Float

from mu0.records import TraceSamples


def repeat_samples(future_uvz: Float[np.ndarray, "q step 3"], n_samples: int) -> TraceSamples:
    """`n_samples` equal samples; no model noise, so best-of-S equals top-1."""
    uvz = np.repeat(future_uvz[None], n_samples, axis=0)
    return TraceSamples(uvz=uvz, valid_probability=np.ones(uvz.shape[:3]))
