"""Sixteen channels side by side: the vector type that the CPU kernels compute with.

numba vectorises a loop when it can prove that it may, and falls back to scalars without a word when it cannot. So the
kernels do not leave it to chance: `Lanes` is LLVM's `<16 x float>` or `<16 x double>` as a numba type, which LLVM cuts
into whatever registers the machine has (one AVX-512, two AVX2, four NEON registers). A variable of this type lives in
registers, and each lane always sees the same operations in the same order, whatever lanes stand beside it and however
many threads run: that is where bit-identical results come from.

What a kernel can write:

    x = load(tile, 16 * t)                16 elements of a flat array
    store(tile, 16 * t, x * y + z)        + - * are lane by lane; x * y + z becomes one fused operation
    splat(a, x)                           the number a in every lane, in the type of x
    exp2(x), softplus(x), sigmoid(x)      to the last bit or two, no branches
    load_at(a, b, c, t)                   16 elements in memory from a[b, c, t] on, whatever axis they belong to
    row_sums(tile, 0)                     for a 16 x 16 tile, the sum of each row, in one vector
    transpose(tile, 0)                    a 16 x 16 tile, in place
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.datamodel.registry import register_default
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic

WIDTH = 16
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


class Lanes(types.Type):
    """The numba type of 16 lanes of one floating type."""

    def __init__(self, real: types.Float) -> None:
        self.real = real
        super().__init__(name=f"Lanes({real})")


LANES = {real: Lanes(real) for real in (types.float32, types.float64)}


@register_default(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        element = ir.FloatType() if lanes.real is types.float32 else ir.DoubleType()
        super().__init__(manager, lanes, ir.VectorType(element, WIDTH))


class Value:
    """An LLVM vector while code is generated, so that formulas below read as formulas."""

    def __init__(self, builder: ir.IRBuilder, vector: Any) -> None:
        self.builder, self.vector = builder, vector

    @property
    def bits(self) -> int:
        return 32 if isinstance(self.vector.type.element, ir.FloatType) else 64

    def constant(self, number: float) -> "Value":
        return Value(self.builder, ir.Constant(self.vector.type, [number] * WIDTH))

    def __add__(self, other: "Value | float") -> "Value":
        return self._float(self.builder.fadd, other)

    def __sub__(self, other: "Value | float") -> "Value":
        return self._float(self.builder.fsub, other)

    def __mul__(self, other: "Value | float") -> "Value":
        return self._float(self.builder.fmul, other)

    def __truediv__(self, other: "Value | float") -> "Value":
        return self._float(self.builder.fdiv, other)

    def if_less(self, bound: float, then: "Value | float", otherwise: "Value | float") -> "Value":
        """Lane by lane: `then` where self < bound, else (also where self is nan) `otherwise`."""
        condition = self.builder.fcmp_ordered("<", self.vector, self.constant(bound).vector)
        chosen = self.builder.select(condition, self._coerce(then).vector, self._coerce(otherwise).vector)
        return Value(self.builder, chosen)

    def polynomial(self, coefficients: Sequence[float]) -> "Value":
        """Horner's rule, lowest power first."""
        total = self.constant(coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            total = total * self + coefficient
        return total

    def times_power_of_two(self, shifted: "Value") -> "Value":
        """self * 2^n, where n stands in the low bits of `shifted`: added straight into the exponent."""
        whole = ir.VectorType(ir.IntType(self.bits), WIDTH)
        places = ir.Constant(whole, [_MANTISSA_BITS[self.bits]] * WIDTH)
        exponent = self.builder.shl(self.builder.bitcast(shifted.vector, whole), places)
        total = self.builder.add(self.builder.bitcast(self.vector, whole), exponent)
        return Value(self.builder, self.builder.bitcast(total, self.vector.type))

    def _coerce(self, other: "Value | float") -> "Value":
        return other if isinstance(other, Value) else self.constant(other)

    def _float(self, operation: Callable[..., Any], other: "Value | float") -> "Value":
        # "contract" allows a fused multiply-add and nothing else: no reordering, no assumptions about nan.
        return Value(self.builder, operation(self.vector, self._coerce(other).vector, flags=("contract",)))


def _exp2(x: Value) -> Value:
    """2^x. Below the normal range 0, above it inf, nan stays nan."""
    # Adding 1.5 * 2^mantissa rounds x to a whole number, which then stands in the low bits.
    rounder = 1.5 * 2.0 ** _MANTISSA_BITS[x.bits]
    shifted = x + rounder
    part = x - (shifted - rounder)
    power = (part * part.polynomial(_EXP2[x.bits]) + 1.0).times_power_of_two(shifted)
    largest = _LARGEST_EXPONENT[x.bits]
    return x.if_less(2.0 - largest, 0.0, x.if_less(largest, power, x * float("inf")))


def _sigmoid(x: Value) -> Value:
    return x.constant(1.0) / (_exp2(x * -LOG2_E) + 1.0)


def _softplus(x: Value) -> Value:
    """log(1 + e^x); x itself above 20, as torch and mamba-ssm have it."""
    negative = x.constant(0.0) - x
    magnitude = x.if_less(0.0, negative, x)
    small = _exp2(magnitude * -LOG2_E)
    # log(1 + y) = 2 atanh(y / (2 + y)): no cancellation, however small y is.
    s = small / (small + 2.0)
    square = s * s
    log1p = (s + s * square * square.polynomial(_ATANH[x.bits])) * 2.0
    return x.if_less(20.0, x.if_less(0.0, log1p, x + log1p), x)


def _softplus_slope(x: Value) -> Value:
    return x.if_less(20.0, _sigmoid(x), 1.0)


def _silu_slope(x: Value) -> Value:
    gate = _sigmoid(x)
    return gate + x * gate * (x.constant(1.0) - gate)


def _instruction(typing: Callable[..., Any]) -> Any:
    """numba's `intrinsic`. What kernels call has no Python types: it exists in compiled code alone."""
    return intrinsic(typing)


def _elementwise(formula: Callable[[Value], Value]) -> Any:
    """A function that kernels can call, from a formula on lanes."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return formula(Value(builder, arguments[0])).vector

    def typing(typing_context: Any, x: Any) -> Any:
        return signature(x, x), codegen

    return _instruction(typing)


exp2 = _elementwise(_exp2)
sigmoid = _elementwise(_sigmoid)
softplus = _elementwise(_softplus)
softplus_slope = _elementwise(_softplus_slope)
silu_slope = _elementwise(_silu_slope)


def _operator(symbol: Callable[[Any, Any], Any]) -> None:
    """Teaches numba one of + - * between lanes."""

    @infer_global(symbol)
    class _Typing(ConcreteTemplate):
        cases = [signature(lanes, lanes, lanes) for lanes in LANES.values()]  # noqa: RUF012

    def lower(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return symbol(Value(builder, arguments[0]), Value(builder, arguments[1])).vector

    for lanes in LANES.values():
        lower_builtin(symbol, lanes, lanes)(lower)


for _symbol in (operator.add, operator.sub, operator.mul):
    _operator(_symbol)


@_instruction
def splat(typing_context: Any, number: Any, like: Any) -> Any:
    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        vector = context.get_value_type(signature.return_type)
        first = builder.insert_element(ir.Constant(vector, ir.Undefined), arguments[0], ir.IntType(32)(0))
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
        return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), everywhere)

    return signature(like, like.real, like), codegen


@_instruction
def load(typing_context: Any, array: Any, index: Any) -> Any:
    """array[index:index + 16] of a flat array. No check of bounds: that is up to the kernel."""
    lanes = LANES[array.dtype]

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return _load(builder, _flat_pointer(context, builder, signature, arguments), context.get_value_type(lanes))

    return signature(lanes, array, types.intp), codegen


@_instruction
def store(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
    """array[index:index + 16] = value."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        _store(builder, arguments[2], _flat_pointer(context, builder, signature, arguments))
        return context.get_dummy_value()

    return signature(types.void, array, types.intp, value), codegen


@_instruction
def load_at(typing_context: Any, array: Any, i: Any, j: Any, k: Any) -> Any:
    """The 16 elements in memory from array[i, j, k] on."""
    lanes = LANES[array.dtype]

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return _load(builder, _pointer(context, builder, signature, arguments), context.get_value_type(lanes))

    return signature(lanes, array, types.intp, types.intp, types.intp), codegen


@_instruction
def store_at(typing_context: Any, array: Any, i: Any, j: Any, k: Any, value: Any) -> Any:
    """Writes the 16 elements in memory from array[i, j, k] on."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        _store(builder, arguments[4], _pointer(context, builder, signature, arguments))
        return context.get_dummy_value()

    return signature(types.void, array, types.intp, types.intp, types.intp, value), codegen


@_instruction
def row_sums(typing_context: Any, tile: Any, index: Any) -> Any:
    """For the 16 x 16 tile that starts at tile[index]: the sum of each row.

    Neighbours are added pairwise, for two rows at a time, until one number a row is left: four rounds, fifteen vector
    additions for sixteen sums.
    """
    lanes = LANES[tile.dtype]

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        vector = context.get_value_type(lanes)
        start = _flat_pointer(context, builder, signature, arguments)
        rows = [_load(builder, builder.gep(start, [ir.IntType(64)(WIDTH * t)]), vector) for t in range(WIDTH)]
        mask = ir.VectorType(ir.IntType(32), WIDTH)
        even, odd = (ir.Constant(mask, list(range(first, 2 * WIDTH, 2))) for first in (0, 1))
        while len(rows) > 1:
            pairs = list(zip(rows[::2], rows[1::2], strict=True))
            rows = [
                builder.fadd(builder.shuffle_vector(a, b, even), builder.shuffle_vector(a, b, odd)) for a, b in pairs
            ]
        return rows[0]

    return signature(lanes, tile, types.intp), codegen


@_instruction
def transpose(typing_context: Any, tile: Any, index: Any) -> Any:
    """Transposes the 16 x 16 tile that starts at tile[index]: four rounds in which rows 8 apart are interleaved."""
    lanes = LANES[tile.dtype]

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        vector = context.get_value_type(lanes)
        start = _flat_pointer(context, builder, signature, arguments)
        places = [builder.gep(start, [ir.IntType(64)(WIDTH * t)]) for t in range(WIDTH)]
        rows = [_load(builder, place, vector) for place in places]
        half = WIDTH // 2
        zips = [[lane // 2 + WIDTH * (lane % 2) + start for lane in range(WIDTH)] for start in (0, half)]
        low, high = (ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), pattern) for pattern in zips)
        for _ in range(WIDTH.bit_length() - 1):
            pairs = list(zip(rows[:half], rows[half:], strict=True))
            rows = [builder.shuffle_vector(a, b, mask) for a, b in pairs for mask in (low, high)]
        for row, place in zip(rows, places, strict=True):
            _store(builder, row, place)
        return context.get_dummy_value()

    return signature(types.void, tile, types.intp), codegen


def _flat_pointer(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(array.data, [arguments[1]])


def _pointer(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return cgutils.get_item_pointer(
        context, builder, signature.args[0], array, arguments[1:4], wraparound=False, boundscheck=False
    )


def _load(builder: ir.IRBuilder, pointer: Any, vector: Any) -> Any:
    """Sixteen elements from a place that is aligned for one."""
    return builder.load(builder.bitcast(pointer, vector.as_pointer()), align=_alignment(vector))


def _store(builder: ir.IRBuilder, value: Any, pointer: Any) -> None:
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer()), align=_alignment(value.type))


def _alignment(vector: Any) -> int:
    return 4 if isinstance(vector.element, ir.FloatType) else 8
