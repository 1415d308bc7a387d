"""Training by gradient descent: what a learned family does with its rows.

Everything is one ``lax.while_loop`` with a flag to stop, so that chains side by side train in one
program, each to its own end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import optax
from jax import lax
from jaxtyping import Array, Bool, Float, Int, PyTree

from collapse_theory.corpus import Items
from collapse_theory.errors import InputError, show
from collapse_theory.sampling.counter import uniform

T = TypeVar("T")
OPTIMISERS = ("adam", "adamw", "sgd", "lbfgs")
CHECK = 10  # steps between two looks at held-out rows
HOLD_OUT, PICK, NOISE = range(3)

Loss = Callable[[Any, Any, Any], Array]


class Training(eqx.Module):
    """How a network is trained on weighted rows.

    The loss is the mean over the rows, by their weights. A minibatch is drawn with replacement,
    every row with the probability that its weight gives it, one from each of equal parts of the
    weight: its gradient has the right mean exactly. A loss that is not finite ends the training,
    and the chain: its fits and whatever is measured on them are NaN from then on.

    Fields: ``optimiser`` "adam", "adamw" (weight decay 1e-4), "sgd" (no momentum) or "lbfgs" (line
    search instead of a rate; all rows); ``rate`` the learning rate, > 0; ``steps`` the most
    updates, >= 1; ``batch`` rows of a minibatch, all rows if None; ``clip`` the largest norm of the
    gradient, not clipped if None; ``warm`` start from the last fit instead of from scratch;
    ``tolerance`` stop where the norm of the gradient is at most this; ``validation`` the share of
    the rows held out, in [0, 1): the loss on them is looked at every 10 steps, and the best weights
    are kept; ``patience`` stop after so many looks without a better one, >= 1.

    Raises:
        InputError: a field is out of its range, or "lbfgs" is given minibatches or a clip.

    Example:
        >>> import collapse_theory as ct
        >>> ct.Training("sgd", rate=0.1, steps=200).batch is None
        True
    """

    optimiser: str = "adam"
    rate: float = 1e-2
    steps: int = 1000
    batch: int | None = None
    clip: float | None = None
    warm: bool = False
    tolerance: float = 0.0
    validation: float = eqx.field(static=True, default=0.0)  # whether there is any is structure
    patience: int = 10

    def __check_init__(self) -> None:
        if self.optimiser not in OPTIMISERS:
            raise InputError(
                f"training.optimiser = {show(self.optimiser)}: allowed are {', '.join(OPTIMISERS)}"
            )
        for name, least in (("steps", 1), ("batch", 1), ("patience", 1)):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not int(value) == value >= least):
                raise InputError(f"training.{name} = {show(value)}: a whole number >= 1 is needed")
        for name in ("rate", "clip"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise InputError(f"training.{name} = {show(value)}: a finite number > 0 is needed")
        if not 0 <= self.tolerance < math.inf:
            raise InputError(f"training.tolerance = {show(self.tolerance)}: >= 0 is needed")
        if not 0 <= self.validation < 1:
            raise InputError(f"training.validation = {show(self.validation)}: [0, 1) is allowed")
        if self.optimiser == "lbfgs" and (self.batch, self.clip) != (None, None):
            raise InputError("training.optimiser = 'lbfgs': batch and clip must be left out")

    @property
    def transform(self) -> Any:
        """The optimiser of Optax, its clipping first."""
        made = {
            "adam": lambda: optax.adam(self.rate), "sgd": lambda: optax.sgd(self.rate),
            "adamw": lambda: optax.adamw(self.rate), "lbfgs": optax.lbfgs,
        }[self.optimiser]()  # fmt: skip
        if self.clip is not None:
            made = optax.chain(optax.clip_by_global_norm(self.clip), made)
        return optax.with_extra_args_support(made)


class Course(NamedTuple):
    """Where a training stands.

    Fields: ``arrays`` the weights, ``state`` of the optimiser, ``step`` updates done, ``loss`` the
    last one; ``best``, ``lowest``, ``since``: the best weights on held-out rows, their loss, and
    how many looks ago that was; ``done``.
    """

    arrays: PyTree[Array]
    state: Any
    step: Int[Array, ""]
    loss: Float[Array, ""]
    best: PyTree[Array]
    lowest: Float[Array, ""]
    since: Int[Array, ""]
    done: Bool[Array, ""]


class Problem(NamedTuple):
    """What is minimised: the loss of a module, its static half, the rows, the training, a key.

    Fields: ``held`` which rows are held out; None where none is.
    """

    loss: Loss
    static: Any
    items: Items
    training: Training
    key: Array
    held: Array | None

    @property
    def weight(self) -> Float[Array, " cap"]:
        """Of the rows that are trained on."""
        return self.items.weight if self.held is None else self.items.weight * ~self.held


def train(
    loss: Loss, start: PyTree[Array], static: Any, items: Items, how: tuple[Training, Array]
) -> Course:
    """Minimise the mean loss over weighted rows.

    Args:
        loss: of a module, a row and a key (None where nothing is to be drawn, as in evaluation).
        start: the arrays of the module to begin with.
        static: the rest of it.
        items: the rows.
        how: the training, and the key for all that it draws.

    Returns:
        The last state; ``arrays`` are NaN where the loss was ever not finite.
    """
    training, key = how
    held = _held_out(items, training, jr.fold_in(key, HOLD_OUT)) if training.validation else None
    problem = Problem(loss, static, items, training, key, held)
    dtype = items.weight.dtype
    zero, whole = jnp.zeros((), dtype), jnp.zeros((), jnp.int32)
    begun = Course(
        start, training.transform.init(start), whole, zero, start, zero + jnp.inf, whole,
        jnp.zeros((), bool),
    )  # fmt: skip
    end: Course = lax.while_loop(lambda c: ~c.done, lambda c: _round(problem, c), begun)
    arrays = end.arrays if held is None else end.best
    finite = [jnp.isfinite(a).all() for a in jax.tree.leaves(arrays)]
    broken = ~(jnp.isfinite(end.loss) & jnp.stack(finite).all())
    arrays = jax.tree.map(lambda a: jnp.where(broken, jnp.nan, a), arrays)
    return end._replace(arrays=arrays, loss=jnp.where(broken, jnp.nan, end.loss))


def _round(problem: Problem, course: Course) -> Course:
    """One step; or as many as lie between two looks at the held-out rows, and the look."""
    if problem.held is None:
        return _step(problem, course)

    def unless_done(_: Any, c: Course) -> Course:
        return _chosen(c.done, c, _step(problem, c))

    c: Course = lax.fori_loop(0, CHECK, unless_done, course)
    found = _mean_loss(problem, c.arrays, problem.items.weight * problem.held, None)
    better = found < c.lowest
    since = jnp.where(better, 0, c.since + 1)
    return c._replace(
        best=_chosen(better, c.arrays, c.best), lowest=jnp.where(better, found, c.lowest),
        since=since, done=c.done | (since >= problem.training.patience),
    )  # fmt: skip


def _step(problem: Problem, c: Course) -> Course:
    """One update, unless the gradient is small enough or the loss not finite."""
    training = problem.training

    def objective(arrays: PyTree[Array]) -> Array:
        return _batch_loss(problem, arrays, c.step)

    value, slope = jax.value_and_grad(objective)(c.arrays)
    if training.optimiser == "lbfgs":
        given = {"value": value, "grad": slope, "value_fn": objective}
    else:
        given = {}
    updates, state = training.transform.update(slope, c.state, c.arrays, **given)
    arrays = optax.apply_updates(c.arrays, updates)
    broken = ~jnp.isfinite(value)
    flat = optax.tree.norm(slope) <= training.tolerance
    taken = c._replace(arrays=arrays, state=state, step=c.step + 1)
    after = _chosen(broken | flat, c, taken)
    done = broken | flat | (after.step >= training.steps)
    return after._replace(loss=value.astype(c.loss.dtype), done=done)


def _batch_loss(problem: Problem, arrays: PyTree[Array], step: Array) -> Array:
    """The mean loss over all rows, or over a minibatch of them."""
    training, items = problem.training, problem.items
    noise = jr.fold_in(jr.fold_in(problem.key, NOISE), step)
    if training.batch is None:
        return _mean_loss(problem, arrays, problem.weight, noise)
    below = jnp.cumsum(problem.weight)
    pick = jr.fold_in(jr.fold_in(problem.key, PICK), step)
    u = uniform(pick, (training.batch,), below.dtype)  # in (0, 1]
    part = (jnp.arange(training.batch, dtype=below.dtype) + u) / training.batch
    index = jnp.searchsorted(below, part * below[-1], side="left")  # never a row of weight 0
    rows = jax.tree.map(lambda a: a[jnp.minimum(index, items.capacity - 1)], items.rows)
    return _losses(problem, arrays, rows, noise).mean()


def _mean_loss(
    problem: Problem, arrays: PyTree[Array], weight: Array, noise: Array | None
) -> Array:
    # a slot without weight holds nothing that a loss should see: a row that counts stands in
    index = jnp.where(weight > 0, jnp.arange(len(weight)), jnp.argmax(weight))
    rows = jax.tree.map(lambda a: a[index], problem.items.rows)
    return weight @ _losses(problem, arrays, rows, noise) / weight.sum()


def _losses(problem: Problem, arrays: PyTree[Array], rows: Any, noise: Array | None) -> Array:
    module = eqx.combine(arrays, problem.static)
    count = jax.tree.leaves(rows)[0].shape[0]
    if noise is None:
        return jax.vmap(lambda row: problem.loss(module, row, None))(rows)
    return jax.vmap(lambda row, k: problem.loss(module, row, k))(rows, jr.split(noise, count))


def _held_out(items: Items, training: Training, key: Array) -> Bool[Array, " cap"]:
    """The share of the filled slots that is held out: at least one of them, at most all but one."""
    score = jnp.where(items.filled, uniform(key, (items.capacity,), jnp.float32), 2)
    rank = jnp.argsort(jnp.argsort(score))
    count = items.filled.sum()
    wanted = jnp.round(training.validation * count).astype(rank.dtype)
    return rank < jnp.clip(wanted, 1, jnp.maximum(count - 1, 1))


def _chosen(first: Array, a: T, b: T) -> T:
    one: T = jax.tree.map(lambda x, y: jnp.where(first, x, y), a, b)
    return one
