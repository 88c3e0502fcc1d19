"""The same for every test process: one thread per library, and tools that tell nobody anything.

Workers are the parallelism of the suite, and sums over threads may differ in their last bits. The variables
are set before any test module imports torch, NumPy or MLflow; programs that tests start inherit them.
"""

import os
from pathlib import Path

import pytest

ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
SILENT = {"MLFLOW_DISABLE_TELEMETRY": "true", "DVC_NO_ANALYTICS": "1", "GX_ANALYTICS_ENABLED": "False"}

os.environ.update(dict.fromkeys(ONE_THREAD, "1") | SILENT)


@pytest.fixture(scope="session")
def store_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow database with its schema, to be copied instead of migrated."""
    import mlflow

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    return path
