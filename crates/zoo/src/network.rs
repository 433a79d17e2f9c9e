//! One network of a family, by name.

use crate::error::nearest;
use crate::{Data, FAMILIES, Family, Member, Net, Numbers, ZooError};
use nasmyth_graph::Graph;

/// A family and its numbers: enough to build a network.
pub struct Network {
    /// Name asked for.
    pub name: String,
    /// Its family.
    pub family: &'static Family,
    /// Its numbers.
    pub numbers: Numbers,
    /// The input and the answers that it was published for.
    pub published: Member,
}

/// What a network is to read and answer, where that is not as published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// Side of the images, or number of tokens.
    pub resolution: Option<usize>,
    /// Channels of the images.
    pub channels: Option<usize>,
    /// Answers.
    pub classes: Option<usize>,
}

/// Every published network, with its family.
pub fn members() -> impl Iterator<Item = (&'static Family, &'static Member)> {
    FAMILIES.iter().flat_map(|&f| f.members.iter().map(move |m| (f, m)))
}

/// The network called `name`: a published one, a family (its first member), or either with numbers of one's own:
/// `resnet50:width=0.5,depths=2/2/2/2`.
///
/// # Errors
/// An unknown name or number (with the nearest known one), a value outside its domain.
pub fn member(name: &str) -> Result<Network, ZooError> {
    let (base, own) = name.split_once(':').unwrap_or((name, ""));
    let family =
        || FAMILIES.iter().filter_map(|&f| Some((f, f.members.first()?))).find(|(f, _)| f.name == base);
    let found = members().find(|(_, m)| m.name == base).or_else(family);
    let (family, member) = found.ok_or_else(|| {
        let known = members().map(|(_, m)| m.name).chain(FAMILIES.iter().map(|f| f.name));
        ZooError::UnknownName { name: base.to_owned(), nearest: nearest(base, known) }
    })?;
    let numbers = Numbers::defaults(family)?.with(member.numbers)?.with(own)?;
    Ok(Network { name: name.to_owned(), family, numbers, published: *member })
}

/// Largest side, channels or classes that are asked for without mistake.
const MOST: usize = 1 << 16;

impl Network {
    /// The graph for this input.
    ///
    /// # Errors
    /// Numbers that do not go together, or an input that the network cannot take, e.g. one smaller than its strides.
    pub fn graph(&self, input: &Input) -> Result<Graph, ZooError> {
        let resolution = self.checked("resolution", input.resolution, self.published.resolution)?;
        let channels = self.checked("channels", input.channels, 3)?;
        let classes = self.checked("classes", input.classes, self.published.classes)?;
        let shape = match self.family.data {
            Data::Images | Data::Pixels => vec![resolution, resolution, channels],
            Data::Tokens => vec![resolution, 2],
        };
        let mut graph = Graph::new(&self.name);
        let at = graph.input(&shape)?;
        let mut net = Net::new(graph, at, classes, 0);
        let built = (self.family.build)(&mut net, &self.numbers);
        // A layer that does not fit is most often the image's fault, and then that is the better message.
        if resolution < net.reduction() {
            return Err(self.wrong(
                "resolution",
                format!("at least {} (the network divides its side by that)", net.reduction()),
                resolution,
            ));
        }
        built?;
        net.graph.output(net.at);
        Ok(net.graph)
    }

    fn checked(
        &self,
        field: &'static str,
        wanted: Option<usize>,
        published: usize,
    ) -> Result<usize, ZooError> {
        let value = wanted.unwrap_or(published);
        match (1..=MOST).contains(&value) {
            true => Ok(value),
            false => Err(self.wrong(field, format!("1 to {MOST}"), value)),
        }
    }

    fn wrong(&self, field: &'static str, expected: String, got: usize) -> ZooError {
        ZooError::Input { network: self.name.clone(), field, expected, got: got.to_string() }
    }
}
