"""Expected values of operators, losses, a network and its training, computed with PyTorch in float64.

Run `python tools/golden.py` in the repository's root with PyTorch 2 installed. It writes
`crates/engine/tests/golden/{operators,network,curve}.txt` and `crates/train/tests/golden/steps.txt`: one tensor a line, as case, name
and elements in Nasmyth's layout. Inputs and parameters follow from their index (`number`, `scattered`), so the files hold results
only. The training curve is computed in float32 too.
"""

import math

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
BATCH = 3
VARIANCE = 2.5
POSITIVE = ("variance", "std", "bias")


def number(i, salt):
    """Element `i` of the tensor `salt`: in -1..1, and 0 nowhere."""
    return ((i * 367 + salt * 53 + 11) % 1009) / 504.5 - 1.0


def tensor(shape, salt, spread=1.0):
    size = torch.Size(shape).numel()
    return torch.tensor([spread * number(i, salt) for i in range(size)]).reshape(shape)


def parameter(key, shape):
    """A parameter by its key; variances, standard deviations and biases are positive (so that ReLUs are alive)."""
    values = tensor(shape, sum(key.encode()))
    return 1.5 + 0.5 * values if key.endswith(POSITIVE) else values


# Operators on channels-last values and weights `[kernel.., in / groups, out]`.


def first(x):
    return x.movedim(-1, 1)


def last(x):
    return x.movedim(1, -1)


def padded(x, pad, value=0.0):
    """Channels-first `x` with `pad`: at the begin of each axis, then at the end of each."""
    rank = len(pad) // 2
    pairs = [p for axis in reversed(range(rank)) for p in (pad[axis], pad[rank + axis])]
    return F.pad(x, pairs, value=value)


