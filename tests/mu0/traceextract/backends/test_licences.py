"""Licences: known by name, told once, loud when they forbid something, recorded in the sidecar."""

import logging

import pytest

from mu0.params.extract import ExtractParams
from mu0.params.learned import DEFAULT_MODELS, LearnedParams
from mu0.traceextract.backends.licences import LICENCES, licence_of, licences_of, tell_licence
from mu0.traceextract.backends.registry import LEARNED


@pytest.mark.parametrize(
    ("backend", "model", "use"),
    [
        ("dinov2", "facebook/dinov2-base", "any"),
        ("dinov2", "models/dinov2-with-registers-small", "any"),
        ("dinov3", "facebook/dinov3-vits16-pretrain-lvd1689m", "conditions"),
        ("siglip2", "google/siglip2-base-patch16-naflex", "any"),
        ("depth_anything", "depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf", "any"),
        ("depth_anything", "depth-anything/Depth-Anything-V2-Metric-Outdoor-Large-hf", "non-commercial"),
        ("depth_pro", "apple/DepthPro-hf", "non-commercial"),
        ("vggt", "facebook/VGGT-1B-Commercial", "conditions"),
        ("vggt", "facebook/VGGT-1B", "non-commercial"),
        ("spatialtracker_v2", "Yuxihenry/SpatialTrackerV2_Front", "unknown"),
        ("tapir", "models/bootstapir_checkpoint_v2.pt", "any"),
        ("tapnext", "models/bootstapnext_ckpt.npz", "any"),
        ("cotracker3", "facebookresearch/co-tracker", "non-commercial"),
        ("cotracker3", "models/scaled_offline.pth", "non-commercial"),
        ("dinov2", "models/my-own", "unknown"),
    ],
)
def test_use_of_known_and_unknown_weights(backend: str, model: str, use: str) -> None:
    assert licence_of(backend, model).use == use


def test_every_learned_backend_and_default_has_a_licence() -> None:
    assert set(LICENCES) == {name for role in LEARNED.values() for name in role}
    for backend, model in DEFAULT_MODELS.items():
        assert "my own" not in str(licence_of(backend, model))
        assert licence_of(backend, model).source.startswith("https://")


def test_a_notice_is_told_once_and_loudly_if_it_forbids(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "mu0"):
        for _ in range(2):
            tell_licence("cotracker3", "models/told-once.pth")
            tell_licence("tapir", "models/tapir-told-once.pt")
    loud, quiet = caplog.records
    assert loud.levelno == logging.WARNING
    assert loud.getMessage().startswith(
        "cotracker3 with models/told-once.pth: NON-COMMERCIAL USE ONLY. weights CC"
    )
    assert quiet.levelno == logging.INFO


def test_the_sidecar_gets_the_learned_backends_only() -> None:
    assert licences_of(ExtractParams()) == {}
    params = ExtractParams(
        features="dinov2", tracker="tapir", learned=LearnedParams(tracker_model="m/tapir.pt")
    )
    found = licences_of(params)
    assert set(found) == {"dinov2", "tapir"}
    assert found["dinov2"].startswith("facebook/dinov2-base: weights Apache-2.0, code Apache-2.0; https://")
