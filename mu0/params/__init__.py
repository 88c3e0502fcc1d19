"""params.yaml, typed and checked: one frozen section per stage; unknown keys are errors.

A stage calls `load_params().<section>`; functions below receive plain values or their section.
"""

from mu0.params.load import Params, load_params, params_path

__all__ = ["Params", "load_params", "params_path"]
