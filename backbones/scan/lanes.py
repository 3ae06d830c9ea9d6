"""Sixteen channels side by side: the vector type that the CPU kernels compute with.

numba vectorises a loop when it can prove that it may, and falls back to scalars without a word when it cannot. So the
kernels do not leave it to chance: `Lanes` is LLVM's `<16 x float>` or `<16 x double>` as a numba type, which LLVM cuts
into whatever registers the machine has (one AVX-512, two AVX2, four NEON registers). A variable of this type lives in
registers, and each lane always sees the same operations in the same order, whatever lanes stand beside it and however
many threads run: that is where bit-identical results come from.

What a kernel can write:

    x = load(tile, 16 * t)                16 elements of a flat array
    store(tile, 16 * t, x * y + z)        + - * are lane by lane; x * y + z becomes one fused operation
    times(x, y) + z                       two operations, each rounded
    splat(a, x)                           the number a in every lane, in the type of x
    spread(array, i)                      array[i] in every lane
    exp2(x), softplus(x), sigmoid(x)      to the last bit or two, no branches
    load_at(a, b, c, t)                   16 elements in memory from a[b, c, t] on, whatever axis they belong to
    row_sums(tile, 0)                     for a 16 x 16 tile, the sum of each row, in one vector
    transpose(tile, 0)                    a 16 x 16 tile, in place
    prefetch_at(a, b, c, t)               asks the memory for a[b, c, t] and does not wait for it
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.datamodel.registry import register_default
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic

from backbones.scan import formulas
from backbones.scan.formulas import Value

WIDTH = 16


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


def instruction(typing: Callable[..., Any]) -> Any:
    """numba's `intrinsic`. What kernels call has no Python types: it exists in compiled code alone."""
    return intrinsic(typing)


def _elementwise(formula: Callable[[Value], Value]) -> Any:
    """A function that kernels can call, from a formula on lanes."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return formula(Value(builder, arguments[0])).vector

    def typing(typing_context: Any, x: Any) -> Any:
        return signature(x, x), codegen

    return instruction(typing)


exp2 = _elementwise(formulas.exp2)
sigmoid = _elementwise(formulas.sigmoid)
softplus = _elementwise(formulas.softplus)
softplus_slope = _elementwise(formulas.softplus_slope)
silu_slope = _elementwise(formulas.silu_slope)


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


@instruction
def splat(typing_context: Any, number: Any, like: Any) -> Any:
    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return _splat(builder, arguments[0], context.get_value_type(signature.return_type))

    return signature(like, like.real, like), codegen


@instruction
def load(typing_context: Any, array: Any, index: Any) -> Any:
    """array[index:index + 16] of a flat array. No check of bounds: that is up to the kernel."""
    lanes = LANES[array.dtype]

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return load_vector(builder, flat_pointer(context, builder, signature, arguments), context.get_value_type(lanes))

    return signature(lanes, array, types.intp), codegen


@instruction
def times(typing_context: Any, x: Any, y: Any) -> Any:
    """x * y, rounded: never fused with what it is added to. Of two products in a sum it is the other one then, where
    the choice would be LLVM's, which makes it by what stands around the sum."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return builder.fmul(*arguments)

    return signature(x, x, y), codegen


@instruction
def spread(typing_context: Any, array: Any, index: Any) -> Any:
    """array[index] of a flat array in every lane. As for `load`, no check of bounds."""
    lanes = LANES[array.dtype]

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        number = builder.load(flat_pointer(context, builder, signature, arguments))
        return _splat(builder, number, context.get_value_type(lanes))

    return signature(lanes, array, types.intp), codegen


