"""The tags with which Dagster marks data versions and provenance; its private names live only here.

Dagster compares an asset with its inputs by event: `input_event_pointer` is the storage id of the
input's event
that was used, and 0 means "older than any event", which Dagster shows as stale.
"""

from dataclasses import dataclass

import dagster as dg
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    extract_data_provenance_from_entry,
    extract_data_version_from_entry,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)


@dataclass(frozen=True)
class Recorded:
    """The latest event of an asset, as far as versions are concerned."""

    storage_id: int
    data_version: str | None
    code_version: str | None
    input_versions: dict[str, str]


def latest_event(instance: dg.DagsterInstance, asset: str, *, external: bool) -> Recorded | None:
    """The newest materialisation (or observation of an external asset) that Dagster knows."""
    record = instance.get_latest_data_version_record(dg.AssetKey(asset), external)
    if record is None:
        return None
    version = extract_data_version_from_entry(record.event_log_entry)
    provenance = extract_data_provenance_from_entry(record.event_log_entry)
    return Recorded(
        storage_id=record.storage_id,
        data_version=version.value if version else None,
        code_version=provenance.code_version if provenance else None,
        input_versions={
            key.to_user_string(): value.value
            for key, value in (provenance.input_data_versions if provenance else {}).items()
        },
    )


def data_version_tags(md5: str) -> dict[str, str]:
    """Tags that say: this version was given by us, not made up by Dagster."""
    return {DATA_VERSION_TAG: md5, DATA_VERSION_IS_USER_PROVIDED_TAG: "true"}


def code_version_tags(code_version: str) -> dict[str, str]:
    """Tag of the code that made the asset."""
    return {CODE_VERSION_TAG: code_version}


def input_tags(asset: str, md5: str, event: Recorded | None) -> dict[str, str]:
    """Tags that say which version of an input was used."""
    key = dg.AssetKey(asset)
    pointer = event.storage_id if event and event.data_version == md5 else 0
    return {get_input_data_version_tag(key): md5, get_input_event_pointer_tag(key): str(pointer)}
