"""The Arrow tables of a LeRobotDataset v3.0: frames and tasks.

Rules that are easy to get wrong
    - `tasks.parquet` is a pandas table whose index is the task's text, and its metadata must say so;
    - the schema of the frames carries the `huggingface` features;
    - shape-[1] features are plain numbers, vectors are fixed-size lists.
"""

import json
from typing import Any

import numpy as np
import pyarrow as pa

from mu0.sources.lerobot.dataset_v3 import ACTION, STATE

STATE_NAMES = [
    "commanded_x_m", "commanded_y_m", "commanded_z_m", "commanded_yaw_rad", "commanded_gripper",
    "gripper_opening", "x_m", "y_m", "z_m",
]  # fmt: skip
ACTION_NAMES = ["x_m", "y_m", "z_m", "yaw_rad", "gripper"]
COUNTERS = ("frame_index", "episode_index", "index", "task_index")


def data_schema() -> pa.Schema:
    """The Arrow schema of the data files, with the features as Hugging Face `datasets` reads them."""
    vectors = {STATE: len(STATE_NAMES), ACTION: len(ACTION_NAMES)}
    number = {"dtype": "float32", "_type": "Value"}
    features: dict[str, Any] = {
        name: {"feature": number, "length": size, "_type": "List"} for name, size in vectors.items()
    }
    features["timestamp"] = number
    features |= {name: {"dtype": "int64", "_type": "Value"} for name in COUNTERS}
    fields = [pa.field(name, pa.list_(pa.float32(), size)) for name, size in vectors.items()]
    fields += [pa.field("timestamp", pa.float32()), *(pa.field(name, pa.int64()) for name in COUNTERS)]
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": features}})})


def data_table(columns: dict[str, np.ndarray]) -> pa.Table:
    """The frames of one episode: a column of numbers or of vectors per name."""
    schema = data_schema()
    arrays = []
    for item in schema:
        column = columns[item.name]
        if column.ndim == 2:
            flat = pa.array(np.ascontiguousarray(column, np.float32).ravel())
            arrays.append(pa.FixedSizeListArray.from_arrays(flat, column.shape[1]))
        else:
            arrays.append(pa.array(column, item.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def tasks_table(tasks: list[str]) -> pa.Table:
    """The task table: pandas index `task` (the text), column `task_index`."""
    kinds = {"task_index": ("int64", "int64"), "task": ("unicode", "object")}
    columns = [
        {"name": name, "field_name": name, "pandas_type": kind, "numpy_type": numpy, "metadata": None}
        for name, (kind, numpy) in kinds.items()
    ]
    header = {"name": None, "field_name": None, "pandas_type": "unicode", "numpy_type": "object",
              "metadata": {"encoding": "UTF-8"}}  # fmt: skip
    pandas = {"index_columns": ["task"], "column_indexes": [header], "columns": columns}
    table = pa.table(
        {"task_index": pa.array(range(len(tasks)), pa.int64()), "task": pa.array(tasks, pa.string())}
    )
    return table.replace_schema_metadata({"pandas": json.dumps(pandas)})
