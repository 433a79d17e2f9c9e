//! A tree unfolded into the list of all genes that it can ever have.
//!
//! A repetition unfolds into its largest number of copies and a sum into all of its options, so every gene has one fixed
//! slot, and a condition on one earlier slot that says when it exists. All operations of a space are scans of that list.

use crate::domain::Domain;
use crate::error::nearest;
use crate::tree::{Kind, Tree};
use crate::{Gene, Genotype, SpaceError, Value};
use std::collections::HashMap;
use std::ops::RangeInclusive;

/// More genes than any network has use for; keeps a mistyped repeat from filling the memory.
pub(crate) const MOST_SLOTS: usize = 1 << 16;

/// When a gene exists: the slot that decides, and its least or its only number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum When {
    Always,
    AtLeast(usize, u32),
    Is(usize, u32),
}

#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub path: String,
    pub domain: Domain,
    pub default: Gene,
    pub when: When,
}

/// A gene for every slot that exists under the choices made.
pub(crate) type Chosen = Vec<Option<Gene>>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    list: Vec<Slot>,
    by_path: HashMap<String, usize>,
}

impl Slots {
    /// Unfolds and checks a tree.
    pub fn unfold(tree: &Tree) -> Result<Self, SpaceError> {
        let mut slots = Self::default();
        slots.add(tree, "", When::Always)?;
        Ok(slots)
    }

    /// Without an option of a slot, which must have another one. Genes below the option never exist.
    pub fn without(&mut self, slot: usize, option: u32) {
        let below = |i: u32| if i > option { i - 1 } else { i };
        let Slot { domain, default, .. } = &mut self.list[slot];
        match domain {
            Domain::Options(values) => drop(values.remove(option as usize)),
            Domain::Branch(names) => drop(names.remove(option as usize)),
            _ => return,
        }
        *default = match *default {
            Gene::Index(i) if i != option => Gene::Index(below(i)),
            _ => Gene::Index(0),
        };
        for of in &mut self.list {
            if let When::Is(decides, only) = &mut of.when
                && *decides == slot
            {
                *only = if *only == option { u32::MAX } else { below(*only) };
            }
        }
    }

    /// Adds a copy of all slots of others, with `prefix` before their paths.
    pub fn append(&mut self, prefix: &str, others: &Self) -> Result<(), SpaceError> {
        let begin = self.list.len();
        for slot in &others.list {
            let when = match slot.when {
                When::Always => When::Always,
                When::AtLeast(decides, least) => When::AtLeast(begin + decides, least),
                When::Is(decides, only) => When::Is(begin + decides, only),
            };
            self.insert(Slot { path: format!("{prefix}{}", slot.path), when, ..slot.clone() })?;
        }
        Ok(())
    }

    pub fn list(&self) -> &[Slot] {
        &self.list
    }

    /// Slot of a path.
    pub fn find(&self, path: &str) -> Result<usize, SpaceError> {
        self.by_path.get(path).copied().ok_or_else(|| SpaceError::UnknownPath {
            path: path.to_owned(),
            nearest: nearest(path, self.list.iter().map(|s| s.path.as_str())),
        })
    }

    pub fn exists(&self, slot: usize, chosen: &[Option<Gene>]) -> bool {
        let index = |s: usize| match chosen[s] {
            Some(Gene::Index(i)) => Some(i),
            _ => None,
        };
        match self.list[slot].when {
            When::Always => true,
            When::AtLeast(s, least) => index(s).is_some_and(|i| i >= least),
            When::Is(s, only) => index(s) == Some(only),
        }
    }

    /// Asks `choose` for every free gene that exists, in order.
    pub fn fill<E>(&self, mut choose: impl FnMut(usize, &Slot) -> Result<Gene, E>) -> Result<Chosen, E> {
        let mut chosen: Chosen = vec![None; self.list.len()];
        for (i, slot) in self.list.iter().enumerate() {
            if self.exists(i, &chosen) {
                chosen[i] = Some(if slot.domain.is_free() { choose(i, slot)? } else { slot.default });
            }
        }
        Ok(chosen)
    }

    /// Like [`fill`](Self::fill), for choices that cannot fail.
    pub fn fill_with(&self, mut choose: impl FnMut(usize, &Slot) -> Gene) -> Chosen {
        match self.fill(|i, s| Ok::<_, std::convert::Infallible>(choose(i, s))) {
            Ok(chosen) => chosen,
            Err(never) => match never {},
        }
    }

