"""The kinds of numbers in params.yaml: each has a lowest and a highest value, and no slip of a key passes.

Sections are strict and finite (mu0/params/section.py): a truth value, a quoted number or 2.5 is no count,
infinity and NaN are no numbers. The highest values are far beyond what anyone needs, below what breaks.
"""

from typing import Annotated

from pydantic import Field

Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
Index = Annotated[int, Field(ge=0, le=1_000_000_000)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]  # what numpy and torch both take
Workers = Annotated[int, Field(ge=1, le=256)]  # processes, or requests at a time
SidePx = Annotated[int, Field(ge=8, le=8192)]  # of a picture
Samples = Annotated[int, Field(ge=1, le=256)]  # futures of one question

Positive = Annotated[float, Field(gt=0, le=1e9)]
NonNegative = Annotated[float, Field(ge=0, le=1e9)]
LearningRate = Annotated[float, Field(gt=0, le=10)]
Share = Annotated[float, Field(ge=0, le=1)]
PositiveShare = Annotated[float, Field(gt=0, le=1)]
