"""The files of an RLDS dataset: which TFRecord shards there should be, and how many episodes in each.

`dataset_info.json`, as TensorFlow Datasets writes it, names per split the number of episodes of each shard
and a template for the shards' names. Protobuf's JSON writes 64-bit numbers as strings, so both are read.

    {"name": "droid_101", "fileFormat": "tfrecord",
     "splits": [{"name": "train", "shardLengths": ["1", "2"],
                 "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"}]}

Source: tensorflow_datasets/core/naming.py (ShardedFileTemplate).
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mu0.errors import SourceError
from mu0.files import inside
from mu0.sources.item import require_folder
from mu0.text_files import load_json

INFO_NAME = "dataset_info.json"
DEFAULT_TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
SHARD_DIGITS = 5


@dataclass(frozen=True)
class Shard:
    """One TFRecord file: its number, where it should lie, and how many episodes it should hold."""

    index: int
    path: Path
    n_episodes: int


def find_info(folder: Path) -> Path:
    """`dataset_info.json` in `folder`, or in its only version folder such as `1.0.1/`.

    Raises:
        SourceError: There is none, or several versions lie side by side.
    """
    require_folder(folder, "an RLDS dataset: dataset_info.json and TFRecord shards")
    if (folder / INFO_NAME).is_file():
        return folder / INFO_NAME
    found = sorted([*folder.glob(f"*/{INFO_NAME}"), *folder.glob(f"*/*/{INFO_NAME}")])
    if len(found) == 1:
        return inside(folder, found[0].relative_to(folder).as_posix())
    raise SourceError(
        f"{folder} holds {len(found)} files {INFO_NAME}"
        + (f": {', '.join(str(path.parent.relative_to(folder)) for path in found)}." if found else "."),
        expected="one RLDS dataset: dataset_info.json beside its TFRecord shards",
        remedy="name the folder of one version in params.yaml, such as `folder: droid/1.0.1`.",
    )


def list_shards(info_path: Path, split: str) -> list[Shard]:
    """The shards of a split, as the metadata promise them; whether they exist is not looked at.

    Raises:
        SourceError: The metadata are damaged, lack the split, or name files outside the dataset's folder.
    """
    info = _read(info_path)
    try:
        splits = {str(entry["name"]): entry for entry in info.get("splits", [])}
        if split not in splits:
            raise SourceError(
                f"{info_path} has no split {split!r}; it has {', '.join(sorted(splits)) or 'none'}.",
                expected=f"the split {split!r}",
                remedy="download the complete metadata of the dataset.",
            )
        lengths = [int(length) for length in splits[split]["shardLengths"]]
        template = str(splits[split].get("filepathTemplate") or DEFAULT_TEMPLATE)
        variables = {
            "DATASET": str(info["name"]),
            "SPLIT": split,
            "FILEFORMAT": str(info.get("fileFormat") or "tfrecord"),
            "NUM_SHARDS": f"{len(lengths):0{SHARD_DIGITS}d}",
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(info_path, repr(error)) from error
    shards = []
    for index, n_episodes in enumerate(lengths):
        number = f"{index:0{SHARD_DIGITS}d}"
        own = {"SHARD_INDEX": number, "SHARD_X_OF_Y": f"{number}-of-{variables['NUM_SHARDS']}"}
        name = _filled(info_path, template, variables | own)
        shards.append(Shard(index, inside(info_path.parent, name), n_episodes))
    return shards


def _filled(info_path: Path, template: str, variables: dict[str, str]) -> str:
    """The template with its variables; not `str.format`, which would let data reach into objects."""
    unknown = sorted(set(re.findall(r"\{([^}]*)\}", template)) - set(variables))
    if unknown:
        raise _damaged(info_path, f"filepathTemplate has the unknown variables {', '.join(unknown)}")
    return re.sub(r"\{([^}]*)\}", lambda match: variables[match[1]], template)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = load_json(path)
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(content, dict):
        raise _damaged(path, f"it holds a {type(content).__name__}")
    return content


def _damaged(path: Path, what: str) -> SourceError:
    return SourceError(
        f"{path} does not describe an RLDS dataset: {what}.",
        expected="JSON with name and splits, each with name, shardLengths and filepathTemplate",
        remedy="download the file again.",
    )
