"""Makes the small checkpoints and pickles that checkpoint_test.cpp and the fuzzer read.

    python checkpoints.py FOLDER        made with torch 2.15.0, numpy 2.4.6

FOLDER is tests/seeds/checkpoint_fuzz. Sound ones hold what PyTorch and nnU-Net store; hostile ones what a reader must refuse without running it.
"""

import collections
import io
import pathlib
import pickle
import struct
import sys
import zipfile

import numpy as np
import torch

out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)


def save(name, value, **options):
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    (out / name).write_bytes(buffer.getvalue())
    return buffer.getvalue()


def bare(name, *parts):
    (out / name).write_bytes(b"\x80\x02" + b"".join(parts))


# ---- sound
values = torch.arange(6, dtype=torch.float32).reshape(2, 3)
save(
    "types.pt",
    {
        "f64": values.double(), "f32": values, "f16": values.half() / 4, "bf16": values.bfloat16() / 4,
        "i64": values.long() - 3, "i32": values.int() - 3, "i16": values.short() - 3, "i8": values.to(torch.int8) - 3,
        "u8": values.byte(), "bool": values > 2, "one": torch.tensor(2.5), "none": torch.zeros(0, 4),
    },
)  # fmt: skip
both = torch.arange(12, dtype=torch.float32).reshape(3, 4)
save("strided.pt", {"all": both, "turned": both.t(), "column": both[:, 1], "part": both[1:, 2:], "last": both[2, 3]})
state = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.BatchNorm1d(1)).state_dict()
for key in state:
    state[key] = state[key] * 0 + (3 if state[key].dim() == 0 else 0.5)
save("state.pt", state)
save("state_4.pt", state, pickle_protocol=4)
save(
    "logged.pt",
    {
        "network_weights": state,
        "trainer_name": "nnUNetTrainer",
        "current_epoch": np.int64(7),
        "_best_ema": np.float64(0.75),
        "logging": {"mean_fg_dice": [np.float32(0.5), np.float32(0.25)], "half": np.float16(1.5), "on": np.bool_(True),
                    "byte": np.uint8(200), "far": np.array([[1.5, -2.0]]), "short": np.array([1, 2, 3], dtype=np.int16)},
        "sizes": torch.Size([2, 3]),
        "device": torch.device("cuda", 1),
        "dtype": torch.bfloat16,
        "inference_allowed_mirroring_axes": (0, 1),
        "set": {4},
        "bytes": b"\x00\xff",
        "nothing": b"",
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "far": [2**40, -(2**40), -1, 1e300, None, True],
        "text": "Größe \U0001f600",
    },
)  # fmt: skip


class Inner(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 2, 1)
        self.sizes = [1, 2]

    def forward(self, x):
        return self.conv(x) * len(self.sizes)


class Outer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(Inner(), torch.nn.InstanceNorm2d(2, affine=True))
        self.register_buffer("scale", torch.tensor([2.0]))

    def forward(self, x):
        return self.body(x) * self.scale


net = Outer()
with torch.no_grad():
    for n, p in enumerate(net.parameters()):
        p.fill_(n + 0.5)
buffer = io.BytesIO()
torch.jit.save(torch.jit.script(net), buffer)
(out / "script.ts").write_bytes(buffer.getvalue())


# ---- hostile
class Runs:
    def __init__(self, *what):
        self.what = what

    def __reduce__(self):
        return self.what[0], self.what[1:]


import os  # noqa: E402
import subprocess  # noqa: E402

