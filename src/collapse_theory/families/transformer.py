"""A character transformer: a causal law over rows of symbols, as a pure Equinox module."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int

NORM_FLOOR = 1e-5  # added to a variance before its root
FEW_LAYERS = 2  # are written out instead of scanned
WIDER = 4  # the inner layer of a block is so many times as wide
Cache = tuple[Array, Array]


class Shape(NamedTuple):
    """Sizes of a transformer.

    Fields: ``symbols`` of the alphabet; ``context`` symbols of a row at most; ``width``; ``layers``
    blocks; ``heads`` that divide the width; ``tied``: the output reads the embedding's own matrix.
    """

    symbols: int
    context: int
    width: int
    layers: int
    heads: int
    tied: bool = True

    @property
    def parameters(self) -> int:
        """How many numbers are fitted."""
        block = (4 + 2 * WIDER) * self.width**2 + 2 * self.width
        ends = (self.symbols + 1 + self.context + 1) * self.width
        head = 0 if self.tied else self.symbols * self.width
        return self.layers * block + ends + head

    @property
    def forward_flops(self) -> int:
        """Floating-point operations of one row of ``context`` symbols, products of matrices only.

        A product and a sum count as two; scores are computed for the masked half, too. Training
        takes three times as many.
        """
        block = 2 * (4 + 2 * WIDER) * self.width**2 + 4 * self.context * self.width
        return self.context * (self.layers * block + 2 * self.symbols * self.width)


class Block(eqx.Module):
    """Weights of a block; of all blocks where the leading axis is that of layers.

    Fields: ``before``, ``between`` gains of the two norms, (width,); ``qkv`` (width, 3 width),
    queries, keys and values; ``out`` (width, width); ``up`` (width, 4 width); ``down`` (4 width,
    width).
    """

    before: Float[Array, "*l w"]
    qkv: Float[Array, "*l w w3"]
    out: Float[Array, "*l w w"]
    between: Float[Array, "*l w"]
    up: Float[Array, "*l w w4"]
    down: Float[Array, "*l w4 w"]


class CharTransformer(eqx.Module):
    """The law of a row of symbols, one symbol after the other.

    Pre-norm blocks of causal attention and an inner layer, learned positions, no biases. A row
    begins after a start symbol, so the first symbol has a law, too, and a row is a sample of the
    model. Products are computed in float32, or in bfloat16 where ``half``; weights, norms and
    logits are not.

    Fields: ``embedding`` (symbols + 1, width), the start symbol last; ``positions`` (context,
    width); ``blocks``; ``gain`` (width,); ``head`` (width, symbols), None where tied; ``heads``,
    ``dropout``, the share of numbers that a training step leaves out, and ``half`` are static.
    """

    embedding: Float[Array, "s1 w"]
    positions: Float[Array, "l w"]
    blocks: Block
    gain: Float[Array, " w"]
    head: Float[Array, "w s"] | None
    heads: int = eqx.field(static=True)
    dropout: float = eqx.field(static=True, default=0.0)
    half: bool = eqx.field(static=True, default=False)

    def __call__(
        self, row: Int[Array, " length"], key: Array | None = None
    ) -> Float[Array, "length symbols"]:
        """Logits of every symbol of the row given those before it.

        Args:
            row: indices, at most ``context`` of them.
            key: of the dropout; none of it without.
        """
        start = jnp.full((1,), self.embedding.shape[0] - 1, row.dtype)
        inputs = jnp.concatenate([start, row[:-1]])
        # a product where a gather would do: its gradient is one, too, and no scatter
        x = jax.nn.one_hot(inputs, self.embedding.shape[0], dtype=self.gain.dtype) @ self.embedding
        x = x + self.positions[: len(row)]
        layers, keys = self.blocks.before.shape[0], None
        if key is not None and self.dropout:
            keys, first = jr.split(key, layers), jr.fold_in(key, layers)
            x = self._dropped(x, first)

        def through(x: Array, layer: tuple[Block, Array | None]) -> tuple[Array, None]:
            return self._block(x, *layer), None

        # the inside of a block is computed again for the gradient: it would be most of the memory
        again = jax.checkpoint(through) if layers > FEW_LAYERS else through
        return self._logits(_over_layers(again, x, (self.blocks, keys))[0])

    def sample(self, u: Float[Array, " length"]) -> Int[Array, " length"]:
        """A row, from one uniform a symbol, at temperature 1; each symbol costs one position.

        Keys and values of earlier positions are kept, so the cost is that of one forward pass.
        Probabilities are resolved to 2**-24.
        """
        layers, width, length = *self.blocks.before.shape, u.shape[0]
        room = (layers, length, self.heads, width // self.heads)
        empty = jnp.zeros(room, jnp.bfloat16 if self.half else self.embedding.dtype)

        def draw(
            carry: tuple[Array, Cache], place: tuple[Array, Array]
        ) -> tuple[tuple[Array, Cache], Array]:
            (token, cache), (i, here) = carry, place
            x = self.embedding[token] + self.positions[i]

            def through(x: Array, layer: tuple[Block, Array, Array]) -> tuple[Array, Cache]:
                return self._one(x, i, *layer)

            x, cache = _over_layers(through, x, (self.blocks, *cache))
            chosen = inverse(self._logits(x), here)
            return (chosen, cache), chosen

        start = jnp.asarray(self.embedding.shape[0] - 1, jnp.int32)
        _, row = jax.lax.scan(draw, (start, (empty, empty)), (jnp.arange(length), u))
        return row

    def _block(self, x: Array, block: Block, key: Array | None) -> Array:
        keys = [None] * 3 if key is None else list(jr.split(key, 3))
        length, width = x.shape
        q, k, v = jnp.split(self._times(norm(x, block.before), block.qkv), 3, -1)
        apart = (length, self.heads, width // self.heads)
        q, k, v = (a.reshape(apart) for a in (q, k, v))
        scores = jnp.einsum("lhd,mhd->hlm", q, k).astype(x.dtype) / math.sqrt(apart[-1])
        past = jnp.tril(jnp.ones((length, length), bool))
        weights = jax.nn.softmax(jnp.where(past[None], scores, -jnp.inf), -1)
        weights = self._dropped(weights, keys[0]).astype(v.dtype)
        mixed = jnp.einsum("hlm,mhd->lhd", weights, v).reshape(length, width)
        x = x + self._dropped(self._times(mixed, block.out).astype(x.dtype), keys[1])
        return x + self._dropped(self._inner(x, block), keys[2])

    def _one(
        self, x: Array, i: Array, block: Block, past_k: Array, past_v: Array
    ) -> tuple[Array, Cache]:
        """The block at position i; keys and values of earlier ones, (length, heads, size)."""
        q, k, v = jnp.split(self._times(norm(x, block.before), block.qkv), 3, -1)
        q, k, v = (a.reshape(past_k.shape[1:]) for a in (q, k, v))
        past_k, past_v = past_k.at[i].set(k), past_v.at[i].set(v)
        scores = jnp.einsum("hd,mhd->hm", q, past_k).astype(x.dtype) / math.sqrt(q.shape[-1])
        known = jnp.arange(past_k.shape[0]) <= i
        weights = jax.nn.softmax(jnp.where(known[None], scores, -jnp.inf), -1).astype(v.dtype)
        mixed = jnp.einsum("hm,mhd->hd", weights, past_v).reshape(-1)
        x = x + self._times(mixed, block.out).astype(x.dtype)
        return x + self._inner(x, block), (past_k, past_v)

    def _inner(self, x: Array, block: Block) -> Array:
        inner = jax.nn.gelu(self._times(norm(x, block.between), block.up))
        return self._times(inner, block.down).astype(x.dtype)

    def _logits(self, x: Array) -> Array:
        read = self.embedding[:-1].T if self.head is None else self.head
        return self._times(norm(x, self.gain), read).astype(x.dtype)

    def _times(self, x: Array, matrix: Array) -> Array:
        return x.astype(jnp.bfloat16) @ matrix.astype(jnp.bfloat16) if self.half else x @ matrix

    def _dropped(self, x: Array, key: Array | None) -> Array:
        if key is None:
            return x
        kept = jr.bernoulli(key, 1 - self.dropout, x.shape)
        return jnp.where(kept, x / (1 - self.dropout), 0)


def _over_layers(through: Any, x: Array, layers: Any) -> tuple[Array, Any]:
    """A scan; written out where there are few layers, which compiles to faster code."""
    count = jax.tree.leaves(layers)[0].shape[0]
    if count > FEW_LAYERS:
        scanned: tuple[Array, Any] = jax.lax.scan(through, x, layers)
        return scanned
    kept = []
    for i in range(count):
        x, y = through(x, jax.tree.map(lambda a, i=i: a[i], layers))
        kept.append(y)
    return x, jax.tree.map(lambda *a: jnp.stack(a), *kept)


def norm(x: Float[Array, "*l w"], gain: Float[Array, " w"]) -> Float[Array, "*l w"]:
    """Each vector less its mean over its standard deviation, times the gains."""
    centred = x - x.mean(-1, keepdims=True)
    scale = jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + NORM_FLOOR)
    return centred * scale * jnp.broadcast_to(gain, x.shape)


def inverse(logits: Float[Array, " s"], u: Float[Array, ""]) -> Int[Array, ""]:
    """The symbol whose part of the cumulated law holds u in (0, 1)."""
    below = jnp.cumsum(jax.nn.softmax(logits))
    # of what is below u * total the count; a symbol of probability 0 has no part
    chosen: Array = (below[:-1] < u.astype(below.dtype) * below[-1]).sum(dtype=jnp.int32)
    return chosen


def transformer(
    key: Array, shape: Shape, dtype: Any = jnp.float32, *, dropout: float = 0.0, half: bool = False
) -> CharTransformer:
    """A transformer with initial weights: normals of standard deviation 1 / sqrt(inputs).

    What is added to the stream of a block is divided by the root of the number of such terms, so
    that depth does not change the scale. A tied output would read what the input wrote: embeddings
    are normals of standard deviation 1 / sqrt(width), too.
    """
    keys = jr.split(key, 7)
    layers, width = shape.layers, shape.width
    terms = math.sqrt(2 * layers)

    def normals(i: int, *size: int, over: float = 1.0) -> Array:
        return jr.normal(keys[i], size, dtype) / (math.sqrt(size[-2]) * over)

    ones = jnp.ones((layers, width), dtype)
    blocks = Block(
        before=ones,
        qkv=normals(0, layers, width, 3 * width),
        out=normals(1, layers, width, width, over=terms),
        between=ones,
        up=normals(2, layers, width, WIDER * width),
        down=normals(3, layers, WIDER * width, width, over=terms),
    )
    scale = math.sqrt(width)
    return CharTransformer(
        embedding=jr.normal(keys[4], (shape.symbols + 1, width), dtype) / scale,
        positions=jr.normal(keys[5], (shape.context, width), dtype) / scale,
        blocks=blocks,
        gain=jnp.ones((width,), dtype),
        head=None if shape.tied else normals(6, width, shape.symbols),
        heads=shape.heads,
        dropout=dropout,
        half=half,
    )
