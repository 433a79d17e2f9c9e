"""Carries the weights of PyTorch models over to the published networks of the same name and compares outputs.

pip install timm torchvision transformers onnxruntime safetensors
cargo build --release -p nasmyth -p nasmyth-export --example forward --bins
python tools/zoo_weights.py [--programs target/release] [--resolution N] NAME...

For each NAME: the model with random weights and random running statistics, in evaluation mode; its modules in the order in which
they run, matched with ours by kind and shape; then the same two inputs through PyTorch, our engine and the exported ONNX file in
ONNX Runtime. Differences are relative to the largest output; the two inputs must differ by far more than the tolerance.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from safetensors.numpy import load_file, save_file
from torch import nn

TOLERANCE = 1e-4
# How far the outputs of the two inputs must be apart, relative to the largest output.
SENSITIVITY = 1e-3


def tokens(model):
    """A BERT classifier as a model of [samples, tokens, 2]: token and segment numbers."""
    class Rows(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            x = x.long()
            return self.model(input_ids=x[..., 0], token_type_ids=x[..., 1]).logits
    return Rows()


def bert(depth, heads):
    from transformers import BertConfig, BertForSequenceClassification
    sizes = {"num_hidden_layers": depth, "num_attention_heads": heads, "hidden_size": 64 * heads, "intermediate_size": 256 * heads}
    return tokens(BertForSequenceClassification(BertConfig(num_labels=2, attn_implementation="eager", **sizes)))


def hat(inner, heads):
    """An encoder of HAT with the ends of BERT: BERT whose layers differ."""
    from transformers import BertConfig, BertForSequenceClassification
    from transformers.models.bert.modeling_bert import BertLayer
    common = {"hidden_size": 512, "hidden_act": "relu", "layer_norm_eps": 1e-5, "attn_implementation": "eager", "num_labels": 2}
    model = BertForSequenceClassification(BertConfig(num_hidden_layers=len(inner), num_attention_heads=8, **common))
    for i, (i_width, i_heads) in enumerate(zip(inner, heads)):
        config = BertConfig(intermediate_size=i_width, num_attention_heads=i_heads, **common)
        model.bert.encoder.layer[i] = BertLayer(config, layer_idx=i)
    return tokens(model)


def torchvision(name):
    import torchvision.models
    return torchvision.models.get_model(name, weights=None)


# Models that timm does not have, or has under another name.
OTHERS = {
    "shufflenet_v2_x0_5": lambda: torchvision("shufflenet_v2_x0_5"),
    "shufflenet_v2_x1_0": lambda: torchvision("shufflenet_v2_x1_0"),
    "shufflenet_v2_x1_5": lambda: torchvision("shufflenet_v2_x1_5"),
    "shufflenet_v2_x2_0": lambda: torchvision("shufflenet_v2_x2_0"),
    "bert_tiny": lambda: bert(2, 2),
    "bert_mini": lambda: bert(4, 4),
    "bert_small": lambda: bert(4, 8),
    "bert_medium": lambda: bert(8, 8),
    "bert_base": lambda: bert(12, 12),
    "hat_wmt14ende_raspberrypi_3.5s": lambda: hat([1024, 3072, 3072, 2048, 2048, 2048], [4, 8, 4, 4, 4, 8]),
}


def model_of(name, seed=0):
    """The model with everything random, running statistics too."""
    torch.manual_seed(seed)
    if name in OTHERS:
        model = OTHERS[name]()
    else:
        import timm
        model = timm.create_model(name)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
        if isinstance(module, (nn.modules.batchnorm._BatchNorm, nn.LayerNorm)) and module.weight is not None:
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.1)
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, module.in_features ** -0.5)
    for key, value in model.named_parameters():
        # Scales of branches start near zero, which would hide the branches.
        if value.ndim == 1 and key.split(".")[-1].startswith("gamma"):
            nn.init.uniform_(value.data, 0.5, 1.0)
        if key.split(".")[-1] in ("pos_embed", "cls_token"):
            nn.init.normal_(value.data, 0, 0.5)
    return model.eval()


def executed(model, x):
    """Layers, in the order in which they run, and the parameters that blocks hold beside their layers."""
    order, hooks = [], []
    for module in model.modules():
        own = list(module.parameters(recurse=False))
        if own and not any(list(child.parameters()) for child in module.children()):
            hooks.append(module.register_forward_pre_hook(lambda m, _: order.append(m) if m not in order else None))
    with torch.no_grad():
        model(x)
    for hook in hooks:
        hook.remove()
    owned = {id(p) for m in order for p in m.parameters(recurse=False)}
    return order, [p for p in model.parameters() if id(p) not in owned]


def nodes(text):
    """Kind and attributes of our nodes with their names, in order."""
    for line in text.splitlines():
        if found := re.match(r"(\S+) = (\w+)\((.*)\)$", line):
            yield found.group(1), found.group(2)


def convert(kind, name, ours, module):
    """The tensor of `module` for our parameter, or None if it is none of that shape."""
    state = module.state_dict()
    names = {"gamma": "weight", "beta": "bias", "mean": "running_mean", "variance": "running_var", "slope": "weight"}
    value = state.get(names.get(name, name))
    if value is None:
        return None
    value = value.numpy()
    if name == "weight":
        if kind == "linear" and value.ndim >= 2:
            value = value.reshape(value.shape[0], -1).T
        elif kind == "conv" and value.ndim == 2:
            value = value.T.reshape(ours)
        elif kind == "conv":
            value = np.moveaxis(value, (0, 1), (-1, -2))
        elif kind == "conv_transpose":
            value = np.moveaxis(value, (0, 1), (-2, -1))
    return np.ascontiguousarray(value) if value.shape == tuple(ours) else None


def fits(kind, module):
    if kind in ("conv", "linear"):
        return isinstance(module, (nn.modules.conv._ConvNd, nn.Linear))
    return not isinstance(module, (nn.modules.conv._ConvNd, nn.Linear))


def carried_over(text, shapes, model, x):
    """Our parameters with the model's values."""
    waiting, loose = executed(model, x)
    params = {}
    for node, kind in nodes(text):
        wanted = {key[len(node) + 1:]: shape for key, shape in shapes.items() if key.rpartition(".")[0] == node}
        if not wanted:
            continue
        for module in waiting:
            found = {n: convert(kind, n, shape, module) for n, shape in wanted.items()} if fits(kind, module) else {}
            if found and all(v is not None for v in found.values()):
                waiting.remove(module)
                break
        else:
            name, shape = next(iter(wanted.items()))
            at = next((i for i, p in enumerate(loose) if p.numel() == int(np.prod(shape))), None)
            if at is None or len(wanted) > 1:
                raise ValueError(f"nothing in the model fits {node} ({kind}) with {wanted}")
            found = {name: loose.pop(at).detach().numpy().reshape(shape)}
        params.update({f"{node}.{n}": v.astype(np.float32) for n, v in found.items()})
    left = [type(m).__name__ for m in waiting] + [tuple(p.shape) for p in loose]
    if left:
        raise ValueError(f"left over in the model: {left}")
    return params


