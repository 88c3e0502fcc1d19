"""TFRecord: the checksum's known answers, every record found, damage named with file and byte."""

from pathlib import Path

import numpy as np
import pytest

from mu0.errors import SourceError
from mu0.sources.containers.crc32c import crc32c, crc32c_by_table
from mu0.sources.containers.tfrecord import list_records, masked_crc32c, parse_example, read_record
from tests.mu0.sources.dataset_layouts import (
    bytes_feature,
    example,
    field,
    float_feature,
    framed,
    int_feature,
    slow_crc32c,
    varint,
)

RFC_3720 = {  # appendix B.4, and the check value of the Rocksoft catalogue
    b"123456789": 0xE3069283,
    bytes(32): 0x8A9136AA,
    b"\xff" * 32: 0x62A8AB43,
    bytes(range(32)): 0x46DD794E,
    bytes(range(31, -1, -1)): 0x113FDB5C,
    b"": 0,
}


@pytest.mark.parametrize("content", RFC_3720)
def test_crc32c_has_the_known_answers(content: bytes) -> None:
    assert crc32c(content) == crc32c_by_table(content) == slow_crc32c(content) == RFC_3720[content]


def test_the_mask_turns_and_adds() -> None:
    crc = 0xE3069283
    assert masked_crc32c(b"123456789") == ((crc >> 15 | (crc & 0x7FFF) << 17) + 0xA282EAD8) % 2**32


def test_records_come_back_in_order(tmp_path: Path) -> None:
    contents = [b"one", b"", bytes(range(256)) * 3]
    path = tmp_path / "a.tfrecord"
    path.write_bytes(b"".join(map(framed, contents)))
    records = list_records(path)
    assert records.fault is None
    assert [read_record(span) for span in records.spans] == contents
    assert [span.offset for span in records.spans] == [0, 19, 35]


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert list_records(tmp_path / "a").spans == ()


