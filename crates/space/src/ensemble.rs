//! Ensembles: networks of a space that share their first layers and average their outputs, as one network.
//!
//! Chen, Fu and Ling: "One-Shot Neural Ensemble Architecture Search by Diversity-Guided Search Space Shrinking", CVPR 2021: how many
//! layers the members share is a dimension of the search.
//!
//! The *depth* of a node is the number of layers with weights on the longest way to it from the input, its own included. The *trunk* are the
//! layers of the first member up to some depth, with all that they are computed from; the last layer is never in it. Each other member has
//! its own genes as far as the trunk stays what it is, and those of the first where it would not. So what members share follows from
//! their graphs, whatever the genes of the space mean.

use crate::slots::{Chosen, Slots};
use crate::{Reader, Space, SpaceError, Tree};
use nasmyth_graph::ops::Mean;
use nasmyth_graph::{Graph, GraphError, Node, NodeId, Role, VerifiedGraph};
use std::collections::HashMap;

/// Most members of an ensemble: the published ones have two to four.
pub const MOST_MEMBERS: usize = 8;

/// Path of the gene that says how much is shared.
const SHARED: &str = "shared";

/// Steps of that gene, from nothing to all but the last layer: the default networks of most presets have about as many layers.
const STEPS: u32 = 8;

/// Where the genes and the nodes of a member are; its number follows.
const MEMBER: &str = "member";

/// The ensembles that a space consists of.
#[derive(Clone, Debug)]
pub(crate) struct Ensemble {
    /// What the members are networks of.
    pub base: Space,
    members: usize,
}

impl Space {
    /// The ensembles of so many networks of this space: an ordinary space, whose networks average the outputs of their members (class scores
    /// before softmax, or the numbers of a regression).
    ///
    /// Its genes are `shared`, a share from 0 to 1 of the layers before the last one of the first member that all members have in common,
    /// and those of each member, `member0.` to `member7.` before their paths. Layers that are shared, like the input and what prepares it, stand
    /// once in the graph, under the names that they have in this space; others are named `member0.NAME`, and [`place`] gives the name in
    /// this space. The ensembles of one member are the networks themselves.
    ///
    /// ```
    /// use nasmyth_space::{Context, preset};
    ///
    /// let space = preset("mlp", &Context::table(6, 2))?;
    /// let pairs = space.ensemble(2)?;
    /// let macs = |space: &nasmyth_space::Space, text: &str| -> Result<u64, Box<dyn std::error::Error>> {
    ///     Ok(space.lower(&space.parse(text)?)?.verify()?.macs())
    /// };
    /// let alone = macs(&space, "hidden=2")?;
    /// let same = "member0.hidden=2 member1.hidden=2";
    /// assert_eq!(macs(&pairs, &format!("shared=0.0 {same}"))?, 2 * alone);
    /// let last_layer = 64 * 2;
    /// assert_eq!(macs(&pairs, &format!("shared=1.0 {same}"))?, alone + last_layer);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// No member or more than eight, too many genes, or a space that [`only`](Self::only) has restricted or whose own paths begin with
    /// `member0.`, as those of ensembles do.
    pub fn ensemble(&self, members: usize) -> Result<Self, SpaceError> {
        let wrong = |expected: String, got: String| {
            Err(SpaceError::Tree { path: "ensemble".to_owned(), expected, got })
        };
        if !(1..=MOST_MEMBERS).contains(&members) {
            return wrong(format!("1 to {MOST_MEMBERS} members"), members.to_string());
        }
        if members == 1 {
            return Ok(self.clone());
        }
        if self.members().is_some() {
            return wrong("a space that is not restricted".to_owned(), format!("{} networks", self.name()));
        }
        if self.slots().list().iter().any(|slot| slot.path.starts_with(&scope(0))) {
            return wrong("a space that is no ensemble itself".to_owned(), format!("`{}`", self.name()));
        }
        let mut slots = Slots::unfold(&Tree::float(SHARED, 0.0..=1.0, STEPS).default(0.5))?;
        (0..members).try_for_each(|i| slots.append(&scope(i), self.slots()))?;
        let ensemble = Ensemble { base: self.clone(), members };
        let doc = format!("Ensembles of {members} networks that share their first layers. {}", self.doc());
        Ok(Space::of_ensembles(format!("{}-x{members}", self.name()), doc, slots, ensemble))
    }

    /// What the members of this space's ensembles are networks of; the space itself if it has none.
    pub fn base(&self) -> &Space {
        self.ensembles().map_or(self, |ensemble| &ensemble.base)
    }

