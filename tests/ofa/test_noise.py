"""Noise of training: closed forms of stuck and varying cells, codes around faults, gradients, rounding."""

from __future__ import annotations

import math
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

import ofa
from ofa.noise import (
    HEALTHY,
    LARGEST,
    SLICES,
    STUCK_HIGH,
    STUCK_LOW,
    apply_stuck,
    apply_variation,
    draw_stuck,
    draw_variation,
    nearest_digits,
    noisy_codes,
    noisy_products,
    noisy_weights,
    plain_levels,
    quantise_inputs,
    quantise_weights,
    sum_slices,
    sum_squares,
)
from ofa.recipe import Noise

pytestmark = pytest.mark.usefixtures("one_thread")

MANY = 100_000


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def digits_of(code: int) -> list[int]:
    """0 and 1, with the code's sign; the lowest first."""
    return [int(math.copysign(abs(code) >> j & 1, code)) for j in range(SLICES)]


def require_moments(found: Tensor, mean: float, variance: float) -> None:
    """Both within 4 standard errors of drawn numbers."""
    found = found.double()
    assert abs(float(found.mean()) - mean) < 4 * math.sqrt(variance / len(found)) + 1e-9
    fourth = float(((found - mean) ** 4).mean())
    assert abs(float(((found - mean) ** 2).mean()) - variance) < 4 * math.sqrt(fourth / len(found)) + 1e-9


@pytest.mark.parametrize("code", [100, -7, 0, 127])
@pytest.mark.parametrize(("high", "low"), [(0.01, 0.01), (0.1, 0.02), (0.0, 0.05), (0.3, 0.3)])
def test_stuck_cells_have_the_mean_and_variance_of_the_closed_form(code, high, low):
    held = noisy_codes(torch.full((MANY,), float(code)), Noise(high, low), seeded())
    parts = [high * (1 - high) if digit else low * (1 - low) for digit in digits_of(code)]
    variance = sum(4**j * (part + low * (1 - low)) for j, part in enumerate(parts))
    require_moments(held, (1 - high - low) * code, variance)


@pytest.mark.parametrize("code", [100, -7, 127])
def test_varying_cells_have_the_mean_and_variance_of_log_normal_conductances(code):
    held = noisy_codes(torch.full((MANY,), float(code)), Noise(variation=0.2), seeded())
    squares = sum(4**j * abs(digit) for j, digit in enumerate(digits_of(code)))
    require_moments(held, math.sqrt(1.04) * code, 1.04 * 0.04 * squares)


def test_the_variation_of_a_weight_is_that_of_its_cells_together():
    levels = plain_levels(torch.tensor([100.0]))
    cells = torch.randn((MANY, *levels.shape), generator=seeded(1))
    conductances = levels * torch.exp(cells * math.sqrt(math.log1p(0.2**2)))
    worth = (2.0 ** torch.arange(SLICES)).view(-1, 1)
    apart = ((conductances[:, 0] - conductances[:, 1]) * worth).sum((1, 2))
    drawn = draw_variation((MANY,), seeded())
    together = apply_variation(drawn, sum_slices(levels), sum_squares(levels), 0.2)
    require_moments(apart, float(together.double().mean()), float(together.double().var()))


def test_stuck_cells_vary_like_those_of_the_level_they_are_stuck_in():
    noise, codes = Noise(0.2, 0.2, 0.1), torch.full((MANY,), 5.0)
    held = noisy_codes(codes, noise, seeded())
    levels = apply_stuck(draw_stuck((MANY,), noise, seeded()), codes)
    drift = held / math.sqrt(1.01) - sum_slices(levels)
    normal = drift[sum_squares(levels) > 0] / sum_squares(levels)[sum_squares(levels) > 0].sqrt()
    require_moments(normal, 0, 0.01)
    assert not drift[sum_squares(levels) == 0].any()


