"""Forward passes of kerma's networks in PyTorch on the CPU: a UNet of slices and one of volumes, batches of 1 and 8.

The same layers and channels as `unet` in nn/benches ("slices forward", "volumes forward"): weights are PyTorch's own,
since no time depends on them. Best of some rounds, warm, in each layout of memory:

    python3 -m venv target/torch && target/torch/bin/pip install torch --index-url https://download.pytorch.org/whl/cpu
    target/torch/bin/python benches/peers/networks.py --threads 2
"""

import argparse
import time

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    """Two convolutions, each after group normalisation and SiLU, added to the input."""

    def __init__(self, conv, inputs, outputs, groups):
        super().__init__()
        self.norms = nn.ModuleList([nn.GroupNorm(groups, inputs), nn.GroupNorm(groups, outputs)])
        self.convs = nn.ModuleList([conv(inputs, outputs, 3, padding=1), conv(outputs, outputs, 3, padding=1)])
        self.skip = conv(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x):
        y = x
        for norm, conv in zip(self.norms, self.convs):
            y = conv(F.silu(norm(y)))
        return self.skip(x) + y


class Slices(nn.Module):
    """kerma's `Unet` without condition, fold and attention, one block a level."""

    def __init__(self, widths=(16, 32, 64, 64), groups=8):
        super().__init__()
        pairs = list(zip(widths, widths[1:]))
        self.entry = nn.Conv2d(1, widths[0], 3, padding=1)
        self.down = nn.ModuleList(Block(nn.Conv2d, w, w, groups) for w in widths)
        self.halve = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairs)
        self.middle = nn.Sequential(*(Block(nn.Conv2d, widths[-1], widths[-1], groups) for _ in range(2)))
        self.up = nn.ModuleList(Block(nn.Conv2d, 2 * w, w, groups) for w in reversed(widths))
        self.enlarge = nn.ModuleList(nn.Conv2d(b, a, 3, padding=1) for a, b in reversed(pairs))
        self.norm, self.exit = nn.GroupNorm(groups, widths[0]), nn.Conv2d(widths[0], 1, 3, padding=1)

    def forward(self, x):
        x, skips = self.entry(x), []
        for level, block in enumerate(self.down):
            x = block(x)
            skips.append(x)
            if level < len(self.halve):
                x = self.halve[level](x)
        x = self.middle(x)
        for level, block in enumerate(self.up):
            x = block(torch.cat([x, skips.pop()], 1))
            if level < len(self.enlarge):
                x = self.enlarge[level](F.interpolate(x, scale_factor=2))
        return self.exit(F.silu(self.norm(x)))


class Volumes(nn.Module):
    """kerma's `Unet3d` with its default sizes."""

    def __init__(self, widths=(8, 16, 32, 64), groups=4):
        super().__init__()
        self.entry = nn.Conv3d(1, widths[0], 3, padding=1)
        self.down = nn.ModuleList(Block(nn.Conv3d, a, b, groups) for a, b in zip(widths[:1] + widths, widths))
        pairs = reversed(list(zip(widths, widths[1:])))
        self.up = nn.ModuleList(Block(nn.Conv3d, a + b, a, groups) for a, b in pairs)
        self.norm, self.exit = nn.GroupNorm(groups, widths[0]), nn.Conv3d(widths[0], 1, 3, padding=1)

    def forward(self, x):
        x, skips = self.entry(x), []
        for level, block in enumerate(self.down):
            if level > 0:
                skips.append(x)
                x = F.avg_pool3d(x, 2)
            x = block(x)
        for block in self.up:
            x = block(torch.cat([F.interpolate(x, scale_factor=2), skips.pop()], 1))
        return self.exit(F.silu(self.norm(x)))


def best(evaluate, rounds):
    """Shortest time in milliseconds, after two evaluations that do not count."""
    times = []
    for _ in range(rounds + 2):
        start = time.perf_counter()
        evaluate()
        times.append(time.perf_counter() - start)
    return 1000 * min(times[2:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    cases = [
        ("slices 128²", Slices(), (128, 128), torch.channels_last),
        ("volumes 48³", Volumes(), (48, 48, 48), torch.channels_last_3d),
    ]
    for name, network, sides, last in cases:
        network.eval()
        weights = sum(p.numel() for p in network.parameters())
        for count in (1, 8):
            for layout, format_ in (("contiguous", torch.contiguous_format), ("channels last", last)):
                network.to(memory_format=format_)
                x = torch.randn(count, 1, *sides).to(memory_format=format_)
                with torch.inference_mode():
                    milliseconds = best(lambda: network(x), arguments.rounds)
                print(f"{name}, {weights} weights, batch {count}, {layout}: {milliseconds:.1f} ms")


if __name__ == "__main__":
    main()