    /// Slots that hold a gene: existing and free.
    pub fn genes<'a>(&'a self, chosen: &'a [Option<Gene>]) -> impl Iterator<Item = (usize, Gene)> + 'a {
        let free = |&(i, _): &(usize, Gene)| self.list[i].domain.is_free();
        chosen.iter().enumerate().filter_map(|(i, g)| g.map(|g| (i, g))).filter(free)
    }

    pub fn genotype(&self, chosen: &[Option<Gene>]) -> Genotype {
        Genotype::new(self.genes(chosen).map(|(_, g)| g))
    }

    /// The genes in their slots, or what is wrong with them.
    pub fn chosen(&self, space: &str, genotype: &Genotype) -> Result<Chosen, SpaceError> {
        let mut rest = genotype.genes().iter();
        let mut needed = 0;
        let chosen = self.fill(|_, slot| {
            needed += 1;
            let Some(&gene) = rest.next() else { return Ok(slot.default) };
            if slot.domain.contains(gene) { Ok(gene) } else { Err(foreign(slot, gene)) }
        })?;
        match genotype.genes().len() {
            got if got == needed => Ok(chosen),
            got => Err(SpaceError::GenotypeLength { space: space.to_owned(), expected: needed, got }),
        }
    }

    /// The genes in their slots; defaults where they do not fit.
    pub fn repaired(&self, genotype: &Genotype) -> Chosen {
        let mut rest = genotype.genes().iter();
        self.fill_with(|_, slot| {
            rest.next().copied().filter(|&g| slot.domain.contains(g)).unwrap_or(slot.default)
        })
    }

    fn add(&mut self, tree: &Tree, prefix: &str, when: When) -> Result<(), SpaceError> {
        match &tree.kind {
            Kind::Group(parts) => parts.iter().try_for_each(|p| self.add(p, prefix, when)),
            Kind::Scope(name, inner) => self.add(inner, &join(prefix, checked(name, prefix)?), when),
            Kind::Choice { name, options } => {
                let domain = options_domain(&join(prefix, name), options)?;
                self.slot(tree, name, prefix, domain, when).map(drop)
            }
            Kind::Int { name, range, step } => {
                let domain = int_domain(&join(prefix, name), range, *step)?;
                self.slot(tree, name, prefix, domain, when).map(drop)
            }
            Kind::Float { name, range, steps } => {
                let domain = float_domain(&join(prefix, name), range, *steps)?;
                self.slot(tree, name, prefix, domain, when).map(drop)
            }
            Kind::Repeat { name, times, body } => self.repeat(tree, (name, times, body), prefix, when),
            Kind::OneOf { name, options } => self.one_of(tree, name, options, prefix, when),
        }
    }

    fn repeat(
        &mut self,
        tree: &Tree,
        (name, times, body): (&str, &RangeInclusive<usize>, &Tree),
        prefix: &str,
        when: When,
    ) -> Result<(), SpaceError> {
        let path = join(prefix, name);
        let (low, high) = (*times.start(), *times.end());
        if low > high || high > MOST_SLOTS {
            let expected = format!("a range of repetitions that is not empty and ends by {MOST_SLOTS}");
            return Err(SpaceError::Tree { path, expected, got: format!("{times:?}") });
        }
        let domain = Domain::Count { low: low as u32, high: high as u32 };
        let slot = self.slot(tree, name, prefix, domain, when)?;
        for copy in 0..high {
            let least = (copy + 1).saturating_sub(low) as u32;
            self.add(body, &format!("{path}[{copy}]"), When::AtLeast(slot, least))?;
        }
        Ok(())
    }

    fn one_of(
        &mut self,
        tree: &Tree,
        name: &str,
        options: &[(String, Tree)],
        prefix: &str,
        when: When,
    ) -> Result<(), SpaceError> {
        let path = join(prefix, name);
        let names: Vec<Value> = options.iter().map(|(n, _)| Value::Word(n.clone())).collect();
        options_domain(&path, &names)?;
        options.iter().try_for_each(|(n, _)| checked(n, &path).map(drop))?;
        let domain = Domain::Branch(options.iter().map(|(n, _)| n.clone()).collect());
        let slot = self.slot(tree, name, prefix, domain, when)?;
        for (i, (option, inner)) in options.iter().enumerate() {
            self.add(inner, &join(&path, option), When::Is(slot, i as u32))?;
        }
        Ok(())
    }

