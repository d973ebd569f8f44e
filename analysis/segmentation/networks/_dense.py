"""One dense layer for sixteen voxels at a time, its sums held in registers.

BLAS reaches its speed on matrices much larger than the 75 x 75 of the composition network. Here
the layout is turned: a *panel* holds one feature of `PANEL` voxels in a row, so that the sums of
a few units fill the vector registers, and each input is loaded once for all of them.
numba does not keep an array in registers, so the inner loop is written in LLVM's own language;
LLVM fits it to the vectors of the machine.
"""

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

LANES = 8  # single precision numbers in a vector
VECTORS = 2
PANEL = LANES * VECTORS  # voxels
BLOCK = 5  # units of a hidden layer at a time: 10 sums, 2 inputs and a weight in 16 registers
OUTPUTS = 3  # units of the last layer


def _accumulate(units):
    """
    Make the inner loop for a number of units.

    It is called as ``accumulate(source, start, offsets, weights, block, biases, target, relu)``
    with C-contiguous arrays of float32 (`offsets`: int64) and sets, for unit ``u`` of the block
    and voxel ``i`` of the panel,
    ``target[block, u, i] = biases[block, u] + sum_k weights[block, k, u] * input[k, i]`` with
    ``input[k, i]`` element ``start + offsets[k] + i`` of `source`; negative values become 0 if
    `relu`.
    """

    @intrinsic
    def accumulate(typingctx, source, start, offsets, weights, block, biases, target, relu):
        signature = types.void(
            source, types.intp, offsets, weights, types.intp, biases, target, types.boolean
        )

        def codegen(context, builder, signature, args):
            number, index = ir.FloatType(), ir.IntType(64)
            vector = ir.VectorType(number, LANES)
            lane = ir.IntType(32)

            def array(i):
                return context.make_array(signature.args[i])(context, builder, args[i])

            def load_vector(pointer):
                pointer = builder.bitcast(pointer, vector.as_pointer())
                return builder.load(pointer, align=4)

            def load_everywhere(pointer):
                value = builder.load(pointer, align=4)
                undefined = ir.Constant(vector, ir.Undefined)
                first = builder.insert_element(undefined, value, ir.Constant(lane, 0))
                zeros = ir.Constant(ir.VectorType(lane, LANES), [0] * LANES)
                return builder.shuffle_vector(first, undefined, zeros)

            def constant(value):
                return ir.Constant(index, value)

            offsets = array(2)
            n_inputs = builder.extract_value(offsets.shape, 0)
            source = builder.gep(array(0).data, [args[1]])
            first_unit = builder.mul(args[4], constant(units))
            weights = builder.gep(array(3).data, [builder.mul(first_unit, n_inputs)])
            biases = builder.gep(array(5).data, [first_unit])
            target = builder.gep(array(6).data, [builder.mul(first_unit, constant(PANEL))])
            initial = [load_everywhere(builder.gep(biases, [constant(u)])) for u in range(units)]
            entry = builder.block
            loop = builder.append_basic_block("inputs")
            after = builder.append_basic_block("after")
            builder.branch(loop)

            builder.position_at_end(loop)
            k = builder.phi(index)
            sums = [[builder.phi(vector) for _ in range(VECTORS)] for _ in range(units)]
            row = builder.gep(source, [builder.load(builder.gep(offsets.data, [k]))])
            inputs = [load_vector(builder.gep(row, [constant(LANES * j)])) for j in range(VECTORS)]
            column = builder.gep(weights, [builder.mul(k, constant(units))])
            fused = ("contract",)  # one rounding where the machine can
            for u in range(units):
                weight = load_everywhere(builder.gep(column, [constant(u)]))
                for j in range(VECTORS):
                    product = builder.fmul(weight, inputs[j], flags=fused)
                    total = builder.fadd(sums[u][j], product, flags=fused)
                    sums[u][j].add_incoming(initial[u], entry)
                    sums[u][j].add_incoming(total, loop)
                    sums[u][j] = total
            following = builder.add(k, constant(1))
            k.add_incoming(constant(0), entry)
            k.add_incoming(following, loop)
            builder.cbranch(builder.icmp_signed("<", following, n_inputs), loop, after)

            builder.position_at_end(after)
            zero = ir.Constant(vector, [0.0] * LANES)
            for u in range(units):
                for j in range(VECTORS):
                    negative = builder.fcmp_ordered("<", sums[u][j], zero)
                    rectified = builder.select(negative, zero, sums[u][j])
                    value = builder.select(args[7], rectified, sums[u][j])
                    place = builder.gep(target, [constant(PANEL * u + LANES * j)])
                    place = builder.bitcast(place, vector.as_pointer())
                    builder.store(value, place, align=4)
            return context.get_dummy_value()

        return signature, codegen

    return accumulate


_accumulate_block = _accumulate(BLOCK)
_accumulate_outputs = _accumulate(OUTPUTS)


@njit(nogil=True, cache=True)
def hidden_layer(source, start, offsets, weights, biases, target, relu):
    """
    Apply a hidden layer to a panel.

    Parameters
    ----------
    source : C-contiguous ndarray of float32
        Holds the inputs.
    start : int
        Element of `source` that is the first input of the first voxel, less ``offsets[0]``.
    offsets : (K,) ndarray of int64
        Where each input lies, counted from `start`; the panel's voxels follow one another there.
    weights : (B, K, BLOCK) ndarray of float32
        See :func:`pack_weights`.
    biases : (B, BLOCK) ndarray of float32
    target : (B, BLOCK, PANEL) ndarray of float32
        Filled.
    relu : bool
        Whether negative values are set to 0.
    """
    for block in range(weights.shape[0]):
        _accumulate_block(source, start, offsets, weights, block, biases, target, relu)


@njit(nogil=True, cache=True)
def output_layer(source, start, offsets, weights, biases, target):
    """Apply the last layer: as :func:`hidden_layer`, with one block of `OUTPUTS` units."""
    _accumulate_outputs(source, start, offsets, weights, 0, biases, target, False)


def pack_weights(weights, block=BLOCK):
    """
    Order a kernel the way the inner loop reads it.

    Parameters
    ----------
    weights : (K, N) ndarray of float32
        Kernel of a dense layer; N is a multiple of `block`.
    block : int
        Units at a time.

    Returns
    -------
    packed : (N // block, K, block) ndarray of float32
        ``packed[b, k, u] = weights[k, b * block + u]``.
    """
    n_inputs, n_units = weights.shape
    packed = weights.reshape(n_inputs, n_units // block, block).transpose(1, 0, 2)
    return packed.astype("float32", order="C")