(out / "system.pkl").write_bytes(pickle.dumps(Runs(os.system, "echo read by a pickle > /tmp/owned"), 2))
(out / "system_4.pkl").write_bytes(pickle.dumps({"a": Runs(os.system, "echo")}, 4))
(out / "popen.pkl").write_bytes(pickle.dumps(Runs(subprocess.Popen, ["echo"]), 4))
(out / "eval.pkl").write_bytes(pickle.dumps(Runs(eval, "1"), 2))
(out / "getattr.pkl").write_bytes(pickle.dumps(Runs(getattr, "a", "b"), 2))
save("system.pt", {"weights": values, "hook": Runs(os.system, "echo")})
bare("new_object.pkl", b"ccollections\nOrderedDict\n)\x81.")
bare("call_storage.pkl", b"ctorch\nFloatStorage\n)R.")
bare("script_class.pkl", b"c__torch__\nNet\n)\x81.")
bare("deep.pkl", b"]" + b"\x85" * 200 + b".")
bare("itself.pkl", b"]q\x00h\x00a.")
bare("laughs.pkl", b"(]q\x00" + b"".join(b"](" + (b"h" + bytes([i])) * 9 + b"eq" + bytes([i + 1]) for i in range(30)) + b"t.")
bare("copies.pkl", b"X" + struct.pack("<I", 1000) + b"a" * 1000 + b"q\x00](" + b"h\x00" * 2000 + b"e\x86.")
bare("giant_text.pkl", b"X\xff\xff\xff\xffabc.")
bare("giant_bytes.pkl", b"\x8e" + b"\xff" * 8 + b"abc.")
bare("giant_memo.pkl", b"Nr\xff\xff\xff\xff.")
bare("unremembered.pkl", b"h\x05.")
bare("empty_stack.pkl", b"\x87.")
bare("no_mark.pkl", b"t.")
bare("odd_items.pkl", b"}(NNNu.")
bare("append_to_number.pkl", b"K\x01Na.")
bare("not_utf8.pkl", b"X\x02\x00\x00\x00\xc3\x28.")
bare("long.pkl", b"\x8a\x09" + b"\x00" * 8 + b"\x01.")
bare("cut.pkl", b"X\x10")
bare("marks.pkl", b"(" * 2000 + b".")
bare("twice.pkl", b"}(X\x01\x00\x00\x00aNX\x01\x00\x00\x00aNu.")
(out / "protocol_0.pkl").write_bytes(pickle.dumps([1, 2], 0))
(out / "object_array.pkl").write_bytes(pickle.dumps(np.array([None, "a"], dtype=object), 2))
(out / "text_scalar.pkl").write_bytes(pickle.dumps(np.str_("a"), 2))
(out / "counter.pkl").write_bytes(pickle.dumps(collections.Counter("aab"), 2))
(out / "big_endian.pkl").write_bytes(pickle.dumps(np.array([1.5], dtype=">f8"), 2))


def again(name, source, change):
    """The archive with other members: change(name, bytes) gives (name, bytes, packing) or nothing."""
    with zipfile.ZipFile(out / source) as old, zipfile.ZipFile(out / name, "w") as new:
        for info in old.infolist():
            for member in change(info.filename, old.read(info)):
                new.writestr(zipfile.ZipInfo(member[0]), member[1], member[2] if len(member) > 2 else zipfile.ZIP_STORED)


again("short_storage.pt", "strided.pt", lambda n, b: [(n, b[:-4] if "/data/" in n else b)])
again("no_storage.pt", "strided.pt", lambda n, b: [] if "/data/" in n else [(n, b)])
again("big.pt", "strided.pt", lambda n, b: [(n, b"big" if n.endswith("byteorder") else b)])
again("bomb.pt", "strided.pt", lambda n, b: [(n, b)] + ([(n + "x", b"\x00" * 200_000, zipfile.ZIP_DEFLATED)] if "/data/" in n else []))
again("escape.pt", "strided.pt", lambda n, b: [(n, b)] + ([("../../etc/passwd", b)] if n.endswith("data.pkl") else []))
again("two.pt", "strided.pt", lambda n, b: [(n, b)] + ([("other/data.pkl", b)] if n.endswith("data.pkl") else []))
# The stride of the rows, 4, becomes 5; then 0, with 99 rows.
again("reach.pt", "strided.pt", lambda n, b: [(n, b.replace(b"K\x04K\x01\x86", b"K\x05K\x01\x86") if n.endswith("data.pkl") else b)])
again("repeated.pt", "strided.pt", lambda n, b: [(n, b.replace(b"K\x03K\x04\x86", b"K\x63K\x04\x86").replace(b"K\x04K\x01\x86", b"K\x00K\x01\x86") if n.endswith("data.pkl") else b)])
(out / "legacy.pt").write_bytes(pickle.dumps(0x1950A86A20F9469CFC6C, 2))
(out / "other.zip").write_bytes(b"PK\x05\x06" + b"\x00" * 18)