def same(kernel, dilation=1):
    spans = [(k - 1) * dilation for k in kernel]
    return [s // 2 for s in spans] + [s - s // 2 for s in spans]


def conv(x, p, kernel, stride=1, dilation=1, groups=1, pad=None):
    x = padded(first(x), same(kernel, dilation) if pad is None else pad)
    weight = p["weight"].movedim(-1, 0).movedim(-1, 1).contiguous()
    f = F.conv1d if len(kernel) == 1 else F.conv2d
    return last(f(x, weight, p.get("bias"), stride=stride, dilation=dilation, groups=groups))


def conv_params(inputs, out, kernel, groups=1, bias=False):
    shapes = {"weight": [*kernel, inputs // groups, out]}
    return shapes | ({"bias": [out]} if bias else {})


def max_pool(x, kernel, stride, pad):
    f = F.max_pool1d if len(kernel) == 1 else F.max_pool2d
    return last(f(padded(first(x), pad, -torch.inf), kernel, stride))


def average_pool(x, kernel, stride, pad):
    f = F.avg_pool1d if len(kernel) == 1 else F.avg_pool2d
    rank = len(kernel)
    if pad[:rank] == pad[rank:]:
        return last(f(first(x), kernel, stride, padding=pad[:rank], count_include_pad=False))
    inside = f(padded(torch.ones_like(first(x)), pad), kernel, stride)
    return last(f(padded(first(x), pad), kernel, stride) / inside)


def linear(x, p):
    return F.linear(x, p["weight"].T, p.get("bias"))


def embedding(x, p):
    offsets = torch.tensor([0, 3])
    return F.embedding(x.long() + offsets, p["weight"]).flatten(1) + 0 * x.sum()


def token_embedding(x, p):
    codes = x.long().clamp(max=len(p["weight"]) - 1)
    return F.embedding(codes, p["weight"]) + 0 * x.sum()


def conv_transpose(x, p, stride, pad, output_pad, groups=1):
    """`pad` cuts off the begin of each axis, then the end of each."""
    weight = p["weight"].movedim(-2, 0).movedim(-1, 1).contiguous()
    f = F.conv_transpose1d if len(stride) == 1 else F.conv_transpose2d
    y = f(first(x), weight, p.get("bias"), stride=stride, output_padding=output_pad, groups=groups)
    return last(padded(y, [-p for p in pad]))


def blur_pool(x, size, stride):
    """The binomial filter as a depthwise convolution of the reflected input."""
    line = torch.tensor([math.comb(size - 1, k) / 2 ** (size - 1) for k in range(size)])
    x, rank = first(x), x.dim() - 2
    weight = line if rank == 1 else line[:, None] * line
    weight = weight.expand(x.shape[1], 1, *weight.shape)
    f = F.conv1d if rank == 1 else F.conv2d
    reflected = F.pad(x, [(size - 1) // 2, size // 2] * rank, mode="reflect")
    return last(f(reflected, weight, stride=stride, groups=x.shape[1]))


def max_unpool(value, source, kernel):
    rank = len(kernel)
    pool, unpool = (F.max_pool1d, F.max_unpool1d) if rank == 1 else (F.max_pool2d, F.max_unpool2d)
    _, holders = pool(first(source), kernel, return_indices=True)
    y = unpool(first(value), holders, kernel, output_size=source.shape[1:-1])
    return last(y) + 0 * source.sum()


def class_token(x, p):
    return torch.cat([p["weight"].expand(len(x), -1, -1), x], 1)


def batch_norm(x, p, train):
    return last(F.batch_norm(first(x), p["mean"], p["variance"], p["gamma"], p["beta"], training=train))


def layer_norm(x, p):
    return F.layer_norm(x, x.shape[-1:], p["gamma"], p["beta"])


def global_max(x):
    return x.flatten(1, -2).amax(1)


def hard_sigmoid(x):
    """By definition: PyTorch's own gradient has a sixth in single precision only."""
    return F.relu6(x + 3.0) / 6.0


def hard_swish(x):
    return x * hard_sigmoid(x)


FUNCTIONS = [
    *(F.relu, F.relu6, F.leaky_relu, F.elu, F.silu, F.gelu),
    *(hard_sigmoid, hard_swish, torch.sigmoid, F.softplus, torch.tanh),
]


def conv_case(name, shape, out, kernel, bias=False, **options):
    shapes = conv_params(shape[-1], out, kernel, options.get("groups", 1), bias)
    return name, [shape], shapes, lambda x, p: conv(x[0], p, kernel, **options)


def pool_case(name, f, shape, kernel, stride, pad):
    return name, [shape], {}, lambda x, p: f(x[0], kernel, stride, pad)


def conv_transpose_case(name, shape, out, kernel, stride, pad, output_pad=None, groups=1, bias=False):
    shapes = {"weight": [*kernel, shape[-1], out // groups]} | ({"bias": [out]} if bias else {})
    output_pad = output_pad or [0] * len(kernel)
    return name, [shape], shapes, lambda x, p: conv_transpose(x[0], p, stride, pad, output_pad, groups)


def cases():
    """Name, shapes of inputs, shapes of parameters, function."""
    yield conv_case("conv/0", [6, 5, 3], 5, [3, 3])
    yield conv_case("conv/1", [4, 4, 3], 4, [1, 1], bias=True)
    yield conv_case("conv/2", [5, 4, 2], 3, [1, 1], stride=2)
    yield conv_case("conv/3", [7, 6, 2], 4, [5, 3], bias=True, stride=2)
    yield conv_case("conv/4", [6, 7, 4], 4, [3, 3], groups=4, stride=2)
    yield conv_case("conv/5", [5, 5, 18], 18, [5, 5], groups=18)
    yield conv_case("conv/6", [7, 7, 4], 6, [3, 3], groups=2, dilation=2)
    yield conv_case("conv/7", [12, 2], 6, [9])
    yield conv_case("conv/8", [11, 3], 4, [3], bias=True, dilation=3, stride=2)
    yield conv_case("conv/9", [9, 4], 4, [5], groups=4)
    yield conv_case("more/0", [5, 6, 3], 2, [4, 2], bias=True)
    yield conv_case("more/1", [5, 4, 2], 3, [3, 2], stride=[2, 1], pad=[0, 1, 2, 0])
    yield conv_case("more/2", [5, 6, 4], 4, [3, 4], bias=True, groups=4, stride=[1, 2], pad=[2, 0, 1, 3])
    yield conv_case("more/3", [12, 11, 2], 1, [9, 9])
    yield conv_case("more/4", [8, 4], 4, [2], groups=2, stride=3)
    yield pool_case("more/5", max_pool, [5, 6, 2], [3, 2], [2, 2], [1, 0, 0, 1])
    yield pool_case("more/6", average_pool, [5, 6, 2], [3, 2], [2, 1], [0, 1, 2, 0])
    yield "more/7", [[3, 2, 4]], {"weight": [4, 3], "bias": [3]}, lambda x, p: linear(x[0], p)
    yield "linear/0", [[7]], {"weight": [7, 5], "bias": [5]}, lambda x, p: linear(x[0], p)
    yield "linear/1", [[4, 6]], {"weight": [6, 3]}, lambda x, p: linear(x[0], p)
    yield conv_transpose_case("conv_transpose/0", [3, 2, 5], 4, [2, 2], [2, 2], [0, 0, 0, 0])
    yield conv_transpose_case("conv_transpose/1", [2, 4, 2], 3, [4, 3], [2, 1], [1, 1, 1, 1], bias=True)
    yield conv_transpose_case("conv_transpose/2", [3, 2, 6], 4, [3, 3], [2, 2], [1, 1, 1, 1], [1, 0], groups=2)
    yield conv_transpose_case("conv_transpose/3", [4, 3], 3, [2], [3], [0, 0], [1], groups=3)
    yield conv_transpose_case("conv_transpose/4", [4, 3], 2, [5], [2], [2, 1], bias=True)
    yield "matmul/0", [[3, 4], [4, 5]], {}, lambda x, p: x[0] @ x[1]
    yield "matmul/1", [[3, 4], [5, 4]], {}, lambda x, p: x[0] @ x[1].mT / 2
    yield "matmul/2", [[2, 3, 4], [2, 4, 2]], {}, lambda x, p: 2 * x[0] @ x[1]
    yield "matmul/3", [[2, 2, 3, 2], [2, 2, 4, 2]], {}, lambda x, p: x[0] @ x[1].mT
    yield "embedding/0", [[2]], {"weight": [5, 4]}, lambda x, p: embedding(x[0], p)
    for i, (n, vocabulary, width) in enumerate([(5, 3, 4), (1, 2, 1)]):
        yield f"token_embedding/{i}", [[n]], {"weight": [vocabulary, width]}, lambda x, p: token_embedding(x[0], p)
    for i, (shape, rows) in enumerate([([3, 4], 3), ([2, 3, 2], 2), ([3, 4], 5)]):
        shapes = {"weight": [rows, *shape[1:]]}
        yield f"position_embedding/{i}", [shape], shapes, lambda x, p: x[0] + p["weight"][:x[0].shape[1]]
    for i, (shape, count) in enumerate([([3, 4], 1), ([1, 3], 2)]):
        yield f"class_token/{i}", [shape], {"weight": [count, shape[-1]]}, lambda x, p: class_token(x[0], p)
    for i, shape in enumerate([[3, 4, 5], [6]]):
        names = ("gamma", "beta", "mean", "variance")
        yield f"batch_norm/{i}", [shape], {n: shape[-1:] for n in names}, None
    for i, shape in enumerate([[3, 5], [6]]):
        shapes = {n: shape[-1:] for n in ("gamma", "beta")}
        yield f"layer_norm/{i}", [shape], shapes, lambda x, p: layer_norm(x[0], p)
    for i, f in enumerate(FUNCTIONS):
        yield f"activation/{i}", [[3, 5]], {}, lambda x, p, f=f: f(x[0])
    yield "leaky_relu/0", [[3, 5]], {}, lambda x, p: F.leaky_relu(x[0], 1e-3)
    yield "leaky_relu/1", [[7]], {}, lambda x, p: F.leaky_relu(x[0], 0.2)
    for i, shape in enumerate([[3, 5], [2, 3, 4]]):
        yield f"prelu/{i}", [shape], {"slope": shape[-1:]}, lambda x, p: last(F.prelu(first(x[0]), p["slope"]))
    for i, shape in enumerate([[5], [3, 4]]):
        yield f"softmax/{i}", [shape], {}, lambda x, p: torch.softmax(x[0], -1)
    yield pool_case("pool/0", max_pool, [5, 4, 3], [2, 2], [2, 2], [0, 0, 0, 0])
    yield pool_case("pool/1", max_pool, [4, 5, 2], [3, 3], [1, 1], [1, 1, 1, 1])
    yield pool_case("pool/2", average_pool, [4, 5, 2], [3, 3], [1, 1], [1, 1, 1, 1])
    yield pool_case("pool/3", average_pool, [7, 3], [2], [2], [0, 0])
    yield pool_case("pool/4", max_pool, [6, 3], [3], [1], [1, 1])
    for i, (shape, size, stride) in enumerate([([5, 4, 3], 3, 2), ([3, 4, 2], 5, 1), ([7, 3], 4, 2)]):
        yield f"blur_pool/{i}", [shape], {}, lambda x, p, s=size, t=stride: blur_pool(x[0], s, t)
    yield "max_unpool/0", [[2, 2, 3], [5, 4, 3]], {}, lambda x, p: max_unpool(*x, [2, 2])
    yield "max_unpool/1", [[2, 2], [7, 2]], {}, lambda x, p: max_unpool(*x, [3])
    yield "global_pool/0", [[3, 4, 5]], {}, lambda x, p: x[0].mean((1, 2))
    yield "global_pool/1", [[6, 4]], {}, lambda x, p: global_max(x[0])
    yield "global_pool/2", [[6, 3]], {}, lambda x, p: x[0].mean(1)
    yield "add/0", [[3, 4], [3, 4]], {}, lambda x, p: x[0] + x[1]
    yield "add/1", [[5], [5], [5]], {}, lambda x, p: x[0] + x[1] + x[2]
    yield "add/2", [[3, 2, 4], [4]], {}, lambda x, p: x[0] + x[1][:, None, None]
    yield "add/3", [[4], [3, 4], [3, 4], [4]], {}, lambda x, p: x[0][:, None] + x[1] + x[2] + x[3][:, None]
    yield "add/4", [[1, 4], [4]], {}, lambda x, p: x[0] + x[1][:, None]
    yield "mean/0", [[3, 4], [3, 4]], {}, lambda x, p: (x[0] + x[1]) / 2
    yield "mean/2", [[5]], {}, lambda x, p: x[0].clone()
    yield "mul/0", [[3, 4], [3, 4]], {}, lambda x, p: x[0] * x[1]
    yield "mul/1", [[3, 2, 4], [4]], {}, lambda x, p: x[0] * x[1][:, None, None]
    for i, shapes in enumerate([[[3, 4], [3, 2]], [[5], [1], [2]], [[2, 3, 1], [2, 3, 2]]]):
        yield f"concat/{i}", shapes, {}, lambda x, p: torch.cat(x, -1)
    yield "slice/0", [[3, 4]], {}, lambda x, p: x[0][..., 1:3]
    yield "slice/1", [[5]], {}, lambda x, p: x[0][..., 0:2]
    for i, (a, b) in enumerate([([3, 2, 4], [24]), ([4, 3], [6, 2]), ([12], [2, 3, 2])]):
        yield f"reshape/{i}", [a], {}, lambda x, p, b=b: x[0].reshape([BATCH, *b])
    orders = [([3, 4], [1, 0]), ([3, 2, 4], [1, 0, 2]), ([3, 2, 4], [2, 0, 1]), ([2, 3, 2, 3], [0, 2, 1, 3])]
    for i, (shape, order) in enumerate([*orders, ([2, 3, 1, 2, 2], [1, 3, 0, 4, 2])]):
        axes = [0, *(1 + axis for axis in order)]
        yield f"permute/{i}", [shape], {}, lambda x, p, axes=axes: x[0].permute(axes)
    for i, shapes in enumerate([[[3, 4]] * 2, [[5]] * 3, [[2, 3, 17]]]):
        weights = {"weight": [len(shapes)]}
        yield f"mix/{i}", shapes, weights, lambda x, p: sum(w * y for w, y in zip(p["weight"], x))
    yield "scale/0", [[3, 5]], {"gamma": [5]}, lambda x, p: p["gamma"] * x[0]
    yield "standardize/0", [[3, 5]], {"mean": [5], "std": [5]}, lambda x, p: (x[0] - p["mean"]) / p["std"]
    yield "standardize/1", [[2]], {"mean": [2], "std": [2]}, lambda x, p: x[0] * p["std"] + p["mean"]
    yield "zero/0", [[3, 5]], {}, lambda x, p: 0 * x[0]
    yield "cross_entropy/0", [[5]], {}, lambda x, p: x[0].clone()


def operator_input(name, shape, k):
    """Input `k`: activations see all their pieces, embeddings codes."""
    if name.startswith("embedding"):
        return torch.tensor([[(n + k) % (3 - k) for k in range(2)] for n in range(BATCH)], dtype=torch.float64)
    if name.startswith("token_embedding"):
        return torch.arange(BATCH * shape[0], dtype=torch.float64).reshape(BATCH, -1) % 3
    return tensor([BATCH, *shape], 1 + k, 8.0 if name.startswith("activation") else 1.0)


def loss_of(name, y):
    target = tensor(y.shape, 99)
    if name.startswith("cross_entropy"):
        return F.cross_entropy(y, 1.5 + target, reduction="sum") / BATCH
    return ((y - target) ** 2).sum() / VARIANCE / BATCH


def operator_lines(name, shapes, params, f):
    xs = [operator_input(name, s, k).requires_grad_() for k, s in enumerate(shapes)]
    p = {n: parameter(f"op.{n}", s) for n, s in params.items()}
    trained = {n: v.requires_grad_() for n, v in p.items() if n not in ("mean", "variance", "std")}
    if f is None:
        yield "infer", batch_norm(xs[0], p, False)
        y = batch_norm(xs[0], p, True)
        yield from ((n, p[n]) for n in ("mean", "variance"))
    else:
        y = f(xs, p)
    loss = loss_of(name, y)
    loss.backward()
    yield "loss", loss
    yield "output", y
    yield from ((f"input{k}", x.grad) for k, x in enumerate(xs))
    yield from ((n, v.grad) for n, v in trained.items())


class Network:
    """Stem, inverted residual with squeeze-excitation and shortcut, head: parameters by Nasmyth's keys."""

    def __init__(self):
        self.p = {}
        self.convs = {"conv_1": (3, 8, [3, 3], 1), "conv_4": (8, 16, [1, 1], 1)}
        self.convs |= {"conv_7": (16, 16, [3, 3], 16), "conv_16": (16, 8, [1, 1], 1)}
        for name, (inputs, out, kernel, groups) in self.convs.items():
            self.own(name, conv_params(inputs, out, kernel, groups))
        for name, c in {"batch_norm_2": 8, "batch_norm_5": 16, "batch_norm_8": 16, "batch_norm_17": 8}.items():
            self.own(name, {n: [c] for n in ("gamma", "beta", "mean", "variance")})
        for name, (a, b) in {"linear_11": (16, 4), "linear_13": (4, 16), "linear_20": (8, 3)}.items():
            self.own(name, {"weight": [a, b], "bias": [b]})
        for key in self.trained():
            self.p[key].requires_grad_()

    def own(self, node, shapes):
        self.p |= {f"{node}.{n}": parameter(f"{node}.{n}", s) for n, s in shapes.items()}

    def trained(self):
        return [k for k in self.p if not k.endswith((".mean", ".variance"))]

    def of(self, node):
        return {k.split(".")[1]: v for k, v in self.p.items() if k.startswith(node + ".")}

    def conv_bn(self, x, c, b, train):
        _, _, kernel, groups = self.convs[c]
        return batch_norm(conv(x, self.of(c), kernel, groups=groups), self.of(b), train)

    def forward(self, x, train=True):
        x = hard_swish(self.conv_bn(x, "conv_1", "batch_norm_2", train))
        y = F.silu(self.conv_bn(x, "conv_4", "batch_norm_5", train))
        y = F.silu(self.conv_bn(y, "conv_7", "batch_norm_8", train))
        gate = F.relu(linear(y.mean((1, 2)), self.of("linear_11")))
        gate = hard_sigmoid(linear(gate, self.of("linear_13")))
        y = self.conv_bn(y * gate[:, None, None], "conv_16", "batch_norm_17", train)
        return linear(global_max(x + y), self.of("linear_20"))

    def loss(self):
        y = self.forward(tensor([BATCH, 6, 5, 3], 1))
        return F.cross_entropy(y, 1.5 + tensor(y.shape, 99), reduction="sum") / BATCH, y


def network_lines():
    network = Network()
    with torch.no_grad():
        yield "infer", network.forward(tensor([BATCH, 6, 5, 3], 1), False)
    loss, y = network.loss()
    loss.backward()
    yield "loss", loss
    yield "output", y
    trained = network.trained()
    yield from ((k, v.grad if k in trained else v) for k, v in network.p.items())


def step_lines(optimizer, decay, **options):
    """All parameters after three steps; weights decay, biases and scales of normalisation do not."""
    network = Network()
    weights = [k for k in network.trained() if k.endswith(".weight")]
    others = [k for k in network.trained() if k not in weights]
    groups = [{"params": [network.p[k] for k in weights], "weight_decay": decay}]
    groups += [{"params": [network.p[k] for k in others], "weight_decay": 0.0}]
    optimizer = optimizer(groups, **options)
    for _ in range(3):
        optimizer.zero_grad()
        network.loss()[0].backward()
        optimizer.step()
    return network.p.items()


def scattered(i, salt):
    """Element `i` of the tensor `salt`: in -1..1, without visible order (the mixing steps of xxHash, Collet 2012)."""
    mixed = (i * 2654435761 + salt * 40503 + 374761393) % 2**32
    mixed = (mixed ^ mixed >> 15) * 2246822519 % 2**32
    mixed = (mixed ^ mixed >> 13) * 3266489917 % 2**32
    return (mixed ^ mixed >> 16) / 2.0**31 - 1.0


SIDE, CLASSES = 16, 10


class Cell:
    """Three stages of two NAS-Bench-201 cells, as in `crates/engine/benches/compare/networks.rs`: parameters by Nasmyth's keys."""

    def __init__(self, dtype):
        self.p, self.dtype = {}, dtype
        self.forward(torch.zeros([1, SIDE, SIDE, 3], dtype=dtype), False)
        for key in self.trained():
            self.p[key].requires_grad_()

    def trained(self):
        return [k for k in self.p if not k.endswith((".mean", ".variance"))]

    def node(self, kind):
        self.nodes += 1
        return f"{kind}_{self.nodes}"

    def own(self, node, shapes):
        """Parameters of a node: those there are, or their first values."""
        for key, shape in ((f"{node}.{n}", s) for n, s in shapes.items()):
            if key not in self.p:
                self.p[key] = self.initial(key, shape)
        return {n: self.p[f"{node}.{n}"] for n in shapes}

    def initial(self, key, shape):
        """Weights have the variance of He et al. 2015; scales and variances are 1, the others 0."""
        if not key.endswith(".weight"):
            return torch.full(shape, float(key.endswith((".gamma", ".variance"))), dtype=self.dtype)
        size, salt = torch.Size(shape).numel(), sum(key.encode())
        spread = (6.0 / (size // shape[-1])) ** 0.5
        return torch.tensor([spread * scattered(i, salt) for i in range(size)], dtype=self.dtype).reshape(shape)

    def conv(self, x, out, kernel, stride=1):
        shapes = conv_params(x.shape[-1], out, [kernel, kernel])
        return conv(x, self.own(self.node("conv"), shapes), [kernel, kernel], stride)

    def relu(self, x):
        self.node("relu")
        return F.relu(x)

    def norm(self, x):
        shapes = {n: x.shape[-1:] for n in ("gamma", "beta", "mean", "variance")}
        return batch_norm(x, self.own(self.node("batch_norm"), shapes), self.train)

    def pool(self, x, size, stride, pad):
        self.node("pool")
        return average_pool(x, [size, size], stride, [pad] * 4)

    def add(self, *terms):
        self.node("add")
        return sum(terms)

    def edge(self, x, kernel):
        return self.norm(self.conv(self.relu(x), x.shape[-1], kernel))

    def cell(self, x):
        one = self.edge(x, 3)
        two = self.add(x, self.edge(one, 1))
        return self.add(self.edge(x, 3), self.edge(two, 3), self.pool(one, 3, 1, 1))

    def reduction(self, x, out):
        y = self.relu(self.norm(self.conv(self.relu(x), out, 3, 2)))
        y = self.norm(self.conv(y, out, 3))
        return self.add(y, self.conv(self.pool(x, 2, 2, 0), out, 1))

    def forward(self, x, train=True):
        self.nodes, self.train = 0, train
        x = self.norm(self.conv(x, 16, 3))
        for width in (16, 32, 64):
            x = self.reduction(x, width) if width > 16 else x
            x = self.cell(self.cell(x))
        x = self.relu(self.norm(x)).mean((1, 2))
        self.node("global_pool")
        return linear(x, self.own(self.node("linear"), {"weight": [64, CLASSES], "bias": [CLASSES]}))


def texture_batch(step, count, dtype):
    """Samples `step * count ..`, of all classes in turn: a sawtooth whose frequency is the class, and noise."""
    samples = range(step * count, (step + 1) * count)

    def pixels(sample):
        for i in range(SIDE * SIDE * 3):
            yield number((sample % CLASSES + 1) * (i // 3), i % 3) + 0.1 * scattered(i, sample)

    x = torch.tensor([list(pixels(sample)) for sample in samples], dtype=dtype).reshape(-1, SIDE, SIDE, 3)
    return x, torch.tensor([sample % CLASSES for sample in samples])


def curve_lines(dtype, steps, count=32):
    """The loss of each step, and the network's outputs afterwards on one more batch. Rounding changes a curve, the more the higher
    the rate: at this one, float32 stays within 0.1 % of float64 for 50 steps."""
    network = Cell(dtype)
    optimizer = torch.optim.SGD([network.p[k] for k in network.trained()], lr=0.001, momentum=0.9)
    losses = []
    for step in range(steps):
        x, y = texture_batch(step, count, dtype)
        optimizer.zero_grad()
        loss = F.cross_entropy(network.forward(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    yield "loss", torch.stack(losses)
    with torch.no_grad():
        yield "infer", network.forward(texture_batch(steps, count, dtype)[0], False)


def write(path, blocks):
    with open(path, "w") as file:
        for case, lines in blocks:
            for name, values in lines:
                numbers = " ".join(f"{v:.9g}" for v in values.detach().flatten().tolist())
                file.write(f"{case} {name} {numbers}\n")


def quadratic(optimizer, **options):
    """Three steps on p^2 from (1, -2), weight decay on the first only: the setting of the optimisers' unit test."""
    p, q = torch.tensor([1.0], requires_grad=True), torch.tensor([-2.0], requires_grad=True)
    optimizer = optimizer([{"params": [p], "weight_decay": 0.1}, {"params": [q], "weight_decay": 0.0}], lr=0.1, **options)
    for _ in range(3):
        optimizer.zero_grad()
        (p**2 + q**2).sum().backward()
        optimizer.step()
    return p.item(), q.item()


def main():
    sgd, adamw = torch.optim.SGD, torch.optim.AdamW
    write("crates/engine/tests/golden/operators.txt", ((c[0], operator_lines(*c)) for c in cases()))
    write("crates/engine/tests/golden/network.txt", [("network", network_lines())])
    curves = [("float32", curve_lines(torch.float32, 50)), ("float64", curve_lines(torch.float64, 20))]
    write("crates/engine/tests/golden/curve.txt", curves)
    steps = [
        ("sgd", step_lines(sgd, 0.01, lr=0.05, momentum=0.9, nesterov=True)),
        ("adamw", step_lines(adamw, 0.1, lr=0.01)),
    ]
    write("crates/train/tests/golden/steps.txt", steps)
    print("SGD_GOLDEN", quadratic(sgd, momentum=0.9, nesterov=True))
    print("ADAMW_GOLDEN", quadratic(adamw))


main()