def compare(name, programs, resolution):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)

        def export(form, *options):
            size = ["--resolution", str(resolution)] if resolution else []
            path = folder / f"network.{form}"
            command = [programs / "nasmyth", "zoo", "export", name, "--format", form, "--out", path, *size, *options]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            return path

        text = export("text").read_text()
        shapes = {key: value.shape for key, value in load_file(export("safetensors")).items()}
        shape = [int(n) for n in re.search(r"shape=\[([\d, ]+)\]", text).group(1).split(",")]
        rng = np.random.default_rng(0)
        if len(shape) == 3:
            x = rng.standard_normal((2, *shape)).astype(np.float32)
            x[1] = 2 * np.abs(x[1]) + np.linspace(-1, 1, shape[1])[:, None]
            first = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
        else:
            x = np.stack([rng.integers(0, 30_000, (2, shape[0])), rng.integers(0, 2, (2, shape[0]))], -1).astype(np.float32)
            first = x
        model = model_of(name)
        params = carried_over(text, shapes, model, torch.from_numpy(first))
        weights = folder / "weights.safetensors"
        save_file(params, weights)
        with torch.no_grad():
            theirs = model(torch.from_numpy(first)).numpy().reshape(2, -1)
        x.tofile(folder / "input")
        command = [programs / "examples" / "forward", folder / "network.text", weights, folder / "input", folder / "output"]
        subprocess.run(command, check=True)
        ours = np.fromfile(folder / "output", np.float32).reshape(2, -1)
        session = onnxruntime.InferenceSession(export("onnx", "--weights", weights), providers=["CPUExecutionProvider"])
        entry = session.get_inputs()[0]
        onnx_input = first if len(shape) == 3 else channels_first(x)
        onnx = session.run(None, {entry.name: onnx_input})[0].reshape(2, -1)
    size = np.abs(theirs).max()
    apart = np.abs(theirs[0] - theirs[1]).max() / size
    differences = [np.abs(other - theirs).max() / size for other in (ours, onnx)]
    ok = max(differences) <= TOLERANCE and apart >= SENSITIVITY
    print(f"{name:28} largest output {size:9.3g}, inputs apart {apart:7.1e}, engine {differences[0]:7.1e}, "
          f"ONNX Runtime {differences[1]:7.1e}  {'ok' if ok else 'WRONG'}", flush=True)
    return ok


def channels_first(x):
    """A value [samples, steps, channels] as exported networks take it."""
    return np.ascontiguousarray(x.transpose(0, 2, 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=Path, default=Path("target/release"), help="folder of the built programs")
    parser.add_argument("--resolution", type=int, help="side of the images, where not as published")
    parser.add_argument("names", nargs="+", metavar="NAME")
    arguments = parser.parse_args()
    failed = []
    for name in arguments.names:
        try:
            ok = compare(name, arguments.programs, arguments.resolution)
        except Exception as error:  # the next one may work
            print(f"{name:28} {type(error).__name__}: {error}", flush=True)
            ok = False
        failed += [] if ok else [name]
    print(f"{len(arguments.names) - len(failed)} of {len(arguments.names)} agree" + (f"; not {' '.join(failed)}" if failed else ""))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
