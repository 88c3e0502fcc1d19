"""Reading params.yaml, with one readable message for everything that is wrong in it."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from mu0.errors import ParamsError
from mu0.params.action_expert import ActionExpertParams, DemonstrationsParams, Ur3ReportParams
from mu0.params.benchmark import BenchmarkParams
from mu0.params.checks import ChecksParams
from mu0.params.extract import CaptionsParams, ExtractParams, TraceAuditParams
from mu0.params.promotion import PromotionParams
from mu0.params.raw_videos import RawVideosParams
from mu0.params.rivals import ApiVlmParams, TokenVlmParams, TraceGenParams
from mu0.params.section import Section
from mu0.params.world_model import TraceDatasetParams, TraceReportParams, WorldModelParams
from mu0.params.yaml_lines import describe_faults, read_yaml

params_path = Path("params.yaml")


class Params(Section):
    """All of params.yaml."""

    profile: str
    raw_videos: RawVideosParams
    extract: ExtractParams
    trace_audit: TraceAuditParams
    captions: CaptionsParams
    trace_dataset: TraceDatasetParams
    world_model: WorldModelParams
    trace_report: TraceReportParams
    demonstrations: DemonstrationsParams
    action_expert: ActionExpertParams
    ur3_report: Ur3ReportParams
    checks: ChecksParams
    promotion: PromotionParams
    benchmark: BenchmarkParams = BenchmarkParams()
    token_vlm: TokenVlmParams = TokenVlmParams()
    api_vlm: ApiVlmParams = ApiVlmParams()
    tracegen: TraceGenParams = TraceGenParams()


def load_params(path: Path = params_path) -> Params:
    """Read and check params.yaml.

    Raises:
        ParamsError: The file is missing, is no YAML, or holds unknown keys, wrong types or impossible values;
            the message lists every fault as `section.key  what is wrong`.
    """
    try:
        document = read_yaml(path.read_bytes())
    except FileNotFoundError:
        raise ParamsError(
            f"There is no {path} in {Path.cwd()}.",
            expected="the project's params.yaml in the current folder",
            remedy="change to the project folder, or create it with `mu0 profile use small`.",
        ) from None
    except OSError as error:
        raise ParamsError(
            f"{path} cannot be read: {error.strerror}.",
            expected="a text file",
            remedy="check what it is, and its permissions.",
        ) from error
    except yaml.YAMLError as error:
        raise ParamsError(
            f"{path} is not valid YAML: {error}.", expected="YAML", remedy="correct the line named above."
        ) from error
    try:
        return Params.model_validate(document.content)
    except ValidationError as error:
        raise ParamsError(
            f"{path} has {error.error_count()} fault(s):\n{describe_faults(error, document)}",
            expected="the keys and types described in mu0/params/",
            remedy="correct these lines, or start again with `mu0 profile use small`.",
        ) from None
