//! What the networks of a table are built of, and which of them compute the same.

use crate::table::GeneOptions;
use nasmyth_graph::ops::Linear;
use nasmyth_graph::passes::simplify;
use nasmyth_graph::{Graph, GraphError};
use nasmyth_space::spaces::cell::{OPERATORS, cell};
use nasmyth_space::{Reader, SpaceError};
use std::collections::BTreeMap;

/// Edges of a cell.
const EDGES: usize = 6;

/// The network of a row. NAS-Bench-201's genes become its cell on a small image; of others a table says nothing, and they become a chain
/// with a layer for each gene, different for different genotypes.
pub(crate) fn lower(genes: &[GeneOptions], reader: &Reader<'_>) -> Result<Graph, SpaceError> {
    let words = genes.iter().map(|gene| reader.word(&gene.name)).collect::<Result<Vec<_>, _>>()?;
    if is_cell(genes) {
        return Ok(cell_graph(&words)?);
    }
    let option = |(gene, word): (&GeneOptions, &String)| gene.options.iter().position(|o| o == word);
    Ok(chain(genes.iter().zip(&words).map(|pair| option(pair).unwrap_or_default()))?)
}

/// For each row, given by the options of its genes, the first row that computes the same: the one with the same canonical hash after
/// all passes. `None` where the table does not say what its networks compute.
pub(crate) fn classes(genes: &[GeneOptions], rows: &[Vec<u8>]) -> Option<Vec<u32>> {
    if !is_cell(genes) {
        return None;
    }
    let mut first: BTreeMap<u128, u32> = BTreeMap::new();
    let class = |(row, digits): (usize, &Vec<u8>)| {
        let words = genes.iter().zip(digits).map(|(gene, &digit)| &gene.options[usize::from(digit)]);
        let graph = cell_graph(&words.collect::<Vec<_>>()).and_then(Graph::verify).ok()?;
        Some(*first.entry(simplify(&graph).canonical_hash()).or_insert(row as u32))
    };
    rows.iter().enumerate().map(class).collect()
}

/// All cells of NAS-Bench-201's topology, each given by the operators of its six edges, in classes that compute the same. Cells are
/// counted up, the last edge turning fastest, and classes stand in the order of their first cells.
pub fn cell_classes() -> Vec<Vec<[&'static str; EDGES]>> {
    let count = OPERATORS.len();
    let cells = (0..count.pow(EDGES as u32))
        .map(|i| std::array::from_fn(|edge| (i / count.pow((EDGES - 1 - edge) as u32) % count) as u8));
    let cells: Vec<[u8; EDGES]> = cells.collect();
    let genes = GeneOptions { name: "edge".to_owned(), options: OPERATORS.map(str::to_owned).to_vec() };
    let rows: Vec<Vec<u8>> = cells.iter().map(|cell| cell.to_vec()).collect();
    let classes = classes(&vec![genes; EDGES], &rows).unwrap_or_default();
    let mut members: BTreeMap<u32, Vec<[&str; EDGES]>> = BTreeMap::new();
    for (cell, class) in cells.iter().zip(classes) {
        members.entry(class).or_default().push(cell.map(|operator| OPERATORS[usize::from(operator)]));
    }
    members.into_values().collect()
}

/// Whether the genes are the six edges of NAS-Bench-201's cell, in the order of its strings.
pub(crate) fn is_cell(genes: &[GeneOptions]) -> bool {
    let operators = |gene: &GeneOptions| gene.options.iter().all(|o| OPERATORS.contains(&o.as_str()));
    genes.len() == EDGES && genes.iter().all(operators)
}

pub(crate) fn cell_graph(operators: &[impl AsRef<str>]) -> Result<Graph, GraphError> {
    let mut graph = Graph::new("cell");
    let image = graph.input(&[4, 4, 1])?;
    let output = cell(&mut graph, image, operators)?;
    graph.output(output);
    Ok(graph)
}

