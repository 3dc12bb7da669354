"""Parameter files that together set every key, and the cases that each is run on."""

from __future__ import annotations

from typing import Any

from radpipe.extraction.features import FEATURE_CLASSES

TEXTURES = dict.fromkeys(("glcm", "glrlm", "glszm", "gldm", "ngtdm"))
INTENSITY = {"firstorder": None, **TEXTURES}
CLASSES = {"shape": None, **INTENSITY}
FEW = {"firstorder": ["Mean", "Entropy"], "glcm": ["Contrast"], "glszm": ["ZoneEntropy"]}
SHAPES_2D = {"shape2D": None, "firstorder": None, "glcm": None, "glrlm": None, "glszm": None}
# An `lbp-2D` or `lbp-3D` image spans a few units only.
EVERY_IMAGE_TYPE: dict[str, Any] = {
    "Original": {},
    "Wavelet": {},
    "LoG": {"sigma": [1.5, 3.0]},
    "Square": {},
    "SquareRoot": {},
    "Logarithm": {},
    "Exponential": {},
    "Gradient": {},
    "LBP2D": {"binWidth": 1},
    "LBP3D": {"binWidth": 0.25},
}
# Of a map in which MCC fails at one voxel, PyRadiomics keeps nothing.
WITHOUT_MCC = [name for name in FEATURE_CLASSES["glcm"].names if name != "MCC"]
FILTERS = {
    name: EVERY_IMAGE_TYPE[name]
    for name in ("Wavelet", "LoG", "Square", "SquareRoot", "Logarithm", "Exponential", "Gradient")
}


def _every(**setting: Any) -> dict[str, Any]:
    return {"imageType": EVERY_IMAGE_TYPE, "featureClass": CLASSES, "setting": setting}


def _filters(**setting: Any) -> dict[str, Any]:
    return {"imageType": {"Original": {}, **FILTERS}, "featureClass": FEW, "setting": setting}


def _original(classes: dict[str, Any] = CLASSES, **setting: Any) -> dict[str, Any]:
    return {"imageType": {"Original": {}}, "featureClass": classes, "setting": setting}


def _one(image_type: str, **own: Any) -> dict[str, Any]:
    return {"imageType": {image_type: own}, "featureClass": INTENSITY}


def _texture(**setting: Any) -> dict[str, Any]:
    return _original(TEXTURES, binWidth=50, **setting)


