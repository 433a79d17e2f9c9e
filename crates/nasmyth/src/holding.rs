//! Which of the networks that a search found keep their limits when they are measured.

use crate::certificate::Verdict;
use crate::fleet::{Fleet, GUARD};
use crate::{Notice, Observer};
use anyhow::Result;
use nasmyth_device::{Cost, Limit, Limits, format_quantity};
use nasmyth_graph::VerifiedGraph;
use nasmyth_measure::Model;
use nasmyth_study::{GraphHash, Refutation, State};
use std::collections::BTreeSet;

/// Measures networks against the limits on devices.
pub(crate) struct Holding<'a> {
    fleet: &'a Fleet,
    limits: Vec<&'a Limit>,
    held: BTreeSet<u128>,
}

impl<'a> Holding<'a> {
    /// For those limits that can be measured.
    pub fn new(fleet: &'a Fleet, limits: &'a Limits) -> Self {
        let limits = limits.0.iter().filter(|limit| fleet.measures(&limit.cost)).collect();
        Self { fleet, limits, held: BTreeSet::new() }
    }

    /// The first limit that the network breaks on its device. It has to stay below the limit by what two measurements may differ by.
    pub fn refutation(
        &mut self,
        graph: &VerifiedGraph,
        observer: &mut dyn Observer,
    ) -> Result<Option<Refutation>> {
        let hash = graph.canonical_hash();
        if self.limits.is_empty() || self.held.contains(&hash) {
            return Ok(None);
        }
        let model = Model::random(graph.clone(), 0);
        for limit in &self.limits {
            let measured = self.measured(limit, graph, &model, observer)?;
            if measured > limit.bound {
                let predicted =
                    self.fleet.meter().tell(&limit.cost, graph).map_or(measured, |told| told.at_most);
                let limit = (*limit).clone();
                return Ok(Some(Refutation { hash: GraphHash(hash), limit, predicted, measured }));
            }
        }
        self.held.insert(hash);
        Ok(None)
    }

    /// What the network has to count as.
    fn measured(
        &self,
        limit: &Limit,
        graph: &VerifiedGraph,
        model: &Model,
        observer: &mut dyn Observer,
    ) -> Result<u64> {
        let verdict = Verdict::of(limit, graph, model, self.fleet, self.fleet.candidate_time())?;
        let reading = verdict.on_device.and_then(|on_device| on_device.measured);
        let high = reading.as_ref().map_or(verdict.value, |reading| reading.high);
        let counts = ((1.0 + GUARD) * high as f64).ceil() as u64;
        let unit = limit.cost.unit();
        let noisy =
            reading.and_then(|reading| reading.noisy).map_or(String::new(), |noise| format!(" ({noise})"));
        let word = if counts <= limit.bound { "keeps" } else { "may break" };
        let text = format!(
            "measured  {} {}{noisy}: {word} {limit}",
            limit.cost,
            format_quantity(verdict.value, unit)
        );
        observer.notice(&Notice::Remark { text });
        Ok(counts)
    }
}

/// The limits after what measurements have shown: bounds of predictions are lowered by the largest factor that a prediction was too low by.
pub(crate) fn tightened(limits: &Limits, state: &State) -> Limits {
    let factor = |cost: &Cost| {
        let of_cost = state.refuted.iter().filter(|refuted| refuted.limit.cost == *cost);
        of_cost.map(|refuted| refuted.measured as f64 / refuted.predicted.max(1) as f64).fold(1.0, f64::max)
    };
    let tighter = |limit: &Limit| Limit {
        bound: (limit.bound as f64 / factor(&limit.cost)) as u64,
        cost: limit.cost.clone(),
    };
    Limits(limits.0.iter().map(tighter).collect())
}

/// Why a search ends without a network although some were found.
pub(crate) fn nothing_holds(state: &State) -> String {
    let nearest = state.refuted.iter().min_by(|a, b| {
        let excess = |refuted: &Refutation| refuted.limit.excess(refuted.measured);
        excess(a).total_cmp(&excess(b))
    });
    let Some(Refutation { hash, limit, measured, .. }) = nearest else {
        return "no network that was found keeps the limits when it is measured".to_owned();
    };
    let measured = format_quantity(*measured, limit.cost.unit());
    format!(
        "no network that was found keeps {limit} when it is measured: the nearest ({hash}) has to count as {measured}. Raise the limit to at \
         least {measured}, or give the search more time"
    )
}
