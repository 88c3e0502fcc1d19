"""Records of tensors on another device."""

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import torch

Record = TypeVar("Record")


def on_device(record: Record, device: torch.device) -> Record:
    """The same record with every tensor on `device`, those of records inside it as well.

    Args:
        record: A dataclass whose fields are tensors, records of tensors, or None.
        device: Where they shall be.
    """
    moved: Any = record
    if isinstance(record, torch.Tensor):
        moved = record.to(device)
    elif is_dataclass(record) and not isinstance(record, type):
        moved = replace(
            record, **{field.name: on_device(getattr(record, field.name), device) for field in fields(record)}
        )
    return moved
