"""2^x with its constants held in registers through a loop, for the loops in which most of a scan's time goes.

keep_exp2(numbers, 0)           once: writes the constants, 16 times each, to an array
kept = kept_exp2(numbers, 0)    before a loop: reads them from there
exp2_with(x, kept)              in the loop: exp2(x), bit for bit
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import signature

from backbones.scan import formulas
from backbones.scan.formulas import Value
from backbones.scan.lanes import LANES, WIDTH, Lanes, flat_pointer, instruction, load_vector, store_vector


@instruction
def keep_exp2(typing_context: Any, array: Any, index: Any) -> Any:
    """Writes the constants of exp2 to array[index:], 16 times each."""
    lanes = LANES[array.dtype]

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        vector = context.get_value_type(lanes)
        start = flat_pointer(context, builder, signature, arguments)
        for i, number in enumerate(formulas.exp2_numbers(_bits(lanes))):
            store_vector(
                builder, ir.Constant(vector, [number] * WIDTH), builder.gep(start, [ir.IntType(64)(WIDTH * i)])
            )
        return context.get_dummy_value()

    return signature(types.void, array, types.intp), codegen


@instruction
def kept_exp2(typing_context: Any, array: Any, index: Any) -> Any:
    """The constants that `keep_exp2` wrote, for `exp2_with`.

    LLVM knows what a constant is, and would rather have it read from memory at each use than hold it in a register.
    What comes from an array that is written to, it holds: so that a loop reads them once.
    """
    lanes = LANES[array.dtype]
    count = len(formulas.exp2_numbers(_bits(lanes)))

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        vector = context.get_value_type(lanes)
        start = flat_pointer(context, builder, signature, arguments)
        loaded = [load_vector(builder, builder.gep(start, [ir.IntType(64)(WIDTH * i)]), vector) for i in range(count)]
        return context.make_tuple(builder, signature.return_type, loaded)

    return signature(types.UniTuple(lanes, count), array, types.intp), codegen


@instruction
def exp2_with(typing_context: Any, x: Any, kept: Any) -> Any:
    """exp2(x), bit for bit."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        numbers = [Value(builder, vector) for vector in cgutils.unpack_tuple(builder, arguments[1])]
        return formulas.exp2(Value(builder, arguments[0]), numbers).vector

    return signature(x, x, kept), codegen


def _bits(lanes: Lanes) -> int:
    return 32 if lanes.real is types.float32 else 64