/// A layer for each gene, as wide as the number of its option says.
pub(crate) fn chain(options: impl IntoIterator<Item = usize>) -> Result<Graph, GraphError> {
    let mut graph = Graph::new("row");
    let mut at = graph.input(&[1])?;
    for option in options {
        at = graph.push(Linear::new(option + 1), &[at])?;
    }
    graph.output(at);
    Ok(graph)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn genes() -> Vec<GeneOptions> {
        let options: Vec<String> = OPERATORS.map(str::to_owned).to_vec();
        (0..6).map(|i| GeneOptions { name: format!("edge{i}"), options: options.clone() }).collect()
    }

    fn cells() -> Vec<Vec<u8>> {
        (0..5u32.pow(6)).map(|i| (0..6).map(|edge| (i / 5u32.pow(edge) % 5) as u8).collect()).collect()
    }

    fn number_of_classes(cells: &[Vec<u8>]) -> usize {
        classes(&genes(), cells).unwrap().into_iter().collect::<BTreeSet<u32>>().len()
    }

    const ENDS: [(usize, usize); EDGES] = [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)];

    /// The cell where whatever reads a zero is a zero: NAS-Bench-201 counts a normalised convolution of nothing as nothing.
    fn without_zeros(mut cell: Vec<u8>) -> Vec<u8> {
        let mut zero = [false, true, true, true];
        for (edge, (to, from)) in ENDS.into_iter().enumerate() {
            cell[edge] = if zero[from] { 0 } else { cell[edge] };
            zero[to] &= cell[edge] == 0;
        }
        cell
    }

    /// What a cell computes, as a sum of terms in which equal parts have equal names, be they one node or two.
    fn term(cell: &[u8]) -> String {
        let mut nodes = [vec!["x".to_owned()], Vec::new(), Vec::new(), Vec::new()];
        for ((to, from), operator) in ENDS.into_iter().zip(cell).filter(|(_, operator)| **operator != 0) {
            let read = match operator {
                1 => nodes[from].clone(),
                _ => vec![format!("{operator}({})", nodes[from].join("+"))],
            };
            nodes[to].extend(read);
            nodes[to].sort();
        }
        nodes[3].join("+")
    }

    #[test]
    fn a_class_holds_only_networks_of_equal_terms() {
        let cells: Vec<Vec<u8>> = cells().into_iter().map(without_zeros).collect();
        let terms: Vec<String> = cells.iter().map(|cell| term(cell)).collect();
        let classes = classes(&genes(), &cells).unwrap();
        assert_eq!(terms.iter().collect::<BTreeSet<_>>().len(), 4_930);
        // One convolution that is read twice is another network than two convolutions of the same; a sum of sums is rounded otherwise
        // than one sum.
        assert_eq!(classes.iter().collect::<BTreeSet<_>>().len(), 6_147);
        assert!(classes.iter().zip(&terms).all(|(class, term)| terms[*class as usize] == *term));
    }

    #[test]
    fn what_a_normalisation_makes_of_zeros_is_not_zero() {
        // Its bias is learned, so cells with convolutions of nothing are cells of their own.
        assert_eq!(number_of_classes(&cells()), 6_398);
        let pair = |a: [u8; 6], b: [u8; 6]| number_of_classes(&[a.to_vec(), b.to_vec()]);
        // Pooling of nothing is nothing; a 1x1 convolution with batch norm is not; a branch that ends is none.
        assert_eq!(
            (pair([0, 4, 4, 3, 0, 0], [0, 4, 0, 3, 0, 0]), pair([0, 3, 2, 3, 0, 3], [0, 3, 0, 3, 0, 3])),
            (1, 2)
        );
        // The two inner nodes may change places.
        assert_eq!(pair([3, 0, 0, 1, 2, 0], [0, 3, 0, 1, 0, 2]), 1);
    }

    #[test]
    fn other_tables_say_nothing() {
        let genes = vec![GeneOptions { name: "depth".to_owned(), options: vec!["1".to_owned()] }];
        assert_eq!(classes(&genes, &[vec![0]]), None);
    }
}
