//! The choice tree: how a space is written in Rust.

use crate::Value;
use std::ops::RangeInclusive;

/// A tree of choices. Names make paths: a choice `kernel` in the third repetition of `blocks` within the scope `stage1` is
/// the gene `stage1.blocks[2].kernel`; a choice `kernel` under the option `conv` of `op` is `op.conv.kernel`.
///
/// A choice of a single value is no gene: it is fixed, and a genotype does not mention it.
///
/// ```
/// use nasmyth_space::Tree;
/// let block = Tree::group([
///     Tree::choice("kernel", [3, 5, 7]).default(5),
///     Tree::one_of("op", [("conv", Tree::int("expansion", 1..=6, 1)), ("skip", Tree::nothing())]),
/// ]);
/// let tree = Tree::group([
///     Tree::scope("stage1", Tree::repeat("blocks", 1..=4, block)),
///     Tree::float("dropout", 0.0..=0.5, 5),
/// ]);
/// ```
#[derive(Clone, Debug)]
pub struct Tree {
    pub(crate) kind: Kind,
    pub(crate) default: Option<Value>,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Group(Vec<Tree>),
    Scope(String, Box<Tree>),
    Choice { name: String, options: Vec<Value> },
    Int { name: String, range: RangeInclusive<i64>, step: i64 },
    Float { name: String, range: RangeInclusive<f64>, steps: Option<u32> },
    Repeat { name: String, times: RangeInclusive<usize>, body: Box<Tree> },
    OneOf { name: String, options: Vec<(String, Tree)> },
}

impl Tree {
    fn of(kind: Kind) -> Self {
        Self { kind, default: None }
    }

    /// One of these values, without an order among them.
    pub fn choice<V: Into<Value>>(name: impl Into<String>, options: impl IntoIterator<Item = V>) -> Self {
        Self::of(Kind::Choice { name: name.into(), options: options.into_iter().map(Into::into).collect() })
    }

    /// `true` or `false`.
    pub fn flag(name: impl Into<String>) -> Self {
        Self::choice(name, [false, true])
    }

    /// A whole number: the begin of `range` and every `step` further, up to its end.
    pub fn int(name: impl Into<String>, range: RangeInclusive<i64>, step: i64) -> Self {
        Self::of(Kind::Int { name: name.into(), range, step })
    }

    /// A real number on a grid of `steps` equal steps, both ends included (so `steps + 1` values).
    pub fn float(name: impl Into<String>, range: RangeInclusive<f64>, steps: u32) -> Self {
        Self::of(Kind::Float { name: name.into(), range, steps: Some(steps) })
    }

    /// Any real number of the range. Such a space has no [`count`](crate::Space::count).
    pub fn real(name: impl Into<String>, range: RangeInclusive<f64>) -> Self {
        Self::of(Kind::Float { name: name.into(), range, steps: None })
    }

    /// `body` as often as a gene says; every repetition has genes of its own.
    pub fn repeat(name: impl Into<String>, times: RangeInclusive<usize>, body: Tree) -> Self {
        Self::of(Kind::Repeat { name: name.into(), times, body: Box::new(body) })
    }

    /// All of these (a product).
    pub fn group(parts: impl IntoIterator<Item = Tree>) -> Self {
        Self::of(Kind::Group(parts.into_iter().collect()))
    }

    /// `tree` with `name` before its paths.
    pub fn scope(name: impl Into<String>, tree: Tree) -> Self {
        Self::of(Kind::Scope(name.into(), Box::new(tree)))
    }

    /// One of these (a sum): the genes of a sub-tree exist only under their own option.
    pub fn one_of<N: Into<String>>(
        name: impl Into<String>,
        options: impl IntoIterator<Item = (N, Tree)>,
    ) -> Self {
        let options = options.into_iter().map(|(n, t)| (n.into(), t)).collect();
        Self::of(Kind::OneOf { name: name.into(), options })
    }

    /// No choice at all.
    pub fn nothing() -> Self {
        Self::group([])
    }

    /// The value that this choice has in [`default_genotype`](crate::Space::default_genotype): an option, a number, a number of
    /// repetitions, or the name of an option of [`one_of`](Tree::one_of). Without it, the first or smallest.
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }
}