@instruction
def store(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
    """array[index:index + 16] = value."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        store_vector(builder, arguments[2], flat_pointer(context, builder, signature, arguments))
        return context.get_dummy_value()

    return signature(types.void, array, types.intp, value), codegen


@instruction
def load_at(typing_context: Any, array: Any, i: Any, j: Any, k: Any) -> Any:
    """The 16 elements in memory from array[i, j, k] on."""
    lanes = LANES[array.dtype]

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return load_vector(builder, _pointer(context, builder, signature, arguments), context.get_value_type(lanes))

    return signature(lanes, array, types.intp, types.intp, types.intp), codegen


@instruction
def store_at(typing_context: Any, array: Any, i: Any, j: Any, k: Any, value: Any) -> Any:
    """Writes the 16 elements in memory from array[i, j, k] on."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        store_vector(builder, arguments[4], _pointer(context, builder, signature, arguments))
        return context.get_dummy_value()

    return signature(types.void, array, types.intp, types.intp, types.intp, value), codegen


@instruction
def prefetch_at(typing_context: Any, array: Any, i: Any, j: Any, k: Any) -> Any:
    """Asks the memory for what array[i, j, k] stands beside, which is needed soon. It may lie outside the array."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        pointer = builder.bitcast(_pointer(context, builder, signature, arguments), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        to_read, to_the_second_cache, of_data = number(0), number(2), number(1)
        builder.call(function, [pointer, to_read, to_the_second_cache, of_data])
        return context.get_dummy_value()

    return signature(types.void, array, types.intp, types.intp, types.intp), codegen


@instruction
def row_sums(typing_context: Any, tile: Any, index: Any) -> Any:
    """For the 16 x 16 tile that starts at tile[index]: the sum of each row.

    Neighbours are added pairwise, for two rows at a time, until one number a row is left: four rounds, fifteen vector
    additions for sixteen sums.
    """
    lanes = LANES[tile.dtype]

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        vector = context.get_value_type(lanes)
        start = flat_pointer(context, builder, signature, arguments)
        rows = [load_vector(builder, builder.gep(start, [ir.IntType(64)(WIDTH * t)]), vector) for t in range(WIDTH)]
        mask = ir.VectorType(ir.IntType(32), WIDTH)
        even, odd = (ir.Constant(mask, list(range(first, 2 * WIDTH, 2))) for first in (0, 1))
        while len(rows) > 1:
            pairs = list(zip(rows[::2], rows[1::2], strict=True))
            rows = [
                builder.fadd(builder.shuffle_vector(a, b, even), builder.shuffle_vector(a, b, odd)) for a, b in pairs
            ]
        return rows[0]

    return signature(lanes, tile, types.intp), codegen


@instruction
def transpose(typing_context: Any, tile: Any, index: Any) -> Any:
    """Transposes the 16 x 16 tile that starts at tile[index]: four rounds in which rows 8 apart are interleaved."""
    lanes = LANES[tile.dtype]

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        vector = context.get_value_type(lanes)
        start = flat_pointer(context, builder, signature, arguments)
        places = [builder.gep(start, [ir.IntType(64)(WIDTH * t)]) for t in range(WIDTH)]
        rows = [load_vector(builder, place, vector) for place in places]
        half = WIDTH // 2
        zips = [[lane // 2 + WIDTH * (lane % 2) + start for lane in range(WIDTH)] for start in (0, half)]
        low, high = (ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), pattern) for pattern in zips)
        for _ in range(WIDTH.bit_length() - 1):
            pairs = list(zip(rows[:half], rows[half:], strict=True))
            rows = [builder.shuffle_vector(a, b, mask) for a, b in pairs for mask in (low, high)]
        for row, place in zip(rows, places, strict=True):
            store_vector(builder, row, place)
        return context.get_dummy_value()

    return signature(types.void, tile, types.intp), codegen


def flat_pointer(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(array.data, [arguments[1]])


def _pointer(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return cgutils.get_item_pointer(
        context, builder, signature.args[0], array, arguments[1:4], wraparound=False, boundscheck=False
    )


def _splat(builder: ir.IRBuilder, number: Any, vector: Any) -> Any:
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.IntType(32)(0))
    everywhere = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), everywhere)


def load_vector(builder: ir.IRBuilder, pointer: Any, vector: Any) -> Any:
    """Sixteen elements from a place that is aligned for one."""
    return builder.load(builder.bitcast(pointer, vector.as_pointer()), align=_alignment(vector))


def store_vector(builder: ir.IRBuilder, value: Any, pointer: Any) -> None:
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer()), align=_alignment(value.type))


def _alignment(vector: Any) -> int:
    return 4 if isinstance(vector.element, ir.FloatType) else 8