PARAMETERS: dict[str, dict[str, Any]] = {
    "empty file": {},
    "every image type": _every(),
    "every image type, SUV": _every(binWidth=0.25, force2D=True, force2Ddimension=0),
    "original": _original(),
    "slices of 2D": _original({**SHAPES_2D, **TEXTURES}, force2D=True),
    "column of 2D": _original(SHAPES_2D, force2Ddimension=2),
    "filters": _filters(),
    "filters of 2D": {
        "imageType": {name: own for name, own in EVERY_IMAGE_TYPE.items() if name != "LBP3D"},
        "featureClass": {"shape2D": None, **INTENSITY},
    },
    "line allowed": _original(minimumROIDimensions=1),
    "volume demanded": _original(minimumROIDimensions=3),
    # The ROI of "ball" has 725 voxels.
    "size of 724 passed": _original(FEW, minimumROISize=724),
    "size of 725 missed": _original(FEW, minimumROISize=725),
    # Bins
    "width 0.1": _original(INTENSITY, binWidth=0.1),
    "integer width": _original(INTENSITY, binWidth=20),
    "count 32": _original(INTENSITY, binCount=32),
    "count 1": _original(INTENSITY, binCount=1),
    "own bins": {
        "imageType": {"LoG": {"sigma": [2], "binCount": 16}, "Square": {"binWidth": 12.5}},
        "featureClass": INTENSITY,
        "setting": {"binWidth": 30},
    },
    # Texture matrices
    "distances": _texture(distances=[1, 2]),
    "distance 3": _texture(distances=[3]),
    **{
        f"weights {norm}": _texture(distances=[1, 2], weightingNorm=norm)
        for norm in ("euclidean", "manhattan", "infinity", "no_weighting")
    },
    "one-sided": _texture(symmetricalGLCM=False),
    "one-sided, weighted": _texture(symmetricalGLCM=False, weightingNorm="euclidean"),
    "tolerant dependence": _texture(gldm_a=2),
    "shifted": _original({"firstorder": None}, voxelArrayShift=1000),
    **{
        f"slices across {axis}": {
            "imageType": {"Original": {}, "Wavelet": {}, "LBP2D": {"binWidth": 1}},
            "featureClass": INTENSITY,
            "setting": {
                "force2D": True,
                "force2Ddimension": axis,
                "distances": [1, 2],
                "weightingNorm": "euclidean",
            },
        }
        for axis in range(3)
    },
    **{
        f"shape across {axis}": _original(SHAPES_2D, force2D=True, force2Ddimension=axis)
        for axis in range(3)
    },
    # Preparation
    "resampled": _every(resampledPixelSpacing=[1.75, 1.5, 2.0]),
    "resampled in plane": _filters(resampledPixelSpacing=[2, 2, 0], padDistance=2),
    "resampled to its own": _filters(resampledPixelSpacing=[1.25, 1.5, 3.0], padDistance=3),
    "resampled, 2D": _original(
        {"shape2D": None, **INTENSITY}, resampledPixelSpacing=[1.0, 1.0], interpolator="sitkLinear"
    ),
    "not resampled": _original(FEW, resampledPixelSpacing=[2, 2, 2], interpolator=None),
    **{
        name: _original(FEW, resampledPixelSpacing=[1.0, 1.25, 2.5], interpolator=name)
        for name in (
            "sitkNearestNeighbor", "sitkLinear", "sitkGaussian", "sitkLabelGaussian",
            "sitkHammingWindowedSinc", "sitkCosineWindowedSinc", "sitkWelchWindowedSinc",
            "sitkLanczosWindowedSinc", "sitkBlackmanWindowedSinc",
        )
    },
    "interpolator 2": _original(FEW, resampledPixelSpacing=[1.0, 1.25, 2.5], interpolator=2),
    "normalised": _filters(
        normalize=True, normalizeScale=100, removeOutliers=3, voxelArrayShift=300, binWidth=5
    ),
    "normalised, outliers kept": _filters(normalize=True, normalizeScale=50, binWidth=2.5),
    "normalised and resampled": _filters(
        normalize=True, normalizeScale=100, resampledPixelSpacing=[2, 2, 2], binWidth=5
    ),
    "cropped": _filters(preCrop=True, padDistance=2),
    "resegmented": _filters(resegmentRange=[-100, 250]),
    "resegmented, lower end": _original(resegmentRange=[40]),
    "resegmented, shape too": _original(resegmentRange=[0, 300], resegmentShape=True),
    "resegmented to a part": _original(
        resegmentRange=[0.4], resegmentMode="relative", resegmentShape=False
    ),
    "resegmented by sigma": _filters(resegmentRange=[-1, 1.5], resegmentMode="sigma"),
    "resegmented to nothing": _original(FEW, resegmentRange=[5000, 6000]),
    # Filters
    "LoG names": {"imageType": {"LoG": {"sigma": [1, 1.0, 2.5]}}, "featureClass": FEW},
    "LoG too wide": {
        "imageType": {"Original": {}, "LoG": {"sigma": [2.0, 60.0]}},
        "featureClass": FEW,
    },
    "LoG without sigma": {"imageType": {"Original": {}, "LoG": {}}, "featureClass": FEW},
    "sigma for all": {
        "imageType": {"LoG": {}},
        "featureClass": INTENSITY,
        "setting": {"sigma": [4.0]},
    },
    "wavelet levels": _one("Wavelet", level=2),
    "wavelet start": _one("Wavelet", start_level=1, wavelet="haar"),
    "wavelet start and levels": _one("Wavelet", start_level=1, level=2, wavelet="bior2.2"),
    "wavelet in slices": {
        "imageType": {"Wavelet": {"wavelet": "db3", "level": 2}},
        "featureClass": FEW,
        "setting": {"force2D": True, "force2Ddimension": 2},
    },
    "gradient in voxels": _one("Gradient", gradientUseSpacing=False),
    **{
        f"LBP2D {method}": _one("LBP2D", lbp2DMethod=method, binWidth=4)
        for method in ("default", "ror", "uniform", "var")
    },
    "LBP2D wide": _one("LBP2D", lbp2DRadius=2.5, lbp2DSamples=12, binWidth=1, force2Ddimension=1),
    "LBP3D": _one("LBP3D", binWidth=0.1),
    "LBP3D fine": _one(
        "LBP3D",
        binWidth=0.1,
        lbp3DLevels=3,
        lbp3DIcosphereRadius=1.5,
        lbp3DIcosphereSubdivision=2,
    ),
    # Selection
    "some features": {
        "imageType": {"Square": {}, "Original": {}},
        "featureClass": {
            "ngtdm": ["Strength", "Busyness"],
            "glcm": ["MCC", "Imc1"],
            "shape": ["Sphericity", "Elongation"],
            "firstorder": [],
        },
    },
    "deprecated features": {
        "featureClass": {
            "shape": ["Compactness1", "Compactness2", "SphericalDisproportion", "MeshVolume"],
            "firstorder": ["StandardDeviation", "Mean"],
            "glcm": ["Dissimilarity", "Homogeneity1", "Homogeneity2", "SumVariance", "Id"],
            "gldm": [
                "DependencePercentage", "GrayLevelNonUniformityNormalized", "DependenceEntropy",
            ],
        },
    },
    "deprecated shape of 2D": {
        "featureClass": {"shape2D": ["SphericalDisproportion", "Sphericity"]},
    },
    "label 2": _original(FEW | {"shape": None}, label=2),
    "channel 1": _original(FEW | {"shape": None}, label_channel=1),
    "mask corrected": _original(correctMask=True),
    "mask corrected, resampled": _original(correctMask=True, resampledPixelSpacing=[2, 2, 2]),
    "mask tolerated": _original(FEW, geometryTolerance=0.01),
    "no diagnostics": _original(FEW, additionalInfo=False),
    # Maps: what has a section `voxelSetting` is run voxel-based.
    "maps": {
        "featureClass": INTENSITY | {"glcm": WITHOUT_MCC},
        "voxelSetting": {"kernelRadius": 1},
    },
    "maps, wide": {
        "imageType": {"Square": {}},
        "featureClass": INTENSITY,
        "setting": {"distances": [1, 2], "weightingNorm": "manhattan", "gldm_a": 1},
        "voxelSetting": {"kernelRadius": 2, "maskedKernel": False, "initValue": -1},
    },
    "maps, in batches": {
        "featureClass": {"firstorder": ["Mean", "Entropy"], "gldm": ["DependenceEntropy"]},
        "voxelSetting": {"voxelBatch": 5, "initValue": 0.5},
    },
    "maps of slices": {
        "featureClass": INTENSITY,
        "setting": {"force2D": True},
        "voxelSetting": {"maskedKernel": False},
    },
}  # fmt: skip