    /// The option of the [base](Self::base), written `path=value`, in every member: to leave it out of ensembles.
    pub fn in_members(&self, option: &str) -> Vec<String> {
        match self.ensembles() {
            Some(Ensemble { members, .. }) => (0..*members).map(|i| scope(i) + option).collect(),
            None => vec![option.to_owned()],
        }
    }
}

/// The name that a node of an ensemble has in the space of the members, the name itself for other nodes. Also of what begins with it, such
/// as the keys of tensors.
///
/// ```
/// use nasmyth_space::place;
///
/// assert_eq!(place("member1.stage2.conv_0"), "stage2.conv_0");
/// assert_eq!(place("stage2.conv_0"), "stage2.conv_0");
/// ```
pub fn place(name: &str) -> &str {
    let inside = |rest: &'_ str| -> Option<usize> {
        let (number, rest) = rest.split_once('.')?;
        number.parse::<usize>().ok().map(|_| rest.len())
    };
    let len = name.strip_prefix(MEMBER).and_then(inside).unwrap_or(name.len());
    &name[name.len() - len..]
}

/// What stands before the names of a member.
fn scope(member: usize) -> String {
    format!("{MEMBER}{member}.")
}

impl Ensemble {
    /// The graph of an ensemble.
    pub fn lower(&self, name: &str, genes: &Reader<'_>) -> Result<Graph, SpaceError> {
        let first = self.genes_of(0, genes)?;
        let network = self.network(&first)?;
        let layers = depths(&network)[network.outputs()[0].0].saturating_sub(1);
        let depth = (genes.float(SHARED)? * layers as f64).round() as usize;
        let trunk = Trunk::of(&network, depth);
        let others = (1..self.members)
            .map(|i| Ok(Tied::new(&self.base, &trunk, &first, self.genes_of(i, genes)?).now));
        let others = others.collect::<Result<Vec<Chosen>, SpaceError>>()?;
        let others = others.iter().map(|genes| self.network(genes)).collect::<Result<Vec<_>, _>>()?;
        Ok(merged(name, &[vec![network], others].concat(), depth)?)
    }

    /// The genes of a member, in the slots of the base. Values are compared, as options may have been left out of the ensembles.
    fn genes_of(&self, member: usize, genes: &Reader<'_>) -> Result<Chosen, SpaceError> {
        let genes = genes.scope(scope(member).trim_end_matches('.'));
        self.base.slots().fill(|_, slot| {
            let value = genes.value(&slot.path)?;
            slot.domain.gene(&value).ok_or_else(|| SpaceError::Gene {
                path: slot.path.clone(),
                expected: slot.domain.expected(),
                got: value.to_string(),
            })
        })
    }

    fn network(&self, genes: &Chosen) -> Result<VerifiedGraph, SpaceError> {
        Ok(self.base.lower_chosen(genes)?.verify()?)
    }
}

/// What the members have in common: nodes of the first, by name.
struct Trunk<'a> {
    network: &'a Graph,
    depth: usize,
    nodes: HashMap<&'a str, &'a Node>,
}

impl<'a> Trunk<'a> {
    fn of(network: &'a Graph, depth: usize) -> Self {
        let nodes = in_trunk(network, depth).map(|node| (node.name.as_str(), node)).collect();
        Self { network, depth, nodes }
    }

    /// Whether another network has the same trunk.
    fn is_of(&self, network: &Graph) -> bool {
        let same = |node: &Node| {
            self.nodes.get(node.name.as_str()).is_some_and(|there| {
                let inputs = there.inputs.iter().map(|input| &self.network.node(*input).name);
                same_op(there, node) && inputs.eq(node.inputs.iter().map(|input| &network.node(*input).name))
            })
        };
        let mut count = 0;
        let all = in_trunk(network, self.depth).inspect(|_| count += 1).all(same);
        all && count == self.nodes.len()
    }
}

/// A member whose genes are its own as far as the trunk stays what it is.
struct Tied<'a> {
    base: &'a Space,
    trunk: &'a Trunk<'a>,
    first: &'a Chosen,
    own: Chosen,
    /// Slots that have its own gene.
    free: Vec<bool>,
    /// The genes that this makes.
    now: Chosen,
}

impl<'a> Tied<'a> {
    fn new(base: &'a Space, trunk: &'a Trunk<'a>, first: &'a Chosen, own: Chosen) -> Self {
        let different: Vec<usize> = (0..own.len()).filter(|&i| own[i] != first[i]).collect();
        let mut tied = Self { base, trunk, first, free: vec![false; own.len()], own, now: first.clone() };
        tied.release(&different, false);
        tied
    }

