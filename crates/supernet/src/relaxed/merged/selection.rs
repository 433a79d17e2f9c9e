//! Which choices of a space can be mixed.

use super::genes::{Genes, MOST_MIXED};
use super::network::Merged;
use super::union::{Exit, Frame, Variant};
use crate::relaxed::space::{Choice, Kind, Operator};
use nasmyth_space::{Rng, SpaceError};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeSet;
use std::iter;

/// Random networks by which it is checked that a choice can be mixed with those before it.
const CHECKS: usize = 3;

/// Assignments of the drawn choices, at least, under which all mixed ones are checked together.
const SITES: usize = 6;

/// What the options of a choice do to the richest network in which it exists.
pub(super) struct Sketch {
    /// In how many places networks differ.
    reach: usize,
    kinds: Vec<Kind>,
    /// Vertices: the latest value that the options are made of, and the one that they are part of.
    from: usize,
    to: usize,
    /// Whether the options are a term of a sum.
    term: bool,
    /// Places that have no gene under some of the options.
    below: BTreeSet<usize>,
}

/// A sketch of every choice that might be mixed: of those with few options, of which none changes the shape of a value.
pub(super) fn sketches(genes: &Genes) -> Result<Vec<Option<Sketch>>, SpaceError> {
    let base = Merged::begin(genes, &genes.base)?;
    let sketch = |(place, context): (usize, &Option<Vec<usize>>)| {
        let Some(context) =
            context.as_ref().filter(|_| (2..=MOST_MIXED).contains(&genes.options[place].len()))
        else {
            return Ok(None);
        };
        let mut merged =
            if base.base().exists[place] { base.clone() } else { Merged::begin(genes, context)? };
        let variants = merged.variants(0, place, genes)?;
        Ok(Sketch::of(&merged, place, &variants))
    };
    genes.contexts.iter().enumerate().map(sketch).collect()
}

impl Sketch {
    fn of(merged: &Merged, place: usize, variants: &[Variant]) -> Option<Self> {
        let frame = merged.base();
        let reach = variants.iter().map(Variant::reach).max().filter(|&reach| reach > 0)?;
        if variants.iter().any(|v| v.reshapes) {
            return None;
        }
        let exits: Vec<Exit> = variants.iter().filter_map(Variant::exit).collect();
        let learns = |a: &Frame, b: &Frame| a.beyond(b).any(|v| merged.union.vertices[v].weights);
        let own = if variants.iter().any(|v| learns(frame, &v.frame)) { Kind::Weighted } else { Kind::Free };
        let mut kinds = vec![own; variants.len() + 1];
        for variant in variants {
            kinds[variant.option] = match variant.exit().map(|exit| exit.to) {
                _ if learns(&variant.frame, frame) => Kind::Weighted,
                Some(None) => Kind::None,
                Some(Some(to)) if frame.has(to) => Kind::Skip,
                _ => Kind::Free,
            };
        }
        let exit = exits.first()?;
        let ends = exits.iter().filter(|other| other.from == exit.from).filter_map(|exit| exit.to);
        let from = merged.union.entry(&iter::once(exit.from).chain(ends).collect::<Vec<_>>());
        let below = (0..frame.exists.len())
            .filter(|&p| p != place && variants.iter().any(|v| v.frame.exists[p] != frame.exists[p]));
        Some(Self {
            reach,
            kinds,
            from: from.unwrap_or(0),
            to: exit.sum.unwrap_or(exit.from),
            term: exit.sum.is_some(),
            below: below.collect(),
        })
    }

    /// The choice, between vertices instead of values.
    pub fn choice(&self, name: String, words: Vec<String>) -> Choice {
        let options =
            words.into_iter().zip(&self.kinds).map(|(name, &kind)| Operator { name, kind }).collect();
        Choice { name, from: self.from, to: self.to, sum: self.term.then_some(self.to), options }
    }
}