    fn slot(
        &mut self,
        tree: &Tree,
        name: &str,
        prefix: &str,
        domain: Domain,
        when: When,
    ) -> Result<usize, SpaceError> {
        let path = join(prefix, checked(name, prefix)?);
        let default = match &tree.default {
            None => Some(domain.point(0)),
            Some(value) => domain.gene(value),
        };
        let default = default.ok_or_else(|| SpaceError::Tree {
            path: path.clone(),
            expected: format!("a default that is {}", domain.expected()),
            got: tree.default.as_ref().map_or(String::new(), Value::to_string),
        })?;
        self.insert(Slot { path, domain, default, when })
    }

    /// Adds a slot, whose path must be new; its number.
    fn insert(&mut self, slot: Slot) -> Result<usize, SpaceError> {
        if self.by_path.insert(slot.path.clone(), self.list.len()).is_some() {
            return Err(SpaceError::DuplicatePath { path: slot.path });
        }
        if self.list.len() >= MOST_SLOTS {
            return Err(SpaceError::TooManyGenes { limit: MOST_SLOTS });
        }
        self.list.push(slot);
        Ok(self.list.len() - 1)
    }
}

/// A path one level further down.
pub(crate) fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// The name, if a path can hold it.
fn checked<'n>(name: &'n str, prefix: &str) -> Result<&'n str, SpaceError> {
    let plain = |c: char| c.is_alphanumeric() || "_-+".contains(c);
    if !name.is_empty() && name.chars().all(plain) {
        return Ok(name);
    }
    Err(SpaceError::Tree {
        path: join(prefix, name),
        expected: "a name of letters, digits and `_`, `-`, `+`".to_owned(),
        got: format!("`{name}`"),
    })
}

fn foreign(slot: &Slot, gene: Gene) -> SpaceError {
    let got = match gene {
        Gene::Index(i) => format!("option number {i} (from 0)"),
        Gene::Real(v) => format!("the number {v:?}"),
    };
    SpaceError::Gene { path: slot.path.clone(), expected: slot.domain.expected(), got }
}

fn options_domain(path: &str, options: &[Value]) -> Result<Domain, SpaceError> {
    let wrong = |expected: &str, got: String| {
        Err(SpaceError::Tree { path: path.to_owned(), expected: expected.to_owned(), got })
    };
    if options.is_empty() || options.len() > MOST_SLOTS {
        return wrong("at least one option (and at most 65,536)", options.len().to_string());
    }
    if let Some(v) = options.iter().find(|v| !v.is_writable()) {
        return wrong("finite numbers and words without white space or `=`", format!("{v:?}"));
    }
    let mut seen = std::collections::HashSet::new();
    match options.iter().find(|v| !seen.insert(v.to_string())) {
        Some(twice) => wrong("each option once", format!("`{twice}` twice")),
        None => Ok(Domain::Options(options.to_vec())),
    }
}

fn int_domain(path: &str, range: &RangeInclusive<i64>, step: i64) -> Result<Domain, SpaceError> {
    let (low, high) = (*range.start(), *range.end());
    let count = if low <= high && step > 0 { (high as i128 - low as i128) / step as i128 + 1 } else { 0 };
    match u32::try_from(count) {
        Ok(len) if len > 0 && len < u32::MAX => Ok(Domain::Int { low, step, len }),
        _ => Err(SpaceError::Tree {
            path: path.to_owned(),
            expected: "a range that is not empty, a step above 0, and fewer than 4 billion values".to_owned(),
            got: format!("{low}..={high} in steps of {step}"),
        }),
    }
}

fn float_domain(path: &str, range: &RangeInclusive<f64>, steps: Option<u32>) -> Result<Domain, SpaceError> {
    let (low, high) = (*range.start(), *range.end());
    let finite = low.abs().max(high.abs()) <= 1e300;
    let fine = |steps: u32| (1..=1 << 20).contains(&steps);
    match steps {
        _ if finite && low == high => Ok(Domain::Options(vec![Value::Float(low + 0.0)])),
        Some(steps) if finite && low < high && fine(steps) => Ok(Domain::Grid { low, high, steps }),
        None if finite && low < high => Ok(Domain::Real { low, high }),
        _ => Err(SpaceError::Tree {
            path: path.to_owned(),
            expected: "bounds within 1e300, the smaller first, and 1 to 1,048,576 steps".to_owned(),
            got: format!("{low:?}..={high:?} in {steps:?} steps"),
        }),
    }
}