_ODD = ("hollow", "all but one", "flipped", "oblique", "touching", "flat", "plane z", "thin image")
_PIXELS = (
    "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64",
)  # fmt: skip
# What is not named here runs on the case "ball" alone.
_CASES: dict[str, tuple[str, ...]] = {
    "empty file": ("ball", "plane z", "one slice", "2D"),
    "every image type": ("SAMPLE-3", "oblique", "touching"),
    "every image type, SUV": ("suv",),
    "original": (
        *_ODD,
        "plane y",
        "plane x",
        "three voxels",
        "diagonal",
        "line",
        "one slice",
        "wide",
    ),
    "filters": (*_ODD, "plane x", "SAMPLE-1", "SAMPLE-2"),
    "filters of 2D": ("2D",),
    "slices of 2D": ("2D",),
    "column of 2D": ("2D",),
    "line allowed": ("line", "diagonal", "two voxels", "three voxels"),
    "volume demanded": ("ball", "plane z"),
    "width 0.1": ("suv", "float64"),
    "integer width": _PIXELS,
    "count 32": ("ball", "flat", "suv"),
    "count 1": ("ball", "flat"),
    "own bins": ("ball", "suv"),
    "distances": ("ball", "plane y", "line", "2D"),
    "distance 3": ("thin image", "hollow"),
    "one-sided": ("ball", "plane z"),
    "tolerant dependence": ("ball", "plane x"),
    "slices across 0": ("ball", "plane z", "oblique"),
    "slices across 1": ("ball", "plane y"),
    "slices across 2": ("ball", "plane x"),
    "shape across 0": ("ball", "plane z", "plane x", "one slice"),
    "shape across 1": ("ball", "plane y"),
    "shape across 2": ("ball", "plane x"),
    "resampled": ("oblique", "SAMPLE-2"),
    "resampled in plane": ("ball", "SAMPLE-3", "plane z"),
    "resampled, 2D": ("2D",),
    "normalised": ("ball", "uint8", "float64"),
    "cropped": ("ball", "touching", "oblique"),
    "wavelet levels": ("ball", "suv", "thin image"),
    "wavelet in slices": ("ball", "one slice"),
    "LBP2D default": ("ball", "uint16"),
    "LBP2D var": ("ball", "float64"),
    "LBP2D wide": ("ball", "2D"),
    "LBP3D": ("ball", "touching", "float32"),
    "deprecated shape of 2D": ("2D",),
    "label 2": ("two labels", "ball"),
    "channel 1": ("two channels",),
    "mask corrected": ("other grid",),
    "mask corrected, resampled": ("other grid",),
    "mask tolerated": ("slightly off",),
    **dict.fromkeys(("maps", "maps, wide", "maps, in batches", "maps of slices"), ("small",)),
    "no diagnostics": ("ball", "slightly off", "other grid"),
}
# (case, parameters)
JOBS = [(case, name) for name in PARAMETERS for case in _CASES.get(name, ("ball",))] + [
    (case, "filters") for case in _PIXELS
]