/// Which places can be mixed: whatever is drawn for the others, random networks of all mixed ones come out right.
pub(super) fn soundly_mixed(genes: &Genes, sketches: &[Option<Sketch>]) -> Result<Vec<bool>, SpaceError> {
    let mut rng = Rng::seed_from_u64(0);
    let order = order(sketches);
    let candidates: Vec<bool> = sketches.iter().map(Option::is_some).collect();
    let mut mixed = sifted(genes, &genes.base, &order, &candidates, &mut rng)?;
    for site in latin_hypercube(genes, &mut rng) {
        let drawn = |place: usize| if mixed[place] { genes.base[place] } else { site[place] };
        let options: Vec<usize> = (0..mixed.len()).map(drawn).collect();
        if !holds_at(genes, &options, &mixed, &mut rng)? {
            mixed = sifted(genes, &options, &order, &mixed, &mut rng)?;
        }
    }
    Ok(mixed)
}

/// Assignments in which every option of every place occurs (McKay, Beckman and Conover 1979).
fn latin_hypercube(genes: &Genes, rng: &mut Rng) -> Vec<Vec<usize>> {
    let sites = genes.options.iter().map(Vec::len).fold(SITES, usize::max);
    let offsets: Vec<usize> =
        genes.options.iter().map(|options| rng.random_range(0..options.len())).collect();
    let mut all: Vec<Vec<usize>> = (0..sites).map(|_| vec![0; offsets.len()]).collect();
    for (place, options) in genes.options.iter().enumerate() {
        let mut order: Vec<usize> = (0..sites).map(|site| (site + offsets[place]) % options.len()).collect();
        order.shuffle(rng);
        all.iter_mut().zip(order).for_each(|(site, option)| site[place] = option);
    }
    all
}

/// Those of the candidates that can be mixed where the others have these options, one after the other.
fn sifted(
    genes: &Genes,
    options: &[usize],
    order: &[usize],
    candidates: &[bool],
    rng: &mut Rng,
) -> Result<Vec<bool>, SpaceError> {
    let mut mixed = vec![false; candidates.len()];
    let mut sites = vec![Merged::begin(genes, options)?];
    for &place in order.iter().filter(|&&place| candidates[place]) {
        mixed[place] = true;
        match with(&sites, place, genes, &mixed, rng)? {
            Some(grown) => sites = grown,
            None => mixed[place] = false,
        }
    }
    Ok(mixed)
}

/// Places in the order in which they are tried: after those that decide whether they exist, those of little reach first.
fn order(sketches: &[Option<Sketch>]) -> Vec<usize> {
    let mut open: BTreeSet<(usize, usize)> =
        sketches.iter().enumerate().filter_map(|(place, s)| Some((s.as_ref()?.reach, place))).collect();
    let mut order = Vec::with_capacity(open.len());
    while !open.is_empty() {
        let above = |place: usize| {
            open.iter().any(|&(_, other)| sketches[other].as_ref().is_some_and(|s| s.below.contains(&place)))
        };
        let next = open.iter().copied().find(|&(_, place)| !above(place)).or_else(|| open.first().copied());
        let Some(next) = next else { break };
        open.remove(&next);
        order.push(next.1);
    }
    order
}

/// The merged networks with one more choice, if it can be mixed.
fn with(
    sites: &[Merged],
    place: usize,
    genes: &Genes,
    mixed: &[bool],
    rng: &mut Rng,
) -> Result<Option<Vec<Merged>>, SpaceError> {
    let mut sites = sites.to_vec();
    if !sites.iter().any(|site| site.has(place)) {
        let Some(context) = &genes.contexts[place] else { return Ok(None) };
        let before: Vec<bool> = mixed.iter().enumerate().map(|(p, &is)| is && p != place).collect();
        let Ok(site) = Merged::new(genes, context, &before) else { return Ok(None) };
        sites.push(site);
    }
    for site in sites.iter_mut().filter(|site| site.has(place)) {
        if site.add(place, genes, mixed).is_err() {
            return Ok(None);
        }
        for _ in 0..CHECKS {
            if !site.holds(genes, mixed, Some(place), rng)? {
                return Ok(None);
            }
        }
    }
    Ok(Some(sites))
}

/// Whether random networks of all mixed choices come out right where the others have these options.
fn holds_at(genes: &Genes, options: &[usize], mixed: &[bool], rng: &mut Rng) -> Result<bool, SpaceError> {
    let Ok(merged) = Merged::new(genes, options, mixed) else { return Ok(false) };
    for _ in 0..CHECKS {
        if !merged.holds(genes, mixed, None, rng)? {
            return Ok(false);
        }
    }
    Ok(true)
}
