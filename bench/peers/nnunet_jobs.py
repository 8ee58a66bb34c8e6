"""Rows "segment-prepare" and "segment-predict*": whole processes of both sides, nnU-Net's own commands beside ours.

Usage: nnunet_jobs.py prepare BENCH_PREPARE DATA WORK
       nnunet_jobs.py predict|predict-plain FOVEA DATA WORK      with the trained folder in DATA/../peers/nnunet-reference
"""
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys

import nibabel
import numpy

from peer import versions, wall

what, ours, data, work = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4])
scans = data / "hippocampus-3d"
scripts = pathlib.Path(sys.executable).parent
nnunet = {name: str(work / name) for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")}
nnunet["nnUNet_extTrainer"] = str(data.parent / "peers" / "nnunet")  # where the trained folder's trainer lies
versions("nnunetv2", "torch")


def measured(way, command, **more):
    """Wall seconds and the largest resident size among the command and its children."""
    start = wall()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=dict(os.environ, TORCH_CPP_LOG_LEVEL="ERROR", **more))
    seconds = wall() - start
    if done.returncode:
        sys.exit(f"{command[0]} ended with {done.returncode}\n{done.stdout[-2000:]}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(json.dumps(dict(way=way, value=seconds, unit="s", peak_mib=peak)), flush=True)


def raw_layout():
    """The training cases as nnU-Net wants them."""
    target = work / "nnUNet_raw" / "Dataset004_Hippocampus"
    for name in ("imagesTr", "labelsTr"):
        (target / name).mkdir(parents=True, exist_ok=True)
    cases = (scans / "train.txt").read_text().split()
    for case in cases:
        shutil.copyfile(scans / "images" / f"{case}.nii.gz", target / "imagesTr" / f"{case}_0000.nii.gz")
        shutil.copyfile(scans / "labels" / f"{case}.nii.gz", target / "labelsTr" / f"{case}.nii.gz")
    (target / "dataset.json").write_text(json.dumps({
        "channel_names": {"0": "MRI"}, "labels": {"background": 0, "anterior": 1, "posterior": 2},
        "numTraining": len(cases), "file_ending": ".nii.gz"}))


def same(folder, name):
    mine, theirs = (numpy.asarray(nibabel.load(work / side / name).dataobj) for side in (folder, "nnunet-masks"))
    return 2 * ((mine == theirs) & (mine > 0)).sum() / max(1, (mine > 0).sum() + (theirs > 0).sum())


if what == "prepare":
    raw_layout()
    measured("fovea", [ours, str(scans), str(work / "cases")])
    measured("nnUNetv2_plan_and_preprocess", [scripts / "nnUNetv2_plan_and_preprocess", "-d", "4", "-c", "3d_fullres", "-npfp", "2",
                                              "-np", "2", "--verify_dataset_integrity"], **nnunet)
else:
    flips = what == "predict"
    model = data.parent / "peers" / "nnunet-reference" / "Dataset004_Hippocampus" / "model"
    inputs, plain = work / "scans", work / "scans-plain"
    for folder in (inputs, plain):
        folder.mkdir(exist_ok=True)
    for case in (scans / "val.txt").read_text().split():
        shutil.copyfile(scans / "images" / f"{case}.nii.gz", inputs / f"{case}_0000.nii.gz")
        shutil.copyfile(scans / "images" / f"{case}.nii.gz", plain / f"{case}.nii.gz")
    for folder in ("masks", "masks-bfloat16", "nnunet-masks"):
        shutil.rmtree(work / folder, ignore_errors=True)
    for folder, precision in (("masks", "float32"), ("masks-bfloat16", "bfloat16")):
        measured(f"fovea predict, {precision}", [ours, "predict", str(model), str(plain), "--out", str(work / folder),
                                                 "--precision", precision, *([] if flips else ["--no-flips"])])
    measured("nnUNetv2_predict_from_modelfolder",
             [scripts / "nnUNetv2_predict_from_modelfolder", "-i", str(inputs), "-o", str(work / "nnunet-masks"), "-m", str(model),
              "-f", "all", "-device", "cpu", "-npp", "1", "-nps", "1", *([] if flips else ["--disable_tta"])], **nnunet)
    for folder, least in (("masks", 0.999), ("masks-bfloat16", 0.98)):
        agree = [same(folder, file.name) for file in sorted((work / folder).glob("*.nii.gz"))]
        print(f"bench: {len(agree)} {folder}, Dice between both sides {min(agree):.4f} at least", file=sys.stderr)
        if len(agree) != 42 or min(agree) < least:
            sys.exit("the masks are not the same")
