//! The text form: one node a line, and back.
//!
//! ```text
//! graph tiny
//! x = input(shape=[4])
//! h = linear(x, out=3)
//! output h
//! ```

use crate::{Attribute, AttributeReader, Attributes, Graph, GraphError, NodeId, OPS, OpError, VerifiedGraph};
use std::collections::HashMap;
use std::fmt::Write;

impl Graph {
    /// The text form; [`parse`] reads it back.
    pub fn to_text(&self) -> String {
        let mut text = format!("graph {}\n", word(self.name()));
        for node in self.nodes() {
            let inputs = node.inputs.iter().map(|i| self.node(*i).name.clone());
            let attributes = node.op.attributes();
            let arguments = inputs.chain(attributes.iter().map(|(n, v)| format!("{n}={v}")));
            let arguments = arguments.collect::<Vec<_>>().join(", ");
            let _ = writeln!(text, "{} = {}({arguments})", node.name, node.op.kind());
        }
        for output in self.outputs() {
            let _ = writeln!(text, "output {}", self.node(*output).name);
        }
        text
    }
}

/// The name without characters that the text form uses itself.
fn word(name: &str) -> String {
    name.chars().map(|c| if is_word(c) { c } else { '_' }).collect()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.-:/+".contains(c)
}

/// Reads the text form. Empty lines and lines that start with `#` are skipped.
///
/// # Errors
/// The line, and what was expected there.
pub fn parse(text: &str) -> Result<VerifiedGraph, GraphError> {
    let mut graph = Graph::new("graph");
    let mut ids: HashMap<String, NodeId> = HashMap::new();
    for (i, line) in
        text.lines().map(str::trim).enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with('#'))
    {
        let failed = |message: String| GraphError::Text { line: i + 1, message };
        let known = |name: &str| {
            ids.get(name).copied().ok_or_else(|| {
                failed(format!("unknown node `{name}`: a node must be defined before it is used"))
            })
        };
        let directive = |word: &str| line.strip_prefix(word).filter(|rest| !rest.contains('='));
        if let Some(name) = directive("graph ") {
            graph = renamed(graph, &word(name.trim()));
        } else if let Some(name) = directive("output ") {
            graph.output(known(name.trim())?);
        } else {
            let call = Call::read(line).map_err(failed)?;
            let inputs = call.inputs.iter().map(|n| known(n)).collect::<Result<Vec<_>, _>>()?;
            let op = call.op().map_err(|e| failed(e.to_string()))?;
            let id = graph.add(call.name, op, &inputs).map_err(|e| failed(e.to_string()))?;
            if ids.insert(call.name.to_owned(), id).is_some() {
                return Err(failed(format!("node `{}` is defined twice", call.name)));
            }
        }
    }
    graph.verify()
}

fn renamed(graph: Graph, name: &str) -> Graph {
    if graph.nodes().is_empty() { Graph::new(name) } else { graph }
}

/// `name = kind(inputs.., attributes..)`
struct Call<'t> {
    name: &'t str,
    kind: &'t str,
    inputs: Vec<&'t str>,
    attributes: Attributes,
}

impl<'t> Call<'t> {
    fn read(line: &'t str) -> Result<Self, String> {
        const FORM: &str =
            "expected `name = operator(inputs, attribute=value)`, `graph NAME` or `output NAME`";
        let (name, call) = line.split_once('=').ok_or_else(|| format!("{FORM}, got `{line}`"))?;
        let (kind, arguments) = call.split_once('(').ok_or_else(|| format!("{FORM}, got `{line}`"))?;
        let arguments = arguments.trim().strip_suffix(')').ok_or("expected `)` at the end of the line")?;
        let (name, kind) = (name.trim(), kind.trim());
        if name.is_empty() || !name.chars().all(is_word) {
            return Err(format!("expected a node name of letters, digits and _.-:/+, got `{name}`"));
        }
        let mut call = Self { name, kind, inputs: Vec::new(), attributes: Attributes::new() };
        for argument in split_arguments(arguments) {
            match argument.split_once('=') {
                Some((key, value)) => {
                    call.attributes = call.attributes.with(key.trim(), attribute(value.trim())?)
                }
                None => call.inputs.push(argument),
            }
        }
        Ok(call)
    }

    fn op(&self) -> Result<std::sync::Arc<dyn crate::Op>, OpError> {
        let known = || OPS.iter().map(|k| k.name).collect::<Vec<_>>().join(", ");
        let kind = OPS.iter().find(|k| k.name == self.kind);
        let kind = kind.ok_or_else(|| {
            OpError(format!("unknown operator `{}`: expected one of {}", self.kind, known()))
        })?;
        let mut reader = AttributeReader::new(self.attributes.clone());
        let op = (kind.parse)(&mut reader)?;
        reader.finish()?;
        Ok(op)
    }
}

/// Splits at commas outside brackets.
fn split_arguments(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0usize;
    text.split(move |c| {
        depth = match c {
            '[' => depth + 1,
            ']' => depth.saturating_sub(1),
            _ => depth,
        };
        c == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|a| !a.is_empty())
}

fn attribute(text: &str) -> Result<Attribute, String> {
    let int = |t: &str| t.trim().parse::<i64>().map_err(|_| format!("expected a whole number, got `{t}`"));
    if let Some(list) = text.strip_prefix('[') {
        let list = list.strip_suffix(']').ok_or_else(|| format!("expected `]` at the end of `{text}`"))?;
        let items = list.split(',').filter(|t| !t.trim().is_empty());
        return Ok(Attribute::Ints(items.map(int).collect::<Result<_, _>>()?));
    }
    Ok(match (text, text.parse::<i64>(), text.parse::<f64>()) {
        ("true", ..) => Attribute::Bool(true),
        ("false", ..) => Attribute::Bool(false),
        (_, Ok(v), _) => Attribute::Int(v),
        (_, _, Ok(v)) => Attribute::Float(v),
        _ if !text.is_empty() && text.chars().all(is_word) => Attribute::Word(text.to_owned()),
        _ => return Err(format!("expected a value, got `{text}`")),
    })
}
