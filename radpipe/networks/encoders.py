"""The encoders: a new one is one entry, and a new kind of network one function beside it."""

from __future__ import annotations

from radpipe.networks.spec import EncoderSpec, Layout, PatchSpec, Source, Standardised, Window

_ITK = "SPL"
_MEDICALNET = PatchSpec(
    size=(64, 64, 64),
    spacing_mm=(1.0, 1.0, 1.0),
    axes=_ITK,
    # Its authors fill the background with noise, which no two runs would share.
    intensity=Standardised(above=0.0),
    pad=0.0,
)


def _medicalnet(depth: int, dimension: int, keys: str) -> EncoderSpec:
    return EncoderSpec(
        name=f"medicalnet{depth}",
        architecture="medicalnet",
        arguments={"depth": depth},
        dimension=dimension,
        keys=keys,
        layouts=(Layout("state_dict", "module."),),
        patch=_MEDICALNET,
        modality=("CT", "MR"),
        licence="MIT",
        source=Source(
            f"TencentMedicalNet/MedicalNet-Resnet{depth}", f"resnet_{depth}_23dataset.pth"
        ),
        reference="arXiv 1904.00625",
    )


_SMALL = EncoderSpec(
    name="radpipe-small",
    architecture="small",
    arguments={"channels": 2},
    dimension=128,
    keys="194a9b7f6c0aada9f28c3f3a669310d702b952eec2404bb52f756d4bb8b0bf29",
    layouts=(Layout(),),
    patch=PatchSpec(
        size=(32, 32, 32),
        spacing_mm=(2.0, 2.0, 2.0),
        axes=_ITK,
        intensity=Standardised(None),
        pad=0.0,
    ),
    modality=(),
    licence="Apache-2.0",
    source=None,
    reference="doi 10.1109/CVPR.2016.90",
    channels=("image", "mask"),
)
_ALL = (
    EncoderSpec(
        name="fmcib",
        architecture="fmcib",
        arguments={},
        dimension=4096,
        keys="a104ef8978a3d099bef6282cd4e0b7e96fdd6d8c7e78c18b1faae09a3f4fc62d",
        layouts=(Layout("trunk_state_dict"), Layout("state_dict", "model.trunk.")),
        patch=PatchSpec(
            size=(50, 50, 50),
            spacing_mm=(1.0, 1.0, 1.0),
            axes=_ITK,
            intensity=Window(-1024.0, 2048.0, clip=False),
            pad=-1024.0,
        ),
        modality=("CT",),
        licence="MIT (code); of the weights not stated",
        source=Source("doi 10.5281/zenodo.10528450", "model_weights.torch"),
        reference="doi 10.1038/s42256-024-00807-9",
    ),
    EncoderSpec(
        name="ctfm",
        architecture="ctfm",
        arguments={},
        dimension=512,
        keys="91809649a48c46dc1035e1829127898a98577e0283d86ed9e9b2b1fa0e7b47a6",
        layouts=(Layout(), Layout(None, "encoder.", heads=("up_layers.",))),
        patch=PatchSpec(
            size=(24, 128, 128),
            spacing_mm=(3.0, 1.0, 1.0),
            axes=_ITK,
            intensity=Window(-1024.0, 2048.0),
            pad=-1024.0,
        ),
        modality=("CT",),
        licence="Apache-2.0",
        source=Source("project-lighter/ct_fm_feature_extractor", "model.safetensors"),
        reference="arXiv 2501.09001",
    ),
    _medicalnet(10, 512, "7dcedbdce5377dac57d96920772b6f734d36e4b472085c9fa0906d0653b3133b"),
    _medicalnet(18, 512, "a2e32e1404aa4b9ca4ef7b9a1da9f7339de479cd02c25baa070ec0204d9c51af"),
    _medicalnet(34, 512, "8e0acc11f96700dba8043dd7a1c185d9917ced359819c8bdf909d2896cc4a98f"),
    _medicalnet(50, 2048, "291305065a522f6152e4b1717c6cc9fc2f007429afdeca657db07484a5e780aa"),
    _SMALL,
)
ENCODERS = {spec.name: spec for spec in _ALL}