    /// Frees what of these slots can be, all at once or each half by itself; whether all are free. `hopeless`: not all can be.
    fn release(&mut self, slots: &[usize], hopeless: bool) -> bool {
        if !hopeless {
            slots.iter().for_each(|&i| self.free[i] = true);
            if self.keeps_trunk() {
                return true;
            }
            slots.iter().for_each(|&i| self.free[i] = false);
        }
        if slots.len() > 1 {
            let (earlier, later) = slots.split_at(slots.len() / 2);
            let all_earlier = self.release(earlier, false);
            self.release(later, all_earlier);
        }
        false
    }

    /// Whether the trunk is kept with what is free; then that is what the genes are now. Genes of two networks together may be none of a
    /// network: then they do not fit the trunk either.
    fn keeps_trunk(&mut self) -> bool {
        let genes = self.base.slots().fill_with(|i, slot| {
            let both = [self.first[i], self.own[i]];
            let its = usize::from(self.free[i]);
            both[its].or(both[1 - its]).unwrap_or(slot.default)
        });
        let kept = genes == self.now
            || self.base.lower_chosen(&genes).is_ok_and(|network| self.trunk.is_of(&network));
        if kept {
            self.now = genes;
        }
        kept
    }
}

/// The nodes that the trunk is made of: layers up to a depth that an output needs, and all that they are computed from.
fn in_trunk(network: &Graph, depth: usize) -> impl Iterator<Item = &Node> {
    let mut live = vec![false; network.nodes().len()];
    network.outputs().iter().for_each(|output| live[output.0] = true);
    upstream(network, &mut live);
    let depths = depths(network);
    let shallow = |i: usize| live[i] && depths[i] <= depth && is_layer(network, NodeId(i));
    let mut needed: Vec<bool> = (0..live.len()).map(shallow).collect();
    upstream(network, &mut needed);
    network.nodes().iter().zip(needed).filter_map(|(node, needed)| needed.then_some(node))
}

/// Marks all that marked nodes are computed from.
fn upstream(network: &Graph, marked: &mut [bool]) {
    for (i, node) in network.nodes().iter().enumerate().rev() {
        if marked[i] {
            node.inputs.iter().for_each(|input| marked[input.0] = true);
        }
    }
}

/// The depth of each node.
fn depths(network: &Graph) -> Vec<usize> {
    let mut depths: Vec<usize> = Vec::with_capacity(network.nodes().len());
    for (i, node) in network.nodes().iter().enumerate() {
        let before = node.inputs.iter().map(|input| depths[input.0]).max().unwrap_or(0);
        depths.push(before + usize::from(is_layer(network, NodeId(i))));
    }
    depths
}

fn is_layer(network: &Graph, node: NodeId) -> bool {
    network.params_of(node).iter().any(|param| param.role == Role::Weight)
}

fn same_op(a: &Node, b: &Node) -> bool {
    a.op.kind() == b.op.kind() && a.op.attributes() == b.op.attributes()
}

/// The mean of networks; nodes up to this depth stand once where they are those of the first network.
fn merged(name: &str, networks: &[VerifiedGraph], depth: usize) -> Result<Graph, GraphError> {
    let mut graph = Graph::new(name);
    let mut shared: HashMap<&str, NodeId> = HashMap::new();
    let mut answers = Vec::new();
    for (member, network) in networks.iter().enumerate() {
        let mut at: Vec<NodeId> = Vec::with_capacity(network.nodes().len());
        for (node, own_depth) in network.nodes().iter().zip(depths(network)) {
            let inputs: Vec<NodeId> = node.inputs.iter().map(|input| at[input.0]).collect();
            let known = shared
                .get(node.name.as_str())
                .copied()
                .filter(|&id| own_depth <= depth && is(&graph, id, node, &inputs));
            at.push(match known {
                Some(id) => id,
                None if member == 0 && own_depth <= depth => {
                    let id = graph.add(node.name.clone(), node.op.clone(), &inputs)?;
                    shared.insert(&node.name, id);
                    id
                }
                None => graph.add(scope(member) + &node.name, node.op.clone(), &inputs)?,
            });
        }
        answers.push(at[network.outputs()[0].0]);
    }
    graph.enter("ensemble");
    let mean = graph.push(Mean { drop: 0.0 }, &answers)?;
    graph.leave();
    graph.output(mean);
    Ok(graph)
}

/// Whether a node of the graph is this one, with these inputs.
fn is(graph: &Graph, id: NodeId, node: &Node, inputs: &[NodeId]) -> bool {
    let there = graph.node(id);
    same_op(there, node) && there.inputs == inputs
}