@pytest.mark.parametrize(("high", "low"), [(0.01, 0.03), (0.6, 0.4), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)])
def test_every_cell_is_stuck_by_itself_at_the_rates(high, low):
    states = draw_stuck((MANY // 10,), Noise(high, low), seeded()).flatten()
    for state, share in ((STUCK_HIGH, high), (STUCK_LOW, low), (HEALTHY, 1 - high - low)):
        require_moments((states == state).float(), share, max(share * (1 - share), 0))
    neighbours = ((states[1:] > 0) & (states[:-1] > 0)).float()
    both = (high + low) ** 2
    assert abs(float(neighbours.mean()) - both) < 6 * math.sqrt(both / len(neighbours)) + 1e-9


def test_a_large_draw_with_few_faults_ends_where_the_cells_end():
    states = draw_stuck((3,), Noise(1e-9, 1e-9), seeded())
    assert (states.shape, int(states.sum())) == ((2, SLICES, 3), 0)


def reachable(stuck: Tensor) -> set[int]:
    """All codes that a weight's cells (2, 7) can hold."""
    sums = {0}
    for j in range(SLICES):
        options = [{HEALTHY: (0, 1), STUCK_HIGH: (0,), STUCK_LOW: (1,)}[int(stuck[a, j])] for a in (0, 1)]
        sums = {s + (p - m) * 2**j for s in sums for p, m in product(*options)}
    return sums


states = st.lists(st.sampled_from([0, 0, 0, 1, 2]), min_size=14, max_size=14)


@given(st.integers(-LARGEST, LARGEST), states)
@settings(deadline=None)
def test_a_code_around_faults_is_the_nearest_of_all_and_its_cells_hold_it(code, drawn):
    stuck = torch.tensor(drawn, dtype=torch.int8).view(2, SLICES, 1)
    levels = apply_stuck(stuck, torch.tensor([float(code)]), "fault-aware")
    held = int(sum_slices(levels))
    assert abs(held - code) == min(abs(each - code) for each in reachable(stuck[..., 0]))
    fixed = stuck != HEALTHY
    assert torch.equal(levels[fixed], (stuck == STUCK_LOW)[fixed].to(torch.int8))
    digits = nearest_digits(torch.tensor([float(code)]), stuck).to(torch.int64)
    assert held == int((digits.flatten() * 2 ** torch.arange(SLICES)).sum())


def test_without_faults_both_encodings_hold_every_code():
    codes = torch.arange(-LARGEST, LARGEST + 1.0)
    healthy = torch.zeros((2, SLICES, len(codes)), dtype=torch.int8)
    for encoding in ("plain", "fault-aware"):
        assert torch.equal(sum_slices(apply_stuck(healthy, codes, encoding)), codes)


def test_faults_that_are_known_do_less_harm():
    codes = torch.randn(20_000, generator=seeded()).mul(32).round().clamp(-LARGEST, LARGEST)
    plain, aware = (
        (noisy_codes(codes, Noise(0.05, 0.05, 0, own), seeded()) - codes).std()
        for own in ("plain", "fault-aware")
    )
    assert aware < plain / 5


def test_weights_are_rounded_by_channel_and_a_channel_of_zeros_stays():
    weights = torch.tensor([[1.27, -0.635, 0.005], [0.0, 0.0, 0.0], [-2.54, 0.03, 0.05]])
    codes, steps = quantise_weights(weights)
    torch.testing.assert_close(steps, torch.tensor([[0.01], [1.0], [0.02]]))
    assert codes[1:].tolist() == [[0, 0, 0], [-127, 2, 2]]
    assert codes[0, 0] == LARGEST


def test_inputs_are_rounded_to_eight_bits_signed_only_where_some_are_negative():
    assert quantise_inputs(torch.tensor([0.0, 51.2, 255.0])).tolist() == [0, 51, 255]
    assert quantise_inputs(torch.tensor([-127.0, 51.2, 20.0])).tolist() == [-127, 51, 20]
    assert quantise_inputs(torch.zeros(3)).tolist() == [0, 0, 0]


def network() -> nn.Sequential:
    torch.manual_seed(3)
    conv = nn.Conv2d(3, 4, 3, groups=1, padding=1)
    return nn.Sequential(conv, nn.ReLU(), nn.Conv2d(4, 4, 3, groups=4), nn.Flatten(), nn.Linear(64, 5))


def plain_quantised(net: nn.Sequential, x: Tensor) -> Tensor:
    """The slow way: rounded weights in the modules, inputs rounded before them."""
    for module in net:
        if isinstance(module, nn.Conv2d | nn.Linear):
            codes, steps = quantise_weights(module.weight)
            weights, inputs = codes * steps, quantise_inputs(x)
            if isinstance(module, nn.Linear):
                x = functional.linear(inputs, weights, module.bias)
            else:
                x = module._conv_forward(inputs, weights, module.bias)
        else:
            x = module(x)
    return x


@pytest.mark.parametrize("encoding", ["plain", "fault-aware"])
def test_no_noise_is_the_plain_quantised_network(encoding):
    net, x = network(), torch.randn(2, 3, 6, 6)
    with noisy_products(Noise(encoding=encoding), seeded()):
        found = net(x)
    torch.testing.assert_close(found, plain_quantised(net, x), rtol=0, atol=1e-6)
    assert not torch.equal(found, net(x))
    with noisy_products(None, seeded()):
        assert torch.equal(net(x), net(x))


def test_gradients_pass_straight_through_rounding_and_faults():
    weights = torch.randn(4, 9, requires_grad=True)
    x = torch.randn(5, 9, requires_grad=True)
    into = torch.randn(4, 9)
    noisy_weights(weights, Noise(0.1, 0.1, 0.1), seeded()).backward(into)
    assert torch.equal(weights.grad, into)
    quantise_inputs(x).backward(into[:1].expand(5, 9))
    assert torch.equal(x.grad, into[:1].expand(5, 9))
    net, x = network(), torch.rand(2, 3, 6, 6)
    with noisy_products(Noise(0.1, 0.1, 0.1), seeded()):
        net(x).sum().backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in net.parameters())


def test_seeds_reproduce_and_every_product_draws_anew():
    net, x, noise = network(), torch.randn(2, 3, 6, 6), Noise(0.05, 0.05, 0.05)

    def outputs(seed: int) -> list[Tensor]:
        with noisy_products(noise, seeded(seed)), torch.no_grad():
            return [net(x), net(x)]

    first, again, other = outputs(1), outputs(1), outputs(2)
    assert all(torch.equal(one, same) for one, same in zip(first, again, strict=True))
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first[0], other[0])


