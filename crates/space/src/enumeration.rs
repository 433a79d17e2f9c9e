//! All genotypes, one after the other, and how many there are.

use crate::slots::{Chosen, Slots, When};
use crate::{Gene, Genotype, Space};

impl Space {
    /// All genotypes, lazily, in a fixed order: like the pages of a book, the last gene turns fastest. A float range without a
    /// grid contributes eleven points, both ends included; then [`count`](Self::count) is `None` although the iterator ends.
    pub fn enumerate(&self) -> Box<dyn Iterator<Item = Genotype> + '_> {
        if let Some(members) = self.members() {
            return Box::new(members.list().iter().cloned());
        }
        let first = number(self.slots(), |_| None);
        Box::new(Enumeration { slots: self.slots(), next: Some(first) })
    }

    /// Exact number of genotypes; `None` if it is infinite (a float range without a grid) or beyond `u128`.
    pub fn count(&self) -> Option<u128> {
        if let Some(members) = self.members() {
            return Some(members.list().len() as u128);
        }
        let list = self.slots().list();
        let mut below: Vec<Vec<usize>> = vec![Vec::new(); list.len()];
        let mut roots = Vec::new();
        for (i, slot) in list.iter().enumerate() {
            match slot.when {
                When::Always => roots.push(i),
                When::AtLeast(parent, _) | When::Is(parent, _) => below[parent].push(i),
            }
        }
        // Children come after their parents, so their counts are known first.
        let mut counts: Vec<Option<u128>> = vec![None; list.len()];
        for i in (0..list.len()).rev() {
            counts[i] = count_below(self.slots(), i, &below[i], &counts);
        }
        product(roots.iter().map(|&i| counts[i]))
    }
}

/// Genotypes of one gene with all that depends on it.
fn count_below(slots: &Slots, i: usize, below: &[usize], counts: &[Option<u128>]) -> Option<u128> {
    let values = slots.list()[i].domain.len()?;
    if below.is_empty() {
        return Some(values.into());
    }
    (0..values).try_fold(0u128, |sum, v| {
        let exists = |&&c: &&usize| match slots.list()[c].when {
            When::Always => true,
            When::AtLeast(_, least) => v >= least,
            When::Is(_, only) => v == only,
        };
        sum.checked_add(product(below.iter().filter(exists).map(|&c| counts[c]))?)
    })
}

fn product(mut counts: impl Iterator<Item = Option<u128>>) -> Option<u128> {
    counts.try_fold(1u128, |all, count| all.checked_mul(count?))
}

/// For each slot that exists, the number of its value.
type Numbers = Vec<Option<u32>>;

struct Enumeration<'a> {
    slots: &'a Slots,
    next: Option<Numbers>,
}

impl Iterator for Enumeration<'_> {
    type Item = Genotype;

    fn next(&mut self) -> Option<Genotype> {
        let now = self.next.take()?;
        self.next = successor(self.slots, &now);
        Some(self.slots.genotype(&genes(self.slots, &now)))
    }
}

fn genes(slots: &Slots, numbers: &Numbers) -> Chosen {
    let gene = |(slot, n): (&crate::slots::Slot, &Option<u32>)| {
        n.map(|n| if slot.domain.is_free() { slot.domain.point(n) } else { slot.default })
    };
    slots.list().iter().zip(numbers).map(gene).collect()
}

/// The last gene that can be raised is raised; those after it start again.
fn successor(slots: &Slots, now: &Numbers) -> Option<Numbers> {
    let raisable = |i: &usize| now[*i].is_some_and(|n| n + 1 < slots.list()[*i].domain.points());
    let raised = (0..now.len()).rev().find(raisable)?;
    Some(number(slots, |i| match i.cmp(&raised) {
        std::cmp::Ordering::Less => now[i],
        std::cmp::Ordering::Equal => now[i].map(|n| n + 1),
        std::cmp::Ordering::Greater => None,
    }))
}

/// Numbers for every slot that exists, the first where `of` has none.
fn number(slots: &Slots, of: impl Fn(usize) -> Option<u32>) -> Numbers {
    let mut numbers = vec![None; slots.list().len()];
    let mut chosen: Vec<Option<Gene>> = vec![None; numbers.len()];
    for i in 0..numbers.len() {
        if slots.exists(i, &chosen) {
            numbers[i] = Some(of(i).unwrap_or(0));
            chosen[i] = numbers[i].map(Gene::Index);
        }
    }
    numbers
}
