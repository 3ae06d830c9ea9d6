"""The elementary functions of the kernels, written for a whole vector at once and without a branch.

Compiled with its libraries, numba takes the exponential of one number at a time; that alone would cost five times what
the rest of a scan does. These are a polynomial and a few operations on bits, so that LLVM makes vector code of them.
`Value` stands for a vector while code is generated: a formula on Values is not computed, it is written down.
"""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

LOG2_E = 1.4426950408889634
LN_2 = 0.6931471805599453

# 2^f = 1 + f q(f) for |f| <= 1/2, and atanh(s) = s (1 + s^2 r(s^2)) for s <= 1/3, both interpolated at Chebyshev
# nodes. Relative errors: 9e-9 and 4e-10 for float32, 2e-17 and 5e-18 for float64.
_EXP2 = {
    32: (0.693147188116349, 0.24022650761348438, 0.05550356682386405, 0.009618082183394121, 0.0013391093247266345,
         0.0001545336197353356),
    64: (0.6931471805599453, 0.24022650695910072, 0.055504108664821625, 0.00961812910762848, 0.0013333558146406117,
         0.00015403530393370558, 1.5252733842009231e-05, 1.3215486808929518e-06, 1.0178056855501161e-07,
         7.054897189206508e-09, 4.455859112330208e-10, 2.572952812566595e-11),
}  # fmt: skip
_ATANH = {
    32: (0.33333333660279185, 0.1999985316033598, 0.14296179303159728, 0.10853282734582488, 0.11612191276246192),
    64: (0.3333333333333333, 0.20000000000007292, 0.14285714283554213, 0.11111111358730753, 0.09090894717220356,
         0.07692785056232256, 0.06657071715246565, 0.06000540111151911, 0.04400350306877925, 0.08082062969925885),
}  # fmt: skip
_MANTISSA_BITS = {32: 23, 64: 52}
_LARGEST_EXPONENT = {32: 128.0, 64: 1024.0}


class Value:
    """An LLVM vector while code is generated, so that formulas below read as formulas."""

    def __init__(self, builder: ir.IRBuilder, vector: Any) -> None:
        self.builder, self.vector = builder, vector

    @property
    def bits(self) -> int:
        return 32 if isinstance(self.vector.type.element, ir.FloatType) else 64

    def constant(self, number: float) -> "Value":
        return Value(self.builder, ir.Constant(self.vector.type, [number] * self.vector.type.count))

    def __add__(self, other: "Value | float") -> "Value":
        return self._float(self.builder.fadd, other)

    def __sub__(self, other: "Value | float") -> "Value":
        return self._float(self.builder.fsub, other)

    def __mul__(self, other: "Value | float") -> "Value":
        return self._float(self.builder.fmul, other)

    def __truediv__(self, other: "Value | float") -> "Value":
        return self._float(self.builder.fdiv, other)

    def where(
        self, comparison: str, bound: "Value | float", then: "Value | float", otherwise: "Value | float"
    ) -> "Value":
        """Lane by lane: `then` where the comparison with `bound` holds, else (also for nan) `otherwise`."""
        condition = self.builder.fcmp_ordered(comparison, self.vector, self._coerce(bound).vector)
        chosen = self.builder.select(condition, self._coerce(then).vector, self._coerce(otherwise).vector)
        return Value(self.builder, chosen)

    def polynomial(self, coefficients: "Sequence[Value | float]") -> "Value":
        """Horner's rule, lowest power first."""
        total = self._coerce(coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            total = total * self + coefficient
        return total

    def times_power_of_two(self, shifted: "Value") -> "Value":
        """self * 2^n, where n stands in the low bits of `shifted`: added straight into the exponent."""
        whole = ir.VectorType(ir.IntType(self.bits), self.vector.type.count)
        places = ir.Constant(whole, [_MANTISSA_BITS[self.bits]] * whole.count)
        exponent = self.builder.shl(self.builder.bitcast(shifted.vector, whole), places)
        total = self.builder.add(self.builder.bitcast(self.vector, whole), exponent)
        return Value(self.builder, self.builder.bitcast(total, self.vector.type))

    def _coerce(self, other: "Value | float") -> "Value":
        return other if isinstance(other, Value) else self.constant(other)

    def _float(self, operation: Callable[..., Any], other: "Value | float") -> "Value":
        # "contract" allows a fused multiply-add and nothing else: no reordering, no assumptions about nan.
        return Value(self.builder, operation(self.vector, self._coerce(other).vector, flags=("contract",)))


def exp2_numbers(bits: int) -> list[float]:
    """The constants of exp2, in its order."""
    # Adding 1.5 * 2^mantissa rounds x to a whole number, which then stands in the low bits.
    rounder = 1.5 * 2.0 ** _MANTISSA_BITS[bits]
    largest = _LARGEST_EXPONENT[bits]
    return [rounder, 2.0 - largest, largest, float("inf"), 1.0, *_EXP2[bits]]


def exp2(x: Value, numbers: Sequence[Value] | None = None) -> Value:
    """2^x. Below the normal range 0, above it inf, nan stays nan. `numbers` are those of exp2_numbers, as vectors."""
    rounder, least, most, infinity, one, *coefficients = numbers or [x.constant(c) for c in exp2_numbers(x.bits)]
    shifted = x + rounder
    part = x - (shifted - rounder)
    power = (part * part.polynomial(coefficients) + one).times_power_of_two(shifted)
    return x.where("<", least, 0.0, x.where("<", most, power, x * infinity))


def sigmoid(x: Value) -> Value:
    return x.constant(1.0) / (exp2(x * -LOG2_E) + 1.0)


def softplus(x: Value) -> Value:
    """log(1 + e^x); x itself above 20, as torch and mamba-ssm have it."""
    negative = x.constant(0.0) - x
    magnitude = x.where("<", 0.0, negative, x)
    small = exp2(magnitude * -LOG2_E)
    # log(1 + y) = 2 atanh(y / (2 + y)): no cancellation, however small y is.
    s = small / (small + 2.0)
    square = s * s
    log1p = (s + s * square * square.polynomial(_ATANH[x.bits])) * 2.0
    return x.where(">", 20.0, x, x.where("<", 0.0, log1p, x + log1p))


def softplus_slope(x: Value) -> Value:
    return x.where(">", 20.0, 1.0, sigmoid(x))


def silu_slope(x: Value) -> Value:
    gate = sigmoid(x)
    return gate + x * gate * (x.constant(1.0) - gate)
