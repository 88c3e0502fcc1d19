"""Every error a user of mu0 can meet: what was found, what was expected, what to do.

Mu0Error
  ParamsError            params.yaml is wrong; nothing has run yet
  SourceError            a video, clip or dataset cannot be read; the others go on
  EpisodeError           an episode folder breaks the TraceExtract format
  ExtractionError        one clip could not become an episode; the others go on
  WeightsError           a learned backend's weights or code are not here; nothing was extracted
  CaptionError           events cannot be put into words as asked
  DatasetError           episodes do not make a training set
  CheckpointError        a saved model is missing, damaged or does not match
  PredictionError        a prediction was asked for with unusable input
  SimulationError        the simulator or its renderer cannot run here
  PolicyError            a policy cannot be trained or rolled out as asked
  StageError             a pipeline stage lacks its inputs or failed
  CheckFailedError       data broke a critical expectation; what depends on it must not run
  PromotionError         a model did not pass its gates
  PlaceError             a file or folder that a command or a stage needs cannot be read or written
"""


class Mu0Error(Exception):
    """Base of all errors that are meant for people.

    Args:
        found: What was found, with the value and its place.
        expected: What should have been there.
        remedy: What the reader can do about it.
    """

    def __init__(self, found: str, *, expected: str, remedy: str) -> None:
        found = found.encode(errors="backslashreplace").decode()  # names of files may be no text at all
        self.found = found
        self.expected = expected
        self.remedy = remedy
        super().__init__(f"{found}\n  expected: {expected}\n  to do:    {remedy}")

    def __reduce__(self) -> tuple[object, ...]:
        # worker processes send their errors home by pickling them; keyword-only arguments need help
        return (_rebuild, (type(self), self.found, self.expected, self.remedy))


def _rebuild(kind: type[Mu0Error], found: str, expected: str, remedy: str) -> Mu0Error:
    return kind(found, expected=expected, remedy=remedy)


class ParamsError(Mu0Error):
    """params.yaml is wrong; nothing has run yet."""


class SourceError(Mu0Error):
    """A video, clip or dataset cannot be read; the others go on."""


class EpisodeError(Mu0Error):
    """An episode folder breaks the TraceExtract format."""


class ExtractionError(Mu0Error):
    """One clip could not become an episode; the others go on."""


class WeightsError(Mu0Error):
    """The weights or the code of a learned backend are not here, damaged, or of another family."""


class CaptionError(Mu0Error):
    """Events cannot be put into words as asked: a wrong key, a missing model, or no answer at all."""


class DatasetError(Mu0Error):
    """Episodes do not make a training set."""


class CheckpointError(Mu0Error):
    """A saved model is missing, damaged or does not match the code or config."""


class PredictionError(Mu0Error):
    """A prediction was asked for with unusable input."""


class SimulationError(Mu0Error):
    """The simulator or its renderer cannot run on this machine."""


class PolicyError(Mu0Error):
    """A policy cannot be trained or rolled out as asked."""


class StageError(Mu0Error):
    """A pipeline stage lacks its inputs or failed."""


class CheckFailedError(Mu0Error):
    """Data broke a critical expectation; what depends on it must not run."""


class PromotionError(Mu0Error):
    """A model did not pass its gates."""


class PlaceError(Mu0Error):
    """A file or folder that a command or a stage needs cannot be read or written."""