@pytest.mark.parametrize("cut", [1, 4, 7, 20])
def test_a_cut_off_file_keeps_what_lies_before_the_cut(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.tfrecord"
    path.write_bytes((framed(b"first") + framed(b"second"))[:-cut])
    records = list_records(path)
    assert [read_record(span) for span in records.spans] == [b"first"]
    needed = 43 if cut < 20 else 33  # without its header, a record needs at least one
    assert records.fault is not None
    assert records.fault.found == (
        f"{path} is cut off: the record at byte 21 needs {needed} bytes, the file has {43 - cut}."
    )


def test_a_wrong_content_checksum_names_file_and_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecord"
    content = bytearray(framed(b"first") + framed(b"second") + framed(b"third"))
    content[21 + 12] ^= 1
    path.write_bytes(content)
    first, second, third = list_records(path).spans
    assert (read_record(first), read_record(third)) == (b"first", b"third")
    with pytest.raises(SourceError) as caught:
        read_record(second)
    assert caught.value.found == f"{path}: the content of the record at byte 21 does not match its CRC-32C."


def test_a_wrong_length_checksum_ends_the_list(tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecord"
    content = bytearray(framed(b"first") + framed(b"second"))
    content[21] ^= 1
    path.write_bytes(content)
    records = list_records(path)
    assert len(records.spans) == 1
    assert records.fault is not None
    assert records.fault.found == (
        f"{path}: the length of the record at byte 21 does not match its CRC-32C (after 1 records; the rest "
        "of the file cannot be found)."
    )


def test_a_file_cut_after_listing_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecord"
    path.write_bytes(framed(b"content"))
    (span,) = list_records(path).spans
    path.write_bytes(framed(b"content")[:14])
    with pytest.raises(SourceError, match="is cut off: the record at byte 0 needs 23 bytes, the file has 14"):
        read_record(span)


def test_an_example_gives_its_features() -> None:
    features = parse_example(
        example(
            {
                "texts": bytes_feature([b"a", b"", b"\xff\x00"]),
                "numbers": float_feature([1.5, -2.0]),
                "whole": int_feature([0, 300, -1, 2**62]),
                "none": b"",
            }
        )
    )
    assert features["texts"] == [b"a", b"", b"\xff\x00"]
    np.testing.assert_array_equal(features["numbers"], np.float32([1.5, -2.0]))
    np.testing.assert_array_equal(features["whole"], [0, 300, -1, 2**62])
    assert features["none"] == []


def test_googles_own_protobuf_agrees() -> None:
    """The messages of tensorflow/core/example/feature.proto, built from their definition."""
    pool = pytest.importorskip("google.protobuf.descriptor_pool").DescriptorPool()
    classes = pytest.importorskip("google.protobuf.message_factory")
    proto = pytest.importorskip("google.protobuf.descriptor_pb2")
    file = proto.FileDescriptorProto(name="feature.proto", package="tensorflow", syntax="proto3")
    kinds = proto.FieldDescriptorProto
    for name, kind in (("BytesList", kinds.TYPE_BYTES), ("FloatList", kinds.TYPE_FLOAT), ("Int64List", 3)):
        file.message_type.add(name=name).field.add(name="value", number=1, type=kind, label=3)
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, name in enumerate(("bytes_list", "float_list", "int64_list"), 1):
        owner = f".tensorflow.{name.title().replace('_', '')}"
        feature.field.add(name=name, number=number, type=11, label=1, type_name=owner, oneof_index=0)
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=9, label=1)
    entry.field.add(name="value", number=2, type=11, label=1, type_name=".tensorflow.Feature")
    owner = ".tensorflow.Features.FeatureEntry"
    features.field.add(name="feature", number=1, type=11, label=3, type_name=owner)
    example = file.message_type.add(name="Example")
    example.field.add(name="features", number=1, type=11, label=1, type_name=".tensorflow.Features")
    pool.Add(file)
    message = classes.GetMessageClass(pool.FindMessageTypeByName("tensorflow.Example"))()
    content = message.features.feature
    content["images"].bytes_list.value.extend([b"\xff\xd8" * 300, b"", b"x"])
    content["state"].float_list.value.extend([0.25, -1e30, 3.0])
    content["flags"].int64_list.value.extend([0, 1, -(2**63), 2**63 - 1])
    content["nothing"].bytes_list.SetInParent()
    found = parse_example(message.SerializeToString())
    assert found["images"] == [b"\xff\xd8" * 300, b"", b"x"]
    np.testing.assert_array_equal(found["state"], np.float32([0.25, -1e30, 3.0]))
    np.testing.assert_array_equal(found["flags"], [0, 1, -(2**63), 2**63 - 1])
    assert found["nothing"] == []
    assert len(found) == 4


def test_numbers_may_be_packed_or_not() -> None:
    unpacked = field(2, b"".join(varint(1 << 3 | 5) + np.float32(x).tobytes() for x in (1.0, 2.0)))
    whole = field(3, b"".join(varint(1 << 3) + varint(x) for x in (7, -8)))
    features = parse_example(example({"numbers": unpacked, "whole": whole}))
    np.testing.assert_array_equal(features["numbers"], [1.0, 2.0])
    np.testing.assert_array_equal(features["whole"], [7, -8])


def test_unknown_fields_are_skipped_and_only_wanted_features_decoded() -> None:
    content = (
        field(9, b"later version")
        + varint(8 << 3)
        + varint(5)
        + example({"a": int_feature([1]), "b": b"\xff"})
    )
    assert list(parse_example(content, {"a"})) == ["a"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x0a\x05abc", "field 1 ends 2 bytes behind its message"),
        (b"\x0a\xff", "a varint that does not end at byte 2"),
        (b"\x0b", "wire type 3 of field 1 at byte 1"),
    ],
)
def test_other_bytes_are_no_example(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_example(content)
