"""The Arrow tables of a LeRobotDataset: frames and tasks.

Rules that are easy to get wrong
    - `tasks.parquet` is a pandas table whose index is the task's text, and its metadata must say so;
    - the schema of the frames carries the `huggingface` features;
    - shape-[1] features are plain values, vectors are fixed-size lists;
    - time stamp and counters come last, and videos have no column.
"""

import json
from typing import Any

import numpy as np
import pyarrow as pa

COUNTERS = ("frame_index", "episode_index", "index", "task_index")
BOOKKEEPING = ("timestamp", *COUNTERS)


def bookkeeping_features() -> dict[str, Any]:
    """The five features that every dataset ends with."""
    features: dict[str, Any] = {"timestamp": {"dtype": "float32", "shape": [1], "names": None}}
    return features | {name: {"dtype": "int64", "shape": [1], "names": None} for name in COUNTERS}


def data_schema(features: dict[str, Any]) -> pa.Schema:
    """The Arrow schema of the data files, with the features as Hugging Face `datasets` reads them.

    Args:
        features: As in meta/info.json; those of cameras and of bookkeeping are left aside.
    """
    fields, told = [], {}
    for name, feature in (columns_of(features) | bookkeeping_features()).items():
        kind, size = pa.type_for_alias(feature["dtype"]), int(np.prod(feature["shape"]))
        value = {"dtype": feature["dtype"], "_type": "Value"}
        is_vector = feature["shape"] != [1]
        fields.append(pa.field(name, pa.list_(kind, size) if is_vector else kind))
        told[name] = {"feature": value, "length": size, "_type": "List"} if is_vector else value
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": told}})})


def columns_of(features: dict[str, Any]) -> dict[str, Any]:
    """The features that are columns of the data files, without time stamp and counters."""
    return {
        name: feature
        for name, feature in features.items()
        if feature["dtype"] not in {"video", "image"} and name not in BOOKKEEPING
    }


def data_table(columns: dict[str, np.ndarray], schema: pa.Schema) -> pa.Table:
    """The frames of one episode: a column of values (t,) or of vectors (t, n) per field of the schema."""
    arrays = []
    for item in schema:
        column = columns[item.name]
        if pa.types.is_fixed_size_list(item.type):
            flat = np.ascontiguousarray(column, item.type.value_type.to_pandas_dtype()).ravel()
            arrays.append(pa.FixedSizeListArray.from_arrays(pa.array(flat), item.type.list_size))
        else:
            arrays.append(pa.array(column.reshape(-1), item.type))
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