def test_layers_of_a_supernet_are_noisy_but_not_what_makes_its_kernels(monkeypatch):
    met: list[tuple[int, ...]] = []
    supernet = ofa.build_supernet(3).eval()
    supernet.set_active_subnet(3, 3, 2)
    drawn = noisy_weights

    def counted(weights, *rest):
        met.append(tuple(weights.shape))
        return drawn(weights, *rest)

    monkeypatch.setattr("ofa.noise.noisy_weights", counted)
    noise, x = Noise(0.01, 0.01), torch.randn(1, 3, 32, 32)
    with torch.no_grad(), noisy_products(noise, seeded()):
        inside = supernet(x)
    layers = ofa.layer_shapes(3, 3, 2, num_classes=3)
    sizes = [(own.out, own.channels // own.groups, own.kernel, own.kernel) for own in layers[:-1]]
    assert met == [*sizes, (3, 1280)]
    with torch.no_grad(), noisy_products(noise, seeded()):
        torch.testing.assert_close(supernet.get_active_subnet()(x), inside)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [((-0.1, 0), "found -10 % and 0 %"), ((0.6, 0.5), "at most 100 %"), ((math.nan, 0), "found nan"),
     ((0, 0, 2), "a variation of 200 %"), ((0, 0, 0, "clever"), "encoding: found 'clever'")],
)  # fmt: skip
def test_cells_that_no_chip_has_are_refused(wrong, said):
    with pytest.raises(ofa.BadInput, match=said):
        Noise(*wrong)
